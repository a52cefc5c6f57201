"""The names of the app's shortcuts, as the manifest declares them and the inbound side hears them."""

from __future__ import annotations

from typing import Final

BUILD_SHORTCUT: Final = "rag_build"
EXPLAIN_SHORTCUT: Final = "rag_explain"
