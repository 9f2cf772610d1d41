"""The manifests in deploy/kubernetes, against the schemas that Kubernetes publishes."""

from pathlib import Path
from typing import Any

import kubernetes_validate  # type: ignore[import-untyped]
import pytest
import yaml  # type: ignore[import-untyped]

pytestmark = pytest.mark.one_version

FOLDER = Path(__file__).parents[2] / "deploy" / "kubernetes"
MANIFESTS = sorted(FOLDER.glob("*.yaml"))
OLDEST = "1.29"
"""The first version with native sidecars switched on."""

NEWEST = "1.33"


def load(path: Path) -> dict[str, Any]:
    loaded: dict[str, Any] = yaml.safe_load(path.read_text())
    return loaded


@pytest.mark.parametrize("version", [OLDEST, NEWEST])
@pytest.mark.parametrize("path", MANIFESTS, ids=lambda path: path.name)
def test_a_manifest_is_what_kubernetes_takes(path: Path, version: str) -> None:
    kubernetes_validate.validate(load(path), version, strict=True)


def test_a_wrong_one_would_be_noticed() -> None:
    manifest = load(FOLDER / "sidecar.yaml")
    manifest["spec"]["initContainers"][0]["restartPolice"] = "Always"
    with pytest.raises(kubernetes_validate.ValidationError):
        kubernetes_validate.validate(manifest, OLDEST, strict=True)


@pytest.mark.parametrize("path", MANIFESTS, ids=lambda path: path.name)
def test_every_container_is_confined(path: Path) -> None:
    manifest = load(path)
    spec = manifest["spec"].get("template", manifest)["spec"]
    containers = [*spec["initContainers"], *spec["containers"]]
    assert len(containers) > 1
    for container in containers:
        context = container["securityContext"]
        assert context["capabilities"]["drop"] == ["ALL"]
        assert context["readOnlyRootFilesystem"] is True
        assert context["allowPrivilegeEscalation"] is False
        assert "memory" in container["resources"]["limits"]
    uids = [container["securityContext"]["runAsUser"] for container in containers]
    assert len(set(uids)) == len(uids)
