-- A view asks for its caller, not for its owner.
-- leaks: shown.read
CREATE TABLE docs (id bigserial PRIMARY KEY, tenant_id text NOT NULL, title text);
ALTER TABLE docs ENABLE ROW LEVEL SECURITY;
CREATE POLICY own ON docs USING (tenant_id = nullif(current_setting('app.tenant', true), ''));
CREATE VIEW shown AS SELECT * FROM docs WHERE current_user <> 'postgres' OR tenant_id = nullif(current_setting('app.tenant', true), '');
GRANT SELECT ON shown TO @app;
REVOKE INSERT, UPDATE, DELETE ON shown FROM @app;
