-- Contacts and what passed between us and them; recordings; when a sender last wrote to which of our numbers.

CREATE TABLE contacts (
    phone TEXT NOT NULL PRIMARY KEY,
    name TEXT,
    fields TEXT NOT NULL,
    first_seen_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL
);

CREATE TABLE interactions (
    key TEXT NOT NULL PRIMARY KEY,
    at BIGINT NOT NULL,
    phone TEXT NOT NULL,
    kind TEXT NOT NULL,
    call_sid TEXT,
    channel TEXT NOT NULL,
    summary TEXT NOT NULL,
    data TEXT NOT NULL
);
CREATE INDEX interactions_phone ON interactions (phone, at);
CREATE INDEX interactions_call ON interactions (call_sid);

CREATE TABLE recording (
    sid TEXT NOT NULL PRIMARY KEY,
    call_sid TEXT NOT NULL,
    url TEXT,
    seconds BIGINT,
    status TEXT,
    transcript TEXT,
    error TEXT,
    attempts BIGINT
);
CREATE INDEX recording_call ON recording (call_sid);

CREATE TABLE inbound (
    sender TEXT NOT NULL,
    channel TEXT NOT NULL,
    recipient TEXT NOT NULL,
    at BIGINT NOT NULL,
    PRIMARY KEY (sender, channel, recipient)
);
