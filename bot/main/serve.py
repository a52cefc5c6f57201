"""`ragops run`: the bot in the foreground, until SIGTERM or Ctrl-C."""

from __future__ import annotations

import asyncio
import logging
import os
import signal
from pathlib import Path

import handlers
from bot.cli.arguments import Run
from bot.configuration import Configuration, open_configuration
from bot.errors import Fault, SettingsError
from bot.main.bot import run_bot
from bot.main.collector import calm
from bot.main.ingredients import AlertsDoor, Ingredients, Role
from bot.main.logs import configure
from bot.registry import discover
from bot.settings import Settings, SlackSettings

log = logging.getLogger(__name__)


def stop_on_signals() -> asyncio.Event:
    """Return an event that SIGTERM and SIGINT set. A second one of either ends the program at once, as usual."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()

    def stopping(number: signal.Signals) -> None:
        stop.set()
        loop.remove_signal_handler(number)

    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stopping, number)
    return stop


async def serve(command: Run, settings: Settings) -> int:
    """Run the bot until it is stopped."""
    role = Role(command.role)
    configure(settings.log_level, settings.log_format)
    slack, configuration = _read_all(settings, role)
    calm()
    stop, ready = stop_on_signals(), asyncio.Event()
    await run_bot(
        Ingredients(
            slack=slack,
            configuration=configuration,
            data_folder=settings.data_folder,
            role=role,
            listen=settings.listen,
            database_url=settings.database_url.reveal() if settings.database_url else None,
            redis_url=settings.redis_url.reveal() if settings.redis_url else None,
            kubeconfig=settings.kubeconfig or "",
            alerts=_alerts(settings),
            environ=os.environ,
        ),
        stop,
        ready,
    )
    return 0


def _alerts(settings: Settings) -> AlertsDoor | None:
    """Return the door for Alertmanager; the settings see to it that both of its halves are there, or none."""
    if settings.alerts_listen is None or settings.alerts_token is None:
        return None
    return AlertsDoor(settings.alerts_listen, settings.alerts_token)


def _read_all(settings: Settings, role: Role) -> tuple[SlackSettings, Configuration]:
    """Read tokens and `ragops.toml`. Raises one `SettingsError` with the faults of both."""
    faults: list[Fault] = []
    slack, configuration = None, None
    try:
        slack = settings.for_slack(inbound=role.chats)
    except SettingsError as error:
        faults += error.faults
    try:
        verbs = [action.name for action in discover(handlers).all()]
        configuration = open_configuration(settings.config_path, folder=Path.cwd(), verbs=verbs)
    except SettingsError as error:
        faults += error.faults
    if role is not Role.ALL and settings.database_url is None:
        what = f"not set; the role {role} shares a database with the others: expected the address of PostgreSQL"
        faults.append(Fault("DATABASE_URL", what))
    if faults or slack is None or configuration is None:
        raise SettingsError(faults)
    return slack, configuration
