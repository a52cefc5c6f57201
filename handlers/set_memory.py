"""`set memory`: give a container of a workload another limit of memory, and another request where that is named."""

from __future__ import annotations

from bot.domain.actions import Change
from bot.planning.amounts import MEMORY
from bot.planning.ground import NEEDS
from bot.planning.setting import Params, Setting

_SETTING = Setting(MEMORY)

ACTION = Change(
    name="set memory",
    summary="Give a container of a workload another limit of memory",
    params=Params,
    needs=NEEDS,
    observe=_SETTING.observe,
    plan=_SETTING.plan,
    examples=(
        ("set memory api 1Gi", "the limit; what it asks for stays"),
        ("set memory api 1536Mi --request 1Gi", "both"),
    ),
)
