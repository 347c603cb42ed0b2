"""One point of the crash campaign: a drill that dies there, and what must be so afterwards."""

import contextlib
import json
import os
import re
import shutil
import signal
import sqlite3
import ssl
import subprocess
import sys
import time
import urllib.request

from crash_cases import cases
from crash_servers import SERVERS
from shop_world import (FOLDER, FRONT, PROGRAMS, SOURCE, Gameday, Shop, check, eventually, http,
                        named, processes, proxy_toxics)
from short_drill import short_playbook

LINKS = {"west-to-store": "127.0.0.1:8201", "spare-to-store": "127.0.0.1:8209"}
NO_TOXICS = {name: [] for name in LINKS}
# Of the same region as the other, so that what hits a region hits more than one.
SPARE_LINK = (f"    spare-to-store: {{ listen: \"{LINKS['spare-to-store']}\", "
              "to: \"127.0.0.1:8200\", region: eu-west }\n")
# What the examples of faults on certificates and credentials are done to.
EDGE = "  edge: { process: { pidfile: run/edge.pid } }\n"
EDGE_TOKEN = "token-of-alice"
RESIDENTS = 20
HEALED_WITHIN = 3.0  # what stands beside the shop
# A drill, and one whose runner is ended by the guardian; a restore takes longer, or its server does.
ENDED_WITHIN = {"count": 60.0, "killed": 60.0, "both": 60.0, "stopped": 30.0}
RESTORE_ENDED_WITHIN = 60.0
SERVER_HEALED_WITHIN = 10.0  # a server, and its engine, take the time they need to start and to end
HOSTS = "127.0.0.1 localhost\n127.0.0.1 store.shop front.shop\n"
MOST_DEATHS = 200
BATCHED = ("sample", "window", "woken", "link")  # they share the commit of the next event


def toxics():
    """Of each link; None where no proxy answers."""
    return {name: proxy_toxics(listen) for name, listen in LINKS.items()}


def revert_twice(gameday):
    for _ in range(2):
        reverted = gameday.revert()
        check(reverted.returncode == 0, f"revert: {reverted.stdout}{reverted.stderr}")


def revert_beside_the_guardian(gameday):
    """Two at once, while it undoes: each waits for its turn, and finds nothing left."""
    reverts = [subprocess.Popen(gameday.command("revert"), stdin=subprocess.DEVNULL,
                                stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                                env=gameday.shop.environment) for _ in range(2)]
    for revert in reverts:
        told = revert.communicate(timeout=90)[0]
        check(revert.returncode == 0, f"revert beside the guardian: {revert.returncode} {told}")


def revert_until_it_lives(gameday):
    """One dies at its first point, the next at its second, and so on."""
    for number in range(1, MOST_DEATHS):
        reverted = gameday.revert(environment={"GAMEDAY_CRASH_NTH": str(number)})
        if reverted.returncode == 0:
            return
        check(reverted.returncode == -signal.SIGKILL,
              f"revert after {number - 1} deaths: {reverted.stdout}{reverted.stderr}")
    check(False, f"after {MOST_DEATHS} deaths there is still something to revert")


# Who dies in each way, and who undoes then.
DIES = {"killed": "killed", "both": "both", "stopped": "stopped", "raced": "killed",
        "reverted": "both"}
AFTERWARDS = {"killed": lambda _: None, "both": revert_twice, "stopped": lambda _: None,
              "raced": revert_beside_the_guardian, "reverted": revert_until_it_lives}


def next_commits(points):
    """For each that is no journal commit, the next one behind it: what comes between two of them may
    come fewer times in another run, as a proof looks until it holds."""
    following, commit = {}, None
    for point in reversed(points):
        if point.startswith("journal:"):
            commit = point if point.endswith(":before") else commit
        elif commit:
            following[point] = commit
    return following


class Place:
    """A shop and two proxies that many drills die on, one after another."""

    def __init__(self, bin_folder):
        self.program = bin_folder + "/gameday_crash"
        self.cases = cases(self.program)
        self.servers = {}
        self.on = ""  # which of them the drill is done to
        self.shop = Shop(bin_folder, SHOP_RETAIN="3600")
        # What the examples of fill-disk and exhaust-inodes fill.
        self.spool = self.shop.folder + "/spool"
        os.mkdir(self.spool)
        subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64m,nr_inodes=4000", "tmpfs",
                        self.spool], check=True)
        self.shop.environment["EDGE_TOKEN"] = EDGE_TOKEN
        # What the example of dns changes.
        self.shop.write("hosts", HOSTS)
        self.number = 0
        self.bring_up()

    def bring_up(self):
        self.shop.up()
        for name, listen in LINKS.items():
            if proxy_toxics(listen) is None:
                subprocess.Popen([self.program, "proxy", "--name", name, "--listen", listen, "--to",
                                  "127.0.0.1:8200"],
                                 stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
        check(eventually(lambda: toxics() == NO_TOXICS), "the proxies do not stand")
        # Both gateways, so that what a cleanup has to tell is told to all.
        check(eventually(lambda: http("GET", "http://127.0.0.1:8101/healthz")[0] == 200),
              "west is not healthy")
        self.start_edge()
        self.shop.put("resident", RESIDENTS)

    def start_edge(self):
        """A server with a certificate of its own and two credentials."""
        made = subprocess.run(
            ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256",
             "-nodes", "-subj", "/CN=localhost", "-keyout", "edge.key", "-out", "edge.pem"],
            cwd=self.shop.run, capture_output=True, text=True)
        check(made.returncode == 0, f"no certificate: {made.stderr}")
        self.shop.write("run/edge.tokens", f"bob:token-of-bob\nalice:{EDGE_TOKEN}\n")
        self.edge = self.edge_files()
        with contextlib.suppress(FileNotFoundError):
            os.remove(self.shop.run + "/edge.pid")
        script = SOURCE + "/tests/support/edge_server.py"
        subprocess.Popen(["edge", script, self.shop.run, "8443", "8444"],
                         executable=sys.executable, stdin=subprocess.DEVNULL,
                         stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        check(eventually(lambda: os.path.exists(self.shop.run + "/edge.pid")), "no edge")

    def clocks(self, name):
        with open(f"/proc/{self.shop.pid(name)}/timens_offsets", encoding="utf-8") as file:
            return file.read()

    def edge_files(self):
        found = {}
        for name in ("edge.pem", "edge.key", "edge.tokens"):
            with open(f"{self.shop.run}/{name}", encoding="utf-8") as file:
                found[name] = (os.stat(file.fileno()).st_mode, file.read())
        return found

    def edge_serves(self):
        """What it shows and accepts now, not what its files say."""
        with contextlib.suppress(OSError):
            shown = ssl.get_server_certificate(("127.0.0.1", 8443))
            request = urllib.request.Request("http://127.0.0.1:8444/",
                                             headers={"Authorization": "Bearer " + EDGE_TOKEN})
            with urllib.request.urlopen(request, timeout=2) as answer:
                return shown == self.edge["edge.pem"][1] and answer.status == 200
        return False

    def do(self, job):
        self.number += 1
        gameday = Gameday(self.program, self.shop, f"{FOLDER}/drill-{self.number}")
        self.on = self.cases[job.get("count") or job["fault"]].place
        if self.on in SERVERS:
            if self.on not in self.servers:
                self.servers[self.on] = SERVERS[self.on]()
            self.shop.environment.update(self.servers[self.on].environment)
        try:
            answer = self.count(gameday, job) if "count" in job else self.point(gameday, job)
            shutil.rmtree(gameday.folder)
            return answer
        except BaseException:
            self.start_afresh()
            raise

    def start_afresh(self):
        """What went wrong once must not be found again at every later point."""
        for process in self.others():
            with contextlib.suppress(ProcessLookupError):
                os.kill(process.pid, 9)
        for folder in (self.shop.run, self.spool, "/run/lock/gameday"):
            shutil.rmtree(folder, ignore_errors=True)
        for server in self.servers.values():
            server.make()
        self.bring_up()

    def end(self):
        for server in self.servers.values():
            server.remove()

    def others(self):
        """The processes of this world, without those of servers that drills do not end."""
        return [p for p in processes()
                if not any(server.has(p) for server in self.servers.values())]

    def start(self, gameday, fault, environment):
        more = EDGE
        for name, server in self.servers.items():
            # Several have targets of the same names.
            if name == self.on:
                more += server.targets()
            server.fill(fault)
        playbook = self.shop.write(f"{fault}.yaml", short_playbook(*self.cases[fault].steps)
                                   .replace("  links:\n", more + "  links:\n" + SPARE_LINK))
        return gameday.start(playbook, "--quiet", environment=environment)

    def ended_within(self, way, name):
        more = RESTORE_ENDED_WITHIN if self.cases[name].deed.kind == "restore" else 0
        return ENDED_WITHIN[way] + more

    def count(self, gameday, job):
        log = gameday.folder + "/points"
        for _ in range(3):
            # On a busy machine the load misses its plan, which is no fault of the drill's.
            shutil.rmtree(gameday.folder)
            os.makedirs(gameday.folder, mode=0o700)
            started = self.start(gameday, job["count"], {"GAMEDAY_CRASH_LOG": log})
            ended = gameday.finish(started, self.ended_within("count", job["count"]))
            if ended.returncode != 6:
                break
        check(ended.returncode == 0, f"exit code {ended.returncode}: {ended.stdout}{ended.stderr}")
        self.check_healed(gameday)
        hit = max(len(one["targets"]) for one in [*gameday.result()["faults"], {"targets": []}])
        wanted = self.cases[job["count"]].hits
        check(hit >= wanted, f"{hit} targets are hit, not {wanted}: {gameday.result()['faults']}")
        with open(log, encoding="utf-8") as file:
            seen = file.read().split()
        points = [p for p in seen if p.startswith("journal:") or p.endswith(":after")]
        what, own = self.explain(gameday, points)
        middle = max(own, key=lambda number: what[f"journal:{number}:before"].startswith("injected"))
        first = points.index(f"journal:{own[0]}:before")
        last = points.index(f"journal:{own[-1]}:after")
        return {"points": points, "what": what, "middle": f"journal:{middle}:before",
                "life": points[first:last + 1], "next_commit": next_commits(points)}

    def explain(self, gameday, points):
        """What each journal commit says, and the numbers of those that tell of the fault."""
        what = {"1": "entered"}
        own = []
        with contextlib.closing(sqlite3.connect(gameday.store)) as store:
            lines = [row[0] for row in store.execute("SELECT line FROM events ORDER BY number")]
        for line in lines:
            event = json.loads(line)
            if event["type"] in BATCHED:
                continue
            number = str(len(what) + 1)
            data = event["data"]
            what[number] = f"{event['type']} {data.get('kind') or data.get('id') or ''}".strip()
            if "deed" in data and data.get("kind") != "load":
                own.append(number)
        what[str(len(what) + 1)] = "verdict"
        commits = sum(1 for p in points if p.startswith("journal:") and p.endswith(":after"))
        check(commits == len(what), f"{commits} commits seen, {len(what)} explained: {what}")
        check(own != [], f"no commit tells of the fault: {what}")
        return {p: what[p.split(":")[1]] for p in points if p.startswith("journal:")}, own

    def point(self, gameday, job):
        way = job["way"]
        started = self.start(gameday, job["fault"],
                             {"GAMEDAY_CRASH_AT": job["at"], "GAMEDAY_CRASH_WAY": DIES[way],
                              "GAMEDAY_CRASH_AT_LAST": job.get("at_last", "")})
        try:
            started.wait(self.ended_within(DIES[way], job["fault"]))
        except subprocess.TimeoutExpired:
            check(False, f"the runner does not end: {gameday.told()}")
        died = time.monotonic()
        if started.returncode >= 0:
            check(started.returncode == 0,
                  f"exit code {started.returncode}: {gameday.told()}")
            return {"hit": False}
        if DIES[way] == "both":
            # It has been sent SIGKILL, and ends when it gets to run.
            check(eventually(lambda: not named("guardian"), 1), "the guardian is still there")
        AFTERWARDS[way](gameday)
        if way == "reverted":
            died = time.monotonic()  # that many deaths take their time
        # `revert` may wait for what was under way; the guardian has this long.
        within = SERVER_HEALED_WITHIN if self.servers else HEALED_WITHIN
        check(eventually(lambda: not gameday.open(), within, every=0.1),
              f"not undone within {within} s: {gameday.open()} {gameday.told()}")
        healed = time.monotonic() - died
        check(eventually(lambda: not named("guardian")), "the guardian does not end")
        self.check_healed(gameday)
        before = self.state()
        reverted = gameday.revert()
        check(reverted.returncode == 0, f"revert again: {reverted.stdout}{reverted.stderr}")
        after = self.state()
        check(before == after, f"reverting again changed {before} to {after}")
        return {"hit": True, "healed_s": healed}

    def state(self):
        queue = self.shop.queue()
        return {"processes": sorted((p.name, p.pid) for p in self.others()),
                "orders": self.shop.ask("SELECT key, item, sum FROM orders ORDER BY id"),
                "queue": [queue.get("messages"), queue.get("retained"), queue.get("incarnation")],
                "toxics": toxics(),
                "servers": {name: server.state() for name, server in self.servers.items()}}

    def check_healed(self, gameday):
        """Nothing that was injected stays, and nothing else was touched."""
        wanted = sorted([*PROGRAMS, *["proxy"] * len(LINKS), "edge"])
        check(eventually(lambda: sorted(p.name for p in self.others()) == wanted),
              f"processes: {sorted((p.name, p.pid) for p in self.others())} {gameday.told()}")
        for name in PROGRAMS:
            pids = [process.pid for process in named(name)]
            check(pids == [self.shop.pid(name)], f"{name} is {pids}, not {self.shop.pid(name)}")
        check(not [p for p in self.others() if p.state in "Tt"],
              f"stopped: {[(p.name, p.pid) for p in self.others() if p.state in 'Tt']}")
        check(len({self.clocks(name) for name in PROGRAMS}) == 1, "clocks that were set stay so")
        check(os.listdir(self.spool) == [], f"fillers stay: {os.listdir(self.spool)}")
        check(not os.path.exists(self.shop.folder + "/maintenance"), "what a command made stays")
        check(self.edge_files() == self.edge, f"edge's files: {self.edge_files()}")
        check(self.edge_serves(), "edge does not show its certificate, or refuses its credential")
        for server in self.servers.values():
            server.check_healed()
        check(toxics() == NO_TOXICS, f"toxics stay: {toxics()}")
        with open(self.shop.folder + "/hosts", encoding="utf-8") as file:
            check(file.read() == HOSTS, "the hosts file is not as it was")
        names = [name for name in os.listdir(self.shop.folder) if ".gameday-" in name]
        check(not names, f"half-written files stay: {names}")
        for tables in ("iptables", "ip6tables"):
            rules = subprocess.run([tables, "-S"], capture_output=True, text=True, check=True).stdout
            check("GD" not in rules and "gameday" not in rules, f"rules stay: {rules}")
        queues = subprocess.run(["tc", "qdisc", "show"], capture_output=True, text=True, check=True)
        check("tbf" not in queues.stdout, f"queues stay: {queues.stdout}")
        check(eventually(lambda: http("GET", FRONT + "/healthz")[0] == 200), "the shop is not up")
        check(self.shop.ask("PRAGMA integrity_check") == [("ok",)], "the store is damaged")
        check(self.shop.count("key LIKE 'resident-%'") == RESIDENTS,
              f"orders of others: {self.shop.count('1')} {gameday.told()}")
        check(eventually(lambda: self.shop.count("key NOT LIKE 'resident-%'") == 0),
              f"orders of the drill stay: {self.shop.count('1')} {gameday.told()}")
        check(eventually(lambda: self.shop.queue().get("messages") == 0),
              f"the queue: {self.shop.queue()} {gameday.told()}")
        check(self.shop.queue().get("retained") == RESIDENTS,
              f"the queue's retained orders: {self.shop.queue()} {gameday.told()}")
        # Which part of a repository is the next to be read, each drill tells the next one.
        kept = [path for path in gameday.private_files() if "/restic-parts/" not in path]
        check(not kept, f"private files stay: {kept} {gameday.told()}")
