"""Where Slack's behaviour is not documented, or reports differ: what the stand-in assumes.

Each entry is the harsher reading, so that a bot that works here should work there. An entry leaves the list once
somebody has looked in a real workspace.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

UNVERIFIED: Final[Mapping[str, str]] = {
    "ack on another connection": "an ack sent on a connection other than the envelope's does not count",
    "all blocks together": "over 13,200 characters of text, attachments included, is msg_blocks_too_long",
    "app_mention in a direct message": "not sent: message.im comes instead",
    "attachment blocks": "blocks inside attachments count into the 50 of the message",
    "block_mismatch": "a bot's message of rich_text blocks only can be updated with rich_text blocks only",
    "card, carousel, alert": "limits are as reported; card and carousel are refused in modals and Home tabs",
    "chat.update parse": "without parse=none, entities are decoded and naked names ping, as in parse=full",
    "choosing in an input": "told only where the block has dispatch_action",
    "code spans": "control sequences inside back-ticks ping",
    "commands are not retried": "a command or interaction without ack is delivered once",
    "deliveries without a connection": "commands fail with dispatch_failed; events are retried",
    "edits and ephemerals": "a mention added by an edit, or in an ephemeral message, counts as a ping",
    "ephemeral in a quiet thread": "accepted and shown to nobody until the thread has a reply",
    "deleted messages": "chat.update and chat.delete say message_not_found; no app hears that a person deleted one",
    "fallback text": "mentions in text ping although blocks are shown",
    "fields of a view": "unknown properties are refused anywhere in Block Kit JSON",
    "file sharing": "done at once, and the answer does not carry the message",
    "groups": "a change of members is told as subteam_updated, then as subteam_members_changed, which does not say who",
    "lone surrogates": "refused in every text",
    "metadata size": "over 8,000 bytes is metadata_too_large",
    "own words in a direct message": "come as message.im with bot_id, edits as message_changed",
    "post bursts": "five posts at once in a channel, then one a second; 300 a minute in the workspace",
    "raw_number cells": "refused in tables; raw_text and rich_text are taken, in blocks and in attachments",
    "replace_original of a command": "there is no original, so it is a new message",
    "response_url errors": "404 when used up or expired, 400 for a refused message; refused posts count",
    "rich text leaves": "empty leaves and empty lists of elements are refused",
    "should_escape": "& < > are always escaped; names and addresses become control sequences when it is on",
    "sockets a minute": "ten addresses at once, then one a minute",
    "strangers and commands": "a person of another team can run the command; team_id is then their team's",
    "text counted": "escaped, in UTF-16 units",
    "thread of a deleted message": "refused with thread_not_found, as if it had never been there",
    "thread_ts of a reply": "refused with thread_not_found, as is an unknown one",
    "trigger of a refused view": "used up",
    "typing and views.update": "kept where block_id, action_id and the kind of element stay, else lost",
    "values of modals": "sent as typed, not escaped",
    "views.push outside a modal": "invalid_trigger_id",
    "wrong errors in response_action": "errors for a block that is no input, or none at all: the person sees trouble",
}
