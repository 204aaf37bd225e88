-- A function of its owner that names no table: the function that it calls does.
-- open: function public.outer_docs().read
CREATE TABLE docs (id bigserial PRIMARY KEY, tenant_id uuid NOT NULL, title text);
ALTER TABLE docs ENABLE ROW LEVEL SECURITY;
CREATE POLICY own ON docs USING (tenant_id = nullif(current_setting('app.tenant', true), '')::uuid);
CREATE FUNCTION inner_docs() RETURNS SETOF docs LANGUAGE plpgsql SET search_path = public AS $$ DECLARE d docs; BEGIN FOR d IN SELECT * FROM docs LOOP RETURN NEXT d; END LOOP; END $$;
CREATE FUNCTION outer_docs() RETURNS SETOF docs LANGUAGE sql SECURITY DEFINER SET search_path = public AS $$ SELECT * FROM inner_docs() $$;
