-- A view that runs as its owner.
-- leaks: all_docs.read all_docs.create all_docs.moves all_docs.delete
-- replayed: no
CREATE TABLE docs (id bigserial PRIMARY KEY, tenant_id uuid NOT NULL, title text);
ALTER TABLE docs ENABLE ROW LEVEL SECURITY;
CREATE POLICY own ON docs USING (tenant_id = nullif(current_setting('app.tenant', true), '')::uuid);
CREATE VIEW all_docs AS SELECT * FROM docs;
