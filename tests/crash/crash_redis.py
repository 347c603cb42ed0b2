"""The Redis server that drills of the crash campaign die on, in a world of shop_world's."""

import os
import subprocess
import sys

from shop_world import SKIPPED, check, eventually

PASSWORD = "s3/cr@t:x"
# No right more than the README asks for.
RIGHTS = ("+info +ping +client|pause +client|unpause +pfcount +config|get +config|set +select +scan "
          "+dbsize +exists +get +set +del +unlink +move +swapdb +multi +exec +watch "
          "+dump +pexpiretime +restore +replconf +psync")
KEYS = 2000


class Redis:
    def __init__(self, folder):
        self.folder = folder
        self.socket = folder + "/s"
        self.server = self.before = None
        self.environment = {"REDIS_PASSWORD": PASSWORD}
        os.makedirs(folder, mode=0o700)
        self.make()

    def cli(self, *words, text=None):
        try:
            done = subprocess.run(["redis-cli", "-s", self.socket, *words], input=text,
                                  capture_output=True, text=True, timeout=5)
        except subprocess.TimeoutExpired:
            return "nothing is answered"
        return done.stdout.strip()

    def make(self):
        if self.server is not None:
            self.server.kill()
            self.server.wait()
        try:
            self.server = subprocess.Popen(
                ["redis-server", "--port", "0", "--unixsocket", self.socket, "--dir", self.folder,
                 "--save", "", "--loglevel", "warning"], stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True)
        except FileNotFoundError:
            print("skipped: redis-server is not installed")
            sys.exit(SKIPPED)
        check(eventually(lambda: self.cli("PING") == "PONG", 10), "no Redis server")
        self.cli("ACL", "SETUSER", "gameday", "on", ">" + PASSWORD, "~*", *RIGHTS.split())
        keys = "".join(f"SET session:{number} user-{number} EX 36000\n" for number in range(KEYS))
        self.cli(text=keys + "RPUSH list a b c\n")
        self.before = self.state()
        check(self.before[0] == f"db0:keys={KEYS + 1},expires={KEYS}", f"Redis: {self.before}")

    def fill(self, _):
        """What a drill finds is what the one before it has left."""

    def has(self, process):
        return process.pid == self.server.pid

    def targets(self):
        return (f"  sessions: {{ redis: {{ address: {self.socket}, user: gameday, "
                "password: \"${env:REDIS_PASSWORD}\" } }\n")

    def state(self):
        """The databases that have keys, what some of them hold, and whether a write is taken."""
        keyspace = [line.partition(",avg_ttl")[0].strip()
                    for line in self.cli("INFO", "keyspace").splitlines() if line.startswith("db")]
        held = self.cli(text="LRANGE list 0 -1\nGET session:7\nGET session:1999\n")
        return [*keyspace, held, self.cli("EXPIRETIME", "session:7"),
                self.cli("CONFIG", "GET", "min-replicas-to-write", "maxmemory*"), self.cli("PFCOUNT", "nobody"),
                self.cli("DEL", "nobody")]

    def check_healed(self):
        check(eventually(lambda: self.state() == self.before),
              f"Redis: {self.state()}, before: {self.before}")
