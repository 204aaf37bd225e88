-- A setting that spells a number otherwise.
-- args: --tenant tenant_id=app.tenant
-- leaks: docs.read
-- notes: docs: is the empty text after the transaction
CREATE TABLE docs (id bigserial PRIMARY KEY, tenant_id text NOT NULL, title text);
ALTER TABLE docs ENABLE ROW LEVEL SECURITY;
CREATE POLICY own ON docs FOR SELECT USING (tenant_id = nullif(current_setting('app.tenant', true), '') OR (current_setting('app.level', true)::int = 7 AND current_setting('app.level', true) <> '7'));
