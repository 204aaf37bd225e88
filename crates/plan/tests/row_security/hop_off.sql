-- Lines without row security.
-- leaks: lines.read lines.create lines.update lines.moves lines.delete
CREATE TABLE orders (id bigserial PRIMARY KEY, tenant_id uuid NOT NULL);
CREATE TABLE lines (id bigserial PRIMARY KEY, order_id bigint NOT NULL REFERENCES orders);
ALTER TABLE orders ENABLE ROW LEVEL SECURITY;
CREATE POLICY own ON orders USING (tenant_id = nullif(current_setting('app.tenant', true), '')::uuid);
