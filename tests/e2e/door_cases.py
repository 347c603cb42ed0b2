"""A running drill and those who speak to it from another terminal, or as another user."""

import json
import os
import signal
import subprocess
import time

from case_support import (KILL_WEST, case, expect_code, expect_nothing_left, expect_one_document,
                          make, run_until_killed)
from shop_world import check, eventually, named
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
