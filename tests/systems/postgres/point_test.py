"""Drills that recover to a place in the WAL or to a restore point: the result names what was asked for
and what was reached, and a point that the archive does not lead to is no success."""

import json
import os
import sys

from recovery_test import Archived, expect_end

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, HERE + "/../../support")
from shop_world import FOLDER, SOURCE, check, one_case  # noqa: E402

PLAYBOOK = """\
gameday: 1
name: point
summary: A table is lost, and recovered as it was at one point.
owner: tests
environment: test
objectives: {}
system:
  database: { postgres: "CONNECTION" }
  archive: { postgres-archive: { base: "BASE", wal: "WAL", of: database, scratch: "SCRATCH" } }
timeline:
  - backup: archive
  - { fault: lose-data, target: database, table: sales.orders, id: lost }
  - { restore: archive, point: "POINT" }
  - revert: lost
"""


class Deployed(Archived):
    """5,001 orders, then a deployment, which deletes all but 40, of which nothing is to be seen."""

    def up(self):
        super().up()
        self.write_and_archive()
        self.place = self.psql("primary", "SELECT pg_current_wal_insert_lsn()").strip()
        self.psql("primary", "SELECT pg_create_restore_point('before-the-deploy')")
        self.psql("primary", "DELETE FROM sales.orders WHERE id > 40")
        self.write_and_archive()

    def drill(self, gameday, point, code):
        path = FOLDER + "/point.yaml"
        text = PLAYBOOK.replace("POINT", point).replace("CONNECTION", self.conninfo("primary"))
        with open(path, "w", encoding="utf-8") as file:
            file.write(text.replace("BASE", self.base).replace("WAL", self.wal)
                       .replace("SCRATCH", self.scratch))
        before = self.state()
        document = expect_end(gameday.run(path, "--json"), code)
        check(self.state() == before and before.endswith("|41\n"), "the live database is another one")
        check(document["faults"][0]["undo"] == "undone", document["faults"])
        self.expect_nothing_left(gameday)
        return document

    def expect_reached(self, gameday, point, stopped):
        document = self.drill(gameday, point, 0)
        expect_valid(document)
        restore = document["restores"][0]
        check(restore["verified"] and not restore["vacuous"], restore)
        recovered = restore["recovered"]
        check(recovered["point"] == point and recovered["stopped"] == stopped, recovered)
        check(restore["point_reached"] == recovered["time"] and recovered["time"], restore)
        rows = [event["data"]["restored"]["facts"]["rows"] for event in journal(gameday)
                if "restored" in event["data"]]
        check(rows == [5001], f"{rows} rows came back")
        return recovered

    def expect_missed(self, gameday, point, reason):
        document = self.drill(gameday, point, 1)
        texts = [one["text"] for one in document["reasons"]]
        check(any(reason in text for text in texts), f"no reason says `{reason}`: {texts}")
        check(not document["restores"][0]["verified"], document["restores"])


def journal(gameday):
    with open(gameday.out + "/journal.jsonl", encoding="utf-8") as file:
        return [json.loads(line) for line in file]


def expect_valid(document):
    """By somebody else, where there is somebody."""
    try:
        import jsonschema
    except ImportError:
        return
    with open(SOURCE + "/reports/result.schema.json", encoding="utf-8") as file:
        jsonschema.Draft202012Validator(json.load(file)).validate(document)


def number(lsn):
    high, low = lsn.split("/")
    return (int(high, 16) << 32) + int(low, 16)


def place(postgres, gameday):
    lsn = postgres.place
    recovered = postgres.expect_reached(gameday, lsn, f"after LSN {lsn}")
    check(number(recovered["lsn"]) >= number(lsn), recovered)
    # The archive ends far before that.
    postgres.expect_missed(gameday, "7/0", "recovery ended before configured recovery target was "
                           "reached; the archive ends with ")


def name(postgres, gameday):
    postgres.expect_reached(gameday, "name:before-the-deploy",
                            'at restore point "before-the-deploy"')
    postgres.expect_missed(gameday, "name:after-the-deploy",
                           "recovery ended before configured recovery target was reached")


CASES = {"place": place, "name": name}


if __name__ == "__main__":
    sys.exit(one_case(Deployed, CASES))
