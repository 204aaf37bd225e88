-- WITH CHECK (true) lets rows of others in.
-- leaks: docs.create docs.moves
CREATE TABLE docs (id bigserial PRIMARY KEY, tenant_id uuid NOT NULL, title text);
ALTER TABLE docs ENABLE ROW LEVEL SECURITY;
CREATE POLICY own ON docs USING (tenant_id = nullif(current_setting('app.tenant', true), '')::uuid) WITH CHECK (true);
