-- <> ALL in place of = ANY.
-- leaks: docs.read
CREATE TABLE docs (id bigserial PRIMARY KEY, tenant_id uuid NOT NULL, title text);
ALTER TABLE docs ENABLE ROW LEVEL SECURITY;
CREATE POLICY own ON docs FOR SELECT USING (tenant_id <> ALL (string_to_array(nullif(current_setting('app.tenants', true), ''), ',')::uuid[]));
