-- What a materialized view holds was chosen by the settings of whoever refreshed it.
-- leaks: old_docs.read
-- replayed: no
CREATE TABLE docs (id bigserial PRIMARY KEY, tenant_id text NOT NULL, title text);
ALTER TABLE docs OWNER TO @group;
GRANT USAGE, CREATE ON SCHEMA public TO @group;
ALTER TABLE docs ENABLE ROW LEVEL SECURITY; ALTER TABLE docs FORCE ROW LEVEL SECURITY;
CREATE POLICY own ON docs USING (tenant_id = nullif(current_setting('app.tenant', true), ''));
CREATE MATERIALIZED VIEW old_docs AS SELECT * FROM docs;
ALTER MATERIALIZED VIEW old_docs OWNER TO @group;
