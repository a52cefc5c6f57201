"""Several replicas of the bot as real processes around what they share."""

from __future__ import annotations

import pytest

pytest.register_assert_rewrite("tests.support.crowd_counts", "tests.support.replicas", "tests.support.shared_world")
