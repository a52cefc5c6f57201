"""Pictures of plans: what would change, why it may not, and how it is asked for. Pure."""

from __future__ import annotations

from bot.domain.approval import Rule
from bot.domain.plans import Draft, Refusal
from bot.domain.view import (
    Block,
    Button,
    Buttons,
    Context,
    Fields,
    Headline,
    Line,
    Mark,
    Paragraph,
    Table,
    View,
    bold,
    code,
    line,
)
from bot.engine.card_states import UNCHANGED
from bot.engine.card_words import differences, ended, one_line, rule_words

REFUSED = 2
_APPLY = "--apply"


def plan_view(draft: Draft, *, rule: Rule, command: str) -> View:
    """Show at a terminal what a command would change, who has to agree, and how it is asked for."""
    title = f"{one_line(draft.words.title)}?"
    ask = line(f"{UNCHANGED} To ask for it: ", code(f"ragops {command} {_APPLY}"))
    return View(
        title,
        (
            Headline(title),
            *change_blocks(draft),
            Paragraph((line(f"Has to be approved by {rule_words(rule)}."),)),
            Context((line(str(draft.target.scope)), ask)),
        ),
        data={**plan_data(draft), "approvals": rule_words(rule), "apply": f"{command} {_APPLY}"},
    )


def refusal_view(refusal: Refusal, command: str, *, place: str = "") -> View:
    """Tell why a change that was asked for by `command` would do harm or nothing, and what to do instead.

    `place` is the words that lead other commands to the same scope.
    """
    others = [(each, f"{each.label} {place}".rstrip()) for each in refusal.commands]
    summary = ended(refusal.reason)
    blocks: list[Block] = [Headline(summary, Mark.WARNING)]
    if refusal.facts:
        blocks.append(Fields(tuple((one_line(fact.label), one_line(fact.text)) for fact in refusal.facts)))
    instead = [
        line("Instead: ", code(one_line(typed)), f" ({one_line(each.text)})" if each.text else "")
        for each, typed in others
    ]
    blocks.append(Paragraph((*instead, line(UNCHANGED, " You asked for ", code(one_line(command)), "."))))
    if others:
        blocks.append(Buttons(tuple(Button(one_line(each.label), typed) for each, typed in others)))
    data = {
        "error": summary,
        "command": command,
        "facts": {fact.label: fact.text for fact in refusal.facts},
        "instead": [{"command": typed, "why": each.text} for each, typed in others],
    }
    return View(summary, tuple(blocks), data=data, exit_code=REFUSED)


def change_blocks(draft: Draft) -> list[Block]:
    """Show what changes, and all there is to know before."""
    words = draft.words
    blocks = difference_blocks(draft)
    if words.facts:
        blocks.append(Fields(tuple((one_line(fact.label), one_line(fact.text)) for fact in words.facts)))
    notes: list[Line] = [line(bold("Warning"), f": {one_line(warning)}") for warning in words.warnings]
    if words.not_undone:
        notes.append(line(bold("Not undone"), f": {', '.join(map(one_line, words.not_undone))}"))
    notes += [line(bold("Others write it, too"), f": {one_line(other)}") for other in words.reverts]
    return [*blocks, Paragraph(tuple(notes))] if notes else blocks


def difference_blocks(draft: Draft) -> list[Block]:
    """Show from what to what."""
    rows = differences(draft)
    return [Table(("what", "from", "to"), rows)] if rows else []


def plan_data(draft: Draft) -> dict[str, object]:
    """Return a planned change for programs."""
    target, words = draft.target, draft.words
    return {
        "verb": draft.verb,
        "title": words.title,
        "cluster": target.scope.cluster,
        "namespace": target.scope.namespace,
        "kind": target.kind,
        "name": target.name,
        "risk": draft.risk.value,
        "differences": [{"what": each.label, "from": each.before, "to": each.after} for each in words.differences],
        "facts": {fact.label: fact.text for fact in words.facts},
        "warnings": list(words.warnings),
        "not_undone": list(words.not_undone),
        "reverts": list(words.reverts),
    }
