"""Consequences hang under their cause, and nothing that was found is lost."""

from __future__ import annotations

from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from bot.diagnosis.collapse import collapse
from bot.domain.findings import Consequence, Finding, Severity
from bot.domain.targets import ObjectRef

API = ObjectRef("Deployment", "shop", "api")
WEB = ObjectRef("Service", "shop", "web")
DOOR = ObjectRef("Ingress", "shop", "door")
NODE = ObjectRef("Node", "", "node-1")


def finding(
    code: str,
    target: ObjectRef = API,
    *because: ObjectRef,
    severity: Severity = Severity.WARNING,
    general: bool = False,
) -> Finding:
    return Finding(
        code=code,
        severity=severity,
        target=target,
        title=f"title {code}",
        summary=f"summary {code}",
        because=because,
        general=general,
    )


def told(findings: list[Finding]) -> dict[str, list[str]]:
    return {found.code: [felt.code for felt in found.consequences] for found in collapse(findings)}


def test_what_has_no_cause_stands_for_itself() -> None:
    """In the order it was found, untouched."""
    findings = [finding("B", WEB), finding("A", API, NODE)]
    assert collapse(findings) == findings


def test_a_consequence_hangs_under_its_cause() -> None:
    """With the words it would have said by itself."""
    crash, felt = finding("CRASH"), finding("NO_ENDPOINT", WEB, API)
    [root] = collapse([felt, crash])
    assert root.code == "CRASH"
    assert root.consequences == (Consequence("NO_ENDPOINT", WEB, "title NO_ENDPOINT", "summary NO_ENDPOINT"),)


def test_a_chain_is_told_at_its_root() -> None:
    """However far a trouble is felt, it is one."""
    findings = [finding("INGRESS", DOOR, WEB), finding("SERVICE", WEB, API), finding("CRASH", API)]
    assert told(findings) == {"CRASH": ["INGRESS", "SERVICE"]}


def test_the_root_is_as_bad_as_the_worst_that_follows() -> None:
    """What nobody would notice by itself is serious when the door is closed."""
    [root] = collapse([finding("CRASH"), finding("SERVICE", WEB, API, severity=Severity.CRITICAL)])
    assert root.severity is Severity.CRITICAL


def test_the_general_gives_way_to_the_named_and_is_not_told() -> None:
    """It would only repeat, vaguely, what is said."""
    assert told([finding("NOT_READY", general=True), finding("CRASH")]) == {"CRASH": []}


def test_the_general_stands_where_nothing_is_named() -> None:
    """And carries what follows from it."""
    assert told([finding("NOT_READY", general=True), finding("SERVICE", WEB, API)]) == {"NOT_READY": ["SERVICE"]}


def test_what_names_its_own_object_hangs_under_the_cause_named_there() -> None:
    """A roll-out that is stuck follows from the crash; the general goes without a word."""
    findings = [finding("STUCK", API, API), finding("NOT_READY", general=True), finding("CRASH")]
    assert told(findings) == {"CRASH": ["STUCK"]}


def test_what_names_its_own_object_stands_above_the_general() -> None:
    """A vague finding explains nothing."""
    findings = [finding("STUCK", API, API), finding("NOT_READY", general=True), finding("SERVICE", WEB, API)]
    assert told(findings) == {"STUCK": ["SERVICE"]}


def test_two_that_name_the_same_object_do_not_explain_each_other() -> None:
    """Both stand."""
    assert told([finding("STUCK", API, API), finding("BLOCKED", API, API)]) == {"STUCK": [], "BLOCKED": []}


def test_the_first_reason_that_is_found_counts() -> None:
    """A finding may name several."""
    findings = [finding("SERVICE", WEB, NODE, API), finding("CRASH", API), finding("NODE_LOST", NODE)]
    assert told(findings) == {"CRASH": [], "NODE_LOST": ["SERVICE"]}


def test_a_circle_is_told_and_not_lost() -> None:
    """Who began cannot be told, so each stands."""
    circle = [finding("A", API, WEB), finding("B", WEB, DOOR), finding("C", DOOR, API), finding("D", NODE, API)]
    assert told(circle) == {"A": [], "B": [], "C": [], "D": []}


refs = st.sampled_from([API, WEB, DOOR, NODE])
anything = st.lists(
    st.tuples(refs, st.lists(refs, max_size=3), st.sampled_from(Severity), st.booleans()), max_size=8
).map(
    lambda drawn: [
        finding(f"F{n}", target, *because, severity=severity, general=general)
        for n, (target, because, severity, general) in enumerate(drawn)
    ]
)


@given(anything)
def test_nothing_that_was_found_is_lost(findings: list[Finding]) -> None:
    """Each is a root, or a consequence of exactly one, or a general one whose object has a named finding."""
    roots = collapse(findings)
    seen = Counter(found.code for found in roots)
    seen.update(felt.code for found in roots for felt in found.consequences)
    assert all(times == 1 for times in seen.values())
    named = {found.target for found in findings if not found.general}
    for found in findings:
        assert seen[found.code] == 1 or (found.general and found.target in named)


@given(anything)
def test_something_found_is_something_told(findings: list[Finding]) -> None:
    """Roots keep their order and their words, and none is milder than what it stands for."""
    roots = collapse(findings)
    assert bool(roots) == bool(findings)
    assert [found.code for found in roots] == [f.code for f in findings if f.code in {found.code for found in roots}]
    worst = max((found.severity for found in findings), default=None)
    assert max((found.severity for found in roots), default=None) == worst
