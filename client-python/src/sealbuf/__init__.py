"""Immutable buffers shared between processes in kernel-sealed memory."""

__all__: list[str] = []
