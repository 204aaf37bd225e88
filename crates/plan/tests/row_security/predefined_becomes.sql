-- A predefined role to become, which a policy for others does not hold.
-- leaks: docs.read
CREATE TABLE docs (id bigserial PRIMARY KEY, tenant_id text NOT NULL, title text);
ALTER TABLE docs ENABLE ROW LEVEL SECURITY;
CREATE POLICY everything ON docs USING (true) WITH CHECK (tenant_id = nullif(current_setting('app.tenant', true), ''));
CREATE POLICY own ON docs AS RESTRICTIVE TO @app, @support USING (tenant_id = nullif(current_setting('app.tenant', true), ''));
ALTER ROLE @support NOINHERIT;
GRANT pg_read_all_data TO @support;
