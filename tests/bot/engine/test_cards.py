"""Requests as people see them: each state, its words, its buttons; within every limit, and never forged."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.cli.terminal import Terminal, as_json
from bot.domain import transitions as states
from bot.domain.approval import Rule
from bot.domain.operations import WAITING, CardCopy, Effect, Operation, Progress, Resolution, State, Verdict
from bot.domain.plans import Difference, Fact, PlanWords, Refusal
from bot.domain.steps import ClearFailed, Evict, FailedPod
from bot.domain.view import Button, Buttons, ButtonStyle, Fields, Headline, Item, Mark, Mention, Paragraph, Table, View
from bot.engine.card_words import (
    LONGEST_CONFIRM,
    bar,
    inside,
    one_line,
    people,
    quoted,
    rule_words,
    sentence,
    time_left,
    waited_for,
)
from bot.engine.cards import (
    card,
    card_copy,
    details_view,
    outcome_view,
    plan_view,
    refusal_view,
    requests_view,
    verdict_view,
)
from bot.slack.outbound import limits
from bot.slack.outbound.checker import check
from bot.slack.outbound.flatten import blocks_text
from bot.slack.outbound.planner import Plan
from bot.slack.outbound.planner import plan_view as slack_plan
from sandbox.slack.blocks import check_message
from sandbox.slack.mentions import Names, read_message
from tests.support import hostile
from tests.support.changes import (
    ANN,
    APPROVERS,
    BOB,
    EVE,
    ID,
    LEADS,
    NOW,
    ONE_APPROVER,
    draft,
    operation,
    plan,
    ref,
    vote,
)

DAN = "U0000DAN0"
TOKENS = {name: f"{name}-address" for name in ("approve", "deny", "cancel", "withdraw")}
LATER, END = NOW + timedelta(seconds=60), NOW + timedelta(seconds=98)
NAMES = Names({"bob": BOB, "lead": BOB}, {"oncall": "SONCALL"}, {"general": "CGENERAL"})
CALM = {
    "fingerprint": re.compile(r"fingerprint [0-9a-f]{8}"),
    "request": re.compile(r"request 7f3a9c1e"),
}


def reached(of: Operation | None = None) -> Mapping[str, Operation]:
    """Return a request in each state that looks different."""
    waiting = of or operation()
    two = replace(waiting, plan=replace(waiting.plan, rule=Rule(sets=(APPROVERS, LEADS), humans=2)))
    half = replace(
        two, votes=(vote(two, DAN, sets=("@rag-leads",), void="withdrawn"), vote(two, EVE, sets=("approvers",)))
    )
    alone = replace(waiting, plan=replace(waiting.plan, rule=Rule()), state=State.APPROVED, execute_by=END)
    approved = states.approve(waiting, vote(waiting), now=LATER, execute_within_s=120)
    running = states.claim(approved, now=LATER)
    applied = states.written(running, now=LATER, generation=5)
    done = replace(states.succeed(applied, now=END), verdict_due=END + timedelta(minutes=1))
    helped = Verdict(gone=("new release crashes",))
    not_helped = Verdict(gone=("a",), stayed=("out of memory",), new=("slow",), not_checked="node disks")
    lost = states.lose(running, "the API server did not answer after the change was sent", now=END)
    return {
        "pending": waiting,
        "half": half,
        "approved": approved,
        "alone": alone,
        "executing": running,
        "applied": applied,
        "progress": states.progressed(applied, Progress(ready=2, wanted=3, note="about 15 s left")),
        "succeeded": done,
        "helped": states.judged(done, helped),
        "not helped": states.judged(done, not_helped),
        "failed": states.fail(running, "the API server refused it: quota exceeded", now=END),
        "failed applied": states.fail(applied, "its new pods are refused", now=END),
        "failed, judged": states.judged(states.fail(applied, "too slow", now=END), not_helped),
        "unknown": lost,
        "resolved": states.resolve(lost, Resolution.NOT_HAPPENED, EVE),
        "denied": states.deny(approved, EVE, "wait for the hotfix", now=LATER),
        "expired": states.expire(waiting, now=NOW + timedelta(hours=1)),
        "cancelled": states.cancel(waiting, "ann", ANN, now=LATER),
        "superseded": states.supersede(waiting, "image is app:v3 now", now=LATER),
    }


REACHED = reached()
each_state = pytest.mark.parametrize("name", REACHED)


def shown(name: str, tokens: Mapping[str, str] = TOKENS) -> View:
    return card(REACHED[name], tokens=tokens)


def headline(view: View) -> Headline:
    first = view.blocks[0]
    assert isinstance(first, Headline)
    return first


def lines(view: View) -> list[str]:
    """Return the prose of a view as it reads, people as `@id`."""
    return [
        "".join(f"@{part.user_id}" if isinstance(part, Mention) else part.text for part in each)
        for block in view.blocks
        if isinstance(block, Paragraph)
        for each in block.lines
    ]


def buttons(view: View) -> dict[str, Button]:
    return {button.label: button for block in view.blocks if isinstance(block, Buttons) for button in block.buttons}


def mentioned(node: Any) -> Iterator[str]:
    if isinstance(node, Mention):
        yield node.user_id
    elif isinstance(node, tuple):
        for each in node:
            yield from mentioned(each)
    elif isinstance(node, Paragraph | Item):
        yield from mentioned(node.lines)


def sent(view: View) -> Plan:
    """Lay a view out for chat, and hold it against both lookers-on and against whom it may call."""
    laid = slack_plan(view, nonce="n", files_allowed=True)
    for message in laid.messages:
        assert check(message) == []
        assert check_message(list(message.blocks), ephemeral=False) == []
        reading = read_message({"text": message.text, "blocks": list(message.blocks), "parse": "none"}, NAMES)
        assert set(reading.pings) <= {*mentioned(view.blocks)} <= {ANN, BOB, EVE, DAN}
        assert reading.links == ()
    return laid


# --- each state -------------------------------------------------------------------------------------------------------


@each_state
def test_each_state_is_one_message_and_one_screen(name: str) -> None:
    """Within every limit, without a file; the same in a terminal."""
    laid = sent(shown(name))
    assert len(laid.messages) == 1
    assert laid.files == ()
    text = Terminal(width=100).text(shown(name))
    assert headline(shown(name)).text in text
    assert len(text.splitlines()) <= 18
    assert json.loads(as_json(shown(name)))["state"] == REACHED[name].state.value


TITLE = "roll back api to revision 7"


@pytest.mark.parametrize(
    ("name", "text", "mark", "first"),
    [
        ("pending", "Roll back api to revision 7?", Mark.INFO, "Waiting for 1 of the approvers"),
        ("half", "Roll back api to revision 7?", Mark.INFO, "Waiting for 1 of @rag-leads"),
        ("approved", f"Approved, not yet executed: {TITLE}", Mark.INFO, "It begins before 14:15 UTC."),
        ("alone", f"Approved, not yet executed: {TITLE}", Mark.INFO, "It begins before 14:13 UTC."),
        ("executing", f"Running: {TITLE}", Mark.INFO, "The change is being sent."),
        ("applied", f"Running: {TITLE}", Mark.INFO, "The change is applied; its pods are followed."),
        ("progress", f"Running: {TITLE}", Mark.INFO, "▓▓▓▓▓▓░░░░ 2 of 3 pods, about 15 s left"),
        (
            "succeeded",
            "Done in 38 s: api is at revision 7 again",
            Mark.OK,
            "Whether it helped is looked at, at 14:14 UTC.",
        ),
        (
            "helped",
            "Done in 38 s, the problem is gone: api is at revision 7 again",
            Mark.OK,
            "Gone: new release crashes",
        ),
        (
            "not helped",
            "Done in 38 s, the problem is still there: api is at revision 7 again",
            Mark.WARNING,
            "Gone: a",
        ),
        (
            "failed",
            f"Failed, nothing was changed: {TITLE}",
            Mark.WARNING,
            "The API server refused it: quota exceeded.",
        ),
        ("failed applied", f"Failed, but the change is applied: {TITLE}", Mark.CRITICAL, "Its new pods are refused."),
        (
            "unknown",
            f"Unknown, look now: {TITLE}",
            Mark.UNKNOWN,
            "The API server did not answer after the change was sent.",
        ),
        (
            "resolved",
            f"Looked at, it did not happen: {TITLE}",
            Mark.INFO,
            f"Looked at by @{EVE}. Nothing was sent again.",
        ),
        ("denied", f"Denied: {TITLE}", Mark.INFO, f'Denied by @{EVE}: "wait for the hotfix". Nothing was changed.'),
        ("expired", f"Expired: {TITLE}", Mark.INFO, "Nobody answered in time. Nothing was changed."),
        ("cancelled", f"Cancelled: {TITLE}", Mark.INFO, f"Cancelled by @{ANN}. Nothing was changed."),
        (
            "superseded",
            f"Changed since it was asked for: {TITLE}",
            Mark.WARNING,
            "Image is app:v3 now. Nothing was changed.",
        ),
    ],
)
def test_each_state_says_first_how_it_stands(name: str, text: str, mark: Mark, first: str) -> None:
    """The state in the headline, the reason below it."""
    assert headline(shown(name)) == Headline(text, mark)
    assert lines(shown(name))[0] == first


@each_state
def test_approved_is_never_shown_as_done(name: str) -> None:
    """Only what the cluster has is told as done or applied."""
    text = " ".join([headline(shown(name)).text, *lines(shown(name))])
    if REACHED[name].effect is not Effect.APPLIED:
        assert "Done" not in text
        assert "is applied" not in text
    if REACHED[name].state.final and REACHED[name].effect in (None, Effect.NONE):
        assert "othing was changed" in text


@each_state
def test_every_card_says_who_asked_and_why_and_which_request_it_is(name: str) -> None:
    """And who agreed, once somebody has; a finished one to the second."""
    view, of = shown(name), REACHED[name]
    asked = [each for each in lines(view) if each.startswith(f'Asked by @{ANN} · because "500s since 14:02"')]
    assert len(asked) == 1
    assert ("· until 14:27 UTC" in asked[0]) is (of.state is State.PENDING)
    if of.counted:
        assert f"Approved by @{of.counted[0].user_id}" in lines(view)
    small = blocks_text(sent(view).messages[0].blocks)
    assert all(form.search(small) for form in CALM.values())
    assert "shop on prod-eu" in small
    assert ("2026-11-24 14:12:05 UTC" in small) is of.state.final
    assert ("Checked by the server's dry run" in small) is not of.state.final


@each_state
def test_every_card_shows_from_what_to_what(name: str) -> None:
    """What else there is to know before is told while it can still be stopped."""
    (table,) = [block for block in shown(name).blocks if isinstance(block, Table)]
    assert table.rows == (("image", "app:v2", "app:v1"), ("env", "FEATURE_X", "nothing"))
    facts = [block for block in shown(name).blocks if isinstance(block, Fields)]
    warned = [each for each in lines(shown(name)) if each.startswith(("Warning", "Not undone", "Others write it, too"))]
    assert (len(facts), len(warned)) == ((0, 0) if REACHED[name].state.final else (1, 3))


def test_a_card_without_anything_to_compare_or_to_warn_of_is_short() -> None:
    """An eviction changes no field."""
    of = operation(plan(draft(words=PlanWords(title="Evict api-1", done="api-1 is evicted")), reason=""))
    view = card(of, tokens=TOKENS)
    assert [type(block).__name__ for block in view.blocks] == ["Headline", "Paragraph", "Context", "Buttons"]
    assert lines(view) == ["Waiting for 1 of the approvers", f"Asked by @{ANN} · until 14:27 UTC"]
    sent(view)


def test_votes_that_count_no_longer_are_named() -> None:
    """So that nobody wonders where they went."""
    assert f"No longer counted: @{DAN} (withdrawn)" in lines(shown("half"))


def test_a_request_that_needed_nobody_else_says_so() -> None:
    """In each state."""
    alone = states.claim(REACHED["alone"], now=LATER)
    for of in (REACHED["alone"], alone, states.fail(alone, "refused", now=END)):
        assert "No second person was asked for." in lines(card(of, tokens={}))


def test_a_doubt_says_where_to_look() -> None:
    """With what to run, in chat and by hand, and what the mark would be."""
    told = lines(shown("unknown"))
    assert "Look: status api --cluster prod-eu -n shop" in told
    by_hand = "By hand: kubectl -n shop get deployment api -o yaml"
    assert f"{by_hand} (if it happened, ragops.dev/operation-id is {ID})" in told
    assert any("nothing else can change deployment/api" in each for each in told)


@pytest.mark.parametrize(
    ("step", "target", "look"),
    [
        (Evict(owner="ReplicaSet/api-8"), ref("Pod", "api-1"), "describe pod/api-1 --cluster prod-eu -n shop"),
        (ClearFailed(pods=(FailedPod("a", "u"),)), ref("Namespace", "shop"), "pods --cluster prod-eu -n shop"),
    ],
)
def test_what_leaves_no_mark_is_looked_for_itself(step: Any, target: Any, look: str) -> None:
    """There is nothing to look for on it."""
    changed = replace(draft().target, kind=target.kind, name=target.name)
    made = draft(step, target=changed, service="")
    of = replace(REACHED["unknown"], plan=plan(made))
    told = lines(card(of, tokens={}))
    assert f"Look: {look}" in told
    assert not any("By hand" in each for each in told)
    watched = replace(of, plan=plan(replace(made, watch=ref("Deployment", "api"))))
    assert "Look: status deployment/api --cluster prod-eu -n shop" in lines(card(watched, tokens={}))


# --- buttons ----------------------------------------------------------------------------------------------------------

RESOLVE = {
    "It happened": f"resolve {ID} happened",
    "It did not happen": f"resolve {ID} did not happen",
    "It was undone": f"resolve {ID} undone",
    "Look": "status api --cluster prod-eu -n shop",
}
UNDO, AGAIN = {"Undo": "undo 7f3a9c1e -n shop --cluster prod-eu"}, {"Ask again": "rollback api"}
APPROVE, DENY = {"Approve": "approve approve-address"}, {"Deny…": "deny deny-address"}
WITHDRAW, CANCEL = {"Withdraw": "withdraw withdraw-address"}, {"Cancel": "cancel cancel-address"}
DETAILS = {"Details": f"requests {ID} -n shop --cluster prod-eu"}


@pytest.mark.parametrize(
    ("name", "commands"),
    [
        ("pending", {**APPROVE, **DENY, **CANCEL, **DETAILS}),
        ("half", {**APPROVE, **DENY, **WITHDRAW, **CANCEL, **DETAILS}),
        ("approved", {**DENY, **WITHDRAW, **DETAILS}),
        ("alone", {**DENY, **CANCEL, **DETAILS}),
        ("executing", {}),
        ("progress", {}),
        ("succeeded", UNDO),
        ("not helped", UNDO),
        ("failed", AGAIN),
        ("failed applied", UNDO),
        ("unknown", RESOLVE),
        ("resolved", {}),
        ("denied", {}),
        ("expired", AGAIN),
        ("cancelled", {}),
        ("superseded", AGAIN),
    ],
)
def test_each_state_offers_what_can_be_done_in_it(name: str, commands: dict[str, str]) -> None:
    """Decisions while it waits; on a finished card only what begins a new request."""
    assert {label: button.command for label, button in buttons(shown(name)).items()} == commands


@each_state
def test_without_addresses_nothing_can_be_decided(name: str) -> None:
    """And a finished card carries none, whatever addresses there are."""
    offered = " ".join(button.command for button in buttons(shown(name, {})).values())
    assert not re.search(r"\b(approve|deny|cancel|withdraw)\b", offered)
    if REACHED[name].state.final:
        assert "address" not in " ".join(button.command for button in buttons(shown(name)).values())


@pytest.mark.parametrize(
    ("name", "of", "commands"),
    [
        ("pending", BOB, {**APPROVE, **DENY, **DETAILS}),
        ("half", BOB, {**APPROVE, **DENY, **DETAILS}),
        ("half", EVE, {**DENY, **WITHDRAW, **DETAILS}),
        ("half", DAN, {**APPROVE, **DENY, **DETAILS}),
        ("approved", BOB, {**DENY, **WITHDRAW, **DETAILS}),
        ("approved", EVE, {**DENY, **DETAILS}),
    ],
)
def test_a_copy_offers_what_its_own_person_can_say(name: str, of: str, commands: dict[str, str]) -> None:
    """To agree, or to take that back; to cancel is the requester's, who gets no copy."""
    view = card_copy(REACHED[name], CardCopy(of, "D1"), tokens=TOKENS)
    assert {label: button.command for label, button in buttons(view).items()} == commands


@each_state
def test_a_copy_says_what_the_card_says(name: str) -> None:
    """The same words in the same order, and where the card is; without any button once nobody can decide."""
    operation = REACHED[name]
    copy, original = card_copy(operation, CardCopy(BOB, "D1"), tokens=TOKENS), shown(name)
    said = [block for block in original.blocks if not isinstance(block, Buttons)]
    assert list(copy.blocks[: len(said)]) == said
    assert (copy.summary, copy.data) == (original.summary, original.data)
    assert operation.place.channel in repr(copy.blocks[len(said)])
    assert bool(buttons(copy)) is (operation.state in WAITING)
    sent(copy)


@each_state
def test_the_details_hold_all_of_the_plan_and_nothing_secret(name: str) -> None:
    """Fingerprint, object, rule, step and votes with what they were judged by; never the seal of the addresses."""
    of = replace(REACHED[name], plan=replace(REACHED[name].plan, seal="5ea1" * 16))
    view = details_view(of)
    told = repr(view.blocks)
    target = of.plan.draft.target
    for part in (
        of.digest,
        of.id,
        target.uid,
        rule_words(of.plan.rule),
        of.plan.command,
        type(of.plan.draft.step).__name__,
    ):
        assert part in told
    assert all(each.user_id in told for each in of.votes)
    assert "5ea1" not in told
    assert buttons(view) == {}
    sent(view)


def test_nothing_is_undone_where_nothing_undoes_it() -> None:
    """An eviction has no inverse."""
    of = replace(REACHED["succeeded"], plan=plan(draft(inverse="")))
    assert buttons(card(of, tokens={})) == {}


def test_to_approve_asks_once_more_and_to_deny_asks_why() -> None:
    """The question repeats from and to."""
    offered = buttons(shown("pending"))
    approve, deny, cancel = offered["Approve"], offered["Deny…"], offered["Cancel"]
    assert (approve.style, deny.style, cancel.style) == (ButtonStyle.PRIMARY, ButtonStyle.DANGER, ButtonStyle.DEFAULT)
    assert approve.confirm is not None
    assert approve.confirm.text == (
        "Roll back api to revision 7 (shop on prod-eu). image: app:v2 → app:v1; env: FEATURE_X → nothing"
    )
    assert (deny.asks, deny.confirm, cancel.confirm) == ("Why do you deny it?", None, None)
    doubt = buttons(shown("unknown"))["It happened"].confirm
    assert doubt is not None
    assert "on record for good" in doubt.text


@settings(max_examples=60, deadline=None)
@given(st.lists(st.builds(Difference, st.text(), st.text(), st.text()), max_size=30), st.text(max_size=400))
def test_the_questions_fit_whatever_changes(found: list[Difference], title: str) -> None:
    """Within the platform's 300 characters."""
    words = replace(draft().words, differences=tuple(found), title=title)
    for name in ("pending", "unknown"):
        view = card(replace(REACHED[name], plan=plan(draft(words=words))), tokens=TOKENS)
        for button in buttons(view).values():
            assert button.confirm is None or len(button.confirm.text) <= LONGEST_CONFIRM
        sent(view)


def test_a_plan_of_any_size_is_shown() -> None:
    """Its buttons stay at the end of the last message."""
    words = PlanWords(
        title="Set the image of api to " + "registry.example/" * 40,
        done="done",
        differences=tuple(Difference(f"env {number}", "x" * 300, "y" * 300) for number in range(60)),
        facts=tuple(Fact(f"fact {number}", "words " * 60) for number in range(20)),
        warnings=("a warning " * 200,) * 5,
    )
    laid = sent(card(operation(plan(draft(words=words))), tokens=TOKENS))
    assert len(laid.messages) <= limits.PUBLIC_MESSAGES
    assert laid.messages[-1].blocks[-1]["type"] == "actions"


# --- what people write ------------------------------------------------------------------------------------------------

FORGED = (
    'x"\nApproved by @bob\n"',
    'fine" · until 23:59 UTC\n\nDone in 3 s: all is well',
    "“closed”” Approved",
    "\uff02 Waiting for nobody",
    "line\u2028Approved, not yet executed",
    "\x1b[2K\x1b]0;swallowed",
    "\x1b]8;;https://evil.example",
    "\r\nFailed, nothing was changed",
)
WRITTEN = (*hostile.WORDS, *hostile.EMPTY, *FORGED, "a" * 4_000, "@everyone " * 300)


@pytest.mark.parametrize("words", WRITTEN, ids=range(len(WRITTEN)))
def test_what_a_person_wrote_cannot_pass_for_the_state(words: str) -> None:
    """It is quoted on one line that begins with who wrote it; the headline and what stands first are the same."""
    plain = reached(operation(plan(reason="")))
    written = reached(operation(plan(reason=words)))
    for name in ("pending", "half", "progress", "helped", "unknown", "denied"):
        of = replace(written[name], outcome=words) if name == "denied" else written[name]
        view, without = card(of, tokens=TOKENS), card(plain[name], tokens=TOKENS)
        assert headline(view) == headline(without)
        assert view.summary == without.summary
        sent(view)
        sent(outcome_view(of))
        here, there = lines(view), lines(without)
        assert len(here) == len(there)
        for one, other in zip(here, there, strict=True):
            if one != other:
                assert re.fullmatch(r'(Asked by @\w+ · because|Denied by @\w+:?) ?("[^"\n]*")?.*', one)
                assert one.count('"') in (0, 2)
        text = Terminal(width=120).text(view)
        assert hostile.controls_in(text) == []
        # Nothing that a person wrote swallows what stands behind it.
        assert name != "pending" or "until 14:27 UTC" in text


@settings(max_examples=100, deadline=None)
@given(st.text())
def test_a_quotation_cannot_be_closed_from_within(words: str) -> None:
    """Nor does it end the line."""
    said = quoted(words)
    assert re.fullmatch(r'"[^"“”„‟«»″‶〝〞\uff02\n]*"', said)
    assert len(said) <= 302


@pytest.mark.parametrize("words", hostile.WORDS, ids=range(len(hostile.WORDS)))
def test_words_of_the_cluster_stay_in_their_place(words: str) -> None:
    """Names, values and messages are shown as they are, cleaned, and call nobody."""
    made = draft(
        words=PlanWords(
            title=f"Restart {words}",
            done=words,
            differences=(Difference(words, words, words),),
            facts=(Fact(words, words),),
            warnings=(words,),
            not_undone=(words,),
            reverts=(words,),
        )
    )
    verdict = Verdict(gone=(words,), stayed=(words,), new=(words,), not_checked=words)
    for of in reached(operation(plan(made))).values():
        changed = replace(of, outcome=words) if of.state in (State.FAILED, State.UNKNOWN) else of
        changed = replace(changed, progress=Progress(ready=1, wanted=2, note=words))
        sent(card(changed, tokens=TOKENS))
        sent(outcome_view(changed))
        if changed.effect is Effect.APPLIED and changed.state.final:
            sent(verdict_view(states.judged(changed, verdict)))
    sent(plan_view(made, rule=ONE_APPROVER, command=words))
    sent(refusal_view(Refusal(reason=words, facts=(Fact(words, words),), commands=(Fact(words, words),)), words))


# --- below the card ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", [name for name, of in REACHED.items() if of.state.final])
def test_the_outcome_calls_whom_it_concerns(name: str) -> None:
    """Who asked, all who said something to it, each once; and says what the card says."""
    view = outcome_view(REACHED[name])
    called = list(mentioned(view.blocks[1].lines[0]))  # type: ignore[union-attr]  # a paragraph
    assert called[0] == ANN
    assert set(called) == {
        ANN,
        *(vote.user_id for vote in REACHED[name].votes),
        *filter(None, [REACHED[name].closed_by]),
    }
    assert len(called) == len(set(called))
    assert headline(view) == headline(shown(name))
    assert buttons(view) == {}
    sent(view)


def test_who_withdrew_hears_of_it_too() -> None:
    """A vote that counts no longer was a vote."""
    ended = states.expire(REACHED["half"], now=NOW + timedelta(hours=1))
    assert lines(outcome_view(ended))[0] == f"For @{ANN}, @{DAN} and @{EVE}."


@pytest.mark.parametrize(
    ("verdict", "words", "mark", "undo"),
    [
        (Verdict(gone=("crash",)), "the problem is gone", Mark.OK, False),
        (Verdict(gone=("crash",), stayed=("slow",)), "the problem is still there", Mark.WARNING, True),
        (Verdict(gone=("crash",), new=("slow",)), "something else is wrong now", Mark.WARNING, True),
        (Verdict(not_checked="pods: not seen"), "whether it helped was not checked", Mark.UNKNOWN, False),
        (Verdict(), "nothing is wrong", Mark.OK, False),
    ],
)
def test_a_verdict_says_whether_it_helped(verdict: Verdict, words: str, mark: Mark, *, undo: bool) -> None:
    """The worst first; where it did not, what undoes it is at hand."""
    view = verdict_view(states.judged(REACHED["succeeded"], verdict))
    assert headline(view) == Headline(f"After the change, {words}: {TITLE}", mark)
    assert bool(buttons(view)) is undo
    assert list(mentioned(view.blocks)) == [ANN]
    sent(view)


def test_there_is_no_verdict_before_it_was_given() -> None:
    """Nothing is made up."""
    with pytest.raises(ValueError, match="no verdict"):
        verdict_view(REACHED["succeeded"])


# --- plans, refusals, lists -------------------------------------------------------------------------------------------


def test_a_plan_at_a_terminal_says_how_it_is_asked_for() -> None:
    """It changes nothing and has no buttons."""
    view = plan_view(draft(), rule=ONE_APPROVER, command="rollback api")
    text = Terminal(width=100).text(view)
    assert headline(view).text == "Roll back api to revision 7?"
    assert "Has to be approved by 1 of the approvers." in text
    assert "Nothing was changed. To ask for it: ragops rollback api --apply" in text
    assert buttons(view) == {}
    assert json.loads(as_json(view))["apply"] == "rollback api --apply"
    assert view.exit_code == 0


def test_a_refusal_says_why_and_what_to_do_instead() -> None:
    """With commands to press; a name stays as it is; a script sees that it was refused."""
    refusal = Refusal(
        reason="api has an autoscaler, which owns its number of pods",
        facts=(Fact("autoscaler", "api, 2 to 5 pods"),),
        commands=(Fact("scale api 6 --bounds", "moves its bounds"), Fact("status api", "")),
    )
    view = refusal_view(refusal, "scale api 6")
    assert headline(view) == Headline("api has an autoscaler, which owns its number of pods.", Mark.WARNING)
    assert lines(view) == [
        "Instead: scale api 6 --bounds (moves its bounds)",
        "Instead: status api",
        "Nothing was changed. You asked for scale api 6.",
    ]
    assert {label: button.command for label, button in buttons(view).items()} == {
        "scale api 6 --bounds": "scale api 6 --bounds",
        "status api": "status api",
    }
    assert view.exit_code == 2
    json.loads(as_json(view))
    sent(view)
    assert buttons(refusal_view(Refusal(reason="it is paused"), "restart api")) == {}


def test_what_a_refusal_offers_is_for_the_same_place() -> None:
    """Typed without its namespace, it would be about another object."""
    view = refusal_view(Refusal(reason="No.", commands=(Fact("status api", "why"),)), "x -n shop", place="-n shop")
    assert lines(view)[0] == "Instead: status api -n shop (why)"
    assert buttons(view)["status api"].command == "status api -n shop"


def test_requests_are_listed_as_they_stand() -> None:
    """Those that wait with what they wait for, those that run with how far, and the rest in a line each."""
    waiting, running = [REACHED["pending"], REACHED["half"]], [REACHED["progress"], REACHED["unknown"]]
    view = requests_view(waiting, running, [REACHED["helped"], REACHED["denied"]], now=END + timedelta(minutes=4))
    assert headline(view).text == "2 requests waiting and 2 requests running"
    text = Terminal(width=120).text(view)
    for words in (
        "Waiting for 1 of the approvers",
        "▓▓▓▓▓▓░░░░ 2 of 3 pods",
        "(unknown)",
        "request 7f3a9c1e · asked 6 min ago",
        f"Done in 38 s, the problem is gone: api is at revision 7 again, asked by @{ANN} · 4 min ago",
        f"Denied: {TITLE}",
    ):
        assert words in text
    assert len(json.loads(as_json(view))) == 6
    sent(view)
    assert headline(requests_view([], [], [], now=NOW)).text == "No request is waiting or running"


@each_state
def test_people_read_their_own_words(name: str) -> None:
    """Never ours for the same thing; the mark on the object has its own name."""
    texts = [Terminal().text(card(REACHED[name], tokens={})), Terminal().text(outcome_view(REACHED[name]))]
    told = " ".join(texts).replace("ragops.dev/operation-id", "")
    assert not re.search(r"\b(operation|digest|inbox|quorum|fence)\b", told, re.IGNORECASE)


# --- words ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("rule", "words"),
    [
        (Rule(), "nobody else"),
        (ONE_APPROVER, "1 of the approvers"),
        (Rule(sets=(replace(LEADS, count=2),), humans=2), "2 of @rag-leads"),
        (Rule(sets=(LEADS, APPROVERS), humans=2), "1 of @rag-leads and 1 of the approvers"),
        (Rule(sets=(replace(APPROVERS, name="on call"),)), "1 who is on call"),
        (Rule(sets=(replace(APPROVERS, name="on call", count=2),)), "2 who are on call"),
        (Rule(sets=(LEADS,), humans=2), "1 of @rag-leads and 1 more person"),
        (Rule(sets=(LEADS,), humans=3), "1 of @rag-leads and 2 more people"),
        (Rule(sets=(replace(APPROVERS, known_as="@oncall"),), humans=1), "1 of the approvers (@oncall)"),
        (Rule(sets=(replace(LEADS, known_as="@rag-leads"),), humans=1), "1 of @rag-leads"),
        (Rule(sets=(replace(LEADS, known_as="@leads"),), humans=1), "1 of @rag-leads (@leads)"),
        (
            Rule(sets=(replace(APPROVERS, known_as="@oncall"), replace(LEADS, known_as="@rag-leads")), humans=3),
            "1 of the approvers (@oncall), 1 of @rag-leads and 1 more person",
        ),
    ],
)
def test_who_has_to_agree_in_words(rule: Rule, words: str) -> None:
    """The same before anybody has, and for what is missing."""
    assert rule_words(rule) == words
    if not rule.empty:
        assert waited_for(operation(plan(rule=rule))) == words


def test_who_could_agree_is_named_and_not_called() -> None:
    """A group's handle on a card is text: no member of it is notified, and nothing in it is markup."""
    sets = (replace(APPROVERS, known_as="@oncall, <!subteam^SONCALL> and `@channel`\n1 person by name"),)
    of = operation(plan(rule=Rule(sets=sets, humans=1)))
    for view in (card(of, tokens=TOKENS), details_view(of), requests_view([of], [], [], now=NOW)):
        sent(view)
    words = "Waiting for 1 of the approvers (@oncall, <!subteam^SONCALL> and `@channel` 1 person by name)"
    assert lines(card(of, tokens=TOKENS))[0] == words


@pytest.mark.parametrize(
    ("progress", "drawn"),
    [
        (Progress(ready=0, wanted=3), "░░░░░░░░░░ 0 of 3 pods"),
        (Progress(ready=1, wanted=1), "▓▓▓▓▓▓▓▓▓▓ 1 of 1 pod"),
        (Progress(ready=9, wanted=3), "▓▓▓▓▓▓▓▓▓▓ 3 of 3 pods"),
        (Progress(ready=-1, wanted=3), "░░░░░░░░░░ 0 of 3 pods"),
        (
            Progress(ready=999, wanted=1000, note="1 old pod still to end"),
            "▓▓▓▓▓▓▓▓▓░ 999 of 1000 pods, 1 old pod still to end",
        ),
        (Progress(ready=0, wanted=0, note="waiting"), "waiting"),
        (Progress(ready=0, wanted=0), ""),
    ],
)
def test_how_far_it_is_in_a_bar(progress: Progress, drawn: str) -> None:
    """It is full only when all is done."""
    assert bar(progress) == drawn


@pytest.mark.parametrize(
    ("lasted", "seconds", "words"),
    [
        ((), 5, ""),
        ((40.0,), 25, "about 15 s left"),
        ((31.0, 44.0, 40.0), 25, "about 15 s left"),
        ((40.0,), 41, "it takes longer than the last ones"),
    ],
)
def test_how_long_it_may_still_take(lasted: tuple[float, ...], seconds: int, words: str) -> None:
    """By how long the last ones took; nothing is guessed without any."""
    assert time_left(lasted, seconds) == words


def test_words_are_made_to_fit_their_place() -> None:
    """One line, a sentence, a title within one, people in a row."""
    assert one_line("  a\n\tb ", limit=0) == "a b"
    assert one_line("abcdef", limit=4) == "abc…"
    assert one_line("a\x1b[31mb\u202ec\x07") == "abc"
    assert (sentence("it is paused"), sentence("Why?"), sentence(" \n")) == ("It is paused.", "Why?", "")
    assert (inside("Roll back api"), inside("API of shop"), inside("")) == ("roll back api", "API of shop", "")
    assert people([ANN]) == (Mention(ANN),)
    assert people([ANN, BOB, ANN, EVE]) == (Mention(ANN), ", ", Mention(BOB), " and ", Mention(EVE))
