-- The same, resting on the policies of orders.
CREATE TABLE orders (id bigserial PRIMARY KEY, tenant_id uuid NOT NULL);
CREATE TABLE lines (id bigserial PRIMARY KEY, order_id bigint NOT NULL REFERENCES orders);
ALTER TABLE orders ENABLE ROW LEVEL SECURITY; ALTER TABLE lines ENABLE ROW LEVEL SECURITY;
CREATE POLICY own ON orders USING (tenant_id = nullif(current_setting('app.tenant', true), '')::uuid);
CREATE POLICY own ON lines USING (EXISTS (SELECT 1 FROM orders o WHERE o.id = lines.order_id));
