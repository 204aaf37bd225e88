-- Enums and CHECKs are facts.
CREATE TYPE state AS ENUM ('draft', 'open', 'gone');
CREATE TABLE docs (id bigserial PRIMARY KEY, tenant_id uuid NOT NULL, state state NOT NULL, level int NOT NULL CHECK (level > 0));
ALTER TABLE docs ENABLE ROW LEVEL SECURITY;
CREATE POLICY own ON docs FOR SELECT USING (tenant_id = nullif(current_setting('app.tenant', true), '')::uuid OR (state NOT IN ('draft', 'open', 'gone')) OR level < 1);
