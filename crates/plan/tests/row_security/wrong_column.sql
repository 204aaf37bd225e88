-- A policy that compares the wrong column: whose row it is stands in another one.
-- leaks: notes.read notes.create notes.update notes.moves notes.delete
CREATE TABLE docs (id bigserial PRIMARY KEY, tenant_id uuid NOT NULL, title text);
CREATE TABLE notes (id bigserial PRIMARY KEY, tenant_id uuid NOT NULL, shared_with uuid NOT NULL);
ALTER TABLE docs ENABLE ROW LEVEL SECURITY; ALTER TABLE notes ENABLE ROW LEVEL SECURITY;
CREATE POLICY own ON docs USING (tenant_id = nullif(current_setting('app.tenant', true), '')::uuid);
CREATE POLICY own ON notes USING (shared_with = nullif(current_setting('app.tenant', true), '')::uuid);
