-- The register in PostgreSQL 13 and later, version 1 of its format. Run by the owner, who alone may change it.
-- The log is what the triggers guard; people's texts and salts stand beside it so that they can be erased.

CREATE SCHEMA keywright;
REVOKE ALL ON SCHEMA keywright FROM PUBLIC;

CREATE TABLE keywright.format (version integer PRIMARY KEY);
INSERT INTO keywright.format VALUES (1);

-- `writing` is drawn anew for each append: by it a writer whose connection broke finds out whether it wrote.
CREATE TABLE keywright.events (
    seq bigint PRIMARY KEY, time text NOT NULL, body text NOT NULL, hash bytea NOT NULL, writing bytea NOT NULL);

-- As in the SQLite file; texts are UTF-8 in bytes, because PostgreSQL's own texts cannot have U+0000.
CREATE TABLE keywright.persons (
    number bigint PRIMARY KEY, account text UNIQUE, salt bytea, named_in_log boolean NOT NULL);
CREATE TABLE keywright.texts (
    person bigint NOT NULL, code bytea NOT NULL, text bytea NOT NULL, PRIMARY KEY (person, code));

-- Who works on what, until when by this server's clock.
CREATE TABLE keywright.claims (
    resource text PRIMARY KEY, station text NOT NULL, name text NOT NULL, until timestamptz NOT NULL);

-- PINs that are not handed over, sealed to several stations: age files, by the SHA-256 that the log has of each. Read by functions
-- alone.
CREATE TABLE keywright.sealed_pins (
    name text NOT NULL, sha256 text NOT NULL, sealed bytea NOT NULL CHECK (octet_length(sealed) <= 65536),
    PRIMARY KEY (name, sha256));

CREATE FUNCTION keywright.refuse() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'events are never changed or removed';
END $$;

CREATE FUNCTION keywright.follow() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    before bytea := decode(repeat('00', 32), 'hex');
    newest bigint := 0;
BEGIN
    SELECT seq, hash INTO newest, before FROM keywright.events ORDER BY seq DESC LIMIT 1;
    IF NOT FOUND THEN
        newest := 0;
        before := decode(repeat('00', 32), 'hex');
    END IF;
    IF new.seq <> newest + 1 THEN
        RAISE EXCEPTION 'an event follows the newest one';
    END IF;
    IF new.hash <> sha256(before || convert_to(new.seq::text || E'\n' || new.time || E'\n' || new.body, 'UTF8')) THEN
        RAISE EXCEPTION 'the hash of event % does not follow from the one before it', new.seq;
    END IF;
    RETURN new;
END $$;

CREATE TRIGGER events_are_not_changed BEFORE UPDATE OR DELETE ON keywright.events
    FOR EACH ROW EXECUTE FUNCTION keywright.refuse();
CREATE TRIGGER events_are_not_emptied BEFORE TRUNCATE ON keywright.events
    FOR EACH STATEMENT EXECUTE FUNCTION keywright.refuse();
CREATE TRIGGER events_are_appended BEFORE INSERT ON keywright.events
    FOR EACH ROW EXECUTE FUNCTION keywright.follow();

-- Appends events after the expected head, with the people and texts that they bring, all or nothing. The answer is one row:
--   written             the events are there; also if the same writing is sent again
--   conflict SEQ HASH   the log ends elsewhere
--   claimed NAME UNTIL  another station works on one of these resources
CREATE FUNCTION keywright.append(
    expected_seq bigint, expected_hash bytea, writing bytea, station text, resources text[],
    times text[], bodies text[], hashes bytea[],
    person_numbers bigint[], person_accounts text[], person_salts bytea[], person_named boolean[],
    text_persons bigint[], text_codes bytea[], text_texts bytea[], erased text[],
    OUT outcome text, OUT found_seq bigint, OUT found_hash bytea, OUT holder text, OUT held_until text)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    -- One writer at a time, in the order in which they came.
    PERFORM 1 FROM keywright.format FOR UPDATE;
    SELECT e.seq, e.hash INTO found_seq, found_hash FROM keywright.events e ORDER BY e.seq DESC LIMIT 1;
    IF NOT FOUND THEN
        found_seq := 0;
        found_hash := decode(repeat('00', 32), 'hex');
    END IF;
    IF found_seq <> expected_seq OR found_hash <> expected_hash THEN
        PERFORM 1 FROM keywright.events e WHERE e.seq = expected_seq + 1 AND e.writing = append.writing;
        outcome := CASE WHEN FOUND THEN 'written' ELSE 'conflict' END;
        RETURN;
    END IF;
    SELECT c.name, to_char(c.until AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"') INTO holder, held_until
        FROM keywright.claims c
        WHERE c.resource = ANY (resources) AND c.station <> append.station AND c.until > clock_timestamp() LIMIT 1;
    IF FOUND THEN
        outcome := 'claimed';
        RETURN;
    END IF;
    INSERT INTO keywright.persons
        SELECT n, a, s, d FROM unnest(person_numbers, person_accounts, person_salts, person_named) AS p (n, a, s, d)
        WHERE NOT d;
    INSERT INTO keywright.texts
        SELECT p, c, t FROM unnest(text_persons, text_codes, text_texts) AS x (p, c, t) ON CONFLICT DO NOTHING;
    INSERT INTO keywright.events
        SELECT expected_seq + i, t, b, h, append.writing
        FROM unnest(times, bodies, hashes) WITH ORDINALITY AS e (t, b, h, i) ORDER BY i;
    DELETE FROM keywright.texts t USING keywright.persons p WHERE t.person = p.number AND p.account = ANY (erased);
    UPDATE keywright.persons p SET account = NULL, salt = NULL WHERE p.account = ANY (erased);
    -- Accounts that old events name stay named, under a new number.
    INSERT INTO keywright.persons
        SELECT n, a, s, d FROM unnest(person_numbers, person_accounts, person_salts, person_named) AS p (n, a, s, d)
        WHERE d;
    outcome := 'written';
END $$;

-- Writes the tables of texts anew, without what was erased from them.
CREATE FUNCTION keywright.scrub() RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    CLUSTER keywright.texts USING texts_pkey;
    CLUSTER keywright.persons USING persons_pkey;
END $$;

-- Claims something for a station, or goes on claiming it. The answer is who has it now, and until when.
CREATE FUNCTION keywright.claim(
    resource text, station text, name text, seconds double precision,
    OUT is_ours boolean, OUT holder text, OUT held_until text)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    INSERT INTO keywright.claims AS c VALUES ($1, $2, $3, clock_timestamp() + make_interval(secs => seconds))
        ON CONFLICT ON CONSTRAINT claims_pkey
        DO UPDATE SET station = excluded.station, name = excluded.name, until = excluded.until
        WHERE c.station = excluded.station OR c.until <= clock_timestamp();
    SELECT c.station = $2, c.name, to_char(c.until AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"')
        INTO is_ours, holder, held_until FROM keywright.claims c WHERE c.resource = $1;
END $$;

-- Lets everything that a station claims last longer; gives back how much that is.
CREATE FUNCTION keywright.renew(station text, seconds double precision) RETURNS bigint
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    renewed bigint;
BEGIN
    UPDATE keywright.claims c SET until = clock_timestamp() + make_interval(secs => seconds) WHERE c.station = $1;
    GET DIAGNOSTICS renewed = ROW_COUNT;
    RETURN renewed;
END $$;

-- Gives up what a station claims: one thing, or all.
CREATE FUNCTION keywright.release(resource text, station text) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    DELETE FROM keywright.claims c WHERE c.station = $2 AND (c.resource = $1 OR $1 IS NULL);
END $$;

CREATE FUNCTION keywright.keep_pin(name text, sha256 text, sealed bytea) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    INSERT INTO keywright.sealed_pins VALUES ($1, $2, $3) ON CONFLICT DO NOTHING;
END $$;

-- No row if there is none.
CREATE FUNCTION keywright.find_pin(name text, sha256 text) RETURNS SETOF bytea
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN QUERY SELECT p.sealed FROM keywright.sealed_pins p WHERE p.name = $1 AND p.sha256 = $2;
END $$;

CREATE FUNCTION keywright.destroy_pin(name text) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    DELETE FROM keywright.sealed_pins p WHERE p.name = $1;
END $$;

REVOKE ALL ON ALL FUNCTIONS IN SCHEMA keywright FROM PUBLIC;
