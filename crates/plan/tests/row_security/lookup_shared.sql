-- A table that is everybody's, declared.
-- args: --shared countries
CREATE TABLE countries (code text PRIMARY KEY, name text);
REVOKE INSERT, UPDATE, DELETE ON countries FROM @app;
