-- A function that is more than one statement.
-- open: docs.read
CREATE TABLE docs (id bigserial PRIMARY KEY, tenant_id uuid NOT NULL, title text);
CREATE FUNCTION ok(of uuid) RETURNS boolean LANGUAGE plpgsql STABLE AS $$ DECLARE x uuid; BEGIN x := nullif(current_setting('app.tenant', true), '')::uuid; IF x IS NULL THEN RETURN false; END IF; RETURN of = x; END $$;
ALTER TABLE docs ENABLE ROW LEVEL SECURITY;
CREATE POLICY own ON docs FOR SELECT USING (ok(tenant_id));
