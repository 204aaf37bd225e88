-- A function asks who logged in.
-- leaks: function public.found().read
-- replayed: no
CREATE TABLE docs (id bigserial PRIMARY KEY, tenant_id text NOT NULL, title text);
ALTER TABLE docs ENABLE ROW LEVEL SECURITY;
CREATE POLICY own ON docs USING (tenant_id = nullif(current_setting('app.tenant', true), ''));
CREATE FUNCTION found() RETURNS SETOF text LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS
  $$ SELECT title FROM docs WHERE tenant_id = nullif(current_setting('app.tenant', true), '') OR session_user = '@support' $$;
REVOKE ALL ON FUNCTION found() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION found() TO @app, @support;
