-- Whoever makes a trigger sees what others write.
-- leaks: docs.structure
-- replayed: no
CREATE TABLE docs (id bigserial PRIMARY KEY, tenant_id text NOT NULL, title text);
ALTER TABLE docs ENABLE ROW LEVEL SECURITY;
CREATE POLICY own ON docs USING (tenant_id = nullif(current_setting('app.tenant', true), ''));
GRANT TRIGGER ON docs TO @app;
