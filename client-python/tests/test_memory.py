"""Mappings: who owns the memory, what is checked before it is mapped, and what a seal leaves."""

import fcntl
import gc
import os
import signal
import weakref
from pathlib import Path
from typing import Any

import pytest

import sealbuf
from helpers import child
from helpers.segments import Memfd, memfd
from sealbuf import _memory as memory
from sealbuf._memory import HUGE_PAGE, LENT_SEALS, SEAL_WRITE, SEALED, SHARED_SEALS, Mapping

PAGE = 4096


def sealed(segment: Memfd) -> Mapping:
    """Seals a segment and maps it as a reader does."""
    segment.unmap()
    segment.seal(SEALED)
    fd = segment.open()
    try:
        return Mapping.sealed(fd, segment.nbytes)
    finally:
        os.close(fd)


def lent(segment: Memfd) -> Mapping:
    segment.unmap()
    segment.seal(LENT_SEALS)
    fd = segment.open(os.O_RDWR)
    try:
        return Mapping.lent(fd, segment.nbytes)
    finally:
        os.close(fd)


def memfd_mappings() -> int:
    return Path("/proc/self/maps").read_text().count("memfd:test")


def test_a_view_keeps_its_memory_when_all_else_is_gone() -> None:
    with memfd(PAGE) as segment:
        segment.memory[:5] = b"hello"
        view = sealed(segment).view()[:5]
    gc.collect()
    assert bytes(view) == b"hello"
    before = memfd_mappings()
    del view
    assert memfd_mappings() == before - 1


def test_a_mapping_costs_no_descriptor() -> None:
    with memfd(PAGE) as segment:
        segment.unmap()
        before = len(list(Path("/proc/self/fd").iterdir()))
        mapping = sealed(segment)
        assert len(list(Path("/proc/self/fd").iterdir())) == before
        assert mapping.view().nbytes == PAGE


def test_a_readers_view_is_read_only() -> None:
    with memfd(PAGE) as segment:
        view = sealed(segment).view()
        assert view.readonly
        with pytest.raises(TypeError, match="cannot modify read-only memory"):
            view[0] = 1


@pytest.mark.parametrize("nbytes", [HUGE_PAGE, HUGE_PAGE + PAGE, 5 * HUGE_PAGE])
def test_large_segments_lie_at_multiples_of_2_mib(nbytes: int) -> None:
    with memfd(nbytes) as segment:
        segment.memory[-1] = 7
        mapping = sealed(segment)
        assert mapping.address % HUGE_PAGE == 0
        assert memory.address_of(mapping.view()) == mapping.address
        assert mapping.view()[-1] == 7


def test_a_seal_waits_for_a_writable_mapping_and_not_for_one_laid_over() -> None:
    with memfd(PAGE) as segment:
        mapping = lent(segment)
        view = mapping.view()
        view[:5] = b"hello"
        with pytest.raises(OSError, match="busy"):  # the negative control
            segment.seal(SEAL_WRITE)
        reading = segment.open()
        mapping.seal_read_only(reading)
        os.close(reading)
        segment.seal(SEAL_WRITE)
        assert view[:5].tobytes() == b"hello"


def test_a_view_of_an_abandoned_mapping_shows_private_memory() -> None:
    with memfd(PAGE) as segment:
        mapping = lent(segment)
        view = mapping.view()
        view[:5] = b"hello"
        mapping.abandon()
        assert view[:5].tobytes() == bytes(5)
        view[:5] = b"mine!"
        assert os.pread(segment.fd, 5, 0) == b"hello"
        segment.seal(SEAL_WRITE)


def test_a_write_after_the_seal_ends_that_process_alone() -> None:
    done = child.run("""
        import os
        from sealbuf._memory import Mapping
        fd = os.memfd_create("test", os.MFD_ALLOW_SEALING)
        os.ftruncate(fd, 4096)
        import fcntl
        fcntl.fcntl(fd, fcntl.F_ADD_SEALS, 0x6)
        mapping = Mapping.lent(os.open(f"/proc/self/fd/{fd}", os.O_RDWR), 4096)
        view = mapping.view()
        view[0] = 1
        mapping.seal_read_only(os.open(f"/proc/self/fd/{fd}", os.O_RDONLY))
        print(view[0], view.readonly, flush=True)
        view[0] = 2
        print("survived")
    """)
    assert (done.returncode, done.stdout) == (-signal.SIGSEGV, "1 False\n")


@pytest.mark.parametrize(
    ("seals", "required"),
    [
        (0, SHARED_SEALS),
        (SHARED_SEALS & ~memory.SEAL_FUTURE_WRITE, SHARED_SEALS),
        (SHARED_SEALS & ~memory.SEAL_SEAL, SHARED_SEALS),
        (SHARED_SEALS, SEALED),
        (memory.SEAL_SHRINK, LENT_SEALS),
    ],
)
def test_a_descriptor_without_its_seals_is_refused(seals: int, required: int) -> None:
    with memfd(PAGE, seals) as segment, pytest.raises(sealbuf.ProtocolError) as caught:
        memory.check_segment(segment.fd, PAGE, required)
    assert caught.value.message == (
        f"segment without its seals: seals=0x{seals:x} required=0x{required:x}"
    )


@pytest.mark.parametrize("stated", [0, PAGE - 1, PAGE + 1, 2**53 - 1])
def test_a_segment_of_another_size_is_refused(stated: int) -> None:
    with memfd(PAGE) as segment, pytest.raises(sealbuf.ProtocolError) as caught:
        memory.check_segment(segment.fd, stated, 0)
    assert caught.value.message == f"segment of another size: bytes={PAGE} stated={stated}"


def test_what_cannot_be_sealed_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_bytes(bytes(PAGE))
    with file.open("rb") as opened, pytest.raises(sealbuf.ProtocolError) as caught:
        memory.check_segment(opened.fileno(), PAGE, SEALED)
    # tmpfs has seals, among them the one against seals; disks have none.
    assert caught.value.message in {
        "not a sealable segment: Invalid argument",
        f"segment without its seals: seals=0x1 required=0x{SEALED:x}",
    }


@pytest.mark.shows(32)
def test_segments_are_mapped_up_to_the_limit_and_not_beyond() -> None:
    with memfd(PAGE) as segment:
        kept = [sealed(segment)]
        fd = segment.open()
        kept += [Mapping.sealed(fd, PAGE) for _ in range(memory.MAPPINGS_MAX - 1)]
        with pytest.raises(sealbuf.TooManyMappings) as caught:
            Mapping.sealed(fd, PAGE)
        assert caught.value.message == (
            "this process maps as many buffers as it safely can: mappings=16384 max=16384"
        )
        kept.pop()
        kept.append(Mapping.sealed(fd, PAGE))
        kept.clear()
        os.close(fd)


@pytest.mark.shows(32)
def test_when_the_kernel_has_no_mapping_left_it_is_a_typed_error() -> None:
    out = child.output("""
        import os, resource
        import sealbuf
        from sealbuf._memory import Mapping, SEALED
        import fcntl
        fd = os.memfd_create("test", os.MFD_ALLOW_SEALING)
        os.ftruncate(fd, 1 << 30)
        fcntl.fcntl(fd, fcntl.F_ADD_SEALS, SEALED)
        resource.setrlimit(resource.RLIMIT_AS, (1 << 30, 1 << 30))
        try:
            Mapping.sealed(os.open(f"/proc/self/fd/{fd}", os.O_RDONLY), 1 << 30)
        except sealbuf.TooManyMappings as error:
            print(error.message)
    """)
    assert out == (
        f"the kernel refuses another mapping: bytes={(1 << 30) + HUGE_PAGE} "
        "error=Cannot allocate memory\n"
    )


def test_a_mapping_that_fails_leaves_no_hole_in_its_range() -> None:
    with memfd(PAGE) as segment:
        mapping = lent(segment)
        writing_only = segment.open(os.O_WRONLY)
        with pytest.raises(OSError, match="Permission denied"):
            mapping.seal_read_only(writing_only)
        os.close(writing_only)
        assert mapping.view()[:5].tobytes() == bytes(5)


def test_a_mapping_is_let_go_with_its_last_reference() -> None:
    with memfd(HUGE_PAGE) as segment:
        mapping = sealed(segment)
        view, gone = mapping.view(), weakref.ref(mapping)
        del mapping
        assert gone() is view.obj
        part = view[10:20]
        del view
        assert gone() is not None
        del part
        assert gone() is None


def test_a_mapping_is_not_closed_or_moved_by_hand() -> None:
    with memfd(PAGE) as segment:
        mapping = lent(segment)
        with pytest.raises(BufferError, match=r"^a segment is unmapped with its last view"):
            mapping.close()
        with pytest.raises(BufferError, match=r"^a segment has one size: bytes=4096 asked=8192$"):
            mapping.resize(2 * PAGE)
        assert mapping.view()[:5].tobytes() == bytes(5)


def test_bytes_are_copied_and_compared_whatever_their_format() -> None:
    with memfd(PAGE) as segment:
        mapping = lent(segment)
        source: Any = memoryview(bytes(range(64))).cast("d", (2, 4))
        memory.copy(source, mapping.view())
        assert mapping.view()[:64].tobytes() == bytes(range(64))
        assert memory.equal(mapping.view()[:64], memoryview(bytes(range(64))))
        assert not memory.equal(mapping.view()[:64], memoryview(bytes(64)))
        assert not memory.equal(mapping.view()[:63], memoryview(bytes(range(64))))
        assert memory.equal(mapping.view()[:0], memoryview(b""))


@pytest.mark.parametrize(
    ("preparation", "message"),
    [
        (
            "sys.platform = 'darwin'",
            "sealbuf needs Linux on a little-endian machine: platform=darwin byteorder=little",
        ),
        (
            "sys.modules['_ctypes'] = None",
            "sealbuf needs ctypes, which this interpreter was built without or cannot load in a "
            "subinterpreter: import of _ctypes halted; None in sys.modules",
        ),
    ],
)
def test_an_interpreter_that_cannot_map_says_so_at_import(preparation: str, message: str) -> None:
    out = child.output(f"""
        import sys
        {preparation}
        try:
            import sealbuf
        except ImportError as error:
            print(error)
    """)
    assert out == message + "\n"


def test_the_number_of_a_seal_is_the_kernels() -> None:
    assert memory.SEAL_WRITE == fcntl.F_SEAL_WRITE
    assert memory.SEAL_SEAL == fcntl.F_SEAL_SEAL
    assert memory.SEAL_SHRINK == fcntl.F_SEAL_SHRINK
    assert memory.SEAL_GROW == fcntl.F_SEAL_GROW
