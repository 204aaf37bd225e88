-- The setting is empty after a transaction.
-- leaks: docs.read docs.create docs.update docs.delete
CREATE TABLE docs (id bigserial PRIMARY KEY, tenant_id uuid NOT NULL, title text);
ALTER TABLE docs ENABLE ROW LEVEL SECURITY;
CREATE POLICY own ON docs USING (current_setting('app.tenant', true) = '' OR tenant_id::text = current_setting('app.tenant', true));
