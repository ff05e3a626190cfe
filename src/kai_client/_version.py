"""The version, and nothing else: the build and the package read it here."""

__version__ = "1.0.0.dev0"
