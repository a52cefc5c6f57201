"""What watching is made of, as verbs and loops share it."""

from __future__ import annotations

from dataclasses import dataclass

from bot.configuration import Configuration
from bot.ports import Calendar, Clock, ClusterReader, Extras, LogStream, Meter, Probes, Store
from bot.schedule.calendar import CronCalendar
from bot.scopes import Scopes
from bot.watching.digesting import DigestMaker
from bot.watching.room import WatchRoom


@dataclass(frozen=True, slots=True, kw_only=True)
class Watching:
    """What watching is made of, as verbs and loops share it."""

    room: WatchRoom
    digests: DigestMaker
    calendar: Calendar


def equip(
    configuration: Configuration,
    *,
    store: Store,
    cluster: ClusterReader,
    logs: LogStream,
    probes: Probes,
    extras: Extras,
    scopes: Scopes,
    clock: Clock,
    meter: Meter,
) -> Watching:
    """Put together what watching works with."""
    catalogue, policy = configuration.catalogue, configuration.watch.settled(scopes.default_of())
    room = WatchRoom(
        store=store,
        cluster=cluster,
        logs=logs,
        policy=policy,
        catalogue=catalogue,
        scopes=scopes,
        clock=clock,
        probes=probes,
        extras=extras,
        meter=meter,
    )
    digests = DigestMaker(
        policy=policy,
        store=store,
        cluster=cluster,
        logs=logs,
        clock=clock,
        catalogue_at=room.catalogue_at,
        words_to=scopes.words,
        probes=probes,
        extras=extras,
    )
    return Watching(room=room, digests=digests, calendar=CronCalendar())
