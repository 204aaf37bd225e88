-- The same with parentheses.
CREATE TABLE docs (id bigserial PRIMARY KEY, tenant_id uuid NOT NULL, title text, is_public bool NOT NULL DEFAULT false, archived bool NOT NULL DEFAULT false);
ALTER TABLE docs ENABLE ROW LEVEL SECURITY;
CREATE POLICY own ON docs FOR SELECT USING (tenant_id = nullif(current_setting('app.tenant', true), '')::uuid AND (NOT archived OR is_public));
