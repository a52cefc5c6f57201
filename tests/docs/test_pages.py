"""What holds of every page: links lead somewhere, commands exist, nothing names one machine."""

from __future__ import annotations

import re
import shlex
import shutil
import struct
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

import handlers
from bot.cli.arguments import PROGRAMS, Verb, read
from bot.configuration import load_configuration
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
# What a person makes by following a page, and what a page says is gone.
NOT_HERE = ("manifests/kubernetes/mine", "manifests/kubernetes/reader.yaml")
# Words of the chat that are no verbs: the inbound side opens a dialog.
DIALOG = "build"
# A typing error, shown on purpose.
MISTYPED = "statsu"
BASH = shutil.which("bash")
# Folders that every machine may have, and examples that an operator reads as such.
KNOWN_PATHS = (
    *("/dev/null", "/tmp/…", "/opt/ragops", "/etc/ragops"),  # noqa: S108  # the demo's folder, as a page shows it
    *("/rag", "/invite", "/app/rag/", "/livez", "/readyz", "/metrics", "/slack/events", "/path/to/", "/var/lib/ragops"),
    *("/rules/", "/spec/"),  # of a JSON patch
    *("/alertmanager", "/stats/summary", "/etc/alertmanager/"),
)


def prose(page: Path) -> str:
    """Return a page without its fenced blocks."""
    return FENCE.sub("", page.read_text(encoding="utf-8"))


def anchors(page: Path) -> set[str]:
    """Return the anchors of a page's headings, as forges make them."""
    headings = re.findall(r"^#+ (.+)$", prose(page), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def fenced(kind: str) -> Iterator[tuple[str, str]]:
    """Return every block of a kind, with its page."""
    for page, name in zip(PAGES, IDS, strict=True):
        for block in FENCE.finditer(page.read_text(encoding="utf-8")):
            if block["kind"] == kind:
                yield name, block["body"]


def typed() -> list[tuple[str, str]]:
    """Return every command line that a page shows after a `$`, with its page."""
    lines = [(name, line) for name, body in fenced("console") for line in body.splitlines()]
    return [(name, line[2:]) for name, line in lines if line.startswith("$ ")]


def inline() -> Iterator[tuple[str, str]]:
    """Return what stands between backticks in prose, with its page; what is cut short by an ellipsis is left out."""
    for page, name in zip(PAGES, IDS, strict=True):
        for code in re.findall(r"`([^`]+)`", prose(page)):
            if "…" not in code:
                yield name, " ".join(code.split())


def words(line: str) -> list[str]:
    """Return the words of a command line, its comment left out."""
    return shlex.split(line, comments=True)


def understand(page: str, command: list[str]) -> None:
    """Fail when a command line of the program, or the verb in it, is not understood."""
    asked = read(command[1:]).command
    assert asked is not None, f"{page}: {command}"
    if isinstance(asked, Verb):
        parse(asked.text, REGISTRY)


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
    """Each `ragops …` of a console or a script parses, down to the verb's own words, also one inside of a pod."""
    lines = [*typed(), *((name, line) for name, body in fenced("bash") for line in body.splitlines())]
    seen = 0
    for page, line in lines:
        found = re.match(r"(?:.* -- )?(?:[A-Z_]+=\S+ )*(?:\S*/)?(?P<command>ragops [^>&]+)", line)
        if found:
            understand(page, words(found["command"]))
            seen += 1
    assert seen > 30


def test_commands_in_prose_are_understood() -> None:
    """The same of what stands between backticks: of the program, and of the chat."""
    seen = 0
    for page, code in inline():
        if re.match(r"ragops (?!COMMAND)", code) and code.removeprefix("ragops ") not in PROGRAMS:
            understand(page, words(re.sub(r"(\w+)(?:\|\w+)+", r"\1", code)))  # of several words the first
            seen += 1
        chat = re.fullmatch(r"[/@]rag (?P<words>.+)", code)
        if chat and chat["words"] not in {DIALOG, MISTYPED, "COMMAND"} and not page.endswith("add-a-verb.md"):
            parse(chat["words"], REGISTRY)
            seen += 1
    assert seen > 50


def test_what_people_type_in_the_demo_is_understood() -> None:
    """A person's lines at the prompt; one of them is a typing error on purpose."""
    lines = [
        (name, typed_["words"])
        for name, body in fenced("text")
        for typed_ in re.finditer(r"^\w+ in #\w+> [/@]rag (?P<words>.+)$", body, re.MULTILINE)
    ]
    assert lines
    for _, text in lines:
        parse(text, REGISTRY)


@pytest.mark.skipif(BASH is None, reason="there is no bash")
def test_scripts_are_scripts() -> None:
    """What stands in a block of bash parses."""
    for page, body in fenced("bash"):
        done = subprocess.run(  # noqa: S603  # it is parsed, not run
            [str(BASH), "-n"], input=body, capture_output=True, text=True, check=False
        )
        assert (page, done.stderr) == (page, "")


def test_configuration_that_is_shown_is_accepted() -> None:
    """Each example of `ragops.toml` loads as it stands; those of the reference are tested beside it."""
    shown = [(name, body) for name, body in fenced("toml") if "reference" not in name]
    verbs = {action.name for action in REGISTRY.all()}
    assert shown
    for name, body in shown:
        load_configuration(body, name, verbs=verbs)


def test_manifests_that_are_named_exist() -> None:
    """Whether they are linked or typed."""
    named = {
        (name, path.rstrip("."))
        for page, name in zip(PAGES, IDS, strict=True)
        for path in re.findall(r"(?<![\w-])manifests/[\w./-]+", page.read_text(encoding="utf-8"))
    }
    assert named
    missing = [each for each in named if not each[1].startswith(NOT_HERE) and not (ROOT / each[1]).exists()]
    assert missing == []


def test_alerts_lead_to_a_page() -> None:
    """Whoever follows an alert finds the section that it names."""
    rules = (ROOT / "manifests" / "kubernetes" / "monitoring" / "rules.yaml").read_text(encoding="utf-8")
    targets = set(re.findall(r"runbook_url: (\S+)#(\S+)", rules))
    assert targets
    assert [each for each in targets if each[1] not in anchors(ROOT / each[0])] == []


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
