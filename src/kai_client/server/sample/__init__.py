"""The small e-shop that the local server knows, and the assistant who answers questions about it."""
