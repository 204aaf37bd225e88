-- A view of its owner that names the tenant itself, and is for reading alone.
CREATE TABLE docs (id bigserial PRIMARY KEY, tenant_id uuid NOT NULL, title text);
ALTER TABLE docs ENABLE ROW LEVEL SECURITY;
CREATE POLICY own ON docs USING (tenant_id = nullif(current_setting('app.tenant', true), '')::uuid);
CREATE VIEW my_docs AS SELECT * FROM docs WHERE tenant_id = nullif(current_setting('app.tenant', true), '')::uuid;
REVOKE INSERT, UPDATE, DELETE ON my_docs FROM @app;
