"""What drills of the crash campaign die on beside the shop, by the facet of their targets: servers
that `make test` does without. Each has `targets` for the playbook, the `environment` that it needs,
`make` (as it is to be again), `fill` (before each drill), `state`, `check_healed`, `has` (is this
process its own?) and `remove`."""

import os
import signal
import threading

import crash_box
from crash_rabbit import Rabbit
from crash_redis import Redis
from crash_s3 import S3
from crash_ssh import Ssh
from postgres_world import Postgres
from shop_world import FOLDER, check, eventually, processes


class Container:
    def __init__(self):
        self.box = crash_box.Box(os.environ["GAMEDAY_WORKER"], self.host())
        self.environment = self.box.environment
        self.make, self.remove = self.box.make, self.box.remove
        self.state, self.check_healed = self.box.state, self.box.check_healed

    def host(self):
        return os.environ["DOCKER_HOST"]

    def targets(self):
        return f"  cache: {{ container: {self.box.name} }}\n"

    def fill(self, _):
        pass

    def has(self, _):
        return False


class SeenContainer(Container):
    """One whose process is of this world, for what looks at it there."""

    def host(self):
        return crash_box.OwnEngine(FOLDER + "/docker").host

    def has(self, process):
        return process.name in crash_box.OwnEngine.PROGRAMS


class Database:
    environment = {}
    world = Postgres

    def __init__(self):
        self.postgres = self.world(FOLDER + "/postgres")
        self.targets, self.state = self.postgres.targets, self.postgres.state
        self.has, self.remove = self.postgres.is_its, self.postgres.down
        self.postgres.up()

    def make(self):
        self.postgres.down()
        self.postgres.up()

    def fill(self, _):
        pass

    def check_healed(self):
        check(eventually(lambda: self.postgres.state() == self.postgres.before),
              f"PostgreSQL: {self.postgres.state()}, before: {self.postgres.before}")


class PlacedPostgres(Postgres):
    """One whose data directory drills take away; what starts it again is none of ours."""

    def targets(self):
        words = ", ".join(f'"{word}"' for word in self.start_words("primary"))
        placed = f'postgres-data: {{ folder: "{self.folder}/primary/data", start: [{words}] }} }}'
        return super().targets().replace('" }\n', f'", {placed}\n', 1)

    def start(self, name, *settings):
        """One that is killed is reaped at once, as a service manager does."""
        super().start(name, *settings)
        threading.Thread(target=self.servers[-1].wait, daemon=True).start()

    def down(self):
        super().down()
        for process in processes():
            if process.argv[0].endswith("/postgres") and f"{self.folder}/primary/data" in process.argv:
                os.kill(process.pid, signal.SIGKILL)

    def is_its(self, process):
        return super().is_its(process) or process.name == "pg_ctl"


class Placed(Database):
    world = PlacedPostgres


class Queue(Rabbit):
    def __init__(self):
        super().__init__(FOLDER + "/rabbit")

    def remove(self):
        """It ends with its world."""


class Keys(Redis):
    def __init__(self):
        super().__init__(FOLDER + "/redis")

    def remove(self):
        """It ends with its world."""


class Objects(S3):
    def __init__(self):
        super().__init__(FOLDER + "/s3")

    def remove(self):
        """It ends with its world."""


class Machine(Ssh):
    def __init__(self):
        super().__init__(FOLDER + "/ssh")

    def remove(self):
        """It ends with its world."""


# Refused where a container's process is not seen.
SEEN = ("delay-container", "exhaust-inodes-container", "fill-disk-container",
        "limit-descriptors-container")
SERVERS = {"container": Container, "seen-container": SeenContainer, "postgres": Database,
           "postgres-data": Placed, "rabbitmq": Queue, "redis": Keys, "s3": Objects, "ssh": Machine}


def server_of(fault, facet):
    return "seen-container" if fault in SEEN else facet
