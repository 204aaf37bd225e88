-- The same with a list that stays missing: nothing is known of what is in it.
-- args: --tenant tenant_id=app.tenant
CREATE TABLE docs (id bigserial PRIMARY KEY, tenant_id text NOT NULL, title text);
ALTER TABLE docs ENABLE ROW LEVEL SECURITY;
CREATE POLICY own ON docs FOR SELECT USING (tenant_id = nullif(current_setting('app.tenant', true), '') OR (current_setting('app.blocked', true) IS NULL AND NOT (tenant_id = ANY (string_to_array(current_setting('app.blocked', true), ',')))));
