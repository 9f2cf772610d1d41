"""What a name may be: 1 to 255 bytes of UTF-8 without control characters.

There is no hierarchy and no normalisation: two names are the same when their bytes are.
"""

import unicodedata

from sealbuf._errors import InvalidName
from sealbuf._limits import NAME_MAX


def name_bytes(name: str) -> bytes:
    """Checks a name and encodes it."""
    if not name:
        raise InvalidName("name is empty: bytes=0 min=1")
    return prefix_bytes(name)


def prefix_bytes(prefix: str) -> bytes:
    """Checks the beginning of names and encodes it; unlike a name it may be empty."""
    encoded = utf8(prefix)
    if len(encoded) > NAME_MAX:
        raise InvalidName(f"name too long: bytes={len(encoded)} max={NAME_MAX}")
    if not prefix.isprintable():  # a control character is not
        _check_characters(prefix)
    return encoded


def _check_characters(name: str) -> None:
    for at, char in enumerate(name):
        if unicodedata.category(char) == "Cc":
            raise InvalidName(f"name has a control character: char=U+{ord(char):04X} at={at}")


def utf8(name: str) -> bytes:
    """The bytes of a name. Names that are found in the catalog need no further check."""
    try:
        return name.encode()
    except AttributeError:
        raise TypeError(f"a name is a str: type={type(name).__name__}") from None
    except UnicodeEncodeError as error:
        raise InvalidName(f"name has an unpaired surrogate: at={error.start}") from None
