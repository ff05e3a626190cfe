"""What others would write: the clients that ours is held against."""
