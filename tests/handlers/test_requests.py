"""`requests`: what waits, what runs, and what became of the last ones, in one place."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from bot.domain import transitions as states
from bot.domain.operations import State
from bot.domain.people import RoleBinding, RoleName
from bot.domain.policy import Policy
from bot.domain.targets import ClusterName, Namespace, Scope
from bot.domain.view import View
from bot.rights import DirectoryRights
from bot.store.store import PostgresStore
from tests.support import operations as kept
from tests.support.answers import rows
from tests.support.changing import SCOPE
from tests.support.engine import ANN, LEA, NIL, VIC, Scene, asked, buttons_of, scene_on


@pytest.fixture
async def scene(store: PostgresStore, tmp_path: Path) -> AsyncIterator[Scene]:
    async with scene_on(store, tmp_path) as set_up:
        yield set_up


async def listed(scene: Scene, text: str = "requests", by: str = ANN) -> View:
    return await scene.service.ask(asked(text, by=by))


def ids(view: View) -> list[tuple[str, str]]:
    """Return the requests of an answer with their states."""
    assert isinstance(view.data, dict)
    return [(each["id"], each["state"]) for each in view.data["requests"]]


async def test_nothing_is_an_answer(scene: Scene) -> None:
    """With where that is."""
    view = await listed(scene)
    assert view.summary == "No request is waiting or running"
    assert "shop on demo · only you see this" in "\n".join(rows(view))
    assert [button.command for button in buttons_of(view)] == ["requests"]


async def test_what_waits_runs_and_ended_is_told_apart(scene: Scene) -> None:
    """The newest first, with who asked, until when, and how to answer."""
    denied = await scene.request("restart api")
    await scene.vote(denied, LEA, "deny", "not now")
    waiting = await scene.request("scale api")
    running = await scene.request("restart worker --risk low")
    await kept.change(scene.store, running.id, lambda found: states.claim(found, now=found.created_at))
    view = await listed(scene)
    assert view.summary == "1 request waiting and 1 request running"
    assert ids(view) == [
        (waiting.id, State.PENDING.value),
        (running.id, State.EXECUTING.value),
        (denied.id, State.DENIED.value),
    ]
    told = "\n".join(rows(view))
    for words in ("Scale api", "1 of the approvers", f"request {waiting.id[:8]}", "deny REQUEST", f"@{ANN}"):
        assert words in told, words


async def test_a_doubt_is_told_until_somebody_has_looked(scene: Scene) -> None:
    """However long ago it was: it blocks its object."""
    doubt = await scene.request("restart api --risk low")
    await kept.change(scene.store, doubt.id, lambda found: states.claim(found, now=found.created_at))
    await kept.change(scene.store, doubt.id, lambda found: states.lose(found, "no answer", now=found.created_at))
    view = await listed(scene)
    assert (view.summary, ids(view)) == ("1 request waiting", [(doubt.id, "UNKNOWN")])
    await scene.say(f"resolve {doubt.id} undone", by=LEA)
    view = await listed(scene)
    assert (view.summary, ids(view)) == ("No request is waiting or running", [(doubt.id, "UNKNOWN")])


async def test_other_places_have_their_own(scene: Scene) -> None:
    """And their own rights."""
    other = Scope(ClusterName("demo"), Namespace("other"))
    await kept.add(scene.store, kept.operation("op-elsewhere", scope=other), kept.operation("op-here", scope=SCOPE))
    assert ids(await listed(scene)) == [("op-here", "PENDING")]


async def test_who_may_not_look_sees_no_request(scene: Scene) -> None:
    """Its words are of the cluster."""
    scene.directory.people.pop(NIL)
    view = await listed(scene, by=NIL)
    assert view.exit_code == 2


async def test_hours_bound_what_has_ended(scene: Scene) -> None:
    """Not what waits."""
    view = await listed(scene, "requests --hours 0")
    assert view.summary == "--hours must be at least 1, not 0."


async def test_one_request_is_shown_whole(scene: Scene) -> None:
    """By the beginning of its id: the plan, its fingerprint, the step, and who agreed by which groups."""
    waiting = await scene.request("restart api --reason 'it hangs'")
    await scene.vote(waiting, LEA)
    view = await listed(scene, f"requests {waiting.id[:8]}")
    told = "\n".join(rows(view))
    assert view.summary == "Approved, not yet executed: restart api"
    for words in ("it hangs", waiting.digest, waiting.plan.draft.target.uid, "Restart", f"@{LEA}", "dry run"):
        assert words in told, words
    assert waiting.plan.seal not in told
    assert isinstance(view.data, dict)
    assert (view.data["id"], view.data["approvers"]) == (waiting.id, [LEA])
    assert buttons_of(view) == []


async def test_the_details_button_of_a_card_is_such_a_request(scene: Scene) -> None:
    """Whoever may look presses it, and it names the place."""
    waiting = await scene.request()
    view = await listed(scene, scene.button(waiting, "requests"), by=VIC)
    assert isinstance(view.data, dict)
    assert view.data["id"] == waiting.id


@pytest.mark.parametrize("text", ["requests 0f0f0f0f", "requests nonsense"])
async def test_a_request_that_there_is_not_is_not_shown(scene: Scene, text: str) -> None:
    """It says so."""
    assert (await listed(scene, text)).summary.startswith("There is no request")


async def test_a_request_is_shown_where_it_belongs_alone(scene: Scene) -> None:
    """Who may look somewhere else sees nothing of it there; the answer names the command."""
    elsewhere = kept.operation("0a1b2c3d-5d52-4b6a-9f0e-0c1d2e3f4a5b")
    await kept.add(scene.store, elsewhere)
    view = await listed(scene, f"requests {elsewhere.id}")
    assert view.summary.startswith("This request is about another place than")
    assert elsewhere.digest not in "\n".join(rows(view))


async def test_where_a_request_belongs_is_told_to_who_may_look_there_alone(scene: Scene) -> None:
    """To others it is as if there were none: which places there are is not learned by its id."""
    elsewhere = kept.operation("0a1b2c3d-5d52-4b6a-9f0e-0c1d2e3f4a5b")
    await kept.add(scene.store, elsewhere)
    here = RoleBinding(RoleName.VIEWER, everyone=True, namespaces=frozenset({SCOPE.namespace}))
    narrow = scene.fitted(rights=DirectoryRights(scene.directory, Policy(bindings=(here,))))
    view = await listed(narrow, f"requests {elsewhere.id}")
    assert view.summary == f'There is no request "{elsewhere.id}".'
    assert elsewhere.plan.draft.target.scope.namespace not in "\n".join(rows(view))
