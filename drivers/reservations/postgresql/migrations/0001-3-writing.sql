-- What writes. Every function locks the patient's row first, then counters in the order of their series.

-- The number after the last one of the day's series, for as long as this transaction lasts nobody else's.
CREATE FUNCTION kiosk.next_number(the_day date, the_series text) RETURNS integer LANGUAGE sql AS $$
    INSERT INTO counter AS c (day, series, last)
    VALUES (the_day, the_series, 1 + coalesce((SELECT height FROM lift WHERE day = the_day), 0))
    ON CONFLICT (day, series) DO UPDATE SET last = c.last + 1
    RETURNING last
$$;

-- The first reception of a line has the line's key, others one of their own.
CREATE FUNCTION kiosk.add_reception(the_day date, patient text, part jsonb) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    place integer := (SELECT count(*) FROM reception WHERE day = the_day AND patient_number = patient);
BEGIN
    INSERT INTO reception SELECT r.* FROM jsonb_populate_record(NULL::reception, part || jsonb_build_object(
        'day', the_day, 'patient_number', patient, 'position', place,
        'key', CASE WHEN place = 0 THEN (SELECT key FROM visit WHERE day = the_day AND patient_number = patient)
            ELSE nextval('line') END)) AS r;
END $$;

-- One reception more, under a number of the book's own.
CREATE FUNCTION kiosk.add_numbered(
    the_day date, patient text, the_at timestamptz, numbering jsonb, the_department text, the_series text, given integer)
RETURNS void LANGUAGE sql AS $$
    SELECT add_reception(the_day, patient, jsonb_build_object(
        'number', CASE WHEN numbering ->> 'series' = 'entrance' THEN numbering ->> 'entrance' ELSE '' END || given,
        'at', the_at, 'department', the_department, 'entrance', numbering ->> 'entrance',
        'series', the_series, 'n', given))
$$;

-- Departments that are registered, and have no reception of their own nor one of the whole visit.
CREATE FUNCTION kiosk.lacking(the_day date, patient text) RETURNS TABLE (department text, first time)
LANGUAGE sql STABLE AS $$
    SELECT r.department, min(r."time") FROM registered AS r
    WHERE r.day = the_day AND r.patient_number = patient AND NOT EXISTS (SELECT 1 FROM reception AS c
        WHERE c.day = the_day AND c.patient_number = patient AND c.department IN (r.department, ''))
    GROUP BY r.department
$$;

-- The receptions that are missing for what is registered now. systems: as the system of record has them.
CREATE FUNCTION kiosk.number_visit(q jsonb, the_day date, patient text, the_at timestamptz, systems jsonb) RETURNS void
LANGUAGE plpgsql AS $$
DECLARE
    numbering jsonb := q -> 'numbering';
    brought text := coalesce(q -> 'order' ->> 'number', '');
    none_yet boolean := NOT EXISTS (SELECT 1 FROM reception WHERE day = the_day AND patient_number = patient);
    numbers jsonb := '{}';
    each record;
BEGIN
    IF brought <> '' THEN
        IF none_yet THEN
            PERFORM add_reception(the_day, patient, jsonb_build_object('number', brought, 'at', the_at,
                'department', '', 'entrance', numbering ->> 'entrance'));
        END IF;
    ELSIF (numbering ->> 'by_system')::boolean AND systems <> '[]' THEN
        PERFORM add_reception(the_day, patient, part || jsonb_build_object(
            'entrance', coalesce(nullif(part ->> 'entrance', ''), numbering ->> 'entrance')))
        FROM jsonb_array_elements(systems) AS part
        WHERE NOT EXISTS (SELECT 1 FROM reception AS r WHERE r.day = the_day AND r.patient_number = patient
            AND r.number = part ->> 'number' AND r.department = part ->> 'department');
    ELSIF numbering ->> 'series' = 'department' AND (NOT none_yet OR EXISTS (SELECT 1 FROM lacking(the_day, patient))) THEN
        -- Taken in the order of the series, so that two visits never wait for each other; added in that of time.
        FOR each IN
            SELECT department FROM lacking(the_day, patient) ORDER BY department COLLATE "C"
        LOOP
            numbers := numbers || jsonb_build_object(
                each.department, next_number(the_day, 'department ' || each.department));
        END LOOP;
        PERFORM add_numbered(the_day, patient, the_at, numbering, l.department, 'department ' || l.department,
            (numbers ->> l.department)::integer)
        FROM (SELECT * FROM lacking(the_day, patient) ORDER BY first, department COLLATE "C") AS l;
    ELSIF none_yet AND numbering ->> 'series' = 'entrance' THEN
        PERFORM add_numbered(the_day, patient, the_at, numbering, '', 'entrance ' || (numbering ->> 'entrance'),
            next_number(the_day, 'entrance ' || (numbering ->> 'entrance')));
    ELSIF none_yet THEN
        PERFORM add_numbered(the_day, patient, the_at, numbering, '', 'hospital', next_number(the_day, 'hospital'));
    END IF;
END $$;

-- Register rows for a patient whose row is locked. attempt '': it was somebody else.
CREATE FUNCTION kiosk.write_visit(
    q jsonb, the_day date, patient text, the_attempt text, the_at timestamptz, rows jsonb, systems jsonb) RETURNS void
LANGUAGE plpgsql AS $$
BEGIN
    -- Of two doctors of a department at one time the first: a system may have both, and the patient is called once.
    INSERT INTO registered SELECT DISTINCT ON (r."time", r.department) r.*
    FROM jsonb_array_elements(rows) AS part, as_row(the_day, patient, part) AS r
    ORDER BY r."time", r.department, r.doctor_code, r.key
    ON CONFLICT (day, patient_number, "time", department) DO UPDATE SET doctor = excluded.doctor,
        place = excluded.place, note = excluded.note, message = excluded.message, walk_in = excluded.walk_in,
        department_code = excluded.department_code, doctor_code = excluded.doctor_code, kind = excluded.kind,
        key = excluded.key;
    UPDATE visit SET key = nextval('line'), attempt = the_attempt
    WHERE day = the_day AND patient_number = patient AND key IS NULL;
    PERFORM number_visit(q, the_day, patient, the_at, systems);
END $$;

-- The patient's row, made if it is missing, and locked.
CREATE FUNCTION kiosk.lock_visit(the_day date, patient text) RETURNS kiosk.visit LANGUAGE plpgsql AS $$
DECLARE
    found_row visit;
BEGIN
    LOOP
        INSERT INTO visit (day, patient_number) VALUES (the_day, patient) ON CONFLICT DO NOTHING;
        SELECT * INTO found_row FROM visit WHERE day = the_day AND patient_number = patient FOR UPDATE;
        IF FOUND THEN
            RETURN found_row;
        END IF;
    END LOOP;
END $$;

-- What the order asks for beside what is held: its own appointments, and a walk-in of a department that is not known.
CREATE FUNCTION kiosk.wanted(q jsonb, the_day date, patient text) RETURNS jsonb LANGUAGE plpgsql STABLE AS $$
DECLARE
    o jsonb := q -> 'order';
    asked jsonb := CASE WHEN jsonb_typeof(o -> 'walk_in') = 'object' THEN o -> 'walk_in' END;
    rows jsonb := due_json(the_day, patient);
BEGIN
    SELECT rows || coalesce(jsonb_agg(as_row(the_day, patient, part)), '[]') INTO rows
    FROM jsonb_array_elements(coalesce(o -> 'appointments', '[]')) AS part
    WHERE part ->> 'day' = o ->> 'day' AND NOT EXISTS (SELECT 1 FROM jsonb_array_elements(rows) AS known
        WHERE (known ->> 'time')::time = (part ->> 'time')::time AND known ->> 'department' = part ->> 'department');
    IF asked IS NOT NULL
        AND NOT jsonb_path_exists(rows, '$[*] ? (@.department == $name)', jsonb_build_object('name', asked -> 'department'))
        AND NOT EXISTS (SELECT 1 FROM registered
            WHERE day = the_day AND patient_number = patient AND department = asked ->> 'department') THEN
        rows := rows || to_jsonb(as_row(the_day, patient,
            asked || jsonb_build_object('walk_in', true, 'time', substr(o ->> 'at', 12, 5))));
    END IF;
    RETURN (SELECT coalesce(jsonb_agg(part ORDER BY part ->> 'time', part ->> 'department' COLLATE "C"), '[]')
        FROM jsonb_array_elements(rows) AS part);
END $$;

CREATE FUNCTION kiosk.register(q jsonb) RETURNS jsonb
LANGUAGE plpgsql SECURITY DEFINER SET search_path = kiosk, pg_temp AS $$
DECLARE
    o jsonb := q -> 'order';
    the_day date := o ->> 'day';
    patient text := o ->> 'patient_number';
    rows jsonb;
    v visit;
    arrived boolean;
BEGIN
    PERFORM require(q);
    IF wanted(q, the_day, patient) = '[]' AND NOT EXISTS (
        SELECT 1 FROM visit WHERE day = the_day AND patient_number = patient AND key IS NOT NULL) THEN
        RETURN jsonb_build_object('is', 'NothingToRegister', 'answer', jsonb_build_object('patient_number', patient));
    END IF;
    v := lock_visit(the_day, patient);
    rows := wanted(q, the_day, patient);
    arrived := v.key IS NOT NULL;
    IF NOT arrived OR EXISTS (
        SELECT r.* FROM jsonb_array_elements(rows) AS part, as_row(the_day, patient, part) AS r
        EXCEPT SELECT * FROM registered WHERE day = the_day AND patient_number = patient) THEN
        PERFORM write_visit(q, the_day, patient, o ->> 'attempt', (o ->> 'at')::timestamptz, rows, '[]');
        PERFORM require_wanted(q);
    END IF;
    RETURN registered_answer(the_day, patient, o ->> 'attempt', rows);
END $$;

-- Whether the order is for something that is not registered.
CREATE FUNCTION kiosk.wants_more(o jsonb) RETURNS boolean LANGUAGE sql STABLE AS $$
    SELECT EXISTS (SELECT 1 FROM jsonb_array_elements(coalesce(o -> 'appointments', '[]')) AS part
            WHERE NOT EXISTS (SELECT 1 FROM registered AS r
                WHERE r.day = (o ->> 'day')::date AND r.patient_number = o ->> 'patient_number'
                AND r."time" = (part ->> 'time')::time AND r.department = part ->> 'department'))
        OR coalesce(o -> 'walk_in' ->> 'department' NOT IN (SELECT r.department FROM registered AS r
            WHERE r.day = (o ->> 'day')::date AND r.patient_number = o ->> 'patient_number'), false)
$$;

CREATE FUNCTION kiosk.take(q jsonb) RETURNS jsonb
LANGUAGE plpgsql SECURITY DEFINER SET search_path = kiosk, pg_temp AS $$
DECLARE
    o jsonb := q -> 'order';
    the_day date := o ->> 'day';
    patient text := o ->> 'patient_number';
    mine text := o ->> 'attempt';
    asks boolean;
    v visit;
BEGIN
    PERFORM require(q);
    v := lock_visit(the_day, patient);
    IF v.key IS NOT NULL AND NOT wants_more(o) THEN
        RETURN registered_answer(the_day, patient, mine, '[]');
    END IF;
    -- A lease that is far ahead was given by a clock that was.
    IF v.holder NOT IN ('', mine) AND v.lease_until > clock_timestamp()
        AND v.lease_until < clock_timestamp() + interval '2 minutes' THEN
        RAISE EXCEPTION 'another attempt has the row'
            USING ERRCODE = 'KB001', DETAIL = ceil(extract(epoch FROM v.lease_until - clock_timestamp()))::text;
    END IF;
    asks := v.holder <> '' OR EXISTS (SELECT 1 FROM epoch WHERE released_on >= the_day);
    UPDATE visit SET holder = mine, ask_first = asks,
        lease_until = clock_timestamp() + make_interval(secs => (q ->> 'lease_s')::float8)
    WHERE day = the_day AND patient_number = patient;
    RETURN jsonb_build_object('is', 'Taken', 'answer', jsonb_build_object('ask_first', asks));
END $$;

CREATE FUNCTION kiosk.write_unsettled(u jsonb) RETURNS void LANGUAGE sql AS $$
    INSERT INTO unsettled VALUES (u -> 'order' ->> 'attempt', (u -> 'order' ->> 'day')::date, u ->> 'kind', u -> 'order',
        (u ->> 'since')::timestamptz, u ->> 'number', u ->> 'what')
    ON CONFLICT (attempt) DO UPDATE SET kind = excluded.kind, "order" = excluded."order", since = excluded.since,
        number = excluded.number, what = excluded.what
$$;

-- Nobody asks for the patient any more, if it was this attempt.
CREATE FUNCTION kiosk.free_visit(the_day date, patient text, mine text) RETURNS void LANGUAGE sql AS $$
    UPDATE visit SET holder = '', ask_first = false, lease_until = '-infinity'
    WHERE day = the_day AND patient_number = patient AND holder = mine;
    DELETE FROM visit WHERE day = the_day AND patient_number = patient AND key IS NULL AND holder = '';
$$;

CREATE FUNCTION kiosk.settle(q jsonb) RETURNS jsonb
LANGUAGE plpgsql SECURITY DEFINER SET search_path = kiosk, pg_temp AS $$
DECLARE
    o jsonb := q -> 'order';
    the_day date := o ->> 'day';
    patient text := o ->> 'patient_number';
    mine text := o ->> 'attempt';
    outcome jsonb := q -> 'outcome';
    answer jsonb := outcome -> 'answer';
    systems jsonb := coalesce(answer -> 'receptions', '[]');
    ours boolean := coalesce((answer ->> 'ours')::boolean, false);
    v visit;
BEGIN
    PERFORM require(q);
    v := lock_visit(the_day, patient);
    IF outcome ->> 'is' = 'Registered' THEN
        PERFORM write_visit(q, the_day, patient, CASE WHEN ours THEN mine ELSE '' END,
            CASE WHEN ours OR systems = '[]' THEN (o ->> 'at')::timestamptz
                ELSE (SELECT min((part ->> 'at')::timestamptz) FROM jsonb_array_elements(systems) AS part) END,
            answer -> 'appointments', systems);
        UPDATE visit SET of_system = of_system || (SELECT coalesce(jsonb_agg(part), '[]')
            FROM jsonb_array_elements(systems) AS part
            WHERE NOT jsonb_path_exists(of_system, '$[*] ? (@.key == $k)', jsonb_build_object('k', part -> 'key')))
        WHERE day = the_day AND patient_number = patient;
        PERFORM free_visit(the_day, patient, mine);
        DELETE FROM unsettled WHERE attempt = mine;
        RETURN jsonb_set(registered_answer(the_day, patient, mine, '[]'),
            '{answer,left_out}', coalesce(answer -> 'left_out', '[]'));
    END IF;
    IF outcome ->> 'is' = 'Trouble' AND (answer ->> 'maybe_done')::boolean THEN
        UPDATE visit SET holder = mine, ask_first = true, lease_until = '-infinity'
        WHERE day = the_day AND patient_number = patient AND holder IN ('', mine);
        PERFORM write_unsettled(jsonb_build_object('kind', 'unknown', 'order', o, 'number', coalesce(o ->> 'number', ''),
            'since', coalesce((SELECT since FROM unsettled WHERE attempt = mine), statement_timestamp()),
            'what', answer ->> 'what'));
        RETURN outcome;
    END IF;
    IF v.holder = mine AND v.ask_first AND outcome ->> 'is' NOT IN ('NothingToRegister', 'UnknownPatient') THEN
        -- It is still not known what an attempt before has done there.
        UPDATE visit SET lease_until = '-infinity' WHERE day = the_day AND patient_number = patient;
    ELSE
        PERFORM free_visit(the_day, patient, mine);
    END IF;
    IF outcome ->> 'is' <> 'Trouble' THEN
        DELETE FROM unsettled WHERE attempt = mine AND kind = 'unknown';
    END IF;
    RETURN outcome;
END $$;

CREATE FUNCTION kiosk.cancel(q jsonb) RETURNS jsonb
LANGUAGE plpgsql SECURITY DEFINER SET search_path = kiosk, pg_temp AS $$
DECLARE
    the_day date := q ->> 'day';
    patient text := q ->> 'patient_number';
    wanted_key text := q -> 'reception' ->> 'key';
    v visit;
    c cancelled;
BEGIN
    PERFORM require(q);
    SELECT * INTO v FROM visit WHERE day = the_day AND patient_number = patient AND key IS NOT NULL FOR UPDATE;
    IF FOUND AND (v.key::text = wanted_key OR EXISTS (SELECT 1 FROM reception
        WHERE day = the_day AND patient_number = patient AND key = wanted_key)) THEN
        INSERT INTO cancelled VALUES (the_day, v.key, patient, receptions_json(the_day, patient), v.of_system,
            (q ->> 'at')::timestamptz, q ->> 'reason');
        DELETE FROM registered WHERE day = the_day AND patient_number = patient;
        DELETE FROM reception WHERE day = the_day AND patient_number = patient;
        DELETE FROM visit WHERE day = the_day AND patient_number = patient;
    END IF;
    SELECT * INTO c FROM cancelled WHERE day = the_day AND patient_number = patient
        AND (key::text = wanted_key OR jsonb_path_exists(receptions, '$[*] ? (@.key == $k)', jsonb_build_object('k', wanted_key)));
    IF NOT FOUND THEN
        RETURN jsonb_build_object('is', 'NotRegistered', 'answer', jsonb_build_object('patient_number', patient));
    END IF;
    RETURN jsonb_build_object('is', 'Cancelled', 'answer', to_jsonb(c),
        'copy', jsonb_build_object('day', the_day, 'cancelled', to_jsonb(c)));
END $$;

CREATE FUNCTION kiosk.note(q jsonb) RETURNS jsonb
LANGUAGE plpgsql SECURITY DEFINER SET search_path = kiosk, pg_temp AS $$
BEGIN
    PERFORM require(q);
    PERFORM write_unsettled(q -> 'unsettled');
    RETURN '{"is": "Kept", "answer": {}}';
END $$;

CREATE FUNCTION kiosk.noted_done(q jsonb) RETURNS jsonb
LANGUAGE plpgsql SECURITY DEFINER SET search_path = kiosk, pg_temp AS $$
BEGIN
    PERFORM require(q);
    DELETE FROM unsettled WHERE attempt = q -> 'order' ->> 'attempt';
    RETURN '{"is": "Kept", "answer": {}}';
END $$;
