from __future__ import annotations

import itertools
import re
from datetime import UTC, datetime, timedelta

import pytest

from bot.domain.actions import Setting
from bot.domain.requests import Surface
from bot.domain.view import Context, Mention, Paragraph, View
from bot.errors import UsageError
from bot.ports import AuditEntry, AuditRecord, Sources
from bot.slack.outbound.planner import plan_view
from bot.store.store import PostgresStore
from handlers import audit
from tests.support.answers import buttons, data, rows
from tests.support.builders import NOW, SCOPE
from tests.support.hostile import LARGE, WORDS
from tests.support.service import asked, stage

ANN, BOB = "U0ANN", "U0BOB"


def entry(actor: str, action: str, result: str = "done", **detail: str) -> AuditEntry:
    return AuditEntry(actor=actor, action=action, subject="C1", result=result, detail=detail)


async def record(store: PostgresStore, *entries: AuditEntry) -> None:
    """Put rows on record, the oldest first."""
    for each in entries:
        async with store.transaction() as transaction:
            await transaction.audit(each)


async def answer(store: PostgresStore | None, text: str, *, surface: Surface = Surface.COMMAND) -> View:
    """Ask as ann, who operates; the time is the database's own."""
    scene = stage()
    scene.clock.time = datetime.now(UTC) + timedelta(minutes=4)
    return await scene.service(store).ask(asked(text, surface=surface))


def told(view: View) -> list[str]:
    """Return the lines that show rows, without their times."""
    shown = rows(View("", tuple(block for block in view.blocks if isinstance(block, Paragraph))))
    return [re.sub(r"^\d+ min ago · ", "", row) for row in shown]


async def test_the_newest_row_stands_first_with_who_what_and_result(store: PostgresStore) -> None:
    """What was typed, and why it was refused; the place and the rest are in the data."""
    await record(
        store,
        entry(ANN, "share", command="share status api", said="status api"),
        entry(BOB, "share", "refused", command="share logs api", said="needs the role viewer", permission="share"),
        entry("ragops", "delivery", "given up", reason="not in channel"),
    )
    view = await answer(store, "audit")
    assert (view.summary, view.exit_code) == ("Audit: 3 rows", 0)
    assert told(view) == [
        "ragops · delivery C1 · given up: not in channel",
        f"@{BOB} · share logs api · refused: needs the role viewer",
        f"@{ANN} · share status api · done",
    ]
    assert [row["seq"] for row in data(view)["rows"]] == [3, 2, 1]
    assert data(view)["rows"][1]["detail"]["permission"] == "share"
    assert data(view)["rows"][0]["subject"] == "C1"


async def test_what_the_record_names_by_our_own_words_is_said_in_plain_ones(store: PostgresStore) -> None:
    """The data keeps the record's word."""
    await record(store, entry(ANN, "staus", "UsageError", command="staus", said='There is no command "staus".'))
    view = await answer(store, "audit")
    assert told(view) == [f'@{ANN} · staus · not possible: There is no command "staus".']
    assert data(view)["rows"][0]["result"] == "UsageError"


@pytest.mark.parametrize(
    ("action", "result", "detail", "shown"),
    [
        ("requested", "PENDING", {"command": "rollback api", "reason": "500s"}, "rollback api · asked for: 500s"),
        ("vote", "approved", {}, "rollback deployment/api in shop · approved"),
        ("vote_refused", "refused", {"said": "No."}, "rollback deployment/api in shop · not counted: No."),
        ("denied", "DENIED", {"reason": "wait"}, "rollback deployment/api in shop · denied: wait"),
        (
            "superseded",
            "SUPERSEDED",
            {"why": "moved"},
            "rollback deployment/api in shop · ended, not carried out: moved",
        ),
        ("claimed", "EXECUTING", {}, "rollback deployment/api in shop · begun"),
        ("patched", "EXECUTING", {}, "rollback deployment/api in shop · written in the cluster"),
        ("result", "SUCCEEDED", {}, "rollback deployment/api in shop · ended: done"),
        ("result", "FAILED", {}, "rollback deployment/api in shop · ended: failed"),
        (
            "resolution",
            "undone",
            {"reason": "by hand"},
            "rollback deployment/api in shop · resolved by hand: undone: by hand",
        ),
    ],
)
async def test_a_step_of_a_request_is_said_in_words(
    store: PostgresStore, action: str, result: str, detail: dict[str, str], shown: str
) -> None:
    """What it is about, what came of it, and the short id that stands on its card; the data keeps the record's own."""
    subject = "251f0d14-5f5e-4f0c-9b1c-0f3f5a5b7c11"
    of = {"verb": "rollback", "target": "deployment/api in shop", **detail}
    await record(store, AuditEntry(actor=ANN, action=action, subject=subject, result=result, detail=of))
    view = await answer(store, "audit")
    assert told(view) == [f"@{ANN} · {shown} · request 251f0d14"]
    assert (data(view)["rows"][0]["action"], data(view)["rows"][0]["subject"]) == (action, subject)


async def test_people_are_mentioned_by_their_ids(store: PostgresStore) -> None:
    """So that the platform shows their names; what is no id stays text."""
    await record(store, entry(ANN, "share"), entry("<!channel>", "share"))
    view = await answer(store, "audit")
    people = [
        part for block in view.blocks if isinstance(block, Paragraph) for row in block.lines for part in row
        if isinstance(part, Mention)
    ]  # fmt: skip
    assert people == [Mention(ANN)]


async def test_the_head_is_told_and_how_to_check_it(store: PostgresStore) -> None:
    """The words lead to the program that verifies the chain, from the row that was seen here."""
    await record(store, entry(ANN, "share"))
    head = await store.audit_trail.head()
    view = await answer(store, "audit")
    small_print = rows(View("", tuple(block for block in view.blocks if isinstance(block, Context))))
    assert re.fullmatch(r"As of \d\d:\d\d:\d\d UTC · only you see this", small_print[0])
    assert f"ragops audit verify --head {head}" in " ".join(small_print[1:])
    assert data(view)["head"] == head
    assert re.fullmatch(r"1:[0-9a-f]{64}", head)


async def test_rows_are_chosen_by_command_person_and_time(store: PostgresStore) -> None:
    """Each alone, and together."""
    await record(store, entry(ANN, "share"), entry(BOB, "share"), entry(BOB, "status", "refused"))

    async def found(text: str) -> list[str]:
        return [f"{row['actor']} {row['action']}" for row in data(await answer(store, text))["rows"]]

    assert await found("audit --op share") == [f"{BOB} share", f"{ANN} share"]
    assert await found(f"audit --who {BOB}") == [f"{BOB} status", f"{BOB} share"]
    assert await found(f"audit --who <@{BOB}|bob> --op share") == [f"{BOB} share"]
    assert await found("audit --since 1h") == [f"{BOB} status", f"{BOB} share", f"{ANN} share"]
    assert await found("audit --since 2m") == []
    assert await found("audit --op rollback") == []


async def test_what_was_looked_for_is_told(store: PostgresStore) -> None:
    """Also when there is nothing."""
    view = await answer(store, f"audit --op share --since 2h --who {ANN}")
    assert view.summary == "Audit of share since 2h by one person: nothing was recorded"
    assert buttons(view) == {"Refresh": f"audit --op share --since 2h --who {ANN}"}


async def test_no_more_than_a_screen_is_shown_and_that_is_said(store: PostgresStore) -> None:
    """With the ways to narrow it that were not used yet."""
    await record(store, *(entry(ANN, "share", command=f"share {number}") for number in range(audit.MOST + 1)))
    view = await answer(store, "audit --op share")
    assert view.summary == "Audit of share: the newest 20 rows"
    assert len(data(view)["rows"]) == audit.MOST
    assert data(view)["more"] is True
    assert told(view)[-1] == "There are more; 20 are shown at most. Narrow it: --since 2h, --who @person"
    everything = await answer(store, f"audit --op share --since 1d --who {ANN}")
    assert told(everything)[-1].endswith("Narrow it: a later --since")
    exact = await answer(store, "audit --op share --since 1d")
    assert exact.summary.startswith("Audit of share since 1d: the newest 20")


async def test_a_read_of_the_record_is_not_recorded_itself(store: PostgresStore) -> None:
    """Looking changes nothing."""
    await answer(store, "audit")
    assert data(await answer(store, "audit"))["rows"] == []


async def test_others_see_no_private_note(store: PostgresStore) -> None:
    """When asked by mention."""
    assert "only you see this" not in repr(await answer(store, "audit", surface=Surface.MENTION))


async def test_a_store_that_is_away_is_said_to_be_away(store: PostgresStore) -> None:
    """Never "nothing was recorded"."""
    await store.close()
    view = await answer(store, "audit")
    assert view.exit_code == 2
    assert "nothing was recorded" not in repr(view)


@pytest.mark.parametrize("hostile", [*WORDS, *LARGE, ""], ids=itertools.count())
async def test_words_of_others_stay_words(hostile: str) -> None:
    """Whatever somebody typed, the answer can be sent, and pings nobody."""
    row = AuditRecord(
        seq=1,
        at=NOW,
        actor=hostile[:50],
        action=hostile,
        subject=hostile,
        result=hostile,
        detail={"command": hostile, "said": hostile},
    )
    seen = audit.Seen([row], more=False, head="1:00")
    view = audit.render(audit.Params(), seen, Setting(now=NOW, command="audit"))
    plan = plan_view(view, nonce="n", files_allowed=False)
    assert len(plan.messages) == 1
    kinds = re.findall(r"'type': '(user|usergroup|broadcast|link|emoji)'", repr(plan.messages[0].blocks))
    assert kinds == []


# --- the words of the options -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "user_id"),
    [("", ""), ("U012AB", "U012AB"), ("W012AB", "W012AB"), ("@U012AB", "U012AB"), ("<@U012AB>", "U012AB"),
     ("<@U012AB|ann.o>", "U012AB")],
)  # fmt: skip
def test_a_person_is_an_id_or_a_mention(text: str, user_id: str) -> None:
    """As the platform writes it, with and without the name."""
    assert audit.person(text) == user_id


@pytest.mark.parametrize("text", ["ann", "@ann", "C012AB", "<!subteam^S1>", "<@U012AB", "U012ab", "<@U1><@U2>", "U"])
def test_what_is_no_person_is_refused_in_words(text: str) -> None:
    """A name alone could be anybody's."""
    with pytest.raises(UsageError, match="--who takes a person as Slack completes @name, or an id"):
        audit.person(text)


@pytest.mark.parametrize(
    ("text", "at"),
    [
        ("", None),
        ("30m", NOW - timedelta(minutes=30)),
        ("2h", NOW - timedelta(hours=2)),
        ("3D", NOW - timedelta(days=3)),
        ("1w", NOW - timedelta(days=7)),
        ("2026-11-01", datetime(2026, 11, 1, tzinfo=UTC)),
        ("2026-11-01T14:02", datetime(2026, 11, 1, 14, 2, tzinfo=UTC)),
    ],
)
def test_a_time_is_a_span_or_a_day(text: str, at: datetime | None) -> None:
    """In UTC."""
    assert audit.since(text, NOW) == at


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("yesterday", 'takes a span (30m, 2h, 3d, 1w) or a day in UTC (2026-11-01), not "yesterday"'),
        ("2", "takes a span"),
        ("2 h", "takes a span"),
        ("-2h", "takes a span"),
        ("2h30m", "takes a span"),
        ("٢h", "takes a span"),
        ("01.11.2026", "takes a span"),
        ("2026-11-01T14:02:00+02:00", "takes a span"),
        ("0h", 'reaches back from 1m to 10 years, not "0h"'),
        ("99999w", "reaches back from 1m to 10 years"),
        ("2026-02-30", 'there is no day "2026-02-30" in the calendar'),
        ("2026-11-01T25:00", "there is no day"),
        ("2026-12-24", '"2026-12-24" is yet to come; it is 2026-11-24T22:00 UTC now'),
    ],
)
def test_a_time_that_makes_no_sense_is_refused_in_words(text: str, words: str) -> None:
    """Never read as something near it."""
    with pytest.raises(UsageError, match=re.escape(words)) as raised:
        audit.since(text, NOW)
    assert raised.value.message.startswith("--since")


async def test_where_there_is_no_database_it_is_said_where_to_read() -> None:
    """And what checks the record there."""
    with pytest.raises(UsageError, match="ragops audit verify"):
        await audit.observe(audit.Params(), Sources(scope=SCOPE, request=asked("audit"), now=NOW))
    assert (await answer(None, "audit")).exit_code == 2
