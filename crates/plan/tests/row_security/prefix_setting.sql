-- A pattern made of a setting matches more than its beginning.
-- open: docs.read
CREATE TABLE docs (id bigserial PRIMARY KEY, tenant_path text NOT NULL);
ALTER TABLE docs ENABLE ROW LEVEL SECURITY;
CREATE POLICY own ON docs FOR SELECT USING (tenant_path LIKE current_setting('app.path', true) || '%');
