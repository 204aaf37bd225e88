-- The same, declared.
-- args: --trust @support
CREATE TABLE docs (id bigserial PRIMARY KEY, tenant_id uuid NOT NULL, title text);
ALTER TABLE docs ENABLE ROW LEVEL SECURITY;
CREATE POLICY own ON docs TO @app USING (tenant_id = nullif(current_setting('app.tenant', true), '')::uuid);
CREATE POLICY help ON docs FOR SELECT TO @support USING (true);
GRANT SELECT ON docs TO @support;
