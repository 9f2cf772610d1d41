"""Tables of Arrow: written where they are read, read in place, and refused in words."""

import gc
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

import sealbuf
from sealbuf._limits import PUT_MAX

ALLOWED = 1 << 20
ROWS = 200_000

TABLES: dict[str, Callable[[], Any]] = {
    "numbers": lambda: pa.table({"x": range(10), "y": [at / 2 for at in range(10)]}),
    "nothing": lambda: pa.table({}),
    "no rows": lambda: pa.table({"x": pa.array([], "int8")}),
    "gaps and text": lambda: pa.table({"t": ["one", None, "", "ü"], "l": [[1], [], None, [2]]}),
    "dictionary": lambda: pa.table({"d": pa.DictionaryArray.from_arrays([0, 1, 0], ["a", "b"])}),
    "structures": lambda: pa.table({"s": [{"a": 1, "b": "x"}, None]}),
    "several chunks": lambda: pa.table({"c": pa.chunked_array([[1, 2], [3]])}),
    "with metadata": lambda: pa.table({"x": [1]}).replace_schema_metadata({"made": "here"}),
    "a slice": lambda: pa.table({"x": range(1000)}).slice(500, 3),
    "large": lambda: pa.table({"x": np.arange(ROWS), "t": ["text"] * ROWS}),
}


@pytest.mark.parametrize("what", TABLES)
def test_a_table_arrives_as_it_was(path: str, name: str, what: str) -> None:
    table = TABLES[what]()
    with sealbuf.connect(path) as store:
        buffer = store.put(table, name, metadata=b"kept")
        assert (buffer.format, buffer.metadata) == ("B", b"kept")
        assert (buffer.nbytes > PUT_MAX) == (what == "large")
        arrived = store.get_arrow(name)
        assert arrived.equals(table, check_metadata=True)
        assert within(arrived, store.get(name))
        store.delete(name)
    del buffer
    gc.collect()
    assert arrived.equals(table)


def within(table: Any, buffer: sealbuf.Buffer) -> bool:
    """Whether all that it consists of lies in that memory."""
    parts = [
        part
        for column in table.columns
        for chunk in column.chunks
        for part in chunk.buffers()
        if part is not None and part.size
    ]
    first = buffer.address
    return all(
        first <= part.address and part.address + part.size <= first + buffer.nbytes
        and not part.is_mutable
        for part in parts
    )  # fmt: skip


def test_a_batch_becomes_a_table(path: str, name: str) -> None:
    batch = pa.record_batch({"x": [1, 2, 3]})
    with sealbuf.connect(path) as store:
        store.put(batch, name)
        assert store.get_arrow(name).equals(pa.Table.from_batches([batch]))
        store.delete(name)


def test_a_file_is_read_as_well(path: str, name: str) -> None:
    table = TABLES["numbers"]()
    sink = pa.BufferOutputStream()
    with pa.ipc.new_file(sink, table.schema) as file:
        file.write(table)
    with sealbuf.connect(path) as store:
        store.put(sink.getvalue(), name)
        assert store.get_arrow(name).equals(table)
        assert within(store.get_arrow(name), store.get(name))
        store.delete(name)


def test_nothing_of_a_large_table_is_copied_but_into_shared_memory(path: str, name: str) -> None:
    table, pool = pa.table({"x": np.arange(4 << 20)}), pa.default_memory_pool()

    def whole_way(store: sealbuf.Store, table: Any) -> int:
        store.put(table, name)
        numbers = store.get_arrow(name)["x"].chunk(0).to_numpy()
        store.delete(name)
        return int(numbers.sum())

    with sealbuf.connect(path) as store:
        whole_way(store, table.slice(0, 100_000))
        before, most = private(), pool.max_memory()
        assert whole_way(store, table) == (1 << 43) - (1 << 21)
        assert pool.max_memory() - most < ALLOWED
        assert private() - before < ALLOWED


def private() -> int:
    status = Path("/proc/self/status").read_text()
    return int(status.partition("RssAnon:")[2].split()[0]) * 1024


@pytest.mark.parametrize("rows", [10, ROWS], ids=["small", "large"])
def test_it_is_put_on_the_terms_of_put(path: str, name: str, rows: int) -> None:
    table, other = pa.table({"x": range(rows)}), pa.table({"x": range(rows, 2 * rows)})
    with sealbuf.connect(path) as store:
        store.put(table, name)
        with pytest.raises(sealbuf.AlreadyExists):
            store.put(other, name)
        store.put(other, name, replace=True)
        assert store.get_arrow(name).equals(other)
        with pytest.raises(sealbuf.InvalidName):
            store.put(table, "")
        with pytest.raises(sealbuf.Timeout):
            store.get_arrow(name, 0.01, newer_than=store.get(name).version)
        with sealbuf.connect(path) as other_store:
            other_store.put(table, f"{name}/session", lifetime="session", ttl=3600)
            assert store.get_arrow(f"{name}/session").equals(table)
        while f"{name}/session" in store:
            store.ping()
        unnamed = store.put(table)
        assert store.get_arrow(unnamed.name).equals(table)
        found = store.get_or_create(f"{name}/made", lambda: table)
        assert store.get_arrow(found.name).equals(table)
        assert list(store.put_many({f"{name}/1": table, f"{name}/2": b"bytes"})) == [
            f"{name}/1", f"{name}/2"
        ]  # fmt: skip
        assert store.get_arrow(f"{name}/1").equals(table)
        store.delete(name, found.name, f"{name}/1", f"{name}/2")


@pytest.mark.parametrize(
    "data", [b"", b"hello world", b"ARROW1", b"ARROW1\0\0" + bytes(100), bytes(64), np.ones((2, 3))]
)
def test_what_is_no_table_is_refused_in_words(path: str, name: str, data: Any) -> None:
    with sealbuf.connect(path) as store:
        store.put(data, name)
        with pytest.raises(sealbuf.InvalidRequest) as caught:
            store.get_arrow(name)
        assert caught.value.message.startswith(
            f"neither a stream nor a file of Arrow: name={name} arrow="
        )
        store.delete(name)
        with pytest.raises(sealbuf.NotFound):
            store.get_arrow(name)


def test_a_stream_that_was_cut_off_is_refused_or_shorter(path: str, name: str) -> None:
    table = TABLES["gaps and text"]()
    with sealbuf.connect(path) as store:
        whole = store.put(table, name)
        for at in range(0, whole.nbytes, 8):
            part = store.put(whole[:at], f"{name}/cut", replace=True)
            with suppress(sealbuf.InvalidRequest):
                assert store.get_arrow(part.name).num_rows in (0, table.num_rows)
        store.delete(name, f"{name}/cut")


def test_objects_of_other_libraries_say_what_they_are(path: str) -> None:
    with sealbuf.connect(path) as store, pytest.raises(TypeError):
        store.put(pa.schema([]))
