-- Whoever may write memberships is a member of what it likes.
-- leaks: members.read members.create members.update members.moves members.delete
CREATE TABLE members (tenant_id uuid NOT NULL, user_id uuid NOT NULL, PRIMARY KEY (tenant_id, user_id));
CREATE TABLE docs (id bigserial PRIMARY KEY, tenant_id uuid NOT NULL, title text);
ALTER TABLE docs ENABLE ROW LEVEL SECURITY;
CREATE POLICY member ON docs USING (tenant_id IN (SELECT tenant_id FROM members WHERE user_id = nullif(current_setting('app.user', true), '')::uuid));
