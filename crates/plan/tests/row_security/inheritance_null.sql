-- Heirs may hold NULLs where their parent does not: rows of theirs are read with the parent's.
-- open: docs.create
-- replayed: no
-- leaks: docs.read docs.update docs.moves docs.delete docs_old.read docs_old.create docs_old.update docs_old.moves docs_old.delete
CREATE TABLE docs (id bigint NOT NULL, tenant_id uuid NOT NULL, title text);
CREATE TABLE docs_old () INHERITS (docs);
ALTER TABLE docs_old ALTER tenant_id DROP NOT NULL;
ALTER TABLE docs ENABLE ROW LEVEL SECURITY;
CREATE POLICY own ON docs USING (tenant_id = nullif(current_setting('app.tenant', true), '')::uuid OR tenant_id IS NULL);
