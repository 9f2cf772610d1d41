"""Flame graphs of put and get, client and daemon: `docs/flames`."""
