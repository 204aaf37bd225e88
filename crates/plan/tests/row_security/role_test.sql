-- Members of a role see everything.
-- leaks: docs.read
CREATE TABLE docs (id bigserial PRIMARY KEY, tenant_id uuid NOT NULL, title text);
ALTER TABLE docs ENABLE ROW LEVEL SECURITY;
CREATE POLICY own ON docs FOR SELECT USING (tenant_id = nullif(current_setting('app.tenant', true), '')::uuid OR pg_has_role(current_user, '@group', 'member'));
GRANT @group TO @support; GRANT SELECT ON docs TO @support;
