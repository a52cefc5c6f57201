"""What became of everything that a crowd asked for: counted in the workspace, in the database and in the logs."""

from __future__ import annotations

import re
import statistics
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import psycopg

from sandbox.slack.records import Message
from tests.support.crowd import EVENTS, FORBIDDEN, KEPT, SHARES, Ask, Asked, Crowd
from tests.support.watched import words_of

UNSETTLED = """SELECT (SELECT count(*) FROM inbox WHERE state = 'received')
    + (SELECT count(*) FROM outbox WHERE state IN ('waiting', 'sending'))"""

_SHARED_BY = re.compile(r"Shared by .*?\b(U[A-Z0-9]+)")


@dataclass(frozen=True, slots=True)
class Kept:
    """The store's tables as they matter here: the inbox's states by key, the outbox's by tag, the audit by request."""

    inbox: dict[str, str]
    outbox: dict[str, str]
    audit: Counter[tuple[str, str]]
    entries: int

    @classmethod
    async def read(cls, url: str) -> Kept:
        """Read them."""
        async with await psycopg.AsyncConnection.connect(url) as connection:
            inbox = await (await connection.execute("SELECT key, state FROM inbox")).fetchall()
            outbox = await (await connection.execute("SELECT 'outbox-' || id, state FROM outbox")).fetchall()
            audit = await (await connection.execute("SELECT detail::json->>'request', result FROM audit")).fetchall()
        return cls(
            {str(key): str(state) for key, state in inbox},
            {str(tag): str(state) for tag, state in outbox},
            Counter((str(key), str(result)) for key, result in audit),
            len(audit),
        )


async def unsettled(url: str) -> int:
    """Return how many requests and messages still wait."""
    async with await psycopg.AsyncConnection.connect(url) as connection:
        row = await (await connection.execute(UNSETTLED)).fetchone()
    return int(row[0]) if row else -1


def tag_of(message: Message) -> str:
    """Return the outbox's tag of a message; empty for one that has none."""
    return str((message.content.metadata or {}).get("event_payload", {}).get("tag", ""))


def is_aside(message: Message) -> bool:
    """Tell what is said to one person alone in their direct conversation, such as that nothing was accepted."""
    return tag_of(message).startswith("reply-")


def answers_of(asked: Asked, crowd: Crowd) -> int:
    """Return how often something was answered to where it belongs; a direct message is counted by its person."""
    if asked.hook is not None:
        return asked.hook.posts
    return len(crowd.workspace.threads[asked.thread])


def shared_by(crowd: Crowd) -> Counter[tuple[str, str]]:
    """Return how many answers each person shared in each channel, as everybody sees it."""
    by_id = {user.id: name for name, user in crowd.workspace.users.items()}
    places = {channel.id: name for name, channel in crowd.workspace.channels.items()}
    found: Counter[tuple[str, str]] = Counter()
    for message in crowd.workspace.public:
        who = _SHARED_BY.search(words_of(message))
        if who:
            found[by_id[who[1]], places[message.channel_id]] += 1
    return found


def spoken_to(crowd: Crowd, *, asides: bool = False) -> Counter[str]:
    """Return how many answers each person has in their direct conversation; with `asides` also what was said aside."""
    found: Counter[str] = Counter()
    for name in (*crowd.members, *crowd.guests):
        place = crowd.workspace.direct_channel(crowd.workspace.person(name))
        found[name] = sum(
            message.bot_id is not None and (asides or not is_aside(message)) for message in place.messages
        )
    return +found


def each_answered_once(crowd: Crowd, asked: Iterable[Asked]) -> None:
    """Assert that each of these was answered exactly once, where it belongs."""
    asked = list(asked)
    wrong = [(one.kind, one.text, answers_of(one, crowd)) for one in asked if one.kind is not Ask.DIRECT]
    assert [each for each in wrong if each[-1] != 1] == []
    assert spoken_to(crowd) == Counter(one.person for one in asked if one.kind is Ask.DIRECT)
    assert shared_by(crowd) == Counter((one.person, one.channel) for one in asked if one.kind in SHARES)


def nothing_else_was_said(crowd: Crowd, asked: Iterable[Asked]) -> None:
    """Assert that the workspace holds these answers and no other message of the bot."""
    asked = list(asked)
    told = Counter(one.person for one in asked if one.kind not in EVENTS and one.kind is not Ask.PRESS)
    people = {name: crowd.workspace.person(name).id for name in (*crowd.members, *crowd.guests)}
    assert {name: len(crowd.workspace.private[user_id]) for name, user_id in people.items()} == {
        name: told[name] for name in people
    }
    assert len(crowd.workspace.public) == sum(one.kind in EVENTS or one.kind in SHARES for one in asked)


def all_kept_once(crowd: Crowd, kept: Kept, asked: Iterable[Asked]) -> None:
    """Assert that of these each one to be kept was kept, done and audited once, and each refusal audited once."""
    asked = list(asked)
    assert kept.inbox == {one.key: "done" for one in asked if one.kind in KEPT}
    assert set(kept.outbox.values()) <= {"delivered"}
    assert Counter(map(tag_of, crowd.workspace.public)) == Counter(dict.fromkeys(kept.outbox, 1))
    refused = Counter({(one.key, "refused"): 1 for one in asked if one.kind in FORBIDDEN})
    done = Counter({(one.key, "done"): 1 for one in asked if one.kind in SHARES})
    assert kept.audit == refused + done


def summary(crowd: Crowd, **more: Any) -> str:
    """Return the counts and times for people to read."""
    asked, courier = crowd.asked, crowd.slack.courier
    counts = Counter(one.kind for one in asked)
    took = [one.answered_at - one.began for one in asked if one.answered_at]
    lines = [
        f"{len(asked)} asked: " + ", ".join(f"{count} {kind}" for kind, count in counts.most_common()),
        f"{len(took)} answered: {times(took)}",
        f"{len(courier.latencies_s)} acknowledged: {times(courier.latencies_s)}; {courier.unacked} not",
        f"{crowd.postman.repeats} delivered again",
        *(f"{value} {name.replace('_', ' ')}" for name, value in more.items()),
    ]
    return "\n".join(lines)


def times(seconds: Sequence[float]) -> str:
    """Return the median, the 99th of a hundred and the worst."""
    if len(seconds) < 2:
        return "too few to tell"
    p99 = statistics.quantiles(seconds, n=100)[98]
    return f"p50 {statistics.median(seconds):.3f} s, p99 {p99:.3f} s, worst {max(seconds):.3f} s"
