"""Whom naive posting would ping: the hostile corpus through the mention engine."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sandbox.slack.mentions import Names, read_message
from sandbox.slack.typed import escape

NAMES = Names({"bob": "U0000BOB0"}, {"rag-oncall": "S0000RAG0"}, {"general": "C0GENERAL0"})

HOSTILE: list[tuple[str, tuple[str, ...], tuple[str, ...]]] = [
    ("<!channel>", ("channel",), ()),
    ("<!here|here>", ("here",), ()),
    ("<!everyone>", ("everyone",), ()),
    ("<!subteam^S0123ABCD|@oncall>", ("S0123ABCD",), ()),
    ("<@U0123ABCD>", ("U0123ABCD",), ()),
    ("<@W0123ABCD|bob>", ("W0123ABCD",), ()),
    ("<#C0123ABCD|general>", (), ("C0123ABCD",)),
    ("@channel", (), ()),
    ("#general", (), ()),
    ("<!date^0^{date_num}|now>", (), ()),
    ("<!date^0^{date_num}^https://evil.example|now>", (), ("https://evil.example",)),
    ("<mailto:a@b.example|mail>", (), ("mailto:a@b.example",)),
    ("<https://evil.example|https://grafana.internal>", (), ("https://evil.example",)),
    ("https://evil.example/x", (), ()),
    ("[ok](https://evil.example)", (), ()),
    ("<https://evil.example", (), ()),
    (">|<   <>   <||>   <!", (), ()),
    ("&lt;!channel&gt;", (), ()),
    ("&amp;lt;!channel&amp;gt;", (), ()),
    ("``` closing fence <!channel>", ("channel",), ()),
    ("`<!here>`", ("here",), ()),
    ("\u202e<!channel>", ("channel",), ()),
    ("@\u200bchannel", (), ()),
    ("c\u0336rossed \u2028 line", (), ()),
    ("\ud800 lone", (), ()),
    ("\x1b[31mred \x00\x07\x08", (), ()),
    ('{"type":"section"} "],"blocks":[ {{7*7}} ${jndi:x} %s%n $(reboot)', (), ()),
    ("APPROVED by @bob", (), ()),
    ("", (), ()),
    ("&" * 3001, (), ()),
]


@pytest.mark.parametrize(("text", "pings", "links"), HOSTILE, ids=[repr(row[0])[:40] for row in HOSTILE])
def test_the_text_of_a_post_pings_by_control_sequences_only(
    text: str, pings: tuple[str, ...], links: tuple[str, ...]
) -> None:
    """With parse=none, the default of a post, only angle brackets ping and link."""
    found = read_message({"text": text}, NAMES)
    assert (found.pings, found.links) == (pings, links)


@pytest.mark.parametrize("text", [row[0] for row in HOSTILE], ids=[repr(row[0])[:40] for row in HOSTILE])
def test_escaped_text_pings_nobody(text: str) -> None:
    """What a careful bot sends is silent: escaped, parse=none, verbatim."""
    blocks = [
        {"type": "section", "text": {"type": "mrkdwn", "text": escape(text), "verbatim": True}},
        {"type": "header", "text": {"type": "plain_text", "text": text}},
        {
            "type": "rich_text",
            "elements": [{"type": "rich_text_preformatted", "elements": [{"type": "text", "text": text}]}],
        },
        {"type": "table", "rows": [[{"type": "raw_text", "text": text}]]},
    ]
    found = read_message({"text": escape(text), "blocks": blocks, "parse": "none"}, NAMES)
    assert (found.pings, found.links) == ((), ())


@pytest.mark.parametrize(
    ("message", "pings"),
    [
        pytest.param({"text": "@channel @bob", "parse": "full"}, ("channel", "U0000BOB0"), id="parse=full"),
        pytest.param({"text": "@rag-oncall!", "parse": "client"}, ("S0000RAG0",), id="parse=client"),
        pytest.param({"text": "&lt;!channel&gt;", "parse": "client"}, ("channel",), id="client decodes once more"),
        pytest.param({"text": "@bob", "link_names": True}, ("U0000BOB0",), id="link_names"),
        pytest.param({"text": "bob@bob"}, (), id="an address"),
        pytest.param(
            {"blocks": [{"type": "section", "text": {"type": "mrkdwn", "text": "@here"}}]}, ("here",), id="mrkdwn"
        ),
        pytest.param(
            {"blocks": [{"type": "section", "text": {"type": "mrkdwn", "text": "<!here>", "verbatim": True}}]},
            ("here",),
            id="verbatim does not stop control sequences",
        ),
        pytest.param({"blocks": [{"type": "markdown", "text": "@everyone"}]}, ("everyone",), id="markdown"),
        pytest.param({"attachments": [{"text": "<!channel>"}]}, ("channel",), id="attachment"),
        pytest.param(
            {
                "attachments": [
                    {"blocks": [{"type": "context", "elements": [{"type": "mrkdwn", "text": "<@U0123ABCD>"}]}]}
                ]
            },
            ("U0123ABCD",),
            id="blocks in an attachment",
        ),
        pytest.param(
            {
                "blocks": [
                    {
                        "type": "rich_text",
                        "elements": [
                            {
                                "type": "rich_text_section",
                                "elements": [
                                    {"type": "broadcast", "range": "here"},
                                    {"type": "usergroup", "usergroup_id": "S1"},
                                ],
                            }
                        ],
                    }
                ]
            },
            ("here", "S1"),
            id="rich text leaves",
        ),
    ],
)
def test_parsing_and_unmarked_text_pings(message: dict[str, Any], pings: tuple[str, ...]) -> None:
    """Naive ways of sending the same words do ping."""
    assert read_message(message, NAMES).pings == pings


@given(st.text(max_size=200))
def test_no_escaped_text_ever_pings(text: str) -> None:
    """Escaping the three characters is enough where parsing is off."""
    assert read_message({"text": escape(text)}, NAMES).pings == ()
