"""`components/http` on top of `overlays/single` in a real cluster: the stand-in for Slack calls its Service.

Needs what test_in_cluster.py needs. An ingress controller is not part of it: the Ingress is applied, nothing serves it.
"""

from __future__ import annotations

import os
import secrets
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from tests.support.installed import Installed, Place, installed
from tests.support.kubectl import Kubectl

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.timeout(300)]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def called(product: str, address: str, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Installed]:
    """The overlay with the component, ready, and Slack told of its address."""
    kubectl = Kubectl(os.environ["RAGOPS_TEST_KUBECONFIG"])
    place = Place(kubectl=kubectl, folder=tmp_path_factory.mktemp("http"), image=product, address=address)
    secret = secrets.token_hex(16)
    async with installed(place, "single", {"SLACK_SIGNING_SECRET": secret}, "http") as it:
        await place.ready(1)
        service = await kubectl.json("get", "service", "ragops-http", "-n", place.namespace)
        url = f"http://{service['spec']['clusterIP']}:{service['spec']['ports'][0]['port']}/slack/events"
        await it.people.control.use_http(url, secret)
        yield it


async def test_a_command_that_slack_sends_to_the_service_is_answered(called: Installed) -> None:
    """No socket is open meanwhile."""
    assert called.place.watched in await called.people.answer("/rag status")
    assert not await called.people.control.connected(timeout=0.1)


async def test_a_mention_is_answered_in_its_thread(called: Installed) -> None:
    """Events are written down first, then answered for everybody."""
    answer = await called.people.answer("@rag explain OOM_KILLED")
    assert "OOM_KILLED" in answer
    assert any("OOM_KILLED" in message.text for message in await called.people.public())
