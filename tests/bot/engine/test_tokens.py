"""The addresses on a card's buttons: the same on every picture of it, and of use to nobody else."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from bot.domain.actions import DecisionKind
from bot.domain.operations import CardCopy, State
from bot.engine.tokens import PURPOSES, address, addresses, hashed, is_address, tokens
from bot.engine.workshop import unguessable
from bot.store.store import PostgresStore
from tests.support.changes import operation, plan
from tests.support.databases import contents
from tests.support.engine import BOB, scene_on

HERE = "C1"
SEALS = st.binary(min_size=32, max_size=32).map(bytes.hex)


@given(SEALS)
def test_every_picture_of_a_card_has_the_same_addresses(seal: str) -> None:
    """Whoever renders it, and whatever state it has meanwhile; none once nothing can be decided."""
    waiting = operation(plan(seal=seal))
    later = replace(waiting, version=7, state=State.APPROVED)
    assert addresses(waiting, HERE) == addresses(later, HERE)
    assert set(addresses(waiting, HERE)) == {purpose.value for purpose in PURPOSES}
    assert addresses(replace(waiting, state=State.EXECUTING), HERE) == {}


@given(SEALS, SEALS.filter(lambda seal: seal != "00" * 32))
def test_no_two_addresses_are_alike(seal: str, other: str) -> None:
    """Each is for one request, one plan, one purpose, one channel."""
    of = operation(plan(seal=seal))
    kin = [(of, HERE), (replace(of, id="another"), HERE), (replace(of, digest="0" * 64), HERE), (of, "C2"), (of, "D1")]
    kin += [(operation(plan(seal=other)), HERE)] if other != seal else []
    made = [address(each, purpose, channel) for each, channel in kin for purpose in PURPOSES]
    assert len(set(made)) == len(made)
    assert all(is_address(each) for each in made)


def test_an_address_is_long_enough_that_nobody_guesses_it() -> None:
    """160 bits, from 256 of the system's own randomness, new each time."""
    assert len(bytes.fromhex(address(operation(plan(seal=unguessable())), DecisionKind.APPROVE, HERE))) * 8 == 160
    assert len({unguessable() for _ in range(100)}) == 100
    assert len(bytes.fromhex(unguessable())) * 8 == 256


def test_the_id_of_a_request_is_no_address() -> None:
    """People type the one, buttons carry the other."""
    assert not any(map(is_address, ("7f3a9c1e-5d52-4b6a-9f0e-0c1d2e3f4a5b", "7f3a9c1e", "", "f" * 41, "F" * 40)))


def test_the_store_is_handed_hashes() -> None:
    """With what each is about: those of the card, and those of each copy."""
    of = replace(operation(plan(seal=unguessable())), copies=(CardCopy("U1", "D1"), CardCopy("U2", "D2")))
    kept = {(token.channel, token.purpose): token for token in tokens(of)}
    channels = (of.place.channel, "D1", "D2")
    assert set(kept) == {(channel, purpose.value) for channel in channels for purpose in PURPOSES}
    for channel in channels:
        for purpose, raw in addresses(of, channel).items():
            token = kept[channel, purpose]
            assert (token.hash, token.operation_id, token.digest) == (hashed(raw), of.id, of.digest)


async def test_no_table_but_those_of_messages_and_clicks_holds_an_address(
    store: PostgresStore, store_url: str, tmp_path: Path
) -> None:
    """And the seal from which they are made is in no message and in no audit entry."""
    async with scene_on(store, tmp_path) as scene:
        of = await scene.request()
        await scene.vote(of, BOB)
        rows = contents(store_url).splitlines()
        raw = addresses(await scene.now(of), of.place.channel)["approve"]
        assert any(hashed(raw) in row for row in rows)
        assert sum(of.plan.seal in row for row in rows) == 1
        assert not any(raw in repr(row) for row in await scene.audit())
