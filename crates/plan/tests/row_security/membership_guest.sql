-- One guest of an organization shows it to everybody.
-- leaks: docs.read docs.create docs.update docs.moves docs.delete members.read
CREATE TABLE members (org_id uuid NOT NULL, user_id uuid NOT NULL, role text NOT NULL DEFAULT 'member', PRIMARY KEY (org_id, user_id));
CREATE TABLE docs (id bigserial PRIMARY KEY, org_id uuid NOT NULL, title text);
ALTER TABLE members ENABLE ROW LEVEL SECURITY;
CREATE POLICY listed ON members FOR SELECT USING (user_id = nullif(current_setting('app.user', true), '')::uuid OR role = 'guest');
ALTER TABLE docs ENABLE ROW LEVEL SECURITY;
CREATE POLICY own ON docs USING (org_id IN (SELECT org_id FROM members WHERE user_id = nullif(current_setting('app.user', true), '')::uuid OR role = 'guest'));
