"""Everything that is read besides the snapshot, asked for at once: whichever verbs and watches use it."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

from bot.cluster import ClusterExtras, KubernetesHttp, open_connection
from bot.domain.targets import Scope
from bot.errors import ClusterNotFound, ClusterUnreachable
from tests.support.clocks import WallClock


async def ask_for_the_rest(kubeconfig: Path, scope: Scope) -> None:
    """Ask for quotas, backups, certificates and disks. None of it may be refused; what is not installed is none."""
    connection = await open_connection(str(kubeconfig))
    try:
        extras = ClusterExtras({scope.cluster: KubernetesHttp(connection, WallClock(), lambda: 0.5)}, WallClock())
        await extras.quotas(scope)
        for read in (extras.backups(scope.cluster), extras.certificates(scope)):
            with suppress(ClusterNotFound):
                await read
        with suppress(ClusterUnreachable):  # behind a recorder there is no TLS, so no kubelet is trusted
            await extras.disks(scope)
    finally:
        await connection.close()
