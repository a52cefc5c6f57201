from __future__ import annotations

import pytest

from bot.diagnosis import all_codes
from tests.support.answers import answer, data, rows
from tests.support.service import healthy


@pytest.mark.parametrize("word", ["OOM_KILLED", "oom_killed", "oom-killed"])
async def test_a_code_is_explained_however_it_is_written(word: str) -> None:
    """What it means, by what it is known, what to do."""
    view = await answer(healthy(), f"explain {word}")
    shown = " ".join(rows(view))
    assert rows(view)[0] == "OOM_KILLED"
    assert "Recognised: " in shown
    assert "What to do: " in shown
    assert "Playbook" not in shown
    assert list(data(view)) == ["code", "meaning", "recognised", "remedy", "playbook"]
    assert view.exit_code == 0


@pytest.mark.parametrize("code", all_codes(), ids=lambda code: code.name)
async def test_every_code_is_explained(code: object) -> None:
    """With its meaning, how it is recognised, and a remedy: whoever sees it is not left alone."""
    view = await answer(healthy(), f"explain {code.name}")  # type: ignore[attr-defined]  # pytest gives it back untyped
    told = data(view)
    assert all(told[key] for key in ("code", "meaning", "recognised", "remedy"))


async def test_an_unknown_code_names_its_neighbours() -> None:
    """As commands."""
    view = await answer(healthy(), "explain OOM_KILED")
    assert view.summary == 'There is no finding "OOM_KILED".'
    assert data(view)["suggestions"][0] == "explain OOM_KILLED"
    assert view.exit_code == 2


@pytest.mark.parametrize(
    ("word", "first"),
    [
        ("ImagePullBackOff", "IMAGE_PULL_FAILED"),
        ("CrashLoopBackOff", "CRASH_LOOP"),
        ("OOMKilled", "OOM_KILLED"),
        ("CreateContainerConfigError", "CONFIGURATION_MISSING"),
        ("NotReady", "NOT_READY"),
    ],
)
async def test_a_word_of_kubectl_leads_to_the_codes_that_are_known_by_it(word: str, first: str) -> None:
    """It is what people see in a list of pods."""
    view = await answer(healthy(), f"explain {word}")
    assert first in [one.removeprefix("explain ") for one in data(view)["suggestions"]]
    assert view.exit_code == 2
