from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.domain.findings import Severity
from bot.domain.watch.probes import Health, Probed, ProbeKind
from bot.probes.asking import Asking
from bot.probes.postgresql_figures import Activity, Holders, OpenTransaction, Server, Size, Totals, tell
from bot.probes.postgresql_locks import LockRow, roots_of, tree
from tests.bot.probes.worlds import codes, names_at, target
from tests.support.clocks import WallClock

SERVER = Server("16.4", False, None, "rag", "watcher", True, 100, 3, 0)


def told(**seen: Any) -> Probed:
    """Return what these rows make of a target."""
    asking = Asking(target(ProbeKind.POSTGRESQL, "db:5432"), WallClock(), names_at())
    tell(asking, Activity(**{"server": SERVER, **seen}))
    return asking.probed()


def transaction(pid: int, *, age_s: float, in_state_s: float = 0.0, state: str = "active") -> OpenTransaction:
    return OpenTransaction(pid, "api", state, age_s, in_state_s, "UPDATE t SET a = 'planted'")


def lock(pid: int, *blockers: int, wait_s: float = 5.0) -> LockRow:
    return LockRow(pid, blockers, "api", "active" if blockers else "idle in transaction", wait_s, f"SELECT {pid}")


@pytest.mark.parametrize(
    ("used", "code"),
    [
        (87, []),
        (88, ["POSTGRESQL_CONNECTIONS_HIGH"]),
        (96, ["POSTGRESQL_CONNECTIONS_HIGH"]),
        (97, ["POSTGRESQL_CONNECTIONS_EXHAUSTED"]),
        (100, ["POSTGRESQL_CONNECTIONS_EXHAUSTED"]),
    ],
)
def test_connections_are_judged_against_what_ordinary_roles_can_have(used: int, code: list[str]) -> None:
    """Not against max_connections: the last ones are kept."""
    probed = told(holders=[Holders("api", "idle", used)])
    assert codes(probed) == code
    assert dict(probed.figures)["connections_limit"] == 97


def test_who_holds_connections_is_said_with_what_idles_in_transactions() -> None:
    """The first question after `how many`."""
    rows = [Holders("api", "idle in transaction", 30), Holders("api", "active", 11), Holders("", "idle", 2)]
    assert dict(told(holders=rows).facts)["Held by"] == "api 41 (30 idle in transaction), unnamed 2"
    assert dict(told(holders=rows).figures)["idle_in_transaction"] == 30


@pytest.mark.parametrize(("age_s", "code"), [(299, []), (301, ["POSTGRESQL_LONG_TRANSACTION"])])
def test_a_transaction_of_more_than_five_minutes_is_a_trouble(age_s: float, code: list[str]) -> None:
    """It is named with its session, and its statement without literals."""
    probed = told(transactions=[transaction(7, age_s=age_s), transaction(8, age_s=1)])
    assert codes(probed) == code
    assert dict(probed.figures)["longest_transaction_s"] == age_s
    assert "planted" not in repr(probed)
    assert all("UPDATE t SET a = ?" in line for line in probed.lines)


@pytest.mark.parametrize(("idle_s", "code"), [(299, []), (301, ["POSTGRESQL_IDLE_IN_TRANSACTION"])])
def test_a_session_that_idles_in_its_transaction_is_a_trouble(idle_s: float, code: list[str]) -> None:
    """Counted since its last word, not since its beginning."""
    row = transaction(7, age_s=302, in_state_s=idle_s, state="idle in transaction")
    assert [each for each in codes(told(transactions=[row])) if "IDLE" in each] == code


def test_damaged_pages_are_critical_and_no_checksums_are_no_news() -> None:
    """NULL is not zero."""
    probed = told(totals=Totals(3, 2))
    assert codes(probed) == ["POSTGRESQL_CHECKSUM_FAILURES"]
    assert probed.troubles[0].severity is Severity.CRITICAL
    assert "checksum_failures" not in dict(told(totals=Totals(3, None)).figures)


def test_a_replica_says_how_far_it_is_behind() -> None:
    """One that never replayed anything says nothing of it."""
    probed = told(server=replace(SERVER, is_replica=True, behind_s=2.5), size=Size(1e9))
    assert dict(probed.facts)["Role"] == "replica, last change 2.5 s ago"
    assert dict(told(server=replace(SERVER, is_replica=True)).facts)["Role"] == "replica"


def test_what_could_not_be_read_has_no_figure() -> None:
    """Nothing is counted as zero."""
    assert dict(told().figures) == {"replica": 0.0}


@pytest.mark.parametrize(("wait_s", "severity"), [(0.5, None), (2, Severity.WARNING), (61, Severity.CRITICAL)])
def test_waiting_for_a_lock_is_judged_by_its_length(wait_s: float, severity: Severity | None) -> None:
    """Short waits are everyday life."""
    probed = told(locks=[lock(1), lock(2, 1, wait_s=wait_s)])
    assert [trouble.severity for trouble in probed.troubles] == ([severity] if severity else [])
    assert probed.health is (Health.DEGRADED if severity else Health.OK)


def test_the_tree_is_drawn_from_its_root() -> None:
    """Two wait for one, one of them holds up a third."""
    rows = [lock(1), lock(2, 1), lock(3, 2), lock(4, 1), lock(9), lock(10, 9)]
    assert roots_of(rows) == [1, 9]
    lines = [line.split(" (")[0] for line in tree(rows)]
    assert lines == ["pid 1", "· pid 2", "· pid 4", "· · pid 3", "pid 9", "· pid 10"]


def test_a_ring_and_a_prepared_transaction_have_a_root_too() -> None:
    """A deadlock that is not yet broken; a transaction without a session."""
    assert roots_of([lock(1, 2), lock(2, 1)]) == [1]
    assert tree([lock(5, 0)])[0] == "a prepared transaction"


_ROWS = st.dictionaries(st.integers(0, 12), st.lists(st.integers(0, 12), max_size=3), max_size=10)


@given(_ROWS)
def test_any_web_of_waits_has_an_end(web: dict[int, list[int]]) -> None:
    """Each session once, however they hold each other."""
    rows = [lock(pid, *blockers) for pid, blockers in web.items()]
    lines = tree(rows)
    assert len(lines) <= 11
    told_of = [line.split("pid ")[1].split(" ")[0] for line in lines if "pid " in line]
    assert len(told_of) == len(set(told_of))
