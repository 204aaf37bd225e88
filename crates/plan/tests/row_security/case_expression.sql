-- CASE chooses what is asked.
-- leaks: docs.read
CREATE TABLE docs (id bigserial PRIMARY KEY, tenant_id uuid NOT NULL, title text, kind int NOT NULL);
ALTER TABLE docs ENABLE ROW LEVEL SECURITY;
CREATE POLICY own ON docs FOR SELECT USING (CASE WHEN kind = 1 THEN tenant_id = nullif(current_setting('app.tenant', true), '')::uuid ELSE kind > 5 END);
