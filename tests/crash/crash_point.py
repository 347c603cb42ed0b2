"""One point of the crash campaign: a drill that dies there, and what must be so afterwards."""

import contextlib
import json
import os
import re
import shutil
import sqlite3
import subprocess
import time

from shop_world import (FOLDER, FRONT, PROGRAMS, Gameday, Shop, check, eventually, http, named,
                        processes, proxy_toxics)
from short_drill import short_playbook


def faults(program):
    """A timeline step for each fault that there is: its row's example, held for 300 ms."""
    listed = subprocess.run([program, "examples"], capture_output=True, text=True, check=True)
    steps = {}
    for line in listed.stdout.splitlines():
        name, _, example = line.partition("\t")
        steps[name] = re.sub(r"\bfor: [0-9a-z]+", "for: 300ms", example.removeprefix("- "))
        check("for: 300ms" in steps[name], f"the example of {name} has no `for`: {example}")
    check(len(steps) > 0, "no fault has an example")
    return steps


RESIDENTS = 20
HEALED_WITHIN = 3.0
BATCHED = ("sample", "window", "woken")  # they share the commit of the next event


class Place:
    """A shop and a proxy that many drills die on, one after another."""

    def __init__(self, bin_folder):
        self.program = bin_folder + "/gameday_crash"
        self.faults = faults(self.program)
        self.shop = Shop(bin_folder, SHOP_RETAIN="3600")
        # What the example of fill-disk fills.
        self.spool = self.shop.folder + "/spool"
        os.mkdir(self.spool)
        subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64m", "tmpfs", self.spool], check=True)
        self.number = 0
        self.bring_up()

    def bring_up(self):
        self.shop.up()
        if proxy_toxics() is None:
            subprocess.Popen([self.program, "proxy", "--name", "west-to-store", "--listen",
                              "127.0.0.1:8201", "--to", "127.0.0.1:8200"],
                             stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
        check(eventually(lambda: proxy_toxics() == []), "the proxy does not stand")
        # Both gateways, so that what a cleanup has to tell is told to all.
        check(eventually(lambda: http("GET", "http://127.0.0.1:8101/healthz")[0] == 200),
              "west is not healthy")
        self.shop.put("resident", RESIDENTS)

    def do(self, job):
        self.number += 1
        gameday = Gameday(self.program, self.shop, f"{FOLDER}/drill-{self.number}")
        try:
            answer = self.count(gameday, job) if "count" in job else self.point(gameday, job)
            shutil.rmtree(gameday.folder)
            return answer
        except BaseException:
            self.start_afresh()
            raise

    def start_afresh(self):
        """What went wrong once must not be found again at every later point."""
        for process in processes():
            with contextlib.suppress(ProcessLookupError):
                os.kill(process.pid, 9)
        for folder in (self.shop.run, self.spool, "/run/lock/gameday"):
            shutil.rmtree(folder, ignore_errors=True)
        self.bring_up()

    def start(self, gameday, fault, environment):
        playbook = self.shop.write(f"{fault}.yaml", short_playbook(self.faults[fault]))
        return gameday.start(playbook, "--quiet", environment=environment)

    def count(self, gameday, job):
        log = gameday.folder + "/points"
        for _ in range(3):
            # On a busy machine the load misses its plan, which is no fault of the drill's.
            shutil.rmtree(gameday.folder)
            os.makedirs(gameday.folder, mode=0o700)
            started = self.start(gameday, job["count"], {"GAMEDAY_CRASH_LOG": log})
            ended = gameday.finish(started, 60)
            if ended.returncode != 6:
                break
        check(ended.returncode == 0, f"exit code {ended.returncode}: {ended.stdout}{ended.stderr}")
        self.check_healed(gameday)
        with open(log, encoding="utf-8") as file:
            seen = file.read().split()
        points = [p for p in seen if p.startswith("journal:") or p.endswith(":after")]
        what, middle = self.explain(gameday, points)
        return {"points": points, "what": what, "middle": middle}

    def explain(self, gameday, points):
        """What each journal commit says, and the last that tells of an injection."""
        what = {"1": "entered"}
        middle = ""
        with contextlib.closing(sqlite3.connect(gameday.store)) as store:
            lines = [row[0] for row in store.execute("SELECT line FROM events ORDER BY number")]
        for line in lines:
            event = json.loads(line)
            if event["type"] in BATCHED:
                continue
            number = str(len(what) + 1)
            data = event["data"]
            what[number] = f"{event['type']} {data.get('kind') or data.get('id') or ''}".strip()
            if event["type"] == "injected" and data.get("kind") != "load":
                middle = f"journal:{number}:before"
        what[str(len(what) + 1)] = "verdict"
        commits = sum(1 for p in points if p.startswith("journal:") and p.endswith(":after"))
        check(commits == len(what), f"{commits} commits seen, {len(what)} explained: {what}")
        return {p: what[p.split(":")[1]] for p in points if p.startswith("journal:")}, middle

    def point(self, gameday, job):
        way = job["way"]
        started = self.start(gameday, job["fault"],
                             {"GAMEDAY_CRASH_AT": job["at"], "GAMEDAY_CRASH_WAY": way})
        try:
            started.wait(60 if way != "stopped" else 30)
        except subprocess.TimeoutExpired:
            check(False, f"the runner does not end: {gameday.told()}")
        died = time.monotonic()
        if started.returncode >= 0:
            check(started.returncode == 0,
                  f"exit code {started.returncode}: {gameday.told()}")
            return {"hit": False}
        if way == "both":
            # It has been sent SIGKILL, and ends when it gets to run.
            check(eventually(lambda: not named("guardian"), 1), "the guardian is still there")
            for _ in range(2):
                reverted = gameday.revert()
                check(reverted.returncode == 0, f"revert: {reverted.stdout}{reverted.stderr}")
        # `revert` may wait for what was under way; the guardian has its 3 s.
        check(eventually(lambda: not gameday.open(), HEALED_WITHIN),
              f"not undone within {HEALED_WITHIN} s: {gameday.open()} {gameday.told()}")
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
        return {"processes": sorted((p.name, p.pid) for p in processes()),
                "orders": self.shop.ask("SELECT key, item, sum FROM orders ORDER BY id"),
                "queue": [queue.get("messages"), queue.get("retained"), queue.get("incarnation")],
                "toxics": proxy_toxics()}

    def check_healed(self, gameday):
        """Nothing that was injected stays, and nothing else was touched."""
        wanted = sorted([*PROGRAMS, "proxy"])
        check(eventually(lambda: sorted(p.name for p in processes()) == wanted),
              f"processes: {sorted((p.name, p.pid) for p in processes())} {gameday.told()}")
        for name in PROGRAMS:
            pids = [process.pid for process in named(name)]
            check(pids == [self.shop.pid(name)], f"{name} is {pids}, not {self.shop.pid(name)}")
        check(not [p for p in processes() if p.state in "Tt"],
              f"stopped: {[(p.name, p.pid) for p in processes() if p.state in 'Tt']}")
        check(os.listdir(self.spool) == [], f"fillers stay: {os.listdir(self.spool)}")
        check(not os.path.exists(self.shop.folder + "/maintenance"), "what a command made stays")
        check(proxy_toxics() == [], f"toxics stay: {proxy_toxics()}")
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
        kept = gameday.private_files()
        check(not kept, f"private files stay: {kept} {gameday.told()}")
