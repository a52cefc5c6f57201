"""Slack's limits as published or observed; the stand-in's own copy, on purpose not shared with the bot."""

from __future__ import annotations

import re
from typing import Final

MESSAGE_BLOCKS: Final = 50
VIEW_BLOCKS: Final = 100
ATTACHMENTS: Final = 100
POST_TEXT_TRUNCATED: Final = 40_000
UPDATE_TEXT: Final = 4_000
ALL_BLOCKS_TEXT: Final = 13_200
ID: Final = 255
TEXT: Final = 3_000
SECTION_FIELDS: Final = 10
SECTION_FIELD: Final = 2_000
HEADER: Final = 150
CONTEXT_ELEMENTS: Final = 10
ACTIONS_ELEMENTS: Final = 25
BUTTON_TEXT: Final = 75
BUTTON_VALUE: Final = 2_000
ACCESSIBILITY_LABEL: Final = 75
URL: Final = 3_000
OPTIONS: Final = 100
OPTION_GROUPS: Final = 100
OPTION_TEXT: Final = 75
OPTION_VALUE: Final = 150
OPTION_DESCRIPTION: Final = 75
GROUP_LABEL: Final = 75
OVERFLOW_OPTIONS: Final = 5
CHOICE_OPTIONS: Final = 10
CONFIRM_TITLE: Final = 100
CONFIRM_TEXT: Final = 300
CONFIRM_BUTTON: Final = 30
PLACEHOLDER: Final = 150
INPUT_LABEL: Final = 2_000
INPUT_MAX_LENGTH: Final = 3_000
IMAGE_ALT: Final = 2_000
IMAGE_TITLE: Final = 2_000
MODAL_TITLE: Final = 24
PRIVATE_METADATA: Final = 3_000
VIEW_BYTES: Final = 250 * 1024
MODAL_STACK: Final = 3
MARKDOWN_SUM: Final = 12_000
TABLE_ROWS: Final = 100
TABLE_CELLS: Final = 20
TABLE_COLUMN_SETTINGS: Final = 20
TABLE_TEXT: Final = 10_000
ALERT_TEXT: Final = 200
CARD_TITLE: Final = 150
CARD_BODY: Final = 200
CARD_ACTIONS: Final = 3
CAROUSEL_CARDS: Final = 10
SNIPPET_BYTES: Final = 1024 * 1024
METADATA_BYTES: Final = 8_000

TRIGGER_S: Final = 3.0
RESPONSE_URL_S: Final = 30 * 60.0
RESPONSE_URL_POSTS: Final = 5
SOCKET_CONNECTIONS: Final = 10
HISTORY_PAGE: Final = 999
EVENT_RETRIES: Final = 3

_BARE_AMPERSAND = re.compile(r"&(?!(?:amp|lt|gt);)")
_LAST_OF_FIRST_PLANE = "\uffff"


def measure(text: str, *, plain: bool = False) -> int:
    """Return the length that counts: escaped, in UTF-16 units; plain text has no markup, so its brackets count too."""
    escaped = _BARE_AMPERSAND.sub("&amp;", text)
    if plain:
        escaped = escaped.replace("<", "&lt;").replace(">", "&gt;")
    return len(escaped) + sum(1 for character in escaped if character > _LAST_OF_FIRST_PLANE)
