"""Many rounds at random, with a report: `python -m tests.crash.run --rounds 1000`.

Workers are killed or stopped at random points while they carry changes of every kind out, two people approve at the
same moment, and replicas that do what is due by the calendar are killed all the while: beside them stands what a
scheduler with a shared store makes of the same. What must not be is told with its round; the exit code is 1 then.
"""

from __future__ import annotations

import argparse
import asyncio
import logging
import random
import statistics
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import psycopg
from psycopg import sql

from bot.store.audit import verify_audit
from bot.store.embedded import EmbeddedServer
from bot.store.store import PostgresStore
from tests.crash.approvals import pair_on
from tests.crash.nursery import nursery
from tests.crash.rig import LEASE_S, LONG_LEASE_S, POINTS, Blow, Outcome, lanes, run_rounds
from tests.crash.slots import Told, storm_of, storm_of_ours, storm_of_the_rival
from tests.support.changing import VERBS
from tests.support.clones import with_database

_BATCH = 50
# What is passed again and again, so that a later time can be struck, too.
_REPEATED = frozenset({"followed"})
_STOPPED = 0.25
# So many due moments show what a shared store does.
_RIVAL = 400


@dataclass(slots=True)
class Report:
    """What is counted."""

    seed: int
    outcomes: list[Outcome] = field(default_factory=list)
    approvals: int = 0
    slots: Told | None = None
    rival: Told | None = None
    problems: list[str] = field(default_factory=list)
    seconds: float = 0.0

    def add(self, done: Sequence[Outcome]) -> None:
        """Count rounds."""
        self.outcomes += done
        self.problems += [str(each) for each in done if each.problem]

    def text(self) -> str:
        """Return it for people."""
        struck = [each for each in self.outcomes if each.struck]
        takeovers = [each.takeover_s for each in struck if each.takeover_s is not None]
        by_blow = Counter(each.blow.how for each in struck)
        lines = [
            f"rounds      {len(self.outcomes)} (seed {self.seed}): {by_blow['kill']} killed, {by_blow['stop']} stopped",
            f"lost        {sum(each.effects < each.wanted for each in self.outcomes)}",
            f"twice       {sum(each.effects > each.wanted for each in self.outcomes)}",
            f"approvals   {self.approvals} rounds of two approvers at once",
            f"problems    {len(self.problems)}",
            f"seconds     {self.seconds:.0f}",
        ]
        lines += [f"slots       {self.slots}"] if self.slots else []
        lines += [f"apscheduler {self.rival}"] if self.rival else []
        if takeovers:
            lines.append(f"takeover    {statistics.median(takeovers):.2f} s median, {max(takeovers):.2f} s at most")
        points = Counter((each.blow.point, each.verb) for each in struck)
        lines.append(f"covered     {len(points)} of {len(POINTS) * len(VERBS)} points and verbs")
        return "\n".join([*lines, *self.problems])


def blow_at(source: random.Random) -> tuple[str, Blow]:
    """Choose a verb and a blow."""
    point = source.choice(POINTS)
    nth = source.randint(1, 3) if point in _REPEATED else 1
    stopped = source.random() < _STOPPED
    lease_s = LEASE_S if stopped else source.choice((LEASE_S, LONG_LEASE_S))
    blow = Blow(point=point, nth=nth, how="stop" if stopped else "kill", lease_s=lease_s)
    return source.choice(list(VERBS)), blow


async def databases(server_url: str, count: int) -> list[str]:
    """Make databases with every table."""
    names = [f"crash_{number}" for number in range(count)]
    async with await psycopg.AsyncConnection.connect(server_url, autocommit=True) as connection:
        for name in names:
            await connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
    urls = [with_database(server_url, name) for name in names]
    for url in urls:
        async with await PostgresStore.open(url):
            pass
    return urls


async def run(options: argparse.Namespace, folder: Path) -> Report:
    """Run all rounds."""
    began, source = time.monotonic(), random.Random(options.seed)
    report = Report(options.seed)
    server = await EmbeddedServer.start(folder / "postgres", settings={"fsync": "off", "max_connections": "200"})
    try:
        urls = await databases(server.url, options.lanes + 3)
        *of_lanes, ours, theirs, of_pairs = urls
        with nursery(folder) as workers:
            for start in range(0, options.rounds, _BATCH):
                # Each batch has a cluster of its own, so that the last round is as quick as the first.
                blows = [blow_at(source) for _ in range(min(_BATCH, options.rounds - start))]
                async with lanes(folder, workers, of_lanes) as running:
                    report.add(await run_rounds(running, blows))
                _say(f"{len(report.outcomes)} of {options.rounds} rounds, {len(report.problems)} problems")
            if options.slots:
                await slots(ours, theirs, workers, options, report)
        await approvals(of_pairs, folder, options.approvals, report)
        for url in urls:
            verified = await verify_audit(url)
            if not verified.ok:
                report.problems.append(f"the audit is broken: {verified.problem}")
    finally:
        await server.stop()
    report.seconds = time.monotonic() - began
    return report


async def slots(ours: str, theirs: str, workers: Path, options: argparse.Namespace, report: Report) -> None:
    """Run the storm of our replicas, and a smaller one of a scheduler with a shared store, each on its own database."""
    report.slots = await storm_of_ours(storm_of(options.slots, options.seed), workers, ours)
    report.problems += report.slots.problems
    _say(f"{len(report.slots.due)} slots, {len(report.problems)} problems")
    report.rival = await storm_of_the_rival(storm_of(min(options.slots, _RIVAL), options.seed), workers, theirs)


async def approvals(url: str, folder: Path, rounds: int, report: Report) -> None:
    """Run the rounds of two approvers at once."""
    async with pair_on(url, folder) as pair:
        for number in range(1, rounds + 1):
            problem = await pair.round()
            report.approvals += 1
            report.problems += [f"approval {number}: {problem}"] if problem else []
            if number % _BATCH == 0:
                _say(f"{number} of {rounds} approvals, {len(report.problems)} problems")


def _say(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


def main(words: Sequence[str] | None = None) -> int:
    """Run and report; 0 when nothing was lost and nothing happened twice."""
    parser = argparse.ArgumentParser(prog="python -m tests.crash.run", description=__doc__)
    parser.add_argument("--rounds", type=int, default=1000, help="workers to be struck")
    parser.add_argument("--approvals", type=int, default=1000, help="rounds of two approvers at once")
    parser.add_argument("--slots", type=int, default=1000, help="due moments, with one to eight replicas")
    parser.add_argument("--lanes", type=int, default=4, help="rounds at the same time, each on its own database")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--report", type=Path, default=None, help="a file to write the report to")
    options = parser.parse_args(words)
    # That a connection of ours was given up on a busy machine is no news.
    logging.getLogger("psycopg.pool").setLevel(logging.ERROR)
    with tempfile.TemporaryDirectory(prefix="crash-") as folder:
        report = asyncio.run(run(options, Path(folder)))
    _say(report.text())
    if options.report is not None:
        options.report.write_text(f"{report.text()}\n")
    return 1 if report.problems else 0


if __name__ == "__main__":
    sys.exit(main())
