"""Take each guard away and see that its test notices: `python -m tests.mutation.run`.

A test that passes without the guard that it is about proves nothing. The tests run on copies of this checkout, one
mutant at a time in each: first all of them without any mutant, which must pass, then each with its own, which must fail
(and not break before it ran). The exit code is 0 when every mutant was noticed.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from importlib.util import cache_from_source
from pathlib import Path

from bot.store.embedded import EmbeddedServer
from tests.mutation.mutants import MUTANTS, Mutant

ROOT = Path(__file__).parents[2]
FOLDERS, FILES = ("bot", "handlers", "sandbox", "tests"), ("pyproject.toml",)
LANES = 2
LONGEST_S = 300.0
_TEST_S = 120
# Tests that miss what they wait for are to fail by themselves, and soon.
_PATIENCE_S = "20"
_PYTEST = ("-m", "pytest", "-q", "-p", "no:cacheprovider", "--tb=no", "-rf", f"--timeout={_TEST_S}")
_WHERE = "import bot, handlers, sandbox, tests.support.engine as of; print(*(m.__file__ for m in (bot, handlers, of)))"
# So wide that the reason of a failure is not cut off.
_COLUMNS = "400"
_WIDEST = 60


@dataclass(frozen=True, slots=True)
class Ran:
    """How a run of tests ended, and what it said last."""

    code: int
    said: str

    @property
    def broke(self) -> bool:
        """Tell whether something ended before it could fail: a module, a fixture, the time."""
        errors = re.search(r"\berrors?\b", self.said.rpartition("\n")[2])
        return self.code not in {0, 1} or errors is not None or "Timeout (>" in self.said

    @property
    def noticed(self) -> bool:
        """Tell whether a test failed, and none broke."""
        return self.code == 1 and not self.broke

    @property
    def reason(self) -> str:
        """Return why the first test failed."""
        found = re.search(r"^FAILED .*? - (?P<why>.*)$", self.said, re.MULTILINE)
        return found["why"] if found is not None else self.said.strip().rpartition("\n")[2]


@dataclass(frozen=True, slots=True)
class Lane:
    """A copy of the checkout in which tests run."""

    folder: Path
    database_url: str

    @classmethod
    def copied(cls, folder: Path, database_url: str) -> Lane:
        """Copy what the tests need; what was compiled of it stays good, for the times of the files are copied too."""
        for name in FOLDERS:
            shutil.copytree(ROOT / name, folder / name)
        for name in FILES:
            shutil.copy2(ROOT / name, folder / name)
        return cls(folder, database_url)

    async def python(self, *words: str) -> Ran:
        """Run Python in the copy."""
        own = {"PYTHONPATH": str(self.folder), "RAGOPS_TEST_DATABASE_URL": self.database_url, "COLUMNS": _COLUMNS}
        own["RAGOPS_TEST_PATIENCE_S"] = _PATIENCE_S
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            *words,
            cwd=self.folder,
            env={**os.environ, **own},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        )
        try:
            async with asyncio.timeout(LONGEST_S):
                said, _ = await process.communicate()
        finally:
            if process.returncode is None:
                process.kill()
                await process.wait()
        return Ran(process.returncode or 0, said.decode(errors="replace").strip())

    async def check(self) -> None:
        """See to it that the copy is what is imported, not the checkout."""
        ran = await self.python("-c", _WHERE)
        if ran.code or not all(Path(each).is_relative_to(self.folder) for each in ran.said.split()):
            raise SystemExit(f"The copy in {self.folder} is not what is tested: {ran.said}")

    @contextmanager
    def without(self, mutant: Mutant) -> Iterator[None]:
        """Take a guard away for the block."""
        path = self.folder / mutant.file
        whole = path.read_text()
        if whole.count(mutant.old) != 1:
            raise SystemExit(f"{mutant.guard}: the text is in {mutant.file} {whole.count(mutant.old)} times.")
        try:
            _write(path, whole.replace(mutant.old, mutant.new))
            yield
        finally:
            _write(path, whole)


def _write(path: Path, text: str) -> None:
    """Write a file, and forget what was compiled of it: its time and its size might be the same."""
    path.write_text(text)
    Path(cache_from_source(path)).unlink(missing_ok=True)


@dataclass(frozen=True, slots=True)
class Verdict:
    """What became of a mutant."""

    mutant: Mutant
    ran: Ran
    seconds: float

    def __str__(self) -> str:
        word = "noticed" if self.ran.noticed else "BROKE" if self.ran.broke else "SURVIVED"
        why = self.ran.reason[:_WIDEST]
        return f"{word:<9}{self.seconds:5.1f} s  {self.mutant.guard:<52}{why}"


async def judged(lane: Lane, mutant: Mutant) -> Verdict:
    """Run a mutant's test on a copy without the guard."""
    began = time.monotonic()
    with lane.without(mutant):
        ran = await lane.python(*_PYTEST, "-x", mutant.test)
    return Verdict(mutant, ran, time.monotonic() - began)


async def judged_all(lanes: Sequence[Lane], mutants: Sequence[Mutant]) -> list[Verdict]:
    """Judge all of them, as many at once as there are copies."""
    waiting, done = list(mutants), list[Verdict]()

    async def work(lane: Lane) -> None:
        while waiting:
            done.append(await judged(lane, waiting.pop(0)))
            _say(str(done[-1]))

    async with asyncio.TaskGroup() as group:
        for lane in lanes:
            group.create_task(work(lane))
    return done


@asynccontextmanager
async def copies(folder: Path) -> AsyncIterator[list[Lane]]:
    """Make the copies, and a database server for their tests unless one is given."""
    given = os.environ.get("RAGOPS_TEST_DATABASE_URL")
    settings = {"fsync": "off", "max_connections": "200"}
    server = None if given else await EmbeddedServer.start(folder / "postgres", settings=settings)
    url = given or (server.url if server is not None else "")
    try:
        lanes = [await asyncio.to_thread(Lane.copied, folder / f"copy-{each}", url) for each in range(LANES)]
        for lane in lanes:
            await lane.check()
        yield lanes
    finally:
        if server is not None:
            await server.stop()


async def run(folder: Path, mutants: Sequence[Mutant]) -> int:
    """Run everything and report; 0 when all is as it should be."""
    began = time.monotonic()
    async with copies(folder) as lanes:
        tests = list(dict.fromkeys(mutant.test for mutant in mutants))
        ran = await lanes[0].python(*_PYTEST, "-n", str(LANES), *tests)
        if ran.code:
            _say(f"The tests fail without any mutant:\n{ran.said}")
            return 1
        _say(f"{len(tests)} tests pass with every guard in its place ({time.monotonic() - began:.0f} s)")
        done = await judged_all(lanes, mutants)
    noticed = sum(each.ran.noticed for each in done)
    _say(f"{noticed} of {len(done)} mutants noticed in {time.monotonic() - began:.0f} s")
    return 0 if noticed == len(mutants) else 1


def _say(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


def main(words: Sequence[str] | None = None) -> int:
    """Run the mutants whose guard has a text in its name; without one, all."""
    parser = argparse.ArgumentParser(prog="python -m tests.mutation.run", description=__doc__)
    parser.add_argument("--guard", default="", help="only guards with this text in their name")
    options = parser.parse_args(words)
    chosen = [mutant for mutant in MUTANTS if options.guard in mutant.guard]
    if not chosen:
        parser.error(f'no guard has "{options.guard}" in its name')
    with tempfile.TemporaryDirectory(prefix="mutants-") as folder:
        return asyncio.run(run(Path(folder), chosen))


if __name__ == "__main__":
    sys.exit(main())
