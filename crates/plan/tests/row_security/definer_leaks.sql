-- A function that runs as its owner and names no tenant.
-- leaks: function public.find_docs().read
-- replayed: no
-- notes: function public.find_docs(): may put temporary tables of its own
CREATE TABLE docs (id bigserial PRIMARY KEY, tenant_id uuid NOT NULL, title text);
ALTER TABLE docs ENABLE ROW LEVEL SECURITY;
CREATE POLICY own ON docs USING (tenant_id = nullif(current_setting('app.tenant', true), '')::uuid);
CREATE FUNCTION find_docs(q text) RETURNS SETOF docs LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public AS $$ SELECT * FROM docs WHERE title = q $$;
