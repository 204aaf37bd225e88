-- A list of users with a constant in it: whoever is a member beside `guest` reads with everybody.
-- leaks: docs.read members.read
CREATE TABLE members (org_id text NOT NULL, user_id text NOT NULL, PRIMARY KEY (org_id, user_id));
CREATE TABLE docs (id bigserial PRIMARY KEY, org_id text NOT NULL, title text);
ALTER TABLE members ENABLE ROW LEVEL SECURITY;
CREATE POLICY listed ON members FOR SELECT USING (user_id = nullif(current_setting('app.user', true), '') OR user_id = 'guest');
ALTER TABLE docs ENABLE ROW LEVEL SECURITY;
CREATE POLICY own ON docs FOR SELECT USING (org_id IN (SELECT org_id FROM members WHERE user_id IN (nullif(current_setting('app.user', true), ''), 'guest')));
