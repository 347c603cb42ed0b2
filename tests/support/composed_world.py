"""The composed system of docker-compose.yml as tests see it, and drills on it.

A system of its own beside that of whoever works here: SYSTEM_NAME, SYSTEM_BASE and SYSTEM_ENV, where
they are set, else those below. `lifetime_test.py` makes it and takes it away; in between, each test
leaves it as it was."""

import argparse
import base64
import contextlib
import datetime
import json
import os
import shutil
import subprocess
import sys
import tempfile
import urllib.error
import urllib.request

import yaml
from shop_world import SKIPPED, SOURCE, Gameday, Wrong, check, eventually

SYSTEM = SOURCE + "/tests/systems/composed/system"
PLAYBOOKS = SOURCE + "/playbooks"
LONGEST = 45.0  # seconds of a drill, with what its test gives it
NAME = os.environ.get("SYSTEM_NAME", "gameday-test")
BASE = os.environ.get("SYSTEM_BASE", "20000")
ENV_FILE = os.environ.get("SYSTEM_ENV", SOURCE + "/build/system/test.env")


def arguments():
    """(the folder of programs, all other arguments) of a test's command line."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--bin", required=True, help="where the programs are")
    known, rest = parser.parse_known_args()
    if os.geteuid() != 0:
        print("skipped: an engine, and blocking its containers, need root")
        sys.exit(SKIPPED)
    os.environ["SYSTEM_BIN"] = known.bin
    return known.bin, rest


def run(*command, **environment):
    """What a command printed."""
    done = subprocess.run(command, env={**os.environ, **environment}, text=True, timeout=1500,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False)
    check(done.returncode == 0, f"{' '.join(command)} returned {done.returncode}:\n{done.stdout}")
    return done.stdout


def system(command, **switches):
    return run(SYSTEM, command, SYSTEM_NAME=NAME, SYSTEM_BASE=BASE, SYSTEM_ENV=ENV_FILE, **switches)


@contextlib.contextmanager
def switched(**switches):
    """The system with other switches (SHOP_CONFIRMS="off"), and as it was again afterwards."""
    system("up", **switches)
    try:
        yield
    finally:
        system("up")


def settings():
    with open(ENV_FILE, encoding="ascii") as file:
        return dict(line.strip().split("=", 1) for line in file if "=" in line)


def containers():
    """Those of the system by the name of their part."""
    ids = run("docker", "ps", "-aq", "--filter", f"label=com.docker.compose.project={NAME}").split()
    found = json.loads(run("docker", "inspect", *ids)) if ids else []
    return {one["Config"]["Labels"]["com.docker.compose.service"]: one for one in found}


def inside(part, *command):
    return run("docker", "exec", containers()[part]["Id"], *command)


def sql(part, statement, database="orders"):
    return inside(part, "setpriv", "--reuid=postgres", "--regid=postgres", "--init-groups",
                  "psql", "-X", "-d", database, "-Atqc", statement).strip()


def http(method, port, path, body=None, user=None):
    """Status and body; the status is what the server said, whatever it is."""
    request = urllib.request.Request(f"http://127.0.0.1:{settings()[port]}{path}", method=method,
                                     data=None if body is None else json.dumps(body).encode())
    request.add_header("Content-Type", "application/json")
    if user:
        request.add_header("Authorization", "Basic " + base64.b64encode(user.encode()).decode())
    try:
        with urllib.request.urlopen(request, timeout=15) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode()


def front(method, path, body=None):
    return http(method, "SYSTEM_FRONT_PORT", path, body)


def broker(method, path, body=None):
    user = "admin:" + settings()["RABBITMQ_ADMIN_PASSWORD"]
    return http(method, "SYSTEM_RABBITMQ_PORT", "/api" + path, body, user)


def depth(queue="orders"):
    """Messages in a queue, counted by the queue itself: the management's figures are late."""
    lines = inside("rabbitmq", "rabbitmqctl", "-q", "-n", "rabbit@rabbitmq", "list_queues", "-p",
                   "shop", "name", "messages")
    return sum(int(line.split()[1]) for line in lines.splitlines()
               if line.startswith(queue + "\t"))


def variables():
    """What a playbook needs to find this system and not another one, by the names that they use."""
    known = settings()
    ports = {name[len("SYSTEM_"):].lower(): value for name, value in known.items()
             if name.startswith("SYSTEM_")}
    secrets = {name.lower(): f"${{file:{ENV_FILE}.d/{name}}}" for name in os.listdir(ENV_FILE + ".d")}
    return {"project": NAME, "front": f"http://127.0.0.1:{known['SYSTEM_FRONT_PORT']}",
            **ports, **secrets}


def instant(text):
    return datetime.datetime.fromisoformat(text.replace("Z", "+00:00"))


class Drills:
    """gameday with a store of its own, on the composed system."""

    def __init__(self, bin_folder):
        self.environment = dict(os.environ)
        self.folder = tempfile.mkdtemp(prefix="gameday-composed.")
        self.started = None
        self.gameday = Gameday(os.path.dirname(bin_folder) + "/gameday", self, self.folder)

    def arguments(self, playbook, **more):
        """Of the variables, those that the playbook has; `more` replaces its defaults."""
        with open(playbook, encoding="utf-8") as file:
            declared = yaml.safe_load(file).get("vars", {})
        check(set(more) <= set(declared), f"{playbook} has none of {set(more) - set(declared)}")
        given = {**variables(), **more}
        return [word for name in declared if name in given
                for word in ("--var", f"{name}={given[name]}")]

    def start(self, name, **more):
        playbook = f"{PLAYBOOKS}/{name}.yaml"
        shutil.rmtree(self.gameday.out, ignore_errors=True)
        self.started = self.gameday.start(playbook, *self.arguments(playbook, **more))
        return self.started

    def finish(self, started, code):
        """The result of a drill that must end with that exit code, and leave nothing."""
        ended = self.gameday.finish(started)
        check(ended.returncode == code,
              f"exit code {ended.returncode}, not {code}\n{ended.stdout[-3000:]}\n{ended.stderr}")
        result = self.gameday.result()
        check(result["exit_code"] == code and result["residue"] == [], result["residue"])
        check(self.gameday.open() == [], f"left open: {self.gameday.open()}")
        # Backups that the drill took stay where something was lost, and are named.
        kept = tuple(one["text"].split(" is kept: ")[1] + "/" for one in result["reasons"]
                     if " is kept: " in one["text"])
        left = [path for path in self.gameday.private_files() if not path.startswith(kept)]
        check(left == [], f"left: {left}")
        took = (instant(result["ended"]) - instant(result["started"])).total_seconds()
        print(f"{result['playbook']['name']}: {took:.1f} s")
        check(took <= LONGEST, f"a drill of {took} s")
        # So that a second one starts clean.
        status, text = front("GET", f"/orders?drill={result['drill']}")
        check(status == 200 and json.loads(text)["orders"] == [], f"{status} {text[:300]}")
        return result

    def run(self, name, code, **more):
        """Runs playbooks/NAME.yaml with these variables."""
        return self.finish(self.start(name, **more), code)

    def close(self):
        """A drill that a test gave up on undoes what it did, so that the next finds the system well."""
        if self.started and self.started.poll() is None:
            self.started.terminate()
            self.started.wait(120)
        shutil.rmtree(self.folder, ignore_errors=True)


def reasons(result):
    return [one["text"] for one in result["reasons"]]


def expect_reason(result, text):
    check(any(text in reason for reason in reasons(result)),
          f"no reason says `{text}`: {reasons(result)}")


def expect_well():
    """Every part is healthy, as one that finds the system after us expects it."""
    unhealthy = lambda: [part for part, one in containers().items()
                         if one["State"].get("Health", {}).get("Status") != "healthy"]
    check(eventually(lambda: not unhealthy(), 60, 0.5), f"not healthy: {unhealthy()}")


def main(cases):
    """Runs the case that the command line names, with drills of its own."""
    bin_folder, rest = arguments()
    chosen = {case.__name__: case for case in cases}[rest[0]]
    drills = Drills(bin_folder)
    try:
        expect_well()
        chosen(drills)
        expect_well()
    except Wrong as wrong:
        print(f"{chosen.__name__}: {wrong}")
        sys.exit(1)
    finally:
        drills.close()
    print(f"{chosen.__name__}: ok")
