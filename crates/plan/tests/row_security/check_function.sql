-- A CHECK through a function says what the function said when the row was written.
-- leaks: docs.read docs.update docs.delete
CREATE FUNCTION is_named(text) RETURNS boolean LANGUAGE sql IMMUTABLE SET search_path = pg_catalog AS $$ SELECT $1 IS NOT NULL $$;
CREATE TABLE docs (id bigserial PRIMARY KEY, tenant_id text, title text, CHECK (is_named(tenant_id)));
CREATE OR REPLACE FUNCTION is_named(text) RETURNS boolean LANGUAGE sql IMMUTABLE SET search_path = pg_catalog AS $$ SELECT true $$;
INSERT INTO docs (tenant_id) VALUES (NULL);
CREATE OR REPLACE FUNCTION is_named(text) RETURNS boolean LANGUAGE sql IMMUTABLE SET search_path = pg_catalog AS $$ SELECT $1 IS NOT NULL OR current_setting('app.lax', true) IS DISTINCT FROM 'no' $$;
ALTER TABLE docs ENABLE ROW LEVEL SECURITY;
CREATE POLICY own ON docs USING (tenant_id = nullif(current_setting('app.tenant', true), '') OR tenant_id IS NULL) WITH CHECK (tenant_id = nullif(current_setting('app.tenant', true), ''));
