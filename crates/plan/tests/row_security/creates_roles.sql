-- Before PostgreSQL 16, who may create roles may be the owner.
-- leaks: docs.read docs.create docs.update docs.moves docs.delete
-- open: role_@app.structure
-- before: 16
CREATE TABLE docs (id bigserial PRIMARY KEY, tenant_id text NOT NULL, title text);
ALTER TABLE docs OWNER TO @group;
ALTER TABLE docs ENABLE ROW LEVEL SECURITY;
CREATE POLICY own ON docs USING (tenant_id = nullif(current_setting('app.tenant', true), ''));
ALTER ROLE @app CREATEROLE;
