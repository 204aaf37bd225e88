-- A tenant for each database role.
CREATE TABLE docs (id bigserial PRIMARY KEY, tenant_id text NOT NULL, title text);
ALTER TABLE docs ENABLE ROW LEVEL SECURITY;
CREATE POLICY own ON docs USING (tenant_id = current_user);
