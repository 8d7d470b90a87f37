-- The role and the database of a ledger. An administrator of the server runs it once, with psql 14 or newer:
--   LEDGER_PASSWORD_FILE=secrets/ledger_password psql --set ON_ERROR_STOP=1 --file deploy/postgresql/ledger.sql
-- The role owns its database, so it may create tables and schemas there. It may do nothing else on the server.
\set password `cat "${LEDGER_PASSWORD_FILE:?names no file}"`
SELECT trim(:'password') = '' AS empty \gset
\if :empty
DO $$ BEGIN RAISE EXCEPTION 'the file that LEDGER_PASSWORD_FILE names is empty; write a password into it'; END $$;
\quit
\endif
CREATE ROLE syncd LOGIN PASSWORD :'password'
    NOSUPERUSER NOCREATEDB NOCREATEROLE NOREPLICATION NOBYPASSRLS;
CREATE DATABASE syncd OWNER syncd;
REVOKE ALL ON DATABASE syncd FROM PUBLIC;  -- by default every role of the server may connect
