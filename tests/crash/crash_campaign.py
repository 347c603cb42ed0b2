"""The crash campaign: a drill dies at each point of its way, in five ways each, and nothing of it
may stay. `--all` takes every point; `--long` every point of one fault of each kind on the shop, and
of the others those of the deed's own life, since the rest of the way is the same, each in one of the
ways, by turns: five days in a row go through all of them; `--sample` one mid-deed for each fault by
its example, in three ways. What there is to try says crash_cases.

Points: before and after each journal commit, and after each write of every other door. Ways:
killed (the guardian undoes), both (the guardian dies too; `revert` undoes, twice), stopped (the
guardian ends the runner and undoes), raced (as killed, with two `revert` at once beside the
guardian), reverted (as both, and `revert` dies at each point of its own way until one lives). Each
worker is a world of its own with a shop of its own."""

import argparse
import collections
import json
import os
import subprocess
import sys
import threading
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))
import crash_box  # noqa: E402
import crash_cases  # noqa: E402
import crash_point  # noqa: E402
import shop_world  # noqa: E402

WAYS = ("killed", "both", "stopped", "raced", "reverted")
SAMPLED_WAYS = WAYS[:3]
WHOLE = ("kill", "block", "drop-queue", "lose-data")  # of `--long`
NETEM = "delay-container"
TRIES = 3  # a point that a run does not come to is tried again: load and probes are not the same
# And then, the commit behind it is as good: what looks until it holds had to look once less.


def leave(code):
    """SystemExit would end this thread alone, without a word."""
    crash_box.Engine.end()
    os._exit(code)


class Worker:
    """A process in a world of its own that is told one job a line and answers with one line."""

    def __init__(self, options, number):
        self.process = subprocess.Popen(
            [sys.executable, os.path.abspath(__file__), "--bin", options.bin, "--worker"],
            env=dict(os.environ, GAMEDAY_WORKER=f"{os.getpid()}-{number}"),
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def do(self, job):
        self.process.stdin.write(json.dumps(job) + "\n")
        self.process.stdin.flush()
        while True:
            line = self.process.stdout.readline()
            if line.startswith("skipped"):
                print(line, end="", flush=True)
                leave(shop_world.SKIPPED)
            if not line:
                print(f"a worker has died at {job}, exit code {self.process.wait()}", flush=True)
                leave(1)
            if line.startswith("{"):
                return json.loads(line)

    def end(self):
        self.process.stdin.close()
        self.process.wait()


def work(bin_folder):
    """A worker's own side, until its input ends."""
    shop_world.enter()
    place = crash_point.Place(bin_folder)
    for line in sys.stdin:
        job = json.loads(line)
        try:
            answer = place.do(job)
        except shop_world.Wrong as wrong:
            answer = {"wrong": str(wrong)}
        print(json.dumps(answer), flush=True)
    place.end()


class Campaign:
    def __init__(self, options):
        self.options = options
        self.jobs = collections.deque()
        self.lock = threading.Lock()
        self.hit = self.slowest = self.instead = 0
        self.wrong, self.missed = [], []

    def side_by_side(self, each):
        """Every job of `self.jobs` through `each`, on as many workers as were asked for."""
        count = min(self.options.jobs, len(self.jobs))
        threads = [threading.Thread(target=self.through, args=(each, number))
                   for number in range(count)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    def through(self, each, number):
        worker = Worker(self.options, number)
        while True:
            with self.lock:
                if not self.jobs:
                    break
                job = self.jobs.popleft()
            each(worker, job)
        worker.end()

    def count(self):
        """Lists the points of each fault's drill, by one run that nothing happens to."""
        points = {}

        def counting(worker, fault):
            points[fault] = worker.do({"count": fault})

        self.jobs.extend(self.options.fault or self.of_the_facets())
        self.side_by_side(counting)
        for fault, found in points.items():
            if "wrong" in found:
                raise SystemExit(f"crash campaign: the drill of {fault} itself: {found['wrong']}")
        return points

    def of_the_facets(self):
        tried = crash_cases.cases(self.options.bin + "/gameday_crash").values()
        wanted = self.options.facet or ["shop"]
        found = [case.name for case in tried
                 if case.stage in wanted and (case.sampled or not self.options.sample)]
        if NETEM in found and not crash_box.has_netem():
            print(f"crash campaign: {NETEM} is not tried: this kernel has no netem")
            found.remove(NETEM)
        return found

    def plan(self, points):
        for fault, found in points.items():
            chosen = found["points"]
            if self.options.long and fault not in WHOLE:
                chosen = found["life"]
            if self.options.sample:
                chosen = [found["middle"]]
            if self.options.at:
                chosen = [point for point in chosen if point in self.options.at]
            for number, point in enumerate(chosen):
                ways = self.options.way or (SAMPLED_WAYS if self.options.sample else WAYS)
                if self.options.long and fault not in WHOLE and not self.options.way:
                    ways = [WAYS[(number + self.options.turn) % len(WAYS)]]
                for way in ways:
                    self.jobs.append({"fault": fault, "at": point, "way": way,
                                      "what": found["what"].get(point, ""),
                                      "next": found["next_commit"].get(point)})
        turn = f", turn {self.options.turn}" if self.options.long else ""
        print(f"crash campaign: {len(self.jobs)} points of {len(points)} deeds{turn}", flush=True)
        return len(self.jobs)

    def try_point(self, worker, job):
        for _ in range(TRIES):
            seen = worker.do(job)
            if "wrong" in seen or seen["hit"]:
                break
        instead = not ("wrong" in seen or seen["hit"]) and job["next"]
        if instead:
            job["what"] = f"(or {job['next']})"
            seen = worker.do(dict(job, at_last=job["next"]))
        name = f"{job['fault']} {job['at']} {job['way']} {job['what']}".rstrip()
        with self.lock:
            if "wrong" in seen:
                self.wrong.append(name)
                print(f"WRONG {name}: {seen['wrong']}", flush=True)
                return
            if not seen["hit"]:
                self.missed.append(name)
                print(f"not hit: {name}", flush=True)
                return
            self.hit += 1
            self.instead += bool(instead)
            self.slowest = max(self.slowest, seen["healed_s"])
            if self.options.verbose:
                print(f"ok {name} (healed in {seen['healed_s']:.1f} s)", flush=True)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--bin", required=True, help="the folder of the built programs")
    parser.add_argument("--all", action="store_true", help="every point")
    parser.add_argument("--long", action="store_true", help="every point that differs")
    parser.add_argument("--sample", action="store_true", help="one point mid-deed a fault")
    parser.add_argument("--turn", type=int, default=int(time.time() // 86400) % len(WAYS),
                        help="of --long: 0 to 4, which way each point is taken; else the day's")
    parser.add_argument("--jobs", type=int, default=5, help="worlds side by side")
    parser.add_argument("--fault", action="append", help="only this one of --list")
    parser.add_argument("--facet", action="append",
                        help="only what is done to this, one of --facets; else to the shop")
    parser.add_argument("--facets", action="store_true", help="tells them, and ends")
    parser.add_argument("--list", action="store_true", help="tells all that it can try, and ends")
    parser.add_argument("--way", action="append", choices=WAYS)
    parser.add_argument("--at", action="append", help="only this point: journal:17:before")
    parser.add_argument("--verbose", action="store_true")
    parser.add_argument("--worker", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.worker:
        return work(options.bin)
    tried = crash_cases.cases(options.bin + "/gameday_crash")
    if options.facets or options.list:
        print("\n".join(sorted(tried) if options.list else
                        sorted({case.stage for case in tried.values()} - {"shop"})))
        return 0
    if not (options.all or options.long or options.sample or options.at):
        parser.error("--all, --long, --sample or --at")
    begun = time.monotonic()
    campaign = Campaign(options)
    unknown = set(options.fault or []) - set(tried)
    if unknown:
        parser.error(f"it does not try {', '.join(sorted(unknown))}: see --list")
    if "container" in (options.facet or [tried[name].stage for name in options.fault or []]):
        crash_box.Engine.start()
    try:
        return run(campaign, begun)
    finally:
        crash_box.Engine.end()


def run(campaign, begun):
    planned = campaign.plan(campaign.count())
    campaign.side_by_side(campaign.try_point)
    took = time.monotonic() - begun
    print(f"crash campaign: {planned} points planned, {campaign.hit} hit and healed, of which "
          f"{campaign.instead} at the commit behind; {len(campaign.wrong)} wrong, "
          f"{len(campaign.missed)} not hit; "
          f"slowest healing {campaign.slowest:.1f} s; {took:.0f} s in all")
    return 0 if campaign.hit == planned and planned > 0 else 1


if __name__ == "__main__":
    sys.exit(main())
