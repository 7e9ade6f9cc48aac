-- One row for each day and patient, reception numbers by counter rows, and what came of each attempt.
-- Columns have the names of the fields that the program reads and writes as JSON.

CREATE SCHEMA kiosk;

CREATE TABLE kiosk.migration (version integer PRIMARY KEY, applied_at timestamptz NOT NULL DEFAULT now());
CREATE FUNCTION kiosk.migrated(done integer) RETURNS void LANGUAGE sql AS $$
    INSERT INTO kiosk.migration (version) VALUES (done)
$$;

-- What an import holds: replaced day by day.
CREATE TABLE kiosk.appointment (
    day date NOT NULL, patient_number text NOT NULL, "time" time NOT NULL, department text NOT NULL,
    doctor text NOT NULL, place text NOT NULL, note text NOT NULL, message text NOT NULL, walk_in boolean NOT NULL,
    department_code text NOT NULL, doctor_code text NOT NULL, kind jsonb NOT NULL, key text NOT NULL,
    PRIMARY KEY (day, patient_number, "time", department));
CREATE INDEX appointment_of_patient ON kiosk.appointment (patient_number, day);

-- A copy of what was registered, walk-ins among it: an import never replaces it.
CREATE TABLE kiosk.registered (LIKE kiosk.appointment);
ALTER TABLE kiosk.registered ADD PRIMARY KEY (day, patient_number, "time", department);

-- In the order of registration: keys of lines and of receptions that no system names.
CREATE SEQUENCE kiosk.line;

-- key NULL: not registered, only taken. holder '': nobody asks a system for this patient; else the attempt that does,
-- alone until lease_until. ask_first: an attempt before may have reached the system. of_system: receptions as the system
-- of record has them.
CREATE TABLE kiosk.visit (
    day date NOT NULL, patient_number text NOT NULL, key bigint UNIQUE, attempt text NOT NULL DEFAULT '',
    holder text NOT NULL DEFAULT '', lease_until timestamptz NOT NULL DEFAULT '-infinity',
    ask_first boolean NOT NULL DEFAULT false, of_system jsonb NOT NULL DEFAULT '[]',
    PRIMARY KEY (day, patient_number));
CREATE INDEX visit_of_patient ON kiosk.visit (patient_number, day);

-- series, n: of a number of the book's own, on the first reception that has it; else NULL.
CREATE TABLE kiosk.reception (
    day date NOT NULL, patient_number text NOT NULL, position integer NOT NULL, number text NOT NULL,
    at timestamptz NOT NULL, department text NOT NULL, key text NOT NULL, entrance text NOT NULL,
    series text, n integer CHECK (n >= 1),
    PRIMARY KEY (day, patient_number, position), UNIQUE (day, series, n),
    FOREIGN KEY (day, patient_number) REFERENCES kiosk.visit (day, patient_number));

CREATE TABLE kiosk.cancelled (
    day date NOT NULL, key bigint NOT NULL, patient_number text NOT NULL, receptions jsonb NOT NULL,
    of_system jsonb NOT NULL, at timestamptz NOT NULL, reason text NOT NULL, PRIMARY KEY (day, key));
CREATE INDEX cancelled_of_patient ON kiosk.cancelled (patient_number, day);

-- The number comes from a counter row: what is rolled back takes its step back, so there is never a gap.
CREATE TABLE kiosk.counter (
    day date NOT NULL, series text NOT NULL, last integer NOT NULL, PRIMARY KEY (day, series));
-- Numbers that may have been given by a server that is lost: a series of the day begins above them.
CREATE TABLE kiosk.lift (day date PRIMARY KEY, height integer NOT NULL);

-- Orders of which staff must know.
CREATE TABLE kiosk.unsettled (
    attempt text PRIMARY KEY, day date NOT NULL, kind text NOT NULL, "order" jsonb NOT NULL, since timestamptz NOT NULL,
    number text NOT NULL, what text NOT NULL);
CREATE INDEX unsettled_of_day ON kiosk.unsettled (day);

-- Which cluster and timeline may give numbers. Another one, that took over or was restored, has to be released first;
-- who was taken on the day of the release nobody knows.
CREATE TABLE kiosk.epoch (
    one boolean PRIMARY KEY DEFAULT true CHECK (one), timeline text NOT NULL, released_on date);
-- Who registers: seen last on `day`; offered again what it was told, after `timeline` began.
CREATE TABLE kiosk.kiosk (
    role text NOT NULL, host text NOT NULL, day date NOT NULL, timeline text NOT NULL DEFAULT '', offered_at timestamptz,
    restored integer NOT NULL DEFAULT 0, PRIMARY KEY (role, host));

CREATE TABLE kiosk.setting (one boolean PRIMARY KEY DEFAULT true CHECK (one), zone text NOT NULL);
INSERT INTO kiosk.setting (zone) VALUES ('Asia/Tokyo');

-- For boards that call numbers: who is registered today, without anybody's name or number of a patient.
CREATE VIEW kiosk.waiting AS
    SELECT DISTINCT coalesce(nullif(reception.department, ''), registered.department, '') AS department,
        reception.number, reception.at
    FROM kiosk.reception LEFT JOIN kiosk.registered USING (day, patient_number)
    WHERE reception.day = (now() AT TIME ZONE (SELECT zone FROM kiosk.setting))::date;
