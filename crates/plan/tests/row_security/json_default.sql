-- Claims that stand in for missing ones name a tenant.
-- args: --tenant tenant_id=app.tenant
-- open: docs.read docs.create docs.update docs.moves docs.delete
CREATE TABLE docs (id bigserial PRIMARY KEY, tenant_id text NOT NULL, title text);
ALTER TABLE docs ENABLE ROW LEVEL SECURITY;
CREATE POLICY own ON docs USING (tenant_id = coalesce(current_setting('app.claims', true)::jsonb, '{"tenant": "acme"}'::jsonb) ->> 'tenant');
