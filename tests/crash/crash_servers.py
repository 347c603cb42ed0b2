"""What drills of the crash campaign die on beside the shop, by their names in crash_cases: servers
that `make test` does without. Each has `targets` for the playbook, the `environment` that it needs,
`make` (as it is to be again), `fill` (before each drill), `state`, `check_healed`, `has` (is this
process its own?) and `remove`."""

import os

import crash_box
from crash_postgres import ArchivedPostgres, ContainedPostgres, PlacedPostgres, StanzaPostgres
from crash_rabbit import Rabbit
from crash_redis import Redis
from crash_restic import Files
from crash_s3 import S3
from crash_ssh import Ssh
from postgres_world import Postgres
from shop_world import FOLDER, check, eventually


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


class Containers:
    """Two of one region."""

    def __init__(self):
        host = os.environ["DOCKER_HOST"]
        self.boxes = [crash_box.Box(f"{which}-{os.environ['GAMEDAY_WORKER']}", host)
                      for which in ("one", "two")]
        self.environment = self.boxes[0].environment

    def make(self):
        for box in self.boxes:
            box.make()

    def remove(self):
        for box in self.boxes:
            box.remove()

    def state(self):
        return [box.state() for box in self.boxes]

    def check_healed(self):
        for box in self.boxes:
            box.check_healed()

    def targets(self):
        return "".join(f"  {name}: {{ container: {box.name}, region: rack }}\n"
                       for name, box in zip(("cache", "cache-too"), self.boxes))

    def fill(self, _):
        pass

    def has(self, _):
        return False


class Database:
    environment = {}

    def __init__(self):
        self.postgres = self.world()
        self.targets, self.state = self.postgres.targets, self.postgres.state
        self.has, self.remove = self.postgres.is_its, self.postgres.down
        self.postgres.up()

    def world(self):
        return Postgres(FOLDER + "/postgres")

    def make(self):
        self.postgres.down()
        self.postgres.up()

    def fill(self, _):
        pass

    def check_healed(self):
        check(eventually(lambda: self.postgres.state() == self.postgres.before),
              f"PostgreSQL: {self.postgres.state()}, before: {self.postgres.before}")


class Placed(Database):
    def world(self):
        return PlacedPostgres(FOLDER + "/placed-postgres")

    def check_healed(self):
        super().check_healed()
        self.postgres.check_alone()


class Archived(Placed):
    def world(self):
        return ArchivedPostgres(FOLDER + "/archived-postgres")

    def fill(self, _):
        self.postgres.fill()


class Stanza(Archived):
    def world(self):
        return StanzaPostgres(FOLDER + "/stanza-postgres")


class Contained(Archived):
    def world(self):
        self.environment = {"DOCKER_HOST": os.environ["DOCKER_HOST"]}
        return ContainedPostgres(os.environ["GAMEDAY_WORKER"], self.environment)

    def __init__(self):
        super().__init__()
        self.remove = self.postgres.remove


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


class Backups(Files):
    def __init__(self):
        super().__init__(FOLDER + "/restic")

    def remove(self):
        """They end with their world."""


SERVERS = {"container": Container, "seen-container": SeenContainer, "containers": Containers,
           "postgres": Database, "postgres-data": Placed, "postgres-archive": Archived,
           "pgbackrest": Stanza, "postgres-container": Contained, "rabbitmq": Queue, "redis": Keys,
           "s3": Objects, "ssh": Machine, "restic": Backups}
