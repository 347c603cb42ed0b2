"""The machine behind ssh that drills of the crash campaign die on, in a world of shop_world's: a real
sshd in a network namespace of its own, with keys of its own, a process that a command starts again,
and a filesystem. Its files are the world's, and so is its /run."""

import contextlib
import os
import re
import shutil
import signal
import subprocess
import sys

from shop_world import SKIPPED, check, eventually, processes

ADDRESS = "10.78.0.2"
SPOOL = "/srv/spool"  # as the examples name it


class Ssh:
    environment = {}

    def __init__(self, folder):
        self.folder = folder
        self.server = None
        os.makedirs(folder, mode=0o700)
        os.makedirs("/run/sshd", exist_ok=True)
        for words in (["ip", "netns", "add", "edge"],
                      ["ip", "link", "add", "to-edge", "type", "veth", "peer", "name", "to-shop",
                       "netns", "edge"],
                      ["ip", "addr", "add", "10.78.0.1/24", "dev", "to-edge"],
                      ["ip", "link", "set", "to-edge", "up"],
                      ["ip", "-n", "edge", "addr", "add", ADDRESS + "/24", "dev", "to-shop"],
                      ["ip", "-n", "edge", "link", "set", "to-shop", "up"],
                      ["ip", "-n", "edge", "link", "set", "lo", "up"],
                      ["mount", "-t", "tmpfs", "tmpfs", "/srv"],
                      ["mkdir", SPOOL],
                      ["mount", "-t", "tmpfs", "-o", "size=16m", "tmpfs", SPOOL]):
            done = subprocess.run(words, capture_output=True, text=True)
            check(done.returncode == 0, f"{' '.join(words)}: {done.stderr}")
        for key in ("host", "user"):
            subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", f"{folder}/{key}"],
                           check=True)
        # What bash runs at a login of this account, unless it believes that another shell has done
        # so, is of this machine, and takes its time.
        self.write("sshd", f"SetEnv SHLVL=2\nHostKey {folder}/host\nPort 22\nPidFile none\nUsePAM no\n"
                           "StrictModes no\nPermitRootLogin yes\nPasswordAuthentication no\n"
                           f"MaxStartups 100\nAuthorizedKeysFile {folder}/user.pub\n")
        with open(folder + "/host.pub", encoding="utf-8") as file:
            self.write("known", "edge-1 " + file.read())
        self.write("config", f"Host edge-1\n  HostName {ADDRESS}\n  HostKeyAlias edge-1\n"
                             f"  User root\n  IdentitiesOnly yes\n  IdentityFile {folder}/user\n"
                             f"  UserKnownHostsFile {folder}/known\n")
        self.write("up", f"#!/bin/sh\nsetsid sh -c 'echo $$ >{folder}/app.pid; while :; do sleep 1; "
                         "done' </dev/null >/dev/null 2>&1 &\n")
        os.chmod(folder + "/up", 0o700)
        self.make()

    def write(self, name, text):
        with open(f"{self.folder}/{name}", "w", encoding="utf-8") as file:
            file.write(text)
        os.chmod(f"{self.folder}/{name}", 0o600)

    def inside(self, *words):
        return subprocess.run(["ip", "netns", "exec", "edge", *words], capture_output=True, text=True)

    def make(self):
        if self.server is not None:
            self.server.kill()
            self.server.wait()
        for process in self.its():
            with contextlib.suppress(ProcessLookupError):
                os.kill(process.pid, signal.SIGKILL)
        for tables in ("iptables", "ip6tables"):
            self.inside(tables, "-F")
            self.inside(tables, "-X")
        self.inside("nft", "flush", "ruleset")
        for left in os.listdir(SPOOL):
            os.remove(f"{SPOOL}/{left}")
        # Its timer is gone with the other processes: nobody else would take it away.
        for left in self.left():
            shutil.rmtree(f"/run/{left}", ignore_errors=True)
        try:
            self.server = subprocess.Popen(
                ["ip", "netns", "exec", "edge", "/usr/sbin/sshd", "-D", "-f", self.folder + "/sshd"],
                stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        except FileNotFoundError:
            print("skipped: sshd is not installed")
            sys.exit(SKIPPED)
        subprocess.run([self.folder + "/up"], check=True)
        check(eventually(lambda: self.pid() != 0), "the process does not start")
        check(eventually(lambda: subprocess.run(
            ["ssh", "-F", self.folder + "/config", "-o", "BatchMode=yes", "edge-1", "true"],
            capture_output=True).returncode == 0, 10), "no sshd answers")

    def pid(self):
        with contextlib.suppress(OSError, ValueError):
            with open(self.folder + "/app.pid", encoding="utf-8") as file:
                return int(file.read())
        return 0

    def its(self):
        return [p for p in processes() if self.has(p)]

    def has(self, process):
        """Its server with the connections that are there, and the process with its sleep. What a deed
        has left there, its timer, is none of them."""
        words = " ".join(process.argv)
        return (process.name.startswith("sshd") or self.folder + "/app.pid" in words
                or words == "sleep 1")

    def fill(self, _):
        """What a drill finds is what the one before it has left."""

    def targets(self):
        return (f"  edge-1: {{ ssh: {{ to: edge-1, config: {self.folder}/config, "
                f"pidfile: {self.folder}/app.pid, start: [{self.folder}/up] }} }}\n")

    def rules(self):
        """Without its empty tables. Chains of others there are none."""
        listed = self.inside("nft", "list", "ruleset").stdout
        return [line for line in listed.splitlines() if not re.match(r"# |table |\}", line)]

    def state(self):
        return [self.rules(), sorted(os.listdir(SPOOL)), self.left(), self.living()]

    @staticmethod
    def left():
        return sorted(name for name in os.listdir("/run") if name.startswith("gameday-"))

    def living(self):
        """Those that run now: one, or its place is taken twice, and not held still."""
        found = [p for p in processes() if self.folder + "/app.pid" in " ".join(p.argv)]
        return [(p.pid, p.state == "T") for p in found if "setsid" not in p.argv[0]]

    def check_healed(self):
        def healed():
            return (self.rules() == [] and os.listdir(SPOOL) == [] and self.left() == []
                    and self.living() == [(self.pid(), False)])
        check(eventually(healed), f"the machine behind ssh: {self.state()}, pid {self.pid()}")
