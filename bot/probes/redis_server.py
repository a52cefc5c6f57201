"""Redis: PING and its many honest answers, then what INFO says, twice, so that its change can be told."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager

from bot.probes import way
from bot.probes.asking import Asking, Stopped
from bot.probes.redis_answers import meaning
from bot.probes.redis_figures import Change, Info, tell
from bot.probes.redis_speech import NotSpoken, Reply, Speech, speaking
from bot.probes.tls import shake, trusting

PORT = 6379


async def ask(asking: Asking) -> None:
    """Look, wait, look again. Each look is bounded by the target's own time; a target of little time is looked at once.

    What people wait for ends with the first look.
    """
    async with AsyncExitStack() as open_until_the_end:
        async with asyncio.timeout(asking.target.timeout_s):
            speech = await open_until_the_end.enter_async_context(_reached(asking))
            first = await _first_look(asking, speech) if speech else None
        asking.arrived()
        if speech is None or first is None:
            return
        change = None
        try:
            change = await _change(asking, speech, first)
        finally:  # what was seen is told, though it may have gone away since
            tell(asking, change.second if change else first, change)


@asynccontextmanager
async def _reached(asking: Asking) -> AsyncIterator[Speech | None]:
    """Go there and yield a conversation; None where its certificate cannot be trusted: then nothing is said to it."""
    target = asking.target
    host, port = way.split_address(target.address, PORT)
    name = target.server_name or host
    addresses = await way.find(asking, host, port)
    async with way.knock(asking, addresses, port) as doors:
        door, context = doors[0], None
        if target.tls:
            trusted = await shake(asking, doors, name, ca_file=target.ca_file)
            if not trusted:
                yield None
                return
            context = trusting(target.ca_file)
        try:
            door = await way.connected(trusted[0], port) if context else door
            speech = await speaking(door, tls=context, name=name)
        except OSError as error:
            raise Stopped("PROBE_CONNECT", f"No connection to port {port} ({way.reason_of(error)}).") from error
        try:
            yield speech
        finally:
            speech.end()


async def _first_look(asking: Asking, speech: Speech) -> Info | None:
    with asking.stage("protocol") as step:
        reply = await _said(speech, "PING")
        step.words = reply.refusal or reply.text
        if not reply.refusal and reply.text != "PONG":
            raise _not_redis(reply.text)
        if reply.refusal and not (asking.secret and reply.refusal == "NOAUTH"):
            _heed(asking, reply)
    if asking.secret:
        with asking.stage("login"):
            refused = await _said(speech, "AUTH", *_credential(asking.secret))
            if refused.refusal:
                _heed(asking, refused)
            reply = await _said(speech, "PING")
            if reply.refusal:
                _heed(asking, reply)
    with asking.stage("query"):
        return await _info(asking, speech)


async def _change(asking: Asking, speech: Speech, first: Info) -> Change | None:
    if asking.target.timeout_s < asking.interval_s:
        asking.fact("Change", f"not looked at: its time limit is shorter than {asking.interval_s:g} s")
        return None
    await asking.clock.sleep(asking.interval_s)
    async with asyncio.timeout(asking.target.timeout_s):
        with asking.stage("second query"):
            second = await _info(asking, speech)
    return Change(first, second, asking.interval_s) if second else None


async def _info(asking: Asking, speech: Speech) -> Info | None:
    reply = await _said(speech, "INFO")
    if reply.refusal:
        _heed(asking, reply)
        return None
    return Info.parse(reply.text)


async def _said(speech: Speech, *words: str) -> Reply:
    try:
        return await speech.say(*words)
    except NotSpoken as error:
        raise _not_redis(error.beginning.decode("utf-8", "replace")) from error
    except OSError as error:
        raise Stopped(
            "PROBE_CONNECT",
            f"The connection broke off ({way.reason_of(error)}).",
            advice="Look at its log and its restarts.",
        ) from error


def _heed(asking: Asking, reply: Reply) -> None:
    """Note what a refusal means; raise where nothing more will be answered."""
    known = meaning(reply)
    words = f"{known.words}: {reply.text}"
    if known.ends:
        raise Stopped(known.code, words, advice=known.advice, severity=known.severity, health=known.health)
    asking.trouble(known.code, known.severity, words, advice=known.advice, health=known.health)


def _credential(secret: str) -> list[str]:
    """Return the words of AUTH: a user and a password, or a password alone; with a colon in it that is `:password`."""
    user, colon, password = secret.partition(":")
    return [word for word in (user, password) if word] if colon else [secret]


def _not_redis(beginning: str) -> Stopped:
    said = f"it answered {beginning[:1000]!r}" if beginning else "it closed the connection"
    return Stopped(
        "NOT_REDIS", f"This is no Redis: to PING {said}.", advice="Check the port, and whether it wants TLS."
    )
