-- By way of another table and back.
-- leaks: docs.create
-- notes: docs: the unique key (id) holds no tenant
-- notes: links: the unique key (id) holds no tenant
CREATE TABLE docs (id bigint PRIMARY KEY, tenant_id text NOT NULL, title text);
CREATE TABLE links (id bigint PRIMARY KEY, tenant_id text NOT NULL, doc_id bigint NOT NULL);
ALTER TABLE docs ENABLE ROW LEVEL SECURITY;
ALTER TABLE links ENABLE ROW LEVEL SECURITY;
CREATE POLICY own ON docs FOR SELECT USING (tenant_id = nullif(current_setting('app.tenant', true), ''));
CREATE POLICY linked ON links FOR SELECT USING (tenant_id = nullif(current_setting('app.tenant', true), '') AND EXISTS (SELECT 1 FROM docs d WHERE d.id = links.doc_id));
CREATE POLICY known ON docs FOR INSERT WITH CHECK (EXISTS (SELECT 1 FROM links l WHERE l.id = docs.id));
