#!/usr/bin/env python3
"""The load engine beside other tools, turn by turn: nginx with one worker on one core answers 13
bytes, and each client in its turn asks over keep-alive connections as fast as it goes, on another.

Prints requests per second of the client's processor time: by getrusage, and by what the client left
of its core to a process that runs only when nothing else would (which counts what the kernel did for
the client in nobody's name too). A run in which somebody else had more than a twentieth of either
core is disturbed, and counts for nothing; a client without three good runs gets no ratio.
"""
import argparse
import collections
import contextlib
import os
import pathlib
import platform
import re
import resource
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
SERVER_CORE, CLIENT_CORE = 0, 1
CONNECTIONS = 64
MOST_FOREIGN = 0.05  # of a core
LEAST_RUNS = 3
TICK = os.sysconf("SC_CLK_TCK")
SIEGE_SETTINGS = "connection = keep-alive\nlimit = 1000\nparser = false\nlogging = false\nshow-logfile = false\n"
NGINX = """worker_processes 1; daemon off; master_process off; error_log stderr crit; pid {folder}/pid;
events {{ worker_connections 16000; }}
http {{
  access_log off; keepalive_requests 1000000000; keepalive_timeout 300s;
  client_body_temp_path {folder}/1; proxy_temp_path {folder}/2; fastcgi_temp_path {folder}/3;
  uwsgi_temp_path {folder}/4; scgi_temp_path {folder}/5;
  server {{ listen 127.0.0.1:{port} backlog=4096; location / {{ return 200 "Hello, World!"; }} }}
}}
"""

Run = collections.namedtuple("Run", "by_rusage by_spinner foreign")


def clients(own, port, length, folder):
    """Name -> (argument list, what finds how many were answered in its output)."""
    at, url = f"127.0.0.1:{port}", f"http://127.0.0.1:{port}/"
    count, seconds = str(CONNECTIONS), str(length)
    (folder / "siegerc").write_text(SIEGE_SETTINGS)
    all_of = {
        name: ([own, way, at, count, seconds], r"answers (\d+) wrong 0 ")
        for name, way in [("gameday io_uring", "uring"), ("gameday epoll", "epoll"),
                          ("its floor: no parsing", "floor")]}
    all_of["wrk"] = (["wrk", "-t1", "-c", count, f"-d{seconds}s", url], r"(\d+) requests in")
    all_of["h2load --h1"] = (["h2load", "--h1", "-t1", "-c", count, "-D", seconds, url],
                             r"requests: .* (\d+) succeeded")
    all_of["ab -k"] = (["ab", "-k", "-q", "-c", count, "-t", seconds, "-n", "100000000", url],
                       r"Complete requests:\s+(\d+)")
    all_of["hey"] = (["hey", "-cpus", "1", "-c", count, "-z", f"{seconds}s", url],
                     r"\[200\]\s+(\d+) responses")
    all_of["siege"] = (["siege", "-b", "-R", str(folder / "siegerc"), "-c", count,
                        f"-t{seconds}S", url], r"Successful transactions:\s+(\d+)")
    return all_of


def versions():
    def first(command, pattern):
        with contextlib.suppress(OSError):
            said = subprocess.run(command, capture_output=True, text=True, check=False)
            if found := re.search(pattern, said.stdout + said.stderr):
                return found.group(0)
        return f"{command[0]}: not known"
    return [first(["nginx", "-v"], r"nginx/[\d.]+"), first(["wrk", "-v"], r"wrk \S+"),
            first(["h2load", "--version"], r"h2load \S+"),
            first(["ab", "-V"], r"ApacheBench, Version [\d.]+"),
            "hey " + first(["dpkg-query", "-W", "-f", "${Version}", "hey"], r"\S+"),
            first(["siege", "-V"], r"SIEGE [\d.]+")]


def machine():
    model = re.search(r"model name\s*: (.*)", pathlib.Path("/proc/cpuinfo").read_text())
    return (f"{os.cpu_count()} x {model.group(1) if model else platform.machine()}, "
            f"Linux {platform.release()}")


def pinned(core, policy=None):
    def prepare():
        os.sched_setaffinity(0, {core})
        if policy is not None:
            os.sched_setscheduler(0, policy, os.sched_param(0))
    return prepare


class Ended(contextlib.AbstractContextManager):
    """A process that ends with the block."""

    def __init__(self, command, **more):
        self.process = subprocess.Popen(command, **more)

    def __exit__(self, *_):
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()

    def cpu_s(self):  # to the nanosecond
        return int(pathlib.Path(f"/proc/{self.process.pid}/schedstat").read_text().split()[0]) / 1e9


def busy_s(core):
    """What programs had of that core, and what others than this machine had of it."""
    line = re.search(rf"^cpu{core} (.*)$", pathlib.Path("/proc/stat").read_text(), re.M)
    user, nice, system, _, _, irq, softirq, steal = map(int, line.group(1).split()[:8])
    # Interrupts are counted apart here and to whom they interrupted in what a process had.
    return (user + nice + system + irq + softirq) / TICK, steal / TICK


def one_run(command, pattern, server, spinner):
    """What a client did of its turn, or why it did nothing."""
    before = [busy_s(SERVER_CORE), busy_s(CLIENT_CORE)]
    served, spun, begun = server.cpu_s(), spinner.cpu_s(), time.monotonic()
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                               preexec_fn=pinned(CLIENT_CORE))
    said = process.stdout.read()
    _, status, used = os.wait4(process.pid, 0)
    process.returncode = status
    length = time.monotonic() - begun
    spun, served = spinner.cpu_s() - spun, server.cpu_s() - served
    after = [busy_s(SERVER_CORE), busy_s(CLIENT_CORE)]
    found = re.findall(pattern, said)
    if status != 0 or not found or int(found[-1]) == 0:
        return f"{command[0]}: {said.strip()[-300:]}"
    ours = [served, used.ru_utime + used.ru_stime + spun]
    foreign = max((b[0] - a[0] - mine + b[1] - a[1]) / length
                  for a, b, mine in zip(before, after, ours))
    answers = int(found[-1])
    return Run(answers / (used.ru_utime + used.ru_stime), answers / max(length - spun, 1e-9),
               foreign)


def wait_for_calm(server, spinner, patience):
    """Until others leave both cores alone for half a second, or for so long."""
    end = time.monotonic() + patience
    while time.monotonic() < end:
        before = [busy_s(SERVER_CORE)[0], busy_s(CLIENT_CORE)[0]]
        ours, begun = [server.cpu_s(), spinner.cpu_s()], time.monotonic()
        time.sleep(0.5)
        length = time.monotonic() - begun
        after = [busy_s(SERVER_CORE)[0], busy_s(CLIENT_CORE)[0]]
        ours = [server.cpu_s() - ours[0], spinner.cpu_s() - ours[1]]
        if all(a - b - mine <= MOST_FOREIGN * length for a, b, mine in zip(after, before, ours)):
            return


def row(name, runs, base):
    good = [r for r in runs if r.foreign <= MOST_FOREIGN]
    left_out = len(runs) - len(good)
    if len(good) < LEAST_RUNS:
        return f"| {name} | disturbed: {len(good)} good runs of {len(runs)} | | | | |"
    by_rusage = statistics.median(r.by_rusage for r in good)
    by_spinner = statistics.median(r.by_spinner for r in good)
    spread = (max(r.by_rusage for r in good) - min(r.by_rusage for r in good)) / by_rusage
    ratios = ["", ""]
    if base is not None:
        ratios = [f"{by_rusage / base[0]:.2f}", f"{by_spinner / base[1]:.2f}"]
    return (f"| {name} | {by_rusage / 1e3:.1f}k | {ratios[0]} | {by_spinner / 1e3:.1f}k | {ratios[1]} "
            f"| {spread:.0%} of {len(good)}, {left_out} left out |")


def base_of(runs):
    good = [r for r in runs if r.foreign <= MOST_FOREIGN]
    if len(good) < LEAST_RUNS:
        return None
    return (statistics.median(r.by_rusage for r in good),
            statistics.median(r.by_spinner for r in good))


def measured(all_of, rounds, patience, server, spinner):
    runs = {name: [] for name in all_of}
    names = list(all_of)
    for turn in range(rounds):
        for name in names[turn % len(names):] + names[:turn % len(names)]:
            wait_for_calm(server, spinner, patience)
            run = one_run(*all_of[name], server, spinner)
            if isinstance(run, str):
                print(run, file=sys.stderr)
                continue
            runs[name].append(run)
            print(f"round {turn + 1}: {name}: {run.by_rusage:.0f} a CPU-second, {run.by_spinner:.0f} "
                  f"by the spinner; others had {run.foreign:.1%}", file=sys.stderr, flush=True)
    return runs


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("own", help="the load_client of this build")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=int, default=3, help="of each run")
    parser.add_argument("--patience", type=float, default=10,
                        help="seconds to wait for a calm machine before each run")
    parser.add_argument("--port", type=int, default=18080)
    parser.add_argument("--only", action="append", help="clients whose name contains this")
    given = parser.parse_args()
    if len(os.sched_getaffinity(0)) < 2:
        sys.exit("load_peers: two cores are needed, one for the server and one for the clients")
    resource.setrlimit(resource.RLIMIT_NOFILE, (resource.getrlimit(resource.RLIMIT_NOFILE)[1],) * 2)
    with contextlib.ExitStack() as stack:
        folder = pathlib.Path(stack.enter_context(tempfile.TemporaryDirectory()))
        all_of = {name: how for name, how in
                  clients(given.own, given.port, given.seconds, folder).items()
                  if shutil.which(how[0][0]) and
                  (not given.only or any(o in name for o in given.only))}
        (folder / "nginx.conf").write_text(NGINX.format(folder=folder, port=given.port))
        server = stack.enter_context(Ended(["nginx", "-c", str(folder / "nginx.conf")],
                                           preexec_fn=pinned(SERVER_CORE)))
        spinner = stack.enter_context(Ended([sys.executable, "-c", "while True: pass"],
                                            preexec_fn=pinned(CLIENT_CORE, os.SCHED_IDLE)))
        time.sleep(1)
        runs = measured(all_of, given.rounds, given.patience, server, spinner)
    base = base_of(runs.get("wrk", []))
    print(f"{machine()}; {', '.join(versions())}; {CONNECTIONS} connections, "
          f"{given.rounds} rounds of {given.seconds} s each\n")
    print("| client | requests per CPU-second | x wrk | by the spinner | x wrk | spread |")
    print("| --- | --- | --- | --- | --- | --- |")
    for name, of_it in runs.items():
        print(row(name, of_it, base))


if __name__ == "__main__":
    main()
