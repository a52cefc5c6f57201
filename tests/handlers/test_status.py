from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from bot.cli.terminal import Terminal
from bot.domain.objects import Pod, Volume, Workload
from bot.domain.requests import Surface
from bot.domain.snapshot import LogKey, Part, Snapshot
from bot.domain.view import Button, Buttons, Code, Item, Mention, View
from bot.ports import Sources
from handlers import status
from tests.support.builders import (
    DAY_S,
    MI,
    NOW,
    SCOPE,
    ago,
    claim,
    condition,
    container,
    crash_looping,
    deployment,
    ended,
    log_of,
    missing,
    node,
    oom_killed,
    pod,
    replica_set,
    running,
    snapshot,
    stale,
    stateful_set,
    template,
    unscheduled,
    waiting,
)
from tests.support.service import asked, healthy, stage

KEYS = ["verdict", "cluster", "namespace", "observed_at", "as_of", "findings", "workloads", "not_checked"]
FINDING_KEYS = [
    *("code", "severity", "problem", "target", "title", "summary", "revision", "container", "since", "pods"),
    *("evidence", "changed", "likely", "consequences", "next"),
]


async def look(shown: Snapshot, text: str = "status", *, logs: dict[LogKey, Any] | None = None) -> View:
    return await stage(shown, logs).service().ask(asked(text))


def lines(view: View) -> list[str]:
    """The answer as a terminal shows it, without blank lines."""
    return [row for row in Terminal(width=120).text(view).splitlines() if row.strip()]


def crashing(name: str = "api", *, pods: int = 1, ready: int = 0) -> Iterator[Workload | Pod | Any]:
    """A workload whose pods all crash."""
    workload = deployment(name, desired=pods + ready, ready=ready)
    replicas = replica_set(workload)
    yield from (workload, replicas)
    yield from (pod(replicas, crash_looping(), name=f"{name}-6d5f-{number}xyz", age_s=360) for number in range(pods))


def failed_release(*, age_s: float = 30, crashed_s: float = 30) -> Snapshot:
    """A release that crashes from its start, beside the revision that works."""
    workload = deployment(desired=3, ready=3, revision=8)
    old = replica_set(workload, 7, desired=3, ready=3, containers=(template(),))
    new = replica_set(workload, 8, containers=(template(image="rag-engine:v1.2"),))
    new = replace(new, meta=replace(new.meta, created_at=ago(age_s)))
    crash = crash_looping(ended(1, ago_s=crashed_s))
    return snapshot(workload, old, new, pod(new, crash, name="api-8-abc", age_s=crashed_s))


def claimless() -> Iterator[Any]:
    """A workload whose pod waits for a claim of a class that does not exist."""
    workload = deployment(ready=0)
    replicas = replica_set(workload)
    waits = unscheduled(replicas, "0/1 nodes are available: pod has unbound immediate PersistentVolumeClaims.")
    mounted = (Volume("data", "PersistentVolumeClaim", "data"),)
    yield from (workload, replicas, replace(waits, volumes=mounted), claim("data"), node())


# --- the overview -----------------------------------------------------------------------------------------------------


async def test_all_well_is_three_lines() -> None:
    """The verdict, who is well, and where that was seen."""
    view = await look(snapshot(deployment("api", desired=3), stateful_set("db"), pod()))
    assert lines(view) == [
        "✔ shop is healthy",
        "Fine: search 3/3 · db 1/1",
        "shop on prod-eu · 0 s old · only you see this",
    ]
    assert view.exit_code == 0


async def test_what_is_wrong_comes_first_with_the_reason_and_the_next_step() -> None:
    """The verdict, the finding, what is fine, where."""
    view = await look(snapshot(*crashing(), deployment("worker", desired=2)))
    shown = lines(view)
    assert shown[0] == "✖ shop is degraded: 1 problem, 1 of 2 workloads fine"
    assert shown[1] == "✖ 1  search: crashes again and again  (critical, for 6 min)"
    assert shown[2].strip().startswith("Revision 1 (v1.2) ends with exit code 1")
    assert shown[3].strip() == "Next: /rag logs search (shows the whole log of the crash)"
    assert shown[-2:] == ["Fine: worker 2/2", "shop on prod-eu · 0 s old · only you see this"]
    assert view.exit_code == 1


async def test_nothing_works_is_down() -> None:
    """The word says how bad it is for users."""
    view = await look(snapshot(*crashing("api"), *crashing("worker")))
    assert view.summary == "shop is down: 2 problems, 0 of 2 workloads fine"
    assert view.exit_code == 1


async def test_a_release_that_comes_up_is_no_problem() -> None:
    """It is said to be starting."""
    workload = deployment(desired=2, ready=1)
    replicas = replica_set(workload)
    view = await look(snapshot(workload, replicas, pod(replicas, container(waiting("ContainerCreating")), age_s=5)))
    assert view.summary == "shop is starting, 0 of 1 workloads fine"


async def test_a_warning_is_marked_as_one() -> None:
    """The mark is that of the worst finding."""
    workload = deployment(revision=2)
    old = replica_set(workload, 1)
    view = await look(snapshot(workload, old, pod(old, crash_looping())))
    assert lines(view)[0].startswith("▲ shop is degraded: 1 problem")


async def test_a_finding_that_began_just_now_reads_well() -> None:
    """Not "for just now"."""
    workload = deployment(ready=0, conditions=(condition("ReplicaFailure", "True", message="quota", ago_s=0.2),))
    assert "(critical, for less than 1 s)" in lines(await look(snapshot(workload)))[1]


async def test_several_pods_are_told_apart_by_their_ends() -> None:
    """And no more than five of them are named."""
    shown = lines(await look(snapshot(*crashing(pods=2))))
    assert "   Pods: …-0xyz …-1xyz" in shown
    shown = lines(await look(snapshot(*crashing(pods=7))))
    assert "   Pods: …-0xyz …-1xyz …-2xyz …-3xyz …-4xyz and 2 more" in shown


async def test_beyond_four_findings_a_line_each() -> None:
    """With the command that shows the whole of it."""
    view = await look(snapshot(*(each for n in range(6) for each in crashing(f"w{n}"))))
    assert sum(isinstance(block, Item) for block in view.blocks) == 4
    shown = lines(view)
    assert "w4: crashes again and again (critical): status w4" in shown
    assert "w5: crashes again and again (critical): status w5" in shown


async def test_beyond_eight_workloads_a_number() -> None:
    """What is fine needs no long list; what is scaled to 0 is said to be so."""
    view = await look(snapshot(*(deployment(f"w{n}", desired=n) for n in range(10))))
    assert "Fine: w0 (scaled to 0) · w1 1/1 · " in lines(view)[1]
    assert lines(view)[1].endswith(" · 2 more")


async def test_the_end_of_the_log_is_shown_in_short() -> None:
    """Three lines are enough for an overview."""
    world = [*crashing()]
    key = LogKey("api-6d5f-0xyz", "api", previous=False)
    view = await look(snapshot(*world), logs={key: log_of(*(f"line {n}" for n in range(30)))})
    [code] = [block for block in view.blocks if isinstance(block, Code)]
    assert code.text == "line 27\nline 28\nline 29"
    assert code.title == "search the crashed run's log, its end"


async def test_a_log_that_is_not_there_says_why() -> None:
    """It does not look like silence of the program."""
    shown = lines(await look(snapshot(*crashing())))
    assert "the crashed run's log, its end: not available, there is no such log" in shown


async def test_a_release_is_told_with_what_it_changed_and_what_follows() -> None:
    """Against the revision that works; what it began with names it in one line, and the way back comes first."""
    view = await look(failed_release())
    shown = [row.strip() for row in lines(view)]
    assert shown[1].startswith("✖ 1  search: new release crashes, the old one still serves")
    assert any(row.startswith("Began at the time of revision 8 (image v1.1 → v1.2") for row in shown)
    assert not any(row.startswith("Changed: ") for row in shown)
    assert "Next: /rag rollback search (goes back to the revision that works)" in shown
    offered = next(block for block in view.blocks if isinstance(block, Buttons)).buttons
    assert [(one.label, one.command) for one in offered] == [
        ("Roll back…", "rollback api"),
        ("Compare 7 → 8", "compare api 7 8"),
        ("Logs", "logs api"),
        ("Details", "status search"),
    ]


async def test_what_changed_is_told_where_its_beginning_does_not_tell_it() -> None:
    """A release that was made long before the trouble is not what began it."""
    shown = [row.strip() for row in lines(await look(failed_release(age_s=DAY_S, crashed_s=60)))]
    assert "Changed: image v1.1 → v1.2" in shown


async def test_what_follows_hangs_below_its_cause() -> None:
    """It is no problem of its own, and by the short name."""
    view = await look(snapshot(*claimless()))
    shown = [row.strip() for row in lines(view)]
    assert ": 1 problem, 0 of 1 workloads fine" in shown[0]
    assert any(row.startswith("Follows: deployment search: ") for row in shown)
    data: Any = view.data
    [finding] = data["findings"]
    assert finding["consequences"][0]["target"] == {"kind": "Deployment", "namespace": "shop", "name": "api"}
    assert list(finding["consequences"][0]) == ["code", "target", "title", "summary"]


async def test_what_is_no_workload_is_looked_at_by_describing_it() -> None:
    """A claim has no status of its own; the button must lead somewhere."""
    view = await look(snapshot(*claimless()))
    details = [
        one.command
        for block in view.blocks
        if isinstance(block, Buttons)
        for one in block.buttons
        if one.label == "Details"
    ]
    assert details == ["describe persistentvolumeclaim/data"]
    assert (await look(snapshot(*claimless()), details[0])).exit_code == 1


async def test_commands_and_buttons_stay_in_the_namespace_that_is_looked_at() -> None:
    """Whoever looks into another namespace is not led back to the default one."""
    view = await look(snapshot(*crashing()), "status -n kube-system")
    commands = [one.command for block in view.blocks if isinstance(block, Buttons) for one in block.buttons]
    assert len(commands) == 4
    assert all(command.endswith("-n kube-system") for command in commands)
    assert any("logs api -n kube-system" in row for row in lines(view))


# --- one service ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("word", ["search", "api", "deployment/api", "Deployment/api"])
async def test_a_service_is_found_by_its_names(word: str) -> None:
    """By alias, by name, by kind and name."""
    view = await look(snapshot(*crashing(), *crashing("worker")), f"status {word}")
    assert view.summary == "search is down: 1 problem"
    assert "worker" not in repr(view.blocks)


async def test_one_service_shows_all_the_evidence() -> None:
    """The states with their times, every next step, and more of the log."""
    workload = deployment(desired=3, ready=3, revision=8)
    old = replica_set(workload, 7, desired=3, ready=3, containers=(template(),))
    new = replica_set(workload, 8)
    bad = pod(new, crash_looping(ended(1, message="no space")), name="api-8-abc")
    key = LogKey("api-8-abc", "api", previous=False)
    view = await look(
        snapshot(workload, old, new, bad), "status api", logs={key: log_of(*(f"line {n}" for n in range(30)))}
    )
    shown = lines(view)
    assert any(row.strip().startswith("Evidence: container api: 5 restarts") and "30 s ago" in row for row in shown)
    assert [row.split(": ")[0].strip() for row in shown if row.strip().startswith(("By hand: ", "Next: "))] == [
        *("Next", "Next", "Next")
    ]
    [code] = [block for block in view.blocks if isinstance(block, Code)]
    assert len(code.text.splitlines()) == 20
    assert not any(row.startswith("Fine: ") for row in shown)


async def test_one_healthy_service_is_three_lines() -> None:
    """Its verdict, how many of its pods are ready, and where that was seen."""
    view = await look(snapshot(*crashing("worker"), deployment("api")), "status api")
    assert lines(view) == ["✔ search is healthy", "Fine: search 1/1", "shop on prod-eu · 0 s old · only you see this"]
    assert view.exit_code == 0


async def test_evidence_without_words_or_time_is_short() -> None:
    """Only what is known is written."""
    workload = deployment(ready=0)
    replicas = replica_set(workload)
    killed = container(running(for_s=9), last=oom_killed(ago_s=10), restarts=1, memory_limit=512 * MI)
    shown = lines(await look(snapshot(workload, replicas, pod(replicas, killed)), "status api"))
    assert any(row.strip() == "Evidence: container api: OOMKilled, exit code 137 (10 s ago)" for row in shown)


@pytest.mark.parametrize(
    ("word", "suggestions"), [("apii", ["status api"]), ("serch", ["status search"]), ("xyzzy", [])]
)
async def test_an_unknown_service_names_its_neighbours(word: str, suggestions: list[str]) -> None:
    """As commands that can be sent as they are."""
    view = await look(healthy(), f"status {word}")
    what_there_is = "" if suggestions else " There is search."
    assert view.summary == f'There is no workload "{word}" in shop.{what_there_is}'
    assert view.exit_code == 2
    assert isinstance(view.data, dict)
    assert view.data["suggestions"] == suggestions


async def test_a_kind_that_does_not_fit_is_no_match() -> None:
    """`statefulset/api` is not the deployment."""
    assert (await look(healthy(), "status statefulset/api")).exit_code == 2


async def test_what_could_not_be_read_is_not_said_to_be_missing() -> None:
    """A workload that the bot may not see can still exist."""
    shown = snapshot(parts={Part.DEPLOYMENTS: missing("no right to list them")})
    view = await look(shown, "status api")
    assert view.summary == 'I see no workload "api", but I could not read the deployments of shop.'


# --- what is not known ------------------------------------------------------------------------------------------------


async def test_an_old_picture_says_its_age() -> None:
    """And is no verdict."""
    view = await look(snapshot(deployment(), parts=dict.fromkeys(Part, stale(240, "the watch is silent"))))
    assert lines(view)[0] == "? shop: I cannot tell, what I see is not up to date"
    assert lines(view)[-1] == "shop on prod-eu · last seen 4 min ago · only you see this"
    assert "last seen 4 min ago: the watch is silent" in " ".join(lines(view))
    assert view.exit_code == 2


async def test_a_part_that_could_not_be_read_is_named() -> None:
    """With the reason, in the small print of a healthy answer too."""
    view = await look(snapshot(deployment(), parts={Part.NODES: missing("no right to list nodes")}))
    assert view.exit_code == 0
    assert "Not checked: nodes (no right to list nodes)" in lines(view)


async def test_without_the_pods_there_is_no_verdict() -> None:
    """Could not look is never all fine."""
    view = await look(snapshot(deployment(), parts={Part.PODS: missing("no right")}))
    assert view.summary == "shop: I cannot tell, parts of it could not be read"
    assert view.exit_code == 2


@pytest.mark.parametrize("parts", [{}, {Part.NODES: missing("no right")}], ids=["all read", "nodes not read"])
async def test_an_empty_namespace_is_doubted(parts: dict[Part, Any]) -> None:
    """It is more likely mistyped than healthy."""
    view = await look(snapshot(parts=parts))
    assert view.summary == "shop: I cannot tell, nothing runs in shop on prod-eu (is the namespace right?)"
    assert view.exit_code == 2


# --- for programs -----------------------------------------------------------------------------------------------------


async def test_the_data_has_exactly_the_documented_keys() -> None:
    """Programs rely on them."""
    view = await look(snapshot(*crashing(), parts={Part.NODES: missing("no right")}))
    data: Any = view.data
    assert list(data) == KEYS
    [finding] = data["findings"]
    assert list(finding) == FINDING_KEYS
    assert finding["target"] == {"kind": "Deployment", "namespace": "shop", "name": "api"}
    assert list(finding["evidence"][0]) == ["kind", "label", "lines", "at"]
    assert list(finding["next"][0]) == ["kind", "text", "reason"]
    assert data["workloads"] == [{"kind": "Deployment", "name": "api", "ready": 0, "desired": 1, "ok": False}]
    assert data["not_checked"] == [{"what": "nodes", "reason": "no right"}]
    assert (data["verdict"], data["cluster"], data["namespace"]) == ("down", "prod-eu", "shop")
    assert data["observed_at"] == data["as_of"] == "2026-11-24T22:00:00+00:00"
    assert finding["since"] == "2026-11-24T21:54:00+00:00"


async def test_an_unknown_beginning_is_null() -> None:
    """Not an empty text."""
    view = await look(snapshot(deployment(ready=0)))
    data: Any = view.data
    assert data["findings"][0]["since"] is None


# --- buttons and privacy ----------------------------------------------------------------------------------------------


async def test_the_answer_can_be_refreshed_and_shared() -> None:
    """With the same words that were typed."""
    view = await look(healthy(), "status  api -n kube-system")
    assert view.blocks[-1] == Buttons(
        (
            Button("Refresh", "status api -n kube-system", replaces=True),
            Button("Share", "share status api -n kube-system"),
        )
    )


async def test_what_all_see_is_not_called_private_nor_shared_again() -> None:
    """An answer to a mention stands in the channel."""
    view = await stage().service().ask(asked("status", surface=Surface.MENTION))
    assert view.blocks[-1] == Buttons((Button("Refresh", "status", replaces=True),))
    assert "only you see this" not in repr(view)


HOSTILE = "<!channel> *bold* `code` <https://evil.example|click> &lt;x&gt; _it_ @here"


async def test_hostile_text_stays_plain() -> None:
    """Words of the cluster are carried as they are, as text without marks: whoever renders escapes them."""
    workload = deployment(ready=0)
    replicas = replica_set(workload)
    bad = pod(replicas, container(waiting("CreateContainerConfigError", HOSTILE)))
    view = await look(snapshot(workload, replicas, bad), "status api")
    [item] = [block for block in view.blocks if isinstance(block, Item)]
    spans = [part for row in item.lines for part in row if not isinstance(part, Mention) and HOSTILE in part.text]
    assert len(spans) >= 2
    assert not any(span.bold or span.code for span in spans)
    assert not any(isinstance(part, Mention) for row in item.lines for part in row)


async def test_status_needs_its_ports() -> None:
    """Handed out without them, it is a bug of the machine and said to be."""
    with pytest.raises(ValueError, match="needs the cluster"):
        await status.observe(status.Params(), Sources(scope=SCOPE, request=asked("status"), now=NOW))
