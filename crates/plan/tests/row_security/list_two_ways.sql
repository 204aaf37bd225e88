-- One setting that is split in two ways is two lists.
-- args: --tenant tenant_id=app.tenant
-- open: docs.read
CREATE TABLE docs (id bigserial PRIMARY KEY, tenant_id text NOT NULL, kind text NOT NULL);
ALTER TABLE docs ENABLE ROW LEVEL SECURITY;
CREATE POLICY own ON docs FOR SELECT USING (tenant_id = nullif(current_setting('app.tenant', true), '') OR (kind = ANY (string_to_array(current_setting('app.kinds', true), ',')) AND NOT kind = ANY (string_to_array(current_setting('app.kinds', true), ';'))));
