"""The version of the client; pyproject.toml takes it from here, `scripts/version` writes it."""

__version__ = "0.1.0.dev0"
