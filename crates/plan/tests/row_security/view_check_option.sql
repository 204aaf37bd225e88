-- A view whose owner row security does not hold, and that lets in only what it shows.
CREATE TABLE docs (id bigserial PRIMARY KEY, tenant_id text NOT NULL, title text);
ALTER TABLE docs ENABLE ROW LEVEL SECURITY;
CREATE POLICY own ON docs USING (tenant_id = nullif(current_setting('app.tenant', true), ''));
CREATE VIEW mine AS SELECT * FROM docs WHERE tenant_id = nullif(current_setting('app.tenant', true), '') WITH CHECK OPTION;
