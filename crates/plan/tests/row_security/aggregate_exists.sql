-- An aggregate always finds a row: EXISTS (SELECT count(*) …) is TRUE whatever there is.
-- open: docs.read docs.create docs.update docs.moves docs.delete
CREATE TABLE members (tenant_id uuid NOT NULL, user_id uuid NOT NULL, PRIMARY KEY (tenant_id, user_id));
ALTER TABLE members ENABLE ROW LEVEL SECURITY;
CREATE POLICY own ON members FOR SELECT USING (user_id = nullif(current_setting('app.user', true), '')::uuid);
CREATE TABLE docs (id bigserial PRIMARY KEY, tenant_id uuid NOT NULL, title text);
ALTER TABLE docs ENABLE ROW LEVEL SECURITY;
CREATE POLICY member ON docs USING (EXISTS (SELECT count(*) FROM members m WHERE m.tenant_id = docs.tenant_id AND m.user_id = nullif(current_setting('app.user', true), '')::uuid));
