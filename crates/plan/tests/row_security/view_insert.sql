-- A view that shows the own rows and takes anybody's: it has no WITH CHECK OPTION.
-- leaks: my_docs.create my_docs.moves
-- replayed: no
CREATE TABLE docs (id bigserial PRIMARY KEY, tenant_id uuid NOT NULL, title text);
ALTER TABLE docs ENABLE ROW LEVEL SECURITY;
CREATE POLICY own ON docs USING (tenant_id = nullif(current_setting('app.tenant', true), '')::uuid);
CREATE VIEW my_docs AS SELECT id, tenant_id, title FROM docs WHERE tenant_id = nullif(current_setting('app.tenant', true), '')::uuid;
