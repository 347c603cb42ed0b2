"""Whole drills that Locust carries the load of, on a Flask hello world: they pass, they fail for the
right reason, and whoever dies meanwhile leaves nobody who sends."""

import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, HERE + "/../../support")
from shop_world import FOLDER, SOURCE, check, eventually, http, one_case, processes  # noqa: E402

PORT = 8077
TELLER = SOURCE + "/drills/loads/locust_teller.py"

PLAYBOOK = """\
gameday: 1
name: browsing
summary: Users browse while the only server stands still.
owner: tests
environment: test
objectives: { rto: { within: 30s, hold: 1s }OBJECTIVES }
system:
  front: { http: "http://127.0.0.1:8077" }
  app:   { process: { pidfile: app.pid } }
load:
  browsing: { locust: LOCUSTFILE, users: USERS, spawn_rate: 50, host: "{front}", program: PROGRAM }
OTHER
probes:
  answers: { http: "{front}/count", every: 300ms, timeout: 2s, expect: { status: 200 } }
timeline:
  - steady_state: { for: 4s, within: 30s, probes: [answers] }
  - { fault: pause, target: app, for: 3s, id: paused }
  - steady_state: { for: 3s, within: 30s, probes: [answers] }
"""

NOW = """\
from locust import HttpUser, task, between


class Visitor(HttpUser):
    wait_time = between(LEAST, MOST)

    @task
    def index(self):
        self.client.get("/")
"""

OLD = """\
from locust import HttpLocust, TaskSet, between


def index(l):
    l.client.get("/")


def nothing(l):
    with l.client.get("/nothing", catch_response=True) as answer:
        answer.success()


class Behaviour(TaskSet):
    tasks = {index: 2, nothing: 1}

    def on_start(self):
        assert self.locust.host, "no host"


class Visitor(HttpLocust):
    task_set = Behaviour
    WAITS
"""


class World:
    """The app, Locust, and a folder of playbooks."""

    def __init__(self):
        self.programs = os.environ["GAMEDAY_LOCUST"]
        self.environment = dict(os.environ)
        self.app = None

    def up(self):
        self.start(0)

    def start(self, takes):
        if self.app is not None:
            self.down()
        self.app = subprocess.Popen([self.programs + "/python3", HERE + "/app.py", str(PORT),
                                     str(takes)], stdout=subprocess.DEVNULL,
                                    stderr=subprocess.DEVNULL)
        self.write("app.pid", f"{self.app.pid}\n")
        check(eventually(lambda: self.count() == 0, 60, 0.1), "the app does not come up")

    def down(self):
        self.app.kill()
        self.app.wait()

    def count(self):
        status, text = http("GET", f"http://127.0.0.1:{PORT}/count", timeout=5)
        return int(text) if status == 200 else -1

    def write(self, name, text):
        with open(f"{FOLDER}/{name}", "w", encoding="utf-8") as file:
            file.write(text)
        return f"{FOLDER}/{name}"

    def playbook(self, locustfile, objectives="", other="", users=20, program=None, more=""):
        self.write("locustfile.py", locustfile)
        text = PLAYBOOK.replace("PROGRAM }", "PROGRAM" + more + " }")
        for name, value in {"OBJECTIVES": objectives, "LOCUSTFILE": "locustfile.py",
                            "USERS": str(users), "OTHER": other,
                            "PROGRAM": program or self.programs + "/locust"}.items():
            text = text.replace(name, value)
        return self.write("browsing.yaml", text)


def now(least=0.2, most=0.4):
    return NOW.replace("LEAST", str(least)).replace("MOST", str(most))


def senders():
    return [one for one in processes() if "locust" in map(os.path.basename, one.argv)]


def expect_nothing_left(world, gameday):
    check(eventually(lambda: not senders(), 10), f"still there: {[s.argv for s in senders()]}")
    before = world.count()
    time.sleep(1)
    check(world.count() == before, "somebody goes on sending")
    check(gameday.open() == [], f"left open: {gameday.open()}")
    check(gameday.private_files() == [], f"left: {gameday.private_files()}")
    check(sorted(os.listdir(FOLDER)) == ["app.pid", "browsing.yaml", "gameday", "locustfile.py"],
          f"left beside the locustfile: {os.listdir(FOLDER)}")


def run(world, gameday, playbook, code):
    ended = gameday.run(playbook, "--json")
    check(ended.returncode == code,
          f"exit code {ended.returncode}, not {code}\n{ended.stdout[-3000:]}\n{ended.stderr}")
    expect_nothing_left(world, gameday)
    return json.loads(ended.stdout)


def expect_reason(document, text):
    texts = [one["text"] for one in document["reasons"]]
    check(any(text in one for one in texts), f"no reason says `{text}`: {texts}")


def browsing(document):
    found = next(one for one in document["load"] if one["name"] == "browsing")
    return found, {one["phase"]: one for one in found["phases"]}


def passes(world, gameday):
    """Beside a load of gameday's own, with the waits that a course has made common."""
    other = "  steady: { rate: 20/s, request: \"{front}/\" }"
    planned = subprocess.run(gameday.command("plan", world.playbook(
        now(5.0, 9.0), other=other, users=60)),
        capture_output=True, text=True, check=True).stdout
    check("browsing: closed loop locust" in planned and "60 users" in planned, planned)
    check("browsing: Locust 2.47.0" in planned and "locust: rights held" in planned, planned)
    document = run(world, gameday, FOLDER + "/browsing.yaml", 0)
    load, phases = browsing(document)
    check(load["loop"] == "closed" and load["transport"]["name"] == "Locust 2.47.0", load)
    check(load["transport"]["cpu_s"] > 0, load)
    steady = next(one for one in document["load"] if one["name"] == "steady")
    check("loop" not in steady and "told" not in steady, steady)
    told = load["told"]
    check(told["users"] == 60 and told["dropped"] == told["lost"] == 0, told)
    check([one["name"] for one in told["requests"]] == ["GET /"], told)
    asked = sum(one["ok"] + one["errors"] for one in told["requests"])
    check(asked > 60 and abs(asked - world.count()) <= 2, f"{asked} told, {world.count()} came")
    # The server stood still for 3 s: whoever asked then has had no answer in time.
    check(phases["paused"]["errors"] > 0, phases)
    outages = [one for one in document["outages"] if one["source"] == "browsing"]
    check(len(outages) == 1 and outages[0]["faults"] == ["paused"], document["outages"])
    for name in ("report.md", "report.html"):
        with open(f"{gameday.out}/{name}", encoding="utf-8") as file:
            text = file.read()
        check("closed loop, 60 users, Locust 2.47.0" in text, f"{name} does not tell")
        check("GET /" in text, f"{name} has not what was asked")
    with open(gameday.out + "/report.html", encoding="utf-8") as file:
        text = file.read()
    check(all(f"answers to load {name}" in text for name in ("browsing", "steady")), "no charts")


def alone(world, gameday):
    """What a closed loop can show by itself, and what it cannot."""
    document = run(world, gameday, world.playbook(now(1, 2), ", success_rate: 70%"), 0)
    _, phases = browsing(document)
    check(0 < phases["steady"]["held_back"] < 0.3, phases)
    world.start(0.3)
    document = run(world, gameday, world.playbook(now(0.05, 0.1), ", latency_p99: 900ms"), 6)
    _, phases = browsing(document)
    check(phases["steady"]["held_back"] > 0.5, phases)
    expect_reason(document, "is a closed loop: what it held back")
    # That an objective is missed it can show.
    document = run(world, gameday, world.playbook(now(0.05, 0.1), ", latency_p99: 200ms"), 1)
    expect_reason(document, "objective latency_p99 missed")


def old(world, gameday):
    """Before Locust 1.0."""
    for waits, where in (("wait_time = between(0.2, 0.4)", [1, 17, 20, 21]),
                         ("min_wait = 200\n    max_wait = 400", [1, 17, 20, 21, 22, 23])):
        text = OLD.replace("WAITS", waits).replace(", between", "" if "min" in waits else ", between")
        playbook = world.playbook(text)
        checked = subprocess.run(gameday.command("check", playbook)[:3], capture_output=True,
                                 text=True, check=True)
        for line in where:
            check(f"locustfile.py:{line}: since Locust 1.0" in checked.stdout + checked.stderr,
                  f"{line} is not told: {checked.stdout}{checked.stderr}")
        document = run(world, gameday, playbook, 0)
        load, phases = browsing(document)
        names = {one["name"]: one for one in load["told"]["requests"]}
        check(set(names) == {"GET /", "GET /nothing"}, names)
        check(1.2 < names["GET /"]["ok"] / names["GET /nothing"]["ok"] < 3.5, names)
        # 20 users that wait 0.3 s: 60 a second and some.
        check(25 < phases["steady"]["rate"] < 75, phases["steady"])
        with open(FOLDER + "/locustfile.py", encoding="utf-8") as file:
            check(file.read() == text, "the locustfile is another")


def workers(world, gameday):
    document = run(world, gameday, world.playbook(now(), more=", workers: 2"), 0)
    load, _ = browsing(document)
    check(load["told"]["processes"] == 2 and load["told"]["lost"] == 0, load["told"])
    asked = sum(one["ok"] + one["errors"] for one in load["told"]["requests"])
    check(asked > 100 and abs(asked - world.count()) <= 2, f"{asked} told, {world.count()} came")

    # One of them is lost: what it would have sent is lacking.
    started = gameday.start(world.playbook(now(), more=", workers: 2"), "--json")
    before = world.count()
    check(eventually(lambda: world.count() > before + 50, 60, 0.1), "nothing is sent")
    parents = {one.pid for one in senders()}
    worker = next(one for one in senders() if one.parent in parents)
    os.kill(worker.pid, signal.SIGKILL)
    ended = gameday.finish(started)
    check(ended.returncode == 6, f"{ended.returncode}: {ended.stderr}")
    expect_reason(json.loads(ended.stdout), "1 of 2 sending processes ended")
    expect_nothing_left(world, gameday)


def killed(world, gameday):
    for both in (False, True):
        started = gameday.start(world.playbook(now(), more=", workers: 2"), "--json")
        before = world.count()
        check(eventually(lambda: world.count() > before + 20, 60, 0.1), "nothing is sent")
        check(len(senders()) == 3, [one.argv for one in senders()])
        guardians = [one for one in processes() if one.name == "guardian"]
        for guardian in guardians if both else []:
            os.kill(guardian.pid, signal.SIGKILL)
        started.kill()
        started.wait()
        check(eventually(lambda: not senders(), 5), f"{[one.argv for one in senders()]}")
        if both:
            check(gameday.open() != [], "nothing is owed")
            reverted = gameday.revert()
            check(reverted.returncode == 0, f"revert: {reverted.stdout}{reverted.stderr}")
        check(eventually(lambda: not [p for p in processes() if p.name == "guardian"], 30),
              "the guardian goes on")
        expect_nothing_left(world, gameday)
    # Nor where its processes do not run any more when the runner dies, so that they cannot see it.
    started = gameday.start(world.playbook(now(), more=", workers: 2"), "--json")
    before = world.count()
    check(eventually(lambda: world.count() > before + 20, 60, 0.1), "nothing is sent")
    for sender in senders():
        os.kill(sender.pid, signal.SIGSTOP)
    started.kill()
    started.wait()
    check(eventually(lambda: not senders(), 30), f"{[one.argv for one in senders()]}")
    check(eventually(lambda: not [p for p in processes() if p.name == "guardian"], 30), "guardian")
    expect_nothing_left(world, gameday)


def stopped(world, gameday):
    """By Ctrl-C, as by a person."""
    started = gameday.start(world.playbook(now()), "--json")
    check(eventually(lambda: world.count() > 20, 60, 0.1), "nothing is sent")
    started.send_signal(signal.SIGINT)
    ended = gameday.finish(started)
    check(ended.returncode == 4, f"{ended.returncode}: {ended.stderr}")
    expect_nothing_left(world, gameday)


def nothing(world, gameday):
    """Locust itself ends with 0 where no user has asked anything."""
    text = now().replace('self.client.get("/")', "pass")
    document = run(world, gameday, world.playbook(text), 6)
    expect_reason(document, "load browsing does not count: it sent nothing")


def dies(world, gameday):
    text = now().replace("class Visitor", "import os, gevent\nprint('hello to all', flush=True)\n"
                         "gevent.spawn_later(4, lambda: (print('goodbye to all', flush=True), "
                         "os._exit(3)))\n\n\nclass Visitor")
    document = run(world, gameday, world.playbook(text), 4)
    expect_reason(document, "Locust has ended by itself: exit code 3")
    expect_reason(document, "goodbye to all")
    # Before it has begun to send: the drill does not begin either.
    text = now() + "\nimport locust\nlocust.events.init.add_listener(lambda **_: 1 / 0)\n"
    document = run(world, gameday, world.playbook(text), 3)
    expect_reason(document, "ZeroDivisionError")


def broken(world, gameday):
    """Told before anything begins, by plan too."""
    def expect_refused(playbook, *texts):
        ended = subprocess.run(gameday.command("plan", playbook), capture_output=True, text=True,
                               check=False)
        check(ended.returncode == 0, ended.stderr)
        document = run(world, gameday, playbook, 3)
        for text in texts:
            check(text in ended.stdout, f"plan does not say `{text}`: {ended.stdout}")
            expect_reason(document, text)
        check("REFUSED" in ended.stdout, ended.stdout)
        check(document["load"] == [] and world.count() == 0, document["load"])

    expect_refused(world.playbook("def x(:\n"), "locustfile.py does not load", "SyntaxError")
    expect_refused(world.playbook("import no_such_module\n"), "no_such_module")
    expect_refused(world.playbook("import locust\n"), "has no user class")
    expect_refused(world.playbook(now(), program="/no/such/locust"), "pip install locust")


def dropped(world, _):
    """Where gameday does not read, Locust goes on, and what it could not tell of is counted."""
    world.write("locustfile.py", """\
from locust import User, task, events


class Busy(User):
    def on_start(self):
        for number in range(150_000):
            events.request.fire(request_type="X", name="y", response_time=1.25, response_length=0,
                                exception=None)
        open("fired", "w").close()

    @task
    def rest(self):
        import time
        time.sleep(1)
""")
    listener = socket.socket(socket.AF_UNIX)
    listener.bind("\0gameday-load-test")
    listener.listen()
    environment = dict(os.environ, GAMEDAY_TELL="gameday-load-test",
                       GAMEDAY_TIMEOUT_NS="1000000000", PYTHONDONTWRITEBYTECODE="1")
    locust = subprocess.Popen([world.programs + "/locust", "-f", f"{TELLER},locustfile.py",
                               "--headless", "-u", "1", "--only-summary"], cwd=FOLDER,
                              env=environment, stdout=subprocess.DEVNULL,
                              stderr=subprocess.DEVNULL)
    try:
        teller, _ = listener.accept()
        check(eventually(lambda: os.path.exists(FOLDER + "/fired"), 150), "it waits for who reads")
        lines = []

        def read():
            with teller.makefile(encoding="utf-8") as file:
                lines.extend(file)

        reader = threading.Thread(target=read)
        reader.start()
        teller.send(b"end\n")
        locust.wait(30)
        reader.join(30)
    finally:
        locust.kill()
        locust.wait()
    told = sum(line.startswith("r ") for line in lines)
    lacking = int(next(line for line in reversed(lines) if line.startswith("dropped")).split()[1])
    check(lacking > 0 and told + lacking == 150_000, f"{told} told, {lacking} not")
    check(" 1250000 o 0\tX y\t\n" in next(line for line in lines if line.startswith("r ")), lines[:9])
    check(lines[-1] == "bye\n", lines[-3:])


CASES = {one.__name__: one for one in (passes, alone, old, workers, killed, stopped, nothing, dies,
                                       broken, dropped)}


if __name__ == "__main__":
    # Before the world, which has no network.
    if "GAMEDAY_LOCUST" not in os.environ:
        os.environ["GAMEDAY_LOCUST"] = subprocess.run(
            [HERE + "/locust-here"], check=True, stdout=subprocess.PIPE, text=True).stdout.strip()
    sys.exit(one_case(World, CASES))
