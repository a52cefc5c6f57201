"""What a person sees, in plain text."""

from __future__ import annotations

from typing import Any

import pytest

from sandbox.slack.show import render_text

LABELS = {"U0000BOB0": "@bob", "S0000RAG0": "@rag-leads", "C0000OPS0": "#ops"}


def plain(text: str) -> dict[str, str]:
    return {"type": "plain_text", "text": text}


def mrkdwn(text: str) -> dict[str, str]:
    return {"type": "mrkdwn", "text": text}


def rich(*parts: dict[str, Any]) -> dict[str, Any]:
    return {"type": "rich_text", "elements": list(parts)}


def part(kind: str, *leaves: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"type": kind, "elements": list(leaves), **more}


def leaf(text: str) -> dict[str, str]:
    return {"type": "text", "text": text}


@pytest.mark.parametrize(
    ("block", "text"),
    [
        pytest.param({"type": "header", "text": plain("Status")}, "Status\n======", id="header"),
        pytest.param({"type": "section", "text": mrkdwn("a &lt; b <@U0000BOB0>")}, "a < b @bob", id="section"),
        pytest.param(
            {"type": "section", "fields": [mrkdwn("image\nv1.2"), mrkdwn("pods\n3")]},
            "  image  v1.2\n  pods  3",
            id="fields",
        ),
        pytest.param(
            {
                "type": "section",
                "text": mrkdwn("api"),
                "accessory": {"type": "overflow", "options": [{"text": plain("Logs")}, {"text": plain("Restart")}]},
            },
            "api  [⋯ Logs / Restart]",
            id="accessory",
        ),
        pytest.param({"type": "divider"}, "-" * 40, id="divider"),
        pytest.param(
            {"type": "context", "elements": [mrkdwn("2 s old"), plain("only you")]}, "2 s old  only you", id="context"
        ),
        pytest.param(
            {
                "type": "actions",
                "elements": [{"type": "button", "text": plain("Approve")}, {"type": "button", "text": plain("Deny…")}],
            },
            "[Approve] [Deny…]",
            id="buttons",
        ),
        pytest.param(
            {"type": "actions", "elements": [{"type": "static_select", "placeholder": plain("Pod"), "options": []}]},
            "[Pod ▾]",
            id="select",
        ),
        pytest.param(
            {
                "type": "input",
                "label": plain("Reason"),
                "optional": True,
                "hint": plain("one line"),
                "element": {"type": "plain_text_input"},
            },
            "Reason (optional): […]\n  one line",
            id="input",
        ),
        pytest.param(rich(part("rich_text_preformatted", leaf("a\nb"))), "    a\n    b", id="code"),
        pytest.param(rich(part("rich_text_quote", leaf("a"))), "> a", id="quote"),
        pytest.param(
            rich(
                part(
                    "rich_text_list",
                    part("rich_text_section", leaf("a")),
                    part("rich_text_section", leaf("b")),
                    style="ordered",
                )
            ),
            "1. a\n2. b",
            id="list",
        ),
        pytest.param(
            rich(
                part(
                    "rich_text_section",
                    {"type": "user", "user_id": "U0000BOB0"},
                    leaf(" in "),
                    {"type": "channel", "channel_id": "C0000OPS0"},
                )
            ),
            "@bob in #ops",
            id="rich mentions",
        ),
        pytest.param(
            {
                "type": "table",
                "column_settings": [{}, {"align": "right"}],
                "rows": [
                    [{"type": "raw_text", "text": t} for t in row] for row in (("pod", "restarts"), ("api-1", "12"))
                ],
            },
            "pod    restarts\napi-1        12",
            id="table",
        ),
        pytest.param({"type": "image", "image_url": "u", "alt_text": "errors"}, "[picture: errors]", id="image"),
        pytest.param({"type": "alert", "text": plain("careful")}, "! careful", id="alert"),
    ],
)
def test_each_block_reads_well_in_a_terminal(block: dict[str, Any], text: str) -> None:
    """Headings, fields, tables, buttons and code keep their shape."""
    assert render_text([block], LABELS) == text


def test_a_message_shows_blocks_rather_than_its_fallback() -> None:
    """The top-level text is for notifications; attachments are barred, files named."""
    message = {
        "text": "fallback",
        "blocks": [{"type": "section", "text": mrkdwn("body")}],
        "attachments": [{"text": "<https://x.example|dashboard>"}],
        "files": [{"name": "api.log"}],
    }
    assert render_text(message) == "body\n| dashboard (https://x.example)\n[file: api.log]"
    assert render_text({"text": "<!subteam^S0000RAG0> <!here> &amp; <#C9|x>"}, LABELS) == "@rag-leads @here & x"


def test_a_modal_shows_title_fields_and_buttons() -> None:
    """A modal reads like a form."""
    view = {
        "type": "modal",
        "title": plain("Why?"),
        "submit": plain("Send"),
        "close": plain("Back"),
        "blocks": [{"type": "section", "text": mrkdwn("Sure?")}],
    }
    assert render_text(view) == "== Why? ==\nSure?\n[Send] [Back]"
