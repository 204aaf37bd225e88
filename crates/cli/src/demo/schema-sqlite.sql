-- The demo's tables: a support desk's product data. Every index of tenant data begins with the tenant,
-- and every key between tenant tables carries it, so that no row can point into another tenant.
CREATE TABLE plans (
    id INTEGER PRIMARY KEY,
    name TEXT NOT NULL,
    price_cents INTEGER NOT NULL,
    internal_cost_cents INTEGER NOT NULL,
    is_public INTEGER NOT NULL CHECK (is_public IN (0, 1))
) STRICT;

CREATE TABLE customers (
    id INTEGER PRIMARY KEY,
    tenant_id TEXT NOT NULL CHECK (length(tenant_id) > 0),
    name TEXT NOT NULL,
    email TEXT NOT NULL,
    phone TEXT NOT NULL,
    card TEXT NOT NULL,
    plan_id INTEGER NOT NULL REFERENCES plans (id),
    internal_note TEXT,
    created_at INTEGER NOT NULL,
    UNIQUE (tenant_id, id),
    UNIQUE (tenant_id, email)
) STRICT;

CREATE TABLE orders (
    id INTEGER PRIMARY KEY,
    tenant_id TEXT NOT NULL CHECK (length(tenant_id) > 0),
    customer_id INTEGER NOT NULL,
    status TEXT NOT NULL CHECK (status IN ('open', 'paid', 'shipped', 'archived')),
    total_cents INTEGER NOT NULL,
    placed_at INTEGER NOT NULL,
    updated_at INTEGER,
    updated_by TEXT,
    deleted_at INTEGER,
    UNIQUE (tenant_id, id),
    FOREIGN KEY (tenant_id, customer_id) REFERENCES customers (tenant_id, id)
) STRICT;

-- No tenant column of its own: a line belongs to the tenant of its order.
CREATE TABLE order_lines (
    id INTEGER PRIMARY KEY,
    order_id INTEGER NOT NULL REFERENCES orders (id),
    sku TEXT NOT NULL,
    quantity INTEGER NOT NULL CHECK (quantity > 0),
    price_cents INTEGER NOT NULL
) STRICT;

CREATE TABLE tickets (
    id INTEGER PRIMARY KEY,
    tenant_id TEXT NOT NULL CHECK (length(tenant_id) > 0),
    customer_id INTEGER NOT NULL,
    assigned_to TEXT,
    subject TEXT NOT NULL,
    priority INTEGER NOT NULL CHECK (priority BETWEEN 1 AND 4),
    status TEXT NOT NULL CHECK (status IN ('new', 'open', 'solved')),
    created_at INTEGER NOT NULL,
    FOREIGN KEY (tenant_id, customer_id) REFERENCES customers (tenant_id, id)
) STRICT;

CREATE TABLE documents (
    id INTEGER PRIMARY KEY,
    tenant_id TEXT NOT NULL CHECK (length(tenant_id) > 0),
    owner_id TEXT NOT NULL,
    title TEXT NOT NULL,
    body TEXT NOT NULL,
    is_confidential INTEGER NOT NULL CHECK (is_confidential IN (0, 1)),
    created_at INTEGER NOT NULL
) STRICT;
