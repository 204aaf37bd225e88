-- A procedure that runs as its owner.
-- open: function public.rename().read
CREATE TABLE docs (id bigserial PRIMARY KEY, tenant_id uuid NOT NULL, title text);
ALTER TABLE docs ENABLE ROW LEVEL SECURITY;
CREATE POLICY own ON docs USING (tenant_id = nullif(current_setting('app.tenant', true), '')::uuid);
CREATE PROCEDURE rename(which bigint, words text) LANGUAGE sql SECURITY DEFINER SET search_path = public AS $$ UPDATE docs SET title = words WHERE id = which $$;
