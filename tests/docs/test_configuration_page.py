"""The page on configuration names everything that the code reads, and the example file is one that it accepts."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from bot.configuration import load_configuration, read_configuration
from bot.errors import SettingsError
from bot.settings import KEYS

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "reference" / "configuration.md").read_text(encoding="utf-8")
# A key that is like no other in each table: the fault names every key that the code knows there.
TABLES = {
    "top": ("qqqqqq = 1\n", "`ragops.toml`"),
    "clusters": ('[clusters.x]\nnamespaces = ["x"]\nqqqqqq = 1\n', "`[clusters.NAME]`"),
    "services": ('[services.x]\nworkload = "deployment/x"\nqqqqqq = 1\n', "`[services.ALIAS]`"),
    "roles": ("[roles]\nqqqqqq = 1\n", "`[roles.ROLE]`"),
    "role": ("[roles.viewer]\nqqqqqq = 1\n", "`[roles.ROLE]`"),
    "limits": ("[limits]\nqqqqqq = 1\n", "`[limits]`"),
    "freshness": ("[freshness]\nqqqqqq = 1\n", "`[freshness]`"),
}


def known_keys(text: str) -> list[str]:
    """Return the keys that the code names when it meets one that it does not know."""
    with pytest.raises(SettingsError) as caught:
        load_configuration(text, "ragops.toml")
    found = re.search(r"unknown key 'qqqqqq'; known are (.+)$", str(caught.value), re.MULTILINE)
    assert found, caught.value
    return found[1].split(", ")


def section(heading: str) -> str:
    """Return the page from a heading to the next of the same or a higher level."""
    found = re.search(
        rf"^(?P<level>#+) {re.escape(heading)}\n(?P<body>.*?)(?=^#{{1,3}} |\Z)", PAGE, re.MULTILINE | re.DOTALL
    )
    assert found, heading
    return found["body"]


@pytest.mark.parametrize("key", KEYS)
def test_every_setting_is_explained(key: str) -> None:
    """A row for each key of the environment, and a line in the example of an environment."""
    assert f"| `{key}` |" in PAGE
    assert f"\n{key}=" in (ROOT / ".env.example").read_text(encoding="utf-8")


def test_no_setting_is_explained_that_does_not_exist() -> None:
    """The table of the environment has no row more."""
    assert re.findall(r"^\| `([A-Z_]+)` \|", PAGE, re.MULTILINE) == list(KEYS)


@pytest.mark.parametrize(("text", "heading"), TABLES.values(), ids=TABLES.keys())
def test_every_key_of_a_table_is_explained(text: str, heading: str) -> None:
    """What the code accepts in a table stands in that table's section."""
    body = PAGE if heading == "`ragops.toml`" else section(heading)
    assert [key for key in known_keys(text) if not re.search(rf"`\[?{key}[.`\]]", body)] == []


@pytest.mark.parametrize(
    "heading", ["`[clusters.NAME]`", "`[services.ALIAS]`", "`[roles.ROLE]`", "`[limits]`", "`[freshness]`"]
)
def test_no_key_is_explained_that_does_not_exist(heading: str) -> None:
    """Each row of a section is a key that the code accepts there."""
    accepted = {key for text, place in TABLES.values() if place == heading for key in known_keys(text)}
    rows = re.findall(r"^\| `(\w+)` \|", section(heading), re.MULTILINE)
    assert rows
    assert set(rows) <= accepted


def test_the_example_file_is_accepted() -> None:
    """It can be copied and changed line by line."""
    configuration = read_configuration(ROOT / "docs" / "ragops.example.toml")
    assert configuration.default_cluster == "prod-eu"


def test_the_least_file_of_the_installation_page_is_accepted() -> None:
    """What people copy first works."""
    page = (ROOT / "docs" / "how-to" / "install.md").read_text(encoding="utf-8")
    [example] = re.findall(r"^```toml\n(.*?)^```$", page, re.MULTILINE | re.DOTALL)
    assert load_configuration(example, "ragops.toml").catalogue.entries["api"].name == "rag-engine-api"
