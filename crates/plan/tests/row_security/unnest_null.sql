-- NOT IN over a list with a NULL in it is never so, and so never FALSE.
-- args: --tenant tenant_id=app.tenant
-- leaks: docs.read
CREATE TABLE docs (id bigserial PRIMARY KEY, tenant_id text NOT NULL, other text);
ALTER TABLE docs ENABLE ROW LEVEL SECURITY;
CREATE POLICY own ON docs FOR SELECT USING ((tenant_id NOT IN (SELECT unnest(ARRAY['a', other]))) IS NULL);
