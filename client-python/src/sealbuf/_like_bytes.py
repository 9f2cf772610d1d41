"""What a Buffer has in common with `bytes` and with memoryview: the table of their methods.

A row names the method that it stands for, whose signature it takes over, and what answers in its
place:

- a question (`find`, `count`, `isdigit`, ...) is answered from the memory itself;
- what is part of the content (`split`, `strip`, `partition`, ...) is a Buffer over that memory;
- what is new (`upper`, `replace`, `+`, ...) is bytes.

A Buffer has the methods of `bytes` while it is bytes. As items of another format it has not: there
they are an AttributeError, as they are of the memoryview that it behaves as. The methods of
memoryview it always has, but for `release`, which would end it for all who use it.
"""

import operator
from collections.abc import Callable
from operator import index
from types import MethodType
from typing import Any, Concatenate, Generic, ParamSpec, Self, TypeVar, overload

from sealbuf import _answers as answers
from sealbuf._answers import Seen
from sealbuf._views import View

P = ParamSpec("P")
R = TypeVar("R")


class OfView(Generic[P, R]):
    """A method of memoryview, and what answers in its place."""

    def __init__(self, like: Callable[Concatenate[Any, P], object], answer: Callable[..., R]):
        self.__doc__ = like.__doc__
        self._answer = answer

    def __set_name__(self, _: type, name: str) -> None:
        self._name = name
        told = {"__name__": name, "__qualname__": f"Buffer.{name}", "__doc__": self.__doc__}
        for attribute, value in told.items():  # for help, and for what Python says of arguments
            setattr(self._answer, attribute, value)

    @overload
    def __get__(self, buffer: None, kind: type) -> Self: ...
    @overload
    def __get__(self, buffer: Seen, kind: type) -> Callable[P, R]: ...
    def __get__(self, buffer: Seen | None, kind: type) -> Any:
        if buffer is None:
            return self
        self._check(buffer)
        return MethodType(self._answer, buffer)

    def __call__(self, buffer: Seen, *given: P.args, **named: P.kwargs) -> R:
        """As `Buffer.find(buffer, b"x")` has it, or `map(Buffer.strip, parts)`."""
        return self.__get__(buffer, type(buffer))(*given, **named)

    def _check(self, buffer: Seen) -> None:
        """A Buffer always has it."""


class OfBytes(OfView[P, R]):
    """A method of `bytes`."""

    def _check(self, buffer: Any) -> None:
        if not buffer._is_bytes():
            raise AttributeError(
                f"only a buffer of bytes has {self._name!r}: format={buffer.format!r} "
                f"shape={buffer.shape}",
                name=self._name,
                obj=buffer,
            )


class Of(Generic[R]):
    """A property of memoryview."""

    def __set_name__(self, _: type, name: str) -> None:
        self._name = name
        self.__doc__ = getattr(memoryview, name).__doc__

    @overload
    def __get__(self, buffer: None, kind: type) -> Self: ...
    @overload
    def __get__(self, buffer: Seen, kind: type) -> R: ...
    def __get__(self, buffer: Seen | None, kind: type) -> Any:
        return self if buffer is None else getattr(buffer._as_view(), self._name)


def _new(like: Callable[Concatenate[bytes, P], bytes]) -> OfBytes[P, bytes]:
    """What `bytes` makes of a copy."""
    make: Callable[..., bytes] = like

    def made(buffer: Seen, *given: Any, **named: Any) -> bytes:
        named = {key: answers.plain(value) for key, value in named.items()}
        return make(buffer.to_bytes(), *map(answers.plain, given), **named)

    return OfBytes(like, made)


def _viewed(like: Callable[Concatenate[View, P], R]) -> OfView[P, R]:
    """What a memoryview of it says."""
    ask: Callable[..., R] = like

    def said(buffer: Seen, *given: Any, **named: Any) -> R:
        return ask(buffer._as_view(), *given, **named)

    return OfView(like, said)


_ANY = rb"."
_UNTITLED = rb"[A-Za-z][A-Z]|(?<![A-Za-z])[a-z]"
"""Capitals inside words, and words that begin with none."""


class LikeBytes(Seen):
    """See above."""

    __slots__ = ()

    find = OfBytes(bytes.find, answers.find)
    rfind = OfBytes(bytes.rfind, answers.rfind)
    index = OfBytes(bytes.index, answers.indexer(answers.find))
    rindex = OfBytes(bytes.rindex, answers.indexer(answers.rfind))
    count = OfBytes(bytes.count, answers.count)
    startswith = OfBytes(bytes.startswith, answers.startswith)
    endswith = OfBytes(bytes.endswith, answers.endswith)
    isalnum = OfBytes(bytes.isalnum, answers.asked(rb"[^0-9A-Za-z]", _ANY))
    isalpha = OfBytes(bytes.isalpha, answers.asked(rb"[^A-Za-z]", _ANY))
    isascii = OfBytes(bytes.isascii, answers.asked(rb"[\x80-\xff]", rb""))
    isdigit = OfBytes(bytes.isdigit, answers.asked(rb"[^0-9]", _ANY))
    islower = OfBytes(bytes.islower, answers.asked(rb"[A-Z]", rb"[a-z]"))
    isspace = OfBytes(bytes.isspace, answers.asked(rb"\S", _ANY))
    istitle = OfBytes(bytes.istitle, answers.asked(_UNTITLED, rb"[A-Z]"))
    isupper = OfBytes(bytes.isupper, answers.asked(rb"[a-z]", rb"[A-Z]"))

    split = OfBytes(bytes.split, answers.split)
    rsplit = OfBytes(bytes.rsplit, answers.rsplit)
    splitlines = OfBytes(bytes.splitlines, answers.splitlines)
    partition = OfBytes(bytes.partition, answers.partition)
    rpartition = OfBytes(bytes.rpartition, answers.rpartition)
    strip = OfBytes(bytes.strip, answers.stripper(left=True, right=True))
    lstrip = OfBytes(bytes.lstrip, answers.stripper(left=True, right=False))
    rstrip = OfBytes(bytes.rstrip, answers.stripper(left=False, right=True))
    removeprefix = OfBytes(bytes.removeprefix, answers.removeprefix)
    removesuffix = OfBytes(bytes.removesuffix, answers.removesuffix)

    decode = OfBytes(bytes.decode, answers.decode)
    join = OfBytes(bytes.join, answers.join)
    capitalize = _new(bytes.capitalize)
    center = _new(bytes.center)
    expandtabs = _new(bytes.expandtabs)
    ljust = _new(bytes.ljust)
    lower = _new(bytes.lower)
    replace = _new(bytes.replace)
    rjust = _new(bytes.rjust)
    swapcase = _new(bytes.swapcase)
    title = _new(bytes.title)
    translate = _new(bytes.translate)
    upper = _new(bytes.upper)
    zfill = _new(bytes.zfill)

    __lt__ = answers.ordered(operator.lt)
    __le__ = answers.ordered(operator.le)
    __gt__ = answers.ordered(operator.gt)
    __ge__ = answers.ordered(operator.ge)

    hex = _viewed(View.hex)
    tobytes = _viewed(View.tobytes)
    tolist = _viewed(View.tolist)
    ndim = Of[int]()
    contiguous = Of[bool]()
    c_contiguous = Of[bool]()
    f_contiguous = Of[bool]()
    suboffsets = Of[tuple[int, ...]]()

    def cast(self, format: str, shape: Any = None) -> View:  # noqa: A002 - memoryview's name for it
        """A view of the same memory with that format and shape, as memoryview.cast makes it."""
        cast: Any = self.memoryview().cast
        view: View = cast(format) if shape is None else cast(format, shape)
        return view

    def toreadonly(self) -> View:
        """A view of the same memory, which is read-only anyway."""
        return self.memoryview()

    def __add__(self, other: Any) -> Any:
        foreign = hasattr(other, "__radd__") and not isinstance(other, LikeBytes)
        if foreign or not self._is_bytes():
            return NotImplemented
        return b"".join((self._view(), answers.plain(other)))

    def __radd__(self, other: Any) -> Any:
        if not isinstance(other, bytes | bytearray) or not self._is_bytes():
            return NotImplemented
        return other + self._view()

    def __mul__(self, times: Any) -> Any:
        try:
            return self.to_bytes() * index(times) if self._is_bytes() else NotImplemented
        except TypeError:
            return NotImplemented

    __rmul__ = __mul__

    def __mod__(self, given: Any) -> Any:
        if not self._is_bytes():
            return NotImplemented
        return self.to_bytes() % (given.to_bytes() if isinstance(given, LikeBytes) else given)
