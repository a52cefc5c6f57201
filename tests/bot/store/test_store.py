from bot.domain.people import Actor
from bot.domain.requests import Place, Post, Request, Surface
from bot.domain.view import Headline, View
from bot.ports import AuditEntry
from bot.store.store import PostgresStore


async def test_a_request_travels_from_the_inbox_to_the_outbox_and_the_audit(
    store: PostgresStore, store_url: str
) -> None:
    request = Request(key="k1", actor=Actor("U1", "T1"), surface=Surface.COMMAND, text="status", reply_to="https://x")
    assert await store.inbox.accept(request)
    assert not await store.inbox.accept(request)
    claimed = await store.inbox.claim(lease_s=10)
    assert claimed is not None
    assert claimed.request == request
    async with store.transaction() as t:
        assert await t.finish(claimed)
        n = await t.put(Post(Place("C1"), View("s", (Headline("x"),))))
        await t.audit(AuditEntry(actor="U1", action="a", subject="s", result="r", detail={"a": 1}))
    out = await store.outbox.claim(lease_s=10)
    assert out is not None and out.id == n
    assert await store.outbox.sending(out)
    assert await store.outbox.delivered(out, message_id="1.2")
    from bot.store.audit import verify_audit

    print(await verify_audit(store_url, str(await store.audit_head())))
