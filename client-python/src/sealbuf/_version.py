"""The version of the client, as in pyproject.toml."""

__version__ = "0.1.0.dev0"
