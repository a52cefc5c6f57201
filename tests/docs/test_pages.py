"""What holds of every page: links lead somewhere, commands exist, nothing names one machine."""

from __future__ import annotations

import re
import shlex
import struct
from pathlib import Path

import pytest

import handlers
from bot.cli.arguments import Verb, read
from bot.parser import parse
from bot.registry import discover
from sandbox.cluster.scenarios import SCENARIOS

ROOT = Path(__file__).parents[2]
PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])
IDS = [str(page.relative_to(ROOT)) for page in PAGES]
LINK = re.compile(r"!?\[[^\]]*\]\((?P<target>[^)\s]+)\)")
FENCE = re.compile(r"^```(?P<kind>\w*)[^\n]*\n(?P<body>.*?)^```$", re.MULTILINE | re.DOTALL)
REGISTRY = discover(handlers)
LONGEST_LINE = 120
# Folders that every machine may have, and examples that an operator reads as such.
KNOWN_PATHS = (
    *("/dev/null", "/tmp/…", "/opt/ragops", "/etc/ragops"),  # noqa: S108  # the demo's folder, as a page shows it
    *("/rag", "/invite", "/readyz", "/livez", "/metrics", "/app/rag/"),
)


def prose(page: Path) -> str:
    """Return a page without its fenced blocks."""
    return FENCE.sub("", page.read_text(encoding="utf-8"))


def anchors(page: Path) -> set[str]:
    """Return the anchors of a page's headings, as forges make them."""
    headings = re.findall(r"^#+ (.+)$", prose(page), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def typed(kind: str = "console") -> list[tuple[str, str]]:
    """Return every command line that a page shows after a `$`, with its page."""
    found = []
    for page, name in zip(PAGES, IDS, strict=True):
        for block in FENCE.finditer(page.read_text(encoding="utf-8")):
            if block["kind"] == kind:
                found += [(name, line[2:]) for line in block["body"].splitlines() if line.startswith("$ ")]
    return found


def words(line: str) -> list[str]:
    """Return the words of a command line, its comment left out."""
    return shlex.split(line, comments=True)


@pytest.mark.parametrize("page", PAGES, ids=IDS)
def test_links_lead_somewhere(page: Path) -> None:
    """Each relative link is a file of the project, and each anchor a heading of it."""
    broken = []
    for target in (match["target"] for match in LINK.finditer(prose(page))):
        if re.match(r"[a-z]+:", target):
            continue
        path, _, anchor = target.partition("#")
        file = (page.parent / path).resolve() if path else page
        if not file.is_relative_to(ROOT) or not file.exists() or (anchor and anchor not in anchors(file)):
            broken.append(target)
    assert broken == []


@pytest.mark.parametrize("page", PAGES, ids=IDS)
def test_nothing_names_one_machine(page: Path) -> None:
    """Absolute paths are examples."""
    absolute = re.findall(r"(?<![\w.$}\")*/:<\]…~@-])/[a-z][\w…]*(?:/[\w.…-]*)*", page.read_text(encoding="utf-8"))
    assert [each for each in absolute if not each.startswith(KNOWN_PATHS)] == []


@pytest.mark.parametrize("page", PAGES, ids=IDS)
def test_lines_are_short(page: Path) -> None:
    """Prose fits a narrow window; tables and pictures may be wider. Pages made from the code are theirs."""
    text = page.read_text(encoding="utf-8")
    if text.startswith("<!-- Made by"):
        return
    long = [line for line in text.splitlines() if len(line) > LONGEST_LINE and not line.startswith(("|", "!["))]
    assert long == []


def test_every_page_is_reached_from_the_front_page() -> None:
    """No page is an orphan."""
    front = ROOT / "README.md"
    linked = {(ROOT / match["target"].partition("#")[0]).resolve() for match in LINK.finditer(prose(front))}
    assert [page.name for page in PAGES if page != front and page not in linked] == []


def test_make_targets_exist() -> None:
    """Whoever types what a page shows finds a target."""
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))
    lines = [words(line) for _, line in typed()]
    asked = {line[1] for line in lines if line[0] == "make"}
    asked |= {name for page in PAGES for name in re.findall(r"`make ([a-z]+)", page.read_text(encoding="utf-8"))}
    assert {"demo", "test"} <= asked
    assert asked <= targets


def test_commands_of_the_program_are_understood() -> None:
    """Each `ragops …` of a console block parses, down to the verb's own words."""
    seen = 0
    for page, line in typed():
        command = words(line)
        if not command[0].endswith("ragops"):
            continue
        asked = read(command[1:]).command
        assert asked is not None, f"{page}: {line}"
        if isinstance(asked, Verb):
            parse(asked.text, REGISTRY)
        seen += 1
    assert seen


def test_the_tutorial_lists_every_scenario() -> None:
    """By name, and no other."""
    page = (ROOT / "docs" / "tutorial.md").read_text(encoding="utf-8")
    table = page[page.index("| scenario |") :].split("\n\n", 1)[0]
    assert re.findall(r"^\| `([a-z-]+)` \|", table, re.MULTILINE) == sorted(SCENARIOS)


def test_the_picture_is_small_enough_for_a_front_page() -> None:
    """A PNG that fits beside text and loads at once."""
    picture = ROOT / "docs" / "images" / "status.png"
    width, height = struct.unpack(">II", picture.read_bytes()[16:24])
    assert width <= 1000
    assert height <= 1000
    assert picture.stat().st_size < 200_000
