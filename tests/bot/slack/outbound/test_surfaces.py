"""Pages and dialogs, against a workspace that is as strict as Slack."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
from slack_sdk.web.async_client import AsyncWebClient

from bot.domain.forms import FieldKind, Form, FormField
from bot.domain.view import Button, Buttons, Code, Context, Headline, Item, Paragraph, View, line
from bot.errors import DeliveryRefused, DeliveryThrottled, DeliveryUnknown
from bot.slack.outbound.surfaces import HomeSwitchedOff, SlackSurfaces, TriggerGone
from sandbox.slack.blocks import check_view
from sandbox.slack.control import SlackControl
from sandbox.slack.server import SlackServer

SHORT = View("all is well", (Headline("All is well"), Buttons((Button("Refresh", "home", replaces=True),))))
FORM = Form(title="t", submit="Run", fields=(FormField(name="a", label="A", kind=FieldKind.TEXT),))
BUTTON = {"type": "button", "action_id": "x", "text": {"type": "plain_text", "text": "Open"}, "value": "v"}


@pytest.fixture
async def control(slack: SlackServer) -> AsyncIterator[SlackControl]:
    async with SlackControl(slack.control_url) as hand:
        yield hand


@pytest.fixture
def surfaces(client: AsyncWebClient) -> SlackSurfaces:
    return SlackSurfaces(client)


@pytest.fixture
def ann(slack: SlackServer) -> str:
    return slack.workspace.person("ann").id


@pytest.fixture
def trigger(slack: SlackServer) -> str:
    """A press of ann's, a moment ago."""
    return slack.workspace.issue_trigger(slack.workspace.person("ann"))


async def test_a_page_is_shown(surfaces: SlackSurfaces, control: SlackControl, ann: str) -> None:
    """With its buttons."""
    version = await surfaces.publish_home(ann, SHORT)
    shown = await control.home("ann")
    assert shown is not None
    assert (shown.raw["hash"], shown.buttons) == (version, ["Refresh"])


async def test_a_page_replaces_the_one_it_was_made_for(
    surfaces: SlackSurfaces, control: SlackControl, ann: str
) -> None:
    """A newer one stays."""
    first = await surfaces.publish_home(ann, SHORT)
    second = await surfaces.publish_home(ann, View("two", (Headline("two"),)), version=first)
    assert second not in {"", first}
    assert await surfaces.publish_home(ann, View("three", (Headline("three"),)), version=first) == ""
    shown = await control.home("ann")
    assert shown is not None
    assert "two" in shown.text


async def test_a_page_that_is_switched_off(surfaces: SlackSurfaces, control: SlackControl, ann: str) -> None:
    """Says where to switch it on."""
    await control.set_home(enabled=False)
    with pytest.raises(HomeSwitchedOff, match="App Home"):
        await surfaces.publish_home(ann, SHORT)


async def test_a_long_page_is_cut_and_said_to_be(surfaces: SlackSurfaces, control: SlackControl, ann: str) -> None:
    """A page holds a hundred blocks; its closing row stays."""
    items = tuple(Item(line(f"item {number}"), lines=(line("x" * 2_000),)) for number in range(300))
    heads = tuple(Headline(f"headline {number}") for number in range(140))
    for blocks in (items, heads, (Code("y\n" * 30_000),)):
        view = View("long", (*blocks, Paragraph((line("end"),)), Context((line("print"),)), *SHORT.blocks[1:]))
        await surfaces.publish_home(ann, view)
        shown = await control.home("ann")
        assert shown is not None
        assert shown.buttons == ["Refresh"]
        assert "more" in shown.text
        assert check_view({"type": "home", "blocks": shown.raw["blocks"]}) == []


async def test_hostile_words_do_no_harm_on_a_page(surfaces: SlackSurfaces, control: SlackControl, ann: str) -> None:
    """Nothing there is markup."""
    for words in ("<!channel>", "<https://evil.example|ok>", "*bold* @here", "\u202ereversed"):
        await surfaces.publish_home(ann, View(words, (Headline(words), Paragraph((line(words),)))))
        shown = await control.home("ann")
        assert shown is not None
        assert "mrkdwn" not in repr(shown.raw["blocks"])
        assert '"link"' not in repr(shown.raw["blocks"])


async def test_a_dialog_is_opened_and_drawn_anew(surfaces: SlackSurfaces, control: SlackControl, trigger: str) -> None:
    """Unless it was changed since."""
    form_id, version = await surfaces.open_form(trigger, Form(title="t", words="One moment…"))
    assert await surfaces.update_form(form_id, version, FORM)
    shown = await control.view("ann")
    assert shown is not None
    assert "[Run]" in shown.text
    assert not await surfaces.update_form(form_id, version, Form(title="t", words="too late"))
    assert await surfaces.update_form(form_id, "", Form(title="t", words="in any case"))


async def test_a_closed_dialog_is_not_drawn(surfaces: SlackSurfaces, control: SlackControl, trigger: str) -> None:
    """That is no error: nobody waits for it."""
    form_id, version = await surfaces.open_form(trigger, FORM)
    await control.view_close(user="ann")
    assert not await surfaces.update_form(form_id, version, FORM)


async def test_a_trigger_is_good_once(surfaces: SlackSurfaces, trigger: str) -> None:
    """And for three seconds."""
    await surfaces.open_form(trigger, FORM)
    with pytest.raises(TriggerGone, match="three seconds"):
        await surfaces.open_form(trigger, FORM)


async def test_a_dialog_carries_no_more_than_the_platform_keeps(surfaces: SlackSurfaces, trigger: str) -> None:
    """It would be refused."""
    with pytest.raises(DeliveryRefused, match="more than Slack keeps"):
        await surfaces.open_form(trigger, Form(title="t", words="w", state="x" * 3_000))


@pytest.mark.parametrize(
    ("kind", "rule", "error"),
    [
        ("ratelimited", {"seconds": 7}, DeliveryThrottled),
        ("server_error", {"status": 503}, DeliveryUnknown),
        ("reset_before", {}, DeliveryUnknown),
        ("error", {"error": "missing_scope"}, DeliveryRefused),
        ("error", {"error": "user_not_found"}, DeliveryRefused),
    ],
)
async def test_trouble_of_the_platform_has_its_name(
    surfaces: SlackSurfaces, control: SlackControl, ann: str, kind: str, rule: dict[str, object], error: type[Exception]
) -> None:
    """As in every delivery."""
    await control.set_fault(kind, method="views.*", **rule)
    with pytest.raises(error):
        await surfaces.publish_home(ann, SHORT)
