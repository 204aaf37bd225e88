-- A policy that reads its own table fails.
-- notes: docs: infinite recursion
-- notes: members: infinite recursion
CREATE TABLE members (org_id uuid NOT NULL, user_id uuid NOT NULL, role text NOT NULL DEFAULT 'member', PRIMARY KEY (org_id, user_id));
ALTER TABLE members ENABLE ROW LEVEL SECURITY;
CREATE TABLE docs (id bigserial PRIMARY KEY, org_id uuid NOT NULL, title text);
CREATE POLICY own ON members FOR SELECT USING (org_id IN (SELECT org_id FROM members m WHERE m.user_id = nullif(current_setting('app.user', true), '')::uuid));
ALTER TABLE docs ENABLE ROW LEVEL SECURITY;
CREATE POLICY own ON docs FOR SELECT USING (org_id IN (SELECT org_id FROM members WHERE user_id = nullif(current_setting('app.user', true), '')::uuid));
