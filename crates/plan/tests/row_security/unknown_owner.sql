-- Nothing says whose the rows are.
-- open: things.read
CREATE TABLE things (id bigserial PRIMARY KEY, title text);
