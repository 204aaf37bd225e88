-- A foreign key that was never validated: rows may lead nowhere, and those are shown to all.
-- leaks: lines.read lines.create lines.update lines.moves lines.delete
CREATE TABLE orders (id bigserial PRIMARY KEY, tenant_id uuid NOT NULL);
CREATE TABLE lines (id bigserial PRIMARY KEY, order_id bigint NOT NULL);
ALTER TABLE lines ADD CONSTRAINT of_order FOREIGN KEY (order_id) REFERENCES orders NOT VALID;
ALTER TABLE orders ENABLE ROW LEVEL SECURITY; ALTER TABLE lines ENABLE ROW LEVEL SECURITY;
CREATE POLICY own ON orders USING (tenant_id = nullif(current_setting('app.tenant', true), '')::uuid);
CREATE POLICY own ON lines USING (EXISTS (SELECT 1 FROM orders o WHERE o.id = lines.order_id AND o.tenant_id = nullif(current_setting('app.tenant', true), '')::uuid) OR NOT EXISTS (SELECT 1 FROM orders o WHERE o.id = lines.order_id));
