"""Drills on a PostgreSQL server that loses its data directory: it is put back, also when whoever did
it dies; it is recovered into place, to the point asked for; a WAL segment that is withheld is named."""

import glob
import os
import signal
import subprocess
import sys
import threading
import time

sys.path[:0] = [os.path.dirname(os.path.abspath(__file__)),
                os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "support")]
from postgres_world import PROGRAMS, SETTINGS, archives_into  # noqa: E402
from recovery_test import Archived, expect_end  # noqa: E402
from shop_world import FOLDER, check, eventually, named, one_case  # noqa: E402

HEAD = """\
gameday: 1
name: place
summary: A data directory is lost.
owner: tests
environment: test
objectives: {}
system:
  database: { postgres: "CONNECTION", postgres-data: { folder: "DATA", start: [START] } }
  archive: { postgres-archive: { wal: "WAL", of: database, scratch: "SCRATCH" } }
probes:
  answers: { sql: { connection: database, query: SELECT 1 }, every: 100ms, timeout: 1s }
timeline:
  - steady_state: { for: 500ms, within: 10s, probes: [answers] }
"""
LOST = HEAD + """\
  - { fault: lose-data-directory, target: database, for: HOLD }
"""
RESTORED = HEAD + """\
  - backup: archive
  - wait: 1s
  - { fault: lose-data-directory, target: database, id: lost }
  - { restore: archive, into: place }
  - steady_state: { for: 500ms, within: 20s, probes: [answers] }
"""
DEPLOYED = HEAD + """\
  - backup: archive
  - wait: 1s
  - { fault: lose-data, target: database, table: sales.orders, lose: rows, where: "id <= 2000", id: deployed }
  - wait: 1s
  - { restore: archive, into: place, point: before deployed }
  - steady_state: { for: 500ms, within: 20s, probes: [answers] }
"""


class Placed(Archived):
    """A server that a command starts, with its settings in its data directory."""

    def __init__(self):
        super().__init__()
        self.writing = None

    @property
    def data(self):
        return self.folder + "/primary/data"

    def start_command(self):
        return self.as_server(PROGRAMS + "pg_ctl", "-D", self.data, "-l",
                              self.folder + "/primary/log", "-s", "-w", "start")

    def up(self):
        for folder in (self.folder, self.wal, self.scratch, self.folder + "/primary"):
            os.makedirs(folder)
        self.run_as_root("chown", "postgres:", self.folder + "/primary", self.wal)
        self.run_as_server(PROGRAMS + "initdb", "-D", self.data, "-U", "postgres", "-A", "trust",
                           "--no-sync", "-k", "--locale", "C.UTF-8")
        settings = [*(setting for setting in SETTINGS if "full_page" not in setting),
                    "archive_mode=on", archives_into(self.wal),
                    f"unix_socket_directories={self.folder}/primary"]
        with open(self.data + "/postgresql.conf", "a", encoding="utf-8") as file:
            for setting in settings:
                name, _, value = setting.partition("=")
                file.write(f"{name} = '{value}'\n")
        self.run_as_root(*self.start_command())
        self.psql("primary", "ALTER SYSTEM SET work_mem = '5MB'", "postgres")
        self.psql("primary", "CREATE DATABASE shop", "postgres")
        self.psql("primary", "CREATE SCHEMA sales; CREATE TABLE sales.orders (id bigint PRIMARY KEY, "
                  "item text); INSERT INTO sales.orders SELECT n, 'book' FROM "
                  "generate_series(1, 5000) AS n")

    def down(self):
        self.stop_writing()
        subprocess.run(self.as_server(PROGRAMS + "pg_ctl", "-D", self.data, "-m", "immediate",
                                      "stop"), capture_output=True)

    def cluster(self):
        return self.psql("primary", "SELECT system_identifier FROM pg_control_system()").strip()

    def timeline(self):
        return self.psql("primary", "SELECT timeline_id FROM pg_control_checkpoint()").strip()

    def playbook(self, text, **values):
        values.update(CONNECTION=self.conninfo("primary"), DATA=self.data, WAL=self.wal,
                      SCRATCH=self.scratch,
                      START=", ".join(f'"{word}"' for word in self.start_command()))
        for name, value in values.items():
            text = text.replace(name, value)
        path = FOLDER + "/place.yaml"
        with open(path, "w", encoding="utf-8") as file:
            file.write(text)
        return path

    def write_meanwhile(self):
        """Rows of their own, each in a segment of its own, so that the archive gets them."""
        self.writing = True

        def write():
            while self.writing:
                self.psql("primary", "INSERT INTO sales.orders SELECT max(id) + 1, 'pen' FROM "
                          "sales.orders; SELECT pg_switch_wal()")
                time.sleep(0.1)

        thread = threading.Thread(target=write, daemon=True)
        thread.start()

    def stop_writing(self):
        self.writing = False
        time.sleep(0.2)

    def beside(self):
        return [name for name in os.listdir(self.folder + "/primary") if ".gameday-" in name]

    def expect_clean(self, gameday):
        check(gameday.open() == [], f"left open: {gameday.open()}")
        check(self.beside() == [], f"left beside the data: {self.beside()}")
        check(not os.path.exists(self.data + "/gameday.restored"), "the restore's note is left")
        self.expect_nothing_left(gameday)
        servers = glob.glob("/proc/[0-9]*/cwd")
        check(self.psql("primary", "SELECT 1") == "1\n", f"no server of {len(servers)} processes")


def lost(postgres, gameday):
    before = postgres.state()
    document = expect_end(gameday.run(postgres.playbook(LOST, HOLD="1s"), "--json"), 0)
    fault = document["faults"][0]
    check(fault["proven"] and fault["undo"] == "undone" and not fault["residue"], fault)
    check(postgres.state() == before, "it came back as another one")
    postgres.expect_clean(gameday)


def killed(postgres, gameday):
    before = postgres.state()
    for both in (False, True):
        started = gameday.start(postgres.playbook(LOST, HOLD="60s"), "--json")
        check(eventually(postgres.beside, 30), f"it is not lost: {gameday.told()}")
        for guardian in named("guardian") if both else []:
            os.kill(guardian.pid, signal.SIGKILL)
        started.kill()
        started.wait()
        if both:
            reverted = gameday.revert()
            check(reverted.returncode == 0, f"revert: {reverted.stdout}{reverted.stderr}")
        else:
            check(eventually(lambda: not named("guardian"), 60), "the guardian goes on")
        check(postgres.state() == before, "it came back as another one")
        postgres.expect_clean(gameday)


def place(postgres, gameday):
    cluster = postgres.cluster()
    postgres.write_meanwhile()
    document = expect_end(gameday.run(postgres.playbook(RESTORED), "--json"), 0)
    postgres.stop_writing()
    restore = document["restores"][0]
    check(restore["into"] == "place" and restore["verified"] and not restore["vacuous"], restore)
    check(document["faults"][0]["undo"] == "superseded", document["faults"])
    check(document["backups"][0]["age_at_disaster_s"] > 1, document["backups"])
    check(postgres.cluster() == cluster, "it is another cluster")
    check(postgres.timeline() == "2", f"timeline {postgres.timeline()}")
    there = restore["place"]
    check((there["system_identifier"], there["timeline"]) == (cluster, 2), there)
    check(postgres.psql("primary", "SHOW work_mem") == "5MB\n", "its own settings are lost")
    rows = postgres.psql("primary", "SELECT count(*), max(id) FROM sales.orders").strip()
    count, newest = rows.split("|")
    check(count == newest and int(count) > 5003, f"{count} rows up to {newest}")
    check(eventually(lambda: os.path.exists(postgres.wal + "/00000002.history"), 20),
          "how the new timeline came about is not archived")
    postgres.expect_clean(gameday)
    # From what there is now, again, which goes over into the next timeline.
    expect_end(gameday.run(postgres.playbook(RESTORED), "--json"), 0)
    check(postgres.timeline() == "3", f"timeline {postgres.timeline()}")
    check(postgres.psql("primary", "SELECT count(*) FROM sales.orders").strip() == count, rows)
    postgres.expect_clean(gameday)


def deployed(postgres, gameday):
    postgres.write_meanwhile()
    document = expect_end(gameday.run(postgres.playbook(DEPLOYED), "--json"), 0)
    postgres.stop_writing()
    restore = document["restores"][0]
    check(restore["point_asked"] and restore["point_reached"] <= restore["point_asked"], restore)
    check(postgres.psql("primary", "SELECT count(*) FROM sales.orders WHERE id <= 2000") == "2000\n",
          "the rows are not back")
    check("gameday" not in postgres.psql("primary", "SELECT nspname FROM pg_namespace"),
          "a copy of the rows is left")
    postgres.expect_clean(gameday)


def deployed_too_late(postgres, gameday):
    """What is restored has the deletion in it, and beside it what was deleted."""
    cluster = postgres.cluster()
    text = DEPLOYED.replace("point: before deployed", "point: latest")
    document = expect_end(gameday.run(postgres.playbook(text), "--json"), 1)
    texts = [one["text"] for one in document["reasons"]]
    came_back = ("the restore of archive into place brought back what lose-data-postgres (step "
                 'deployed) did: 2000 rows of "sales"."orders" are gone')
    check(any(came_back in text for text in texts), texts)
    check(document["faults"][0]["undo"] == "undone", document["faults"])
    check(not document["restores"][0]["verified"], document["restores"])
    check((postgres.cluster(), postgres.timeline()) == (cluster, "2"), "it is not what was restored")
    check(postgres.psql("primary", "SELECT count(*) FROM sales.orders") == "5000\n",
          "the rows are not back")
    check("gameday" not in postgres.psql("primary", "SELECT nspname FROM pg_namespace"),
          "a copy of the rows is left")
    postgres.expect_clean(gameday)


def withheld(postgres, gameday):
    """The first segment behind the base backup never gets to the archive's readers."""
    text = RESTORED.replace("  - wait: 1s\n", "  - wait: 1s\n  - { action: command, do: [" +
                            f"sh, -c, \"rm $(ls -d {postgres.wal}/0*[0-9A-F] | grep -v backup | tail -n 3"
                            f" | head -n 1 | tee {FOLDER}/withheld)\"], check: [\"true\"] }}\n")
    postgres.write_meanwhile()
    ended = gameday.run(postgres.playbook(text), "--json")
    postgres.stop_writing()
    document = expect_end(ended, 1)
    with open(FOLDER + "/withheld", encoding="utf-8") as file:
        segment = os.path.basename(file.read().strip())
    texts = [one["text"] for one in document["reasons"]]
    check(any(f"the WAL segment {segment} is not in" in text for text in texts), texts)
    check(document["faults"][0]["undo"] == "undone", document["faults"])
    check(postgres.timeline() == "1", "it is not the one that was")
    postgres.expect_clean(gameday)


def killed_in_restore(postgres, gameday):
    """Whenever the runner dies: what is there afterwards is a whole cluster, and there is one."""
    before = postgres.state()
    moments = {"recovers": postgres.scratch + "/gameday-*/data/postmaster.pid",
               "fills": postgres.folder + "/primary/data.gameday-*.new"}
    for name, pattern in moments.items():
        started = gameday.start(postgres.playbook(RESTORED), "--json")
        check(eventually(lambda p=pattern: glob.glob(p), 40, every=0.001),
              f"{name}: {gameday.told()}")
        started.kill()
        started.wait()
        check(eventually(lambda: not named("guardian"), 60), "the guardian goes on")
        check(postgres.state() == before, f"{name}: it came back as another one")
        postgres.expect_clean(gameday)


CASES = {"lost": lost, "killed": killed, "place": place, "deployed": deployed,
         "deployed_too_late": deployed_too_late, "withheld": withheld,
         "killed_in_restore": killed_in_restore}


if __name__ == "__main__":
    sys.exit(one_case(Placed, CASES))
