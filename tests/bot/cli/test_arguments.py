from __future__ import annotations

import shlex

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.cli.arguments import PROGRAMS, Asked, AuditVerify, Demo, Run, Sandbox, Verb, read


@pytest.mark.parametrize(
    ("words", "command"),
    [
        ("status", Verb(text="status")),
        ("status api -n shop", Verb(text="status api -n shop")),
        ("status --output json", Verb(text="status", output="json")),
        ("-o json status", Verb(text="status", output="json")),
        ("status --kubeconfig k --context c api", Verb(text="status api", kubeconfig="k", context="c")),
        ("status 'my api'", Verb(text="status 'my api'")),
        ("set image api :v2 --apply", Verb(text="set image api :v2", apply=True)),
        ("restart api --reason 'it hangs' --apply", Verb(text="restart api --reason 'it hangs'", apply=True)),
        ("status --unknown", Verb(text="status --unknown")),
        ("status --help", Verb(text="status --help")),
        ("run", Run()),
        ("demo", Demo()),
        ("demo --scenario healthy --headless", Demo(scenario="healthy", headless=True)),
        ("demo --kubeconfig k --context c -n shop", Demo(kubeconfig="k", context="c", namespace="shop")),
        ("sandbox up --scenario probes", Demo(scenario="probes", headless=True)),
        ("sandbox say '/rag status'", Sandbox(gesture="say", text="/rag status", channel="ops")),
        (
            "sandbox say hello --as bob --channel dev --thread 1.5",
            Sandbox(gesture="say", text="hello", user="bob", channel="dev", thread="1.5"),
        ),
        ("sandbox press Share --message 1.5", Sandbox(gesture="press", text="Share", message="1.5")),
        ("sandbox read -o json", Sandbox(gesture="read", channel="ops", output="json")),
        ("sandbox press Status --home --as vic", Sandbox(gesture="press", text="Status", user="vic", at_home=True)),
        ("sandbox home --as eve", Sandbox(gesture="home", user="eve")),
        ("sandbox dm 'status api'", Sandbox(gesture="dm", text="status api")),
        ("sandbox shortcut build --as bob", Sandbox(gesture="shortcut", text="build", user="bob", channel="ops")),
        (
            "sandbox shortcut explain --message 1.5 --channel dev",
            Sandbox(gesture="shortcut", text="explain", message="1.5", channel="dev"),
        ),
        ("sandbox dialog", Sandbox(gesture="dialog")),
        ("sandbox fill 'Answer in=#dev' what=logs", Sandbox(gesture="fill", values=("Answer in=#dev", "what=logs"))),
        ("sandbox submit", Sandbox(gesture="submit")),
        ("sandbox close", Sandbox(gesture="close")),
        ("audit verify", AuditVerify()),
        ("audit verify --head 3:ab -o json", AuditVerify(head="3:ab", output="json")),
    ],
)
def test_words_become_a_command(words: str, command: object) -> None:
    """Programs have options of their own; everything else is a verb."""
    assert read(shlex.split(words)) == Asked(command)  # type: ignore[arg-type]  # each of the table is one


@pytest.mark.parametrize("words", [[], ["-h"], ["--help"]])
def test_help_is_words_to_print(words: list[str]) -> None:
    """Nothing is connected to for it."""
    assert read(words) == Asked(None, help=True)


@pytest.mark.parametrize("word", ["-V", "--version", "version"])
def test_the_version_is_words_to_print(word: str) -> None:
    """Nothing is connected to for it."""
    assert read([word]) == Asked(None, version=True)


@pytest.mark.parametrize(
    "words",
    [
        "run now",
        "demo --nope",
        "sandbox",
        "sandbox say",
        "sandbox dm",
        "sandbox press x --home --message 1.5",
        "audit",
        "status -o xml",
        "demo --head",
    ],
)
def test_wrong_options_end_with_usage(words: str, capsys: pytest.CaptureFixture[str]) -> None:
    """On standard error, with exit code 2."""
    with pytest.raises(SystemExit) as raised:
        read(shlex.split(words))
    assert raised.value.code == 2
    assert "usage: ragops" in capsys.readouterr().err


@settings(deadline=None)
@given(st.lists(st.text(max_size=8), min_size=1, max_size=4))
def test_words_of_a_verb_reach_the_parser_as_they_are(words: list[str]) -> None:
    """However they must be quoted."""
    verb = ["status", "--", *words]
    asked = read(verb)
    assert isinstance(asked.command, Verb)
    assert shlex.split(asked.command.text)[-len(words) :] == words


def test_every_program_is_described() -> None:
    """In the overview."""
    assert set(PROGRAMS) == {"run", "init", "check", "migrate", "demo", "sandbox", "audit"}
