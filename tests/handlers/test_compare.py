from __future__ import annotations

from dataclasses import replace

import pytest

from bot.domain.snapshot import Part
from bot.ports import Sources
from handlers import compare
from tests.support.answers import answer, buttons, data, rows
from tests.support.builders import (
    GI,
    MI,
    NOW,
    SCOPE,
    deployment,
    missing,
    replica_set,
    snapshot,
    stateful_set,
    template,
)
from tests.support.service import asked

API = deployment(revision=8)
V6, V7, V8 = (
    replica_set(API, number, ready=ready, containers=(template(image=f"rag-engine:v1.{number - 6}", env=env),))
    for number, ready, env in ((6, 2, ("A",)), (7, 0, ("A",)), (8, 0, ("B",)))
)
RELEASES = snapshot(API, V6, V7, V8)


async def test_the_revision_that_works_is_compared_with_the_newest() -> None:
    """Not the one before, which may have been as bad."""
    view = await answer(RELEASES, "compare search")
    assert rows(view)[:3] == [
        "search: revision 6 (v1.0) → 8 (v1.2), 2 differences",
        "image  v1.0 → v1.2",
        "env    A removed, B added",
    ]
    assert view.exit_code == 0
    assert buttons(view) == {
        "Refresh": "compare search",
        "History": "history search",
        "Logs": "logs search",
        "Share": "share compare search",
    }


async def test_without_one_that_works_the_one_before_is_compared() -> None:
    """As far as it is kept."""
    view = await answer(snapshot(API, replace(V6, ready=0), V8), "compare api")
    assert view.summary == "search: revision 6 (v1.0) → 8 (v1.2), 2 differences"


@pytest.mark.parametrize(
    ("words", "pair"),
    [("6", "6 (v1.0) → 8 (v1.2)"), ("7 8", "7 (v1.1) → 8 (v1.2)"), ("8 6", "8 (v1.2) → 6 (v1.0)")],
    ids=["one and the newest", "two", "backwards"],
)
async def test_revisions_can_be_named(words: str, pair: str) -> None:
    """In any order."""
    assert (await answer(RELEASES, f"compare api {words}")).summary.startswith(f"search: revision {pair}, ")


async def test_several_containers_are_told_apart() -> None:
    """By their names."""
    old, new = (template(name="worker"), template(name="proxy")), (template(name="worker"), template(name="proxy"))
    one = replica_set(API, 7, ready=1, containers=(replace(old[0], memory_limit=512 * MI), old[1]))
    two = replica_set(API, 8, containers=(replace(new[0], memory_limit=GI), new[1]))
    assert "memory limit of worker  512 Mi → 1 Gi" in rows(await answer(snapshot(API, one, two), "compare api"))


async def test_a_restart_by_hand_is_called_that() -> None:
    """It makes a revision that differs in nothing else."""
    view = await answer(snapshot(API, V7, replace(V7, meta=V8.meta, template_restarted_at=NOW)), "compare api")
    assert "restart  restarted by hand, nothing else" in rows(view)


async def test_equal_revisions_are_said_to_be() -> None:
    """And what is not compared."""
    view = await answer(RELEASES, "compare api 7 7")
    assert view.summary == "search: revision 7 (v1.1) → 7 (v1.1), 0 differences"
    assert "Nothing that is compared here differs." in rows(view)
    assert any(row.startswith("Compared: images, ") for row in rows(view))


async def test_a_revision_that_is_not_kept_is_refused_with_those_that_are() -> None:
    """And the command that tells more."""
    view = await answer(RELEASES, "compare api 5")
    assert view.summary == "api has no revision 5. It has: 6, 7, 8."
    assert data(view)["suggestions"] == ["history api"]
    assert view.exit_code == 2


async def test_one_revision_is_nothing_to_compare() -> None:
    """It is said."""
    view = await answer(snapshot(API, V8), "compare api")
    assert (view.summary, view.exit_code) == ("api has only one revision; there is nothing to compare.", 2)


async def test_revisions_that_could_not_be_read_are_not_none() -> None:
    """The reason is said."""
    view = await answer(snapshot(API, parts={Part.REPLICA_SETS: missing("no right")}), "compare api")
    assert (view.summary, view.exit_code) == ("The revisions of api could not be read: no right.", 2)


async def test_other_kinds_cannot_be_compared() -> None:
    """The person is led to what can be seen."""
    view = await answer(snapshot(stateful_set("db")), "compare db")
    assert data(view)["suggestions"] == ["describe statefulset/db"]


async def test_the_data_has_both_sides() -> None:
    """By what differs."""
    assert data(await answer(RELEASES, "compare api")) == {
        "cluster": "prod-eu",
        "workload": {"kind": "Deployment", "namespace": "shop", "name": "api"},
        "before": 6,
        "after": 8,
        "differences": [
            {"what": "image", "container": "api", "before": "v1.0", "after": "v1.2"},
            {"what": "env", "container": "api", "before": "A", "after": "B"},
        ],
    }


async def test_compare_needs_its_ports() -> None:
    """Handed out without them, it is a bug of the machine and said to be."""
    with pytest.raises(ValueError, match="needs the cluster"):
        await compare.observe(compare.Params("api"), Sources(scope=SCOPE, request=asked("compare api"), now=NOW))
