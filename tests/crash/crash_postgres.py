"""The PostgreSQL servers whose files drills of the crash campaign take away, damage and restore."""

import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import threading

from postgres_world import PROGRAMS, SETTINGS, Postgres
from shop_world import check, eventually, processes


class PlacedPostgres(Postgres):
    """One whose data directory drills take away; what starts it again is none of ours."""

    def data(self):
        return f"{self.folder}/primary/data"

    def placed(self):
        words = ", ".join(f'"{word}"' for word in self.start_words("primary"))
        return f'postgres-data: {{ folder: "{self.data()}", start: [{words}] }}'

    def targets(self):
        return super().targets().replace('" }\n', f'", {self.placed()} }}\n', 1)

    def start(self, name, *settings):
        """One that is killed is reaped at once, as a service manager does."""
        super().start(name, *settings)
        threading.Thread(target=self.servers[-1].wait, daemon=True).start()

    def down(self):
        super().down()
        for process in self.postmasters():
            os.kill(process.pid, signal.SIGKILL)

    def is_its(self, process):
        return super().is_its(process) or process.name == "pg_ctl"

    def postmasters(self):
        """Those of this world that live off its files, whoever started them."""
        return [p for p in processes() if p.argv[0].endswith("/postgres")
                and any(word.startswith(self.folder + "/") for word in p.argv)]

    def serving(self):
        """Whose data directories have a server: each once, or there is a second writer."""
        return sorted(p.argv[p.argv.index("-D") + 1] for p in self.postmasters())

    def left(self):
        """What a deed has put beside its files."""
        return [name for name in os.listdir(self.folder + "/primary") if "gameday" in name]

    def check_alone(self):
        wanted = sorted(f"{self.folder}/{name}/data" for name in self.names())
        check(eventually(lambda: self.serving() == wanted),
              f"servers of {self.serving()}, not of {wanted}")
        check(self.left() == [], f"beside its data directory stays {self.left()}")


class ArchivedPostgres(PlacedPostgres):
    """One by itself, whose WAL is archived; what is restored from there takes its place."""

    HAS_STANDBY = False
    INITDB = ("--wal-segsize=1",)

    def __init__(self, folder):
        super().__init__(folder)
        self.wal, self.scratch = folder + "/wal", folder + "/scratch"
        self.archives = self.archived_by(f"cp %p {self.wal}/.%f && mv {self.wal}/.%f {self.wal}/%f")

    @staticmethod
    def archived_by(command):
        return f"archive_mode = on\narchive_command = '{command}'\nmin_wal_size = 2MB\n"

    def names_of_folders(self):
        return ("wal", "scratch")

    def up(self):
        shutil.rmtree(self.folder, ignore_errors=True)
        os.makedirs(self.folder, mode=0o711)
        super().up()

    def make_folder(self, name):
        super().make_folder(name)
        for more in self.names_of_folders():
            if not os.path.exists(f"{self.folder}/{more}"):
                super().make_folder(more)

    def targets(self):
        return super().targets() + (f"  archive: {{ postgres-archive: {{ wal: {self.wal}, of: database, "
                                    f"scratch: {self.scratch} }} }}\n")

    def fill(self):
        """Each drill takes a base backup of its own, so that older WAL is worth nothing."""
        for name in os.listdir(self.wal):
            if not name.endswith(".history"):
                os.remove(f"{self.wal}/{name}")

    def left(self):
        return super().left() + os.listdir(self.scratch)


class StanzaPostgres(ArchivedPostgres):
    """The same with a repository of pgBackRest's, in which there is a full backup."""

    def __init__(self, folder):
        super().__init__(folder)
        self.config = folder + "/pgbackrest.conf"
        self.archives = self.archived_by(
            f"pgbackrest --config={self.config} --stanza=shop archive-push %p")

    def names_of_folders(self):
        return ("repository", "scratch")

    def start(self, name, *settings):
        with open(self.config, "w", encoding="utf-8") as file:
            file.write(f"[global]\nrepo1-path={self.folder}/repository\nrepo1-cipher-type=aes-256-cbc\n"
                       "repo1-cipher-pass=right\nlog-level-file=off\nlog-level-console=warn\n"
                       f"start-fast=y\nlock-path={self.folder}/repository/lock\n[shop]\n"
                       f"pg1-path={self.data()}\npg1-socket-path={self.folder}/primary\n")
        os.chmod(self.config, 0o644)
        super().start(name, *settings)
        self.pgbackrest("stanza-create")

    def up(self):
        super().up()
        self.pgbackrest("backup", "--type=full")

    def pgbackrest(self, *words):
        self.run_as_server("pgbackrest", "--config=" + self.config, "--stanza=shop", *words)

    def targets(self):
        return PlacedPostgres.targets(self) + (
            f"  stanza: {{ pgbackrest: {{ stanza: shop, config: {self.config}, of: database, "
            f"scratch: {self.scratch} }} }}\n")

    def fill(self):
        """All of it goes back to the first backup."""

    def is_its(self, process):
        return super().is_its(process) or process.name == "pgbackrest"


class ContainedPostgres(ArchivedPostgres):
    """One in a container, with this machine's own programs. What it lives off is in a folder that its
    engine sees too, which no world has to itself."""

    def __init__(self, number, environment):
        super().__init__(tempfile.mkdtemp(prefix="gd-crash-"))
        os.chmod(self.folder, 0o711)
        self.name = f"gd-crash-postgres-{number}"
        self.environment = environment
        self.archives = self.archived_by("/usr/bin/cp %p /archive/.%f && "
                                         "/usr/bin/mv /archive/.%f /archive/%f")
        self.made = None

    def docker(self, *words, may_fail=False):
        done = subprocess.run(["docker", *words], capture_output=True, text=True,
                              env=dict(os.environ, **self.environment))
        check(done.returncode == 0 or may_fail, f"docker {' '.join(words)}: {done.stderr}")
        return done.stdout.strip()

    def start(self, name, *settings):
        user = pwd.getpwnam("postgres")
        volumes = [f"{self.folder}/{name}:/srv", f"{self.wal}:/archive",
                   *(f"{path}:{path}:ro" for path in ("/usr", "/lib", "/lib64", "/etc/passwd"))]
        self.docker("run", "--detach", "--name", self.name, "--restart", "unless-stopped",
                    "--stop-signal", "SIGINT", "--user", f"{user.pw_uid}:{user.pw_gid}",
                    *(word for volume in volumes for word in ("--volume", volume)), "gameday-box",
                    PROGRAMS + "postgres", "-D", "/srv/data", "-k", "/srv", "-p", "5432",
                    *(word for setting in (*SETTINGS, *settings) for word in ("-c", setting)))
        check(eventually(lambda: self.psql(name, "SELECT 1", "postgres") == "1\n", 20),
              f"no {name}: {self.docker('logs', self.name, may_fail=True)}")
        self.made = self.made_of()

    def down(self):
        super().down()
        self.docker("rm", "--force", "--volumes", self.name, may_fail=True)

    def remove(self):
        self.down()
        shutil.rmtree(self.folder, ignore_errors=True)

    def placed(self):
        return f"container: {self.name}, postgres-data: {{ folder: /srv/data }}"

    def targets(self):
        return super().targets().replace(f"wal: {self.wal}", "wal_within: /archive")

    def made_of(self):
        """Which one it is, whether it runs, and what its engine does when it ends."""
        return self.docker("inspect", "--format",
                           "{{.Id}} {{.State.Status}} {{.HostConfig.RestartPolicy.Name}}", self.name)

    def check_alone(self):
        check(self.made_of() == self.made, f"the container: {self.made_of()}, was {self.made}")
        mine = self.docker("ps", "--all", "--quiet", "--filter", f"name={self.name}").split()
        check(len(mine) == 1, f"containers stay: {mine}")
        check(self.serving() == [], f"servers of {self.serving()} beside that of the container")
        check(self.left() == [], f"beside its data directory stays {self.left()}")
