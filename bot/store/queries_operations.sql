-- Statements about changes: requests, their approvals and writes, the messages that show them, what was seen to work.

-- name: now
SELECT clock_timestamp() AS now;

-- name: operation_add
-- No row: another one blocks the target. Who comes second waits for the first to commit or to roll back.
INSERT INTO operations (
    id, plan, digest, step, requester_user, requester_team, human, cluster, namespace, kind, name, uid, policy_version,
    channel, thread, copies, created_at, expires_at, state, effect, approved_at, execute_by, began_at, written_at,
    ended_at, version, generation, outcome, closed_by, resolution, progress, verdict, verdict_due, reminded, fence)
VALUES (
    %(id)s, %(plan)s, %(digest)s, %(step)s, %(requester_user)s, %(requester_team)s, %(human)s, %(cluster)s,
    %(namespace)s, %(kind)s, %(name)s, %(uid)s, %(policy_version)s, %(channel)s, %(thread)s, %(copies)s,
    %(created_at)s, %(expires_at)s, %(state)s, %(effect)s, %(approved_at)s, %(execute_by)s, %(began_at)s,
    %(written_at)s, %(ended_at)s, %(version)s, %(generation)s, %(outcome)s, %(closed_by)s, %(resolution)s, %(progress)s, %(verdict)s,
    %(verdict_due)s, %(reminded)s, %(fence)s)
ON CONFLICT DO NOTHING RETURNING id;

-- name: operation_lock
-- A statement of its own before it is read: whoever waits here then sees the votes of whom it waited for.
SELECT id FROM operations WHERE id = %(id)s FOR UPDATE;

-- name: operations_read
SELECT o.*, (SELECT json_agg(v ORDER BY v.number) FROM votes v WHERE v.operation_id = o.id) AS votes
FROM operations o WHERE o.id = ANY (%(ids)s::text[]);

-- name: operation_save
-- A lease ends with what it was taken for.
UPDATE operations SET state = %(state)s, effect = %(effect)s, approved_at = %(approved_at)s,
    execute_by = %(execute_by)s, began_at = %(began_at)s, written_at = %(written_at)s, ended_at = %(ended_at)s,
    version = %(version)s, generation = %(generation)s, outcome = %(outcome)s, closed_by = %(closed_by)s,
    resolution = %(resolution)s, progress = %(progress)s, verdict = %(verdict)s, verdict_due = %(verdict_due)s,
    reminded = %(reminded)s, fence = %(fence)s,
    lease_until = CASE WHEN %(state)s IN ('APPROVED', 'EXECUTING') THEN lease_until END
WHERE id = %(id)s AND fence = coalesce(%(only_fence)s::integer, fence)
RETURNING id;

-- name: votes_save
-- A vote that was cast stays as it was; only that it is void can be added, once.
INSERT INTO votes (operation_id, number, human, user_id, team_id, sets, digest, cast_at, groups, groups_read_at, void)
SELECT %(id)s, number, human, user_id, team_id, sets, digest, cast_at, groups, groups_read_at, void
FROM json_to_recordset(%(votes)s::json) AS cast_votes (number integer, human text, user_id text, team_id text,
    sets json, digest text, cast_at timestamptz, groups json, groups_read_at timestamptz, void text)
ORDER BY number
ON CONFLICT (operation_id, number) DO UPDATE SET void = excluded.void WHERE votes.void = '' AND excluded.void <> '';

-- name: operations_begin_with
-- By a whole id, or by the beginning of one that is long enough.
SELECT id FROM operations
WHERE id = %(id)s
   OR length(%(id)s) >= %(shortest)s AND id > %(id)s AND id < %(id)s || '~' AND starts_with(id, %(id)s)
ORDER BY id LIMIT 2;

-- name: operation_blocking
SELECT id FROM operations
WHERE cluster = %(cluster)s AND namespace = %(namespace)s AND kind = %(kind)s AND name = %(name)s
  AND (state IN ('PENDING', 'APPROVED', 'EXECUTING') OR (state = 'UNKNOWN' AND resolution IS NULL));

-- name: operations_search
-- NULL means any; within bounds only what has ended.
SELECT o.*, (SELECT json_agg(v ORDER BY v.number) FROM votes v WHERE v.operation_id = o.id) AS votes
FROM operations o
WHERE (%(states)s::text[] IS NULL OR state = ANY (%(states)s::text[]))
  AND (%(kind)s::text IS NULL OR (kind = %(kind)s::text AND name = %(name)s::text))
  AND (%(namespace)s::text IS NULL OR namespace = %(namespace)s::text)
  AND (%(cluster)s::text IS NULL OR cluster = %(cluster)s::text)
  AND (%(within_s)s::double precision IS NULL OR ended_at IS NULL
       OR ended_at > clock_timestamp() - make_interval(secs => %(within_s)s::double precision))
  AND id <> ALL (%(unreadable)s::text[])
ORDER BY created_at DESC, id LIMIT %(limit)s;

-- name: operation_take
-- One worker gets the one that waits for longest, others skip it. Whoever wrote to the cluster before has the old fence
-- and can write nothing here any more. What may not begin in time any more is left to end. A lease that still runs counts
-- for nothing when its worker's own lock is free: then the process is gone.
UPDATE operations SET worker = %(worker)s, taken_at = clock_timestamp(), guarded = false,
    fence = fence + CASE state WHEN 'EXECUTING' THEN 1 ELSE 0 END,
    lease_until = clock_timestamp() + make_interval(secs => %(lease_s)s)
WHERE id = (
    SELECT id FROM operations
    WHERE state IN ('APPROVED', 'EXECUTING') AND (state = 'EXECUTING' OR execute_by > clock_timestamp())
      AND (lease_until IS NULL OR lease_until < clock_timestamp() OR guarded AND NOT EXISTS (
          SELECT 1 FROM pg_locks l
          WHERE l.locktype = 'advisory' AND l.objsubid = 1
            AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database())
            AND (l.classid::bigint << 32 | l.objid::bigint) = hashtextextended(operations.id, 7215034186820541779)
      ))
      AND id <> ALL (%(unreadable)s::text[])
    ORDER BY coalesce(taken_at, created_at), id LIMIT 1 FOR UPDATE SKIP LOCKED
)
RETURNING id;

-- name: operation_guard
-- A lock of the session, not of a transaction: it ends with the connection.
SELECT pg_try_advisory_lock(hashtextextended(%(id)s, 7215034186820541779)) AS held;

-- name: operation_unguard
SELECT pg_advisory_unlock(hashtextextended(%(id)s, 7215034186820541779)) AS freed;

-- name: operation_guarded
UPDATE operations SET guarded = true WHERE id = %(id)s AND worker = %(worker)s AND fence = %(fence)s;

-- name: operation_renew
UPDATE operations SET lease_until = clock_timestamp() + make_interval(secs => %(lease_s)s)
WHERE id = %(id)s AND fence = %(fence)s AND state IN ('APPROVED', 'EXECUTING')
RETURNING id;

-- name: operation_release
UPDATE operations SET lease_until = NULL WHERE id = %(id)s AND fence = %(fence)s;

-- name: operations_due
-- A reminder at half of the time to answer and one at four fifths; the end of that time, and of the time to begin; the
-- verdict on what was done. What waits for people comes first.
SELECT id FROM operations
WHERE (state IN ('PENDING', 'APPROVED') AND CASE state
           WHEN 'APPROVED' THEN execute_by
           ELSE least(expires_at, created_at + (expires_at - created_at)
                                  * CASE reminded WHEN 0 THEN 0.5 WHEN 1 THEN 0.8 ELSE 1 END)
       END <= clock_timestamp()
    OR verdict IS NULL AND verdict_due IS NOT NULL AND verdict_due <= clock_timestamp())
  AND id <> ALL (%(unreadable)s::text[])
ORDER BY ended_at IS NOT NULL, coalesce(verdict_due, created_at), id LIMIT %(limit)s;

-- name: operations_that_left_marks
-- What is being written may have left its mark already.
SELECT id FROM operations
WHERE cluster = %(cluster)s AND namespace = %(namespace)s AND (effect IN ('applied', 'unknown') OR state = 'EXECUTING')
ORDER BY created_at DESC, id;

-- name: operations_blocking_counts
SELECT state, count(*) AS number FROM operations
WHERE state IN ('PENDING', 'APPROVED', 'EXECUTING') OR (state = 'UNKNOWN' AND resolution IS NULL)
GROUP BY state;

-- name: operations_lasted
SELECT extract(epoch FROM ended_at - written_at)::double precision AS seconds FROM operations
WHERE cluster = %(cluster)s AND namespace = %(namespace)s AND kind = %(kind)s AND name = %(name)s
  AND state = 'SUCCEEDED' AND written_at IS NOT NULL AND step = ANY (%(steps)s::text[])
ORDER BY ended_at DESC LIMIT %(limit)s;

-- name: operations_purge
-- With their votes, tokens and attempts. What ended in doubt stays until a person has looked.
DELETE FROM operations
WHERE ended_at < clock_timestamp() - make_interval(days => %(days)s) AND (state <> 'UNKNOWN' OR resolution IS NOT NULL);

-- name: token_add
INSERT INTO tokens (hash, operation_id, digest, purpose, channel)
VALUES (%(hash)s, %(operation_id)s, %(digest)s, %(purpose)s, %(channel)s);

-- name: token_find
SELECT t.hash, t.operation_id, t.digest, t.purpose, t.channel FROM tokens t JOIN operations o ON o.id = t.operation_id
WHERE t.hash = %(hash)s
  AND (o.ended_at IS NULL OR o.ended_at >= clock_timestamp() - make_interval(days => %(days)s));

-- name: tokens_purge
DELETE FROM tokens t USING operations o
WHERE o.id = t.operation_id AND o.ended_at < clock_timestamp() - make_interval(days => %(days)s);

-- name: attempt_begin
-- Under the row's lock: whoever raises the fence afterwards sees this row. A write that was applied is not begun again.
INSERT INTO attempts (operation_id, fence, number, resource_version, generation, prior_marker)
SELECT id, fence, %(number)s, %(resource_version)s, %(generation)s, %(prior_marker)s FROM (
    SELECT id, fence FROM operations WHERE id = %(operation_id)s AND fence = %(fence)s AND state = 'EXECUTING' FOR UPDATE
) held
ON CONFLICT (operation_id, fence, number, resource_version)
    DO UPDATE SET outcome = '', began_at = clock_timestamp(), ended_at = NULL WHERE attempts.outcome <> 'applied'
RETURNING id;

-- name: attempt_end
UPDATE attempts SET outcome = %(outcome)s, ended_at = clock_timestamp()
WHERE operation_id = %(operation_id)s AND fence = %(fence)s AND number = %(number)s
  AND resource_version = %(resource_version)s;

-- name: attempts_of
SELECT operation_id, fence, number, resource_version, generation, prior_marker, outcome FROM attempts
WHERE operation_id = %(operation_id)s ORDER BY id;

-- name: message_shown
SELECT message_id, version FROM message_refs WHERE subject = %(subject)s AND channel = %(channel)s;

-- name: message_thread
-- A message that stands in a thread has no thread of its own.
SELECT CASE thread WHEN '' THEN message_id ELSE thread END AS thread FROM message_refs
WHERE subject = %(subject)s AND channel = %(channel)s;

-- name: message_remember
-- An older picture never takes the place of a newer one.
INSERT INTO message_refs (subject, channel, message_id, thread, version)
VALUES (%(subject)s, %(channel)s, %(message_id)s, %(thread)s, %(version)s)
ON CONFLICT (subject, channel) DO UPDATE SET message_id = excluded.message_id, thread = excluded.thread,
    version = excluded.version, shown_at = clock_timestamp()
WHERE message_refs.version < excluded.version;

-- name: message_doubt
UPDATE message_refs SET version = %(version)s
WHERE subject = %(subject)s AND channel = %(channel)s AND version > %(version)s RETURNING message_id;

-- name: messages_purge
DELETE FROM message_refs WHERE shown_at < clock_timestamp() - make_interval(days => %(days)s);

-- name: outbox_newest_picture
SELECT post FROM outbox
WHERE subject = %(subject)s AND channel = %(channel)s AND version > %(version)s AND state IN ('waiting', 'sending')
ORDER BY version DESC, id DESC LIMIT 1;

-- name: outbox_show_again
INSERT INTO outbox (channel, post, subject, version)
SELECT channel, post, subject, version FROM outbox
WHERE subject = %(subject)s AND channel = %(channel)s AND version > %(version)s AND state = 'delivered'
ORDER BY version DESC, id DESC LIMIT 1;

-- name: worked_note
INSERT INTO worked_revisions (cluster, namespace, kind, name, workload_uid, revision_uid, number, version, pods)
SELECT %(cluster)s, %(namespace)s, kind, name, workload_uid, revision_uid, number, version, pods
FROM json_to_recordset(%(seen)s::json) AS seen (kind text, name text, workload_uid text, revision_uid text,
    number bigint, version text, pods integer)
ORDER BY kind, name, workload_uid, revision_uid
ON CONFLICT (cluster, namespace, kind, name, workload_uid, revision_uid) DO UPDATE SET number = excluded.number,
    version = excluded.version, pods = excluded.pods, last_at = clock_timestamp(), minutes = worked_revisions.minutes + 1;

-- name: worked_revisions
SELECT workload_uid, revision_uid, number, version, first_at, last_at, minutes FROM worked_revisions
WHERE cluster = %(cluster)s AND namespace = %(namespace)s AND kind = %(kind)s AND name = %(name)s
ORDER BY last_at DESC, minutes DESC, revision_uid;

-- name: worked_purge
DELETE FROM worked_revisions WHERE last_at < clock_timestamp() - make_interval(days => %(days)s);
