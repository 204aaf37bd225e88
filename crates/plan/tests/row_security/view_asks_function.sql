-- A function that a view calls runs with the rights of the caller.
CREATE TABLE docs (id bigserial PRIMARY KEY, tenant_id text NOT NULL, title text);
ALTER TABLE docs ENABLE ROW LEVEL SECURITY;
CREATE POLICY own ON docs USING (tenant_id = nullif(current_setting('app.tenant', true), ''));
CREATE FUNCTION mine(bigint) RETURNS boolean LANGUAGE sql STABLE SET search_path = public, pg_temp AS $$ SELECT EXISTS (SELECT 1 FROM docs d WHERE d.id = $1) $$;
CREATE VIEW shown AS SELECT * FROM docs WHERE mine(id);
GRANT SELECT ON shown TO @app;
REVOKE INSERT, UPDATE, DELETE ON shown FROM @app;
