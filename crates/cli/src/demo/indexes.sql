-- Made after loading, which is faster than keeping them up to date row by row.
CREATE INDEX customers_by_name ON customers (tenant_id, name, id);
CREATE INDEX orders_by_customer ON orders (tenant_id, customer_id, id);
CREATE INDEX orders_by_status ON orders (tenant_id, status, id);
CREATE INDEX orders_by_time ON orders (tenant_id, placed_at, id);
CREATE INDEX orders_of_customer ON orders (customer_id, id);
CREATE INDEX order_lines_by_order ON order_lines (order_id, id);
CREATE INDEX tickets_by_agent ON tickets (tenant_id, assigned_to, id);
CREATE INDEX tickets_of_customer ON tickets (customer_id, id);
CREATE INDEX documents_by_owner ON documents (tenant_id, owner_id, id);
