"""A digest as people read it: the verdict first, short when nothing is wrong, the rest in the thread."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from bot.domain.findings import Severity, Verdict
from bot.domain.operations import Operation, State
from bot.domain.text import Redacted
from bot.domain.view import Headline, Item, Mark, Picture, Span, View
from bot.domain.watch.episodes import Ending
from bot.domain.watch.world import UNSEEN, Looked
from bot.watching.digest_lines import label_of
from bot.watching.digest_view import details_view, digest_view
from tests.support import digests as made
from tests.support.answers import buttons, rows
from tests.support.digests import CRASH, LAB, PLAN, SCOPE, attention, checkup, digest, ground, hours_ago
from tests.support.operations import operation, vote

DAY = Looked(made.buckets())


def text(view: View | None) -> str:
    assert view is not None
    return "\n".join(rows(view))


def headline(view: View) -> tuple[str, Mark]:
    first = view.blocks[0]
    assert isinstance(first, Headline)
    return first.text, first.mark


def chart_count(view: View) -> int:
    return sum(isinstance(block, Picture) for block in view.blocks)


def rolled_back(hours: float = 2) -> Operation:
    asked, at = operation("op-7f3a9c1e"), hours_ago(hours)
    return replace(asked, state=State.SUCCEEDED, votes=(vote(asked),), written_at=at, ended_at=at)


def test_a_healthy_morning_is_short() -> None:
    """One line, one line of what was looked at, the picture, the small print; nothing in the thread."""
    quiet = digest(ground(buckets=DAY))
    view = digest_view(quiet)
    assert headline(view) == ("Tue 24 Nov, 09:00 — shop is healthy", Mark.OK)
    assert [type(block).__name__ for block in view.blocks] == [
        "Headline",
        "Paragraph",
        "Picture",
        "Context",
        "Buttons",
    ]
    assert "Looked at: workloads (11 of 11 ready), services and certificates (the only one ends in 61 days)." in text(
        view
    )
    assert "shop on prod-eu · what came since the digest of Mon 09:00 · as of 09:00:03 CET, looked for 1 s" in text(
        view
    )
    assert details_view(quiet) is None
    assert (view.exit_code, buttons(view)) == (
        0,
        {"Status now": "status", "Pause this digest": "schedule pause morning"},
    )


def test_what_needs_a_person_comes_first() -> None:
    """The worst first, what is new and what is not, with why; the next step is the first button."""
    open_ = digest(ground(attention(since=hours_ago(30)), CRASH, place="-n shop"))
    view = digest_view(open_)
    assert headline(view) == ("Tue 24 Nov, 09:00 — shop needs you: 2 things", Mark.CRITICAL)
    first, second = (block for block in view.blocks if isinstance(block, Item))
    assert (first.note, first.mark) == ("critical, new", Mark.CRITICAL)
    assert second.note == "warning, still open since Mon 03:00"
    assert buttons(view)["Roll back…"] == "rollback search -n shop"
    assert "Looked at" not in text(view)
    assert view.exit_code == 1


@pytest.mark.parametrize(
    ("words", "shown"),
    [
        ("Short.", "Short."),
        (f"Revision 8 ends with exit code 1 at start, again and again. {'More ' * 40}.", "again and again."),
        ("x" * 300, f"{'x' * 139}…"),
    ],
)
def test_why_is_told_in_whole_sentences_where_they_fit(words: str, shown: str) -> None:
    """The thread has all of it."""
    told = replace(CRASH, words=Redacted(words))
    (item,) = (block for block in digest_view(digest(ground(told))).blocks if isinstance(block, Item))
    (row,) = item.lines
    assert isinstance(row[0], Span)
    assert row[0].text.endswith(shown)
    assert len(row[0].text) <= 140


def test_a_warning_alone_is_no_alarm() -> None:
    """Its mark is milder."""
    assert headline(digest_view(digest(ground(attention())))) == (
        "Tue 24 Nov, 09:00 — shop needs you: 1 thing",
        Mark.WARNING,
    )


def test_more_than_five_things_are_in_the_thread() -> None:
    """The message says how many, the thread has all of them with the next step and the exact time."""
    many = digest(ground(CRASH, *(attention(key=f"K{each}", since=hours_ago(2)) for each in range(7))))
    view = digest_view(many)
    assert sum(isinstance(block, Item) for block in view.blocks) == 5
    assert "… and 3 more things in the thread" in text(view)
    details = details_view(many)
    assert details is not None
    assert sum(isinstance(block, Item) for block in details.blocks) == 8
    assert "Since 2026-11-24 06:00:03 UTC" in text(details)
    assert "Next: /rag rollback search: revision 7 worked" in text(details)


def test_what_changed_names_who_asked_and_who_agreed() -> None:
    """Requests with their people, what was only seen to happen without, in their order."""
    done = rolled_back()
    view = digest_view(digest(ground(operations=Looked((done,)), notes=Looked((made.note(at=18),)))))
    shown = text(view)
    assert "Changed  15:00 search v1.1 → v1.2" in shown
    assert "v1.2 · 07:00 api was restarted, asked by @U-ann, approved by @U-lea" in shown


@pytest.mark.parametrize(
    ("state", "words"),
    [
        (State.FAILED, "Restart api: failed"),
        (State.UNKNOWN, "Restart api: ended in doubt"),
        (State.DENIED, "Restart api: denied"),
        (State.EXPIRED, "Restart api: expired, nobody answered"),
    ],
)
def test_a_request_that_came_to_nothing_is_told_as_that(state: State, words: str) -> None:
    """It is not told as done."""
    ended = replace(operation(), state=state, ended_at=hours_ago(1))
    assert words in text(details_view(digest(ground(operations=Looked((ended,))))))


def test_what_changed_nothing_takes_no_place_of_what_did() -> None:
    """It is counted in the message; the thread has each, in the order of the times that are told."""

    def undone(state: State, number: int, hours: float) -> Operation:
        asked = operation(f"op-{state}-{number}")
        return replace(asked, state=state, created_at=hours_ago(hours + 3), ended_at=hours_ago(hours))

    denied = [undone(State.DENIED, number, 3 - number / 10) for number in range(3)]
    notes = Looked(tuple(made.note(f"search v{each} → v{each + 1}", at=5 - each) for each in range(4)))
    seen = digest(ground(operations=Looked((*denied, undone(State.EXPIRED, 0, 1.5))), notes=notes))
    told = text(digest_view(seen)).replace("\n", " ")
    assert (
        "Changed  05:00 search v1 → v2 · 06:00 search v2 → v3 · 07:00 search v3 → v4 · 1 earlier in the thread"
        " · 3 requests denied · 1 expired"
    ) in told
    thread = text(details_view(seen))
    times = re.findall(r"^(\d\d:\d\d) ", thread.partition("Changed\n")[2], re.MULTILINE)
    assert len(times) == 8
    assert times == sorted(times)


def test_a_request_that_was_denied_is_told_where_nothing_changed() -> None:
    """In so many words."""
    denied = replace(operation(), state=State.DENIED, ended_at=hours_ago(1))
    shown = text(digest_view(digest(ground(operations=Looked((denied,))))))
    assert "Changed  nothing · 1 request denied" in shown


def test_the_thread_has_the_whole_sentence() -> None:
    """The message has what can be read at a glance."""
    words = "search was released as revision 8: v1.1 → v1.2."
    seen = digest(ground(notes=Looked((made.note(words, at=18),))))
    assert "Changed  15:00 search v1.1 → v1.2" in text(digest_view(seen))
    assert f"15:00 {words}" in text(details_view(seen))


def test_many_changes_are_in_the_thread() -> None:
    """The last three stand in the message."""
    notes = Looked(tuple(made.note(f"search v{each} → v{each + 1}", at=10 - each) for each in range(8)))
    many = digest(ground(notes=notes))
    shown = text(digest_view(many))
    assert "v5 → v6 · 05:00 search v6 → v7 · 06:00 search v7 → v8 · 5 earlier in the thread" in shown
    assert "v4 → v5" not in shown
    assert "search v0 → v1" in text(details_view(many))


def test_what_is_over_says_how_long_it_was() -> None:
    """Of an alert and of a problem."""
    seen = ground(
        spans=Looked((made.span(title="search: slow", began=10, ended=9),)),
        episodes=Looked((made.episode(fired=5, resolved=4.5),)),
    )
    shown = text(digest_view(digest(seen)))
    assert "Resolved  search: slow (23:00, for 60 min) · search: error rate above 5 % (04:00, for 30 min)" in shown


def test_what_is_not_known_to_be_over_stands_apart() -> None:
    """In the message, in the thread and for programs."""
    found = made.episode("cache fails", service="", source="ragops", fired=5, resolved=4.5)
    left = replace(found, alerts=tuple(replace(each, ending=Ending.UNWATCHED) for each in found.alerts))
    view = digest_view(digest(ground(episodes=Looked((left,)))))
    assert "Not known to be over  No longer watched: cache fails" in text(view)
    assert "Resolved" not in text(view)
    assert "No longer watched: cache fails" in text(details_view(digest(ground(episodes=Looked((left,))))))
    [place] = view.data["places"]  # type: ignore[index]  # plain JSON
    [told] = place["not_known_to_be_over"]
    assert (told["title"], told["ending"], place["resolved"]) == ("cache fails", "unwatched", [])


def test_warnings_are_compared_with_the_day_before() -> None:
    """As far as either is known."""
    before = Looked(made.buckets(steps=3))
    assert "Warnings  144 events in 24 hours, all about search; 3 the day before" in text(
        digest_view(digest(ground(buckets=DAY, before=before)))
    )
    assert "Warnings  144 events in 24 hours, all about search\n" in text(digest_view(digest(ground(buckets=DAY))))
    more = [replace(bucket, warnings=2) for bucket in made.buckets(made.WORKER)]
    two = digest_view(digest(ground(buckets=Looked([*made.buckets(), *more]))))
    assert "Warnings  432 events in 24 hours, most about worker (288)\n" in text(two)
    one = [replace(bucket, warnings=0) for bucket in made.buckets()]
    one[3] = replace(one[3], warnings=1)
    assert "Warnings  1 event in 24 hours, about search\n" in text(digest_view(digest(ground(buckets=Looked(one)))))
    assert "Warnings  none in 24 hours; 3 the day before" in text(
        digest_view(digest(ground(buckets=Looked(one[:3]), before=before)))
    )
    quiet = Looked([replace(bucket, warnings=0) for bucket in made.buckets()])
    assert "Warnings" not in text(digest_view(digest(ground(buckets=quiet, before=quiet))))


def test_a_late_digest_says_so() -> None:
    """How late, and when it was due; one that is late by seconds does not."""
    late = digest(late=timedelta(hours=2), due=hours_ago(2))
    assert "Sent 2 h late: it was due at 07:00. It tells how things are now." in text(digest_view(late))
    assert "late" not in text(digest_view(digest(late=timedelta(seconds=40))))


def test_what_could_not_be_looked_at_is_never_healthy() -> None:
    """The verdict says it, and so does the small print."""
    gone = digest(ground(checkup=Looked(problem="the API server did not answer"), buckets=UNSEEN))
    view = digest_view(gone)
    assert headline(view) == (
        "Tue 24 Nov, 09:00 — shop could not be looked at: the API server did not answer",
        Mark.UNKNOWN,
    )
    assert chart_count(view) == 0
    assert "Not looked at: history (not looked at)." in text(view)
    assert view.exit_code == 2
    unsure = Looked(checkup(verdict=Verdict.UNKNOWN, problems=("health URLs",)))
    said, mark = headline(digest_view(digest(ground(checkup=unsure))))
    assert (said, mark) == (
        "Tue 24 Nov, 09:00 — shop may be healthy or not: health URLs could not be looked at",
        Mark.UNKNOWN,
    )


def test_a_part_that_was_not_looked_at_is_in_the_small_print() -> None:
    """All else was, so the verdict stands; the reason is said. Only many of them need the thread."""
    one = digest(ground(checkup=Looked(checkup(problems=("disks",)))))
    assert headline(digest_view(one))[1] is Mark.OK
    assert "Not looked at: disks (no right to read them)." in text(digest_view(one))
    assert details_view(one) is None
    many = digest(ground(checkup=Looked(checkup(problems=("disks", "quota", "usage", "jobs")))))
    assert "usage (no right to read them); 1 more in the thread." in text(digest_view(many)).replace("\n", " ")
    assert "jobs (no right to read them)" in text(details_view(many))


def test_several_places_are_told_the_worst_first() -> None:
    """Each with its verdict and its worst things; pictures of the others are in the thread."""
    lab = ground(scope=LAB, place="--cluster lab", buckets=DAY)
    shop = ground(CRASH, buckets=DAY)
    both = digest(lab, shop, plan=replace(PLAN, scopes=(SCOPE, LAB)))
    view = digest_view(both)
    assert headline(view) == ("Tue 24 Nov, 09:00 — 1 place needs you, 1 healthy", Mark.CRITICAL)
    first, second = (block for block in view.blocks if isinstance(block, Item))
    assert [part.mark for part in (first, second)] == [Mark.CRITICAL, Mark.OK]
    assert "shop on prod-eu needs you: 1 thing" in text(view)
    assert "search: new release crashes, old one still serves (critical, new)" in text(view)
    assert chart_count(view) == 1
    details = details_view(both)
    assert details is not None
    assert chart_count(details) == 1
    well = digest_view(digest(lab, ground()))
    assert headline(well)[0] == "Tue 24 Nov, 09:00 — all 2 places are healthy"


def test_the_first_digest_tells_of_a_day() -> None:
    """There is nothing to compare with."""
    assert "the last 24 hours" in text(digest_view(digest(first=True)))


def test_who_asked_for_it_is_said() -> None:
    """Of one that no clock sent."""
    assert "Asked for by @U-ann" in text(digest_view(digest(), asked_by="U-ann"))


def test_certificates_and_backups_are_noted() -> None:
    """What needs nobody yet and is worth a word."""
    sections = [replace(each, noted=each.name == "certificates") for each in checkup().sections]
    seen = ground(checkup=Looked(replace(checkup(), sections=tuple(sections))))
    assert "Note  certificates: the only one ends in 61 days" in text(digest_view(digest(seen)))


def test_programs_get_all_of_it() -> None:
    """As JSON, with the figures of the picture."""
    seen = ground(
        CRASH, buckets=DAY, operations=Looked((rolled_back(),)), notes=Looked((made.note(at=18),)),
        spans=Looked((made.span("X", "search: slow", began=10, ended=9),)),
    )  # fmt: skip
    data: Any = json.loads(json.dumps(digest_view(digest(seen)).data, allow_nan=False))
    (place,) = data["places"]
    assert (data["digest"], data["since"], place["verdict"]) == ("morning", "2026-11-23T08:00:03+00:00", "degraded")
    assert place["needs_you"][0]["next"] == "rollback search"
    assert [each["kind"] for each in place["changed"]] == ["release", "request"]
    assert place["changed"][1]["approvers"] == ["U-lea"]
    assert place["resolved"][0]["title"] == "search: slow"
    assert len(place["chart"]["panels"]) == 4


def test_moments_of_the_day_stand_in_the_picture() -> None:
    """Releases and alerts, those of the last day."""
    seen = ground(
        buckets=DAY,
        notes=Looked((made.note(at=18), made.note("before", at=30))),
        episodes=Looked((made.episode(severity=Severity.WARNING, fired=3),)),
    )
    (picture,) = (block for block in digest_view(digest(seen)).blocks if isinstance(block, Picture))
    labels = [moment.label for moment in picture.chart.moments]
    assert labels == ["search v1.1 → v1.2", "alert: search: error rate above 5 %"]


@pytest.mark.parametrize(
    ("words", "label"),
    [
        ("search was released as revision 8: v1.1 → v1.2.", "search v1.1 → v1.2"),
        ("search was released as revision 8: v1.1 → v1.2. asked by ann", "search v1.1 → v1.2"),
        (
            "search was released as revision 9: v1.2 as before, restarted or with other settings.",
            "search restarted or set",
        ),
        ("qdrant was released: all 3 pods run the new revision.", "qdrant released"),
        ("worker was scaled from 4 to 6 pods by its autoscaler (cpu).", "worker 4 → 6 pods"),
        ("Certificate of rag.example.com was renewed, valid until 2027-02-24.", "certificate renewed: rag.example.com"),
        ("search serves a new certificate, valid until 2027-02-24.", "search: new certificate"),
        ("Something else happened that nobody has foreseen here", "Something else happened that nobody has…"),
    ],
)
def test_what_happened_is_short_beside_its_line(words: str, label: str) -> None:
    """As much as can be read in the picture; the message has the whole sentence."""
    assert label_of(made.note(words)) == label
