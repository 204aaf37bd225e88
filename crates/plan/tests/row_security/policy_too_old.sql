-- Postgres names: quoted tables and columns.
CREATE TABLE "Doc Store" (id bigserial PRIMARY KEY, "Tenant Id" uuid NOT NULL);
ALTER TABLE "Doc Store" ENABLE ROW LEVEL SECURITY;
CREATE POLICY "the own" ON "Doc Store" USING ("Tenant Id" = nullif(current_setting('app.tenant', true), '')::uuid);
