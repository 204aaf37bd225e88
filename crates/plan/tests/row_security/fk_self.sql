-- A row that refers to another one of its table need not refer to itself.
-- args: --tenant tenant_id=app.tenant
-- leaks: docs.read docs.create docs.update docs.moves docs.delete docs.refers
-- notes: docs: the unique key (id) holds no tenant
CREATE TABLE docs (id bigint PRIMARY KEY, tenant_id text NOT NULL, parent_id bigint NOT NULL REFERENCES docs);
ALTER TABLE docs ENABLE ROW LEVEL SECURITY;
CREATE POLICY odd ON docs USING (parent_id <> id);
