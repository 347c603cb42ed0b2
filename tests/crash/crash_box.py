"""The container that the drills of the crash campaign on Docker die on. Its engine lives outside of
the worlds, and so is there for all of them; what wants to see its process has one inside its own."""

import json
import os
import subprocess

from shop_world import check

ENGINE = os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))),
                      "systems/docker/engine")
POLICY = "unless-stopped"
# Wants processor time, memory and its network now and then, so that what takes them away bites.
WORKS = ("to=$(busybox ip route | busybox awk '/default/ { print $3 }'); while :; do "
         "busybox sleep 1; busybox ping -q -A -w 1 -s 1400 $to; "
         "a=$(busybox head -c 20000000 /dev/zero | busybox tr '\\0' x); a=; done")
NO_LIMIT = 1 << 61  # an engine's number for none of memory, which it has no word for, is above it


def has_netem():
    """Whether this kernel has it, tried in a network of its own."""
    add = ["tc", "qdisc", "add", "dev", "lo", "root", "netem", "delay", "1ms"]
    return subprocess.run(["unshare", "--net", *add], capture_output=True).returncode == 0


class Engine:
    """DOCKER_HOST says which one, else it is the tests' own; one that did not run before is ended."""

    ours = False

    @classmethod
    def start(cls):
        if "DOCKER_HOST" in os.environ:
            return
        host = subprocess.run([ENGINE, "host"], capture_output=True, text=True, check=True)
        ran = os.path.exists(host.stdout.strip().removeprefix("unix://"))
        started = subprocess.run([ENGINE, "start"], capture_output=True, text=True)
        if started.returncode != 0:
            print(f"skipped: no Docker engine: {started.stderr}")
            raise SystemExit(started.returncode)
        cls.ours = not ran
        os.environ["DOCKER_HOST"] = started.stdout.strip()

    @classmethod
    def end(cls):
        if cls.ours:
            subprocess.run([ENGINE, "stop"], check=True)


class OwnEngine:
    """One in this world, which ends with it."""

    PROGRAMS = ("dockerd", "containerd", "containerd-shim-runc-v2", "runc", "docker", "busybox")

    def __init__(self, folder):
        started = subprocess.run([ENGINE, "start"], capture_output=True, text=True,
                                 env=dict(os.environ, GAMEDAY_DOCKER_FOLDER=folder))
        check(started.returncode == 0, f"no Docker engine in this world: {started.stderr}")
        self.host = started.stdout.strip()


class Box:
    """One world's container, on a network and a volume of its own."""

    def __init__(self, number, host):
        self.name = f"gd-crash-{number}"
        self.environment = {"DOCKER_HOST": host}
        # The number of a process of another world is that of somebody else in this one.
        self.is_seen = host != os.environ.get("DOCKER_HOST")
        self.make()

    def make(self):
        self.remove()
        self.docker("network", "create", self.name)
        self.docker("run", "--detach", "--name", self.name, "--restart", POLICY, "--network",
                    self.name, "--network-alias", "box", "--volume", f"{self.name}:/data",
                    "--volume", "/more", "gameday-box", "busybox", "sh", "-c", WORKS)
        self.made = self.made_of()

    def remove(self):
        for words in (["rm", "--force", "--volumes"], ["network", "rm"], ["volume", "rm"]):
            subprocess.run(["docker", *words, self.name], capture_output=True,
                           env=dict(os.environ, **self.environment))

    def docker(self, *words):
        done = subprocess.run(["docker", *words], capture_output=True, text=True,
                              env=dict(os.environ, **self.environment))
        check(done.returncode == 0, f"docker {' '.join(words)}: {done.stderr}")
        return done.stdout

    def looked(self):
        return json.loads(self.docker("inspect", self.name))[0]

    def made_of(self):
        """What must be so afterwards, whichever of its instances it is."""
        box = self.looked()
        mounts = sorted((m["Name"], m["Destination"]) for m in box["Mounts"])
        networks = {name: len(network["Aliases"])
                    for name, network in box["NetworkSettings"]["Networks"].items()}
        host = box["HostConfig"]
        limits = [max(host["CpuQuota"], 0), host["NanoCpus"],
                  0 if host["Memory"] > NO_LIMIT else host["Memory"]]
        files = [os.listdir(m["Source"]) for m in box["Mounts"] if m["Destination"] == "/data"]
        return [box["State"]["Status"], host["RestartPolicy"], box["Config"]["Env"],
                box["Config"]["Image"], mounts, networks, limits, files, self.descriptors(box)]

    def descriptors(self, box):
        """How many its process may have, where it is seen from here."""
        if not self.is_seen:
            return []
        try:
            with open(f"/proc/{box['State']['Pid']}/limits", encoding="utf-8") as file:
                return [line for line in file if line.startswith("Max open files")]
        except OSError:
            return []

    def rules(self):
        """Of its own network, which is entered where its engine keeps it."""
        enter = ["nsenter", "--net=" + self.looked()["NetworkSettings"]["SandboxKey"]]
        found = ""
        for tables in ("iptables-save", "ip6tables-save"):
            listed = subprocess.run(enter + [tables], capture_output=True, text=True)
            check(listed.returncode == 0, f"{tables}: {listed.stderr}")
            found += listed.stdout
        queues = subprocess.run(enter + ["tc", "qdisc", "show"], capture_output=True, text=True)
        check(queues.returncode == 0, f"tc: {queues.stderr}")
        return found + queues.stdout

    def state(self):
        box = self.looked()
        return [box["Id"], box["State"]["StartedAt"], box["State"]["Status"]]

    def check_healed(self):
        now = self.made_of()
        check(now == self.made, f"the container: {now}, was {self.made}")
        rules = self.rules()
        check("gameday" not in rules and "tbf" not in rules and "netem" not in rules,
              f"rules stay: {rules}")
        mine = self.docker("ps", "--all", "--quiet", "--filter", f"name={self.name}").split()
        check(len(mine) == 1, f"containers stay: {mine}")
