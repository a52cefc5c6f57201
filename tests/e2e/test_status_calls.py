"""What answers cost the API server: nothing, as long as nothing happens."""

from __future__ import annotations

from collections import Counter

from tests.support.sandboxed import Stage
from tests.support.waiting import until

LOGS = "get pods/log"
# What the bot asks for by itself, at its own pace, whether anybody wants to know something or not.
IN_THE_BACKGROUND = (
    *("watch ", "list pods.metrics.k8s.io", "list nodes.metrics.k8s.io", "/readyz"),
    *("list nodes", "list resourcequotas", "list certificates.cert-manager.io", "list backups.velero.io"),
)


def asked(stage: Stage) -> Counter[str]:
    """Count what the API server was asked for so far, in answer to somebody."""
    return Counter({what: n for what, n in stage.cluster.asked.items() if not what.startswith(IN_THE_BACKGROUND)})


async def test_an_answer_costs_the_api_server_nothing_while_nothing_new_crashes(stage: Stage) -> None:
    """After the first answer over a bad release, further ones read no log, no list and nothing else."""
    first = await stage.answer("/rag status")
    before = asked(stage)

    for user in ("ann", "bob", "vic", "ann", "bob"):
        again = await stage.answer("/rag status", user=user)
        assert "DATABASE_URL is not set" in again.text

    assert "DATABASE_URL is not set" in first.text
    assert before[LOGS] > 0
    assert asked(stage) - before == Counter()


async def test_a_new_crash_has_its_log_read_before_anybody_asks(stage: Stage) -> None:
    """When a container crashes anew, its log is fetched then: it is what the next answer quotes."""
    await stage.answer("/rag status")
    before = asked(stage)

    stage.world.advance(400)  # longer than the longest back-off

    async def logs() -> int:
        return asked(stage)[LOGS]

    await until(logs, lambda number: number > before[LOGS])
    assert set(asked(stage) - before) == {LOGS}
