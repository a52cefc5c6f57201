"""The page on configuration says what the code reads: no key more, no key less, with its defaults and bounds."""

from __future__ import annotations

import re
from dataclasses import dataclass, fields, is_dataclass
from pathlib import Path
from typing import Any

import pytest

from bot.configuration import Configuration, load_configuration, read_configuration
from bot.domain.watch.policy import Thresholds, WatchPolicy
from bot.errors import SettingsError
from bot.settings import KEYS
from bot.setup.environment import environment_file, variables
from bot.setup.pages import configuration_page
from bot.setup.reference import AUDIT, CLUSTERS, FRESHNESS, GRANTS, LIMITS, ROLES, SERVICES, TABLES, VERBS, Key, Table
from bot.setup.reference_watch import ALERTS, DEPENDENCIES, DIGESTS, WATCH

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "reference" / "configuration.md"
# What must stand in the file for a table to be read: clusters for places, services for aliases.
WORLD = {
    CLUSTERS.name: "",
    SERVICES.name: CLUSTERS.example() + DEPENDENCIES.example(),
    GRANTS.name: CLUSTERS.example() + SERVICES.example(),
    DEPENDENCIES.name: CLUSTERS.example() + '[services.postgres]\nworkload = "statefulset/postgres"\n',
    DIGESTS.name: CLUSTERS.example(),
    "changes": CLUSTERS.example() + SERVICES.example(),
    "freezes": CLUSTERS.example() + SERVICES.example(),
}


@dataclass(frozen=True, slots=True)
class Documented:
    """A key and the table that it stands in."""

    table: Table
    key: Key

    @property
    def text(self) -> str:
        """A whole file that says this key, with what it cannot be without."""
        return WORLD.get(self.table.name, "") + self.table.example(self.key.name)

    def saying(self, value: str) -> str:
        """The same file with another value."""
        said = f"{self.key.name} = {self.key.example}\n"
        assert said in self.text
        return self.text.replace(said, f"{self.key.name} = {value}\n")


ALL = [Documented(table, key) for table in TABLES for key in table.keys]
BOUNDED = [each for each in ALL if each.key.low is not None]
WITH_KNOWN_KEYS = [table for table in TABLES if not table.free]


def named(documented: Documented) -> str:
    return f"{documented.table.name}.{documented.key.name}"


def load(text: str) -> Configuration:
    return load_configuration(text, "ragops.toml")


def faults_of(text: str) -> list[str]:
    with pytest.raises(SettingsError) as caught:
        load(text)
    return [fault.what for fault in caught.value.faults]


def known_keys(text: str) -> list[str]:
    """Return the keys that the reader names when it meets one that it does not know and that is like no other."""
    unknown = "unknown key 'qqqqqq'; known are "
    [found] = [fault for fault in faults_of(text) if fault.startswith(unknown)]
    return found.removeprefix(unknown).split(", ")


def test_the_page_is_the_one_that_is_made_from_the_code() -> None:
    """Nobody edited it by hand, and nobody forgot `make reference`."""
    assert PAGE.read_text(encoding="utf-8") == configuration_page()


@pytest.mark.parametrize("documented", ALL, ids=named)
def test_every_key_that_is_documented_is_accepted(documented: Documented) -> None:
    """With the value that stands as its example."""
    before = load(WORLD.get(documented.table.name, ""))

    assert load(documented.text) != before or documented.key.default == documented.key.example


@pytest.mark.parametrize("table", WITH_KNOWN_KEYS, ids=lambda table: table.name)
def test_every_key_that_is_accepted_is_documented(table: Table) -> None:
    """What the reader names as known in a table is exactly what is described of it."""
    text = WORLD.get(table.name, "") + table.example() + "qqqqqq = 1\n"

    assert known_keys(text) == sorted(key.name for key in table.keys)


def test_every_table_that_is_accepted_is_documented() -> None:
    """The reader knows no table more than the page has headings."""
    assert known_keys("qqqqqq = 1\n") == sorted(table.name for table in TABLES)


def test_every_role_that_may_be_bound_is_documented() -> None:
    """The keys of `[roles]` are roles, and each is named where roles are."""
    assert [role for role in known_keys("[roles]\nqqqqqq = 1\n") if f"`{role}`" not in ROLES.text] == []


def test_any_command_may_be_a_key_of_the_verbs() -> None:
    """No key is unknown there but a command that does not exist."""
    text = f"{VERBS.example()}status = ['viewer']\nlgos = ['viewer']\n"
    with pytest.raises(SettingsError) as caught:
        load_configuration(text, "ragops.toml", verbs={"logs", "status"})

    assert [fault.what for fault in caught.value.faults] == ["there is no command 'lgos'; did you mean logs?"]


@pytest.mark.parametrize("table", TABLES, ids=lambda table: table.name)
def test_what_is_required_is_what_is_missing_without_it(table: Table) -> None:
    """A table without any key complains of the required ones and of no others."""
    text = WORLD.get(table.name, "") + table.header + "\n"
    missing = {key.name for key in table.keys if key.required}
    try:
        load(text)
        told: set[str] = set()
    except SettingsError as error:
        told = {what.split()[0] for fault in error.faults if (what := fault.what).endswith(" is missing")}

    assert told == missing


@pytest.mark.parametrize("documented", BOUNDED, ids=named)
def test_a_bound_is_allowed_and_one_beyond_is_not(documented: Documented) -> None:
    """The bounds that are described are those that hold."""
    low, high = documented.key.low, documented.key.high
    assert low is not None
    assert high is not None
    assert f"{low} to {high}" in documented.key.type

    for allowed in (low, high):
        load(documented.saying(str(allowed)))
    for beyond in (low - 1, high + 1):
        assert faults_of(documented.saying(str(beyond))) == [
            f"{documented.key.name}: expected {low} to {high}, got {beyond}"
        ]


@pytest.mark.parametrize("documented", BOUNDED, ids=named)
def test_a_whole_number_is_described_as_one(documented: Documented) -> None:
    """A fraction is refused where a whole number is asked for, and accepted elsewhere."""
    assert documented.key.low is not None
    text = documented.saying(f"{int(documented.key.low) + 1}.5")

    if documented.key.type.startswith("whole number"):
        assert "expected a whole number" in faults_of(text)[0]
    else:
        load(text)


# The keys that the code calls otherwise.
FIELDS = {"commands_per_minute": "person", "channel_commands_per_minute": "channel"}


@pytest.mark.parametrize("table", [LIMITS, FRESHNESS, AUDIT], ids=lambda table: table.name)
def test_the_defaults_of_the_page_are_those_of_the_code(table: Table) -> None:
    """Each is compared with what an empty file gives."""
    record = getattr(load(""), table.name)
    assert is_dataclass(record)

    assert {FIELDS.get(key.name, key.name) for key in table.keys} == {each.name for each in fields(record)}
    for key in table.keys:
        value: Any = getattr(record, FIELDS.get(key.name, key.name))
        assert key.default == (f"{value:g}" if value else "none: nothing is published")
        assert f"| `{key.name}` | {key.type} | {key.meaning} | {key.default} |" in configuration_page()


@pytest.mark.parametrize(
    ("table", "record"), [(WATCH, WatchPolicy()), (ALERTS, Thresholds())], ids=lambda value: getattr(value, "name", "")
)
def test_the_figures_of_watching_are_those_of_the_code(table: Table, record: object) -> None:
    """An empty file gives them."""
    figures = [key for key in table.keys if key.low is not None]

    assert figures
    for key in figures:
        assert key.default == f"{getattr(record, key.name):g}"
        assert f"| `{key.name}` | {key.type} | {key.meaning} | {key.default} |" in configuration_page()


def test_a_pod_s_own_cluster_is_reached_without_kubeconfig_and_context() -> None:
    """The page says so of both keys."""
    for key in CLUSTERS.keys:
        if key.name in {"kubeconfig", "context"}:
            assert key.meaning == "not together with `in_cluster`"
            assert "in_cluster" in faults_of(CLUSTERS.example(key.name, "in_cluster"))[0]


@pytest.mark.parametrize("table", TABLES, ids=lambda table: table.name)
def test_the_example_of_each_section_is_accepted(table: Table) -> None:
    """It can be copied from the page."""
    section = configuration_page().partition(f"### `{table.heading}`")[2]
    [example, *_] = re.findall(r"^```toml\n(.*?)^```$", section, re.MULTILINE | re.DOTALL)

    load(WORLD.get(table.name, "") + example)


def test_every_variable_of_the_environment_is_described_and_no_other() -> None:
    """In the order in which the code names them, on the page too."""
    assert sorted(each.name for each in variables()) == sorted(KEYS)
    assert re.findall(r"^\| `([A-Z_]+)` \|", configuration_page().partition("## `ragops.toml`")[0], re.MULTILINE) == [
        each.name for each in variables()
    ]


def test_the_example_of_an_environment_is_the_one_that_is_made_from_the_code() -> None:
    """`.env.example` and the `.env` that `ragops init` writes say the same."""
    assert (ROOT / ".env.example").read_text(encoding="utf-8") == environment_file()


def test_the_example_file_is_accepted_and_says_every_key() -> None:
    """It can be copied and changed line by line."""
    configuration = read_configuration(
        ROOT / "docs" / "ragops.example.toml", verbs={"logs", "evict", "rollback", "restart"}
    )
    text = (ROOT / "docs" / "ragops.example.toml").read_text(encoding="utf-8")

    assert configuration.default_cluster == "prod-eu"
    assert [named(each) for each in ALL if not re.search(rf"^{each.key.name} = ", text, re.MULTILINE)] == []


def test_the_least_file_of_the_installation_page_is_accepted() -> None:
    """What people copy first works."""
    page = (ROOT / "docs" / "how-to" / "install.md").read_text(encoding="utf-8")
    [example, *_] = re.findall(r"^```toml\n(.*?)^```$", page, re.MULTILINE | re.DOTALL)
    assert load_configuration(example, "ragops.toml").catalogue.entries["api"].name == "rag-engine-api"
