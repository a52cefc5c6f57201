-- Two roles, so that whoever gets hold of the running bot's password cannot rewrite the audit:
--
--   ragops_owner  owns the tables. Only `ragops migrate` uses it; keep its password away from the bot.
--   ragops_bot    for `ragops run` and `ragops audit verify`. It adds rows to the audit and reads them; it can neither
--                 change nor remove any, nor alter a table, nor switch a trigger off: those of the audit, and of requests
--                 for changes, which never leave a final state.
--
-- What this cannot prevent: the bot's role can add rows to the audit, true or not, and whoever has the owner's password
-- or administers the server can do everything. Publish the audit's head elsewhere (`ragops audit verify --help`).
--
-- 1. As an administrator of the server (a superuser, or the database's owner with CREATEROLE), in ragops' own database:
--        psql "$ADMIN_URL" -v ON_ERROR_STOP=1 -f roles.sql
--    and give both roles a password: \password ragops_owner, \password ragops_bot
-- 2. DATABASE_URL=postgresql://ragops_owner:…  ragops migrate
-- 3. Once more, as the administrator or as ragops_owner, because the tables are there now:
--        psql "$OWNER_URL" -v ON_ERROR_STOP=1 -f roles.sql
-- 4. DATABASE_URL=postgresql://ragops_bot:…  ragops run
--
-- With each new version: steps 2 and 3, then start it. A bot whose role lacks a right says so and does not start.
-- A database that one role made and used until now: step 1 alone hands its tables over (as a superuser).
-- Running this again changes nothing. It works on PostgreSQL 13 and newer.

DO $$
DECLARE
    who    text;
    object record;
BEGIN
    FOREACH who IN ARRAY ARRAY['ragops_owner', 'ragops_bot'] LOOP
        IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = who) THEN
            EXECUTE format('CREATE ROLE %I LOGIN', who);
        END IF;
    END LOOP;
    -- An administrator who is no superuser must belong to the owner to hand out what is the owner's.
    IF NOT pg_has_role(current_user, 'ragops_owner', 'USAGE') THEN
        EXECUTE format('GRANT ragops_owner TO %I', current_user);
    END IF;

    IF current_user <> 'ragops_owner' THEN
        EXECUTE format('GRANT CONNECT ON DATABASE %I TO ragops_owner, ragops_bot', current_database());
        REVOKE CREATE ON SCHEMA public FROM PUBLIC;
        GRANT USAGE, CREATE ON SCHEMA public TO ragops_owner;
        GRANT USAGE ON SCHEMA public TO ragops_bot;
        REVOKE CREATE ON SCHEMA public FROM ragops_bot;
    END IF;

    FOR object IN
        SELECT wanted.name, wanted.rights FROM (VALUES
            ('inbox', 'SELECT, INSERT, UPDATE, DELETE'),
            ('outbox', 'SELECT, INSERT, UPDATE, DELETE'),
            ('seen', 'SELECT, INSERT, UPDATE, DELETE'),
            ('slots', 'SELECT, INSERT, UPDATE, DELETE'),
            ('schedule_pauses', 'SELECT, INSERT, UPDATE, DELETE'),
            ('samples', 'SELECT, INSERT, DELETE'),
            ('problem_spans', 'SELECT, INSERT, UPDATE, DELETE'),
            ('notes', 'SELECT, INSERT, DELETE'),
            ('episodes', 'SELECT, INSERT, UPDATE, DELETE'),
            ('silences', 'SELECT, INSERT, UPDATE, DELETE'),
            ('operations', 'SELECT, INSERT, UPDATE, DELETE'),
            ('votes', 'SELECT, INSERT, UPDATE'),
            ('tokens', 'SELECT, INSERT, DELETE'),
            ('attempts', 'SELECT, INSERT, UPDATE'),
            ('message_refs', 'SELECT, INSERT, UPDATE, DELETE'),
            ('worked_revisions', 'SELECT, INSERT, UPDATE, DELETE'),
            ('audit', 'SELECT, INSERT'),
            ('schema_migrations', 'SELECT')
        ) AS wanted (name, rights)
        WHERE to_regclass(format('public.%I', wanted.name)) IS NOT NULL
    LOOP
        EXECUTE format('ALTER TABLE public.%I OWNER TO ragops_owner', object.name);
        EXECUTE format('REVOKE ALL ON public.%I FROM PUBLIC, ragops_bot', object.name);
        EXECUTE format('GRANT %s ON public.%I TO ragops_bot', object.rights, object.name);
    END LOOP;

    -- Whoever owns a trigger's function could write another.
    FOR object IN
        SELECT p.oid::regprocedure::text AS name FROM pg_proc p
        WHERE p.pronamespace = 'public'::regnamespace
          AND p.proname IN ('audit_is_append_only', 'audit_ids', 'operation_keeps_its_word')
    LOOP
        EXECUTE format('ALTER FUNCTION %s OWNER TO ragops_owner', object.name);
    END LOOP;
END
$$;
