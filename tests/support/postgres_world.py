"""A PostgreSQL primary with a standby in a world of shop_world's, and a client that comes back when
it was cut off."""

import os
import shutil
import subprocess
import sys
import threading
import time

from shop_world import SKIPPED, check, eventually

PROGRAMS = "/usr/lib/postgresql/15/bin/"
SETTINGS = ("listen_addresses=", "fsync=off", "full_page_writes=off", "shared_buffers=16MB",
            "wal_keep_size=64MB", "jit=off")
# In its file, where what stands in postgresql.auto.conf goes before it.
ARCHIVES = "archive_mode = on\narchive_command = 'true'\n"
SHOP = """CREATE SCHEMA sales; CREATE TABLE sales.orders (id bigint PRIMARY KEY, item text);
INSERT INTO sales.orders SELECT n, 'book' FROM generate_series(1, 50) AS n;
GRANT INSERT ON sales.orders TO clerk"""
STATE = """SELECT md5(string_agg(o::text, ';' ORDER BY id)) FROM sales.orders AS o;
SELECT nspname FROM pg_namespace WHERE nspname LIKE 'gameday%';
SELECT rolname, rolcanlogin, rolconnlimit, shobj_description(oid, 'pg_authid') FROM pg_roles
  WHERE rolname = 'shop';
SELECT datname, datallowconn FROM pg_database ORDER BY datname;
SELECT count(*) FROM pg_stat_activity WHERE application_name LIKE 'gameday % holds';
SHOW archive_command;
SELECT relacl FROM pg_class WHERE oid = 'sales.orders'::regclass"""


def archives_into(folder):
    """A segment is there as a whole or not at all, whenever the server dies."""
    return f"archive_command=cp %p {folder}/.%f && mv {folder}/.%f {folder}/%f"


class Postgres:
    HAS_STANDBY = True
    INITDB = ()
    archives = ARCHIVES

    def __init__(self, folder):
        self.folder = folder
        self.before = None
        self.servers, self.client = [], None
        if os.geteuid() != 0 or not os.path.exists(PROGRAMS + "initdb"):
            print("skipped: PostgreSQL 15 is not installed, or may not be started by this user")
            sys.exit(SKIPPED)

    def as_server(self, *command):
        return ["setpriv", "--reuid", "postgres", "--regid", "postgres", "--init-groups", *command]

    def run_as_server(self, *command):
        done = subprocess.run(self.as_server(*command), capture_output=True, text=True)
        check(done.returncode == 0, f"{command}: {done.stdout}{done.stderr}")

    def conninfo(self, name, user="postgres", database="shop"):
        return f"host={self.folder}/{name} user={user} dbname={database}"

    def psql(self, name, sql, database="shop"):
        done = subprocess.run([PROGRAMS + "psql", "-XqAt", "-d", self.conninfo(name, database=database)],
                              input=sql, capture_output=True, text=True)
        return done.stdout + done.stderr

    def names(self):
        return ("primary", "standby") if self.HAS_STANDBY else ("primary",)

    def targets(self):
        return "".join(f'  {target}: {{ postgres: "{self.conninfo(name)}" }}\n'
                       for target, name in zip(("database", "standby"), self.names()))

    def up(self):
        shutil.rmtree(self.folder, ignore_errors=True)
        for name in self.names():
            self.make_folder(name)
        data = [f"{self.folder}/{name}/data" for name in self.names()]
        self.run_as_server(PROGRAMS + "initdb", "-D", data[0], "-U", "postgres", "-A", "trust",
                           "--no-sync", "--locale", "C.UTF-8", *self.INITDB)
        with open(data[0] + "/postgresql.conf", "a", encoding="utf-8") as file:
            file.write(self.archives)
        if self.HAS_STANDBY:
            self.run_as_server("cp", "-a", *data)
            self.run_as_server("touch", data[1] + "/standby.signal")
        self.start("primary")
        self.psql("primary", "CREATE ROLE shop LOGIN;\nCREATE ROLE clerk;\n"
                  "CREATE DATABASE shop OWNER shop;", "postgres")
        self.psql("primary", "SET ROLE shop;" + SHOP)
        if self.HAS_STANDBY:
            self.start("standby", "primary_conninfo=" + self.conninfo("primary"))
            count = "SELECT count(*) FROM sales.orders"
            check(eventually(lambda: self.psql("standby", count) == "50\n", 10),
                  "the standby does not follow")
        self.client = threading.Thread(target=self.be_a_client, daemon=True)
        self.client.start()
        self.before = None
        self.before = self.state()

    def make_folder(self, name):
        """One that the server may write to."""
        os.makedirs(f"{self.folder}/{name}")
        shutil.chown(f"{self.folder}/{name}", "postgres", "postgres")

    def start_words(self, name):
        """A command that starts it again, and leaves it behind."""
        folder = f"{self.folder}/{name}"
        options = " ".join(["-k", folder, "-p", "5432", *(f"-c '{one}'" for one in SETTINGS)])
        return self.as_server(PROGRAMS + "pg_ctl", "-D", folder + "/data", "-l", folder + "/log-again",
                              "-s", "-w", "-o", options, "start")

    def start(self, name, *settings):
        folder = f"{self.folder}/{name}"
        options = [word for setting in (*SETTINGS, *settings) for word in ("-c", setting)]
        with open(folder + "/log", "wb") as log:
            self.servers.append(subprocess.Popen(
                self.as_server(PROGRAMS + "postgres", "-D", folder + "/data", "-k", folder,
                               "-p", "5432", *options),
                stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True))
        check(eventually(lambda: self.psql(name, "SELECT 1", "postgres") == "1\n", 20),
              f"no {name}")

    def be_a_client(self):
        """A session of the role `shop`, for what ends sessions."""
        servers = self.servers
        while servers is self.servers:
            subprocess.run([PROGRAMS + "psql", "-Xq", "-d", self.conninfo("primary", "shop"),
                            "-c", "SELECT pg_sleep(3600)"], capture_output=True)
            time.sleep(0.05)

    def down(self):
        servers, self.servers = self.servers, []
        for server in servers:
            server.kill()
            server.wait()

    def state(self):
        sessions = "SELECT count(*) > 0 FROM pg_stat_activity WHERE usename = 'shop'"
        eventually(lambda: self.psql("primary", sessions) == "t\n")
        told = self.psql("primary", STATE) + self.psql("primary", sessions)
        if self.HAS_STANDBY:
            told += self.psql("standby", "SELECT pg_get_wal_replay_pause_state()")
        return told

    def is_its(self, process):
        """The server's processes, and whoever speaks to it for this world."""
        return process.argv[0].startswith("postgres:") or process.name in ("postgres", "psql")
