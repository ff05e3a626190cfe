"""The HTTP routes, a module per subject."""
