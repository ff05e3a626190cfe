"""What the client costs, held against bars: `python -m benchmarks`, from the root of the repository."""
