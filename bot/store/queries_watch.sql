-- Statements about watching: samples, problems, notes, episodes, silences, slots and pauses.

-- name: samples_add
INSERT INTO samples (cluster, namespace, minute, kind, name, desired, ready, restarts, warnings, cpu_m, memory, cpu_share,
    memory_share, probe_ms, probe_failed)
SELECT %(cluster)s, %(namespace)s, %(minute)s, kind, name, desired, ready, restarts, warnings, cpu_m, memory, cpu_share,
    memory_share, probe_ms, probe_failed
FROM json_to_recordset(%(samples)s::json) AS taken (kind text, name text, desired integer, ready integer,
    restarts integer, warnings integer, cpu_m integer, memory bigint, cpu_share real, memory_share real, probe_ms real,
    probe_failed boolean)
ORDER BY kind, name
ON CONFLICT DO NOTHING;

-- name: samples_since
SELECT minute, kind, namespace, name, desired, ready, restarts, warnings, cpu_m, memory, cpu_share, memory_share, probe_ms,
    probe_failed
FROM samples
WHERE cluster = %(cluster)s AND namespace = %(namespace)s AND minute >= %(since)s
  AND (%(kind)s::text IS NULL OR kind = %(kind)s::text AND name = %(name)s::text)
ORDER BY minute, kind, name;

-- name: samples_by_step
-- The replicas are those of the minute when most were missing. A count of restarts that falls lost the pods that went:
-- what is left of it did not happen then. What came before the first minute is looked at so that the restarts between
-- the two are counted.
SELECT kind, name, step, count(*)::integer AS minutes,
    (array_agg(desired ORDER BY desired - ready DESC, minute DESC))[1] AS desired,
    (array_agg(ready ORDER BY desired - ready DESC, minute DESC))[1] AS ready,
    coalesce(sum(greatest(restarts - before, 0)), 0)::bigint AS restarts,
    max(cpu_share) AS cpu_share, max(memory_share) AS memory_share, max(probe_ms) AS probe_ms,
    (count(*) FILTER (WHERE probe_failed))::integer AS probe_failures, sum(warnings)::bigint AS warnings
FROM (
    SELECT s.*, lag(restarts) OVER (PARTITION BY kind, name ORDER BY minute) AS before,
        floor(extract(epoch FROM minute - %(since)s::timestamptz) / %(step_s)s)::integer AS step
    FROM samples s
    WHERE cluster = %(cluster)s AND namespace = %(namespace)s AND minute < %(until)s
      AND minute >= %(since)s::timestamptz - make_interval(secs => %(before_s)s)
) looked_at
WHERE minute >= %(since)s::timestamptz
GROUP BY kind, name, step ORDER BY kind, name, step;

-- name: samples_forget
DELETE FROM samples WHERE ctid = ANY (ARRAY(
    SELECT ctid FROM samples WHERE minute < clock_timestamp() - make_interval(days => %(days)s)
    ORDER BY minute LIMIT %(limit)s
));

-- name: problems_see
-- One that ended a short while ago goes on. A minute that comes late ends nothing, and opens nothing again.
WITH seen AS (
    SELECT key, severity, title, words
    FROM json_to_recordset(%(problems)s::json) AS seen (key text, severity integer, title text, words text)
), standing AS (
    SELECT DISTINCT ON (s.key) s.id, s.key, s.ended_at
    FROM problem_spans s JOIN seen ON seen.key = s.key
    WHERE s.cluster = %(cluster)s AND s.namespace = %(namespace)s
      AND (s.ended_at IS NULL OR s.ended_at >= %(minute)s::timestamptz - make_interval(secs => %(again_s)s))
    ORDER BY s.key, s.ended_at DESC NULLS FIRST
), goes_on AS (
    UPDATE problem_spans s SET ended_at = NULL, seen_at = %(minute)s, severity = seen.severity, title = seen.title,
        words = seen.words
    FROM standing JOIN seen ON seen.key = standing.key
    WHERE s.id = standing.id AND s.seen_at <= %(minute)s AND coalesce(s.ended_at, s.seen_at) <= %(minute)s
), ended AS (
    UPDATE problem_spans SET ended_at = %(minute)s
    WHERE cluster = %(cluster)s AND namespace = %(namespace)s AND ended_at IS NULL AND seen_at < %(minute)s
      AND %(all_seen)s AND key NOT IN (SELECT key FROM seen)
      AND NOT EXISTS (SELECT 1 FROM unnest(%(unjudged)s::text[]) part WHERE position(part IN key) > 0)
)
INSERT INTO problem_spans (cluster, namespace, key, severity, title, words, began_at, seen_at)
SELECT %(cluster)s, %(namespace)s, key, severity, title, words, %(minute)s, %(minute)s FROM seen
WHERE key NOT IN (SELECT key FROM standing)
ORDER BY key
ON CONFLICT DO NOTHING;

-- name: problems_since
SELECT key, severity, title, words, began_at, seen_at, ended_at FROM problem_spans
WHERE cluster = %(cluster)s AND namespace = %(namespace)s AND (ended_at IS NULL OR ended_at >= %(since)s)
ORDER BY began_at, key, id;

-- name: problems_purge
-- Also those that nobody looks at any more.
DELETE FROM problem_spans WHERE coalesce(ended_at, seen_at) < clock_timestamp() - make_interval(days => %(days)s);

-- name: note_add
INSERT INTO notes (cluster, namespace, key, kind, object_kind, object_namespace, object_name, words, at)
VALUES (%(cluster)s, %(namespace)s, %(key)s, %(kind)s, %(object_kind)s, %(object_namespace)s, %(object_name)s, %(words)s,
    %(at)s)
ON CONFLICT DO NOTHING RETURNING key;

-- name: notes_since
SELECT key, kind, object_kind, object_namespace, object_name, words, at FROM notes
WHERE cluster = %(cluster)s AND namespace = %(namespace)s AND at >= %(since)s
ORDER BY at, key;

-- name: notes_purge
DELETE FROM notes WHERE at < clock_timestamp() - make_interval(days => %(days)s);

-- name: episodes_lock
-- One writer for each namespace at a time, until the commit.
SELECT pg_advisory_xact_lock(hashtextextended(%(cluster)s || '/' || %(namespace)s, 7215034186820541780));

-- name: episodes_unresolved
SELECT * FROM episodes
WHERE state <> 'resolved' AND (%(cluster)s::text IS NULL OR cluster = %(cluster)s::text)
  AND (%(namespace)s::text IS NULL OR namespace = %(namespace)s::text)
ORDER BY severity DESC, began_at, id;

-- name: episode_read
SELECT * FROM episodes WHERE id = %(id)s;

-- name: episodes_since
SELECT * FROM episodes
WHERE cluster = %(cluster)s AND namespace = %(namespace)s AND fired_at IS NOT NULL
  AND (state <> 'resolved' OR resolved_at >= %(since)s)
ORDER BY began_at, id;

-- name: episodes_to_tell
-- Nobody is told of what never fired. What fires and is silenced as a whole is left out; whether all alerts of another one
-- are is judged by who tells, and so is what becomes of one that is over.
SELECT id FROM episodes e
WHERE version > announced AND fired_at IS NOT NULL
  AND id <> ALL (%(unreadable)s::text[])
  AND (state = 'resolved' OR NOT EXISTS (
      SELECT 1 FROM silences s
      WHERE s.cluster = e.cluster AND s.namespace = e.namespace AND s.ended_at IS NULL AND s.until > clock_timestamp()
        AND s.what IN ('*', e.id)
  ))
ORDER BY severity DESC, began_at, id LIMIT %(limit)s;

-- name: episode_save
-- No row: it was changed meanwhile by somebody else, or it has ended, and that is never taken back.
INSERT INTO episodes (id, cluster, namespace, cause, state, severity, content, began_at, fired_at, resolved_at, acked_by,
    acked_at, channel, version, announced)
VALUES (%(id)s, %(cluster)s, %(namespace)s, %(cause)s, %(state)s, %(severity)s, %(content)s, %(began_at)s, %(fired_at)s,
    %(resolved_at)s, %(acked_by)s, %(acked_at)s, %(channel)s, %(version)s, %(announced)s)
ON CONFLICT (id) DO UPDATE SET state = excluded.state, severity = excluded.severity, content = excluded.content,
    began_at = excluded.began_at, fired_at = excluded.fired_at, resolved_at = excluded.resolved_at,
    acked_by = excluded.acked_by, acked_at = excluded.acked_at, channel = excluded.channel,
    version = excluded.version, announced = excluded.announced
WHERE episodes.version <= excluded.version AND (episodes.state <> 'resolved' OR excluded.state = 'resolved')
  AND (episodes.cluster, episodes.namespace, episodes.cause) = (excluded.cluster, excluded.namespace, excluded.cause)
RETURNING id;

-- name: episode_acknowledge
UPDATE episodes SET acked_by = %(by)s, acked_at = clock_timestamp(), version = version + 1
WHERE id = %(id)s AND state <> 'resolved' AND acked_by = ''
RETURNING id;

-- name: episode_acknowledged
SELECT id FROM episodes WHERE id = %(id)s AND state <> 'resolved' AND acked_by = %(by)s;

-- name: episodes_purge
-- What never fired is of no interest once it is over.
DELETE FROM episodes
WHERE state = 'resolved'
  AND resolved_at < clock_timestamp() - make_interval(days => CASE WHEN fired_at IS NULL THEN 1 ELSE %(days)s END);

-- name: silence_add
INSERT INTO silences (id, what, cluster, namespace, added_by, at, until, why)
SELECT %(id)s, %(what)s, %(cluster)s, %(namespace)s, %(by)s, %(at)s, %(until)s, %(why)s
WHERE %(until)s::timestamptz > clock_timestamp()
ON CONFLICT DO NOTHING RETURNING id;

-- name: silence_end
UPDATE silences SET ended_at = clock_timestamp()
WHERE id = %(id)s AND ended_at IS NULL AND until > clock_timestamp()
RETURNING id;

-- name: silences_that_hold
SELECT id, what, cluster, namespace, added_by, at, until, why FROM silences
WHERE ended_at IS NULL AND until > clock_timestamp()
ORDER BY at, id;

-- name: silences_purge
DELETE FROM silences WHERE coalesce(ended_at, until) < clock_timestamp() - make_interval(days => %(days)s);

-- name: slot_begin
-- Whoever comes at the same time waits for the first to commit. What is done, or worked on, gives no row; but what was
-- begun `again_s` ago and is done may come again.
INSERT INTO slots (name, due_at, lease_until)
VALUES (%(name)s, %(due_at)s, clock_timestamp() + make_interval(secs => %(lease_s)s))
ON CONFLICT (name, due_at) DO UPDATE SET fence = slots.fence + 1, claimed_at = clock_timestamp(),
    lease_until = clock_timestamp() + make_interval(secs => %(lease_s)s), done_at = NULL, outcome = ''
WHERE slots.lease_until <= clock_timestamp()
   OR slots.done_at IS NOT NULL
      AND slots.claimed_at < clock_timestamp() - make_interval(secs => %(again_s)s::double precision)
RETURNING fence;

-- name: slot_finish
-- What must not be out of date is refused after its lease, and when who began later has ended.
UPDATE slots SET lease_until = NULL, done_at = clock_timestamp(), outcome = %(outcome)s
WHERE name = %(name)s AND due_at = %(due_at)s AND fence = %(fence)s AND lease_until IS NOT NULL
  AND (NOT %(fresh)s OR lease_until > clock_timestamp() AND NOT EXISTS (
      SELECT 1 FROM slots later
      WHERE later.name = %(name)s AND later.claimed_at > slots.claimed_at AND later.done_at IS NOT NULL
  ))
RETURNING name;

-- name: slot_release
-- The fence is raised, so that it cannot be finished any more by who let it go.
UPDATE slots SET lease_until = clock_timestamp(), fence = fence + 1
WHERE name = %(name)s AND due_at = %(due_at)s AND fence = %(fence)s AND lease_until IS NOT NULL;

-- name: slots_unfinished
SELECT due_at FROM slots
WHERE name = %(name)s AND due_at >= %(since)s AND lease_until IS NOT NULL AND lease_until <= clock_timestamp()
ORDER BY due_at;

-- name: slot_newest
SELECT due_at FROM slots WHERE name = %(name)s ORDER BY due_at DESC LIMIT 1;

-- name: slots_runs
-- One that was inserted for good was done then.
SELECT s.name, s.due_at, s.claimed_at, s.outcome,
    CASE WHEN s.lease_until IS NULL THEN coalesce(s.done_at, s.claimed_at) END AS done_at
FROM unnest(%(names)s::text[]) AS wanted (name)
CROSS JOIN LATERAL (SELECT * FROM slots WHERE slots.name = wanted.name ORDER BY due_at DESC LIMIT %(most)s) s
ORDER BY s.name, s.due_at DESC;

-- name: slots_purge
-- Ticks sooner than the rest. The newest of a schedule stays, however rare it is: else it would be due again. It is
-- looked for once for all: of thousands of ticks one by one that takes longer than a statement may.
DELETE FROM slots s
USING (SELECT name, max(due_at) AS due_at FROM slots GROUP BY name) newest
WHERE newest.name = s.name
  AND s.claimed_at < clock_timestamp()
        - make_interval(hours => CASE WHEN starts_with(s.name, 'watch:') THEN %(tick_hours)s ELSE %(hours)s END)
  AND (s.lease_until IS NULL AND s.done_at IS NULL OR s.due_at < newest.due_at);

-- name: schedule_pause
INSERT INTO schedule_pauses (name, paused_by, at, until, why)
SELECT %(name)s, %(by)s, %(at)s, %(until)s, %(why)s
WHERE %(until)s::timestamptz IS NULL OR %(until)s::timestamptz > clock_timestamp()
ON CONFLICT (name) DO UPDATE SET paused_by = excluded.paused_by, at = excluded.at, until = excluded.until,
    why = excluded.why
RETURNING name;

-- name: schedule_resume
DELETE FROM schedule_pauses WHERE name = %(name)s AND (until IS NULL OR until > clock_timestamp()) RETURNING name;

-- name: schedules_paused
SELECT name, paused_by, at, until, why FROM schedule_pauses
WHERE until IS NULL OR until > clock_timestamp() ORDER BY name;

-- name: pauses_purge
DELETE FROM schedule_pauses WHERE until <= clock_timestamp();
