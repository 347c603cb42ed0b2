"""The crash campaign: a drill dies at each point of its way, in three ways each, and nothing of it
may stay. `--all` takes every point, `--sample` one mid-deed for each fault.

Points: before and after each journal commit, and after each write of every other door. Ways:
killed (the guardian undoes), both (the guardian dies too; `revert` undoes, twice), stopped (the
guardian ends the runner and undoes). Each worker is a world of its own with a shop of its own."""

import argparse
import collections
import json
import os
import subprocess
import sys
import threading
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))
import crash_point  # noqa: E402
import shop_world  # noqa: E402

WAYS = ("killed", "both", "stopped")
TRIES = 3  # a point that a run does not come to is tried again: load and probes are not the same


class Worker:
    """A process in a world of its own that is told one job a line and answers with one line."""

    def __init__(self, options):
        self.process = subprocess.Popen(
            [sys.executable, os.path.abspath(__file__), "--bin", options.bin, "--worker"],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def do(self, job):
        self.process.stdin.write(json.dumps(job) + "\n")
        self.process.stdin.flush()
        while True:
            line = self.process.stdout.readline()
            if line.startswith("skipped"):
                print(line, end="")
                os._exit(shop_world.SKIPPED)
            if not line:
                raise SystemExit("a worker has died")
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


class Campaign:
    def __init__(self, options):
        self.options = options
        self.jobs = collections.deque()
        self.lock = threading.Lock()
        self.hit = self.slowest = 0
        self.wrong, self.missed = [], []

    def side_by_side(self, each):
        """Every job of `self.jobs` through `each`, on as many workers as were asked for."""
        count = min(self.options.jobs, len(self.jobs))
        threads = [threading.Thread(target=self.through, args=(each,)) for _ in range(count)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    def through(self, each):
        worker = Worker(self.options)
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

        self.jobs.extend(self.options.fault or crash_point.faults(self.options.bin + "/gameday_crash"))
        self.side_by_side(counting)
        for fault, found in points.items():
            if "wrong" in found:
                raise SystemExit(f"crash campaign: the drill of {fault} itself: {found['wrong']}")
        return points

    def plan(self, points):
        for fault, found in points.items():
            chosen = [found["middle"]] if self.options.sample else found["points"]
            if self.options.at:
                chosen = [point for point in chosen if point in self.options.at]
            for point in chosen:
                for way in self.options.way or WAYS:
                    self.jobs.append({"fault": fault, "at": point, "way": way,
                                      "what": found["what"].get(point, "")})
        return len(self.jobs)

    def try_point(self, worker, job):
        for _ in range(TRIES):
            seen = worker.do(job)
            if "wrong" in seen or seen["hit"]:
                break
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
            self.slowest = max(self.slowest, seen["healed_s"])
            if self.options.verbose:
                print(f"ok {name} (healed in {seen['healed_s']:.1f} s)", flush=True)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--bin", required=True, help="the folder of the built programs")
    parser.add_argument("--all", action="store_true", help="every point")
    parser.add_argument("--sample", action="store_true", help="one point mid-deed a fault")
    parser.add_argument("--jobs", type=int, default=5, help="worlds side by side")
    parser.add_argument("--fault", action="append", help="only this fault")
    parser.add_argument("--way", action="append", choices=WAYS)
    parser.add_argument("--at", action="append", help="only this point: journal:17:before")
    parser.add_argument("--verbose", action="store_true")
    parser.add_argument("--worker", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.worker:
        return work(options.bin)
    if not (options.all or options.sample or options.at):
        parser.error("--all, --sample or --at")
    begun = time.monotonic()
    campaign = Campaign(options)
    planned = campaign.plan(campaign.count())
    campaign.side_by_side(campaign.try_point)
    took = time.monotonic() - begun
    print(f"crash campaign: {planned} points planned, {campaign.hit} hit and healed, "
          f"{len(campaign.wrong)} wrong, {len(campaign.missed)} not hit; "
          f"slowest healing {campaign.slowest:.1f} s; {took:.0f} s in all")
    return 0 if campaign.hit == planned and planned > 0 else 1


if __name__ == "__main__":
    sys.exit(main())
