-- The engine's own tables: what a call is, what happened to it, and what is still to be done for it.

CREATE TABLE call_state (
    call TEXT NOT NULL PRIMARY KEY,
    flow TEXT NOT NULL,
    flow_hash TEXT NOT NULL,
    version BIGINT NOT NULL,
    state TEXT NOT NULL,
    ended BIGINT NOT NULL
);
CREATE INDEX call_state_live ON call_state (call) WHERE ended = 0;

CREATE TABLE call_event (
    call TEXT NOT NULL,
    seq BIGINT NOT NULL,
    at BIGINT NOT NULL,
    event TEXT NOT NULL,
    PRIMARY KEY (call, seq)
);

CREATE TABLE timer (
    call TEXT NOT NULL,
    name TEXT NOT NULL,
    due BIGINT NOT NULL,
    PRIMARY KEY (call, name)
);
CREATE INDEX timer_due ON timer (due);

CREATE TABLE outbox (
    key TEXT NOT NULL PRIMARY KEY,
    call TEXT NOT NULL,
    kind TEXT NOT NULL,
    payload TEXT NOT NULL,
    due BIGINT NOT NULL,
    state TEXT NOT NULL,
    attempts BIGINT NOT NULL,
    worker TEXT,
    lease_until BIGINT,
    error TEXT,
    result TEXT
);
CREATE INDEX outbox_waiting ON outbox (due) WHERE state = 'waiting';
CREATE INDEX outbox_running ON outbox (lease_until) WHERE state = 'running';
CREATE INDEX outbox_call ON outbox (call);

CREATE TABLE call_log (
    call_sid TEXT NOT NULL PRIMARY KEY,
    flow TEXT,
    from_number TEXT,
    to_number TEXT,
    direction TEXT,
    status TEXT,
    started_at BIGINT,
    ended_at BIGINT,
    seconds BIGINT,
    end_reason TEXT
);
CREATE INDEX call_log_started ON call_log (started_at);
CREATE INDEX call_log_from ON call_log (from_number);

CREATE TABLE call_turn (
    call_sid TEXT NOT NULL,
    n BIGINT NOT NULL,
    role TEXT NOT NULL,
    text TEXT NOT NULL,
    started_at BIGINT,
    ended_at BIGINT,
    interrupted BIGINT NOT NULL,
    timings TEXT NOT NULL,
    PRIMARY KEY (call_sid, n)
);
