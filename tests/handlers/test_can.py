from __future__ import annotations

from dataclasses import replace

import pytest

from bot.domain.people import RoleBinding, RoleName
from bot.domain.policy import Policy
from bot.domain.requests import Surface
from bot.domain.view import View
from bot.errors import DirectoryUnavailable
from bot.ports import Sources
from handlers import can
from tests.support.answers import buttons, data, rows
from tests.support.builders import NOW, SCOPE
from tests.support.service import POLICY, Stage, asked, stage

IN_SHOP = Policy(
    bindings=(
        RoleBinding(RoleName.VIEWER, groups=frozenset({"S0"}), services=frozenset({"search"})),
        RoleBinding(RoleName.OPERATOR, groups=frozenset({"S1"}), namespaces=frozenset({"kube-system"})),
    )
)


async def answer(
    text: str, *, by: str = "U-ann", policy: Policy = POLICY, scene: Stage | None = None, local: bool = False
) -> View:
    surface = Surface.TERMINAL if local else Surface.COMMAND
    return await (scene or stage()).service(policy=policy).ask(asked(text, by=by, local=local, surface=surface))


async def test_a_yes_names_the_place_and_the_role() -> None:
    """And how old the look at the groups is."""
    view = await answer("can status search")
    assert rows(view) == [
        "✔ Yes, you may use status for search in shop on prod-eu (as operator).",
        "Your groups were read 40 s ago · only you see this",
        "whoami shows all that you may.",
    ]
    assert view.exit_code == 0
    assert buttons(view) == {"Who am I": "whoami"}
    assert data(view) == {
        "command": "status",
        "allowed": True,
        "permission": "read",
        "where": "search in shop on prod-eu",
        "reason": "",
        "roles": ["operator"],
        "enough": ["viewer", "operator", "approver", "admin"],
        "holders": {"viewer": ["group S0"], "operator": ["@rag-oncall", "1 person by name"]},
    }


@pytest.mark.parametrize("command", ["approve", "deny"])
@pytest.mark.parametrize(
    ("by", "held"), [("U-ann", "You are an approver here."), ("U-vic", "You are no approver here.")]
)
async def test_everybody_may_try_to_vote_and_whose_votes_count_is_told(command: str, by: str, held: str) -> None:
    """The right to say it is not the right to be counted."""
    policy = replace(POLICY, bindings=(*POLICY.bindings, RoleBinding(RoleName.APPROVER, users=frozenset({"U-ann"}))))
    assert rows(await answer(f"can {command}", by=by, policy=policy))[:3] == [
        f"✔ Yes, you may use {command} (it needs no role).",
        "Whether it counts, the rule of the request decides: its card names those who may.",
        f"{held} Approvers are 1 person by name.",
    ]


async def test_a_no_names_what_is_missing_and_who_could() -> None:
    """With a code that scripts can use."""
    view = await answer("can audit", by="U-vic")
    assert rows(view)[:3] == [
        "▲ No, you may not use audit: needs the role operator, approver or admin.",
        "You have: viewer.",
        "Operators are @rag-oncall and 1 person by name.",
    ]
    assert (view.exit_code, data(view)["allowed"]) == (1, False)


@pytest.mark.parametrize(
    ("text", "allowed"),
    [
        ("can status search", False),
        ("can status -n kube-system", True),
        ("can status search -n kube-system", True),
        ("can top nodes -n kube-system", True),
        ("can status --cluster lab", False),
        ("can explain", True),
        ("can audit", False),
    ],
)
async def test_a_limited_role_is_asked_where_the_command_would_go(text: str, *, allowed: bool) -> None:
    """The service where it lives, else the words `-n` and `--cluster`; what is about no place, by what it tells."""
    view = await answer(text, policy=IN_SHOP)
    assert data(view)["allowed"] is allowed


@pytest.mark.parametrize(
    "text", ["status search", "status", "logs search", "top pods", "status -n kube-system", "pods deployment/api"]
)
@pytest.mark.parametrize("by", ["U-ann", "U-vic", "U-nil"])
@pytest.mark.parametrize("policy", [POLICY, IN_SHOP], ids=["everywhere", "limited"])
async def test_it_says_what_then_happens(text: str, by: str, policy: Policy) -> None:
    """The answer and the command itself never differ; whoever may look nowhere may not ask about named places."""
    told = await answer(f"can {text}", by=by, policy=policy)
    used = await answer(text, by=by, policy=policy)
    assert data(told).get("allowed", False) is not used.summary.startswith("You can't use ")


async def test_a_role_for_a_service_does_not_reach_what_is_about_the_whole_place() -> None:
    """And that is said, as is a name that is no service."""
    assert "status" not in rows(await answer("can top search", by="U-vic", policy=IN_SHOP))[0]
    assert "top is about a whole place: a role for one service does not reach it." in rows(
        await answer("can top search", by="U-vic", policy=IN_SHOP)
    )
    assert "I know no service worker there, so only roles for the whole place count." in rows(
        await answer("can status worker", by="U-vic", policy=IN_SHOP)
    )
    assert "explain is about no place: what you name makes no difference." in rows(await answer("can explain OOM"))


async def test_whoever_holds_no_role_is_not_told_where_a_service_lives() -> None:
    """The answer repeats what was typed, and names the people who could."""
    view = await answer("can status search", by="U-nil")
    text = "\n".join(rows(view))
    assert text.startswith("▲ No, you may not use status for search: needs the role ")
    assert "Operators are @rag-oncall" in text
    assert not any(word in text + repr(view.data) for word in ("shop", "prod-eu", "kube-system", "api"))


async def test_what_cannot_be_known_is_neither_yes_nor_no() -> None:
    """A directory that is down."""
    scene = stage()
    scene.directory.problem = DirectoryUnavailable("Slack did not answer.")
    view = await answer("can status search", scene=scene)
    assert view.summary == (
        "I cannot tell whether you may use status: your groups could not be read (Slack did not answer)."
    )
    assert view.exit_code == 2
    assert "shop" not in repr(view)
    assert (await answer("can help", scene=scene)).summary == "Yes, you may use help (it needs no role)."


async def test_a_verb_of_few_is_narrowed() -> None:
    """The configuration's `[verbs]` count."""
    policy = Policy(bindings=POLICY.bindings, verbs={"logs": frozenset({RoleName.ADMIN})})
    view = await answer("can logs search", policy=policy)
    assert view.summary == "No, you may not use logs for search in shop on prod-eu: needs the role admin."


async def test_a_verb_that_runs_another_says_that_this_is_not_all() -> None:
    """Sharing is no way around the rights of what is shared."""
    assert "The command inside needs its own right." in rows(await answer("can share"))


async def test_an_unknown_verb_suggests_the_nearest_question() -> None:
    """A whole command, that can be sent as it is."""
    view = await answer("can stauts search")
    assert (view.summary, view.exit_code) == ('There is no command "stauts".', 2)
    assert data(view)["suggestions"][:1] == ["can status search"]


@pytest.mark.parametrize(
    ("text", "where"),
    [
        ("scale search 5", "search in shop on prod-eu"),
        ("scale search 5 -n kube-system", "kube-system on prod-eu"),
        ("scale -n kube-system search 5 --reason 'more load'", "kube-system on prod-eu"),
        ("rollback search --to 7 --reason='500s since noon'", "search in shop on prod-eu"),
        ("rollback --to 7 search", "search in shop on prod-eu"),
        ("set image search app=v2 --replace", "search in shop on prod-eu"),
        ("silence search --for 2h we move it -n kube-system", "search in shop on prod-eu"),
    ],
)
async def test_a_whole_command_may_be_asked_about(text: str, where: str) -> None:
    """As it would be sent: its verb, its target and its place count, no other word of it."""
    view = await answer(f"can {text}")
    assert view.exit_code in (0, 1), view.summary
    assert data(view)["where"] == where


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("can scale search 5 --fast", 'scale has no option "--fast".'),
        ("can rollback search --to", "--to needs a value."),
        ("can --to 7 rollback", 'can has no option "--to".'),
    ],
)
async def test_a_command_that_there_is_not_cannot_be_asked_about(text: str, said: str) -> None:
    """Nothing of it is passed over that the command itself would refuse."""
    assert (await answer(text)).summary == said


async def test_the_terminal_is_told_of_its_own_rights() -> None:
    """It reads with the kubeconfig's, and holds nothing else."""
    yes = await answer("can status search", by="", local=True)
    assert yes.summary == "Yes, you may use status for search in shop on prod-eu (with the kubeconfig's rights)."
    no = await answer("can share", by="", local=True)
    assert (no.summary, no.exit_code) == ("No, you may not use share: the terminal may only read.", 1)


async def test_can_needs_its_ports() -> None:
    """Handed out without them, it is a bug of the machine and said to be."""
    with pytest.raises(ValueError, match="needs the registry"):
        await can.observe(can.Params("status"), Sources(scope=SCOPE, request=asked("can status"), now=NOW))


async def test_a_verb_of_two_words_is_asked_about_like_any_other() -> None:
    """With its target, if there is one."""
    view = await stage().service().ask(asked("can set image search", by="U-vic"))
    assert view.summary.startswith("No, you may not use set image for search in shop on prod-eu")
