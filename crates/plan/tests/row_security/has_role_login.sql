-- Whoever logged in, and not whoever acts, may be a member.
-- args: --tenant tenant_id=app.tenant
-- leaks: docs.read docs.create docs.update docs.moves docs.delete
CREATE TABLE docs (id bigserial PRIMARY KEY, tenant_id text NOT NULL, title text);
ALTER TABLE docs ENABLE ROW LEVEL SECURITY;
GRANT @group TO @support;
GRANT @app TO @support;
CREATE POLICY own ON docs USING (tenant_id = nullif(current_setting('app.tenant', true), '') OR pg_has_role(session_user, '@group', 'member'));
