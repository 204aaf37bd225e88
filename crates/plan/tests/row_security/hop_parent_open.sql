-- Lines that rest on the policies of orders, which are open.
-- leaks: orders.read lines.read
CREATE TABLE orders (id bigserial PRIMARY KEY, tenant_id uuid NOT NULL);
CREATE TABLE lines (id bigserial PRIMARY KEY, order_id bigint NOT NULL REFERENCES orders);
ALTER TABLE orders ENABLE ROW LEVEL SECURITY; ALTER TABLE lines ENABLE ROW LEVEL SECURITY;
CREATE POLICY own ON orders FOR SELECT USING (tenant_id = nullif(current_setting('app.tenant', true), '')::uuid OR true);
CREATE POLICY own ON lines FOR SELECT USING (EXISTS (SELECT 1 FROM orders o WHERE o.id = lines.order_id));
