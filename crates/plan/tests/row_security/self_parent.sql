-- A policy for writing reads its own table, whose policies for reading read none: PostgreSQL runs it.
-- leaks: docs.create
-- notes: docs: the unique key (id) holds no tenant
CREATE TABLE docs (id bigint PRIMARY KEY, tenant_id text NOT NULL, parent_id bigint);
ALTER TABLE docs ENABLE ROW LEVEL SECURITY;
CREATE POLICY own ON docs FOR SELECT USING (tenant_id = nullif(current_setting('app.tenant', true), ''));
CREATE POLICY child ON docs FOR INSERT WITH CHECK (EXISTS (SELECT 1 FROM docs d WHERE d.id = docs.parent_id));
