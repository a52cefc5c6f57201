"""`ragops check` as a whole: faults of every kind at once, its time, its outputs, and what it never does."""

from __future__ import annotations

import json
import time
from dataclasses import replace
from pathlib import Path

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from bot.cli.arguments import Check
from bot.main.checking import check
from sandbox.cluster.faults import Fault, FaultKind
from sandbox.slack.faults import Fault as SlackFault
from sandbox.slack.faults import Kind
from tests.bot.setup.stage import Stage
from tests.support.databases import contents

FILE = """\
[clusters.demo]
namespaces = ["rag-engine"]
[roles.viewer]
everyone = true
[roles.operator]
groups = ["SRAGONCALL0"]
"""


def write(stage: Stage, text: str = FILE) -> None:
    (stage.folder / "ragops.toml").write_text(text, encoding="utf-8")


async def told(stage: Stage, capsys: pytest.CaptureFixture[str], *, offline: bool = False) -> list[str]:
    await check(Check(offline=offline), stage.environ)
    return capsys.readouterr().out.splitlines()


def bad(lines: list[str]) -> list[str]:
    return [line for line in lines[:-1] if not line.startswith("ok ")]


async def test_faults_of_the_environment_and_of_the_file_are_told_together(
    stage: Stage, capsys: pytest.CaptureFixture[str]
) -> None:
    """And what is well is looked at all the same: the group is asked for although the database's address is none."""
    write(stage, FILE.replace("SRAGONCALL0", "S0NOSUCH00") + "[limits]\ncommands = 1\n")
    stage.environ |= {"DATABASE_URL": "mysql://root:hunter2@db/x", "RAGOPS_LOG_LEVEL": "loud", "HOME": ""}

    lines = await told(stage, capsys)

    starts = [line.split(": ")[0] for line in bad(lines)]
    assert starts == [
        "warning  clusters, services and dependencies",
        "fault    DATABASE_URL",
        "fault    RAGOPS_DATA",
        "fault    RAGOPS_LOG_LEVEL",
        "fault    ragops.toml:8",
        "fault    ragops.toml:6",
    ]
    assert "hunter2" not in "".join(lines)


async def test_the_worst_stands_last_beside_the_count(stage: Stage, capsys: pytest.CaptureFixture[str]) -> None:
    """There people look, and a long list of what is well has scrolled away."""
    write(stage, FILE.replace("SRAGONCALL0", "S0NOSUCH00") + "# U-FILL-IN\n")

    marks = [line.split(" ")[0] for line in (await told(stage, capsys))[:-1]]

    assert marks == sorted(marks, key=["ok", "warning", "fault"].index)
    assert set(marks) >= {"ok", "fault"}


@pytest.mark.parametrize("body", ['["no object"]', '"words"', "7", '{"ok": tr'])
async def test_whatever_answers_in_place_of_the_platform_is_a_fault(
    stage: Stage, capsys: pytest.CaptureFixture[str], body: str
) -> None:
    """A proxy may say anything; the other checks are told all the same."""

    async def answer(_: web.Request) -> web.Response:
        return web.Response(text=body, content_type="application/json")

    write(stage)
    odd = web.Application()
    odd.router.add_route("*", "/{path:.*}", answer)
    async with TestServer(odd) as server:
        stage.environ["SLACK_API_URL"] = str(server.make_url("/api/"))
        lines = await told(stage, capsys)
    assert "fault    SLACK_BOT_TOKEN: Slack bot token, auth.test: what answers there does not speak" in "".join(lines)
    assert any(line.startswith("ok ") and "cluster demo" in line for line in lines)


async def test_two_ways_in_are_a_fault(stage: Stage, capsys: pytest.CaptureFixture[str]) -> None:
    """Each token may be good: both together are not."""
    write(stage)
    stage.environ["SLACK_SIGNING_SECRET"] = "0123456789abcdef0123456789abcdef"

    assert [line.split(": ")[0] for line in bad(await told(stage, capsys))] == ["fault    SLACK_SIGNING_SECRET"]


@pytest.mark.parametrize(
    ("unset", "start"),
    [
        pytest.param(("SLACK_BOT_TOKEN", "SLACK_APP_TOKEN"), "warning  SLACK_BOT_TOKEN: not set", id="no Slack"),
        pytest.param(("SLACK_APP_TOKEN",), "warning  SLACK_APP_TOKEN: neither this nor", id="no way in"),
        pytest.param(("SLACK_BOT_TOKEN",), "fault    SLACK_BOT_TOKEN: not set", id="no bot token"),
    ],
)
async def test_what_is_not_set_is_told_by_what_it_costs(
    unset: tuple[str, ...], start: str, stage: Stage, capsys: pytest.CaptureFixture[str]
) -> None:
    """A terminal needs no token, a worker no way in; half of a pair is a fault."""
    write(stage)
    for name in unset:
        del stage.environ[name]

    [line] = [one for one in bad(await told(stage, capsys)) if "ragops.toml:6: ids of people" not in one]

    assert line.startswith(start)


async def test_an_embedded_database_is_not_started(stage: Stage, capsys: pytest.CaptureFixture[str]) -> None:
    """Where it would be may be written to; nothing is made there."""
    write(stage)
    del stage.environ["DATABASE_URL"]
    stage.environ["RAGOPS_DATA"] = str(stage.folder / "data")

    lines = await told(stage, capsys)

    assert bad(lines) == []
    assert any("may be made there; it was not started" in line for line in lines)
    assert not (stage.folder / "data").exists()


async def test_a_data_folder_that_is_a_file_is_a_fault(stage: Stage, capsys: pytest.CaptureFixture[str]) -> None:
    """Before anything is started there."""
    write(stage)
    del stage.environ["DATABASE_URL"]
    stage.environ["RAGOPS_DATA"] = str(stage.folder / "ragops.toml")

    [line] = bad(await told(stage, capsys))

    assert line.startswith("fault    RAGOPS_DATA: ")
    assert "ragops.toml is no folder that may be written" in line


async def test_without_a_file_the_current_context_is_looked_at(
    stage: Stage, capsys: pytest.CaptureFixture[str]
) -> None:
    """As the program would do, and it is said that there is none."""
    lines = await told(stage, capsys)

    assert [line.split(": ")[0] for line in bad(lines)] == ["warning  ragops.toml"]
    assert any("namespace rag-engine of current: 14 kinds" in line for line in lines)


@pytest.mark.parametrize("named", ["missing.toml", "."], ids=["missing", "folder"])
async def test_a_file_that_cannot_be_read_is_a_fault(
    named: str, stage: Stage, capsys: pytest.CaptureFixture[str]
) -> None:
    """Slack and the database are looked at all the same."""
    stage.environ["RAGOPS_CONFIG"] = named

    lines = await told(stage, capsys)

    assert [line[:8] for line in bad(lines)] == ["warning ", "fault   "]
    assert any(line.startswith("ok       SLACK_BOT_TOKEN") for line in lines)


async def test_the_output_for_programs_says_the_same(stage: Stage, capsys: pytest.CaptureFixture[str]) -> None:
    """One object: the counts, and each result with its parts."""
    write(stage, FILE.replace("SRAGONCALL0", "S0NOSUCH00"))

    code = await check(Check(output="json"), stage.environ)
    said = json.loads(capsys.readouterr().out)

    [fault] = [each for each in said["results"] if each["result"] == "fault"]
    assert code == 2
    assert (said["ok"], said["faults"], said["warnings"]) == (False, 1, 0)
    assert fault["where"] == "ragops.toml:6"
    assert fault["tried"] == "user group S0NOSUCH00 of the role operator"
    assert fault["found"].startswith("there is no such group in acme")
    assert fault["do"]


async def test_nothing_is_changed(stage: Stage, capsys: pytest.CaptureFixture[str]) -> None:
    """Neither in the folder, nor in the database, nor in the workspace, nor in the cluster."""
    write(stage)
    files = sorted(stage.folder.iterdir())
    rows, changes = contents(stage.store_url), stage.slack.workspace.changes

    assert bad(await told(stage, capsys)) == []

    assert sorted(stage.folder.iterdir()) == files
    assert (contents(stage.store_url), stage.slack.workspace.changes) == (rows, changes)
    # What may be asked of one's own rights is a POST, and leaves nothing behind.
    asked = set(stage.cluster.asked) - {"create selfsubjectaccessreviews.authorization.k8s.io"}
    assert {words.split()[0] for words in asked} <= {"get", "list", "watch", "/version"}
    assert set(stage.slack._api.calls) == {"auth.test", "apps.connections.open", "usergroups.list"}
    assert not await stage.slack.hub.connected(1, 0)


async def test_what_hangs_costs_five_seconds_and_not_for_each(stage: Stage, capsys: pytest.CaptureFixture[str]) -> None:
    """Slack and the cluster hang at once; the database is looked at meanwhile."""
    write(stage)
    stage.cluster.faults.add(Fault(FaultKind.LATENCY, seconds=30))
    stage.slack.faults.add(SlackFault(Kind.HANG, method="*", times=None, seconds=30))

    began = time.monotonic()
    lines = await told(stage, capsys)

    assert time.monotonic() - began < 14  # of each by itself it would be fifteen
    assert any(line.startswith("ok       DATABASE_URL") for line in lines)
    assert sum("did not answer" in line for line in bad(lines)) == 3


async def test_a_service_of_a_cluster_without_a_file_entry_is_looked_at_where_it_lives(
    stage: Stage, capsys: pytest.CaptureFixture[str]
) -> None:
    """The second of two clusters has its own services."""
    clusters = (
        '[clusters.demo]\nnamespaces = ["rag-engine"]\ndefault = true\n[clusters.other]\nnamespaces = ["kube-system"]\n'
    )
    services = '[services.dns]\nworkload = "deployment/coredns"\ncluster = "other"\n'
    write(stage, f"{clusters}{services}[roles.viewer]\neveryone = true\n")

    lines = await told(stage, capsys)

    assert bad(lines) == []
    assert any("service dns, deployment/coredns in kube-system of other: is there" in line for line in lines)


async def test_a_redis_is_asked_who_it_is(stage: Stage, redis_url: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Its version and what it evicts; the password stays where it is."""
    write(stage)
    stage.environ["REDIS_URL"] = redis_url

    lines = await told(stage, capsys)

    [line] = [each for each in lines if "REDIS_URL" in each]
    assert line.startswith("ok       REDIS_URL: Redis at /")
    assert "noeviction" in line
    assert "hunter2" not in "".join(lines)


async def test_a_redis_that_does_not_know_us_is_a_fault(
    stage: Stage, redis_url: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """Neither password is told."""
    write(stage)
    stage.environ["REDIS_URL"] = redis_url.replace("hunter2", "wrong-secret")

    [line] = bad(await told(stage, capsys))

    assert line.startswith("fault    REDIS_URL: ")
    assert "wrong-secret" not in line


async def test_several_replicas_need_a_database_that_they_share(
    stage: Stage, redis_url: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """A Redis hints at several; an embedded database is one each."""
    write(stage)
    stage.environ["REDIS_URL"] = redis_url
    del stage.environ["DATABASE_URL"]

    [line] = bad(await told(stage, capsys))

    assert line.startswith("warning  DATABASE_URL: several replicas share REDIS_URL")


async def test_words_of_others_stay_on_their_line(stage: Stage, capsys: pytest.CaptureFixture[str]) -> None:
    """A name of a group cannot make a line of its own, nor steer the terminal."""
    write(stage)
    group = stage.slack.workspace.groups["rag-oncall"]
    evil = "x\nok       all is well\x1b[2J"
    stage.slack.workspace.groups["rag-oncall"] = replace(group, handle=evil, disabled=True)

    lines = await told(stage, capsys)

    assert len(bad(lines)) == 1
    assert not any(line.startswith("ok       all is well") for line in lines)
    assert "\x1b" not in "".join(lines)


def test_the_stage_has_its_own_folder(stage: Stage) -> None:
    """No ragops.toml of the checkout is read by accident."""
    assert Path.cwd() == stage.folder
