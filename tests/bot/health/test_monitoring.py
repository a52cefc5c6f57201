"""Alerts and dashboard: they parse, and ask only for figures and label values that there are."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from bot.domain.findings import Verdict
from bot.health import vocabularies as words
from bot.health.families import FAMILIES, PROCESS, Family, Kind
from bot.health.metrics import PrometheusMeter, ScopeFigures
from bot.health.reference import metrics_page
from tests.support.builders import SCOPE

ROOT = Path(__file__).parents[3]
FOLDER = ROOT / "manifests" / "kubernetes" / "monitoring"
RULES: dict[str, Any] = yaml.safe_load((FOLDER / "rules.yaml").read_text(encoding="utf-8"))
DASHBOARD: dict[str, Any] = json.loads((FOLDER / "dashboard.json").read_text(encoding="utf-8"))
ALERTS: list[dict[str, Any]] = [rule for group in RULES["spec"]["groups"] for rule in group["rules"]]
PANELS: list[dict[str, Any]] = [panel for panel in DASHBOARD["panels"] if panel["type"] != "row"]
QUERIES = [target["expr"] for panel in PANELS for target in panel["targets"]]
EXPRESSIONS = [*(alert["expr"] for alert in ALERTS), *QUERIES]
BY_NAME: dict[str, Family] = {family.name: family for family in (*FAMILIES, *PROCESS)}
NAME = re.compile(r"\b(?:ragops|process|python)_[a-z_]+\b")
STRING = re.compile(r'"[^"]*"')
SELECTOR = re.compile(r"\b([a-z_]+)\{([^}]*)\}")
MATCHER = re.compile(r'([a-z_]+)\s*(=~|!~|!=|=)\s*"([^"]*)"')
GROUPING = re.compile(r"\b(?:by|on) \(([a-z_, ]*)\)")
PLACES = {"pod", "instance", "le"}
# What is counted right at the start, before the first scrape, was never seen to increase.
SINCE_THE_START = "and on (instance) (time() - process_start_time_seconds < 3600)"
FUNCTIONS = {
    *("absent", "changes", "count", "histogram_quantile", "increase", "max", "min", "rate", "sort_desc", "sum"),
    *("and", "by", "on", "or", "time", "unless"),
}


RESULTS = (
    *(words.COMMAND_RESULTS, words.ACKNOWLEDGE_RESULTS, words.OUTBOX_RESULTS),
    *(words.CHANGE_ENDS, words.DECISION_RESULTS, words.LOOK_RESULTS, words.WEBHOOK_RESULTS),
)


def exposed() -> set[str]:
    """Return every name that a meter shows once everything was counted and sampled."""
    meter = PrometheusMeter(verbs=("status",), version="1")
    meter.throttled("chat.postMessage")
    meter.is_ready(replica=True, checks={"slack": True})
    meter.look_ended(SCOPE, 1)
    meter.schedules_wait({"morning": 0})
    meter.scope_seen(
        SCOPE, ScopeFigures(verdict=Verdict.DOWN, findings={("critical", "CRASH_LOOP"): 1}, ages={"pods": 1})
    )
    return set(meter.names())


def family_of(name: str) -> Family:
    return BY_NAME.get(name) or BY_NAME[re.sub(r"_(?:bucket|count|sum)$", "", name)]


def balanced(expression: str) -> bool:
    """Tell whether every bracket is closed by its like, quoted ones not counted."""
    ends, waiting = {"(": ")", "[": "]", "{": "}"}, []
    for character in STRING.sub("", expression):
        if character in ends:
            waiting.append(ends[character])
        elif character in ends.values() and (not waiting or waiting.pop() != character):
            return False
    return not waiting and expression.count('"') % 2 == 0


@pytest.mark.parametrize("expression", EXPRESSIONS)
def test_an_expression_asks_for_what_there_is(expression: str) -> None:
    """Names are exposed, brackets close, labels are the metric's own, and compared words are in its vocabulary."""
    names = NAME.findall(STRING.sub('""', expression))
    assert names
    assert set(names) <= exposed()
    assert balanced(expression)
    labels = {label for name in names for label in family_of(name).labels} | PLACES
    for grouping in GROUPING.findall(expression):
        assert set(grouping.split(", ")) <= labels
    for name, matchers in SELECTOR.findall(expression):
        allowed = {*family_of(name).labels, *(("le",) if name.endswith("_bucket") else ())}
        assert {label for label, _, _ in MATCHER.findall(matchers)} <= allowed


@pytest.mark.parametrize("expression", EXPRESSIONS)
def test_an_expression_uses_functions_that_are_known(expression: str) -> None:
    """A misspelled function would only be noticed when the rules are loaded."""
    bare = re.sub(r"\{[^}]*\}|\[[^\]]*\]", "", STRING.sub("", expression))
    bare = GROUPING.sub("by", bare)
    assert set(re.findall(r"[a-z_]{2,}", NAME.sub("", bare))) <= FUNCTIONS


@pytest.mark.parametrize("expression", EXPRESSIONS)
def test_counters_are_asked_for_their_rate_and_gauges_are_not(expression: str) -> None:
    """But for a counter of a process that began a moment ago: all of that is its increase."""
    expression = re.sub(rf"ragops_\w+_total {re.escape(SINCE_THE_START)}", "", expression)
    for function, name in re.findall(r"(?:(rate|increase|changes)\()?\b((?:ragops|process)_[a-z_]+)", expression):
        is_gauge = family_of(name).kind is Kind.GAUGE
        assert (function in {"", "changes"}) == is_gauge, name


def test_compared_words_are_in_the_vocabulary() -> None:
    """An alert on a word that is never counted would never fire."""
    vocabulary = {
        "result": {word for known in RESULTS for word in known.words},
        "state": set(words.CHANGE_STATES.values()),
        "why": set(words.REFUSED_WHY.words),
        "what": {*words.DEGRADABLE.words, *words.SAMPLED.words},
        "health": set(words.HEALTHS.words),
        "outcome": set(words.SCHEDULE_OUTCOMES.words),
        "check": {"slack", "database", "cluster:.+"},
        "le": {f"{bound}" for family in FAMILIES for bound in family.buckets},
    }
    seen = 0
    for label, _, said in (found for expression in EXPRESSIONS for found in MATCHER.findall(expression)):
        if "$" in said:
            continue
        assert set(said.split("|")) <= vocabulary[label], said
        seen += 1
    assert seen > 10


@pytest.mark.parametrize("alert", ALERTS, ids=lambda alert: alert["alert"])
def test_an_alert_says_what_to_do(alert: dict[str, Any]) -> None:
    """A summary for the page, a description with the next step, a runbook that exists, and a known severity."""
    assert re.fullmatch(r"Ragops[A-Z]\w+", alert["alert"])
    assert alert["labels"]["severity"] in {"warning", "critical"}
    notes = alert["annotations"]
    assert notes["summary"].endswith(".")
    assert len(notes["summary"]) < 110
    assert len(notes["description"]) > 80
    assert notes["description"].endswith(".")
    page, _, anchor = notes["runbook_url"].partition("#")
    headings = re.findall(r"^#+ (.+)$", (ROOT / page).read_text(encoding="utf-8"), re.MULTILINE)
    assert anchor in {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}
    told = re.findall(r"\$labels\.(\w+)", notes["summary"] + notes["description"])
    kept = {label for group in GROUPING.findall(alert["expr"]) for label in group.split(", ")}
    is_summed = re.search(r"\b(?:sum|max|min|absent)\b", alert["expr"]) is not None
    assert set(told) <= (kept if is_summed else {*kept, "pod"})


def test_alerts_have_names_of_their_own() -> None:
    names = [alert["alert"] for alert in ALERTS]
    assert len(names) == len(set(names)) >= 12


def test_every_row_and_panel_of_the_dashboard_has_its_place() -> None:
    """The rows are there, numbers are unique, no panel lies over another or beyond the edge."""
    rows = [panel["title"] for panel in DASHBOARD["panels"] if panel["type"] == "row"]
    assert rows == ["Commands", "Slack", "Delivery", "Changes", "Clusters", "Watching", "Health"]
    ids = [panel["id"] for panel in DASHBOARD["panels"]]
    assert len(ids) == len(set(ids))
    taken: set[tuple[int, int]] = set()
    for panel in DASHBOARD["panels"]:
        at = panel["gridPos"]
        cells = {(x, y) for x in range(at["x"], at["x"] + at["w"]) for y in range(at["y"], at["y"] + at["h"])}
        assert not cells & taken, panel["title"]
        assert at["x"] + at["w"] <= 24
        taken |= cells
    variables = {variable["name"] for variable in DASHBOARD["templating"]["list"]}
    used = set(re.findall(r"\$\{?(\w+)", json.dumps(DASHBOARD["panels"]))) - {"__rate_interval"}
    assert used <= variables
    for panel in PANELS:
        assert panel["datasource"]["uid"] == "${datasource}"


def test_every_metric_of_ours_is_on_the_dashboard_or_in_an_alert() -> None:
    """What nobody looks at need not be measured."""
    asked = {family_of(name).name for expression in EXPRESSIONS for name in NAME.findall(expression)}
    assert {family.name for family in FAMILIES} <= asked


def test_the_kustomization_names_every_file() -> None:
    """Each file is a resource or part of the config map, and each of those is a file."""
    made = yaml.safe_load((FOLDER / "kustomization.yaml").read_text(encoding="utf-8"))
    [dashboards] = made["configMapGenerator"]
    files = {entry.partition("=")[2] for entry in dashboards["files"]}
    assert {*made["resources"], *files, "kustomization.yaml"} == {file.name for file in FOLDER.iterdir()}


def test_the_monitor_finds_the_service_and_the_service_the_port() -> None:
    """By labels and by the port's name; not-ready replicas are scraped, and our own `namespace` is kept."""
    monitor = yaml.safe_load((FOLDER / "service-monitor.yaml").read_text(encoding="utf-8"))["spec"]
    service = yaml.safe_load((FOLDER / "service.yaml").read_text(encoding="utf-8"))
    [endpoint], [port] = monitor["endpoints"], service["spec"]["ports"]
    assert monitor["selector"]["matchLabels"].items() <= service["metadata"]["labels"].items()
    assert endpoint["port"] == port["name"]
    assert endpoint["path"] == "/metrics"
    assert endpoint["honorLabels"]
    assert service["spec"]["publishNotReadyAddresses"]


def test_the_page_is_up_to_date() -> None:
    """It is made from the code by `make reference`."""
    assert (ROOT / "docs" / "reference" / "metrics.md").read_text(encoding="utf-8") == metrics_page()
