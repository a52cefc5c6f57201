"""What a person sees outside of messages: the bot's Home tab, and dialogs. Every call is tried once."""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Final

from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient

from bot.domain.forms import Form
from bot.domain.view import View
from bot.errors import DeliveryRefused
from bot.slack import fields
from bot.slack.codes import code_of
from bot.slack.outbound import escape, limits
from bot.slack.outbound.checker import check
from bot.slack.outbound.faults import BlocksRefused, delivery_errors
from bot.slack.outbound.flatten import blocks_text
from bot.slack.outbound.forms import VIEW_BLOCKS, draw
from bot.slack.outbound.pieces import note_piece
from bot.slack.outbound.planner import Plan, plan_view
from bot.slack.outbound.render import Json, plain_text

log = logging.getLogger(__name__)

_UNDRAWN: Final = "This dialog could not be drawn, and nothing was changed. Type the command instead: /rag help."
_REFUSED_VIEWS: Final = frozenset(
    {"invalid_arguments", "invalid_blocks", "invalid_blocks_format", "view_too_large", "msg_blocks_too_long"}
)
_LATE: Final = frozenset(
    {"expired_trigger_id", "exchanged_trigger_id", "invalid_trigger_id", "trigger_expired", "trigger_exchanged"}
)
_OUTDATED: Final = frozenset({"hash_conflict", "not_found", "view_not_found"})


class HomeSwitchedOff(DeliveryRefused):
    """The app's Home tab is switched off: switch it on in the app's settings, under App Home."""


class TriggerGone(DeliveryRefused):
    """Slack lets a dialog be opened within three seconds only, and they were over."""


class Outdated(DeliveryRefused):
    """What was to be changed is closed by now, or shows something newer."""


class SlackSurfaces:
    """Implements `Surfaces`."""

    def __init__(self, client: AsyncWebClient) -> None:
        self._client = client

    async def publish_home(self, user_id: str, view: View, *, version: str = "") -> str:
        """Show `view` to a person as the bot's own page, and return its version.

        With a `version` it replaces that one alone: when a newer is there, that one stays and the answer is empty.
        """
        plan = _plan(view)
        blocks = _page(plan)
        problems = [problem for message in plan.messages for problem in check(message)]
        try:
            if not problems:
                try:
                    return await self._publish(user_id, blocks, version)
                except BlocksRefused as refusal:
                    problems = [refusal.message]
            log.error("blocks refused, sent as text", extra={"event": "blocks_refused", "problems": problems[:5]})
            return await self._publish(user_id, _as_text(blocks), version)
        except Outdated:
            log.info("a newer page is there already", extra={"event": "home_outdated"})
            return ""

    async def open_form(self, trigger: str, form: Form) -> tuple[str, str]:
        """Open a dialog, and return its id and version. `trigger` is good for one dialog within three seconds."""
        with _view_errors():
            answer = await self._client.views_open(trigger_id=trigger, view=_drawn(form))
        view = answer["view"]
        return str(view["id"]), str(view["hash"])

    async def update_form(self, form_id: str, version: str, form: Form) -> bool:
        """Show another form in an open dialog; False when it was changed since `version`, or is closed."""
        try:
            try:
                await self._update(form_id, version, _drawn(form))
            except BlocksRefused as refusal:
                extra = {"event": "blocks_refused", "problems": [refusal.message]}
                log.error("a dialog was refused", extra=extra)  # noqa: TRY400  # what is refused is our own doing
                await self._update(form_id, version, draw(Form(title=form.title, words=_UNDRAWN)))
        except Outdated:
            return False
        return True

    async def _publish(self, user_id: str, blocks: Sequence[Json], version: str) -> str:
        with _view_errors():
            answer = await self._client.views_publish(
                user_id=user_id, view={"type": "home", "blocks": list(blocks)}, hash=version or None
            )
        return str(answer["view"]["hash"])

    async def _update(self, form_id: str, version: str, view: Json) -> None:
        with _view_errors():
            await self._client.views_update(view_id=form_id, hash=version or None, view=view)


def _plan(view: View) -> Plan:
    nonce = hashlib.sha256(repr(view).encode("utf-8", "replace")).hexdigest()
    return plan_view(view, nonce=nonce, files_allowed=False)


def _page(plan: Plan) -> list[Json]:
    """Return the messages of a plan as one page. What is too long for it is left out, and said to be."""
    blocks = [block for message in plan.messages for block in message.blocks]
    if len(blocks) <= VIEW_BLOCKS:
        return blocks
    kept = blocks[: VIEW_BLOCKS - 2]
    left_out = len(blocks) - len(kept) - 1
    note = note_piece(f"… {left_out} more parts do not fit here: ask for less of it.").block
    return [*kept, {**note, "block_id": "left-out"}, blocks[-1]]


def _drawn(form: Form) -> Json:
    view = draw(form)
    if len(view["private_metadata"]) > fields.STATE_LIMIT:
        raise DeliveryRefused("The dialog would carry more than Slack keeps for it.")
    return view


def _as_text(blocks: Sequence[Json]) -> list[Json]:
    words = escape.cut(blocks_text(blocks), limits.TEXT)
    return [{"type": "section", "text": plain_text(words or "There is nothing to show.")}]


@contextmanager
def _view_errors() -> Iterator[None]:
    """Turn what the platform refuses of a view into errors of their own; the rest are those of every delivery."""
    with delivery_errors():
        try:
            yield
        except SlackApiError as error:
            known = _known(error)
            if known is None:
                raise
            raise known from error


def _known(error: SlackApiError) -> DeliveryRefused | None:
    code = code_of(error)
    if code in _REFUSED_VIEWS:
        return BlocksRefused(f"Slack does not take this view ({code}).")
    kinds = {**dict.fromkeys(_LATE, TriggerGone), **dict.fromkeys(_OUTDATED, Outdated), "not_enabled": HomeSwitchedOff}
    kind = kinds.get(code)
    return kind() if kind is not None else None
