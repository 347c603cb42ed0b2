"""A world of its own for one sample shop: network, processes and /run in namespaces of their own,
so that worlds run side by side on the same ports, and nothing of one outlives it.

`enter()` first; then everything below works inside, and pid 1 is the reaper that `enter()` left."""

import argparse
import contextlib
import fcntl
import json
import os
import shutil
import socket
import sqlite3
import subprocess
import sys
import termios
import time
import urllib.error
import urllib.request

SKIPPED = 77
FOLDER = "/run/world"
PROGRAMS = ("store", "queue", "worker", "west", "north", "front", "watch")
FRONT = "http://127.0.0.1:8080"
QUEUE = "http://127.0.0.1:8090/orders"
SOURCE = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))


class Wrong(Exception):
    """What a test found wrong, in words."""


def check(holds, text):
    if not holds:
        raise Wrong(text)


def enter():
    """Returns inside a new world. The process that called it waits for it and passes on its end."""
    if os.environ.get("GAMEDAY_WORLD") != "inside":
        # What is mounted outside and shared, as a Docker engine's networks are, is seen inside.
        prefix = ["unshare", "--net", "--mount", "--propagation", "slave", "--pid", "--fork",
                  "--kill-child", "--mount-proc"]
        if os.geteuid() != 0:
            prefix.append("--map-root-user")
        if subprocess.run(prefix + ["true"], capture_output=True).returncode != 0:
            print("skipped: this machine gives no namespaces (unshare)")
            sys.exit(SKIPPED)
        os.environ["GAMEDAY_WORLD"] = "inside"
        os.execvp("unshare", prefix + [sys.executable] + sys.argv)
    worker = os.fork()
    if worker != 0:
        reap_until(worker)
    # Another world that is started from here is not inside yet.
    del os.environ["GAMEDAY_WORLD"]
    subprocess.run(["mount", "-t", "tmpfs", "tmpfs", "/run"], check=True)
    subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
    os.makedirs("/run/lock")
    os.makedirs(FOLDER)


def reap_until(worker):
    """What was put back is nobody's child, and so ours: without us its zombies would stay."""
    while True:
        pid, status = os.wait()
        if pid == worker:
            os._exit(os.waitstatus_to_exitcode(status) & 0xFF)


def eventually(condition, within=5.0, every=0.02):
    end = time.monotonic() + within
    while True:
        if condition():
            return True
        if time.monotonic() > end:
            return False
        time.sleep(every)


def http(method, url, body=None, timeout=2.0):
    """(status, body); status 0 where no answer came."""
    data = json.dumps(body).encode() if body is not None else None
    request = urllib.request.Request(url, data=data, method=method)
    try:
        with urllib.request.urlopen(request, timeout=timeout) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode()
    except (OSError, urllib.error.URLError) as error:
        return 0, str(error)


class Process:
    """One living process, as /proc shows it."""

    def __init__(self, pid):
        self.pid = pid
        with open(f"/proc/{pid}/cmdline", "rb") as file:
            self.argv = [part.decode(errors="replace") for part in file.read().split(b"\0")[:-1]]
        with open(f"/proc/{pid}/stat", encoding="utf-8", errors="replace") as file:
            fields = file.read().rpartition(")")[2].split()
        self.state, self.parent = fields[0], int(fields[1])

    @property
    def name(self):
        """The shop's name for it, else its program."""
        if self.argv and os.path.basename(self.argv[0]).startswith("shop-"):
            return self.argv[self.argv.index("--name") + 1] if "--name" in self.argv else "shop"
        if len(self.argv) > 1 and "gameday" in os.path.basename(self.argv[0]):
            return self.argv[1]
        return os.path.basename(self.argv[0]) if self.argv else "?"


def processes():
    """All of this world but the two that make it, zombies left out."""
    found = []
    for entry in os.listdir("/proc"):
        if not entry.isdigit() or int(entry) in (1, os.getpid()):
            continue
        with contextlib.suppress(OSError, IndexError):
            process = Process(int(entry))
            if process.state != "Z" and process.argv:
                found.append(process)
    return found


def named(name):
    return [process for process in processes() if process.name == name]


class Shop:
    """The sample shop in this world, with a copy of its playbooks around it."""

    def __init__(self, bin_folder, **switches):
        self.folder = FOLDER + "/shop"
        self.run = self.folder + "/run"
        self.environment = dict(os.environ, SHOP_BIN=bin_folder, **switches)
        shutil.copytree(SOURCE + "/playbooks/shop", self.folder,
                        ignore=shutil.ignore_patterns("run"))

    def up(self):
        self._launch("up")

    def reset(self):
        self._launch("reset")

    def _launch(self, command):
        done = subprocess.run([self.folder + "/shop", command], env=self.environment,
                              capture_output=True, text=True)
        check(done.returncode == 0, f"shop {command}: {done.stdout}{done.stderr}")

    def pid(self, name):
        with open(f"{self.run}/{name}.pid", encoding="utf-8") as file:
            return int(file.read())

    def write(self, name, text):
        path = f"{self.folder}/{name}"
        with open(path, "w", encoding="utf-8") as file:
            file.write(text)
        return path

    def put(self, drill, count):
        """Orders of somebody else's, which no drill may touch; in the store when this returns."""
        for number in range(count):
            key = f"{drill}-{number}"
            status, text = http("PUT", f"{FRONT}/orders/{key}", {"item": "pen", "sum": f"s{key}"})
            check(status in (200, 201), f"PUT {key}: {status} {text}")
        check(eventually(lambda: self.count(f"key LIKE '{drill}-%'") == count),
              f"the orders of {drill} do not reach the store")

    def ask(self, sql):
        connection = sqlite3.connect(f"file:{self.run}/store.db?mode=ro", uri=True, timeout=5)
        with contextlib.closing(connection):
            return connection.execute(sql).fetchall()

    def count(self, condition):
        try:
            return self.ask(f"SELECT count(*) FROM orders WHERE {condition}")[0][0]
        except sqlite3.Error as error:
            return str(error)

    def queue(self):
        status, text = http("GET", QUEUE)
        return json.loads(text) if status == 200 else {"status": status}


def proxy_toxics(listen="127.0.0.1:8201"):
    """The toxics of that link's proxy; None where no proxy answers."""
    with contextlib.suppress(OSError), socket.socket(socket.AF_UNIX) as control:
        control.settimeout(2)
        control.connect(f"/run/gameday/proxy-{listen.replace(':', '-')}.sock")
        control.sendall(b'{"op":"status"}\n')
        answer = b""
        while not answer.endswith(b"\n"):
            block = control.recv(65536)
            if not block:
                return None
            answer += block
        return json.loads(answer)["toxics"]
    return None


class Gameday:
    """The program under test with a store of its own."""

    def __init__(self, program, shop, folder=FOLDER + "/gameday"):
        self.program, self.shop, self.folder = program, shop, folder
        self.store = folder + "/gameday.db"
        self.out = folder + "/out"
        os.makedirs(folder, mode=0o700, exist_ok=True)

    def command(self, name, *arguments):
        return [self.program, name, *arguments, "--store", self.store]

    def run(self, playbook, *arguments, environment=None, wait=150.0):
        started = self.start(playbook, *arguments, environment=environment)
        return self.finish(started, wait)

    def start(self, playbook, *arguments, environment=None, terminal=None):
        """`terminal`: the slave end of one that becomes the drill's own."""
        def own_terminal():
            os.setsid()
            fcntl.ioctl(terminal, termios.TIOCSCTTY, 0)

        # Not over pipes: a guardian that lives on would keep their ends open.
        with open(self.folder + "/stdout", "wb") as out, open(self.folder + "/stderr", "wb") as err:
            return subprocess.Popen(
                self.command("run", playbook, "--out", self.out, *arguments),
                stdin=subprocess.DEVNULL if terminal is None else terminal, stdout=out, stderr=err,
                preexec_fn=own_terminal if terminal is not None else None,
                env=dict(self.shop.environment, **(environment or {})))

    def told(self, stream="stderr"):
        with open(f"{self.folder}/{stream}", encoding="utf-8", errors="replace") as file:
            return file.read()

    def finish(self, started, wait=150.0):
        try:
            code = started.wait(wait)
        except subprocess.TimeoutExpired:
            started.kill()
            started.wait()
            raise Wrong(f"gameday run did not end within {wait} s\n{self.told()}") from None
        return subprocess.CompletedProcess(started.args, code, self.told("stdout"), self.told())

    def revert(self, *arguments, environment=None):
        return subprocess.run(self.command("revert", *arguments), capture_output=True, text=True,
                              timeout=90, env=dict(self.shop.environment, **(environment or {})))

    def open(self):
        listed = self.revert("--list", "--json")
        check(listed.returncode == 0, f"revert --list: {listed.returncode} {listed.stderr}")
        return json.loads(listed.stdout)["open"]

    def result(self):
        with open(self.out + "/result.json", encoding="utf-8") as file:
            return json.load(file)

    def private_files(self):
        """What must not outlive the drill: ledgers and the playbook may."""
        found = []
        for folder, _, names in os.walk(self.folder + "/private"):
            found += [os.path.join(folder, name) for name in names
                      if not name.endswith((".yaml", ".jsonl"))]
        return found


def one_case(make_system, cases):
    """The main program of drills on a server of a test's own: `--bin FOLDER CASE`. Each case gets what
    `make_system` has made, between its `up` and `down`, and gameday. Returns the exit code."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--bin", required=True)
    parser.add_argument("case", choices=cases)
    options = parser.parse_args()
    enter()
    system = make_system()
    gameday = Gameday(os.path.join(os.path.dirname(options.bin), "gameday"), system)
    try:
        system.up()
        cases[options.case](system, gameday)
    except Wrong as wrong:
        print(f"{options.case}: {wrong}\n{gameday.told()}")
        return 1
    finally:
        system.down()
    return 0
