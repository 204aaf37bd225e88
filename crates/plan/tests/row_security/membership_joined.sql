-- A membership by way of the user's own row, in either of two roles.
-- notes: users: the unique key (id) holds no tenant
CREATE TABLE users (id uuid PRIMARY KEY, email text NOT NULL UNIQUE);
CREATE TABLE members (org_id uuid NOT NULL, user_id uuid NOT NULL, role text NOT NULL DEFAULT 'member', PRIMARY KEY (org_id, user_id));
CREATE TABLE docs (id bigserial PRIMARY KEY, org_id uuid NOT NULL, title text);
ALTER TABLE users ENABLE ROW LEVEL SECURITY;
CREATE POLICY me ON users FOR SELECT USING (email = nullif(current_setting('app.email', true), ''));
ALTER TABLE members ENABLE ROW LEVEL SECURITY;
CREATE POLICY own ON members FOR SELECT USING (user_id IN (SELECT id FROM users WHERE email = nullif(current_setting('app.email', true), '')));
ALTER TABLE docs ENABLE ROW LEVEL SECURITY;
CREATE POLICY own ON docs FOR SELECT USING (org_id IN (SELECT m.org_id FROM members m JOIN users u ON u.id = m.user_id WHERE u.email = nullif(current_setting('app.email', true), '') AND (m.role = 'admin' OR m.role = 'member')));
