-- Requests that must not be lost, each once. The reply address stands beside the request so that it can be wiped.
CREATE TABLE inbox (
    id          bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    key         text NOT NULL UNIQUE,
    request     text NOT NULL,
    reply_to    text NOT NULL DEFAULT '',
    state       text NOT NULL DEFAULT 'received' CHECK (state IN ('received', 'done', 'dead')),
    fence       integer NOT NULL DEFAULT 0,
    attempts    integer NOT NULL DEFAULT 0,
    lease_until timestamptz,
    received_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    done_at     timestamptz,
    CHECK (state = 'received' OR reply_to = '')
);
CREATE INDEX inbox_waiting ON inbox (id) WHERE state = 'received';

-- Messages that others are to see. Within a channel only the oldest open one can be claimed.
CREATE TABLE outbox (
    id          bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    channel     text NOT NULL,
    post        text NOT NULL,
    state       text NOT NULL DEFAULT 'waiting' CHECK (state IN ('waiting', 'sending', 'delivered', 'dead')),
    fence       integer NOT NULL DEFAULT 0,
    attempts    integer NOT NULL DEFAULT 0,
    unsure      boolean NOT NULL DEFAULT false,
    lease_until timestamptz,
    due_at      timestamptz NOT NULL DEFAULT clock_timestamp(),
    created_at  timestamptz NOT NULL DEFAULT clock_timestamp(),
    closed_at   timestamptz,
    message_id  text NOT NULL DEFAULT '',
    reason      text NOT NULL DEFAULT ''
);
CREATE INDEX outbox_open ON outbox (channel, id) WHERE state IN ('waiting', 'sending');

-- What happened, chained by hashes. Rows are added and never changed.
CREATE TABLE audit (
    seq           bigint PRIMARY KEY,
    at            timestamptz NOT NULL,
    actor         text NOT NULL,
    action        text NOT NULL,
    subject       text NOT NULL,
    result        text NOT NULL,
    detail        text NOT NULL,
    previous_hash bytea NOT NULL,
    hash          bytea NOT NULL
);

CREATE FUNCTION audit_is_append_only() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'the audit is append-only: % refused', TG_OP USING ERRCODE = 'insufficient_privilege';
END
$$;
CREATE TRIGGER audit_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON audit
    FOR EACH STATEMENT EXECUTE FUNCTION audit_is_append_only();
