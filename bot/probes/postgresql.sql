-- All that PostgreSQL is ever asked, by name. Every one of them runs in a transaction that is READ ONLY. They are for
-- version 13 and later, and for a role that is a member of pg_monitor; what a lesser role cannot see is NULL, not zero.

-- name: limit
-- Local to the transaction, so that it holds behind a pooler, too, and stays with nobody else there.
SELECT set_config('statement_timeout', '3s', true), set_config('lock_timeout', '1s', true),
    set_config('idle_in_transaction_session_timeout', '30s', true),
    set_config('default_transaction_read_only', 'on', true);

-- name: server
-- Settings that a version does not know are NULL: reserved_connections came with 16.
SELECT current_setting('server_version') AS version, pg_is_in_recovery() AS is_replica,
    CASE WHEN pg_is_in_recovery()
        THEN extract(epoch FROM clock_timestamp() - pg_last_xact_replay_timestamp())::float8 END AS behind_s,
    current_database()::text AS database, current_user::text AS role,
    pg_has_role(current_user, 'pg_read_all_stats', 'USAGE') AS sees_all,
    current_setting('max_connections')::integer AS max_connections,
    current_setting('superuser_reserved_connections')::integer AS kept_for_superusers,
    coalesce(nullif(current_setting('reserved_connections', true), '')::integer, 0) AS kept_for_reserved;

-- name: holders
-- Who holds connections. Of others a lesser role sees neither kind nor state; that they belong to a database it does.
SELECT left(coalesce(application_name, ''), 60) AS application, coalesce(state, '') AS state, count(*)::integer AS number
FROM pg_stat_activity
WHERE backend_type = 'client backend' OR (backend_type IS NULL AND datid IS NOT NULL)
GROUP BY 1, 2 ORDER BY 3 DESC, 1, 2 LIMIT 200;

-- name: transactions
-- The longest ones, and those that wait for their client, by themselves: these hold their locks and do nothing.
SELECT pid, left(coalesce(application_name, ''), 60) AS application, coalesce(state, '') AS state,
    extract(epoch FROM clock_timestamp() - xact_start)::float8 AS age_s,
    extract(epoch FROM clock_timestamp() - state_change)::float8 AS in_state_s,
    left(coalesce(query, ''), 400) AS query
FROM pg_stat_activity
WHERE backend_type = 'client backend' AND pid <> pg_backend_pid() AND xact_start IS NOT NULL
ORDER BY xact_start LIMIT 100;

-- name: locks
-- Who waits for whom. pg_blocking_pids is asked for those alone that wait: it stops all locking for a moment.
WITH waiting AS MATERIALIZED (
    SELECT pid FROM pg_stat_activity WHERE wait_event_type = 'Lock' ORDER BY query_start LIMIT 50
), blocked AS MATERIALIZED (
    SELECT pid, pg_blocking_pids(pid) AS blockers FROM waiting
)
SELECT activity.pid, coalesce(blocked.blockers, '{}'::integer[]) AS blockers,
    left(coalesce(activity.application_name, ''), 60) AS application, coalesce(activity.state, '') AS state,
    coalesce(extract(epoch FROM clock_timestamp() - activity.query_start), 0)::float8 AS statement_s,
    left(coalesce(activity.query, ''), 400) AS query
FROM pg_stat_activity AS activity LEFT JOIN blocked USING (pid)
WHERE cardinality(blocked.blockers) > 0
    OR activity.pid IN (SELECT unnest(blockers) FROM blocked)
ORDER BY activity.pid;

-- name: totals
-- Counted since the statistics began. Checksum failures are NULL where the server keeps no checksums.
SELECT coalesce(sum(deadlocks), 0)::float8 AS deadlocks, sum(checksum_failures)::float8 AS checksum_failures
FROM pg_stat_database;

-- name: size
SELECT pg_database_size(current_database())::float8 AS bytes;
