-- A rule of a table of one's own removes rows of another table with its owner's rights.
-- open: mine.structure
-- args: --shared mine
CREATE TABLE docs (id bigserial PRIMARY KEY, tenant_id text NOT NULL, title text);
ALTER TABLE docs ENABLE ROW LEVEL SECURITY;
CREATE POLICY own ON docs USING (tenant_id = nullif(current_setting('app.tenant', true), ''));
CREATE TABLE mine (id bigint);
CREATE RULE r AS ON DELETE TO mine DO ALSO DELETE FROM docs WHERE id = OLD.id;
