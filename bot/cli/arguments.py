"""The words of the command line -> what is to be done. Pure, but for what argparse prints itself.

Programs (`run`, `demo`, …) have options of their own; every other first word is a verb of the registry, whose words go
through the same parser as in chat.
"""

from __future__ import annotations

import argparse
import shlex
from collections.abc import Sequence
from dataclasses import dataclass, field

from bot.cli.gestures import GESTURES


@dataclass(frozen=True, slots=True, kw_only=True)
class Verb:
    """A command at the terminal, with the rights of a kubeconfig. `apply` asks for the change that it plans."""

    text: str
    kubeconfig: str = ""
    context: str = ""
    output: str = "text"
    apply: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """The bot itself, in the foreground. `role` is `chat`, `worker` or `all`."""

    role: str = "all"


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """A look at the settings, and at everything they name unless `offline`."""

    offline: bool = False
    output: str = "text"


@dataclass(frozen=True, slots=True, kw_only=True)
class Init:
    """First versions of `ragops.toml`, `.env` and the Slack app manifest, from what a cluster has.

    `http` is the public address for Slack's requests; empty for sockets.
    """

    kubeconfig: str = ""
    context: str = ""
    namespaces: tuple[str, ...] = ()
    in_cluster: bool = False
    http: str = ""
    output_folder: str = "."
    force: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Migrate:
    """The database's tables brought to this version; with `dry_run` only listed."""

    dry_run: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Demo:
    """The bot in a local workspace, in front of a simulated or a real cluster."""

    scenario: str = "bad-release"
    headless: bool = False
    kubeconfig: str = ""
    context: str = ""
    namespace: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sandbox:
    """One gesture of a person in the local workspace that runs."""

    gesture: str
    text: str = ""
    values: tuple[str, ...] = ()
    user: str = "ann"
    channel: str = ""
    thread: str = ""
    message: str = ""
    at_home: bool = False
    output: str = "text"


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditVerify:
    """A check of the audit chain; `head` is `SEQUENCE:HASH` as published earlier."""

    head: str = ""
    output: str = "text"


Command = Verb | Run | Check | Init | Migrate | Demo | Sandbox | AuditVerify

PROGRAMS = {
    "init": "write first versions of ragops.toml, .env and the Slack app manifest from what a cluster has",
    "check": "look for faults in the settings, and at everything that they name",
    "migrate": "bring the database's tables to this version",
    "run": "run the bot in the foreground; --role chat|worker|all",
    "demo": "try it: a local workspace in front of a simulated cluster, with a prompt",
    "sandbox": "up | say | press | read | home | dm | …: the same workspace without the prompt, for scripts",
    "audit": "verify: check the audit chain",
}


@dataclass(frozen=True, slots=True)
class Asked:
    """What the command line asks for: a command, or only words to print (help, version)."""

    command: Command | None
    help: bool = False
    version: bool = False
    rest: Sequence[str] = field(default=())


def read(words: Sequence[str]) -> Asked:
    """Understand a command line. argparse prints usage and exits with 2 when a program's options are wrong."""
    if not words or words[0] in ("-h", "--help"):
        return Asked(None, help=True)
    if words[0] in ("-V", "--version", "version"):
        return Asked(None, version=True)
    match words[0]:
        case "run":
            return Asked(_run(words[1:]))
        case "init":
            return Asked(_init(words[1:]))
        case "check":
            return Asked(_check(words[1:]))
        case "migrate":
            return Asked(_migrate(words[1:]))
        case "demo":
            return Asked(_demo(words[1:]))
        case "sandbox":
            return Asked(_sandbox(words[1:]))
        case "audit":
            return Asked(_audit(words[1:]))
        case _:
            return Asked(_verb(words))


def _parser(program: str, description: str = "") -> argparse.ArgumentParser:
    return argparse.ArgumentParser(
        prog=f"ragops {program}", description=description or PROGRAMS.get(program, ""), allow_abbrev=False
    )


def _run(words: Sequence[str]) -> Run:
    parser = _parser("run")
    parser.add_argument(
        "--role",
        choices=("all", "chat", "worker"),
        default="all",
        help="chat: answers people; worker: does what must be kept and delivers messages; all: both (default)",
    )
    return Run(role=parser.parse_args(words).role)


def _init(words: Sequence[str]) -> Init:
    parser = _parser("init")
    parser.add_argument("--kubeconfig", default="", metavar="FILE", help="the kubeconfig to look with")
    parser.add_argument("--context", default="", help="the context of that kubeconfig")
    parser.add_argument("--namespace", "-n", action="append", default=[], help="to watch; may be given several times")
    parser.add_argument("--in-cluster", action="store_true", help="the bot will run inside this cluster")
    parser.add_argument("--http", default="", metavar="URL", help="Slack is to send requests here (default: sockets)")
    parser.add_argument("--output-folder", default=".", metavar="FOLDER", help="where to write (default: here)")
    parser.add_argument("--force", action="store_true", help="write over files that are there")
    options = parser.parse_args(words)
    return Init(
        kubeconfig=options.kubeconfig,
        context=options.context,
        namespaces=tuple(options.namespace),
        in_cluster=options.in_cluster,
        http=options.http,
        output_folder=options.output_folder,
        force=options.force,
    )


def _check(words: Sequence[str]) -> Check:
    parser = _parser("check")
    parser.add_argument("--offline", action="store_true", help="read the settings only, reach out to nothing")
    parser.add_argument("--output", "-o", choices=("text", "json"), default="text")
    options = parser.parse_args(words)
    return Check(offline=options.offline, output=options.output)


def _migrate(words: Sequence[str]) -> Migrate:
    parser = _parser("migrate")
    parser.add_argument("--dry-run", action="store_true", help="list what would be done, and do nothing")
    return Migrate(dry_run=parser.parse_args(words).dry_run)


def _verb(words: Sequence[str]) -> Verb:
    parser = argparse.ArgumentParser(prog="ragops", add_help=False, allow_abbrev=False)
    parser.add_argument("--kubeconfig", default="")
    parser.add_argument("--context", default="")
    parser.add_argument("--output", "-o", choices=("text", "json"), default="text")
    parser.add_argument("--apply", action="store_true")
    options, rest = parser.parse_known_args(words)
    return Verb(
        text=shlex.join(rest),
        kubeconfig=options.kubeconfig,
        context=options.context,
        output=options.output,
        apply=options.apply,
    )


def _add_cluster(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--scenario", default="bad-release", help="what is wrong in the simulated cluster")
    real = "put a real cluster behind the workspace: changes that are approved there are carried out in it"
    parser.add_argument("--kubeconfig", default="", metavar="FILE", help=real)
    parser.add_argument("--context", default="", help="the context of that kubeconfig")
    parser.add_argument("--namespace", "-n", default="", help="the namespace to look at (default: rag-engine)")


def _demo(words: Sequence[str]) -> Demo:
    parser = _parser("demo")
    _add_cluster(parser)
    parser.add_argument("--headless", action="store_true", help="no prompt: run until stopped")
    options = parser.parse_args(words)
    return _as_demo(options, headless=options.headless)


def _as_demo(options: argparse.Namespace, *, headless: bool) -> Demo:
    return Demo(
        scenario=options.scenario,
        headless=headless,
        kubeconfig=options.kubeconfig,
        context=options.context,
        namespace=options.namespace,
    )


def _sandbox(words: Sequence[str]) -> Demo | Sandbox:
    parser = _parser("sandbox", "the demo's workspace without the prompt: act as a person from scripts")
    gestures = parser.add_subparsers(dest="gesture", required=True, metavar="GESTURE", title="gestures")
    up = gestures.add_parser("up", help="start it all and run until stopped", allow_abbrev=False)
    _add_cluster(up)
    for name, (meaning, add) in GESTURES.items():
        gesture = gestures.add_parser(name, help=meaning, description=meaning, allow_abbrev=False)
        add(gesture)
        gesture.add_argument("--as", dest="user", default="ann", metavar="PERSON", help="who (ann, bob, vic, …)")
    options = parser.parse_args(words)
    if options.gesture == "up":
        return _as_demo(options, headless=True)
    return Sandbox(
        gesture=options.gesture,
        text=getattr(options, "text", ""),
        values=tuple(getattr(options, "values", ())),
        user=options.user,
        channel=getattr(options, "channel", ""),
        thread=getattr(options, "thread", ""),
        message=getattr(options, "message", ""),
        at_home=getattr(options, "home", False),
        output=getattr(options, "output", "text"),
    )


def _audit(words: Sequence[str]) -> AuditVerify:
    parser = _parser("audit")
    what = parser.add_subparsers(dest="what", required=True, metavar="verify")
    verify = what.add_parser("verify", help="check that no entry was changed or removed", allow_abbrev=False)
    verify.add_argument("--head", default="", metavar="SEQUENCE:HASH", help="a head that was published earlier")
    verify.add_argument("--output", "-o", choices=("text", "json"), default="text")
    options = parser.parse_args(words)
    return AuditVerify(head=options.head, output=options.output)
