-- A function between: PostgreSQL notices nothing, and asks until its stack is full or nothing more is asked.
-- open: docs.read docs.delete
-- notes: docs: the unique key (id) holds no tenant
CREATE TABLE docs (id bigint PRIMARY KEY, tenant_id text NOT NULL, parent_id bigint);
CREATE FUNCTION is_there(bigint) RETURNS boolean LANGUAGE sql STABLE SET search_path = public, pg_temp AS $$ SELECT EXISTS (SELECT 1 FROM docs d WHERE d.id = $1) $$;
ALTER TABLE docs ENABLE ROW LEVEL SECURITY;
CREATE POLICY own ON docs FOR SELECT USING (tenant_id = nullif(current_setting('app.tenant', true), '') OR (parent_id IS NOT NULL AND is_there(parent_id)));
CREATE POLICY own_delete ON docs FOR DELETE USING (tenant_id = nullif(current_setting('app.tenant', true), '') OR is_there(parent_id));
