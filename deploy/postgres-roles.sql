-- psql -v ON_ERROR_STOP=1 -f postgres-roles.sql, as a superuser or the owner of the server. Give both roles passwords by
-- \password afterwards, which sends no clear text.
CREATE ROLE pay_owner LOGIN;  -- migrates, takes backups, restores
CREATE ROLE pay_serve LOGIN;  -- serves: reads and writes rows, changes no table
CREATE DATABASE sluice OWNER pay_owner ENCODING 'UTF8' TEMPLATE template0;
\connect sluice
REVOKE ALL ON DATABASE sluice FROM PUBLIC;
GRANT CONNECT ON DATABASE sluice TO pay_owner, pay_serve;
REVOKE ALL ON SCHEMA public FROM PUBLIC;
GRANT USAGE, CREATE ON SCHEMA public TO pay_owner;
GRANT USAGE ON SCHEMA public TO pay_serve;
-- Whatever the owner's migrations make, now and later.
ALTER DEFAULT PRIVILEGES FOR ROLE pay_owner IN SCHEMA public GRANT SELECT, INSERT, UPDATE, DELETE ON TABLES TO pay_serve;
