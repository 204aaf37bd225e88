-- A trigger writes with its owner's rights what the caller says.
-- open: docs.structure
CREATE TABLE docs (id bigserial PRIMARY KEY, tenant_id text NOT NULL, title text);
ALTER TABLE docs ENABLE ROW LEVEL SECURITY;
CREATE POLICY own ON docs USING (tenant_id = nullif(current_setting('app.tenant', true), ''));
CREATE TABLE log (id bigserial PRIMARY KEY, tenant_id text NOT NULL, line text);
ALTER TABLE log ENABLE ROW LEVEL SECURITY;
CREATE POLICY own ON log USING (tenant_id = nullif(current_setting('app.tenant', true), ''));
CREATE FUNCTION note() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$ BEGIN INSERT INTO log (tenant_id, line) VALUES (NEW.title, 'x'); RETURN NEW; END $$;
CREATE TRIGGER note AFTER INSERT ON docs FOR EACH ROW EXECUTE FUNCTION note();
