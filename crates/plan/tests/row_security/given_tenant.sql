-- A column that no policy names, given.
-- leaks: docs.read
-- args: --tenant docs.who=app.who
CREATE TABLE docs (id bigserial PRIMARY KEY, who text NOT NULL, title text);
ALTER TABLE docs ENABLE ROW LEVEL SECURITY;
CREATE POLICY titled ON docs FOR SELECT USING (title = 'open');
