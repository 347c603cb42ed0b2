"""Whole drills whose load writes rows: nothing lost passes, what was lost is named, and whoever dies
leaves no row."""

import json
import os
import signal
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "support"))
from postgres_world import PROGRAMS, Postgres  # noqa: E402
from shop_world import FOLDER, check, eventually, named, one_case  # noqa: E402

PLAYBOOK = """\
gameday: 1
name: rows
summary: Rows that were acknowledged are there afterwards.
owner: tests
environment: test
objectives: { rpo: 0s }
system:
  database: { postgres: "CONNECTION" }
limits: { writes: 50000 }
load:
  facts:
    rate: 50/s
    sql:
      connection: database
      write: INSERT INTO facts (key, digest, drill) VALUES ({key}, {digest}, {drill})
      list: SELECT key, digest FROM facts WHERE drill = {drill}
      read: SELECT digest FROM facts WHERE key = {key}
      remove: DELETE FROM facts WHERE drill = {drill}
probes:
  answers: { sql: database, every: 500ms, timeout: 5s }
timeline:
  - steady_state: { for: 1s, within: 30s, probes: [answers] }
  - wait: 4s
  - verify: [facts]
"""


class Primary(Postgres):
    """A primary alone with a table for facts, of which two rows are somebody else's."""

    def __init__(self):
        super().__init__(FOLDER + "/postgres")
        self.environment = dict(os.environ)

    def up(self):
        os.makedirs(self.folder + "/primary")
        os.chown(self.folder + "/primary", *self.server_user())
        self.run_as_server(PROGRAMS + "initdb", "-D", self.folder + "/primary/data", "-U",
                           "postgres", "-A", "trust", "--no-sync", "--locale", "C.UTF-8")
        self.start("primary")
        self.psql("primary", "CREATE DATABASE shop", "postgres")
        self.psql("primary", "CREATE TABLE facts (key text, digest text, drill text); "
                  "INSERT INTO facts VALUES ('a', 'x', 'another'), ('b', 'y', 'another'); "
                  "CREATE ROLE drill LOGIN; GRANT SELECT, INSERT, DELETE ON facts TO drill")
        self.playbook = FOLDER + "/rows.yaml"
        with open(self.playbook, "w", encoding="utf-8") as file:
            file.write(PLAYBOOK.replace("CONNECTION", self.conninfo("primary", user="drill")))

    @staticmethod
    def server_user():
        user = subprocess.run(["id", "-u", "postgres"], capture_output=True, text=True)
        group = subprocess.run(["id", "-g", "postgres"], capture_output=True, text=True)
        return int(user.stdout), int(group.stdout)

    def count(self, where="true"):
        return int(self.psql("primary", f"SELECT count(*) FROM facts WHERE {where}"))

    def expect_theirs_alone(self, gameday):
        check(gameday.open() == [], f"left open: {gameday.open()}")
        check(self.count() == 2, f"{self.count()} rows are there")
        check(self.count("drill = 'another'") == 2, "they are not those of before")


def ended_with(ended, code):
    check(ended.returncode == code,
          f"exit code {ended.returncode}, not {code}\n{ended.stdout[-2000:]}\n{ended.stderr}")
    return json.loads(ended.stdout)


def kept(postgres, gameday):
    planned = subprocess.run([gameday.program, "plan", postgres.playbook],
                                        capture_output=True, text=True)
    check("load facts: sql: rights held" in planned.stdout, planned.stdout)
    check("database: INSERT INTO facts" in planned.stdout, planned.stdout)
    document = ended_with(gameday.run(postgres.playbook, "--json"), 0)
    ledger = document["ledgers"][0]
    check(ledger["acknowledged"] > 100 and ledger["lost"] == 0, ledger)
    check(ledger["phantom"] == 0 and ledger["rpo_s"]["worst"] == 0, ledger)
    postgres.expect_theirs_alone(gameday)


def lost(postgres, gameday):
    started = gameday.start(postgres.playbook, "--json")
    check(eventually(lambda: postgres.count() > 60, 40), f"no rows: {gameday.told()}")
    gone = postgres.psql("primary", "DELETE FROM facts WHERE drill <> 'another' AND "
                         "right(key, 1) = '7' RETURNING key").split()
    document = ended_with(gameday.finish(started), 1)
    ledger = document["ledgers"][0]
    check(len(gone) > 3 and ledger["lost"] == len(gone), f"{ledger}, but {gone}")
    check(ledger["rpo_s"]["hole_s"] > 0, ledger)
    with open(gameday.out + "/ledger.jsonl", encoding="utf-8") as file:
        lines = [json.loads(line) for line in file]
    named_lost = {line["key"] for line in lines if line.get("class") == "lost"}
    check(named_lost == set(gone), f"{named_lost} are named, not {gone}")
    postgres.expect_theirs_alone(gameday)


def killed(postgres, gameday):
    for both in (False, True):
        started = gameday.start(postgres.playbook, "--json")
        check(eventually(lambda: postgres.count() > 30, 40), f"no rows: {gameday.told()}")
        for guardian in named("guardian") if both else []:
            os.kill(guardian.pid, signal.SIGKILL)
        started.kill()
        started.wait()
        if both:
            reverted = gameday.revert()
            check(reverted.returncode == 0, f"revert: {reverted.stdout}{reverted.stderr}")
        check(eventually(lambda: not named("guardian"), 40), "a guardian is still there")
        postgres.expect_theirs_alone(gameday)


def refused(postgres, gameday):
    postgres.psql("primary", "REVOKE DELETE ON facts FROM drill")
    document = ended_with(gameday.run(postgres.playbook, "--json"), 3)
    texts = [one["text"] for one in document["reasons"]]
    check(any("load facts" in text and "`remove`" in text for text in texts), texts)
    postgres.expect_theirs_alone(gameday)


CASES = {"kept": kept, "lost": lost, "killed": killed, "refused": refused}


if __name__ == "__main__":
    sys.exit(one_case(Primary, CASES))
