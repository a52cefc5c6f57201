from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from sandbox.cluster.world import templates as make
from sandbox.cluster.world.behaviours import Crashes, Requires, Serves

if TYPE_CHECKING:
    from tests.sandbox.cluster.world.conftest import Tiny


def _secret(**data: str) -> dict[str, Any]:
    return {**make.plain("v1", "Secret", "db", "ns"), "data": data}


@pytest.mark.parametrize(
    ("fields", "present", "message"),
    [
        ({"envFrom": [{"configMapRef": {"name": "conf"}}]}, False, 'configmap "conf" not found'),
        ({"env": (make.env_secret("A", "nope", "k"),)}, False, 'secret "nope" not found'),
        ({"env": (make.env_secret("A", "db", "k2"),)}, True, "couldn't find key k2 in Secret ns/db"),
    ],
    ids=["config map", "secret", "key"],
)
def test_missing_configuration_keeps_the_container_from_being_created(
    tiny: Tiny, fields: dict[str, Any], present: bool, message: str
) -> None:
    """The container waits in CreateContainerConfigError with the kubelet's words."""
    if present:
        tiny.world.apply("secrets", _secret(url="eA=="))
    tiny.deploy(Serves(), **fields)
    tiny.world.advance(10)
    assert tiny.container["state"]["waiting"] == {"reason": "CreateContainerConfigError", "message": message}
    assert tiny.pod["status"]["phase"] == "Pending"
    assert tiny.events("Failed")[0]["message"] == f"Error: {message}"


def test_the_missing_object_heals_it(tiny: Tiny) -> None:
    """The kubelet looks again by itself."""
    tiny.deploy(Serves(), env=(make.env_secret("A", "db", "url"),))
    tiny.world.advance(10)
    tiny.world.apply("secrets", _secret(url="eA=="))
    tiny.until(lambda: tiny.state == "running", within=15)


def test_a_missing_volume_shows_only_in_events(tiny: Tiny) -> None:
    """The container stays in ContainerCreating without a message; the event FailedMount says why."""
    tiny.deploy(Serves(), pod={"volumes": [{"name": "t", "secret": {"secretName": "tls-cert"}}]})
    tiny.world.advance(60)
    assert tiny.container["state"] == {"waiting": {"reason": "ContainerCreating"}}
    assert "podIP" not in tiny.pod["status"]
    (event,) = tiny.events("FailedMount")
    assert event["message"] == 'MountVolume.SetUp failed for volume "t" : secret "tls-cert" not found'


def test_an_environment_variable_decides(tiny: Tiny) -> None:
    """The same image crashes without its variable and serves with it."""
    behaviour = Requires(variable="DATABASE_URL", present=Serves(), absent=Crashes())
    tiny.world.behave("r.example/app:v1", behaviour)
    tiny.deploy()
    tiny.world.advance(30)
    assert tiny.deployment["status"]["unavailableReplicas"] == 1
    tiny.deploy(env=(make.env_value("DATABASE_URL", "x"),))
    tiny.world.advance(30)
    assert tiny.deployment["status"]["availableReplicas"] == 1
