-- Work besides the port's calls: imports, retention, and what is done when another server takes over.

CREATE FUNCTION kiosk.import_begin(q jsonb) RETURNS jsonb
LANGUAGE plpgsql SECURITY DEFINER SET search_path = kiosk, pg_temp AS $$
BEGIN
    -- Two imports one after the other; patients do not wait for it.
    PERFORM pg_advisory_xact_lock(hashtext('kiosk.import'));
    RETURN (SELECT jsonb_object_agg(day, (SELECT count(*) FROM appointment AS a WHERE a.day = days.day::date))
        FROM jsonb_array_elements_text(q -> 'days') AS days (day));
END $$;

CREATE FUNCTION kiosk.import_clear(q jsonb) RETURNS jsonb
LANGUAGE sql SECURITY DEFINER SET search_path = kiosk, pg_temp AS $$
    DELETE FROM appointment WHERE day IN (SELECT jsonb_array_elements_text(q -> 'days')::date);
    SELECT '{}'::jsonb
$$;

CREATE FUNCTION kiosk.import_rows(q jsonb) RETURNS jsonb
LANGUAGE sql SECURITY DEFINER SET search_path = kiosk, pg_temp AS $$
    INSERT INTO appointment SELECT r.* FROM jsonb_array_elements(q -> 'rows') AS part,
        as_row((part ->> 'day')::date, part ->> 'patient_number', part) AS r;
    SELECT '{}'::jsonb
$$;

CREATE FUNCTION kiosk.forget(q jsonb) RETURNS jsonb
LANGUAGE plpgsql SECURITY DEFINER SET search_path = kiosk, pg_temp AS $$
DECLARE
    before date := least((q ->> 'before')::date, (now() - interval '7 days')::date);
BEGIN
    DELETE FROM registered WHERE day < before;
    DELETE FROM reception WHERE day < before;
    DELETE FROM visit WHERE day < before;
    DELETE FROM cancelled WHERE day < before;
    DELETE FROM counter WHERE day < before;
    DELETE FROM lift WHERE day < before;
    DELETE FROM unsettled WHERE day < before;
    DELETE FROM appointment WHERE day < before;
    RETURN '{}';
END $$;

-- ---- failover ---------------------------------------------------------------------------------------------------

-- Numbers of these receptions were given: the series go on after them.
CREATE FUNCTION kiosk.raise_counters(the_day date, receptions jsonb) RETURNS void LANGUAGE sql AS $$
    INSERT INTO counter AS c (day, series, last)
    SELECT the_day, part ->> 'series', max((part ->> 'n')::integer) FROM jsonb_array_elements(receptions) AS part
    WHERE part ->> 'n' IS NOT NULL GROUP BY part ->> 'series' ORDER BY part ->> 'series'
    ON CONFLICT (day, series) DO UPDATE SET last = greatest(c.last, excluded.last)
$$;

CREATE FUNCTION kiosk.restore_cancelled(c kiosk.cancelled) RETURNS boolean LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (SELECT 1 FROM cancelled WHERE day = c.day AND key = c.key) THEN
        RETURN false;
    END IF;
    IF EXISTS (SELECT 1 FROM visit WHERE day = c.day AND patient_number = c.patient_number AND key = c.key) THEN
        DELETE FROM registered WHERE day = c.day AND patient_number = c.patient_number;
        DELETE FROM reception WHERE day = c.day AND patient_number = c.patient_number;
        DELETE FROM visit WHERE day = c.day AND patient_number = c.patient_number;
    END IF;
    INSERT INTO cancelled SELECT c.*;
    PERFORM raise_counters(c.day, c.receptions);
    RETURN true;
END $$;

-- True: it was missing.
CREATE FUNCTION kiosk.restore_visit(t jsonb) RETURNS boolean LANGUAGE plpgsql AS $$
DECLARE
    kept visit := jsonb_populate_record(NULL::visit, t -> 'visit');
    held visit;
BEGIN
    PERFORM raise_counters(kept.day, t -> 'receptions');
    IF EXISTS (SELECT 1 FROM cancelled WHERE day = kept.day AND key = kept.key) THEN
        RETURN false;
    END IF;
    held := lock_visit(kept.day, kept.patient_number);
    IF held.key <> kept.key THEN
        RETURN false; -- Registered anew meanwhile, under another number; the one before is nobody else's.
    END IF;
    UPDATE visit SET key = kept.key, attempt = kept.attempt, of_system = kept.of_system
    WHERE day = kept.day AND patient_number = kept.patient_number;
    INSERT INTO registered SELECT r.* FROM jsonb_populate_recordset(NULL::registered, t -> 'registered') AS r
    ON CONFLICT DO NOTHING;
    -- A number that was given to somebody else after a release without this kiosk: both have it in their hands.
    INSERT INTO reception
    SELECT r.day, r.patient_number, r.position, r.number, r.at, r.department, r.key, r.entrance, r.series,
        CASE WHEN NOT EXISTS (SELECT 1 FROM reception AS o
            WHERE o.day = r.day AND o.series = r.series AND o.n = r.n) THEN r.n END
    FROM jsonb_populate_recordset(NULL::reception, t -> 'receptions') AS r
    ON CONFLICT (day, patient_number, position) DO NOTHING;
    RETURN held.key IS NULL;
END $$;

-- What a kiosk was told by the server before: in the order it was told. Also before the release, which waits for it.
CREATE FUNCTION kiosk.offer(q jsonb) RETURNS jsonb
LANGUAGE plpgsql SECURITY DEFINER SET search_path = kiosk, pg_temp AS $$
DECLARE
    t jsonb;
    found_missing integer := 0;
    highest bigint := 0;
BEGIN
    -- One kiosk after the other: their rows meet in the counters.
    PERFORM pg_advisory_xact_lock(hashtext('kiosk.offer'));
    FOR t IN SELECT jsonb_array_elements(q -> 'copies') LOOP
        IF t ? 'cancelled' THEN
            found_missing := found_missing + restore_cancelled(jsonb_populate_record(NULL::cancelled, t -> 'cancelled'))::integer;
        ELSE
            found_missing := found_missing + restore_visit(t)::integer;
        END IF;
        highest := greatest(highest, coalesce(t -> 'visit' ->> 'key', t -> 'cancelled' ->> 'key')::bigint,
            (SELECT max(part ->> 'key')::bigint FROM jsonb_array_elements(t -> 'receptions') AS part
                WHERE part ->> 'n' IS NOT NULL));
    END LOOP;
    IF highest > (SELECT last_value FROM line) THEN
        PERFORM setval('line', highest);
    END IF;
    IF (q ->> 'last')::boolean THEN
        UPDATE kiosk SET timeline = timeline(), offered_at = now(), restored = (q ->> 'restored')::integer
        WHERE role = session_user AND host = q ->> 'host';
        IF NOT FOUND AND (q ->> 'offered')::integer > 0 THEN
            INSERT INTO kiosk VALUES (session_user, q ->> 'host', (q ->> 'day')::date, timeline(), now(),
                (q ->> 'restored')::integer);
        END IF;
    END IF;
    RETURN jsonb_build_object('restored', found_missing);
END $$;

-- Kiosks that registered within 14 days before `day`, and whether they have offered.
CREATE FUNCTION kiosk.failover(q jsonb) RETURNS jsonb
LANGUAGE sql SECURITY DEFINER SET search_path = kiosk, pg_temp AS $$
    SELECT hello() || jsonb_build_object('kiosks', coalesce(jsonb_agg(jsonb_build_object('role', role, 'host', host,
        'day', day, 'offered', timeline = timeline(), 'restored', restored) ORDER BY role, host), '[]'))
    FROM kiosk WHERE day >= (q ->> 'day')::date - 14
$$;

-- This server gives numbers from now on. If a kiosk has not offered, all series of these days begin 100 higher.
CREATE FUNCTION kiosk.release(q jsonb) RETURNS jsonb
LANGUAGE plpgsql SECURITY DEFINER SET search_path = kiosk, pg_temp AS $$
DECLARE
    today date := q ->> 'day';
    missing boolean;
BEGIN
    LOCK TABLE epoch IN EXCLUSIVE MODE;
    missing := EXISTS (SELECT 1 FROM kiosk WHERE day >= today - 14 AND timeline <> timeline());
    IF EXISTS (SELECT 1 FROM epoch WHERE timeline = timeline()) THEN
        RETURN jsonb_build_object('lifted', false);
    END IF;
    IF missing THEN
        UPDATE counter SET last = last + 100 WHERE day BETWEEN today - 1 AND today + 1;
        INSERT INTO lift SELECT today + step, 100 FROM generate_series(-1, 1) AS step
        ON CONFLICT (day) DO UPDATE SET height = lift.height + 100;
        PERFORM setval('line', (SELECT last_value FROM line) + 1000);
    END IF;
    UPDATE epoch SET timeline = timeline(), released_on = today;
    RETURN jsonb_build_object('lifted', missing);
END $$;
