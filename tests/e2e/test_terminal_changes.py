"""Changes at a terminal: shown with a kubeconfig alone, asked for with the bot's database, carried out by the bot."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from bot.domain.operations import State
from bot.domain.requests import Place
from bot.store.store import PostgresStore
from sandbox.cluster.api.access import Deny
from tests.support.engine import ANN, BOB, POLICY, REQUESTS_CHANNEL, Scene, scene_on
from tests.support.processes import Ended, environment, ragops

# Who the API server takes the kubeconfig's user for.
USER = "sandbox-admin"
CONFIGURATION = f"""
[clusters.demo]
kubeconfig = "KUBECONFIG"
namespaces = ["shop"]
[services.search]
workload = "deployment/api"
[changes]
channel = "{REQUESTS_CHANNEL}"
[people.ann]
accounts = ["{ANN}"]
terminals = ["{USER}"]
"""


@dataclass(frozen=True, slots=True)
class Desk:
    """A terminal in a folder, and the bot's worker somewhere else."""

    scene: Scene
    folder: Path
    environ: Mapping[str, str]

    def configure(self, text: str = CONFIGURATION) -> None:
        text = text.replace("KUBECONFIG", str(self.folder / "kubeconfig"))
        (self.folder / "ragops.toml").write_text(text)

    async def type(self, *words: str, database: str = "") -> Ended:
        more = {"DATABASE_URL": database} if database else {}
        return await ragops(*words, environ={**self.environ, **more}, folder=self.folder)


@pytest.fixture
async def desk(store: PostgresStore, tmp_path: Path) -> AsyncIterator[Desk]:
    policy = replace(POLICY, terminals={USER: ANN})
    async with scene_on(store, tmp_path, policy=policy) as scene:
        made = Desk(scene, tmp_path, environment(tmp_path))
        made.configure()
        yield made


async def test_a_change_is_shown_and_nothing_is_written(desk: Desk) -> None:
    """By the kubeconfig's rights alone: the server tried it, and it says what only the bot could know."""
    ended = await desk.type("set", "image", "search", ":v3")
    assert ended.code == 0, ended
    for words in (
        "Set the image of search to app:v3?",
        "there is no database here that remembers earlier changes",
        "Has to be approved by",
        "To ask for it: ragops set image search :v3 --apply",
        "Checked by the server's dry run.",
    ):
        assert words in ended.out, words
    assert desk.scene.server.asked["patch deployments.apps"] == 1
    assert desk.scene.server.seen.effects == []


async def test_a_plan_is_for_programs_too(desk: Desk) -> None:
    """With the exit code 0, and 2 for one that is refused."""
    ended = await desk.type("restart", "search", "-o", "json")
    plan = json.loads(ended.out)
    assert (ended.code, plan["verb"], plan["cluster"], plan["apply"]) == (
        0,
        "restart",
        "demo",
        "restart search --apply",
    )
    refused = await desk.type("scale", "search", "2", "--output", "json")
    assert refused.code == 2
    assert "error" in json.loads(refused.out)


async def test_a_kubeconfig_without_the_right_still_sees_the_plan(desk: Desk) -> None:
    """It says that the server was not asked; the bot has rights of its own."""
    desk.scene.server.rbac = [Deny(verb="patch", resource="deployments")]
    ended = await desk.type("restart", "search")
    assert ended.code == 0
    assert "Not checked by the server's dry run: this kubeconfig may not make the change itself." in ended.out


async def test_a_change_is_asked_for_by_the_person_behind_the_kubeconfig(desk: Desk, store_url: str) -> None:
    """Written down here; the bot plans it once more, shows it in its channel, and somebody else approves it."""
    ended = await desk.type("restart", "search", "--reason", "it hangs", "--apply", database=store_url)
    assert ended.code == 0, ended
    assert f"You are @{ANN} there." in ended.out
    claimed = await desk.scene.store.inbox.claim(lease_s=30)
    assert claimed is not None
    assert claimed.request.text == "restart search --reason 'it hangs' --cluster demo -n shop"
    view = await desk.scene.service.control(replace(claimed, request=replace(claimed.request, text="restart api")))
    assert view is not None
    [row] = await desk.scene.audit("requested")
    operation = await desk.scene.now(row.subject)
    assert (operation.state, operation.place) == (State.PENDING, Place(REQUESTS_CHANNEL))
    assert (row.actor, row.detail["via"], row.detail["request"]) == (ANN, "cli", claimed.request.key)
    await desk.scene.deliver()
    await desk.scene.vote(operation, BOB)
    assert (await desk.scene.now(operation)).state is State.APPROVED
    listed = await desk.type("requests", database=store_url)
    assert (listed.code, operation.id[:8] in listed.out) == (0, True)


@pytest.mark.parametrize(
    ("without", "words"),
    [
        (f'terminals = ["{USER}"]', f'The user of this kubeconfig, "{USER}", stands for nobody'),
        (f'channel = "{REQUESTS_CHANNEL}"', 'set channel under [changes] in ragops.toml ("C…").'),
    ],
    ids=["nobody", "no channel"],
)
async def test_who_may_not_ask_from_here_is_told_how_it_is_configured(
    desk: Desk, store_url: str, without: str, words: str
) -> None:
    """And nothing is written down."""
    desk.configure(CONFIGURATION.replace(without, ""))
    ended = await desk.type("restart", "search", "--apply", database=store_url)
    assert ended.code == 2
    assert words in ended.err
    assert "Nothing was changed." in ended.err
    assert await desk.scene.store.inbox.claim(lease_s=30) is None


async def test_what_is_refused_here_is_not_written_down(desk: Desk, store_url: str) -> None:
    """The reason is the plan's."""
    ended = await desk.type("scale", "search", "2", "--apply", database=store_url)
    assert ended.code == 2
    assert await desk.scene.store.inbox.claim(lease_s=30) is None


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("restart search --apply", "set DATABASE_URL"),
        ("status --apply", "--apply is for commands that change something."),
        ("approve 3f9a12c0", "approve is said in chat alone."),
        ("requests", "there is none here: ask in chat"),
    ],
)
async def test_what_a_terminal_alone_cannot_do_is_said(desk: Desk, line: str, words: str) -> None:
    """With the exit code of what could not be done."""
    ended = await desk.type(*line.split())
    assert ended.code == 2
    assert words in ended.out + ended.err


async def test_a_database_that_does_not_answer_does_not_keep_a_plan_from_being_shown(desk: Desk) -> None:
    """It says that the record is missing; to ask for the change takes it."""
    nowhere = "postgresql://127.0.0.1:1/nowhere"
    shown = await desk.type("restart", "search", database=nowhere)
    assert shown.code == 0
    assert "Planned without the record of earlier changes" in shown.err
    assert (await desk.type("restart", "search", "--apply", database=nowhere)).code == 2
