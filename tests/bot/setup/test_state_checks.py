"""What is said of a PostgreSQL and of a Redis, from the facts they tell of themselves."""

from __future__ import annotations

from dataclasses import replace

import pytest

from bot.setup.results import Mark
from bot.setup.state_checks import DatabaseFacts, RedisFacts, judge_database, judge_redis

DATABASE = DatabaseFacts(
    label="db:5432/ragops",
    version="16.4",
    encoding="UTF8",
    role="ragops",
    may_create=True,
    read_only=False,
    ahead_s=0.1,
)
REDIS = RedisFacts(label="redis:6379", version="7.2.5", policy="volatile-ttl", bounded=True, replica=False)


@pytest.mark.parametrize(
    ("facts", "mark", "words"),
    [
        pytest.param(DATABASE, Mark.OK, "version 16.4, UTF8, tables up to date, role ragops", id="well"),
        pytest.param(
            replace(DATABASE, ahead_s=-61), Mark.WARNING, "its clock is 61 s behind this machine's", id="slow"
        ),
        pytest.param(replace(DATABASE, ahead_s=7), Mark.WARNING, "its clock is 7 s before this machine's", id="fast"),
        pytest.param(
            replace(DATABASE, pending=("0002_x",)), Mark.WARNING, "1 migration is to be applied", id="pending"
        ),
        pytest.param(
            replace(DATABASE, pending=("0001_a", "0002_b"), may_create=False),
            Mark.FAULT,
            "2 migrations are to be applied (0001_a, 0002_b), and ragops may not create tables",
            id="pending, no right",
        ),
        pytest.param(
            replace(DATABASE, may_create=False), Mark.OK, "tables up to date", id="a role that only uses them"
        ),
        pytest.param(replace(DATABASE, encoding="SQL_ASCII"), Mark.FAULT, "encoding is SQL_ASCII", id="encoding"),
        pytest.param(replace(DATABASE, read_only=True), Mark.FAULT, "it can only be read", id="standby"),
        pytest.param(replace(DATABASE, refusal="It is newer."), Mark.FAULT, "It is newer.", id="refusal"),
    ],
)
def test_a_database_is_judged_by_what_it_says(facts: DatabaseFacts, mark: Mark, words: str) -> None:
    """One result for one trouble."""
    [result] = judge_database(facts)

    assert (result.mark, result.where) == (mark, "DATABASE_URL")
    assert words in result.found


@pytest.mark.parametrize(
    ("facts", "mark", "words"),
    [
        pytest.param(REDIS, Mark.OK, "version 7.2.5, volatile-ttl", id="well"),
        pytest.param(replace(REDIS, policy="noeviction"), Mark.WARNING, "evicts nothing", id="full one day"),
        pytest.param(replace(REDIS, policy="noeviction", bounded=False), Mark.OK, "noeviction", id="unbounded"),
        pytest.param(replace(REDIS, version="6.0.16"), Mark.FAULT, "6.2 is the oldest that works", id="old"),
        pytest.param(replace(REDIS, version="6.2.0"), Mark.OK, "version 6.2.0", id="oldest"),
        pytest.param(replace(REDIS, replica=True), Mark.FAULT, "it is a replica", id="replica"),
        pytest.param(replace(REDIS, version="", policy=""), Mark.OK, "version unknown", id="will not say"),
    ],
)
def test_a_redis_is_judged_by_what_it_says(facts: RedisFacts, mark: Mark, words: str) -> None:
    """What it does not say is unknown, not wrong."""
    [result] = judge_redis(facts)

    assert (result.mark, result.where) == (mark, "REDIS_URL")
    assert words in result.found
