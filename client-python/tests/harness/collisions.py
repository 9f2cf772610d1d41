"""Names that all have one CRC-32, as many as one likes and found at once.

CRC-32 is linear over GF(2): changing a bit of a text of fixed length changes the same bits of the
CRC, whatever the text. So a suffix that brings any text to any CRC is the solution of 32 equations.
The suffix is made of the 16 characters from `@` to `O`, whose low four bits are free.
"""

from collections.abc import Iterator
from zlib import crc32

_CHARACTERS = 10
_BLANK = bytes([0x40] * _CHARACTERS)


def colliding(prefix: str, count: int, crc: int) -> Iterator[str]:
    """So many names that begin with `prefix` and have this CRC-32."""
    solutions = _solutions(len(f"{prefix}{0:08x}".encode()))
    for number in range(count):
        text = f"{prefix}{number:08x}".encode()
        missing = crc32(text + _BLANK) ^ crc
        bits = 0
        for bit, flips in enumerate(solutions):
            if missing >> bit & 1:
                bits ^= flips
        name = text + bytes(0x40 | bits >> 4 * at & 15 for at in range(_CHARACTERS))
        assert crc32(name) == crc
        yield name.decode()


def _solutions(length: int) -> list[int]:
    """For each bit of the CRC, the bits of the suffix that flip it alone, by elimination."""
    text = bytes(length)
    blank = crc32(text + _BLANK)
    rows: list[tuple[int, int]] = []  # what flips in the CRC, and by which bits of the suffix
    for bit in range(4 * _CHARACTERS):
        suffix = bytearray(_BLANK)
        suffix[bit // 4] ^= 1 << bit % 4
        effect, cause = crc32(text + suffix) ^ blank, 1 << bit
        for other_effect, other_cause in rows:
            if effect ^ other_effect < effect:
                effect, cause = effect ^ other_effect, cause ^ other_cause
        if effect:
            rows = [
                (e ^ effect, c ^ cause) if e >> effect.bit_length() - 1 & 1 else (e, c)
                for e, c in rows
            ]
            rows.append((effect, cause))
    assert len(rows) == 32, "some bit of the CRC cannot be reached"
    return [cause for effect, cause in sorted(rows)]
