"""Tables of Arrow in the store: an IPC stream, written where it will be read and read in place.

pyarrow is not imported before it is needed: an object can be one of its tables only if somebody
else has.
"""

from typing import Any, NamedTuple, Self, TypeAlias

from sealbuf._buffer import Buffer
from sealbuf._description import Description
from sealbuf._errors import InvalidRequest
from sealbuf._numpy import is_a
from sealbuf._views import View, written

Table: TypeAlias = Any
"""pyarrow's. It tells type checkers nothing, and strict ones complain of what is unknown."""

_FILE = b"ARROW1"
"""How a file of Arrow begins; a stream begins otherwise."""


class Stream(NamedTuple):
    """A table on its way into the store."""

    table: Any
    nbytes: int
    metadata: bytes

    @classmethod
    def of(cls, table: Any, metadata: bytes) -> Self:
        counted = _pyarrow().MockOutputStream()
        _write(table, counted)
        return cls(table, int(counted.size()), metadata)

    @property
    def description(self) -> Description:
        return Description.of_bytes(self.nbytes)

    @property
    def flat(self) -> View:
        return written(self)

    def write(self, room: View) -> None:
        pa = _pyarrow()
        _write(self.table, pa.FixedSizeBufferWriter(pa.py_buffer(room)))


def is_table(data: object) -> bool:
    """Whether it is a table or a record batch of pyarrow."""
    return is_a(data, "pyarrow", "Table") or is_a(data, "pyarrow", "RecordBatch")


def table_of(buffer: Buffer) -> Table:
    """What a stream or file of Arrow holds. Its columns lie in the Buffer's memory and keep it."""
    pa = _pyarrow()
    opened = pa.ipc.open_file if buffer._view()[: len(_FILE)] == _FILE else pa.ipc.open_stream
    try:
        return opened(pa.py_buffer(buffer.memoryview())).read_all()
    except (pa.ArrowException, OSError) as error:
        raise InvalidRequest(
            f"neither a stream nor a file of Arrow: name={buffer.name} arrow={error}"
        ) from None


def _write(table: Any, sink: Any) -> None:
    with _pyarrow().ipc.new_stream(sink, table.schema) as stream:
        stream.write(table)


def _pyarrow() -> Any:
    try:
        import pyarrow  # noqa: PLC0415 - only here is it needed
    except ImportError:
        raise ImportError("tables need pyarrow: pip install 'sealbuf[arrow]'") from None
    return pyarrow
