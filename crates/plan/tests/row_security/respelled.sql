-- Two texts that are one number: tenants that are texts.
-- args: --tenant tenant_id=app.tenant
-- leaks: docs.read docs.create docs.update docs.moves docs.delete
-- notes: docs: is the empty text after the transaction
CREATE TABLE docs (id bigserial PRIMARY KEY, tenant_id text NOT NULL, title text);
ALTER TABLE docs ENABLE ROW LEVEL SECURITY;
CREATE POLICY own ON docs USING (tenant_id::bigint = current_setting('app.tenant', true)::bigint);
