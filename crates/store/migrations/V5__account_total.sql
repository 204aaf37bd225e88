-- How many accounts there are, for the pages of their list: counting them for each page takes as long as there
-- are many.
INSERT INTO tenantry_total (name, count) SELECT 'accounts', count(*) FROM tenantry_account;
