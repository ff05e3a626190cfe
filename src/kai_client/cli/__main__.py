"""`python -m kai_client.cli` is `kai`."""

from . import main

if __name__ == "__main__":
    main()
