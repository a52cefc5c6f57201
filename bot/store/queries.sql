-- The statements of the store, by name; those about changes are in queries_operations.sql, those about watching in
-- queries_watch.sql. Parameters only. The database's clock is the only clock: leases are compared with clock_timestamp()
-- so that a long transaction does not work with an old time.

-- name: limit_statements
-- Bound this transaction's statements, and its silence: a process that stands still in the middle of it would keep its
-- locks, the audit's with them. Local, so that it works behind a pooler too.
SELECT set_config('statement_timeout', %(limit_ms)s::text, true), set_config('lock_timeout', %(limit_ms)s::text, true),
    set_config('idle_in_transaction_session_timeout', %(limit_ms)s::text, true);

-- name: ping
SELECT 1 AS one;

-- name: server_version
SELECT current_setting('server_version_num')::integer AS number, current_setting('server_version') AS version;

-- name: inbox_accept
-- A repeat of the same delivery returns no row.
INSERT INTO inbox (key, request, reply_to, user_id, team_id)
VALUES (%(key)s, %(request)s, %(reply_to)s, %(user_id)s, %(team_id)s)
ON CONFLICT (key) DO NOTHING RETURNING id;

-- name: inbox_bury
-- A request that was tried often enough and never finished is set aside; it stays visible.
UPDATE inbox SET state = 'dead', reply_to = '', done_at = clock_timestamp()
WHERE state = 'received' AND attempts >= %(most)s AND lease_until < clock_timestamp()
RETURNING key, attempts;

-- name: inbox_claim
-- One worker gets the oldest request that nobody works on; others skip it instead of waiting.
UPDATE inbox SET fence = fence + 1, attempts = attempts + 1,
    lease_until = clock_timestamp() + make_interval(secs => %(lease_s)s)
WHERE id = (
    SELECT id FROM inbox
    WHERE state = 'received' AND attempts < %(most)s
      AND (lease_until IS NULL OR lease_until < clock_timestamp())
    ORDER BY id LIMIT 1 FOR UPDATE SKIP LOCKED
)
RETURNING id, key, request, reply_to, fence;

-- name: inbox_claim_key
UPDATE inbox SET fence = fence + 1, attempts = attempts + 1,
    lease_until = clock_timestamp() + make_interval(secs => %(lease_s)s)
WHERE id = (
    SELECT id FROM inbox
    WHERE key = %(key)s AND state = 'received' AND attempts < %(most)s
      AND (lease_until IS NULL OR lease_until < clock_timestamp())
    FOR UPDATE SKIP LOCKED
)
RETURNING id, key, request, reply_to, fence;

-- name: inbox_put_off
UPDATE inbox SET lease_until = clock_timestamp() + make_interval(secs => %(delay_s)s)
WHERE id = %(id)s AND state = 'received' AND fence = %(fence)s;

-- name: inbox_waiting
-- Without a person: a version before this one wrote it, and the request itself tells.
SELECT id, request FROM inbox
WHERE state = 'received' AND (user_id = %(user_id)s AND team_id = %(team_id)s OR user_id IS NULL)
ORDER BY id;

-- name: inbox_finish
-- The fence proves that nobody took the request over meanwhile.
UPDATE inbox SET state = 'done', reply_to = '', lease_until = NULL, done_at = clock_timestamp()
WHERE key = %(key)s AND state = 'received' AND fence = %(fence)s
RETURNING id;

-- name: inbox_purge
DELETE FROM inbox WHERE state <> 'received'
AND done_at < clock_timestamp() - make_interval(hours => CASE state WHEN 'dead' THEN %(dead_hours)s ELSE %(hours)s END);

-- name: outbox_put
INSERT INTO outbox (channel, post, subject, version)
VALUES (%(channel)s, %(post)s, %(subject)s, %(version)s) RETURNING id;

-- name: outbox_waiting_picture
-- The newest of a subject that nobody holds and nobody began to send, locked until the commit.
SELECT id, version FROM outbox
WHERE subject = %(subject)s AND subject <> '' AND channel = %(channel)s AND state = 'waiting' AND NOT unsure
  AND (lease_until IS NULL OR lease_until < clock_timestamp())
ORDER BY version DESC, id DESC LIMIT 1 FOR UPDATE;

-- name: outbox_repaint
-- It keeps its place, its tries and its time to wait. The fence is raised: whoever once held it held another picture.
UPDATE outbox SET post = %(post)s, version = %(version)s, fence = fence + 1, lease_until = NULL,
    created_at = clock_timestamp()
WHERE id = %(id)s;

-- name: outbox_claim
-- Only the oldest open message of a channel can be claimed, so a lease on it is a lease on the channel. A message whose
-- last claimer had begun to hand it over leaves doubt.
UPDATE outbox SET fence = fence + 1, attempts = attempts + 1, unsure = unsure OR state = 'sending', state = 'waiting',
    lease_until = clock_timestamp() + make_interval(secs => %(lease_s)s)
WHERE id = (
    SELECT o.id FROM outbox o
    WHERE o.state IN ('waiting', 'sending') AND o.due_at <= clock_timestamp()
      AND (o.lease_until IS NULL OR o.lease_until < clock_timestamp())
      AND NOT EXISTS (
          SELECT 1 FROM outbox e WHERE e.channel = o.channel AND e.state IN ('waiting', 'sending') AND e.id < o.id
      )
    ORDER BY o.due_at, o.id LIMIT 1 FOR UPDATE OF o SKIP LOCKED
)
RETURNING id, post, fence, attempts, unsure, created_at,
    extract(epoch FROM clock_timestamp() - created_at)::double precision AS age_s;

-- name: outbox_sending
-- Refused once the lease has run out, even when nobody took it: somebody may at any moment.
UPDATE outbox SET state = 'sending'
WHERE id = %(id)s AND fence = %(fence)s AND state = 'waiting' AND lease_until > clock_timestamp()
RETURNING id;

-- name: outbox_delivered
UPDATE outbox SET state = 'delivered', message_id = %(message_id)s, lease_until = NULL, closed_at = clock_timestamp()
WHERE id = %(id)s AND fence = %(fence)s AND state IN ('waiting', 'sending')
RETURNING id;

-- name: outbox_postpone
UPDATE outbox SET state = 'waiting', unsure = %(unsure)s, reason = %(reason)s, lease_until = NULL,
    due_at = clock_timestamp() + make_interval(secs => %(delay_s)s)
WHERE id = %(id)s AND fence = %(fence)s AND state IN ('waiting', 'sending')
RETURNING id;

-- name: outbox_held
SELECT id FROM outbox WHERE id = %(id)s AND fence = %(fence)s AND state IN ('waiting', 'sending') FOR UPDATE;

-- name: outbox_give_up
-- What the last try met stays behind the reason.
UPDATE outbox SET state = 'dead', lease_until = NULL, closed_at = clock_timestamp(),
    reason = %(reason)s || CASE reason WHEN '' THEN '' ELSE '; before: ' || reason END
WHERE id = %(id)s AND fence = %(fence)s AND state IN ('waiting', 'sending')
RETURNING channel, reason;

-- name: outbox_depth
SELECT count(*) AS depth FROM outbox WHERE state IN ('waiting', 'sending');

-- name: outbox_purge
DELETE FROM outbox WHERE state IN ('delivered', 'dead')
AND closed_at < clock_timestamp() - make_interval(hours => CASE state WHEN 'dead' THEN %(dead_hours)s ELSE %(hours)s END);

-- name: seen_first
-- A key whose time is over counts as new. Who comes second waits for the first and then finds its row.
INSERT INTO seen (key, until) VALUES (%(key)s, clock_timestamp() + make_interval(secs => %(keep_s)s))
ON CONFLICT (key) DO UPDATE SET until = excluded.until WHERE seen.until <= clock_timestamp()
RETURNING key;

-- name: seen_purge
DELETE FROM seen WHERE until <= clock_timestamp();

-- name: slot_claim
-- Who comes second waits for the first: when that one rolls back, the slot is free again.
INSERT INTO slots (name, due_at) VALUES (%(name)s, %(due_at)s) ON CONFLICT DO NOTHING RETURNING name;

-- name: audit_lock
-- One writer at a time, until the commit: the chain has no forks.
SELECT pg_advisory_xact_lock(7215034186820541777);

-- name: audit_next
-- A statement of its own after the lock, so that it sees what the writer before us committed.
SELECT clock_timestamp() AS at, last.seq, last.hash FROM (VALUES (1)) one (n)
LEFT JOIN LATERAL (SELECT seq, hash FROM audit ORDER BY seq DESC LIMIT 1) last ON true;

-- name: audit_append
INSERT INTO audit (seq, at, actor, action, subject, result, detail, previous_hash, hash)
VALUES (%(seq)s, %(at)s, %(actor)s, %(action)s, %(subject)s, %(result)s, %(detail)s, %(previous_hash)s, %(hash)s);

-- name: audit_head
SELECT seq, hash FROM audit ORDER BY seq DESC LIMIT 1;

-- name: audit_search
-- An empty word means any. The indexes hold the first hundred characters of a word.
SELECT seq, at, actor, action, subject, result, detail FROM audit
WHERE (%(operation)s::text = ''
       OR left(lower(action), 100) = left(lower(%(operation)s::text), 100) AND lower(action) = lower(%(operation)s::text)
       OR audit_ids(detail, subject) @> ARRAY[%(operation)s::text])
  AND (%(actor)s::text = '' OR left(actor, 100) = left(%(actor)s::text, 100) AND actor = %(actor)s::text)
  AND (%(since)s::timestamptz IS NULL OR at >= %(since)s::timestamptz)
ORDER BY seq DESC LIMIT %(limit)s;

-- name: audit_walk
SELECT seq, at, actor, action, subject, result, detail, previous_hash, hash FROM audit ORDER BY seq;

-- name: database_facts
SELECT current_setting('server_version') AS version, current_user AS role, clock_timestamp() AS now,
    pg_encoding_to_char(encoding) AS encoding,
    coalesce(has_schema_privilege(current_schema(), 'CREATE'), false) AS may_create,
    pg_is_in_recovery() OR current_setting('default_transaction_read_only')::boolean AS read_only
FROM pg_database WHERE datname = current_database();

-- name: migration_lock
SELECT pg_advisory_xact_lock(7215034186820541778);

-- name: limit_locks
-- Whoever waits for a table's lock holds up all who come after, so this wait is short.
SELECT set_config('lock_timeout', %(limit_ms)s::text, true);

-- name: only_read
SET TRANSACTION READ ONLY;

-- name: rights_missing
-- Of the tables that are there.
SELECT wanted.name, wanted.privilege
FROM unnest(%(names)s::text[], %(privileges)s::text[]) AS wanted (name, privilege)
WHERE to_regclass(wanted.name) IS NOT NULL AND NOT has_table_privilege(wanted.name, wanted.privilege);

-- name: migration_table_exists
SELECT to_regclass('schema_migrations') IS NOT NULL AS there;

-- name: migration_table
CREATE TABLE IF NOT EXISTS schema_migrations (
    version    integer PRIMARY KEY,
    name       text NOT NULL,
    checksum   text NOT NULL,
    applied_at timestamptz NOT NULL DEFAULT clock_timestamp()
);

-- name: migrations_applied
SELECT version, name, checksum FROM schema_migrations ORDER BY version;

-- name: migration_record
INSERT INTO schema_migrations (version, name, checksum) VALUES (%(version)s, %(name)s, %(checksum)s);
