-- Requests for changes. What was asked for (the plan, and what of it stands in columns) never changes; the trigger below
-- says so again, and that a final state is never left.
CREATE TABLE operations (
    id             text COLLATE "C" PRIMARY KEY,
    plan           text NOT NULL,
    digest         text NOT NULL,
    step           text NOT NULL,
    requester_user text NOT NULL,
    requester_team text NOT NULL,
    human          text NOT NULL,
    cluster        text NOT NULL,
    namespace      text NOT NULL,
    kind           text NOT NULL,
    name           text NOT NULL,
    uid            text NOT NULL,
    policy_version text NOT NULL,
    channel        text NOT NULL,
    thread         text NOT NULL,
    created_at     timestamptz NOT NULL,
    expires_at     timestamptz NOT NULL,
    state          text NOT NULL CHECK (state IN ('PENDING', 'APPROVED', 'EXECUTING', 'SUCCEEDED', 'FAILED', 'UNKNOWN',
                                                  'DENIED', 'EXPIRED', 'CANCELLED', 'SUPERSEDED')),
    effect         text,
    approved_at    timestamptz,
    execute_by     timestamptz,
    began_at       timestamptz,
    written_at     timestamptz,
    ended_at       timestamptz,
    version        integer NOT NULL CHECK (version > 0),
    generation     bigint NOT NULL,
    outcome        text NOT NULL,
    closed_by      text NOT NULL,
    resolution     text CHECK (resolution IN ('happened', 'did not happen', 'undone')),
    progress       text,
    verdict        text,
    verdict_due    timestamptz,
    reminded       integer NOT NULL,
    -- Who works on it, until when, and by which fence that is known. Whoever waited longest is taken first.
    fence          integer NOT NULL CHECK (fence >= 0),
    worker         text NOT NULL DEFAULT '',
    taken_at       timestamptz,
    lease_until    timestamptz,
    -- Whether the worker's own lock says that it is alive; without it only the lease does.
    guarded        boolean NOT NULL DEFAULT false,
    UNIQUE (id, digest),
    CONSTRAINT the_digest_is_of_the_plan CHECK (digest = encode(sha256(convert_to(plan, 'UTF8')), 'hex')),
    CHECK ((ended_at IS NULL) = (state IN ('PENDING', 'APPROVED', 'EXECUTING'))),
    CHECK (state <> 'APPROVED' OR (approved_at IS NOT NULL AND execute_by IS NOT NULL)),
    CHECK (state <> 'EXECUTING' OR (began_at IS NOT NULL AND fence > 0)),
    CHECK (CASE state
        WHEN 'EXECUTING' THEN coalesce(effect, 'applied') = 'applied'
        WHEN 'SUCCEEDED' THEN coalesce(effect, '') = 'applied'
        WHEN 'FAILED' THEN coalesce(effect, '') IN ('none', 'applied')
        WHEN 'UNKNOWN' THEN coalesce(effect, '') = 'unknown'
        ELSE effect IS NULL
    END),
    CHECK (resolution IS NULL OR state = 'UNKNOWN')
);
-- One at a time for each target: what is open, and what ended in doubt until a person has looked.
CREATE UNIQUE INDEX operations_one_for_a_target ON operations (cluster, namespace, kind, name)
    WHERE state IN ('PENDING', 'APPROVED', 'EXECUTING') OR (state = 'UNKNOWN' AND resolution IS NULL);
CREATE INDEX operations_open ON operations (state) WHERE state IN ('PENDING', 'APPROVED', 'EXECUTING');
CREATE INDEX operations_to_judge ON operations (verdict_due) WHERE verdict IS NULL AND verdict_due IS NOT NULL;
CREATE INDEX operations_of_a_target ON operations (cluster, namespace, kind, name, created_at);
CREATE INDEX operations_newest ON operations (created_at);

CREATE FUNCTION operation_keeps_its_word() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.state <> OLD.state AND NOT (CASE OLD.state
        WHEN 'PENDING' THEN NEW.state IN ('APPROVED', 'DENIED', 'EXPIRED', 'CANCELLED', 'SUPERSEDED')
        WHEN 'APPROVED' THEN NEW.state IN ('PENDING', 'EXECUTING', 'DENIED', 'EXPIRED', 'CANCELLED', 'SUPERSEDED')
        WHEN 'EXECUTING' THEN NEW.state IN ('SUCCEEDED', 'FAILED', 'UNKNOWN')
        ELSE false
    END) THEN
        RAISE EXCEPTION 'a request that is % never becomes %', OLD.state, NEW.state
            USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    IF (NEW.id, NEW.plan, NEW.digest, NEW.step, NEW.requester_user, NEW.requester_team, NEW.human, NEW.cluster,
        NEW.namespace, NEW.kind, NEW.name, NEW.uid, NEW.policy_version, NEW.channel, NEW.thread, NEW.created_at,
        NEW.expires_at)
       IS DISTINCT FROM
       (OLD.id, OLD.plan, OLD.digest, OLD.step, OLD.requester_user, OLD.requester_team, OLD.human, OLD.cluster,
        OLD.namespace, OLD.kind, OLD.name, OLD.uid, OLD.policy_version, OLD.channel, OLD.thread, OLD.created_at,
        OLD.expires_at) THEN
        RAISE EXCEPTION 'what a request asks for never changes' USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    IF NEW.version < OLD.version OR NEW.fence < OLD.fence THEN
        RAISE EXCEPTION 'the version and the fence of a request never go back'
            USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    IF OLD.ended_at IS NOT NULL AND (NEW.effect, NEW.ended_at, NEW.fence) IS DISTINCT FROM
                                    (OLD.effect, OLD.ended_at, OLD.fence)
       OR OLD.resolution IS NOT NULL AND NEW.resolution IS DISTINCT FROM OLD.resolution THEN
        RAISE EXCEPTION 'how a request ended never changes' USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    RETURN NEW;
END
$$;
CREATE TRIGGER operation_keeps_its_word BEFORE UPDATE ON operations
    FOR EACH ROW EXECUTE FUNCTION operation_keeps_its_word();

-- Approvals, in the order of the clicks: of the plan that the request has, and one of each person that counts.
CREATE TABLE votes (
    operation_id   text COLLATE "C" NOT NULL,
    number         integer NOT NULL,
    human          text NOT NULL,
    user_id        text NOT NULL,
    team_id        text NOT NULL,
    sets           json NOT NULL,
    digest         text NOT NULL,
    cast_at        timestamptz NOT NULL,
    groups         json NOT NULL,
    groups_read_at timestamptz,
    void           text NOT NULL,
    PRIMARY KEY (operation_id, number),
    FOREIGN KEY (operation_id, digest) REFERENCES operations (id, digest) ON DELETE CASCADE
);
CREATE UNIQUE INDEX votes_one_of_each ON votes (operation_id, human) WHERE void = '';

-- What the buttons of a card carry, by its SHA-256.
CREATE TABLE tokens (
    hash         text PRIMARY KEY CHECK (hash ~ '^[0-9a-f]{64}$'),
    operation_id text COLLATE "C" NOT NULL,
    digest       text NOT NULL,
    purpose      text NOT NULL,
    channel      text NOT NULL,
    FOREIGN KEY (operation_id, digest) REFERENCES operations (id, digest) ON DELETE CASCADE
);
CREATE INDEX tokens_of_an_operation ON tokens (operation_id);

-- Writes to the cluster, each noted before it was sent.
CREATE TABLE attempts (
    id               bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    operation_id     text COLLATE "C" NOT NULL REFERENCES operations ON DELETE CASCADE,
    fence            integer NOT NULL,
    number           integer NOT NULL,
    resource_version text NOT NULL,
    generation       bigint NOT NULL,
    prior_marker     text NOT NULL,
    outcome          text NOT NULL DEFAULT ''
        CHECK (outcome IN ('', 'applied', 'conflict', 'refused', 'throttled', 'unknown')),
    began_at         timestamptz NOT NULL DEFAULT clock_timestamp(),
    ended_at         timestamptz,
    UNIQUE (operation_id, fence, number, resource_version)
);

-- Which message shows what, and in which version.
CREATE TABLE message_refs (
    subject    text NOT NULL,
    channel    text NOT NULL,
    message_id text NOT NULL,
    thread     text NOT NULL,
    version    integer NOT NULL,
    shown_at   timestamptz NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (subject, channel)
);

-- Revisions of workloads that were seen to work, for how many minutes in all.
CREATE TABLE worked_revisions (
    cluster      text NOT NULL,
    namespace    text NOT NULL,
    kind         text NOT NULL,
    name         text NOT NULL,
    workload_uid text NOT NULL,
    revision_uid text NOT NULL,
    number       bigint NOT NULL,
    version      text NOT NULL,
    pods         integer NOT NULL,
    first_at     timestamptz NOT NULL DEFAULT clock_timestamp(),
    last_at      timestamptz NOT NULL DEFAULT clock_timestamp(),
    minutes      integer NOT NULL DEFAULT 1,
    PRIMARY KEY (cluster, namespace, kind, name, workload_uid, revision_uid)
);

-- What a message is a picture of; empty for all others, and for what the version before this one puts in.
ALTER TABLE outbox ADD COLUMN subject text NOT NULL DEFAULT '', ADD COLUMN version integer NOT NULL DEFAULT 0;
CREATE INDEX outbox_pictures ON outbox (subject, channel, version) WHERE subject <> '';
