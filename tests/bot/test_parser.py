from __future__ import annotations

from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from bot.domain.actions import NoParams
from bot.errors import UsageError
from bot.parser import LONGEST_COMMAND, parse
from tests.support.verbs import CHANGING, VERBS, Helping, Naming, Scaling, Sharing


def refusal(text: str) -> UsageError:
    with pytest.raises(UsageError) as raised:
        parse(text, VERBS)
    return raised.value


@pytest.mark.parametrize(
    ("text", "params"),
    [
        ("scale api", Scaling("api")),
        ("scale api 3", Scaling("api", 3)),
        ("scale api -2", Scaling("api", -2)),
        ("scale --force api 3", Scaling("api", 3, force=True)),
        ("scale api -f", Scaling("api", force=True)),
        ("scale api --limit 10", Scaling("api", limit=10)),
        ("scale api --limit=1", Scaling("api", limit=1)),
        ("scale api --limit 3 --limit 4", Scaling("api", limit=4)),
        ('scale api --reason "too slow"', Scaling("api", reason="too slow")),
        ("scale api -r slow", Scaling("api", reason="slow")),
        ("scale api -r=", Scaling("api", reason="")),
        ("scale api -r -5", Scaling("api", reason="-5")),
        ("scale -", Scaling("-")),
        ("scale -٣", Scaling("-٣")),
        ("status", Helping("")),
        ("status api", Helping("api")),
        ("STATUS api", Helping("api")),
        ("  status\tapi \n", Helping("api")),
        ("status 'my api'", Helping("my api")),
        ("", Helping("")),
        ("   ", Helping("")),
    ],
)
def test_words_become_parameters(text: str, params: Any) -> None:
    """In any order of options, with the types that the verb declares."""
    assert parse(text, VERBS).params == params


def test_nothing_at_all_is_help() -> None:
    """Whoever types only the bot's name wants to know what there is."""
    assert parse("", VERBS).action.name == "help"


@pytest.mark.parametrize(
    "text",
    [
        "scale api --reason “too slow”",
        "scale api --reason „too slow“",
        "scale api --reason ‘too slow’",
        "scale api —reason 'too slow'",
        "scale api –reason 'too slow'",
        "scale\u00a0api --reason 'too slow'",
    ],
    ids=["curly double", "low", "curly single", "em dash", "en dash", "no-break space"],
)
def test_what_phones_make_of_quotes_and_dashes_is_read_as_meant(text: str) -> None:
    """The keyboard rewrites what people type."""
    assert parse(text, VERBS).params == Scaling("api", reason="too slow")


@pytest.mark.parametrize(
    ("text", "namespace", "cluster"),
    [
        ("status", "", ""),
        ("status -n shop", "shop", ""),
        ("status -n=shop", "shop", ""),
        ("status --namespace shop", "shop", ""),
        ("status --namespace=shop --cluster=lab", "shop", "lab"),
        ("status --cluster lab api -n shop", "shop", "lab"),
    ],
)
def test_every_verb_takes_a_scope(text: str, namespace: str, cluster: str) -> None:
    """Without declaring it."""
    parsed = parse(text, VERBS)
    assert (parsed.namespace, parsed.cluster) == (namespace, cluster)


@pytest.mark.parametrize(
    ("text", "command"),
    [
        ("send ops status", "status"),
        ("send ops status api -n shop --unknown", "status api -n shop --unknown"),
        ("send ops scale api --reason 'too slow'", "scale api --reason 'too slow'"),
    ],
)
def test_the_rest_of_the_line_is_left_as_it_is(text: str, command: str) -> None:
    """Its options belong to the command inside."""
    parsed = parse(text, VERBS)
    assert parsed.params == Sharing("ops", command)
    assert parsed.namespace == ""


def test_options_before_the_rest_are_our_own() -> None:
    """The inner command begins with its first word."""
    parsed = parse("send -n shop ops status -n other", VERBS)
    assert (parsed.namespace, parsed.params) == ("shop", Sharing("ops", "status -n other"))


@pytest.mark.parametrize("text", ["status --help", "status -h", "status api -n shop --help", "status —help"])
def test_help_can_be_asked_of_any_verb(text: str) -> None:
    """By the option that people try first."""
    parsed = parse(text, VERBS)
    assert (parsed.action.name, parsed.params, parsed.text) == ("help", Helping("status"), "help status")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("scale", "scale needs WORKLOAD, what to scale."),
        ("send", "send needs PLACE, where; and COMMAND, the command to run."),
        ("send ops", "send needs COMMAND, the command to run."),
        ("scale api many", 'REPLICAS needs a whole number, not "many".'),
        ("scale api 1.5", 'REPLICAS needs a whole number, not "1.5".'),
        ("scale api ٣", 'REPLICAS needs a whole number, not "٣".'),
        ("scale api ''", 'REPLICAS needs a whole number, not "".'),
        ("scale api 1234567890123", 'REPLICAS needs a whole number, not "1234567890123".'),
        ("scale api 3 4", 'scale does not know what to do with "4".'),
        ("scale api --limit 0", "--limit must be at least 1, not 0."),
        ("scale api --limit 11", "--limit must be at most 10, not 11."),
        ("scale api --limit", "--limit needs a value."),
        ("status -n", "-n needs a value."),
        ("scale api --force=yes", "--force takes no value."),
        ("scale api --nope", 'scale has no option "--nope".'),
        ("scale api --", 'scale has no option "--".'),
        ("whoami me", 'whoami does not know what to do with "me".'),
    ],
)
def test_what_cannot_be_understood_is_said_with_the_usage(text: str, message: str) -> None:
    """So that the next try succeeds."""
    error = refusal(text)
    assert error.message == message
    assert error.usage == VERBS.usage(VERBS.find(text.split(maxsplit=1)[0]))


@pytest.mark.parametrize(
    ("text", "suggestions"),
    [
        ("stauts", ("status",)),
        ("stat", ("status",)),
        ("HELPP", ("help",)),
        ("scale api --forse", ("--force",)),
        ("scale api --namespac x", ("--namespace",)),
        ("xyzzy", ()),
    ],
)
def test_the_nearest_words_are_suggested(text: str, suggestions: tuple[str, ...]) -> None:
    """And none where nothing is near."""
    assert refusal(text).suggestions[: len(suggestions) or None] == suggestions


def test_a_quote_that_is_never_closed_is_read_as_a_character() -> None:
    """People write apostrophes."""
    assert parse("scale api -r it's", VERBS).params == Scaling("api", reason="it's")


def test_a_text_that_is_too_long_is_refused() -> None:
    """Before any work is put into it."""
    assert refusal("status " + "x" * LONGEST_COMMAND).message == "The command is longer than 2000 characters."
    assert parse("status " + "x" * (LONGEST_COMMAND - 7), VERBS)


def test_the_canonical_text_is_what_was_understood() -> None:
    """It goes onto buttons, and is parsed again when they are pressed."""
    assert parse("scale  api —reason “too  slow”", VERBS).text == "scale api --reason 'too  slow'"


words = st.sampled_from(
    ["scale", "send", "status", "help", "whoami", "-n", "--cluster", "--reason", "-r", "--limit", "-f", "--force=1"]
) | st.sampled_from(["--help", "-h", "3", "-3", "--", "-", "''", '"', "'", "api", "“", "—limit", "a=b", "-n=", "\\"])
commands = st.lists(words | st.text(max_size=6), max_size=8).map(" ".join) | st.text(max_size=60)


@settings(deadline=None, max_examples=500)
@given(commands)
@example("status \\")
@example("help 'x")
@example("send ops \ud800")
def test_any_text_is_understood_or_refused_in_words(text: str) -> None:
    """And what was understood reads the same once more: a pressed button does what the typed command did."""
    try:
        parsed = parse(text, VERBS)
    except UsageError:
        return
    again = parse(parsed.text, VERBS)
    assert (again.action, again.params, again.namespace, again.cluster, again.text) == (
        parsed.action,
        parsed.params,
        parsed.namespace,
        parsed.cluster,
        parsed.text,
    )


# --- verbs of two words, and what every change takes ------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "name", "params"),
    [
        ("set image api app:v2", "set image", Sharing("api", "app:v2")),
        ("SET Image api app:v2", "set image", Sharing("api", "app:v2")),
        ("set memory api", "set memory", Helping("api")),
        ("clear failed", "clear failed", NoParams()),
        ("help set image", "help", Naming("set image")),
        ("help Set IMAGE api", "help", Naming("Set IMAGE", "api")),
        ("help 'set image' api", "help", Naming("set image", "api")),
        ("help restart set", "help", Naming("restart", "set")),
        ("set image --help", "help", Naming("set image")),
        ("clear failed -h", "help", Naming("clear failed")),
    ],
)
def test_a_verb_may_have_two_words(text: str, name: str, params: Any) -> None:
    """Typed, asked about, and as the text of a button."""
    parsed = parse(text, CHANGING)
    assert (parsed.action.name, parsed.params) == (name, params)
    again = parse(parsed.text, CHANGING)
    assert (again.action.name, again.params) == (name, params)


@pytest.mark.parametrize(
    ("text", "message", "suggestions"),
    [
        ("set", 'There is no command "set".', ("set image", "set memory")),
        ("set api", 'There is no command "set api".', ("set image api", "set memory api")),
        ("set imgae api 'a b'", 'There is no command "set imgae".', ("set image api 'a b'",)),
        ("setimage api", 'There is no command "setimage".', ("set image api",)),
        ("clear", 'There is no command "clear".', ("clear failed",)),
        ("clear faild -n shop", 'There is no command "clear faild".', ("clear failed -n shop",)),
    ],
)
def test_the_second_word_is_suggested_with_the_others(text: str, message: str, suggestions: tuple[str, ...]) -> None:
    """Ready to be pressed."""
    with pytest.raises(UsageError) as raised:
        parse(text, CHANGING)
    assert raised.value.message == message
    assert raised.value.suggestions[: len(suggestions)] == suggestions


def test_a_second_word_that_leaves_no_room_for_the_others_is_not_suggested() -> None:
    """`set memory` takes one word here: a button with two of them would only be refused."""
    with pytest.raises(UsageError) as raised:
        parse("set env api LEVEL=DEBUG", CHANGING)
    assert raised.value.suggestions == ("set image env api LEVEL=DEBUG",)


@pytest.mark.parametrize(
    ("text", "suggestions"),
    [
        ("kubectl get deployments -n shop", ("status -n shop",)),
        ("rollout restart deployment/api", ("restart api",)),
        ("set imgae api", ("set image api",)),
        ("status -l app=api", ()),
        ("rollout history deployment/api", ()),
        ("get pods", ()),
    ],
)
def test_words_of_kubectl_are_answered_with_ours(text: str, suggestions: tuple[str, ...]) -> None:
    """Where there is such a verb here."""
    with pytest.raises(UsageError) as raised:
        parse(text, CHANGING)
    assert raised.value.suggestions == suggestions


def test_kubectls_options_behind_a_verb_of_ours_are_translated() -> None:
    """`scale` is a word of both."""
    assert refusal("scale deployment api --replicas=3").suggestions == ("scale api 3",)


@pytest.mark.parametrize(
    ("text", "reason", "replace"),
    [
        ("restart api", "", False),
        ("restart api --reason 'it hangs' --replace", "it hangs", True),
        ("restart --replace —reason “it hangs” api", "it hangs", True),
        ("restart api --reason=slow", "slow", False),
        ("set image --reason slow api app:v2 --replace", "slow", False),
    ],
)
def test_every_change_takes_a_reason_and_may_replace(text: str, reason: str, *, replace: bool) -> None:
    """Before the rest of the line, which is left as it is; the parameters know nothing of it."""
    parsed = parse(text, CHANGING)
    assert (parsed.reason, parsed.replace) == (reason, replace)
    again = parse(parsed.text, CHANGING)
    assert (again.params, again.reason, again.replace) == (parsed.params, reason, replace)


def test_what_only_reads_takes_no_reason() -> None:
    """It is not asked of anybody."""
    with pytest.raises(UsageError, match='status has no option "--reason"'):
        parse("status api --reason slow", CHANGING)


def test_the_usage_of_a_change_names_what_every_change_takes() -> None:
    """Behind its own parameters."""
    usage = CHANGING.usage(CHANGING.find("set image"))
    assert usage == "set image PLACE COMMAND… [--reason TEXT] [--replace]"


changing = st.lists(
    st.sampled_from(
        ["set", "image", "memory", "clear", "failed", "restart", "help", "--reason", "--replace", "-n", "'a b'"]
    )
    | st.text(max_size=4),
    max_size=7,
).map(" ".join)


@settings(deadline=None, max_examples=300)
@given(changing)
def test_any_change_is_understood_or_refused_in_words(text: str) -> None:
    """And what was understood reads the same once more."""
    try:
        parsed = parse(text, CHANGING)
    except UsageError:
        return
    again = parse(parsed.text, CHANGING)
    assert (again.action, again.params, again.reason, again.replace) == (
        parsed.action,
        parsed.params,
        parsed.reason,
        parsed.replace,
    )
