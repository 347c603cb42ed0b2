"""What packets reach whom in the containers' network namespaces, and all that is set there: counted and
read with iptables and iproute2, and with nothing of gameday."""

import re
import subprocess

from shop_world import check

COUNTS = "gameday-test counts"  # the comment of a rule that stops nothing
OF_THE_KERNEL = r"/netfilter/nf_conntrack_(count|buckets):|/route/flush:"


def within(pid, *command, text=None):
    """What a program printed in that process's network namespace; pid None: in this machine's own."""
    entered = ["nsenter", "-t", str(pid), "-n"] if pid else []
    done = subprocess.run([*entered, *command], capture_output=True, text=True, input=text, check=False)
    check(done.returncode == 0, f"{command}: {done.stdout}{done.stderr}")
    return done.stdout


def addresses_of(container, field="IPAddress"):
    networks = container["NetworkSettings"]["Networks"].values()
    return [network[field] for network in networks if network[field]]


class Counters:
    """Of each container of one side, what reached it from the other: rules at the end of INPUT, behind
    whatever stops packets."""

    def __init__(self, members, others):
        self.receivers = {}  # by name: pid, and from whose addresses
        sides = ((members, others), (others, members))
        for receiving, sending in sides:
            senders = [address for one in sending.values() for address in addresses_of(one)]
            for name, one in receiving.items():
                # This machine speaks to members as their networks' gateway.
                machine = addresses_of(one, "Gateway") if receiving is members else []
                self.receivers[name] = (one["State"]["Pid"], senders + machine)

    def __enter__(self):
        for pid, senders in self.receivers.values():
            rules = "".join(f'-A INPUT -s {address} -m comment --comment "{COUNTS}"\n'
                            for address in senders)
            within(pid, "iptables-restore", "-w", "5", "--noflush", text=f"*filter\n{rules}COMMIT\n")
        return self

    def __exit__(self, *_):
        for pid, senders in self.receivers.values():
            rules = "".join(f'-D INPUT -s {address} -m comment --comment "{COUNTS}"\n'
                            for address in senders)
            within(pid, "iptables-restore", "-w", "5", "--noflush", text=f"*filter\n{rules}COMMIT\n")

    def read(self):
        """Packets so far, by name."""
        seen = {}
        for name, (pid, _) in self.receivers.items():
            lines = [line for line in within(pid, "iptables-save", "-c", "-t", "filter").splitlines()
                     if COUNTS in line]
            seen[name] = sum(int(re.match(r"\[(\d+):", line).group(1)) for line in lines)
        return seen

    def crossed(self, before):
        """Who was reached since then, and by how many packets."""
        return {name: count - before[name] for name, count in self.read().items()
                if count != before[name]}


def without_empty_tables(text, begins, ends, is_frame):
    """A table without chains is what iptables leaves where there was none, as README.md tells: it
    counts as none. iptables-save shows it with the builtin chains that it does not have."""
    kept, table = [], []
    for line in text.splitlines():
        table.append(line)
        if len(table) == 1 and not line.startswith(begins):
            kept.append(table.pop())
        elif line == ends:
            kept += [] if all(map(is_frame, table)) else table
            table = []
    return "\n".join(kept + table)


def rules_in(saved):
    return without_empty_tables(saved, "*", "COMMIT", lambda line: line.startswith(("*", "COMMIT")) or
                                re.match(r":(INPUT|FORWARD|OUTPUT) ACCEPT\b", line))


def tables_in(listed):
    return without_empty_tables(listed, "table ", "}",
                                lambda line: re.match(r"table |\s*\}$|$", line))


def snapshot(pid):
    """Every rule, chain, set, address, route, qdisc and sysctl of a namespace, as text by kind."""
    ask = lambda *command: within(pid, *command)
    plain = lambda text: "\n".join(line for line in text.splitlines() if not line.startswith("#"))
    # Counts and lifetimes go on by themselves.
    still = lambda text: re.sub(r"(valid_lft|preferred_lft|expires|age) \S+|\[\d+:\d+\]", "", plain(text))
    sysctls = [line for line in ask("sh", "-c", "grep -rs . /proc/sys/net || true").splitlines()
               if not re.search(OF_THE_KERNEL, line)]
    return {"rules": rules_in(still(ask("iptables-save"))),
            "rules of IPv6": rules_in(still(ask("ip6tables-save"))),
            "tables and sets": tables_in(plain(ask("nft", "-s", "list", "ruleset"))),
            "addresses": still(ask("ip", "-o", "address")), "links": ask("ip", "-o", "link"),
            "routes": still(ask("ip", "route", "show", "table", "all")),
            "routes of IPv6": still(ask("ip", "-6", "route", "show", "table", "all")),
            "routing rules": ask("ip", "rule"), "qdiscs": ask("tc", "qdisc", "show"),
            "sysctls": "\n".join(sysctls)}


def snapshots(containers):
    """Of each container and of this machine."""
    found = {name: snapshot(one["State"]["Pid"]) for name, one in containers.items()}
    return {**found, "this machine": snapshot(None)}


def expect_same(before, after):
    for name, kinds in before.items():
        for kind, text in kinds.items():
            was, now = set(text.splitlines()), set(after[name][kind].splitlines())
            check(was == now, f"{kind} of {name}: gone {sorted(was - now)}, new {sorted(now - was)}")


def marked(containers):
    """Every entry that carries a drill's mark, in each container and on this machine."""
    found = []
    for name, one in [*containers.items(), ("this machine", None)]:
        pid = one["State"]["Pid"] if one else None
        for program in ("iptables-save", "ip6tables-save"):
            found += [f"{name}: {line}" for line in within(pid, program).splitlines()
                      if "gameday:" in line or re.search(r"\bGD\w+-(in|out)\b", line)]
    return found


