"""Drills that recover what pgBackRest has in an encrypted repository: they pass, they fail for the
right reason, the key is told to nobody, and whoever dies meanwhile leaves nothing."""

import glob
import json
import os
import signal
import shutil
import sys
import threading
import time

sys.path[:0] = [os.path.dirname(os.path.abspath(__file__)),
                os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "support")]
from place_test import RESTORED, Placed, deployed, killed_in_restore  # noqa: E402
from postgres_world import PROGRAMS, SETTINGS  # noqa: E402
from recovery_test import PLAYBOOKS, expect_end  # noqa: E402
from shop_world import FOLDER, SKIPPED, SOURCE, check, eventually, named, one_case  # noqa: E402

KEY = "a key of its own"
CONFIG = """\
[global]
repo1-path={folder}/{repository}
repo1-cipher-type=aes-256-cbc
repo1-cipher-pass={key}
repo1-retention-full=9
compress-level=1
log-level-file=off
start-fast=y
lock-path={folder}/postgres/primary/lock
[shop]
pg1-path={data}
pg1-socket-path={socket}
"""


class Stanza(Placed):
    """A server that archives into a repository, with a full and a differential backup in it."""

    def __init__(self):
        super().__init__()
        if not shutil.which("pgbackrest"):
            print("skipped: pgbackrest is not installed")
            sys.exit(SKIPPED)
        self.config = FOLDER + "/pgbackrest.conf"
        self.keyed = None

    def up(self):
        for folder in (self.folder, self.scratch, FOLDER + "/repository", self.folder + "/primary"):
            os.makedirs(folder)
        self.configure("repository", KEY)
        self.run_as_root("chown", "postgres:", self.folder + "/primary", FOLDER + "/repository")
        self.run_as_server(PROGRAMS + "initdb", "-D", self.data, "-U", "postgres", "-A", "trust",
                           "--no-sync", "-k", "--locale", "C.UTF-8")
        settings = [*(setting for setting in SETTINGS if "full_page" not in setting),
                    "archive_mode=on", "archive_command=" + self.words("archive-push %p"),
                    f"unix_socket_directories={self.folder}/primary"]
        with open(self.data + "/postgresql.conf", "a", encoding="utf-8") as file:
            for setting in settings:
                name, _, value = setting.partition("=")
                file.write(f"{name} = '{value}'\n")
        self.run_as_root(*self.start_command())
        self.psql("primary", "ALTER SYSTEM SET work_mem = '5MB'", "postgres")
        self.psql("primary", "CREATE DATABASE shop", "postgres")
        self.pgbackrest("stanza-create")
        self.psql("primary", "CREATE SCHEMA sales; CREATE TABLE sales.orders (id bigint PRIMARY KEY, "
                  "item text); INSERT INTO sales.orders SELECT n, 'book' FROM "
                  "generate_series(1, 5000) AS n")
        self.pgbackrest("backup --type=full")
        self.psql("primary", "INSERT INTO sales.orders SELECT max(id) + 1, 'pen' FROM sales.orders")
        self.pgbackrest("backup --type=diff")

    def configure(self, repository, key):
        with open(self.config, "w", encoding="utf-8") as file:
            file.write(CONFIG.format(folder=FOLDER, repository=repository, key=key, data=self.data,
                                     socket=self.folder + "/primary"))
        self.run_as_root("chown", "postgres:", self.config)
        os.chmod(self.config, 0o600)

    def playbook(self, text, **values):
        """Those of place_test, with a stanza in place of an archive."""
        archive = '{ postgres-archive: { wal: "WAL", of: database, scratch: "SCRATCH" } }'
        check(archive in text, "it has no archive")
        stanza = f'{{ pgbackrest: {{ stanza: shop, config: "{self.config}", of: database, ' \
                 'scratch: "SCRATCH" } }'
        return super().playbook(text.replace(archive, stanza), **values)

    def words(self, command):
        return f"pgbackrest --config={self.config} --stanza=shop {command}"

    def pgbackrest(self, command):
        self.run_as_server("sh", "-c", "cd / && " + self.words(command))

    def variables(self, **more):
        given = dict(connection=self.conninfo("primary"), table="sales.orders", stanza="shop",
                     config=self.config, scratch=self.scratch, dbname="shop",
                     cluster=self.cluster(), steady="500ms", **more)
        return [word for name, value in given.items() for word in ("--var", f"{name}={value}")]

    def write_and_archive(self):
        """The file in the repository of the segment that it is in."""
        self.psql("primary", "INSERT INTO sales.orders SELECT max(id) + 1, 'pen' FROM sales.orders")
        segment = self.psql("primary", "SELECT pg_walfile_name(pg_current_wal_insert_lsn())").strip()
        self.psql("primary", "SELECT pg_switch_wal()")
        files = f"{FOLDER}/repository/archive/shop/15-1/*/{segment}-*.gz"
        check(eventually(lambda: glob.glob(files), 20), f"{segment} is not archived")
        return glob.glob(files)[0]

    def watch_for_key(self):
        """Whoever is told it by a command line."""
        self.keyed = set()

        def watch():
            while self.writing is not None and self.keyed is not None:
                for path in glob.glob("/proc/[0-9]*/cmdline"):
                    try:
                        with open(path, "rb") as file:
                            line = file.read()
                    except OSError:
                        continue
                    if KEY.encode() in line:
                        self.keyed.add(line.decode(errors="replace"))
                time.sleep(0.002)

        self.writing = False
        threading.Thread(target=watch, daemon=True).start()

    def expect_untold(self, gameday):
        keyed, self.keyed = self.keyed, None
        check(not keyed, f"a command line has the key: {keyed}")
        for place, _, names in os.walk(gameday.folder):
            for name in names:
                with open(os.path.join(place, name), "rb") as file:
                    check(KEY.encode() not in file.read(), f"{name} has the key")

    def expect_failed(self, gameday, playbook, reason, code=1, **more):
        before = self.state()
        document = expect_end(gameday.run(f"{PLAYBOOKS}/{playbook}.yaml", "--json",
                                          *self.variables(**more)), code)
        texts = [one["text"] for one in document["reasons"]]
        check(any(reason in text for text in texts), f"no reason says `{reason}`: {texts}")
        check(self.state() == before, "the live database is another one")
        self.expect_clean(gameday)


def expect_valid(document):
    """By somebody else, where there is somebody."""
    try:
        import jsonschema
    except ImportError:
        return
    with open(SOURCE + "/reports/result.schema.json", encoding="utf-8") as file:
        validator = jsonschema.Draft202012Validator(json.load(file))
    wrong = [f"{list(error.path)}: {error.message}" for error in validator.iter_errors(document)]
    check(wrong == [], wrong)


def passes(stanza, gameday):
    stanza.write_and_archive()
    stanza.watch_for_key()
    before = stanza.state()
    nightly = gameday.run(PLAYBOOKS + "/pgbackrest-recovers-nightly.yaml", "--json",
                          *stanza.variables())
    document = expect_end(nightly, 0)
    expect_valid(document)
    restore = document["restores"][0]
    check(restore["kind"] == "pgbackrest" and restore["into"] == "scratch", restore)
    check(restore["verified"] and not restore["vacuous"], restore)
    recovered = restore["recovered"]
    check(recovered["set"]["type"] == "diff" and recovered["pages"] > 900, recovered)
    ended = gameday.run(PLAYBOOKS + "/table-lost-pgbackrest.yaml", "--json", *stanza.variables())
    document = expect_end(ended, 0)
    restore = document["restores"][0]
    used = restore["recovered"]["set"]
    check(used["type"] == "incr" and len(used["rests_on"]) == 2, restore)
    check(restore["verified"] and restore["recovered"]["compared"], restore)
    expect_valid(document)
    check(stanza.state() == before, "the live database is another one")
    stanza.expect_untold(gameday)
    stanza.expect_clean(gameday)


def misleads(stanza, gameday):
    stanza.expect_failed(gameday, "pgbackrest-is-stale-nightly", "older than the 1ms that are allowed")
    segment = stanza.write_and_archive()
    stanza.write_and_archive()
    nightly = "pgbackrest-recovers-nightly"
    os.rename(segment, FOLDER + "/aside")
    stanza.expect_failed(gameday, nightly, f"the WAL segment {os.path.basename(segment)[:24]} is not "
                         "in the repository")
    os.rename(FOLDER + "/aside", segment)
    files = glob.glob(FOLDER + "/repository/backup/shop/*F/pg_data/base/*/*")
    largest = max(files, key=os.path.getsize)
    with open(largest, "r+b") as file:
        file.seek(os.path.getsize(largest) // 2)
        file.write(b"damaged")
    stanza.expect_failed(gameday, nightly, "the repository does not verify")


def empties(stanza, gameday):
    """A stanza in which nothing was ever backed up, and a key that opens nothing."""
    nightly = PLAYBOOKS + "/pgbackrest-recovers-nightly.yaml"
    given = stanza.variables()
    stanza.configure("repository", "another key")
    ended = gameday.run(nightly, "--json", *given)
    check(ended.returncode == 3 and "its key is another one" in ended.stderr + ended.stdout,
          f"{ended.returncode}: {ended.stdout}{ended.stderr}")
    os.makedirs(FOLDER + "/empty")
    stanza.run_as_root("chown", "postgres:", FOLDER + "/empty")
    stanza.configure("empty", KEY)
    stanza.pgbackrest("stanza-create")
    stanza.expect_failed(gameday, "pgbackrest-recovers-nightly", "the stanza has no backup",
                         code=3)


def place(stanza, gameday):
    """Its data directory is lost; it goes on in its place, with nothing lost that was archived."""
    cluster = stanza.cluster()
    stanza.write_and_archive()
    before = stanza.state()
    start = " ".join(stanza.start_command())
    given = stanza.variables(data=stanza.data, start=start, goes_on="500ms")
    playbook = PLAYBOOKS + "/database-lost-pgbackrest.yaml"
    document = expect_end(gameday.run(playbook, "--json", *given), 0)
    restore = document["restores"][0]
    check(restore["into"] == "place" and restore["verified"] and not restore["vacuous"], restore)
    check(document["faults"][0]["undo"] == "superseded", document["faults"])
    check(document["backups"][0]["age_at_disaster_s"] > 0.5, document["backups"])
    check(restore["place"]["system_identifier"] == cluster == stanza.cluster(), restore)
    check(stanza.timeline() == "2", f"timeline {stanza.timeline()}")
    check(stanza.state() == before, "it came back as another one")
    check(stanza.psql("primary", "SHOW work_mem") == "5MB\n", "its own settings are lost")
    with open(stanza.data + "/postgresql.auto.conf", encoding="utf-8") as file:
        check("restore_command" not in file.read(), "it would go on fetching WAL")
    stanza.expect_clean(gameday)
    # From what there is now, again: an old backup, and WAL of two timelines.
    stanza.write_and_archive()
    before = stanza.state()
    expect_end(gameday.run(playbook, "--json", *given), 0)
    check(stanza.timeline() == "3", f"timeline {stanza.timeline()}")
    check(stanza.state() == before, "it came back as another one")
    stanza.expect_clean(gameday)


def withheld(stanza, gameday):
    """A segment is gone from the repository: the place is left alone, and what was lost comes back."""
    archive = FOLDER + "/repository/archive/shop/15-1"
    text = RESTORED.replace("  - wait: 1s\n", "  - wait: 1s\n  - { action: command, do: [sh, -c, "
                            f'"rm $(ls {archive}/*/0*.gz | tail -n 3 | head -n 1 | tee '
                            f'{FOLDER}/withheld)"], check: ["true"] }}\n')
    stanza.write_meanwhile()
    ended = gameday.run(stanza.playbook(text), "--json")
    stanza.stop_writing()
    document = expect_end(ended, 1)
    with open(FOLDER + "/withheld", encoding="utf-8") as file:
        segment = os.path.basename(file.read().strip())[:24]
    texts = [one["text"] for one in document["reasons"]]
    check(any(f"the WAL segment {segment} is not in the repository" in text for text in texts), texts)
    check(document["faults"][0]["undo"] == "undone", document["faults"])
    check(stanza.timeline() == "1", "it is not the one that was")
    stanza.expect_clean(gameday)


SLOW = """\
gameday: 1
name: slow
summary: A recovery that takes its time.
owner: tests
environment: test
objectives: {}
system:
  stanza: { pgbackrest: { stanza: shop, config: CONFIG, program: PROGRAM, dbname: shop, scratch: SCRATCH } }
timeline:
  - backup: stanza
  - { restore: stanza }
"""


def killed(stanza, gameday):
    """While pgBackRest restores, and while the scratch server recovers."""
    stanza.write_and_archive()
    program = FOLDER + "/slow-pgbackrest"
    playbook = FOLDER + "/slow.yaml"
    with open(playbook, "w", encoding="utf-8") as file:
        file.write(SLOW.replace("CONFIG", stanza.config).replace("PROGRAM", program)
                   .replace("SCRATCH", stanza.scratch))
    before = stanza.state()
    for command, sign in (("restore", "data/PG_VERSION"), ("archive-get", "data/postmaster.pid")):
        with open(program, "w", encoding="utf-8") as file:
            file.write(f'#!/bin/sh\ncase "$*" in *" {command}"*) pgbackrest "$@"; code=$?; sleep 2; '
                       'exit $code ;; esac\nexec pgbackrest "$@"\n')
        os.chmod(program, 0o755)
        for both in (False, True):
            started = gameday.start(playbook, "--json")
            pattern = f"{stanza.scratch}/gameday-*/{sign}"
            check(eventually(lambda p=pattern: glob.glob(p), 30), f"{command}: {gameday.told()}")
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
            stanza.expect_nothing_left(gameday)
            check(not named("pgbackrest"), f"{command}: a pgbackrest is still there")
    check(stanza.state() == before, "the live database is another one")


CASES = {"passes": passes, "misleads": misleads, "empties": empties, "place": place,
         "deployed": deployed, "withheld": withheld, "killed": killed,
         "killed_in_place": killed_in_restore}


if __name__ == "__main__":
    sys.exit(one_case(Stanza, CASES))
