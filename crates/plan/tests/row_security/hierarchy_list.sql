-- A list of tenants in a setting.
CREATE TABLE docs (id bigserial PRIMARY KEY, tenant_id uuid NOT NULL, title text);
ALTER TABLE docs ENABLE ROW LEVEL SECURITY;
CREATE POLICY own ON docs FOR SELECT USING (tenant_id = nullif(current_setting('app.tenant', true), '')::uuid OR tenant_id = ANY (string_to_array(nullif(current_setting('app.children', true), ''), ',')::uuid[]));
