"""A buffer that is being written, for asyncio."""

import sys
from collections.abc import Awaitable, Callable
from functools import partial
from types import TracebackType
from typing import Any, Protocol, Self, SupportsIndex, TypeVar

import sealbuf
from sealbuf._views import View, buffer_class

T = TypeVar("T")


class Run(Protocol):
    """Runs a call in a thread."""

    def __call__(self, call: Callable[[], T], /) -> Awaitable[T]: ...


@buffer_class
class Writer:
    """As `sealbuf.Writer`: sealed at the end of its block, aborted if the block raises or is
    cancelled. The memory is written to in the event loop, or by whoever is given it."""

    def __init__(self, writer: sealbuf.Writer, run: Run) -> None:
        self._writer = writer
        self._run = run

    @property
    def name(self) -> str:
        """The name it will be published under, and which is taken from now on."""
        return self._writer.name

    @property
    def nbytes(self) -> int:
        """Length in bytes, as created."""
        return self._writer.nbytes

    def memoryview(self) -> View:
        """The memory to write to, with the format and shape of `create`."""
        return self._writer.memoryview()

    if sys.version_info >= (3, 12):

        def __buffer__(self, flags: int) -> View:
            return self._writer.__buffer__(flags)

    @property
    def __array_interface__(self) -> dict[str, Any]:
        return self._writer.__array_interface__

    async def seal(self, nbytes: SupportsIndex | None = None) -> sealbuf.Buffer:
        """Publishes what was written, or its first `nbytes` bytes, and makes it immutable. If it is
        cancelled, it may or may not have been published."""
        return await self._run(partial(self._writer.seal, nbytes))

    async def abort(self) -> None:
        """Gives the memory and the name back."""
        await self._run(self._writer.abort)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        try:
            await self._run(partial(self._writer.__exit__, kind, error, traceback))
        except sealbuf.Error:
            if kind is None:
                raise
            self._writer._abandon()  # no thread was to be had; the block's own exception says more

    def __repr__(self) -> str:
        return repr(self._writer).replace("<sealbuf.", "<sealbuf.aio.", 1)
