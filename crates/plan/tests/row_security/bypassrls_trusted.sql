-- The same, declared.
-- args: --trust @support
CREATE TABLE docs (id bigserial PRIMARY KEY, tenant_id uuid NOT NULL, title text);
ALTER TABLE docs ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE POLICY own ON docs USING (tenant_id = nullif(current_setting('app.tenant', true), '')::uuid);
ALTER ROLE @support BYPASSRLS; GRANT SELECT ON docs TO @support;
