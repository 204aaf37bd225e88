-- A view of its owner over one of its caller: the owner's rights go through.
-- open: all_docs.read all_docs.create all_docs.update all_docs.delete
CREATE TABLE docs (id bigserial PRIMARY KEY, tenant_id uuid NOT NULL, title text);
ALTER TABLE docs ENABLE ROW LEVEL SECURITY;
CREATE POLICY own ON docs USING (tenant_id = nullif(current_setting('app.tenant', true), '')::uuid);
CREATE VIEW invoker WITH (security_invoker = true) AS SELECT * FROM docs;
CREATE VIEW all_docs AS SELECT * FROM invoker;
