"""The manifests for Kubernetes: what its published schemas ask, and the rights they promise."""

from pathlib import Path
from typing import Any

import kubernetes_validate  # type: ignore[import-untyped]
import pytest
import yaml  # type: ignore[import-untyped]

pytestmark = pytest.mark.one_version

FOLDER = Path(__file__).parents[3] / "deploy" / "kubernetes"
MANIFESTS = sorted(FOLDER.glob("*.yaml"))
OLDEST = "1.29"
"""The first version that starts native sidecars without a feature gate."""

DAEMON_UID = 10001
GROUP = 20000


def documents(manifest: Path) -> list[dict[str, Any]]:
    return list(yaml.safe_load_all(manifest.read_text()))


def pods(manifest: Path) -> list[dict[str, Any]]:
    """The spec of each pod, a template's included."""
    specs = [document["spec"] for document in documents(manifest)]
    return [spec["template"]["spec"] if "template" in spec else spec for spec in specs]


def containers(pod: dict[str, Any]) -> list[dict[str, Any]]:
    return [*pod.get("initContainers", []), *pod["containers"]]


def in_effect(pod: dict[str, Any], container: dict[str, Any], key: str) -> Any:
    return container["securityContext"].get(key, pod["securityContext"].get(key))


def test_there_are_manifests() -> None:
    assert [manifest.name for manifest in MANIFESTS] == ["daemonset.yaml", "sidecar.yaml"]


@pytest.mark.parametrize("version", [OLDEST, kubernetes_validate.latest_version()])
@pytest.mark.parametrize("manifest", MANIFESTS, ids=lambda path: path.stem)
def test_a_manifest_follows_the_published_schema(manifest: Path, version: str) -> None:
    for document in documents(manifest):
        kubernetes_validate.validate(document, version, strict=True)


@pytest.mark.parametrize("manifest", MANIFESTS, ids=lambda path: path.stem)
def test_a_misspelt_key_would_be_found(manifest: Path) -> None:
    for document in documents(manifest):
        document["spec"]["restartPolicies"] = "Always"
        with pytest.raises(kubernetes_validate.ValidationError):
            kubernetes_validate.validate(document, OLDEST, strict=True)


@pytest.mark.parametrize("manifest", MANIFESTS, ids=lambda path: path.stem)
def test_a_container_has_no_rights_that_it_does_not_need(manifest: Path) -> None:
    for pod in pods(manifest):
        assert pod["automountServiceAccountToken"] is False
        for container in containers(pod):
            rights = container["securityContext"]
            assert rights["allowPrivilegeEscalation"] is False
            assert rights["readOnlyRootFilesystem"] is True
            assert rights["capabilities"]["drop"] == ["ALL"]
            assert in_effect(pod, container, "seccompProfile") == {"type": "RuntimeDefault"}
            assert "memory" in container["resources"]["limits"]
            if "add" not in rights["capabilities"]:
                assert in_effect(pod, container, "runAsNonRoot") is True
                assert in_effect(pod, container, "runAsUser") > 0


@pytest.mark.parametrize("manifest", MANIFESTS, ids=lambda path: path.stem)
def test_only_the_daemon_has_its_uid_and_may_write_where_its_socket_is(manifest: Path) -> None:
    for pod in pods(manifest):
        for container in containers(pod):
            if container["name"] == "directory":
                continue
            (mount,) = [each for each in container["volumeMounts"] if each["name"] == "socket"]
            is_daemon = container["image"].startswith("sealbuf:")
            assert (in_effect(pod, container, "runAsUser") == DAEMON_UID) == is_daemon
            assert mount.get("readOnly", False) != is_daemon
            assert mount["mountPath"] == "/run/sealbuf"
            groups = pod["securityContext"].get("supplementalGroups", [])
            assert GROUP in [*groups, in_effect(pod, container, "runAsGroup")]


def test_the_sidecar_starts_before_the_workers_and_stays() -> None:
    (pod,) = pods(FOLDER / "sidecar.yaml")
    (daemon,) = pod["initContainers"]
    assert daemon["restartPolicy"] == "Always"
    for probe in ("startupProbe", "livenessProbe"):
        assert daemon[probe]["exec"]["command"] == ["sealbuf", "ping"]
