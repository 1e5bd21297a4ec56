-- Calls keep the version of the flow that they began with, across edits and restarts.

CREATE TABLE flow_version (
    hash   TEXT NOT NULL PRIMARY KEY,
    flow   TEXT NOT NULL,
    bundle TEXT NOT NULL
);
