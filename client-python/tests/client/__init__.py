"""The client against a real daemon."""
