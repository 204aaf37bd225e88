-- A leak beside something that is not understood is a leak still.
-- leaks: docs.read
CREATE TABLE docs (id bigserial PRIMARY KEY, tenant_id uuid NOT NULL, title text);
CREATE FUNCTION ok(of text) RETURNS boolean LANGUAGE plpgsql STABLE AS $$ BEGIN IF of = 'x' THEN RETURN false; END IF; RETURN true; END $$;
ALTER TABLE docs ENABLE ROW LEVEL SECURITY;
CREATE POLICY own ON docs FOR SELECT USING (tenant_id = nullif(current_setting('app.tenant', true), '')::uuid OR title = 'open' OR ok(title));
