-- A workload in one minute. NULL: not known, which is never 0. By minute, so that a day of a namespace lies together.
CREATE TABLE samples (
    cluster      text NOT NULL,
    namespace    text NOT NULL,
    minute       timestamptz NOT NULL CHECK (extract(second FROM minute) = 0),
    kind         text NOT NULL CHECK (length(kind) <= 253),
    name         text NOT NULL CHECK (length(name) <= 253),
    desired      integer NOT NULL CHECK (desired >= 0),
    ready        integer NOT NULL CHECK (ready >= 0),
    restarts     integer NOT NULL CHECK (restarts >= 0),
    warnings     integer CHECK (warnings >= 0),
    cpu_m        integer CHECK (cpu_m >= 0),
    memory       bigint CHECK (memory >= 0),
    cpu_share    real CHECK (cpu_share >= 0),
    memory_share real CHECK (memory_share >= 0),
    probe_ms     real CHECK (probe_ms >= 0),
    probe_failed boolean,
    PRIMARY KEY (cluster, namespace, minute, kind, name)
);
CREATE INDEX samples_minute ON samples (minute);

-- Problems and how long each lasted, as it was seen; one that is open is there once.
CREATE TABLE problem_spans (
    id        bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    cluster   text NOT NULL,
    namespace text NOT NULL,
    key       text NOT NULL CHECK (length(key) BETWEEN 1 AND 500),
    severity  integer NOT NULL CHECK (severity BETWEEN 1 AND 3),
    title     text NOT NULL CHECK (length(title) <= 300),
    words     text NOT NULL CHECK (length(words) <= 2000),
    began_at  timestamptz NOT NULL,
    seen_at   timestamptz NOT NULL,
    ended_at  timestamptz,
    CHECK (began_at <= seen_at AND seen_at <= coalesce(ended_at, seen_at))
);
CREATE UNIQUE INDEX problem_spans_open ON problem_spans (cluster, namespace, key) WHERE ended_at IS NULL;
CREATE INDEX problem_spans_ended ON problem_spans (cluster, namespace, ended_at);

-- What happened, each thing once: releases, scalings, renewals.
CREATE TABLE notes (
    cluster          text NOT NULL,
    namespace        text NOT NULL,
    key              text NOT NULL CHECK (length(key) BETWEEN 1 AND 500),
    kind             text NOT NULL CHECK (length(kind) <= 100),
    object_kind      text NOT NULL CHECK (length(object_kind) <= 253),
    object_namespace text NOT NULL CHECK (length(object_namespace) <= 253),
    object_name      text NOT NULL CHECK (length(object_name) <= 253),
    words            text NOT NULL CHECK (length(words) <= 2000),
    at               timestamptz NOT NULL,
    PRIMARY KEY (cluster, namespace, key)
);
CREATE INDEX notes_at ON notes (cluster, namespace, at);

-- Alerts by cause. The content is JSON: the whole cause, and the alerts; what is searched for stands beside it.
CREATE TABLE episodes (
    id          text COLLATE "C" PRIMARY KEY CHECK (id <> ''),
    cluster     text NOT NULL,
    namespace   text NOT NULL,
    cause       text NOT NULL CHECK (length(cause) BETWEEN 1 AND 500),
    state       text NOT NULL CHECK (state IN ('waiting', 'firing', 'resolved')),
    severity    integer NOT NULL CHECK (severity BETWEEN 1 AND 3),
    content     text NOT NULL,
    rules       text[] NOT NULL,
    services    text[] NOT NULL,
    began_at    timestamptz NOT NULL,
    fired_at    timestamptz,
    resolved_at timestamptz,
    acked_by    text NOT NULL,
    acked_at    timestamptz,
    channel     text NOT NULL,
    version     integer NOT NULL,
    announced   integer NOT NULL,
    CHECK ((state = 'resolved') = (resolved_at IS NOT NULL)),
    CHECK (CASE state WHEN 'waiting' THEN fired_at IS NULL WHEN 'firing' THEN fired_at IS NOT NULL ELSE true END),
    CHECK ((acked_by = '') = (acked_at IS NULL)),
    CHECK (announced BETWEEN 0 AND version)
);
CREATE UNIQUE INDEX episodes_one_for_a_cause ON episodes (cluster, namespace, cause) WHERE state <> 'resolved';
CREATE INDEX episodes_to_tell ON episodes (severity, began_at)
    WHERE version > announced AND fired_at IS NOT NULL;
CREATE INDEX episodes_resolved ON episodes (cluster, namespace, resolved_at);

-- No messages about something for a while: an episode's id, a rule's name, a service's alias, or all of a namespace (*).
CREATE TABLE silences (
    id        text PRIMARY KEY CHECK (id <> ''),
    what      text NOT NULL CHECK (length(what) BETWEEN 1 AND 500),
    cluster   text NOT NULL,
    namespace text NOT NULL,
    added_by  text NOT NULL CHECK (length(added_by) <= 200),
    at        timestamptz NOT NULL,
    until     timestamptz NOT NULL,
    why       text NOT NULL CHECK (length(why) <= 2000),
    ended_at  timestamptz,
    CHECK (at < until)
);
CREATE INDEX silences_not_ended ON silences (cluster, namespace, until) WHERE ended_at IS NULL;

-- Schedules that rest; without an end until somebody resumes them.
CREATE TABLE schedule_pauses (
    name      text PRIMARY KEY,
    paused_by text NOT NULL CHECK (length(paused_by) <= 200),
    at        timestamptz NOT NULL,
    until     timestamptz,
    why       text NOT NULL CHECK (length(why) <= 2000),
    CHECK (at < until)
);

-- A due moment with a lease is worked on, or was left undone when the lease is over. One without is done: finished, or
-- inserted for good, as the version before this one does beside us.
ALTER TABLE slots
    ADD COLUMN fence       integer NOT NULL DEFAULT 1 CHECK (fence > 0),
    ADD COLUMN lease_until timestamptz,
    ADD COLUMN done_at     timestamptz,
    ADD COLUMN outcome     text NOT NULL DEFAULT '' CHECK (length(outcome) <= 100),
    ADD CHECK (done_at IS NULL OR lease_until IS NULL),
    ADD CHECK ((outcome = '') = (done_at IS NULL));
CREATE INDEX slots_unfinished ON slots (name, due_at) WHERE lease_until IS NOT NULL;
