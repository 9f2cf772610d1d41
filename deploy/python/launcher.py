"""Puts the launcher that `make build` left into the wheel, and says for which machines it is."""

import platform
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

LAUNCHER = Path(__file__).parents[2] / "server" / "target" / "sealbuf"
NOT_WITH_ANOTHER_JAVA = "sealbuf.aot"


class Launcher(BuildHookInterface[Any]):
    def initialize(self, version: str, build_data: dict[str, Any]) -> None:  # noqa: ARG002
        if not (LAUNCHER / "bin" / "sealbuf").exists():
            raise FileNotFoundError(f"not built, run `make build`: missing={LAUNCHER}")
        for file in LAUNCHER.rglob("*"):
            if file.is_file() and file.name != NOT_WITH_ANOTHER_JAVA:
                inside = file.relative_to(LAUNCHER)
                build_data["force_include"][str(file)] = f"sealbuf_server/launcher/{inside}"
        build_data["pure_python"] = False
        build_data["tag"] = f"py3-none-manylinux_2_17_{platform.machine()}"
