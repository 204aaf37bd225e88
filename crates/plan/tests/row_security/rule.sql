-- A rule writes with its owner's rights.
-- open: docs.structure
CREATE TABLE docs (id bigserial PRIMARY KEY, tenant_id text NOT NULL, title text);
ALTER TABLE docs ENABLE ROW LEVEL SECURITY;
CREATE POLICY own ON docs USING (tenant_id = nullif(current_setting('app.tenant', true), ''));
CREATE RULE too AS ON INSERT TO docs DO ALSO DELETE FROM docs WHERE title = NEW.title;
