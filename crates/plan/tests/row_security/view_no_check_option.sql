-- The same without: it lets in what it does not show.
-- leaks: mine.create mine.moves
-- replayed: no
CREATE TABLE docs (id bigserial PRIMARY KEY, tenant_id text NOT NULL, title text);
ALTER TABLE docs ENABLE ROW LEVEL SECURITY;
CREATE POLICY own ON docs USING (tenant_id = nullif(current_setting('app.tenant', true), ''));
CREATE VIEW mine AS SELECT * FROM docs WHERE tenant_id = nullif(current_setting('app.tenant', true), '');
