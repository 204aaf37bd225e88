#!/usr/bin/env bash
# Roles, rights, row security and seats by the file; two accounts that cannot see each other, in psql and through the
# tools; a change by hand that is named. Needs psql, and in SERVER a superuser's address: postgres://postgres@HOST:PORT
set -euo pipefail

database="${DATABASE:-tenantry_example_roles}"
as() { # ROLE: its address, with the password that was shown
    local rest="${SERVER#*@}" scheme="${SERVER%%://*}"
    echo "$scheme://$1:$(sed -n "s/^$1 //p" passwords.txt)@$rest/$database"
}
root() { psql --no-psqlrc --quiet --set ON_ERROR_STOP=1 "$SERVER/${1:-$database}"; }
sql() { # ROLE STATEMENT: as psql shows it, refusals too
    echo "$1=> $2"
    psql --no-psqlrc --quiet "$(as "$1")" --command "$2" 2>&1 || true
}
touch passwords.txt
chmod 600 passwords.txt

# What was there before: the tables, and who owns them.
root postgres <<SQL
DROP DATABASE IF EXISTS $database WITH (FORCE);
CREATE DATABASE $database;
SQL
root <<'SQL'
DO $$BEGIN IF to_regrole('shop_owner') IS NULL THEN CREATE ROLE shop_owner; END IF; END$$;
CREATE TABLE plans (name text PRIMARY KEY, cents int8);
CREATE TABLE orders (id int8 PRIMARY KEY, tenant_id text NOT NULL, status text, total_cents int8, card text);
ALTER TABLE plans OWNER TO shop_owner;
ALTER TABLE orders OWNER TO shop_owner;
INSERT INTO plans VALUES ('basic', 900), ('pro', 4900);
INSERT INTO orders VALUES (1, 'acme', 'paid', 1000, '4111111111111111'), (2, 'acme', 'open', 2500, '4111111111112222'),
                          (3, 'globex', 'paid', 990000, '4111111111113333');
SQL
export DATABASE_ADMIN_URL="$SERVER/$database"
export DATABASE_URL="${SERVER%%://*}://app_service_role@${SERVER#*@}/$database"

# What would be done, and what it means for access. Then it is done; passwords are shown this once.
tenantry plan
tenantry apply >applied.txt
sed -n 's/.*source.main.role.\([a-z_]*\).password = /\1 /p' applied.txt >passwords.txt
rm applied.txt
echo "$(wc -l <passwords.txt) passwords were made"
tenantry plan --exit-code
tenantry lint
# Row security, read back from the database, shows what the rules show: for the tools, and for seats.
tenantry prove | tail -n 1

# Two accounts in psql. Nothing that a session sets or becomes makes it another's.
sql acme_analyst 'SELECT id, tenant_id, status, total_cents FROM orders'
sql globex_analyst 'SELECT id, tenant_id, status, total_cents FROM orders'
sql acme_analyst "SET tenantry.tenant_id = 'globex'; SELECT id, tenant_id, status FROM orders"
sql acme_analyst 'SET ROLE globex_analyst'
sql acme_analyst 'SELECT card FROM orders'
sql acme_analyst "UPDATE orders SET total_cents = 0"
sql acme_analyst "UPDATE tenantry.seat SET tenant = 'globex'"
sql acme_analyst 'SELECT * FROM plans'

# The same two through the tools.
tenantry ask acme/ann@acme.example query '{"model":"orders","select":["id","card"]}' --quiet
tenantry ask globex/gus@globex.example query '{"model":"orders","select":["id","card"]}' --quiet

# The administrator is no superuser: it changes tables, lets others read, and row security holds it too.
sql admin_service_role 'ALTER TABLE plans ADD COLUMN note text'
sql admin_service_role 'SELECT count(*) FROM orders'
sql admin_service_role "CREATE ROLE another SUPERUSER"
tenantry explain --who-can public.orders --source main | sed '/^INSERT/,$d' | grep --invert-match superuser

# Somebody changes things by hand: `drift` names them and ends with 2, `apply` puts them right.
root <<'SQL'
GRANT SELECT ON orders TO readers;
ALTER POLICY "tenantry:seat:scope:select" ON orders USING (true);
INSERT INTO tenantry.seat VALUES ('admin_service_role', 'globex');
SQL
status=0
tenantry drift || status=$?
[ "$status" -eq 2 ]
tenantry apply
tenantry plan --exit-code

# An analyst moves to another account: a step that says what it does to access, and waits for consent.
sed -i '/role.acme_analyst/,/tenant =/s/tenant = "acme"/tenant = "globex"/' tenantry.toml
tenantry plan
status=0
tenantry apply || status=$?
[ "$status" -eq 4 ]
tenantry apply --approve source.main.role.acme_analyst.tenant
sql acme_analyst 'SELECT id, tenant_id FROM orders'

# All of it goes, and nothing else.
tenantry destroy --yes
psql --no-psqlrc --tuples-only --no-align "$SERVER/$database" --command "SELECT 'left: ' || coalesce(string_agg(rolname, ' '), 'nothing')
    FROM pg_roles WHERE rolname ~ '(^readers|_analyst|_service_role|^tenantry:seats:$database)$'"
root postgres <<SQL
DROP DATABASE $database WITH (FORCE);
DROP ROLE shop_owner;
SQL
rm passwords.txt
