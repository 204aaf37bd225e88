-- An error rather than no rows.
-- notes: docs: is the empty text after the transaction
-- notes: docs: gets an error rather than no rows
CREATE TABLE docs (id bigserial PRIMARY KEY, tenant_id uuid NOT NULL, title text);
ALTER TABLE docs ENABLE ROW LEVEL SECURITY;
CREATE POLICY own ON docs USING (tenant_id = current_setting('app.tenant')::uuid);
