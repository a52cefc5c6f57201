"""What has to be proven of changes, row by row, and that each row has tests which say so by their names."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Mapping
from functools import cache
from pathlib import Path

import pytest

TESTS = Path(__file__).parents[1]

# A test is of a row when its name begins so: test_t07_an_address_counts_on_its_own_message_alone.
ROWS: Mapping[str, str] = {
    "t01": "two approvers in the same instant: one transition, one effect, the right people named",
    "t02": "double clicks and repeated deliveries are one vote",
    "t03": "a human fills one place, whatever accounts and groups they have",
    "t04": "of an approval and a denial at once the denial is never lost",
    "t05": "a denial ends what is approved, and not what runs",
    "t06": "the database's clock decides what is too late, whatever a replica's says",
    "t07": "a button's value is worth nothing on another message, in another place, or forged",
    "t08": "nobody approves their own request, by no account and by no group they join",
    "t09": "guests, people of other workspaces, bots and deactivated people decide nothing",
    "t10": "who left the group before it begins counts no more",
    "t11": "a look-up of groups that fails lets nobody vote, and says so; afterwards it works",
    "t12": "who is on call at the click may approve what those on call may",
    "t13": "the order of clicks does not matter where several groups are asked",
    "t14": "what changed between the request and the click, or before it begins, ends it",
    "t15": "what changes between the claim and the write is never overwritten",
    "t16": "a status that moves is no change of the object, and nobody insists for ever",
    "t17": "a revision is what it was by its uid and its content, not by its number",
    "t17b": "the mark of another request is never taken for ours",
    "t18": "the same again does not lead back to what was left",
    "t19": "a worker that is killed anywhere leaves one effect, and another one ends it",
    "t20": "a worker that stands still past its lease has no second effect, and says nothing more",
    "t21": "after an end without effect a late write has none either",
    "t22": "an answer that is lost is made up for by looking, not by writing twice",
    "t23": "what somebody took back before it was known is not done again",
    "t24": "a database that goes away at any step loses nothing and doubles nothing",
    "t25": "Redis may be gone, emptied or old: the same results",
    "t26": "one message for a request, whatever becomes of the posts and edits that show it",
    "t27": "an older picture never covers a newer one",
    "t28": "one change of an object at a time; to replace one ends it in the same moment; a doubt blocks",
    "t29": "what runs does not run out of time; what may not begin does",
    "t30": "a stricter policy or a freeze counts at once",
    "t31": "a roll-out that fails or is overtaken is told as what it has come to",
    "t32": "what rights or admission refuse was not done",
    "t34": "a request that is sent again, however late, is carried out once",
    "t35": "hostile words ping nobody and look like nothing of ours",
    "t36": "an audit that was changed, cut or rewritten is found out",
    "t37": "what is due is done once, whoever dies, whatever clocks do: late once and saying so, never when paused",
    "t38": "no way of anybody to a change but those that the table of rights allows",
}
# Its part is not there yet: incidents.
NOT_YET = {"t33"}


@cache
def found() -> Mapping[str, list[str]]:
    """Return the tests of each row, by the names in the sources."""
    rows: dict[str, list[str]] = defaultdict(list)
    for path in sorted(TESTS.rglob("test_*.py")):
        for name, row in re.findall(r"^ *(?:async )?def (test_(t\d+[a-z]?)_\w+)\(", path.read_text(), re.MULTILINE):
            rows[row].append(f"{path.relative_to(TESTS)}::{name}")
    return rows


@pytest.mark.parametrize("row", ROWS)
def test_a_row_has_tests(row: str) -> None:
    """By their names, so that whoever reads a failure knows what is not true any more."""
    assert found().get(row), ROWS[row]


def test_each_numbered_test_is_of_a_row() -> None:
    """A number that was mistyped would prove nothing."""
    assert {row: tests for row, tests in found().items() if row not in ROWS} == {}
    assert not NOT_YET & set(ROWS)
