"""A running drill and those who speak to it from another terminal, or as another user."""

import json
import os
import signal
import subprocess
import time

from case_support import (KILL_WEST, case, expect_code, expect_nothing_left, expect_one_document,
                          make, run_until_killed)
from shop_world import check, eventually, named, processes
from short_drill import short_playbook

GROUP = 4711


def speak(gameday, command, *arguments, uid=0, groups=(), wait=20):
    """What somebody at another terminal says to the drill."""
    ids = ["setpriv", f"--reuid={uid}", f"--regid={uid}",
           f"--groups={','.join(map(str, groups))}" if groups else "--clear-groups"]
    return subprocess.run((ids if uid else []) + [gameday.program, command, *arguments],
                          capture_output=True, text=True, timeout=wait,
                          env=gameday.shop.environment, stdin=subprocess.DEVNULL)


def with_a_group():
    """The world's own /etc/group, with a group whose members may speak to drills."""
    with open("/etc/group", encoding="utf-8") as file:
        text = "".join(line for line in file if not line.startswith("gameday:"))
    with open("/run/group", "w", encoding="utf-8") as file:
        file.write(text + f"gameday:x:{GROUP}:\n")
    os.chmod("/run/group", 0o644)
    subprocess.run(["mount", "--bind", "/run/group", "/etc/group"], check=True)


def journal_of(gameday):
    with open(gameday.out + "/journal.jsonl", encoding="utf-8") as file:
        return [json.loads(line) for line in file]


def of_type(gameday, kind):
    return [event["data"] for event in journal_of(gameday) if event["type"] == kind]


def full(gameday):
    asked = speak(gameday, "status", "--json")
    expect_code(asked, 0)
    status = json.loads(asked.stdout)
    return status["load"] and [fault["stage"] for fault in status["faults"]] == ["proven"]


@case
def stopped_from_another_terminal(bin_folder):
    shop, gameday = make(bin_folder)
    shop.up()
    nobody = speak(gameday, "status")
    expect_code(nobody, 1)
    check("no drill runs here" in nobody.stderr, nobody.stderr)
    playbook = shop.write("p.yaml", short_playbook(KILL_WEST))
    started = run_until_killed(shop, gameday, playbook, "--json")
    check(eventually(lambda: full(gameday), 10), "no fault is proven, or no load runs")
    status = json.loads(speak(gameday, "status", "--json").stdout)
    check(status["phase"] == "running", f"phase {status['phase']}")
    check([fault["kind"] for fault in status["faults"]] == ["kill"], f"{status['faults']}")
    check(0 < status["faults"][0]["left_s"] <= 30, f"{status['faults']}")
    check(status["load"][0]["rate"] > 0, f"{status['load']}")
    told = speak(gameday, "status", status["drill"][:20])
    check("kill west" in told.stdout, told.stdout)
    expect_code(speak(gameday, "note", status["drill"], "the", "pager went off"), 0)
    check(speak(gameday, "note", "x" * 3000).returncode == 2, "a note of any length is taken")
    check(speak(gameday, "status", "01NOSUCH").returncode == 1, "a drill that is not there answers")
    expect_code(speak(gameday, "stop", "--reason", "customers notice"), 0)
    ended = gameday.finish(started, 30)
    expect_code(ended, 4)
    stop = expect_one_document(ended)["stop"]
    check(stop["by"] == "person" and stop["who"] == {"name": "root", "uid": 0, "via": "socket"},
          f"stopped by {stop}")
    check(stop["reason"] == "stopped by root: customers notice", stop["reason"])
    notes = of_type(gameday, "note")
    check([note["text"] for note in notes] == ["the pager went off"], f"notes: {notes}")
    check([p.pid for p in named("west")] == [shop.pid("west")], "west is not back, once")
    doors = [name for name in os.listdir("/run/gameday") if name.startswith("drill-")]
    check(not doors, f"its door stays: {doors}")
    expect_nothing_left(gameday)


@case
def members_of_the_group_may_speak_and_strangers_not(bin_folder):
    with_a_group()
    shop, gameday = make(bin_folder)
    shop.up()
    playbook = shop.write("p.yaml", short_playbook(KILL_WEST))
    started = run_until_killed(shop, gameday, playbook)
    stranger = speak(gameday, "stop", uid=65534)
    expect_code(stranger, 1)
    drill = json.loads(speak(gameday, "status", "--json").stdout)["drill"]
    refused = speak(gameday, "stop", drill, uid=65534)
    expect_code(refused, 1)
    check("group gameday" in refused.stderr, refused.stderr)
    member = speak(gameday, "note", "seen", uid=65534, groups=[GROUP])
    expect_code(member, 0)
    started.send_signal(signal.SIGINT)
    expect_code(gameday.finish(started, 30), 4)
    check([note["who"]["uid"] for note in of_type(gameday, "note")] == [65534],
          f"{of_type(gameday, 'note')}")
    expect_nothing_left(gameday)


@case
def a_dead_runners_door_is_no_drill(bin_folder):
    shop, gameday = make(bin_folder)
    shop.up()
    playbook = shop.write("p.yaml", short_playbook(KILL_WEST))
    started = run_until_killed(shop, gameday, playbook)
    started.kill()
    started.wait()
    begun = time.monotonic()
    expect_code(speak(gameday, "status"), 1)
    check(time.monotonic() - begun < 5, "a dead drill's door makes wait")
    check(eventually(lambda: not gameday.open(), 10), f"open: {gameday.open()}")
    check(eventually(lambda: not named("guardian")), "the guardian does not end")
    expect_nothing_left(gameday)


def waiting(gameday):
    asked = speak(gameday, "status", "--json")
    return json.loads(asked.stdout)["waits_for"] if asked.returncode == 0 else []


@case
def two_faults_at_once(bin_folder):
    shop, gameday = make(bin_folder)
    shop.up()
    before = {name: shop.pid(name) for name in ("west", "north")}
    step = ("parallel: [{ fault: kill, target: west, for: 1s, id: w }, "
            "{ fault: kill, target: north, for: 2s, id: n }]")
    ended = gameday.run(shop.write("p.yaml", short_playbook(step)), "--json")
    check(ended.returncode in (0, 1, 6), f"exit code {ended.returncode}: {ended.stderr}")
    document = expect_one_document(ended)
    steps = [step["id"] for step in document["steps"]]
    check(steps == ["steady_state-1", "parallel-2", "w", "n", "verify-3"], f"steps: {steps}")
    check(all(step["ok"] for step in document["steps"][:4]), f"{document['steps']}")
    faults = document["faults"]
    check(all(fault["proven"] and fault["undo"] == "undone" for fault in faults), f"{faults}")
    check(max(fault["injected"] for fault in faults) < min(fault["reverted"] for fault in faults),
          f"not at the same time: {faults}")
    for name, pid in before.items():
        check([p.pid for p in named(name)] == [shop.pid(name)], f"{name} is not back, once")
        check(shop.pid(name) != pid, f"{name} was not killed")
    expect_nothing_left(gameday, document)


@case
def stopped_while_two_faults_stand(bin_folder):
    shop, gameday = make(bin_folder)
    shop.up()
    step = "parallel: [{ fault: kill, target: west }, { fault: kill, target: north, for: 30s }]"
    started = run_until_killed(shop, gameday, shop.write("p.yaml", short_playbook(step)), "--json",
                               target="north")
    expect_code(speak(gameday, "stop"), 0)
    ended = gameday.finish(started, 30)
    expect_code(ended, 4)
    for name in ("west", "north"):
        check([p.pid for p in named(name)] == [shop.pid(name)], f"{name} is not back, once")
    expect_nothing_left(gameday)


@case
def acknowledged_by_another_process(bin_folder):
    shop, gameday = make(bin_folder)
    shop.up()
    playbook = shop.write("p.yaml", short_playbook(
        "human: { do: look at the pager, by: sre, within: 30s }",
        "{ fault: kill, target: west, for: 500ms }",
        "{ action: command, do: [sh, -c, 'echo new > role'], check: [grep, new, role] }"))
    started = gameday.start(playbook, "--json")
    check(eventually(lambda: waiting(gameday), 20), gameday.told())
    check(waiting(gameday)[0]["what"] == "look at the pager", f"{waiting(gameday)}")
    check(speak(gameday, "ack", "no-such-step").returncode == 1, "any step is acknowledged")
    check(speak(gameday, "approve").returncode == 1, "an approval acknowledges")
    expect_code(speak(gameday, "ack", "human-2"), 0)
    ended = gameday.finish(started, 60)
    check(ended.returncode in (0, 1, 6), f"exit code {ended.returncode}: {ended.stderr}")
    document = expect_one_document(ended)
    human = document["humans"][0]
    check(human["outcome"] == "acknowledged" and human["who"]["via"] == "socket", f"{human}")
    check(human["do"] == "look at the pager" and human["by"] == "sre", f"{human}")
    action = [step for step in document["steps"] if step["step"] == "action"]
    check(action and action[0]["ok"], f"{document['steps']}")
    with open(shop.folder + "/role", encoding="utf-8") as file:
        check(file.read() == "new\n", "the action was undone")
    expect_nothing_left(gameday, document)


@case
def approved_by_somebody_else(bin_folder):
    with_a_group()
    shop, gameday = make(bin_folder)
    shop.up()
    gate = "approve: { role: owner, not: operator, within: 30s }"
    playbook = shop.write("p.yaml", short_playbook(gate, KILL_WEST.replace("30s", "500ms")))
    started = gameday.start(playbook, "--json")
    check(eventually(lambda: waiting(gameday), 20), gameday.told())
    own = speak(gameday, "approve")
    expect_code(own, 1)
    check("not its operator's to decide" in own.stderr, own.stderr)
    check(speak(gameday, "approve", "--role", "intern", uid=65534, groups=[GROUP]).returncode == 1,
          "another role approves")
    check(named("west"), "a fault is injected before the approval")
    expect_code(speak(gameday, "approve", "--role", "owner", uid=65534, groups=[GROUP]), 0)
    ended = gameday.finish(started, 60)
    check(ended.returncode in (0, 1, 6), f"exit code {ended.returncode}: {ended.stderr}")
    document = expect_one_document(ended)
    human = document["humans"][0]
    check(human["outcome"] == "approved" and human["who"]["uid"] == 65534, f"{human}")
    tried = of_type(gameday, "answered")
    check([answer["counts"] for answer in tried] == [False, False, True], f"{tried}")
    expect_nothing_left(gameday, document)


@case
def refused_is_not_started(bin_folder):
    shop, gameday = make(bin_folder)
    shop.up()
    before = shop.pid("west")
    playbook = shop.write("p.yaml", short_playbook("approve: owner", KILL_WEST))
    started = gameday.start(playbook, "--json")
    check(eventually(lambda: waiting(gameday), 20), gameday.told())
    expect_code(speak(gameday, "approve", "--refuse", "--reason", "a sale runs"), 0)
    ended = gameday.finish(started, 30)
    expect_code(ended, 3)
    document = expect_one_document(ended)
    check("a sale runs" in document["reasons"][0]["text"], f"{document['reasons']}")
    check(shop.pid("west") == before, "west was killed")
    expect_nothing_left(gameday, document)


@case
def acknowledged_on_its_own_terminal(bin_folder):
    shop, gameday = make(bin_folder)
    shop.up()
    playbook = shop.write("p.yaml", short_playbook(
        "{ human: { do: look, within: 30s }, id: looked }"))
    master, slave = os.openpty()
    started = gameday.start(playbook, "--json", terminal=slave)
    check(eventually(lambda: waiting(gameday), 20), gameday.told())
    os.write(master, b"yes\nack\n")
    ended = gameday.finish(started, 60)
    check(ended.returncode in (0, 1, 6), f"exit code {ended.returncode}: {ended.stderr}")
    human = expect_one_document(ended)["humans"][0]
    check(human["outcome"] == "acknowledged", f"{human}")
    check(human["who"] == {"name": "root", "uid": 0, "via": "terminal"}, f"{human}")
    check("type ack, approve or refuse" in ended.stderr, ended.stderr)
    expect_nothing_left(gameday)


@case
def an_action_that_its_runner_died_in_is_named(bin_folder):
    shop, gameday = make(bin_folder)
    shop.up()
    playbook = shop.write("p.yaml", short_playbook(
        "{ action: command, do: [sleep, '77'], check: ['true'], id: promoted }"))
    started = gameday.start(playbook)
    sleeping = lambda: [p for p in processes() if p.argv == ["sleep", "77"]]  # noqa: E731
    check(eventually(lambda: bool(sleeping()), 20), gameday.told())
    check(all(entry["kind"] == "load" for entry in gameday.open()), f"open: {gameday.open()}")
    started.kill()
    started.wait()
    check(eventually(lambda: not named("guardian"), 15), "the guardian does not end")
    check("action command (step promoted)" in gameday.told(), gameday.told())
    check(not sleeping(), "what the action started lives on")
    expect_nothing_left(gameday)
