"""All questions of the contract."""

from __future__ import annotations

from tests.contract.case import Case
from tests.contract.cases_choices import CHOICE_CASES
from tests.contract.cases_logs import LOG_CASES
from tests.contract.cases_objects import OBJECT_CASES
from tests.contract.cases_rights import RIGHTS_CASES
from tests.contract.cases_watches import WATCH_CASES

CASES: tuple[Case, ...] = (*OBJECT_CASES, *CHOICE_CASES, *WATCH_CASES, *LOG_CASES, *RIGHTS_CASES)
