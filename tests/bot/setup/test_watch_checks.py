"""How `ragops check` tells what targets answer, and what it says of those that cannot be asked."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from bot.domain.findings import Severity
from bot.domain.targets import ClusterName, Namespace, Scope
from bot.domain.watch.policy import WatchPolicy
from bot.domain.watch.probes import Health, Probed, ProbeKind, ProbeTarget, Trouble
from bot.setup.results import Mark
from bot.setup.watch_checks import WatchQuestion, check_targets, check_watch_settings
from bot.setup.written import Written

NOW = datetime(2026, 1, 5, 9, tzinfo=UTC)
FILE = """\
[services.api]
workload = "deployment/api"
health_url = "https://api/healthz"
health_token_env = "PROBE_API"
[dependencies.db]
kind = "postgresql"
address = "db:5432"
ca_file = "ca.pem"
"""
_PLACE = Scope(ClusterName("prod"), Namespace("rag"))
API = ProbeTarget(name="api", kind=ProbeKind.HTTP, address="https://api/healthz", scope=_PLACE, service="api")
DB = ProbeTarget(name="db", kind=ProbeKind.POSTGRESQL, address="db:5432", scope=_PLACE, used_by=("api",))


class Answers:
    """A door behind which every target is as it is told, and which knows who was asked."""

    def __init__(self, *probed: Probed) -> None:
        self._probed = {each.target.name: each for each in probed}
        self.asked: list[str] = []

    async def probe(self, target: ProbeTarget) -> Probed:
        self.asked.append(target.name)
        return self._probed[target.name]


def question(*targets: ProbeTarget, variables: Collection[str] = (), files: Collection[str] = ()) -> WatchQuestion:
    return WatchQuestion(
        policy=WatchPolicy(targets=targets),
        is_set=lambda name: name in variables,
        unreadable=lambda path: "" if path in files else "no such file",
        at=Written.of(FILE, "ragops.toml").at,
    )


@pytest.mark.parametrize(
    ("health", "mark", "words"),
    [
        (Health.OK, Mark.OK, "answers in 12 ms, version 16"),
        (Health.SLOW, Mark.WARNING, "answers slowly in 12 ms"),
        (Health.DEGRADED, Mark.WARNING, "answers in 12 ms, and is not well"),
        (Health.UNKNOWN, Mark.WARNING, "cannot be told"),
        (Health.FAILED, Mark.FAULT, "does not answer"),
    ],
)
async def test_what_does_not_answer_is_a_fault_and_what_is_not_well_a_warning(
    health: Health, mark: Mark, words: str
) -> None:
    """With the line of its address."""
    answers = Answers(Probed(target=DB, at=NOW, health=health, took_ms=12.4, facts=(("version", "16"),)))

    [result] = await check_targets(answers, question(DB))

    assert (result.mark, result.where, result.found) == (mark, "ragops.toml:7", words)
    assert result.tried == "dependency db, postgresql at db:5432"


async def test_what_is_wrong_is_told_in_the_words_of_the_probe() -> None:
    """And the first advice that there is."""
    troubles = (
        Trouble(code="A", severity=Severity.CRITICAL, words="No connections are left."),
        Trouble(code="B", severity=Severity.WARNING, words="A query blocks.", advice="Look at it."),
    )

    [result] = await check_targets(
        Answers(Probed(target=API, at=NOW, health=Health.DEGRADED, troubles=troubles)), question(API)
    )

    assert str(result) == (
        "warning  ragops.toml:3: health URL of api, https://api/healthz: No connections are left; A query blocks."
        " Look at it."
    )


async def test_what_lacks_its_credential_or_its_authorities_is_not_asked() -> None:
    """It would be told to be ill, and is not; the fault says what is missing."""
    api = replace(API, secret_env="PROBE_API")
    db = replace(DB, ca_file="ca.pem", tls=True)
    answers = Answers()

    assert await check_targets(answers, question(api, db)) == []
    assert answers.asked == []
    told = [(result.mark, result.where, result.found) for result in check_watch_settings(question(api, db))]
    assert told == [
        (Mark.FAULT, "ragops.toml:4", "the variable PROBE_API is not set; it was not asked"),
        (Mark.FAULT, "ragops.toml:8", "ca.pem cannot be read: no such file; it was not asked"),
    ]


async def test_what_has_both_is_asked() -> None:
    """Nothing is said of its settings then."""
    api = replace(API, secret_env="PROBE_API")
    whole = question(api, variables=("PROBE_API",))

    assert check_watch_settings(whole) == []
    answers = Answers(Probed(target=api, at=NOW, health=Health.OK))
    assert [result.mark for result in await check_targets(answers, whole)] == [Mark.OK]
    assert answers.asked == ["api"]


def test_a_limit_that_comes_before_slowness_is_a_warning() -> None:
    """Such a target is well or failed, and nothing between."""
    [result] = check_watch_settings(question(replace(DB, timeout_s=1.0, slow_s=1.0)))

    assert result.mark is Mark.WARNING
    assert "never slow" in result.found
