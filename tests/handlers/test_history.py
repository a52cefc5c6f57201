from __future__ import annotations

from dataclasses import replace
from types import MappingProxyType

import pytest

from bot.domain.objects import CHANGE_CAUSE, Event, ReplicaSet, Role, Workload
from bot.domain.snapshot import Part
from bot.ports import Sources
from handlers import history
from tests.support.answers import answer, buttons, data, rows, table
from tests.support.builders import (
    DAY_S,
    NOW,
    SCOPE,
    ago,
    deployment,
    happened,
    missing,
    replica_set,
    snapshot,
    stateful_set,
    template,
)
from tests.support.service import asked

HOSTILE = "<!channel> *bold* `code`"


def made(of: Workload, revision: int, days: float, *, image: str = "", cause: str = "", name: str = "") -> ReplicaSet:
    """A revision that was made so many days ago."""
    one = replica_set(of, revision, desired=0, containers=(template(image=image or f"rag-engine:v{revision}"),))
    notes = dict(one.meta.annotations) | ({CHANGE_CAUSE: cause} if cause else {})
    found = replace(one.meta, created_at=ago(days * DAY_S), annotations=MappingProxyType(notes))
    return replace(one, meta=replace(found, name=name, uid=f"uid-{name}") if name else found)


def scaled_up(of: Workload, replicas: ReplicaSet, days: float) -> Event:
    message = f"Scaled up replica set {replicas.meta.name} from 0 to 3"
    return happened(of.meta, "Deployment", "ScalingReplicaSet", message, ago_s=days * DAY_S)


async def test_revisions_are_listed_newest_first() -> None:
    """With the image, when each was rolled out, how long it was wanted, and what it changed."""
    api = deployment(revision=3)
    view = await answer(
        snapshot(api, made(api, 2, 3, cause="hotfix"), made(api, 3, 1), made(api, 1, 8)), "history search"
    )
    assert rows(view) == [
        "search: 3 revisions kept, revision 3 is wanted now",
        "revision  image  rolled out  wanted for  ready",
        "3 (now)   v3     24 h ago    24 h        0/0",
        "2         v2     3 days ago  2 days      0/0",
        "1         v1     8 days ago  5 days      0/0",
        "What each changed",
        "3: image v2 → v3",
        '2: image v1 → v2 (noted: "hotfix")',
        "1: the oldest that is kept",
        "shop on prod-eu · 0 s old · only you see this",
    ]
    assert view.exit_code == 0
    assert buttons(view)["Compare"] == "compare search"


async def test_a_revision_that_was_rolled_back_to_has_a_new_number() -> None:
    """Its age is not the age of its present life: the event tells that, while it lives."""
    api = deployment(revision=3)
    back, bad = made(api, 3, 8, image="rag-engine:v1"), made(api, 2, 1)
    view = await answer(snapshot(api, back, bad, scaled_up(api, back, 0.5)), "history api")
    assert [row[:4] for row in table(view)] == [
        ("3 (now)", "v1", "12 h ago", "12 h"),
        ("2", "v2", "24 h ago", "12 h"),
    ]


async def test_without_the_event_the_time_of_a_rollback_is_unknown() -> None:
    """The creation of the replica set would be a lie, and so would be a revision that never ended."""
    api = deployment(revision=3)
    view = await answer(snapshot(api, made(api, 3, 8), made(api, 2, 1)), "history api")
    assert [row[:4] for row in table(view)] == [
        ("3 (now)", "v3", "unknown", "unknown"),
        ("2", "v2", "24 h ago", "unknown"),
    ]
    assert [(one["began"], one["ended"]) for one in data(view)["revisions"]] == [
        (None, None),
        ("2026-11-23T22:00:00+00:00", None),
    ]


async def test_a_revision_ended_when_the_one_after_it_was_made() -> None:
    """Though that one has been rolled back to since, and has a newer number now."""
    api = deployment(revision=4)
    first, back, bad = made(api, 1, 9), made(api, 4, 6), made(api, 3, 2)
    view = await answer(snapshot(api, first, back, bad, scaled_up(api, back, 1)), "history api")
    assert [row[3] for row in table(view)] == ["24 h", "24 h", "3 days"]


async def test_only_the_newest_changes_are_told() -> None:
    """The table names all revisions; the rest can be compared."""
    api = deployment(revision=8)
    view = await answer(snapshot(api, *(made(api, number, 9 - number) for number in range(1, 9))), "history api")
    shown = rows(view)
    assert len(table(view)) == 8
    assert "4: image v3 → v4" in shown
    assert "3: image v2 → v3" not in shown
    assert "Of older ones: compare api 2 3" in shown


async def test_the_sixth_change_needs_no_command() -> None:
    """The oldest has nothing to be compared with."""
    api = deployment(revision=6)
    view = await answer(snapshot(api, *(made(api, number, 9 - number) for number in range(1, 7))), "history api")
    assert "1: the oldest that is kept" in rows(view)


async def test_nothing_that_differs_is_said() -> None:
    """A revision can differ in what is not read here."""
    api = deployment(revision=2)
    same = [made(api, number, 3 - number, image="rag-engine:v1") for number in (1, 2)]
    assert "2: nothing that is read here" in rows(await answer(snapshot(api, *same), "history api"))


async def test_the_version_is_that_of_the_regular_container() -> None:
    """Init containers stand first in a template."""
    api = deployment(revision=1)
    one = made(api, 1, 1)
    init = replace(template(name="init", image="busybox:1.36"), role=Role.INIT)
    view = await answer(snapshot(api, replace(one, containers=(init, *one.containers))), "history api")
    assert [row[1] for row in table(view)] == ["v1"]
    assert "Compare" not in buttons(view)


async def test_revisions_that_could_not_be_read_are_not_none() -> None:
    """The reason is said."""
    view = await answer(
        snapshot(deployment(), parts={Part.REPLICA_SETS: missing("no right to list them")}), "history api"
    )
    assert rows(view)[0] == "? search: its revisions could not be read: no right to list them"
    assert view.exit_code == 2


async def test_other_kinds_have_no_history_here() -> None:
    """The person is led to what can be seen."""
    view = await answer(snapshot(stateful_set("db")), "history db")
    assert view.summary == "db is a StatefulSet; only the revisions of Deployments can be read."
    assert data(view)["suggestions"] == ["describe statefulset/db"]
    assert view.exit_code == 2


async def test_hostile_notes_stay_plain() -> None:
    """Whoever renders escapes them."""
    api = deployment(revision=1)
    view = await answer(snapshot(api, made(api, 1, 1, cause=HOSTILE)), "history api")
    assert f'1: the oldest that is kept (noted: "{HOSTILE}")' in rows(view)


async def test_the_data_names_every_revision() -> None:
    """With all images and the exact times."""
    api = deployment(revision=2)
    view = await answer(snapshot(api, made(api, 1, 2), made(api, 2, 1, cause="x")), "history api")
    assert data(view) == {
        "cluster": "prod-eu",
        "workload": {"kind": "Deployment", "namespace": "shop", "name": "api"},
        "current": 2,
        "revisions": [
            {
                "revision": 2,
                "version": "v2",
                "images": ["rag-engine:v2"],
                "began": "2026-11-23T22:00:00+00:00",
                "ended": None,
                "ready": 0,
                "desired": 0,
                "changed": "image v1 → v2",
                "noted": "x",
            },
            {
                "revision": 1,
                "version": "v1",
                "images": ["rag-engine:v1"],
                "began": "2026-11-22T22:00:00+00:00",
                "ended": "2026-11-23T22:00:00+00:00",
                "ready": 0,
                "desired": 0,
                "changed": "the oldest that is kept",
                "noted": "",
            },
        ],
    }


async def test_history_needs_its_ports() -> None:
    """Handed out without them, it is a bug of the machine and said to be."""
    with pytest.raises(ValueError, match="needs the cluster"):
        await history.observe(history.Params("api"), Sources(scope=SCOPE, request=asked("history api"), now=NOW))
