"""Broken configurations, one file each: `ragops check` names every fault with its line, and nothing else.

The head of each file says what is expected: `# expect fault 12: words` for a line of the file, `file` for the file as a
whole, a variable or the thing itself otherwise; `# given …` says how the world is.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest

from bot.cli.arguments import Check
from bot.main.checking import check
from tests.bot.setup.stage import Stage

FOLDER = Path(__file__).parents[2] / "fixtures" / "configurations"
OFFLINE = sorted((FOLDER / "offline").glob("*.toml"))
REACHING = sorted((FOLDER / "reaching").glob("*.toml"))
NAME = "ragops.toml"
TOKENS = {"SLACK_BOT_TOKEN": "xoxb-1-hunter2", "SLACK_APP_TOKEN": "xapp-1-hunter2"}
_EXPECT = re.compile(r"# expect (?P<mark>fault|warning) (?P<where>[^:]+): (?P<words>.+)")


@dataclass(frozen=True, slots=True)
class Expected:
    """One result that is not fine: how its line begins, and words that are in it."""

    start: str
    words: str

    def fits(self, line: str) -> bool:
        return line.startswith(self.start) and self.words in line


def text_of(path: Path) -> str:
    return path.read_text(encoding="utf-8")


def expected_of(text: str) -> list[Expected]:
    found = []
    for line in text.splitlines():
        said = _EXPECT.fullmatch(line)
        if said is not None:
            where = said["where"]
            place = f"{NAME}:{where}" if where.isdecimal() else NAME if where == "file" else where
            found.append(Expected(f"{said['mark']:<8} {place}: ", said["words"]))
    return found


def given_of(text: str) -> str:
    said = re.search(r"^# given (.+)$", text, re.MULTILINE)
    return said[1] if said else ""


async def lines_of(environ: Mapping[str, str], capsys: pytest.CaptureFixture[str], *, offline: bool) -> list[str]:
    """Run the check and return its lines; its exit code and its last line must say the same as they do."""
    code = await check(Check(offline=offline), environ)
    *lines, summary = capsys.readouterr().out.splitlines()
    faults, warnings = (sum(line.startswith(mark) for line in lines) for mark in ("fault ", "warning "))
    assert summary.startswith(f"{faults} fault{'' if faults == 1 else 's'}, {warnings} warning"), summary
    assert code == (2 if faults else 0)
    assert "hunter2" not in "\n".join([*lines, summary])
    return lines


def assert_all_and_no_more(lines: list[str], expected: list[Expected]) -> None:
    """Each expectation is met by a line of its own, and each line that is not fine is expected."""
    bad = [line for line in lines if not line.startswith("ok ")]
    unmet = list(expected)
    for line in bad:
        met = next((each for each in unmet if each.fits(line)), None)
        assert met is not None, f"not expected: {line}"
        unmet.remove(met)
    assert unmet == [], "\n".join(bad)


@pytest.mark.parametrize("path", OFFLINE, ids=lambda path: path.stem)
async def test_every_fault_of_a_file_is_named_with_its_line(
    path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """All of them at once, without reaching out to anything."""
    monkeypatch.chdir(tmp_path)
    text = text_of(path)
    (tmp_path / NAME).write_text(text, encoding="utf-8")

    lines = await lines_of({"HOME": str(tmp_path), **TOKENS}, capsys, offline=True)

    assert expected_of(text)
    assert_all_and_no_more(lines, expected_of(text))


@pytest.mark.parametrize("path", REACHING, ids=lambda path: path.stem)
async def test_what_a_file_names_is_looked_at(path: Path, stage: Stage, capsys: pytest.CaptureFixture[str]) -> None:
    """What the workspace, the cluster or the database do not have is named with the line that asks for it."""
    text = text_of(path)
    (stage.folder / NAME).write_text(text, encoding="utf-8")

    with stage.given(given_of(text)):
        lines = await lines_of(stage.environ, capsys, offline=False)

    assert_all_and_no_more(lines, expected_of(text))


async def test_nothing_is_looked_at_offline(stage: Stage, capsys: pytest.CaptureFixture[str]) -> None:
    """No server hears of an offline check."""
    text = text_of(FOLDER / "reaching" / "group-unknown.toml")
    (stage.folder / NAME).write_text(text, encoding="utf-8")

    lines = await lines_of(stage.environ, capsys, offline=True)

    assert [line for line in lines if not line.startswith("ok ")] == []
    assert not stage.cluster.asked
    assert not stage.slack._api.calls


def test_there_are_enough_of_them() -> None:
    """Each file is about one thing that goes wrong; all but two expect something."""
    assert len(OFFLINE) >= 20
    assert [path.stem for path in REACHING if not expected_of(text_of(path))] == ["all-well", "namespaces-unseen"]
