"""Jobs and cron jobs: how the last runs went. They are of the namespace, not of one service."""

from __future__ import annotations

from bot.checkup.attentions import from_findings
from bot.checkup.kinds import SectionKind
from bot.checkup.seen import Seen, unread
from bot.diagnosis.job_runs import failure, is_complete
from bot.domain.snapshot import Part
from bot.domain.text import count
from bot.domain.watch.checkups import Section

NAME = "jobs"


def look(seen: Seen) -> Section | None:
    if seen.service:
        return None
    looks = seen.cluster.seen
    problem = unread(seen, (Part.JOBS, Part.CRON_JOBS))
    if looks is None:
        return Section(name=NAME, problem=problem)
    snapshot = looks.report.snapshot
    attentions = from_findings(seen, NAME)
    if not snapshot.jobs and not snapshot.cron_jobs:
        return Section(name=NAME, problem=problem, absent=not problem, attentions=attentions)
    parts = []
    if snapshot.cron_jobs:
        paused = sum(each.suspended for each in snapshot.cron_jobs)
        parts.append(f"{count(len(snapshot.cron_jobs), 'cron job')}{f' ({paused} suspended)' if paused else ''}")
    if snapshot.jobs:
        done = sum(is_complete(job) for job in snapshot.jobs)
        failed = sum(failure(job) is not None for job in snapshot.jobs)
        going = len(snapshot.jobs) - done - failed
        told = [f"{number} {what}" for number, what in ((done, "done"), (going, "going"), (failed, "failed")) if number]
        parts.append(f"{count(len(snapshot.jobs), 'run')} kept: {', '.join(told)}")
    return Section(name=NAME, words=", ".join(parts), problem=problem, attentions=attentions)


SECTION = SectionKind(order=100, reading="cluster", look=look)
