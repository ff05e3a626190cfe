"""Which Kai, and as whom: profiles, tokens, and the checks between here and there."""
