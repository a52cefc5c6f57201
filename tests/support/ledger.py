"""What has to be true of changes at every moment, judged from the rows and from what the API server saw written."""

from __future__ import annotations

import hashlib
import json
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from bot.domain.live import Live
from bot.domain.plans import Plan, plan_of
from bot.domain.steps import Standing
from bot.domain.steps.base import spec_of
from bot.store.audit import GENESIS, hashed
from tests.support.changing import Effect
from tests.support.turmoil import TAKES, Turmoil, human

Row = Mapping[str, Any]

# Which state may follow which, said once more in other words than the program's.
NEXT: Mapping[str, set[str]] = {
    "": {"PENDING", "APPROVED"},
    "PENDING": {"PENDING", "APPROVED", "DENIED", "EXPIRED", "CANCELLED", "SUPERSEDED"},
    "APPROVED": {"PENDING", "APPROVED", "EXECUTING", "DENIED", "EXPIRED", "CANCELLED", "SUPERSEDED"},
    "EXECUTING": {"EXECUTING", "SUCCEEDED", "FAILED", "UNKNOWN"},
}
OPEN = set(NEXT)
# What the audit says of a step; all else in it is told of a state, and is none.
STEPS = frozenset(
    {
        *("requested", "vote", "withdrawn", "vote_lost", "denied", "expired", "cancelled", "superseded"),
        *("claimed", "patched", "result", "resolution", "verdict"),
    }
)
_VOTED = {"approved": "APPROVED", "recorded": "PENDING"}


@dataclass(slots=True)
class Known:
    """What was seen of a request so far: what it asks for, how many it takes, what came of it."""

    plan: Plan
    row: Row
    takes: int
    effects: int = 0
    voters: set[int] = field(default_factory=set)


class Ledger:
    """Keeps what was true before, and looks whether what is now may follow from it."""

    def __init__(self, turmoil: Turmoil) -> None:
        self._turmoil = turmoil
        self._known: dict[str, Known] = {}
        self._record: dict[str, list[Row]] = defaultdict(list)
        self._chain = (0, GENESIS)
        self._shown: dict[str, int] = {}
        self.wrong: list[str] = []
        self.seen: Counter[str] = Counter()
        turmoil.server.judge = self.judge

    # --- a write, in the moment of its effect -------------------------------------------------------------------------

    def judge(self, effect: Effect, name: str, before: Live, after: Live) -> None:
        """Look whether this write may be: I1, I2 and I3. What is wrong is kept for the next check."""
        if effect.void:
            self._demand(spec_of(before.object) == spec_of(after.object), effect, "a void mark changes more")
            return
        self.seen["writes"] += 1
        [row] = self._turmoil.rows("SELECT * FROM operations WHERE id = %s", effect.mark) or [None]
        if row is None:
            self.wrong.append(f"{effect}: of no request")
            return
        known = self._known[effect.mark]
        known.effects += 1
        step, stamp = known.plan.draft.step, known.plan.stamp(effect.mark, ())
        votes = self._votes(effect.mark)
        people = {human(vote["user_id"]) for vote in votes}
        look = self._turmoil.looks[effect.mark]
        wanted = max(known.takes, TAKES[look.policy][known.plan.draft.risk.value])
        self._demand(row["state"] == "EXECUTING", effect, f"written while {row['state']}")
        self._demand(known.effects == 1, effect, "written twice")
        self._demand(len(people) == len(votes) >= wanted, effect, f"{len(votes)} votes of {people}, not {wanted}")
        self._demand({vote["digest"] for vote in votes} <= {known.row["digest"]}, effect, "voted on another plan")
        self._demand({vote["user_id"] for vote in votes} <= look.leads, effect, "of whom somebody led no more")
        self._demand(name == known.plan.draft.target.name, effect, "another object")
        self._demand(before.uid == after.uid == known.plan.draft.target.uid, effect, "another uid")
        self._demand(step.compare(before, stamp).standing is Standing.FROM, effect, "not from what was shown")
        self._demand(step.compare(after, stamp).standing is Standing.TO, effect, "not to what was shown")

    def _demand(self, so: object, effect: Effect, otherwise: str) -> None:
        if not so:
            self.wrong.append(f"{effect}: {otherwise}")

    def _votes(self, operation_id: str) -> list[dict[str, Any]]:
        return self._turmoil.rows("SELECT * FROM votes WHERE operation_id = %s AND void = ''", operation_id)

    # --- after each step ----------------------------------------------------------------------------------------------

    def check(self) -> None:
        """Look at everything."""
        assert self.wrong == [], self.wrong
        self._read_audit()
        for row in self._turmoil.rows("SELECT * FROM operations"):
            self._follows(row)
            self._voted(row)
            self._on_record(row)
        self._one_of_each_target()
        self._pictures()

    def _read_audit(self) -> None:
        """Take up what is new in the audit, and look whether it hangs on what was before: I9."""
        for row in self._turmoil.rows("SELECT * FROM audit WHERE seq > %s ORDER BY seq", self._chain[0]):
            content = {name: row[name] for name in ("at", "actor", "action", "subject", "result", "detail")}
            seq, previous = self._chain[0] + 1, self._chain[1]
            assert (row["seq"], row["previous_hash"]) == (seq, previous)
            assert row["hash"] == hashed(seq=seq, previous_hash=previous, **content)
            self._chain = (seq, row["hash"])
            if row["action"] in STEPS and row["result"] != "refused":
                self._record[row["subject"]].append(row)

    def _follows(self, row: Row) -> None:
        """What was asked for stays, what ended stays, and the effect is what the end says: I2, I3, I6."""
        known = self._known.get(row["id"])
        if known is None:
            plan = plan_of(row["plan"])
            takes = TAKES[self._turmoil.policy][plan.draft.risk.value]
            known = self._known[row["id"]] = Known(plan, row, takes)
        old = known.row
        assert row["digest"] == old["digest"] == hashlib.sha256(row["plan"].encode()).hexdigest()
        assert row["version"] >= old["version"]
        assert row["fence"] >= old["fence"]
        if old["state"] not in OPEN:
            assert (row["state"], row["effect"], row["ended_at"]) == (old["state"], old["effect"], old["ended_at"])
        if row["state"] not in OPEN:
            may = {"applied": {1}, "unknown": {0, 1}}.get(row["effect"], {0})
            assert known.effects in may, (row["state"], row["effect"], known.effects)
        if row["state"] != old["state"]:
            self.seen[row["state"]] += 1

        known.row = row

    def _voted(self, row: Row) -> None:
        """Who voted led at that moment, and is not who asked; what counts follows from the audit alone: I4."""
        known, votes = (
            self._known[row["id"]],
            self._turmoil.rows("SELECT * FROM votes WHERE operation_id = %s", row["id"]),
        )
        for vote in votes:
            if vote["number"] not in known.voters:
                known.voters.add(vote["number"])
                assert vote["user_id"] in self._turmoil.leads
            assert human(vote["user_id"]) != human(row["requester_user"])
            assert vote["digest"] == row["digest"]
        counted = {vote["human"]: vote["user_id"] for vote in votes if not vote["void"]}
        assert counted == _counted(self._record[row["id"]])
        if row["state"] in {"PENDING", "APPROVED"}:
            assert (row["state"] == "APPROVED") is (len(counted) >= known.takes)

    def _on_record(self, row: Row) -> None:
        """Each state has its entry, and follows from the one before: I9."""
        record = [_VOTED.get(one["result"], one["result"]) for one in self._record[row["id"]] if one["action"] in STEPS]
        states = [state for state in record if state in OPEN or state.isupper()]
        for before, after in zip(["", *states], states, strict=False):
            assert after in NEXT.get(before, {before}), states
        assert states[-1] == row["state"]
        if row["fence"] == 0:
            assert row["version"] == len(record)

    def _one_of_each_target(self) -> None:
        open_or_in_doubt = Counter(
            known.plan.draft.target.name
            for known in self._known.values()
            if known.row["state"] in OPEN or (known.row["state"] == "UNKNOWN" and known.row["resolution"] is None)
        )
        assert set(open_or_in_doubt.values()) <= {1}

    def _pictures(self) -> None:
        """Each version has its picture, none comes after a newer one, and what is shown never goes back: I8."""
        put: dict[str, list[int]] = defaultdict(list)
        for one in self._turmoil.rows("SELECT subject, version FROM outbox WHERE subject <> '' ORDER BY id"):
            put[one["subject"].removeprefix("operation:")].append(one["version"])
        assert all(versions == sorted(set(versions)) for versions in put.values()), put
        assert {each: versions[-1] for each, versions in put.items()} == {
            each: known.row["version"] for each, known in self._known.items()
        }
        for one in self._turmoil.rows("SELECT subject, version FROM message_refs"):
            assert one["version"] >= self._shown.get(one["subject"], 0)
            self._shown[one["subject"]] = one["version"]


def _counted(record: Iterable[Row]) -> dict[str, str]:
    """Return the votes that count, by human, from the audit's rows alone."""
    votes: dict[str, str] = {}
    for row in record:
        detail = json.loads(row["detail"])
        match row["action"]:
            case "vote":
                votes[detail["human"]] = row["actor"]
            case "withdrawn":
                votes.pop(detail["human"])
            case "vote_lost":
                for lost in detail["humans"].split(", "):
                    votes.pop(lost)
    return votes
