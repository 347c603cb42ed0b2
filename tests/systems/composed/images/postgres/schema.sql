-- Run once by psql; the passwords are in the environment.
\getenv shop SHOP_DB_PASSWORD
\getenv replicator REPLICATION_PASSWORD
CREATE ROLE shop LOGIN PASSWORD :'shop';
CREATE ROLE replicator LOGIN REPLICATION PASSWORD :'replicator';
SELECT pg_create_physical_replication_slot('eu_north', true);

CREATE DATABASE orders;
\connect orders
REVOKE ALL ON SCHEMA public FROM PUBLIC;
-- Keys compare by their bytes, so that those of one drill are a range.
CREATE TABLE orders(
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  key text COLLATE "C" NOT NULL,
  item text NOT NULL,
  sum text NOT NULL,
  stored_at timestamptz NOT NULL DEFAULT clock_timestamp());
CREATE UNIQUE INDEX orders_key ON orders(key);
-- The drills whose orders were deleted, and are refused when they arrive late.
CREATE TABLE deleted_drills(drill text COLLATE "C" PRIMARY KEY);
-- What the shop sells: so a database in which nobody has ordered anything yet is not an empty one.
CREATE TABLE items(item text PRIMARY KEY, cents integer NOT NULL);
INSERT INTO items VALUES ('book', 1200), ('pen', 150), ('lamp', 4900);
GRANT USAGE ON SCHEMA public TO shop;
GRANT SELECT, INSERT, DELETE ON orders TO shop;
GRANT SELECT, INSERT ON deleted_drills TO shop;
GRANT SELECT ON items TO shop;
-- For those who verify a database: amcheck looks for corruption.
CREATE EXTENSION amcheck;
