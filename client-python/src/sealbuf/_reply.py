"""What the daemon answers, with the descriptors that came along."""

from dataclasses import dataclass, field
from typing import Any

from sealbuf._descriptor import Descriptor


@dataclass(slots=True)
class Reply:
    """A checked reply. Whoever takes it owns its descriptors."""

    kind: str
    head: dict[str, Any]
    payload: bytes
    descriptors: list[Descriptor] = field(default_factory=list)

    def __getitem__(self, name: str) -> Any:
        return self.head[name]

    def close(self) -> None:
        for descriptor in self.descriptors:
            descriptor.close()

    def __enter__(self) -> "Reply":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
