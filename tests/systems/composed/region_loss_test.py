"""region-loss on the composed system: nothing crosses while the region is blocked, everything is as it
was afterwards, and who was not to be touched was not. Its twin: a block that one path evades."""

import os
import socket
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "support"))
from composed_world import (containers, expect_reason, main, reasons, settings,  # noqa: E402
                            sql)
from netns_watch import Counters, expect_same, marked, snapshots, within  # noqa: E402
from shop_world import check, eventually  # noqa: E402

REGION = "eu-west"
# A connection is one backend of the server, and of its whole life.
BACKENDS = """SELECT pid || ' ' || backend_start FROM pg_stat_activity WHERE usename = 'shop'
  AND client_addr IN ({}) ORDER BY 1"""


def is_member(one):
    return one["Config"]["Labels"].get("gameday.region") == REGION


def sides():
    every = containers()
    return ({name: one for name, one in every.items() if is_member(one)},
            {name: one for name, one in every.items() if not is_member(one)})


def backends(server, *clients):
    addresses = [network["IPAddress"] for client in clients
                 for network in containers()[client]["NetworkSettings"]["Networks"].values()]
    text = sql(server, BACKENDS.format(", ".join(f"'{address}'" for address in addresses)))
    return set(text.splitlines())


class Kept:
    """Connections that do not go through the block: within the region, and outside of it."""

    def __init__(self, members):
        self.redis = socket.create_connection(("127.0.0.1", int(settings()["SYSTEM_REDIS_NORTH_PORT"])), 5)
        self.say(f"AUTH {settings()['REDIS_PASSWORD']}", b"+OK\r\n")
        # Each gateway looks all the time whether its database answers.
        self.pairs = [pair for pair in (("pg-primary", "gateway-west"), ("pg-replica", "gateway-north"))
                      if (pair[0] in members) == (pair[1] in members)]
        self.before = [backends(*pair) for pair in self.pairs]
        check(all(self.before), f"a pair of {self.pairs} has no connection: {self.before}")

    def say(self, command, answer):
        self.redis.sendall(command.encode() + b"\r\n")
        check(self.redis.recv(100) == answer, f"redis-north does not answer to {command.split()[0]}")

    def expect_uncut(self):
        self.say("PING", b"+PONG\r\n")
        for pair, before in zip(self.pairs, self.before):
            cut = before - backends(*pair)
            check(not cut, f"connections of {pair} were cut: {cut} of {before}")

    def close(self):
        self.redis.close()


def blocked_everywhere(members):
    """The drill's rules are there in each of them; of one family, as each look costs them time."""
    return all('--comment "gameday:' in within(one["State"]["Pid"], "iptables-save", "-t", "filter")
               for one in members.values())


def crossed_while_blocked(counters, covered, started):
    """(who was reached across the block, for how long that was looked at): of the looks after each of
    which the block was still whole."""
    time.sleep(0.5)  # what was under way
    first, since = counters.read(), time.monotonic()
    crossed, looked_at = {}, 0.0
    while started.poll() is None:
        seen, now = counters.crossed(first), time.monotonic()
        if not blocked_everywhere(covered):
            break
        crossed, looked_at = seen, now - since
        time.sleep(0.5)
    return crossed, looked_at


def watched(drills, playbook, code, held, covered):
    """(the drill's result, who was reached across the block while it held, and before it)."""
    members, others = sides()
    with Counters(members, others) as counters:
        before, kept = snapshots({**members, **others}), Kept(covered)
        first = counters.read()
        # Few enough that a machine which does all this at once still sends each on time.
        started = drills.start(playbook, held=f"{held}s", settles=f"{held + 10}s", rate="15/s")
        check(eventually(lambda: blocked_everywhere(covered) or started.poll() is not None, 40, 0.5)
              and started.poll() is None, f"it is not blocked: {drills.gameday.told()}")
        crossed_before = counters.crossed(first)
        crossed, looked_at = crossed_while_blocked(counters, covered, started)
        result = drills.finish(started, code)
        check(looked_at >= held / 2, f"the block was looked at for {looked_at} s alone")
        kept.expect_uncut()
        kept.close()
        everybody = {**members, **others}
        check(marked(everybody) == [], f"marks are left: {marked(everybody)}")
        expect_same(before, snapshots(everybody))
    return result, crossed, crossed_before


def passes(drills):
    result, crossed, before = watched(drills, "region-loss", 0, 6, sides()[0])
    check(crossed == {}, f"reached across the block: {crossed}")
    # The counters do count: there was traffic both ways until then.
    check(any(before.get(name) for name in ("gateway-west", "worker-west")), before)
    check(any(before.get(name) for name in ("pg-replica", "front", "prometheus")), before)
    fault = result["faults"][0]
    check(fault["kind"] == "block-container" and fault["proven"] and fault["undo"] == "undone", fault)
    check(len(fault["instances"]) == 5, fault)
    recovery = result["recovery"]
    check(recovery["acknowledged"] > 200 and recovery["lost"] == 0 and recovery["rpo_s"] == 0, recovery)
    # A second one starts clean.
    again = drills.run("region-loss", 0, held="1s", rate="15/s")
    check(again["drill"] != result["drill"], again["drill"])


def evaded(drills):
    """The gateway is not among what is blocked: orders still come into the region through it."""
    without = {name: one for name, one in sides()[0].items() if name != "gateway-west"}
    result, crossed, _ = watched(drills, "twins/region-loss-evaded", 1, 4, without)
    check(set(crossed) & {"gateway-west"}, f"nobody reached the gateway: {crossed}")
    check(result["faults"][0]["proven"], result["faults"])
    expect_reason(result, "west-is-dark")
    check(result["recovery"]["lost"] == 0, reasons(result))


if __name__ == "__main__":
    main([passes, evaded])
