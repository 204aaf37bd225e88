-- A CHECK that asks the session held of whoever wrote the row, not of whoever reads it.
-- args: --tenant tenant_id=app.tenant
-- leaks: docs.read docs.create docs.delete docs.update
-- replayed: no
CREATE TABLE docs (id bigserial PRIMARY KEY, tenant_id text NOT NULL, title text,
  CHECK (tenant_id = current_setting('app.tenant', true) AND current_setting('app.tenant', true) <> ''));
ALTER TABLE docs ENABLE ROW LEVEL SECURITY;
CREATE POLICY everything ON docs USING (true);
