"""What is read of a webhook, and what is refused."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.alertmanager.payload import (
    LARGEST,
    LONGEST_NAME,
    LONGEST_VALUE,
    MOST_ALERTS,
    MOST_PAIRS,
    NotUnderstood,
    read_webhook,
)
from bot.domain.watch.received import ReceivedAlert, ReceivedStatus
from tests.support.webhooks import alert, body, webhook


def read(sent: bytes) -> list[ReceivedAlert]:
    return list(read_webhook(sent).alerts)


def refusal(sent: bytes) -> str:
    with pytest.raises(NotUnderstood) as refused:
        read(sent)
    return str(refused.value)


def test_an_alert_arrives_whole() -> None:
    [one] = read(body(alert()))
    assert one == ReceivedAlert(
        status=ReceivedStatus.FIRING,
        fingerprint="1a2b3c4d5e6f7a8b",
        labels=(("alertname", "HighErrorRate"), ("namespace", "rag-engine"), ("severity", "critical")),  # type: ignore[arg-type]  # plain words are their own redaction
        annotations=(("summary", "5 % of requests fail"),),  # type: ignore[arg-type]  # as above
        starts_at=datetime(2026, 11, 24, 21, 0, 0, 123456, tzinfo=UTC),
        ends_at=None,
        link="http://prometheus.example:9090/graph?g0.expr=up",
        group='{}:{alertname="HighErrorRate"}',
    )
    assert (one.label("namespace"), one.label("pod"), one.annotation("summary")) == (
        "rag-engine",
        "",
        "5 % of requests fail",
    )


def test_only_what_is_resolved_has_an_end() -> None:
    """Alertmanager may guess one for what still fires."""
    [firing] = read(body(alert(endsAt="2026-11-24T22:10:00Z")))
    [resolved] = read(body(alert(status="resolved")))
    assert firing.ends_at is None
    assert resolved.ends_at == datetime(2026, 11, 24, 22, 9, 0, 500000, tzinfo=UTC)


@pytest.mark.parametrize("said", [None, "0001-01-01T00:00:00Z", "0001-01-01T00:00:00+14:00", "1970-01-01T00:00:00Z"])
def test_a_time_that_says_never_is_none(said: str | None) -> None:
    [one] = read(body(alert(startsAt=said)))
    assert one.starts_at is None


def test_what_is_not_needed_is_not_looked_at() -> None:
    """A newer Alertmanager may send more, and other forms of what nobody reads."""
    assert len(read(body(alert(extra=[1, 2]), externalURL=None, commonLabels="?", newer={"a": 1}))) == 1


def test_how_many_were_left_out_is_kept() -> None:
    assert read_webhook(body(truncatedAlerts=7)).left_out == 7


def test_an_empty_webhook_has_no_alerts() -> None:
    assert read(body()) == []


def test_words_are_redacted_and_cannot_steer_a_terminal() -> None:
    """In values, in annotations, in links and in the group's key."""
    labels = {"alertname": "a", "why": "password=hunter2 \x1b[31mred\u202e"}
    url = "https://ann:hunter2@prometheus.example/graph"
    [one] = read(body(alert(labels=labels, annotations=labels, generatorURL=url), groupKey="token=hunter2hunter2"))
    assert one.label("why") == one.annotation("why") == "password=[masked] red"
    assert "hunter2" not in str(one)


def test_names_are_plain_and_values_are_cut() -> None:
    """UTF-8 names are allowed to Prometheus; a value may be a whole page."""
    [one] = read(
        body(alert(labels={"größe <!here>\n": "x", "n" * 500: "x", "page": "y" * 50_000, "": "z", "none": ""}))
    )
    assert sorted(name for name, _ in one.labels) == sorted(["gr__e___here__", "n" * LONGEST_NAME, "page"])
    assert len(one.label("page")) == LONGEST_VALUE
    assert one.label("page").endswith("…")


@pytest.mark.parametrize(
    "link",
    [
        "javascript:alert(1)",
        "ftp://a/b",
        "http://",
        "http://a b/",
        "http://a\n/",
        "//a",
        7,
        None,
        "http://[",
        "h" * 9000,
    ],
)
def test_what_is_no_address_of_the_web_is_no_link(link: Any) -> None:
    """And no reason to lose an alert."""
    [one] = read(body(alert(generatorURL=link)))
    assert one.link == ""


@pytest.mark.parametrize(
    ("sent", "said"),
    [
        (b"", "The body is no JSON."),
        (b"nonsense", "The body is no JSON."),
        (b"\xff\xfe{}", "The body is no JSON."),
        (b"[" * 100_000, "The body is no JSON."),
        (b"9" * 10_000, "The body is no JSON."),
        (b"[]", "The body is no object."),
        (b"{}", "This is no webhook of Alertmanager of version 4."),
        (b'{"version": 4}', "This is no webhook of Alertmanager of version 4."),
        (b'{"version": "4"}', "There is no list of alerts."),
        (b'{"version": "4", "alerts": null}', "There is no list of alerts."),
        (body(truncatedAlerts=True), "truncatedAlerts is no number."),
        (body(truncatedAlerts=-1), "truncatedAlerts is no number."),
        (body(groupKey=1), "groupKey is no text."),
        (json.dumps(webhook() | {"alerts": [1]}).encode(), "Alert 1 is no object."),
        (body(alert(status="on fire")), "The status of Alert 1 is neither firing nor resolved."),
        (body(alert(status=None)), "The status of Alert 1 is no text."),
        (body(alert(), alert(fingerprint="../../etc")), "Alert 2 has no fingerprint."),
        (body(alert(fingerprint=None)), "Alert 1 has no fingerprint."),
        (body(alert(labels=[])), "The labels of Alert 1 is no object."),
        (body(alert(labels={"a": 1})), "The labels of Alert 1 is no text."),
        (body(alert(startsAt="yesterday")), "startsAt of Alert 1 is no time."),
        (body(alert(startsAt="2026-13-24T22:00:00Z")), "startsAt of Alert 1 is no time."),
        (body(alert(startsAt=7)), "startsAt of Alert 1 is no text."),
    ],
)
def test_what_is_not_as_promised_is_refused_in_a_sentence(sent: bytes, said: str) -> None:
    assert refusal(sent) == said


def test_what_is_too_much_is_refused_and_says_how_much_is_taken() -> None:
    many = {f"label_{number}": "x" for number in range(MOST_PAIRS + 1)}
    small = {"status": "firing", "fingerprint": "f"}
    assert refusal(b" " * (LARGEST + 1)) == "The body is larger than 1048576 bytes."
    assert refusal(body(*[small] * (MOST_ALERTS + 1))) == "There are 2001 alerts; at most 2000 are taken (max_alerts)."
    assert refusal(body(alert(labels=many))) == "The labels of Alert 1 are 129; at most 128 are taken."
    assert len(read(body(*[small] * MOST_ALERTS))) == MOST_ALERTS


# --- whatever is sent -------------------------------------------------------------------------------------------------

ANY_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=12,
)
FIELDS = ("status", "labels", "annotations", "startsAt", "endsAt", "generatorURL", "fingerprint")
WORDS = st.text(max_size=60) | st.sampled_from(["\ud800", "\x1b]0;x\x07", "password=hunter2", "<!channel>", "\u202e"])
ALMOST = st.builds(
    lambda base, changed: {**base, **changed},
    st.sampled_from([alert(), alert(status="resolved")]),
    st.dictionaries(
        st.sampled_from(FIELDS),
        ANY_JSON
        | WORDS
        | st.dictionaries(WORDS, WORDS, max_size=5)
        | st.datetimes().map(lambda at: f"{at.isoformat()}Z"),
        max_size=3,
    ),
)


def taken_or_refused(sent: bytes) -> None:
    """Assert that it is one or the other, and that what is taken can be shown to people."""
    try:
        alerts = read(sent)
    except NotUnderstood as refused:
        assert str(refused).endswith((".", ")."))  # noqa: PT017  # either way is right
        return
    for each in alerts:
        texts = [
            each.link,
            each.group,
            each.fingerprint,
            *(text for pair in (*each.labels, *each.annotations) for text in pair),
        ]
        assert not [text for text in texts if "\x1b" in text or "\u202e" in text or "\ud800" in text]
        assert all(len(text) <= LONGEST_VALUE for text in texts)
        assert [name for name, _ in each.labels] == sorted({name for name, _ in each.labels})
        assert each.starts_at is None or each.starts_at.tzinfo is UTC


@given(st.binary(max_size=200))
def test_no_bytes_break_the_reader(sent: bytes) -> None:
    taken_or_refused(sent)


@given(ANY_JSON)
def test_no_json_breaks_the_reader(sent: Any) -> None:
    taken_or_refused(json.dumps(sent).encode())


@given(
    st.lists(ALMOST, max_size=4),
    st.dictionaries(st.sampled_from(["version", "alerts", "groupKey"]), ANY_JSON, max_size=1),
)
def test_no_webhook_that_is_almost_right_breaks_the_reader(
    alerts: list[dict[str, Any]], changed: dict[str, Any]
) -> None:
    taken_or_refused(json.dumps(webhook(*alerts) | changed).encode())
