-- Kiosks call functions, and nothing else; who made all this owns it.

DO $$
DECLARE
    name text;
BEGIN
    FOREACH name IN ARRAY ARRAY['kiosk_register', 'kiosk_hub', 'kiosk_display'] LOOP
        IF NOT EXISTS (SELECT 1 FROM pg_roles WHERE rolname = name) THEN
            EXECUTE format('CREATE ROLE %I NOLOGIN', name);
        END IF;
    END LOOP;
END $$;

REVOKE ALL ON SCHEMA kiosk FROM PUBLIC;
REVOKE ALL ON ALL TABLES IN SCHEMA kiosk FROM PUBLIC;
REVOKE ALL ON ALL FUNCTIONS IN SCHEMA kiosk FROM PUBLIC;
GRANT USAGE ON SCHEMA kiosk TO kiosk_register, kiosk_hub, kiosk_display;
GRANT EXECUTE ON FUNCTION
    kiosk.hello(), kiosk.revision(), kiosk.find(jsonb), kiosk.count(jsonb), kiosk.day_list(jsonb),
    kiosk.departments(jsonb), kiosk.entries(jsonb), kiosk.unsettled(jsonb), kiosk.register(jsonb), kiosk.take(jsonb),
    kiosk.settle(jsonb), kiosk.cancel(jsonb), kiosk.note(jsonb), kiosk.noted_done(jsonb), kiosk.offer(jsonb)
    TO kiosk_register, kiosk_hub;
GRANT EXECUTE ON FUNCTION
    kiosk.import_begin(jsonb), kiosk.import_clear(jsonb), kiosk.import_rows(jsonb), kiosk.forget(jsonb),
    kiosk.failover(jsonb), kiosk.release(jsonb)
    TO kiosk_hub;
GRANT SELECT ON kiosk.waiting TO kiosk_display;

-- Whatever client a role uses: nobody holds a counter for longer.
DO $$
DECLARE
    setting text;
BEGIN
    FOREACH setting IN ARRAY ARRAY['lock_timeout = ''2s''', 'idle_in_transaction_session_timeout = ''2s''',
        'statement_timeout = ''15s'''] LOOP
        EXECUTE format('ALTER DATABASE %I SET %s', current_database(), setting);
    END LOOP;
END $$;

INSERT INTO kiosk.epoch (timeline) VALUES (kiosk.timeline());
