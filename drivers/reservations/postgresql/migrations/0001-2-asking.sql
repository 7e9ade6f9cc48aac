-- What kiosks may call: one question, one transaction, one answer {"is": NAME, "answer": {...}}, fields as in the
-- program's values. "copy": what the kiosk keeps, and offers again to a server that takes over.
-- SQLSTATE: KF001 not released, KW001 too late, KB001 another attempt has the row, KC001 clocks differ.
-- No message may hold a patient's data: it would be in the server's log.

-- ---- clock, epoch -----------------------------------------------------------------------------------------------

CREATE FUNCTION kiosk.timeline() RETURNS text LANGUAGE sql AS $$
    SELECT (SELECT system_identifier FROM pg_control_system()) || '/' || substr(pg_walfile_name(pg_current_wal_lsn()), 1, 8)
$$;

-- Before anything is written. Who registers is noted once a day, for the list of those that offer again after a failover.
CREATE FUNCTION kiosk.require(q jsonb) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    off double precision := extract(epoch FROM clock_timestamp() - (q ->> 'now')::timestamptz);
    today date := coalesce(q ->> 'day', q -> 'order' ->> 'day', q -> 'unsettled' -> 'order' ->> 'day')::date;
BEGIN
    IF NOT EXISTS (SELECT 1 FROM epoch WHERE timeline = timeline()) THEN
        RAISE EXCEPTION 'not released after a failover' USING ERRCODE = 'KF001';
    END IF;
    IF abs(off) > 60 THEN
        RAISE EXCEPTION 'clocks differ' USING ERRCODE = 'KC001', DETAIL = round(off)::text;
    END IF;
    IF NOT EXISTS (SELECT 1 FROM kiosk WHERE role = session_user AND host = q ->> 'host' AND day >= today) THEN
        INSERT INTO kiosk (role, host, day) VALUES (session_user, q ->> 'host', today)
        ON CONFLICT (role, host) DO UPDATE SET day = excluded.day;
    END IF;
END $$;

-- With all locks held, right before the commit. not_after: by this server's clock.
CREATE FUNCTION kiosk.require_wanted(q jsonb) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    IF clock_timestamp() > (q ->> 'not_after')::timestamptz THEN
        RAISE EXCEPTION 'too late' USING ERRCODE = 'KW001';
    END IF;
END $$;

CREATE FUNCTION kiosk.hello() RETURNS jsonb LANGUAGE sql SECURITY DEFINER SET search_path = kiosk, pg_temp AS $$
    SELECT jsonb_build_object('now', clock_timestamp(), 'timeline', timeline(),
        'released', EXISTS (SELECT 1 FROM epoch WHERE timeline = timeline()),
        'version', (SELECT max(version) FROM migration))
$$;

-- Another value after every commit of anybody.
CREATE FUNCTION kiosk.revision() RETURNS jsonb LANGUAGE sql SECURITY DEFINER SET search_path = kiosk, pg_temp AS $$
    SELECT hello() || jsonb_build_object('revision', pg_current_snapshot())
$$;

-- ---- one patient on one day -------------------------------------------------------------------------------------

-- A row of `registered` out of an appointment's fields; what is not said is empty.
CREATE FUNCTION kiosk.as_row(the_day date, patient text, part jsonb) RETURNS kiosk.registered LANGUAGE sql AS $$
    SELECT jsonb_populate_record(NULL::registered,
        '{"doctor": "", "place": "", "note": "", "message": "", "walk_in": false, "department_code": "",
          "doctor_code": "", "kind": {"code": "", "text": ""}, "key": ""}'::jsonb
        || part || jsonb_build_object('day', the_day, 'patient_number', patient))
$$;

-- What the patient comes for by what is held: appointments, and walk-ins of departments that have none.
CREATE FUNCTION kiosk.due(the_day date, patient text) RETURNS SETOF kiosk.registered LANGUAGE sql STABLE AS $$
    SELECT * FROM appointment WHERE day = the_day AND patient_number = patient
    UNION ALL
    SELECT * FROM registered AS r WHERE day = the_day AND patient_number = patient AND walk_in AND NOT EXISTS (
        SELECT 1 FROM appointment AS a
        WHERE a.day = the_day AND a.patient_number = patient AND a.department = r.department)
$$;

CREATE FUNCTION kiosk.due_json(the_day date, patient text) RETURNS jsonb LANGUAGE sql STABLE AS $$
    SELECT coalesce(jsonb_agg(to_jsonb(d) ORDER BY d."time", d.department COLLATE "C"), '[]')
    FROM due(the_day, patient) AS d
$$;

CREATE FUNCTION kiosk.registered_json(the_day date, patient text) RETURNS jsonb LANGUAGE sql STABLE AS $$
    SELECT coalesce(jsonb_agg(to_jsonb(r) ORDER BY r."time", r.department COLLATE "C"), '[]')
    FROM registered AS r WHERE day = the_day AND patient_number = patient
$$;

-- What is due, or, where no appointment is held, all that was registered: for a system, or before it left the export.
CREATE FUNCTION kiosk.coming(the_day date, patient text) RETURNS jsonb LANGUAGE sql STABLE AS $$
    SELECT CASE WHEN EXISTS (SELECT 1 FROM appointment WHERE day = the_day AND patient_number = patient)
        THEN due_json(the_day, patient) ELSE registered_json(the_day, patient) END
$$;

CREATE FUNCTION kiosk.receptions_json(the_day date, patient text) RETURNS jsonb LANGUAGE sql STABLE AS $$
    SELECT coalesce(jsonb_agg(to_jsonb(r) ORDER BY r.position), '[]')
    FROM reception AS r WHERE day = the_day AND patient_number = patient
$$;

-- Everything that the kiosk is told of a registered patient, as rows.
CREATE FUNCTION kiosk.copy_of(the_day date, patient text) RETURNS jsonb LANGUAGE sql STABLE AS $$
    SELECT jsonb_build_object('day', the_day, 'visit', to_jsonb(v) || '{"holder": "", "lease_until": "-infinity"}',
        'receptions', receptions_json(the_day, patient), 'registered', registered_json(the_day, patient))
    FROM visit AS v WHERE day = the_day AND patient_number = patient
$$;

CREATE FUNCTION kiosk.registered_answer(the_day date, patient text, the_attempt text, appointments jsonb) RETURNS jsonb
LANGUAGE plpgsql STABLE AS $$
DECLARE
    kept jsonb := copy_of(the_day, patient);
BEGIN
    RETURN jsonb_build_object('is', 'Registered', 'copy', kept, 'answer', jsonb_build_object(
        'patient_number', patient, 'receptions', kept -> 'receptions',
        'appointments', CASE WHEN jsonb_path_exists(appointments, '$[*] ? (@.walk_in == false)') THEN appointments
            ELSE kept -> 'registered' END,
        'ours', kept -> 'visit' ->> 'attempt' = the_attempt));
END $$;

CREATE FUNCTION kiosk.found(the_day date, patient text) RETURNS jsonb LANGUAGE plpgsql STABLE AS $$
DECLARE
    next_day date := (SELECT min(day) FROM appointment WHERE patient_number = patient AND day > the_day);
    last_arrival date := (
        SELECT max(day) FROM visit WHERE patient_number = patient AND day < the_day AND key IS NOT NULL);
BEGIN
    RETURN jsonb_build_object('patient_number', patient, 'appointments', coming(the_day, patient),
        'receptions', receptions_json(the_day, patient),
        'next_day', next_day,
        'next_departments', (
            SELECT coalesce(jsonb_agg(department ORDER BY first, department COLLATE "C"), '[]') FROM (
                SELECT department, min("time") AS first FROM appointment
                WHERE day = next_day AND patient_number = patient GROUP BY department) AS departments),
        'last_arrival', last_arrival,
        'last_day', greatest(last_arrival,
            (SELECT max(day) FROM appointment WHERE patient_number = patient AND day < the_day)));
END $$;

-- ---- asking -----------------------------------------------------------------------------------------------------

CREATE FUNCTION kiosk.find(q jsonb) RETURNS jsonb
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = kiosk, pg_temp AS $$
    SELECT jsonb_build_object('is', 'Found', 'answer', found((q ->> 'day')::date, q ->> 'patient_number'))
$$;

CREATE FUNCTION kiosk.count(q jsonb) RETURNS jsonb
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = kiosk, pg_temp AS $$
    SELECT jsonb_build_object('is', 'Count', 'answer', jsonb_build_object(
        'appointments', (SELECT count(*) FROM appointment WHERE day = (q ->> 'day')::date)))
$$;

-- The same of all patients at once, as `coming` and `receptions_json` have it for one.
CREATE FUNCTION kiosk.coming_rows(the_day date) RETURNS SETOF kiosk.registered LANGUAGE sql STABLE AS $$
    SELECT * FROM appointment WHERE day = the_day
    UNION ALL
    SELECT r.* FROM registered AS r LEFT JOIN appointment AS a
        ON a.day = r.day AND a.patient_number = r.patient_number AND (a.department = r.department OR NOT r.walk_in)
    WHERE r.day = the_day AND a.day IS NULL
$$;

CREATE FUNCTION kiosk.receptions_of_day(the_day date) RETURNS TABLE (patient_number text, receptions jsonb)
LANGUAGE sql STABLE AS $$
    SELECT r.patient_number, jsonb_agg(to_jsonb(r) ORDER BY r.position) FROM reception AS r WHERE r.day = the_day
    GROUP BY r.patient_number
$$;

-- Of other days it says nothing.
CREATE FUNCTION kiosk.day_list(q jsonb) RETURNS jsonb
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = kiosk, pg_temp AS $$
    SELECT jsonb_build_object('is', 'DayList', 'answer', jsonb_build_object('day', q -> 'day',
        'as_of', statement_timestamp(), 'complete', true, 'patients', (
            SELECT coalesce(jsonb_agg(jsonb_build_object('patient_number', patient_number, 'next_day', NULL,
                'appointments', coalesce(c.appointments, '[]'), 'receptions', coalesce(r.receptions, '[]'))
                ORDER BY patient_number COLLATE "C"), '[]')
            FROM (SELECT w.patient_number,
                    jsonb_agg(to_jsonb(w) ORDER BY w."time", w.department COLLATE "C") AS appointments
                FROM coming_rows((q ->> 'day')::date) AS w GROUP BY w.patient_number) AS c
            FULL JOIN receptions_of_day((q ->> 'day')::date) AS r USING (patient_number))))
$$;

CREATE FUNCTION kiosk.departments(q jsonb) RETURNS jsonb
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = kiosk, pg_temp AS $$
    SELECT jsonb_build_object('is', 'Departments', 'answer', jsonb_build_object('departments', (
        SELECT coalesce(jsonb_agg(jsonb_build_object('code', department_code, 'text', department)
            ORDER BY department_code COLLATE "C", department COLLATE "C"), '[]')
        FROM (SELECT DISTINCT department_code, department FROM appointment WHERE day = (q ->> 'day')::date) AS known)))
$$;

CREATE FUNCTION kiosk.entries(q jsonb) RETURNS jsonb
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = kiosk, pg_temp AS $$
    SELECT jsonb_build_object('is', 'Register', 'answer', jsonb_build_object('entries', (
        SELECT coalesce(jsonb_agg(entry ORDER BY line), '[]') FROM (
            SELECT v.key AS line, jsonb_build_object('key', v.key::text, 'patient_number', patient_number,
                'receptions', coalesce(r.receptions, '[]'), 'of_system', v.of_system,
                'appointments', coalesce(a.appointments, '[]')) AS entry
            FROM visit AS v LEFT JOIN receptions_of_day((q ->> 'day')::date) AS r USING (patient_number)
            LEFT JOIN (SELECT w.patient_number,
                    jsonb_agg(to_jsonb(w) ORDER BY w."time", w.department COLLATE "C") AS appointments
                FROM registered AS w WHERE w.day = (q ->> 'day')::date GROUP BY w.patient_number) AS a
                USING (patient_number)
            WHERE v.day = (q ->> 'day')::date AND v.key IS NOT NULL
            UNION ALL
            SELECT key, jsonb_build_object('key', key::text, 'patient_number', patient_number,
                'receptions', receptions, 'of_system', of_system, 'cancelled', to_jsonb(c))
            FROM cancelled AS c WHERE day = (q ->> 'day')::date) AS lines)))
$$;

CREATE FUNCTION kiosk.unsettled(q jsonb) RETURNS jsonb
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = kiosk, pg_temp AS $$
    SELECT jsonb_build_object('is', 'UnsettledList', 'answer', jsonb_build_object('unsettled', (
        SELECT coalesce(jsonb_agg(to_jsonb(u) ORDER BY since, attempt), '[]')
        FROM unsettled AS u WHERE day = (q ->> 'day')::date)))
$$;
