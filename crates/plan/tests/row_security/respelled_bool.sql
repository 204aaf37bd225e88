-- The beginning of a word is a truth, too.
-- args: --tenant tenant_id=app.tenant
-- leaks: docs.read
CREATE TABLE docs (id bigserial PRIMARY KEY, tenant_id text NOT NULL, open text NOT NULL);
ALTER TABLE docs ENABLE ROW LEVEL SECURITY;
CREATE POLICY own ON docs FOR SELECT USING (tenant_id = nullif(current_setting('app.tenant', true), '') OR (open::bool AND open NOT IN ('t', 'true', 'y', 'yes', 'on', '1')));
