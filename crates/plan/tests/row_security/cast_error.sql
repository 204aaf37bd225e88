-- The empty setting does not cast.
-- notes: docs: is the empty text after the transaction
CREATE TABLE docs (id bigserial PRIMARY KEY, tenant_id uuid NOT NULL, title text);
ALTER TABLE docs ENABLE ROW LEVEL SECURITY;
CREATE POLICY own ON docs USING (tenant_id = current_setting('app.tenant', true)::uuid);
