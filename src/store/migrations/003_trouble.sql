-- What went wrong is told apart: why the watchdog fired, where the call was last, and whether an effect whose
-- worker vanished may have been performed already.

ALTER TABLE call_log ADD COLUMN watchdog_reason TEXT;
ALTER TABLE call_log ADD COLUMN last_step TEXT;
ALTER TABLE outbox ADD COLUMN lease_expired BIGINT NOT NULL DEFAULT 0;
