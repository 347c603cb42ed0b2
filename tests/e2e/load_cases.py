"""`gameday load` against what hurts a load engine: a server that accepts and never answers."""

import json
import os
import resource
import signal
import socket
import subprocess
import sys
import time

from case_support import case, check, program

ADDRESS = ("127.0.0.1", 8090)
MANY = 10_000
SERVER = f"""
import socket
listener = socket.socket()
listener.bind({ADDRESS})
listener.listen(4096)
print("listens", flush=True)
kept = []
while True:
    kept.append(listener.accept()[0])
"""
PAGE, TICK = os.sysconf("SC_PAGE_SIZE"), os.sysconf("SC_CLK_TCK")


class Silent:
    """A server that keeps every connection and says nothing."""

    def __init__(self):
        _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
        check(most > MANY + 100, f"only {most} descriptors may be open here")
        self.process = subprocess.Popen(
            [sys.executable, "-c", SERVER], stdout=subprocess.PIPE, text=True,
            preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (most, most)))
        check(self.process.stdout.readline() == "listens\n", "the server does not listen")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.kill()
        self.process.wait()


def joined():
    """How many connections there are to the server, as the kernel counts them."""
    with open("/proc/net/tcp", encoding="ascii") as file:
        end = f"{ADDRESS[1]:04X}"
        return sum(1 for line in file if line.split()[2].endswith(":" + end) and line.split()[3] == "01")


def start(bin_folder, *options):
    """As most shells start it: with 1,024 descriptors until it asks for more."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    return subprocess.Popen(
        [program(bin_folder), "load", "http://%s:%d/" % ADDRESS, "--connections", str(MANY), "--json",
         "--quiet", *options], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (1024, most)))


def used(pid):
    """(bytes of memory, seconds of a processor)"""
    with open(f"/proc/{pid}/statm", encoding="ascii") as file:
        pages = int(file.read().split()[1])
    with open(f"/proc/{pid}/stat", encoding="ascii") as file:
        fields = file.read().rpartition(")")[2].split()
    return pages * PAGE, (int(fields[11]) + int(fields[12])) / TICK


def wait_for(count, within):
    end = time.monotonic() + within
    while joined() < count:
        check(time.monotonic() < end, f"only {joined()} connections after {within} s")
        time.sleep(0.1)


@case
def ten_thousand_connections_without_an_answer(bin_folder):
    with Silent():
        live = start(bin_folder, "--rate", "2500", "--duration", "4s", "--timeout", "8s")
        wait_for(MANY, 10)
        first, began = used(live.pid), time.monotonic()
        time.sleep(3)
        last, took = used(live.pid), time.monotonic() - began
        told, errors = live.communicate(timeout=30)
    print(f"{first[0] >> 10} KiB, then {last[0] >> 10} KiB; {(last[1] - first[1]) / took:.2f} of a processor")
    check(last[0] - first[0] < 1 << 20, f"{first[0]} bytes became {last[0]}")
    check(last[0] < 64 << 20, f"{last[0]} bytes for {MANY} connections")
    check(last[1] - first[1] < 0.1 * took, f"{last[1] - first[1]} s of a processor in {took} s")
    check(live.returncode == 1, f"{live.returncode}: {errors}")
    measured = json.loads(told)["measured"]
    check(measured["sent"] == MANY and measured["errors"]["timeout"] == MANY, measured)


@case
def an_interrupt_among_ten_thousand_connections(bin_folder):
    with Silent():
        live = start(bin_folder, "--rate", "2500", "--duration", "60s", "--timeout", "60s")
        wait_for(MANY, 10)
        asked = time.monotonic()
        live.send_signal(signal.SIGINT)
        told, errors = live.communicate(timeout=30)
        took = time.monotonic() - asked
    print(f"ended after {took:.2f} s")
    check(took < 1, f"ended after {took} s")
    check(live.returncode == 4, f"{live.returncode}: {errors}")
    measured = json.loads(told)["measured"]
    check(measured["sent"] >= MANY, measured)


@case
def connections_beyond_what_may_be_open_are_told(bin_folder):
    """Where not even the hard limit suffices."""
    with socket.socket() as listener:
        listener.bind(ADDRESS)
        listener.listen(64)
        done = subprocess.run(
            [program(bin_folder), "load", "http://%s:%d/" % ADDRESS, "--connections", "500",
             "--rate", "100", "--duration", "1s"], capture_output=True, text=True, timeout=30,
            preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (100, 100)))
    check(done.returncode == 3, f"{done.returncode}: {done.stdout}{done.stderr}")
    check("500 connections are more than the 50" in done.stderr, done.stderr)
