"""`set cpu`: give a container of a workload another limit of CPU, and another request where that is named."""

from __future__ import annotations

from bot.domain.actions import Change
from bot.planning.amounts import CPU
from bot.planning.ground import NEEDS
from bot.planning.setting import CpuParams, Setting

_SETTING = Setting(CPU)

ACTION = Change(
    name="set cpu",
    summary="Give a container of a workload another limit of CPU",
    params=CpuParams,
    needs=NEEDS,
    observe=_SETTING.observe,
    plan=_SETTING.plan,
    examples=(
        ("set cpu api 500m", "the limit; what it asks for stays"),
        ("set cpu api 2 --request 250m", "both"),
    ),
)
