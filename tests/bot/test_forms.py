"""The dialog that builds a command: what it asks, and what the answers become."""

from __future__ import annotations

import shlex
from types import MappingProxyType

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.domain.actions import Action, parameters_of
from bot.domain.catalogue import Catalogue, CatalogueEntry
from bot.domain.forms import FieldKind, FilledForm, Form
from bot.domain.targets import ClusterName, Namespace
from bot.errors import FormFaults
from bot.forms import CHANNEL, PLACE, VERB, command_of, form_for
from bot.parser import parse
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
    asked = [f"parameter:{declared.name}" for declared, _ in parameters_of(action.params)]
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
