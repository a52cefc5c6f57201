"""The whole bot in front of a real API server, and what an administrator sees and does there meanwhile."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from bot.cluster import open_connection
from bot.configuration import load_configuration
from bot.main.bot import Ingredients, run_bot
from bot.settings import Secret, SlackSettings
from sandbox.slack.control import SlackControl
from sandbox.slack.server import SlackServer
from sandbox.slack.world import Workspace, demo_workspace
from tests.cluster.catalogue import ALIVE, Manifest, deployment, path
from tests.e2e.changing import Card, ask, card_after
from tests.support.accounts import (
    grant_changes,
    grant_reader,
    granted_nodes,
    guarded,
    make_account,
    token_of,
    write_kubeconfig,
)
from tests.support.databases import database
from tests.support.hands import IMAGE, Hands
from tests.support.journal import journal
from tests.support.talk import Talk
from tests.support.waiting import until

CRASHES = "echo 'FATAL: DATABASE_URL is not set' >&2; sleep 1; exit 1"
VERDICT_AFTER_S = 3.0
WORKER = "ragops-worker"
VERDICTS = ("the problem is", "nothing is wrong", "something else is wrong", "was not checked")
PLACES = ("work", "quota", "failed")
# Of everything here bob, or another lead, has to approve.
TOML = """
[clusters.real]
kubeconfig = "{kubeconfig}"
namespaces = [{namespaces}]
[roles.viewer]
everyone = true
[roles.operator]
groups = ["{oncall}"]
[roles.approver]
groups = ["{leads}"]
[changes]
low = {{ approvals = [{{ roles = ["approver"] }}] }}
[limits]
commands_per_minute = 600
channel_commands_per_minute = 6000
"""


@dataclass(frozen=True, slots=True)
class Ground:
    """One namespace, as an administrator has it."""

    hands: Hands
    namespace: str

    def path(self, kind: str, name: str = "") -> str:
        """Return where objects of a kind live here."""
        return path(kind, self.namespace, name)

    async def make(self, made: Manifest) -> None:
        """Make an object."""
        await self.hands.send("POST", self.path(made["kind"]), made)

    async def get(self, kind: str, name: str) -> dict[str, Any]:
        """Return an object as the API server has it."""
        return await self.hands.send("GET", self.path(kind, name))

    async def list(self, kind: str, app: str) -> list[dict[str, Any]]:
        """Return the objects of a kind that carry the label of a workload."""
        found = await self.hands.send("GET", self.path(kind))
        return [each for each in found["items"] if (each["metadata"].get("labels") or {}).get("app") == app]

    async def merge(self, kind: str, name: str, change: Mapping[str, Any]) -> dict[str, Any]:
        """Change an object by hand."""
        return await self.hands.send("PATCH", self.path(kind, name), change)

    async def release(self, kind: str, name: str, script: str, **container: Any) -> None:
        """Release another version of a workload: its one container runs another script."""
        main = {"name": "main", "command": ["/bin/sh", "-c", script], **container}
        await self.merge(kind, name, {"spec": {"template": {"spec": {"containers": [main]}}}})

    async def delete(self, kind: str, name: str) -> None:
        await self.hands.send("DELETE", self.path(kind, name))

    async def ready(self, app: str, count: int = 1) -> list[dict[str, Any]]:
        """Wait until a workload has exactly so many pods and all are ready; return them by name."""

        def fits(pods: list[dict[str, Any]]) -> bool:
            return len(pods) == count and all(map(_is_ready, pods))

        pods = await until(lambda: self.list("Pod", app), fits, within_s=90, every_s=0.2)
        return sorted(pods, key=lambda pod: str(pod["metadata"]["name"]))

    async def crashing(self, app: str) -> None:
        """Wait until a pod of a workload has ended twice, so that it is known to crash again and again."""

        def fits(pods: list[dict[str, Any]]) -> bool:
            statuses = [each for pod in pods for each in pod["status"].get("containerStatuses") or ()]
            return any(each["restartCount"] >= 2 for each in statuses)

        await until(lambda: self.list("Pod", app), fits, within_s=120, every_s=0.2)


def _is_ready(pod: Mapping[str, Any]) -> bool:
    conditions = pod["status"].get("conditions") or ()
    ready = any((each["type"], each["status"]) == ("Ready", "True") for each in conditions)
    return ready and "deletionTimestamp" not in pod["metadata"]


def small(name: str, script: str = ALIVE, *, kind: str = "Deployment", **container: Any) -> Manifest:
    """Return a workload of one small pod that ends when it is told to.

    It asks for nothing, so its pods may come again under the same name on a kubelet without cgroups for quality of
    service.
    """
    spec = {"serviceName": name} if kind == "StatefulSet" else {}
    more = {"resources": {}, **container}
    return deployment(name, script, kind=kind, spec=spec, pod={"terminationGracePeriodSeconds": 1}, **more)


def annotations(of: dict[str, Any]) -> dict[str, str]:
    return dict(of["metadata"].get("annotations") or {})


def template(of: dict[str, Any]) -> dict[str, Any]:
    return dict(of["spec"]["template"])


def container(of: dict[str, Any]) -> dict[str, Any]:
    return dict(template(of)["spec"]["containers"][0])


@dataclass(frozen=True, slots=True)
class RealStage(Talk):
    """The people's side, the namespaces by what they are for, and the bot's database."""

    hands: Hands
    namespaces: Mapping[str, str]
    ingredients: Ingredients

    @property
    def store_url(self) -> str:
        return str(self.ingredients.database_url)

    def ground(self, place: str) -> Ground:
        """Return one of the namespaces."""
        return Ground(self.hands, self.namespaces[place])

    def words(self, command: str, place: str) -> str:
        """Return a command as a person types it, for one of the namespaces."""
        return f"/rag {command} -n {self.namespaces[place]}"

    async def ask(self, command: str, place: str = "work") -> Card:
        """Let ann ask for a change of something in a namespace, and return its card."""
        return await ask(self, self.words(command, place))

    async def pressed(self, card: Card, label: str) -> Card:
        """Let ann press a button of a card that asks for another change, and return the card of that."""
        where = {"channel": card.channel, "message": card.ts}
        return await card_after(self, lambda: self.control.press(label, user="ann", **where), channel=card.channel)

    @asynccontextmanager
    async def twin(self, folder: Path) -> AsyncIterator[None]:
        """Run one more bot on the same database, cluster and workspace."""
        async with _running(replace(self.ingredients, data_folder=folder)):
            assert await self.control.connected(2)
            yield


async def judged(card: Card) -> str:
    """Return what a card says once it was looked at whether its change helped."""
    return (await card.says(*VERDICTS, within_s=60)).text


async def approved(card: Card, *, user: str = "bob", within_s: float = 90.0) -> str:
    """Approve a card in its thread's channel, and return what it says once it is over."""
    await card.press("Approve", user=user)
    return (await card.ended(within_s)).text


@asynccontextmanager
async def real_stage(
    folder: Path,
    kubeconfig: str,
    places: Sequence[str] = PLACES,
    *,
    more: str = "",
    environ: Mapping[str, str] | None = None,
) -> AsyncIterator[RealStage]:
    """Run everything around a bot that works in new namespaces; at the end they are deleted.

    It has the rights that the manifests grant to the worker, and their guard stands before it. `more` is put behind its
    `ragops.toml`; what stands in it as `#NAME` becomes that channel's id.
    """
    async with AsyncExitStack() as stack:
        kept = stack.enter_context(journal())
        slack = await stack.enter_async_context(SlackServer(demo_workspace()))
        connection = await open_connection(kubeconfig)
        stack.push_async_callback(connection.close)
        hands = Hands(connection)
        namespaces = await stack.enter_async_context(_namespaces(hands, places))
        token = await stack.enter_async_context(_token(hands, tuple(namespaces.values())))
        authority = str(connection.api.configuration.ssl_ca_cert)
        own = str(write_kubeconfig(folder / "kubeconfig", connection.host, token, authority))
        served = await stack.enter_async_context(database(folder / "postgres"))
        ingredients = Ingredients(
            slack=SlackSettings(
                bot_token=Secret(slack.workspace.bot_token),
                app_token=Secret(slack.workspace.app_token),
                api_url=slack.base_url,
            ),
            configuration=load_configuration(_toml(slack.workspace, own, namespaces, more), "ragops.toml"),
            data_folder=folder / "data",
            database_url=served.url,
            verdict_after_s=VERDICT_AFTER_S,
            environ=environ or {},
        )
        control = await stack.enter_async_context(SlackControl(slack.control_url))
        await stack.enter_async_context(_running(ingredients))
        await kept.heard("store_open", within_s=60)
        yield RealStage(control, slack, hands, namespaces, ingredients)


def _toml(workspace: Workspace, kubeconfig: str, namespaces: Mapping[str, str], more: str) -> str:
    groups = workspace.groups
    names = ", ".join(f'"{name}"' for name in namespaces.values())
    oncall, leads = groups["rag-oncall"].id, groups["rag-leads"].id
    for channel in workspace.channels.values():
        more = more.replace(f'"#{channel.name}"', f'"{channel.id}"')
    return TOML.format(kubeconfig=kubeconfig, namespaces=names, oncall=oncall, leads=leads) + more


@asynccontextmanager
async def _namespaces(hands: Hands, places: Sequence[str]) -> AsyncIterator[Mapping[str, str]]:
    end = secrets.token_hex(4)
    names = {place: f"ragops-test-{place}-{end}" for place in places}
    try:
        for name in names.values():
            await hands.send("POST", "/api/v1/namespaces", {"metadata": {"name": name}})
        yield names
    finally:
        for name in names.values():
            await hands.send("DELETE", f"/api/v1/namespaces/{name}")


@asynccontextmanager
async def _token(hands: Hands, namespaces: Sequence[str]) -> AsyncIterator[str]:
    """Make the worker's account, with its rights on the namespaces and behind its guard; yield a token of it."""
    home = namespaces[0]
    await make_account(hands, home, WORKER)
    for namespace in namespaces:
        await grant_reader(hands, namespace, to=home)
        await grant_changes(hands, namespace, to=home)
    async with granted_nodes(hands, home), guarded(hands, IMAGE.rpartition(":")[0]):
        yield await token_of(hands, home, WORKER)


@asynccontextmanager
async def _running(ingredients: Ingredients) -> AsyncIterator[None]:
    """Run a bot, and yield once it is connected."""
    stop, ready = asyncio.Event(), asyncio.Event()
    async with asyncio.TaskGroup() as group:
        group.create_task(run_bot(ingredients, stop, ready))
        try:
            async with asyncio.timeout(60):
                await ready.wait()
            yield
        finally:
            stop.set()
