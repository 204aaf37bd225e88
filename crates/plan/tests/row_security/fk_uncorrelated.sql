-- What a row refers to need not be what the condition finds.
-- args: --tenant docs.tenant_id=app.tenant --tenant tenants.id=app.tenant
-- leaks: docs.read docs.create docs.update docs.moves docs.delete
CREATE TABLE tenants (id text PRIMARY KEY, active boolean NOT NULL DEFAULT true);
ALTER TABLE tenants ENABLE ROW LEVEL SECURITY;
CREATE POLICY own ON tenants FOR SELECT USING (id = current_setting('app.tenant', true));
CREATE TABLE docs (id bigserial PRIMARY KEY, tenant_id text NOT NULL REFERENCES tenants, title text);
ALTER TABLE docs ENABLE ROW LEVEL SECURITY;
CREATE POLICY own ON docs USING (EXISTS (SELECT 1 FROM tenants t WHERE t.id = current_setting('app.tenant', true)));
