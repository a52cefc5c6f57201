"""What secrets look like: tokens that carry their own mark, and values behind a name that says what they are.

Each search walks the text once: what a rule has read it either masks or never reads again, and every look back or ahead
is bounded. Pure; knows the standard library only.
"""

from bot.secret_shapes.marked import marked_secrets
from bot.secret_shapes.named import named_secrets
from bot.secret_shapes.spans import MASK, Span, merged

__all__ = ["MASK", "Span", "secret_spans"]


def secret_spans(text: str) -> list[Span]:
    """Return where secrets stand: in order, apart from each other, never empty, never a mask again."""
    found = [*marked_secrets(text), *named_secrets(text)]
    return merged(sorted(found)) if found else found
