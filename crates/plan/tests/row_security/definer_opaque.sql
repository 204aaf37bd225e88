-- A function that runs as its owner and is not understood.
-- open: function public.purge().read
CREATE TABLE docs (id bigserial PRIMARY KEY, tenant_id uuid NOT NULL, title text);
ALTER TABLE docs ENABLE ROW LEVEL SECURITY;
CREATE POLICY own ON docs USING (tenant_id = nullif(current_setting('app.tenant', true), '')::uuid);
CREATE FUNCTION purge() RETURNS void LANGUAGE plpgsql SECURITY DEFINER SET search_path = public AS $$ BEGIN DELETE FROM docs WHERE title IS NULL; END $$;
