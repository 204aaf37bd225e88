-- A profile whose tenant its user sets.
-- leaks: profiles.create profiles.moves
-- notes: profiles: the unique key (id) holds no tenant
CREATE TABLE profiles (id uuid PRIMARY KEY, tenant_id uuid NOT NULL);
ALTER TABLE profiles ENABLE ROW LEVEL SECURITY;
CREATE POLICY me ON profiles USING (id = nullif(current_setting('app.user', true), '')::uuid);
CREATE TABLE docs (id bigserial PRIMARY KEY, tenant_id uuid NOT NULL, title text);
ALTER TABLE docs ENABLE ROW LEVEL SECURITY;
CREATE POLICY own ON docs USING (tenant_id = (SELECT p.tenant_id FROM profiles p WHERE p.id = nullif(current_setting('app.user', true), '')::uuid));
