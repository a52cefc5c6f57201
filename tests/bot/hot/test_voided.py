"""Which values are not read although they are there."""

from __future__ import annotations

from bot.hot.voided import MOST_REMEMBERED, Voided


def test_what_nobody_sealed_is_not_read() -> None:
    """Bytes of a stranger, or of another version, are nothing."""
    book = Voided("me")
    for bytes_ in (b"", b"value", b"\nvalue", b"me\nvalue", b"me x\nvalue", b" 1\nvalue", b"me -1\nvalue"):
        assert book.opened("key", bytes_) is None
    assert book.opened("key", b"other 1\nline\nvalue") == b"line\nvalue"


def test_an_own_write_that_arrives_late_is_not_read() -> None:
    """Neither after its key was forgotten nor after a newer write; another replica's write is."""
    book = Voided("me")
    first, late = book.sealed(b"first")
    second, newer = book.sealed(b"second")
    book.written("key", second)
    book.written("key", first)
    assert (book.opened("key", late), book.opened("key", newer)) == (None, b"second")
    book.owe("key")
    book.paid(book.owed(10))
    assert book.opened("key", newer) is None
    assert book.opened("key", b"other 1\nvalue") == b"value"
    assert book.opened("other key", late) == b"first"


def test_what_is_owed_is_not_read_until_it_was_paid() -> None:
    """A key that was forgotten again while the first debt was paid stays owed."""
    book = Voided("me")
    book.owe("key")
    paying = book.owed(10)
    book.owe("key")
    book.paid(paying)
    assert book.opened("key", b"other 1\nvalue") is None
    book.paid(book.owed(10))
    assert book.opened("key", b"other 1\nvalue") == b"value"


def test_memory_is_bounded_and_what_it_loses_is_void() -> None:
    """A key that is no longer remembered takes all earlier writes of this process with it, but no later one."""
    book = Voided("me")
    _, old = book.sealed(b"old")
    book.owe("key")
    book.paid(book.owed(10))
    for number in range(MOST_REMEMBERED):
        book.written(f"key-{number}", book.sealed(b"")[0])
    _, new = book.sealed(b"new")

    assert len(book._least) == MOST_REMEMBERED
    assert (book.opened("key", old), book.opened("key", new)) == (None, b"new")
