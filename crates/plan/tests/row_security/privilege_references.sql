-- Whoever refers to a table learns which keys are there.
-- notes: docs: REFERENCES is granted
CREATE TABLE docs (id bigserial PRIMARY KEY, tenant_id text NOT NULL, title text);
ALTER TABLE docs ENABLE ROW LEVEL SECURITY;
CREATE POLICY own ON docs USING (tenant_id = nullif(current_setting('app.tenant', true), ''));
GRANT REFERENCES ON docs TO @app;
