"""The reference pages: complete, and true of the code they are made from."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from typing import Any

import pytest

from bot.cli.reference import commands_page, findings_page
from bot.cli.shapes import SHAPES
from bot.diagnosis import all_codes
from bot.domain.actions import NoParams, Query, Setting
from bot.domain.objects import NodeUsage
from bot.domain.snapshot import LogExcerpt, LogKey, LogLine, LogRead, Part
from bot.domain.text import Redacted
from bot.domain.watch.episodes import AlertState, Ending, EpisodeState
from bot.domain.watch.policy import WatchPolicy
from bot.domain.watch.schedules import Schedule, SlotRun
from bot.ports import AuditRecord
from bot.watching.list_card import list_view
from handlers import audit, requests, schedule
from tests.support import watch_records as watched
from tests.support.answers import answer, data
from tests.support.builders import (
    MI,
    NOW,
    SCOPE,
    container,
    crash_looping,
    deployment,
    event,
    log_of,
    meta,
    missing,
    pod,
    replica_set,
    snapshot,
    template,
    usage,
)
from tests.support.changes import operation
from tests.support.service import ALL_VERBS

API = deployment("api", desired=2, ready=1, revision=2)
OLD = replica_set(API, 1, ready=1, containers=(template(image="api:v1"),))
NEW = replica_set(API, 2, containers=(template(image="api:v2"),))
GOOD, BAD = pod(OLD, container(memory=MI), name="api-1"), pod(NEW, crash_looping(), name="api-2")
WORLD = snapshot(
    API,
    OLD,
    NEW,
    GOOD,
    BAD,
    event(BAD, "BackOff", "again"),
    usage(GOOD),
    NodeUsage(meta=meta("node-1")),
    parts={Part.INGRESSES: missing("no right")},
)
LOGS: dict[LogKey, LogExcerpt | LogRead] = {
    LogKey("api-1", "api", previous=False): LogRead((LogLine(None, Redacted("hello")),)),
    LogKey("api-2", "api", previous=False): log_of(problem="the pod is gone"),
}
COMMANDS = {"compare": "compare api", "describe": "describe api", "explain": "explain OOM_KILLED"}
COMMANDS |= {"can": "can status api", "history": "history api", "logs": "logs api"}


def keys(value: Any) -> Any:
    """Reduce data to its keys; of a list the first entry stands for all."""
    if isinstance(value, dict):
        return {key: keys(inner) for key, inner in value.items() if key != "facts"}
    return [keys(value[0])] if isinstance(value, list) and value else None


def reduced(shown: Any, like: Any) -> Any:
    """Leave out what lies below a list that is empty in the answer."""
    if isinstance(shown, dict) and isinstance(like, dict):
        return {key: reduced(inner, like.get(key)) for key, inner in shown.items()}
    return [reduced(shown[0], like[0])] if isinstance(shown, list) and isinstance(like, list) else like and shown


@pytest.mark.parametrize("name", sorted(SHAPES.keys() - {"alerts", "audit", "digest preview", "requests", "schedule"}))
async def test_the_documented_data_is_what_a_verb_gives(name: str) -> None:
    """The same keys in the same order, all the way down."""
    documented = keys(json.loads(SHAPES[name]))
    given = keys(data(await answer(WORLD, COMMANDS.get(name, name), logs=LOGS)))
    assert json.dumps(given) == json.dumps(reduced(documented, given))


def test_the_documented_data_of_the_record_is_what_it_gives() -> None:
    """It needs a store, which the others do not."""
    row = AuditRecord(seq=1, at=NOW, actor="U1", action="share", subject="C1", result="done", detail={"said": "status"})
    setting = Setting(now=NOW, command="audit")
    given = audit.render(audit.Params(), audit.Seen((row,), more=False, head="1:00"), setting).data
    documented = json.loads(SHAPES["audit"])
    assert list(given) == list(documented)
    assert list(given["rows"][0]) == list(documented["rows"][0])


def test_the_documented_data_of_requests_is_what_they_give() -> None:
    """They need a store as well."""
    seen = requests.Seen(SCOPE, waiting=[operation()], running=[], ended=[])
    given = requests.render(requests.Params(), seen, Setting(now=NOW, command="requests")).data
    documented = json.loads(SHAPES["requests"])
    assert list(given) == list(documented)
    assert list(given["requests"][0]) == list(documented["requests"][0])


def test_the_documented_data_of_alerts_is_what_they_give() -> None:
    """Those that are open, and the silences."""
    left = watched.alert(watched.signal(), AlertState.RESOLVED)
    ended = replace(
        watched.episode(),
        alerts=(replace(left, ending=Ending.UNWATCHED),),
        state=EpisodeState.RESOLVED,
        resolved_at=NOW,
    )
    view = list_view(watched.SCOPE, [watched.episode()], [watched.silence()], WatchPolicy(), NOW, ended=[ended])
    given = keys(view.data)
    assert json.dumps(given) == json.dumps(keys(json.loads(SHAPES["alerts"])))


def test_the_documented_data_of_schedules_is_what_they_give() -> None:
    """With the last runs of each."""
    run = SlotRun(name="morning", due_at=NOW, began_at=NOW, done_at=NOW, outcome="sent")
    row = schedule.Row(Schedule(name="morning", cron="0 9 * * 1-5"), NOW, NOW, (run,))
    setting = Setting(now=NOW, command="schedule")
    given = keys(schedule.render(NoParams(), schedule.Seen([row], kept=True), setting).data)
    assert json.dumps(given) == json.dumps(keys(json.loads(SHAPES["schedule"])))


def test_every_query_documents_its_data() -> None:
    """A program can rely on each of them."""
    assert set(SHAPES) == {action.name for action in ALL_VERBS.all() if isinstance(action, Query)}


def test_every_code_has_its_section() -> None:
    """Meaning, recognition and remedy, reached from the table; no lines of a document that readers do not have."""
    page = findings_page()
    for code in all_codes():
        assert f"| [`{code.name}`](#{code.name.lower()}) |" in page
        [section] = re.findall(rf"^## {code.name}\n(.*?)(?=^## |\Z)", page, re.DOTALL | re.MULTILINE)
        assert code.meaning in section
        assert ("- Recognised: " in section) == bool(code.recognised)
        assert ("- What to do: " in section) == bool(code.remedy)
        assert "Playbook" not in section


def test_every_verb_has_its_section() -> None:
    """With its usage and every parameter."""
    page = commands_page(ALL_VERBS)
    for action in ALL_VERBS.all():
        assert f"## {action.name}\n" in page
        assert f"```\n{ALL_VERBS.usage(action)}\n```" in page
