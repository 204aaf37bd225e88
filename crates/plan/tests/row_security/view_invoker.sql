-- A view that runs as its caller.
CREATE TABLE docs (id bigserial PRIMARY KEY, tenant_id uuid NOT NULL, title text);
ALTER TABLE docs ENABLE ROW LEVEL SECURITY;
CREATE POLICY own ON docs USING (tenant_id = nullif(current_setting('app.tenant', true), '')::uuid);
CREATE VIEW all_docs WITH (security_invoker = true) AS SELECT * FROM docs;
