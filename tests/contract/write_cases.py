"""All writes of the contract."""

from __future__ import annotations

from tests.contract.case import Case
from tests.contract.cases_kubectl import KUBECTL_CASES
from tests.contract.cases_limits import LIMIT_CASES
from tests.contract.cases_patches import PATCH_CASES
from tests.contract.cases_refusals import REFUSAL_CASES
from tests.contract.cases_rollouts import ROLLOUT_CASES
from tests.contract.cases_scales import SCALE_CASES
from tests.contract.cases_sets import SET_CASES
from tests.contract.cases_writes import WRITE_CASES

CASES: tuple[Case, ...] = (
    *REFUSAL_CASES,
    *WRITE_CASES,
    *PATCH_CASES,
    *SCALE_CASES,
    *ROLLOUT_CASES,
    *SET_CASES,
    *LIMIT_CASES,
    *KUBECTL_CASES,
)
