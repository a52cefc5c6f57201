"""The dialog that builds a command: what it asks, and what the answers become."""

from __future__ import annotations

import shlex
from dataclasses import dataclass
from types import MappingProxyType

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.domain.actions import Action, Change, argument, declared_by, option, parameters_of
from bot.domain.catalogue import Catalogue, CatalogueEntry
from bot.domain.forms import FieldKind, FilledForm, Form
from bot.domain.plans import Refusal
from bot.domain.targets import ClusterName, Namespace
from bot.errors import FormFaults
from bot.forms import CHANNEL, PLACE, VERB, command_of, form_for, said_by
from bot.parser import parse
from bot.registry import Registry
from bot.scopes import Scopes
from tests.support.service import ALL_VERBS

ONE = Scopes(
    namespaces=MappingProxyType({ClusterName("prod"): (Namespace("shop"),)}), default_cluster=ClusterName("prod")
)
TWO = Scopes(
    namespaces=MappingProxyType({ClusterName("prod"): (Namespace("shop"), Namespace("jobs"))}),
    default_cluster=ClusterName("prod"),
)
CATALOGUE = Catalogue(MappingProxyType({"search": CatalogueEntry("search", "Deployment", "api")}))
LOGS = ALL_VERBS.find("logs")


@dataclass(frozen=True, slots=True)
class ImageParams:
    workload: str = argument("which", names_service=True)
    image: str = argument("the image")
    container: str = option("--container", "whose image", default="", short="-c")
    words: str = argument("more", default="", rest=True)


async def _seen(params: ImageParams, sources: object) -> None:
    del params, sources


SET_IMAGE = Change(
    name="set image",
    summary="Change an image",
    observe=_seen,
    plan=lambda params, _: Refusal(params.image),
    params=ImageParams,
)
VERBS = Registry([*(action for action in ALL_VERBS.all() if action.name != SET_IMAGE.name), SET_IMAGE])


def filled(**values: str) -> FilledForm:
    return FilledForm(values={name.replace("__", ":"): value for name, value in values.items()})


def names(form: Form) -> list[str]:
    return [field.name for field in form.fields]


def test_at_first_it_asks_for_the_verb_alone() -> None:
    """Without a verb there is nothing to run."""
    form = form_for(ALL_VERBS, ONE, CATALOGUE)
    [verb] = form.fields
    assert [choice.value for choice in verb.choices] == [action.name for action in ALL_VERBS.all()]
    assert verb.redraws
    assert form.submit == ""


@pytest.mark.parametrize("action", ALL_VERBS.all(), ids=lambda action: action.name)
def test_each_verb_asks_for_its_own_parameters(action: Action) -> None:
    """In the order in which they are declared, and then where to answer."""
    form = form_for(ALL_VERBS, ONE, CATALOGUE, filled(verb=action.name))
    asked = [f"parameter:{declared.name}" for declared, parameter in declared_by(action) if not parameter.of_verb]
    assert names(form) == [VERB, *asked, CHANNEL]
    assert form.submit == "Run"


def test_where_to_look_is_asked_only_when_there_is_a_choice() -> None:
    assert PLACE not in names(form_for(ALL_VERBS, ONE, CATALOGUE, filled(verb="status")))
    assert PLACE not in names(form_for(ALL_VERBS, TWO, CATALOGUE, filled(verb="help")))
    form = form_for(ALL_VERBS, TWO, CATALOGUE, filled(verb="status", place="--cluster prod -n jobs"))
    [place] = [field for field in form.fields if field.name == PLACE]
    assert [choice.label for choice in place.choices] == ["shop on prod", "jobs on prod"]
    assert place.value == "--cluster prod -n jobs"


def test_services_are_named_where_one_may_be_meant() -> None:
    form = form_for(ALL_VERBS, ONE, CATALOGUE, filled(verb="status"))
    assert "Services: search." in form.fields[1].hint


def test_kinds_follow_the_declaration() -> None:
    """A switch for a flag, a number with its bounds for a number."""
    fields = {field.name: field for field in form_for(ALL_VERBS, ONE, CATALOGUE, filled(verb="logs")).fields}
    kinds = {
        parameter.option: fields[f"parameter:{declared.name}"] for declared, parameter in parameters_of(LOGS.params)
    }
    assert kinds["--previous"].kind is FieldKind.SWITCH
    assert (kinds["--tail"].kind, kinds["--tail"].minimum) == (FieldKind.NUMBER, 1)


def test_what_is_filled_in_is_the_line_that_people_type() -> None:
    given_ = filled(
        verb="logs", parameter__workload="api", parameter__previous="yes", parameter__tail="50", place="-n jobs"
    )
    assert shlex.split(command_of(ALL_VERBS, given_)) == ["logs", "api", "--tail", "50", "--previous", "-n", "jobs"]


@pytest.mark.parametrize(
    ("values", "field"),
    [
        ({}, VERB),
        ({"verb": "nonsense"}, VERB),
        ({"verb": "logs"}, "parameter:workload"),
        ({"verb": "logs", "parameter:workload": "api", "parameter:tail": "many"}, "parameter:tail"),
        ({"verb": "logs", "parameter:workload": "api", "parameter:tail": "-1"}, "parameter:tail"),
    ],
    ids=["nothing", "no verb", "a missing word", "no number", "too small"],
)
def test_a_fault_stands_at_the_field_that_it_is_about(values: dict[str, str], field: str) -> None:
    with pytest.raises(FormFaults) as caught:
        command_of(ALL_VERBS, FilledForm(values=values))
    assert list(caught.value.faults) == [field]


@given(text=st.text(min_size=1, max_size=60).filter(lambda text: text.strip() and not text.strip().startswith("-")))
def test_whatever_is_typed_into_a_field_stays_one_value(text: str) -> None:
    """No quote and no option smuggles another word into the command."""
    try:
        command = command_of(ALL_VERBS, filled(verb="explain", parameter__code=text))
    except FormFaults:
        return
    parsed = parse(command, ALL_VERBS)
    assert parsed.action.name == "explain"
    assert parsed.namespace == parsed.cluster == ""


# --- what a command has said already ----------------------------------------------------------------------------------

HERE, THERE = "--cluster prod -n shop", "--cluster prod -n jobs"


@pytest.mark.parametrize(
    ("command", "said"),
    [
        ("", {}),
        ("nonsense api", {}),
        ("set", {}),
        ("LOGS", {"verb": "logs"}),
        ("logs api", {"verb": "logs", "workload": "api"}),
        ("logs api worker", {"verb": "logs", "workload": "api"}),
        ("logs --tail 50 api --previous", {"verb": "logs", "workload": "api", "tail": "50", "previous": "yes"}),
        ("logs --tail=50 --nonsense", {"verb": "logs", "tail": "50"}),
        ("logs --tail", {"verb": "logs", "tail": ""}),
        ("logs api -n jobs", {"verb": "logs", "workload": "api", "place": THERE}),
        ("logs --cluster=prod", {"verb": "logs", "place": HERE}),
        ("logs -n elsewhere", {"verb": "logs"}),
        ("logs 'my api", {"verb": "logs", "workload": "'my"}),
        ("set image api", {"verb": "set image", "workload": "api"}),
        (
            "Set Image api 'api:v1' -c main --reason 'it is slow' --replace",
            {
                "verb": "set image",
                "workload": "api",
                "image": "api:v1",
                "container": "main",
                "reason": "it is slow",
                "replace": "yes",
            },
        ),
        ("set image api x and 'so on'", {"verb": "set image", "workload": "api", "image": "x", "words": "and 'so on'"}),
    ],
)
def test_what_a_command_says_is_filled_in(command: str, said: dict[str, str]) -> None:
    """As far as it can be understood; the dialog asks for the rest."""
    prefix = {name: name if name in {VERB, PLACE} else f"parameter:{name}" for name in said}
    assert said_by(VERBS, TWO, command) == {prefix[name]: value for name, value in said.items()}


def test_a_dialog_opened_for_a_command_shows_it() -> None:
    """Its verb with that verb's questions, and the values in them."""
    form = form_for(VERBS, TWO, CATALOGUE, FilledForm(values={}, command="set image api --reason slow -n jobs"))
    shown = {field.name: field.value for field in form.fields if field.value}
    assert shown == {VERB: "set image", "parameter:workload": "api", "parameter:reason": "slow"}
    assert form.submit == "Run"
    assert "set image" in [choice.value for choice in form.fields[0].choices]


def test_a_verb_of_two_words_is_built() -> None:
    """Like any other, with what every change takes besides."""
    values = {"workload": "api", "image": "api:v2", "reason": "it's slow", "replace": "yes"}
    given_ = filled(verb="set image", **{f"parameter__{name}": value for name, value in values.items()})
    parsed = parse(command_of(VERBS, given_), VERBS)
    assert (parsed.action, parsed.params) == (SET_IMAGE, ImageParams("api", "api:v2"))
    assert (parsed.reason, parsed.replace) == ("it's slow", True)


WORDS = st.text(st.characters(categories=("L", "N", "P", "Zs")), min_size=1, max_size=12).map(str.strip).filter(bool)


@given(workload=WORDS, image=WORDS, reason=WORDS, place=st.sampled_from(["", HERE, THERE]))
def test_what_was_built_is_filled_in_again(workload: str, image: str, reason: str, place: str) -> None:
    """A command that a dialog made opens a dialog that says the same."""
    values = {"workload": workload, "image": image, "reason": reason}
    built = {VERB: "set image", **{f"parameter:{name}": value for name, value in values.items()}}
    built |= {PLACE: place} if place else {}
    try:
        command = command_of(VERBS, FilledForm(values=dict(built)))
    except FormFaults:
        return
    assert said_by(VERBS, TWO, command) == built


@given(st.text())
def test_whatever_a_command_is_the_dialog_is_drawn(command: str) -> None:
    form_for(VERBS, TWO, CATALOGUE, FilledForm(values={}, command=command))
