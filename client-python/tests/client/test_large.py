"""Buffers longer than 31 bits can count. What crosses languages at that size is `harness.giant`."""

import os
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager

import numpy as np
import pytest

import sealbuf
from harness.daemon import Daemon
from harness.process import rss_anon

MIB = 1 << 20
NBYTES = 2112 * MIB + 1
PRIVATE_MAX = 64 * MIB


@pytest.fixture
def roomy(fresh_daemon: Callable[..., AbstractContextManager[Daemon]]) -> Iterator[str]:
    with fresh_daemon(capacity="2200MiB") as daemon:
        yield daemon.path


@pytest.mark.timeout(120)
def test_more_than_2_gib_is_written_read_and_sliced_in_place(roomy: str) -> None:
    with sealbuf.connect(roomy, timeout=60) as store, sealbuf.connect(roomy) as reader:
        before = rss_anon(os.getpid())
        marks = {at: at.to_bytes(8, "little") for at in range(0, NBYTES - 8, 64 * MIB)}
        with store.create("large", nbytes=NBYTES) as writer:
            view = writer.memoryview()
            for at, mark in marks.items():
                view[at : at + 8] = mark
            view[-1] = 7
        buffer = reader.get("large")
        assert len(buffer) == buffer.nbytes == len(buffer.memoryview()) == NBYTES
        assert buffer.shape == (NBYTES,)
        assert {at: buffer[at : at + 8].tobytes() for at in marks} == marks
        assert buffer[-1] == buffer[NBYTES - 1] == 7
        assert len(buffer[1 << 31 :]) == NBYTES - (1 << 31)
        assert np.asarray(buffer).shape == (NBYTES,)
        assert int(np.asarray(buffer)[-1]) == 7
        (entry,) = reader.list("large")
        assert (entry.nbytes, entry.shape) == (NBYTES, (NBYTES,))
        assert rss_anon(os.getpid()) - before < PRIVATE_MAX
