-- A list may hold NULL: nothing is known to be outside of it.
-- args: --tenant tenant_id=app.tenant
-- leaks: docs.read
-- notes: docs: gets an error rather than no rows
CREATE TABLE docs (id bigserial PRIMARY KEY, tenant_id text NOT NULL, title text);
ALTER TABLE docs ENABLE ROW LEVEL SECURITY;
CREATE POLICY own ON docs FOR SELECT USING (tenant_id = nullif(current_setting('app.tenant', true), '') OR (tenant_id = ANY (current_setting('app.list')::text[])) IS NULL);
