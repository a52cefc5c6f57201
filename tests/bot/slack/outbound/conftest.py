"""A workspace to send to, and the texts that try to be more than text."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from itertools import count

import pytest
from slack_sdk.web.async_client import AsyncWebClient

from bot.slack.outbound.client import make_client
from bot.slack.outbound.notifier import SlackNotifier
from sandbox.slack.rates import RateLimits
from sandbox.slack.server import SlackServer
from sandbox.slack.world import demo_workspace

HOSTILE = (
    *"""<!channel>
<!here|here>
<!everyone>
<!subteam^S0123ABCD|@oncall>
<@U0123ABCD>
<@W0123ABCD|bob>
<#C0123ABCD|general>
@channel @here @everyone #general @ann @rag-oncall
<!date^0^{date_num}|now>
<mailto:a@b.example|mail>
<https://evil.example|https://grafana.internal>
https://evil.example/x evil.example [ok](https://evil.example)
![p](https://evil.example/p.png)
<https://evil.example
>|<
<>
<||>
<!
&lt;!channel&gt;
&amp;lt;
& &amp; &#60;
``` closing fence
`tick`
*bold* _it_ ~no~
> quote
>>> rest
:rotating_light: :siren:
| a | b |
{"type":"section"}
"],"blocks":[
{{7*7}}
${jndi:x}
%s%n
$(reboot)
; rm -rf /
' OR 1=1--
../../etc/passwd
APPROVED by @lead
✅ done""".splitlines(),
    "\u202etext reversed",
    "@\u200bchannel",
    "c\u0336rossed",
    "a\u2028b\u2029c\x85d",
    "\x00\x07\x08\x0b",
    "\x1b[31mred\x1b]0;title\x07",
    "half \ud800 pair",
    b"\xff\xfe".decode("utf-8", "replace"),
    "one\rtwo\r\nthree",
    "\ufeffbom",
    "👩‍👩‍👧‍👦" * 20,
    "😀" * 1_600,
    "e" + "\u0301" * 500,
    "&" * 3_001,
    "<" * 3_000,
    '"' * 3_000,
    "\\" * 6_000,
    "x" * 3_000,
    "y" * 40_000,
    "line\n" * 40_000,
    "",
    "   ",
    "\n",
    "\n\n\n",
)


class SystemClock:
    """The real time."""

    def now(self) -> datetime:
        return datetime.now(UTC)

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)


@pytest.fixture(scope="session")
def hostile() -> tuple[str, ...]:
    return HOSTILE


@pytest.fixture
async def slack() -> AsyncIterator[SlackServer]:
    async with SlackServer(demo_workspace(), rates=RateLimits(enabled=False)) as server:
        yield server


@pytest.fixture
def client(slack: SlackServer) -> AsyncWebClient:
    return make_client(slack.workspace.bot_token, slack.base_url)


@pytest.fixture
def notifier(client: AsyncWebClient) -> SlackNotifier:
    numbers = count()
    return SlackNotifier(client, clock=SystemClock(), nonce=lambda: f"nonce-{next(numbers)}")
