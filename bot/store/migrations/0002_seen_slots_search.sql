-- Keys that were met before, until their time is over.
CREATE TABLE seen (
    key   text PRIMARY KEY,
    until timestamptz NOT NULL
);
CREATE INDEX seen_until ON seen (until);

-- Due moments of schedules: who inserts one does what is due.
CREATE TABLE slots (
    name       text NOT NULL,
    due_at     timestamptz NOT NULL,
    claimed_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (name, due_at)
);

-- Who asked, to find what waits of one person. NULL when that stands in the request only: the version before this one
-- wrote it, and may still write while the new one starts beside it.
ALTER TABLE inbox ADD COLUMN user_id text, ADD COLUMN team_id text;
UPDATE inbox
SET user_id = substring(request FROM '"actor":\{"is":"Actor","user_id":"([^"\\]*)","team_id":"[^"\\]*"'),
    team_id = substring(request FROM '"actor":\{"is":"Actor","user_id":"[^"\\]*","team_id":"([^"\\]*)"')
WHERE state = 'received';
CREATE INDEX inbox_asked_by ON inbox (user_id, team_id, id) WHERE state = 'received';

-- The one-word values of an audit row's details, and its subject: what may be an id. By regular expression, because the
-- details hold escapes that PostgreSQL's own JSON does not take. Cut, here and below: an index has no room for long words.
CREATE FUNCTION audit_ids(detail text, subject text) RETURNS text[] LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT left(subject, 100) || ARRAY(SELECT (regexp_matches(detail, ':"([^"\\[:space:]]{1,100})"', 'g'))[1])
$$;
CREATE INDEX audit_at ON audit (at);
CREATE INDEX audit_actor ON audit (left(actor, 100), seq);
CREATE INDEX audit_action ON audit (left(lower(action), 100), seq);
CREATE INDEX audit_id ON audit USING gin (audit_ids(detail, subject));
