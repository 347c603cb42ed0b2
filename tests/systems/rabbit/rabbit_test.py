"""Whole drills on a RabbitMQ node: a queue outlasts a restart, one that is not durable is named before
and after, and definitions come back with the messages that the dead letters hold."""

import json
import os
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [HERE + "/../../support", HERE + "/../../crash"]
from crash_rabbit import PASSWORD, Rabbit  # noqa: E402
from shop_world import FOLDER, SOURCE, check, one_case  # noqa: E402

PLAYBOOKS = SOURCE + "/playbooks/rabbitmq"


class Node(Rabbit):
    def __init__(self):
        super().__init__(FOLDER + "/rabbit")
        self.environment = dict(os.environ, **self.environment)

    def up(self):
        """It is up when it is made."""

    def down(self):
        """It ends with its world."""

    def variables(self, **more):
        given = dict(amqp=f"127.0.0.1:{self.amqp}", queue="jobs",
                     management=f"http://127.0.0.1:{self.management}", **more)
        return [word for name, value in given.items() for word in ("--var", f"{name}={value}")]


def run(gameday, name, node, code, **more):
    ended = gameday.run(f"{PLAYBOOKS}/{name}.yaml", "--json", *node.variables(**more), wait=220)
    check(ended.returncode == code,
          f"exit code {ended.returncode}, not {code}\n{ended.stdout[-2000:]}\n{ended.stderr}")
    check(node.marks() == [], f"marks stay: {node.marks()}")
    check(gameday.open() == [], f"left open: {gameday.open()}")
    return json.loads(ended.stdout)


def plan(gameday, name, node, **more):
    planned = subprocess.run(
        [gameday.program, "plan", f"{PLAYBOOKS}/{name}.yaml", *node.variables(**more)],
        capture_output=True, text=True, env=node.environment, timeout=120)
    check(planned.returncode == 0, f"plan: {planned.stdout}{planned.stderr}")
    return planned.stdout


def restarted(node, gameday):
    control = node.folder + "/ctl"
    check("not durable" not in plan(gameday, "node-restarted", node, control=control),
          "a durable queue is called another")
    document = run(gameday, "node-restarted", node, 0, control=control)
    fault = document["faults"][0]
    check(fault["kind"] == "stop-app" and fault["proven"] and not fault["residue"], fault)


def fleeting(node, gameday):
    """A queue that was not durable: the plan warns, the drill fails, and its reason names the queue."""
    control = node.folder + "/ctl"
    node.ask("DELETE", "/queues/%2F/jobs")
    node.ask("PUT", "/queues/%2F/jobs", {"durable": False})
    planned = plan(gameday, "node-restarted", node, control=control)
    check("queue jobs" in planned and "is not durable" in planned, f"no warning: {planned}")
    document = run(gameday, "node-restarted", node, 1, control=control)
    reasons = " ".join(one["text"] for one in document["reasons"])
    check("queue jobs" in reasons and "was not durable, and is gone" in reasons,
          f"no reason names the queue: {reasons}")
    check("queue-is-there" in reasons, f"no reason names the queue's probe: {reasons}")


def restored(node, gameday):
    node.ask("PUT", "/users/gameday", {"password": PASSWORD, "tags": "administrator"})
    node.ask("PUT", "/queues/%2F/dead", {"durable": True})
    node.ask("PUT", "/permissions/%2F/gameday",
             {"configure": r"^(jobs|gameday\..*)$", "write": r"^(jobs|gameday\..*|amq\.default)$",
              "read": r"^(jobs|dead|gameday\..*|amq\.topic)$"})
    for number in range(3):
        node.ask("POST", "/exchanges/%2F/amq.default/publish",
                 {"properties": {}, "payload_encoding": "string", "routing_key": "dead",
                  "payload": f"given up {number}"})
    node.ask("POST", "/exchanges/%2F/amq.default/publish",
             {"properties": {}, "payload_encoding": "string", "routing_key": "jobs",
              "payload": "waiting"})
    before = node.ask("GET", "/definitions/%2F")
    document = run(gameday, "definitions-lost", node, 0, dead="dead")
    restore = document["restores"][0]
    check(restore["kind"] == "rabbitmq" and restore["verified"] and not restore["vacuous"], restore)
    after = node.ask("GET", "/definitions/%2F")
    for kind in ("queues", "exchanges", "bindings", "policies"):
        check(sorted(map(str, after[kind])) == sorted(map(str, before[kind])),
              f"{kind}: {after[kind]}, before: {before[kind]}")
    check(node.messages("dead") == [], "dead letters were not replayed")
    replayed = sorted(text for text, _ in node.messages("jobs") + node.messages("done"))
    # No backup has what was waiting: the undo of the drop puts it back, whatever was restored.
    check(replayed == [*(f"given up {number}" for number in range(3)), "waiting"],
          f"messages: {replayed}")


CASES = {"restarted": restarted, "fleeting": fleeting, "restored": restored}


if __name__ == "__main__":
    sys.exit(one_case(Node, CASES))
