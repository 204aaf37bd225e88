-- A partition read by its own name.
-- leaks: docs_0.read docs_0.create docs_0.update docs_0.moves docs_0.delete
CREATE TABLE docs (id bigint, tenant_id uuid NOT NULL) PARTITION BY HASH (id);
CREATE TABLE docs_0 PARTITION OF docs FOR VALUES WITH (MODULUS 1, REMAINDER 0);
ALTER TABLE docs ENABLE ROW LEVEL SECURITY;
CREATE POLICY own ON docs USING (tenant_id = nullif(current_setting('app.tenant', true), '')::uuid);
