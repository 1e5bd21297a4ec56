-- What a turn of a conversation took beside time: who served it, tokens, and what it cost where prices are declared.

ALTER TABLE call_turn ADD COLUMN provider TEXT;
ALTER TABLE call_turn ADD COLUMN tokens_in BIGINT;
ALTER TABLE call_turn ADD COLUMN tokens_out BIGINT;
ALTER TABLE call_turn ADD COLUMN cost DOUBLE PRECISION;
