"""Drills that back up by pg_dump and restore by pg_restore: a table that was lost comes back, and a backup
that is damaged or has nothing in it is no success."""

import os
import sys

from recovery_test import Archived, expect_end

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, HERE + "/../../support")
from postgres_world import PROGRAMS  # noqa: E402
from shop_world import FOLDER, check, one_case  # noqa: E402

HEAD = """\
gameday: 1
name: dumped
summary: A database is backed up by pg_dump.
owner: tests
environment: test
objectives: OBJECTIVES
system:
  database: { postgres: "CONNECTION" }
probes:
  rows-there: { sql: { connection: database, query: "SELECT count(*) FROM sales.orders", expect: { value: "> 0" } }, every: 100ms, timeout: 2s }
timeline:
"""
WELL = "  - { steady_state: { for: 300ms, within: 20s, probes: [rows-there] } }\n"
BACKUP = "  - backup: database\n"
LOST = "  - { fault: lose-data, target: database, table: sales.orders, id: lost }\n"
MEANWHILE = "  - { action: command, do: [sh, MEANWHILE], check: [\"true\"] }\n"
PLACE = "  - { restore: database, into: place }\n"
SCRATCH = "  - { restore: database }\n"
RTO = "{ rto: { within: 60s, hold: 300ms, from: rows-there } }"
OURS = "SELECT datname FROM pg_database WHERE datname LIKE 'gameday%'"


class Dumped(Archived):
    """A database with 5,000 orders, and `bare`, in which there is nothing."""

    def up(self):
        for folder in (self.scratch, self.folder + "/primary"):
            os.makedirs(folder)
        self.run_as_root("chown", "postgres:", self.folder + "/primary")
        self.run_as_server(PROGRAMS + "initdb", "-D", self.folder + "/primary/data", "-U",
                           "postgres", "-A", "trust", "--no-sync", "--locale", "C.UTF-8")
        self.start("primary")
        for database in ("shop", "bare"):
            self.psql("primary", f"CREATE DATABASE {database}", "postgres")
        self.psql("primary", "CREATE SCHEMA sales; CREATE TABLE sales.orders (id bigint PRIMARY KEY, "
                  "item text); INSERT INTO sales.orders SELECT n, 'book' FROM "
                  "generate_series(1, 5000) AS n")

    def number(self, database):
        return self.psql("primary", f"SELECT oid FROM pg_database WHERE datname = '{database}'")

    def drill(self, gameday, code, *steps, objectives="{}", database="shop"):
        path = FOLDER + "/dumped.yaml"
        head = HEAD.replace("OBJECTIVES", objectives)
        text = head.replace("CONNECTION", self.conninfo("primary", database=database))
        if database != "shop":
            text = text[:text.index("probes:")] + text[text.index("timeline:"):]
        with open(path, "w", encoding="utf-8") as file:
            file.write(text + "".join(steps).replace("MEANWHILE", FOLDER + "/meanwhile"))
        document = expect_end(gameday.run(path, "--json"), code)
        left = self.psql("primary", OURS + "; SELECT nspname FROM pg_namespace WHERE nspname LIKE 'gameday%'")
        check(left == "", f"left: {left}")
        check(gameday.private_files() == [], f"left: {gameday.private_files()}")
        self.expect_nothing_left(gameday)
        return document


def expect_reason(document, reason):
    texts = [one["text"] for one in document["reasons"]]
    check(any(reason in text for text in texts), f"no reason says `{reason}`: {texts}")


def meanwhile(command):
    """What is done between the backup and its restore."""
    with open(FOLDER + "/meanwhile", "w", encoding="utf-8") as file:
        file.write(command + "\n")


def place(postgres, gameday):
    before, database = postgres.state(), postgres.number("shop")
    document = postgres.drill(gameday, 0, WELL, BACKUP, LOST, "  - wait: 500ms\n", PLACE, WELL,
                              objectives=RTO)
    restore = document["restores"][0]
    check(restore["kind"] == "postgres" and restore["into"] == "place", restore)
    check(restore["verified"] and not restore["vacuous"], restore)
    check(document["faults"][0]["undo"] == "superseded", document["faults"])
    rto = document["objectives"][0]
    check(rto["held"] and 0.4 < rto["measured"]["lo"] <= rto["measured"]["hi"], rto)
    check(document["backups"][0]["age_at_disaster_s"] > 0, document["backups"])
    check(postgres.number("shop") != database, "it is the database that it was")
    check(postgres.state() == before, "it came back as another one")


def scratch(postgres, gameday):
    before, database = postgres.state(), postgres.number("shop")
    document = postgres.drill(gameday, 0, WELL, BACKUP, LOST, SCRATCH, "  - revert: lost\n", WELL)
    restore = document["restores"][0]
    check(restore["kind"] == "postgres" and restore["into"] == "scratch", restore)
    check(restore["verified"] and not restore["vacuous"], restore)
    check(document["faults"][0]["undo"] == "undone", document["faults"])
    check(postgres.number("shop") == database, "it is another database")
    check(postgres.state() == before, "it came back as another one")


def damaged(postgres, gameday):
    """One byte of it is another one."""
    meanwhile(f"printf X | dd of=$(ls {gameday.folder}/private/*/backups/*.dump) bs=1 seek=3000 "
              "conv=notrunc status=none")
    before, database = postgres.state(), postgres.number("shop")
    for restore in (SCRATCH, PLACE):
        document = postgres.drill(gameday, 1, BACKUP, LOST, MEANWHILE, restore)
        expect_reason(document, "is not the file that was written")
        check(not document["restores"][0]["verified"], document["restores"])
        check(document["faults"][0]["undo"] == "undone", document["faults"])
        check(postgres.number("shop") == database, "it is another database")
        check(postgres.state() == before, "it came back as another one")


def empty(postgres, gameday):
    """A backup that has no rows brings nothing back, least of all over those that are there."""
    database = postgres.number("bare")
    meanwhile(f"{PROGRAMS}psql -Xq -d '{postgres.conninfo('primary', database='bare')}' -c "
              "'CREATE TABLE things AS SELECT generate_series(1, 7)'")
    for steps in ((SCRATCH,), (MEANWHILE, PLACE)):
        document = postgres.drill(gameday, 1, BACKUP, *steps, database="bare")
        expect_reason(document, "restored nothing: the backup holds no rows")
        check(document["restores"][0]["vacuous"], document["restores"])
        check(postgres.number("bare") == database, "it is another database")
    rows = postgres.psql("primary", "SELECT count(*) FROM things", database="bare")
    check(rows == "7\n", f"what was there is not back: {rows}")


CASES = {"place": place, "scratch": scratch, "damaged": damaged, "empty": empty}


if __name__ == "__main__":
    sys.exit(one_case(Dumped, CASES))
