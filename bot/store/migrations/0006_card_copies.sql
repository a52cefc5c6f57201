-- Who got a copy of a request's card, and in which conversation: decided once, when it is asked for. What the version
-- before this one puts in has none.
ALTER TABLE operations ADD COLUMN copies text NOT NULL DEFAULT '[]';

CREATE FUNCTION operation_keeps_its_copies() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.copies IS DISTINCT FROM OLD.copies THEN
        RAISE EXCEPTION 'who got a copy of a card never changes' USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    RETURN NEW;
END
$$;
CREATE TRIGGER operation_keeps_its_copies BEFORE UPDATE ON operations
    FOR EACH ROW EXECUTE FUNCTION operation_keeps_its_copies();
