-- One more spelling than those that are kept out.
-- args: --tenant tenant_id=app.tenant
-- leaks: docs.read
CREATE TABLE docs (id bigserial PRIMARY KEY, tenant_id text NOT NULL, level text NOT NULL);
ALTER TABLE docs ENABLE ROW LEVEL SECURITY;
CREATE POLICY own ON docs FOR SELECT USING (tenant_id = nullif(current_setting('app.tenant', true), '') OR (level::int = 0 AND level <> '0' AND level <> '00'));
