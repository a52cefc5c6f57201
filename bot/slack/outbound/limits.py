"""The platform's limits on what we send, as published or observed, and our own tighter ones where those are uncertain.

Lengths count the escaped text in the larger of code points and UTF-16 units (`escape.size`).
"""

from __future__ import annotations

from typing import Final

# --- a message as a whole ---------------------------------------------------------------------------------------------
MESSAGE_BLOCKS: Final = 50
MESSAGE_TEXT: Final = 4_000  # posts are cut at 40,000, edits are refused above 4,000
ALL_BLOCKS: Final = 12_000  # observed refusals from 13,172 on; measured here on the JSON, the strictest reading
SNIPPET_BYTES: Final = 1_000_000

# --- texts ------------------------------------------------------------------------------------------------------------
TEXT: Final = 2_900  # published 3,000; refusals were seen near 2,958
HEADER: Final = 150
SECTION_FIELDS: Final = 10
SECTION_FIELD: Final = 2_000
IDENTIFIER: Final = 255

# --- rows of elements -------------------------------------------------------------------------------------------------
CONTEXT_ELEMENTS: Final = 10
ACTIONS_ELEMENTS: Final = 25
BUTTON_LABEL: Final = 75
BUTTON_VALUE: Final = 2_000
CONFIRM_TITLE: Final = 100
CONFIRM_TEXT: Final = 300
IMAGE_ALT: Final = 2_000
CONFIRM_BUTTON: Final = 30

# --- ours: how much one answer may take of people's screens -----------------------------------------------------------
PICTURES: Final = 2  # each is drawn and uploaded before its message can be posted
SPARKLINES: Final = 64  # columns of a picture in characters
PUBLIC_MESSAGES: Final = 5
PRIVATE_MESSAGES: Final = 3  # a response_url takes five posts
FILES: Final = 5
PIECE_WEIGHT: Final = 5_900  # the largest piece of a message as JSON: two fit into one message
TAIL_WEIGHT: Final = 4_000  # what the closing rows (context, buttons) may keep of the last message
HEAD_TEXT: Final = 1_000
HEAD_LINES: Final = 12
TAIL_TEXT: Final = 1_800
TAIL_LINES: Final = 24
PRIVATE_CODE: Final = 3 * TEXT
SUMMARY: Final = 300
