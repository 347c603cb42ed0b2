"""Drills that recover a base backup and archived WAL: they pass, they fail for the right reason, and
whoever dies meanwhile leaves nothing."""

import glob
import json
import os
import signal
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "support"))
from postgres_world import PROGRAMS, Postgres, archives_into  # noqa: E402
from shop_world import FOLDER, SOURCE, check, eventually, named, one_case  # noqa: E402

PLAYBOOKS = SOURCE + "/playbooks/postgres"


class Archived(Postgres):
    """A primary alone, whose WAL is archived, with a base backup."""

    def __init__(self):
        super().__init__(FOLDER + "/postgres")
        self.environment = dict(os.environ)
        self.base, self.wal, self.scratch = (f"{FOLDER}/{name}" for name in
                                             ("base", "wal", "scratch"))

    def up(self):
        for folder in (self.folder, self.wal, self.scratch, self.folder + "/primary"):
            os.makedirs(folder)
        self.run_as_root("chown", "postgres:", self.folder + "/primary", self.wal)
        self.run_as_server(PROGRAMS + "initdb", "-D", self.folder + "/primary/data", "-U",
                           "postgres", "-A", "trust", "--no-sync", "-k", "--locale", "C.UTF-8")
        self.start("primary", "archive_mode=on", archives_into(self.wal))
        self.psql("primary", "CREATE DATABASE shop", "postgres")
        self.psql("primary", "CREATE SCHEMA sales; CREATE TABLE sales.orders (id bigint PRIMARY KEY, "
                  "item text); INSERT INTO sales.orders SELECT n, 'book' FROM "
                  "generate_series(1, 5000) AS n")
        self.run_as_root(PROGRAMS + "pg_basebackup", "-d", self.conninfo("primary"), "-D",
                         self.base, "-c", "fast", "-X", "none", "--no-sync")
        self.rows = self.state()

    def run_as_root(self, *command):
        done = subprocess.run(command, capture_output=True, text=True)
        check(done.returncode == 0, f"{command}: {done.stdout}{done.stderr}")

    def state(self):
        return self.psql("primary", "SELECT md5(string_agg(o::text, ';' ORDER BY id)), count(*) "
                         "FROM sales.orders AS o")

    def variables(self, **more):
        given = dict(connection=self.conninfo("primary"), table="sales.orders", base=self.base,
                     wal=self.wal, scratch=self.scratch, **more)
        return [word for name, value in given.items() for word in ("--var", f"{name}={value}")]

    def write_and_archive(self):
        self.psql("primary", "INSERT INTO sales.orders SELECT max(id) + 1, 'pen' FROM sales.orders")
        segment = self.psql("primary", "SELECT pg_walfile_name(pg_current_wal_insert_lsn())")
        self.psql("primary", "SELECT pg_switch_wal()")
        path = f"{self.wal}/{segment.strip()}"
        check(eventually(lambda: os.path.exists(path), 20), f"{path} is not archived")
        return path

    def expect_nothing_left(self, gameday):
        check(gameday.open() == [], f"left open: {gameday.open()}")
        check(os.listdir(self.scratch) == [], f"left: {os.listdir(self.scratch)}")
        check(not self.in_scratch(), "a process works in the scratch folder")
        check(not named("guardian"), "a guardian is still there")

    def in_scratch(self):
        found = []
        for link in glob.glob("/proc/[0-9]*/cwd"):
            try:
                found += [link] if os.readlink(link).startswith(self.scratch) else []
            except OSError:
                continue
        return found


def expect_end(ended, code):
    check(ended.returncode == code,
          f"exit code {ended.returncode}, not {code}\n{ended.stdout[-2000:]}\n{ended.stderr}")
    return json.loads(ended.stdout)


def passes(postgres, gameday):
    path = postgres.write_and_archive()
    before = postgres.state()
    ended = gameday.run(PLAYBOOKS + "/table-lost-pitr.yaml", "--json", *postgres.variables())
    document = expect_end(ended, 0)
    restore = document["restores"][0]
    check(restore["kind"] == "postgres-archive" and restore["into"] == "scratch", restore)
    check(restore["verified"] and not restore["vacuous"], restore)
    recovered = restore["recovered"]
    check(recovered["compared"] and recovered["pages"] > 900, recovered)
    parts = sum(recovered[name] for name in ("copy_s", "check_s", "replay_s", "verify_s"))
    check(0 < parts <= restore["took_s"], f"the parts take {parts} s of {restore['took_s']}")
    check(restore["point_reached"] == recovered["time"] and recovered["time"], restore)
    check(postgres.state() == before, "the live database is another one")
    postgres.expect_nothing_left(gameday)
    check(os.path.exists(path), "the archive is another one")
    cluster = postgres.psql("primary", "SELECT system_identifier FROM pg_control_system()").strip()
    nightly = gameday.run(PLAYBOOKS + "/backup-recovers-nightly.yaml", "--json",
                          *postgres.variables(cluster=cluster, dbname="shop"))
    document = expect_end(nightly, 0)
    check(document["restores"][0]["recovered"]["compared"] is False, document["restores"])
    postgres.expect_nothing_left(gameday)


def misleads(postgres, gameday):
    def expect_failed(playbook, reason, *more):
        document = expect_end(gameday.run(f"{PLAYBOOKS}/{playbook}.yaml", "--json",
                                          *postgres.variables(), *more), 1)
        texts = [one["text"] for one in document["reasons"]]
        check(any(reason in text for text in texts), f"no reason says `{reason}`: {texts}")
        check(postgres.state() == before, "the live database is another one")
        postgres.expect_nothing_left(gameday)

    path = postgres.write_and_archive()
    postgres.write_and_archive()
    before = postgres.state()
    expect_failed("table-lost-with-an-old-backup", "older than the 1s that are allowed")
    os.remove(path)
    expect_failed("table-lost-pitr", f"the WAL segment {os.path.basename(path)} is not in")


SLOW = """\
gameday: 1
name: slow
summary: A recovery that takes its time.
owner: tests
environment: test
objectives: {}
system:
  archive: { postgres-archive: { base: BASE, restore_command: "sleep 1; cp WAL/%f %p", scratch: SCRATCH } }
timeline:
  - backup: archive
  - { restore: archive }
"""


def killed(postgres, gameday):
    postgres.write_and_archive()
    playbook = FOLDER + "/slow.yaml"
    with open(playbook, "w", encoding="utf-8") as file:
        file.write(SLOW.replace("BASE", postgres.base).replace("WAL", postgres.wal)
                   .replace("SCRATCH", postgres.scratch))
    for both in (False, True):
        started = gameday.start(playbook, "--json")
        serves = postgres.scratch + "/gameday-*/data/postmaster.pid"
        check(eventually(lambda: glob.glob(serves), 30), f"no server: {gameday.told()}")
        for guardian in named("guardian") if both else []:
            os.kill(guardian.pid, signal.SIGKILL)
        started.kill()
        started.wait()
        if both:
            check(gameday.open() != [], "nothing is owed")
            reverted = gameday.revert()
            check(reverted.returncode == 0, f"revert: {reverted.stdout}{reverted.stderr}")
        else:
            check(eventually(lambda: not named("guardian"), 30), "the guardian goes on")
        postgres.expect_nothing_left(gameday)


DUMPED = """\
gameday: 1
name: dumped
summary: A dump that takes its time to come back.
owner: tests
environment: test
objectives: {}
system:
  database: { postgres: "CONNECTION" }
timeline:
  - backup: database
  - { restore: database }
"""


def killed_dump(postgres, gameday):
    """What a dump is restored into goes, whenever the runner dies."""
    postgres.psql("primary", "INSERT INTO sales.orders SELECT n, repeat('pen', 20) FROM "
                  "generate_series(6000, 400000) AS n")
    playbook = FOLDER + "/dumped.yaml"
    with open(playbook, "w", encoding="utf-8") as file:
        file.write(DUMPED.replace("CONNECTION", postgres.conninfo("primary")))
    made = "SELECT count(*) FROM pg_database WHERE datname LIKE 'gameday%'"
    for both in (False, True):
        started = gameday.start(playbook, "--json")
        check(eventually(lambda: postgres.psql("primary", made) == "1\n", 60, every=0.005),
              f"no database: {gameday.told()}")
        for guardian in named("guardian") if both else []:
            os.kill(guardian.pid, signal.SIGKILL)
        started.kill()
        started.wait()
        if both:
            reverted = gameday.revert()
            check(reverted.returncode == 0, f"revert: {reverted.stdout}{reverted.stderr}")
        else:
            check(eventually(lambda: not named("guardian"), 30), "the guardian goes on")
        left = postgres.psql("primary", made)
        check(left == "0\n", f"databases of ours are left: {left}")
        postgres.expect_nothing_left(gameday)


CASES = {"passes": passes, "misleads": misleads, "killed": killed, "killed_dump": killed_dump}


if __name__ == "__main__":
    sys.exit(one_case(Archived, CASES))
