"""Stops, deaths and leftovers: whatever ends a drill, everything is put back or named."""

import json
import os
import shlex
import shutil
import signal
import subprocess
import time

from case_support import (CASES, KILL_WEST, case, expect_code, expect_nothing_left,
                          expect_one_document, make, program, run_until_killed)
from shop_world import FOLDER, Gameday, Shop, check, eventually, named, processes
from short_drill import short_playbook


@case
def interrupted_during_a_fault(bin_folder):
    shop, gameday = make(bin_folder)
    shop.up()
    playbook = shop.write("p.yaml", short_playbook(KILL_WEST))
    started = run_until_killed(shop, gameday, playbook, "--json")
    started.send_signal(signal.SIGINT)
    ended = gameday.finish(started, 30)
    expect_code(ended, 4)
    check(expect_one_document(ended)["stop"]["by"] == "person", ended.stdout)
    check([p.pid for p in named("west")] == [shop.pid("west")], "west is not back, once")
    expect_nothing_left(gameday)


@case
def stop_condition_undoes_within_a_second(bin_folder):
    shop, gameday = make(bin_folder)
    shop.up()
    north = "{ fault: kill, target: north }"
    playbook = shop.write("p.yaml", short_playbook(north, KILL_WEST, fails_for="1s"))
    ended = gameday.run(playbook, "--json")
    expect_code(ended, 4)
    stop = expect_one_document(ended)["stop"]
    check(stop["by"] == "condition", f"stopped by {stop}")
    check(0 < stop["undone_after_s"] < 1.0, f"undone after {stop['undone_after_s']} s")
    for name in ("west", "north"):
        check([p.pid for p in named(name)] == [shop.pid(name)], f"{name} is not back, once")
    expect_nothing_left(gameday)


@case
def residue_is_named_and_revert_heals(bin_folder):
    own_bin = FOLDER + "/bin"
    os.makedirs(own_bin)
    for name in os.listdir(bin_folder):
        if name.startswith("shop-") and not name.endswith("test"):
            shutil.copy2(os.path.join(bin_folder, name), own_bin)
    shop = Shop(own_bin)
    gameday = Gameday(program(bin_folder), shop)
    shop.up()
    playbook = shop.write("p.yaml", short_playbook(KILL_WEST.replace("30s", "1s")))
    started = run_until_killed(shop, gameday, playbook, "--json")
    os.rename(own_bin + "/shop-gateway", own_bin + "/shop-gateway.away")
    ended = gameday.finish(started, 120)
    expect_code(ended, 5)
    document = expect_one_document(ended)
    check(document["residue"], "no residue is named")
    check("west" in json.dumps(document["residue"]), f"residue: {document['residue']}")
    check([entry["kind"] for entry in gameday.open()] == ["kill"], f"open: {gameday.open()}")
    check(gameday.run(playbook).returncode == 3, "a drill starts over leftovers")
    refused = gameday.revert()
    check(refused.returncode == 1, f"revert of what cannot be undone: {refused.returncode}")
    os.rename(own_bin + "/shop-gateway.away", own_bin + "/shop-gateway")
    healed = gameday.revert()
    expect_code(healed, 0)
    check([p.pid for p in named("west")] == [shop.pid("west")], "west is not back, once")
    expect_nothing_left(gameday)


@case
def leftovers_are_named_and_not_healed_by_run(bin_folder):
    shop, gameday = make(bin_folder)
    shop.up()
    playbook = shop.write("p.yaml", short_playbook(KILL_WEST))
    started = run_until_killed(shop, gameday, playbook)
    for guardian in named("guardian"):
        os.kill(guardian.pid, signal.SIGKILL)
    started.kill()
    started.wait()
    check({entry["kind"] for entry in gameday.open()} == {"load", "kill"}, f"{gameday.open()}")
    check(not any(entry["runner_alive"] for entry in gameday.open()), "a dead runner is alive")
    second = gameday.run(playbook, "--json")
    expect_code(second, 3)
    check("has left something" in expect_one_document(second)["reasons"][0]["text"], second.stdout)
    check(not named("west"), "run has healed what another drill left")
    other = Gameday(gameday.program, shop, FOLDER + "/another-store")
    third = other.run(playbook)
    expect_code(third, 3)
    hints = [told.split("hint: gameday ")[1].splitlines()[0] for told in (second.stderr, third.stderr)]
    check(hints[0] == hints[1], f"each names its own store: {hints}")
    # Pasted as it is by somebody who knows of neither store.
    pasted = subprocess.run([gameday.program, *shlex.split(hints[1])], capture_output=True,
                            text=True, timeout=90, env=shop.environment)
    expect_code(pasted, 0)
    expect_nothing_left(gameday)
    check([p.pid for p in named("west")] == [shop.pid("west")], "west is not back, once")


COPIED = """\
gameday: 1
name: copied
summary: A target by a pidfile of its own.
owner: tests
environment: test
system:
  gate: { process: { pidfile: copied.pid } }
limits: { targets: 1, duration: 1m }
timeline:
  - { fault: pause, target: gate, for: 1s }
"""


@case
def two_drills_on_one_target(bin_folder):
    shop, gameday = make(bin_folder)
    shop.up()
    playbook = shop.write("p.yaml", short_playbook(KILL_WEST))
    started = run_until_killed(shop, gameday, playbook)
    other = Gameday(gameday.program, shop, FOLDER + "/another-store")
    second = other.run(playbook, "--json")
    expect_code(second, 3)
    document = expect_one_document(second)
    check(document["verdict"] == "not_started", f"verdict {document['verdict']}")
    check("in use" in document["reasons"][0]["text"], second.stdout)
    os.symlink(shop.run, shop.folder + "/same")
    spelt = shop.write("spelt.yaml", short_playbook(KILL_WEST).replace("run/", "same/"))
    expect_code(other.run(spelt), 3)
    # Of what has two names of its own, it is found out when the targets are.
    shutil.copy(shop.run + "/north.pid", shop.folder + "/copied.pid")
    copied = shop.write("copied.yaml", COPIED)
    third = other.run(copied, "--json")
    expect_code(third, 3)
    check("in use" in expect_one_document(third)["reasons"][0]["text"], third.stdout)
    alive = gameday.revert()
    check("nothing is left" in alive.stderr or alive.returncode == 1, alive.stderr)
    check(not named("west"), "somebody has undone the fault of a living drill")
    started.send_signal(signal.SIGTERM)
    expect_code(gameday.finish(started, 30), 4)
    expect_nothing_left(gameday)


ONLY_RESTORED = """gameday: 1
name: only-restored
summary: The store is put back.
owner: tests
system:
  store: { sqlite: run/store.db }
timeline:
  - backup: store
  - { restore: store, into: place }
"""


@case
def a_lacking_right_is_found_before_the_start(bin_folder):
    shop, gameday = make(bin_folder)
    shop.up()
    nobody = FOLDER + "/nobody"
    os.makedirs(nobody)
    os.chown(nobody, 65534, 65534)
    as_nobody = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", gameday.program]

    def refused(playbook, *words):
        ended = subprocess.run(
            [*as_nobody, "run", shop.write("p.yaml", playbook), "--json", "--store",
             nobody + "/store.db", "--out", nobody + "/out"], capture_output=True, text=True,
            timeout=60, env=dict(shop.environment, XDG_RUNTIME_DIR=nobody, HOME=nobody))
        expect_code(ended, 3)
        reasons = json.dumps(expect_one_document(ended)["reasons"])
        check(all(word in reasons for word in words), reasons)

    refused(short_playbook(KILL_WEST), "neither signal it nor start it", "target west")
    check([p.pid for p in named("west")] == [shop.pid("west")], "west was touched")
    # Also of what comes last, and is no fault.
    refused(ONLY_RESTORED, "step restore-2", "may not write", "store.db")


def harm_playbook(shop, kind, hold="500ms"):
    step = f"{{ fault: {kind}, target: west, file: harm, for: {hold} }}"
    return shop.write("p.yaml", short_playbook(step)), shop.folder + "/harm"


@case
def throwing_deed_is_undone(bin_folder):
    shop, gameday = make(bin_folder, crash=True)
    shop.up()
    playbook, harm = harm_playbook(shop, "throws")
    ended = gameday.run(playbook, "--json")
    expect_code(ended, 70)
    reasons = expect_one_document(ended)["reasons"]
    check(any(reason["code"] == 70 for reason in reasons), f"reasons: {reasons}")
    check(gameday.result()["exit_code"] == 70, "result.json tells of no defect")
    check(not os.path.exists(harm), "the harm stays")
    expect_nothing_left(gameday)


@case
def deaf_deed_is_ended_by_the_guardian(bin_folder):
    shop, gameday = make(bin_folder, crash=True)
    shop.up()
    playbook, harm = harm_playbook(shop, "deaf")
    started = gameday.start(playbook)
    check(eventually(lambda: os.path.exists(harm), 20), gameday.told())
    started.send_signal(signal.SIGINT)
    stopped = time.monotonic()
    ended = gameday.finish(started, 20)
    check(ended.returncode == -signal.SIGKILL, f"exit code {ended.returncode}: {ended.stderr}")
    check(eventually(lambda: not os.path.exists(harm), 5), "the harm stays")
    check(time.monotonic() - stopped < 6, "it took too long")
    check(eventually(lambda: not gameday.open(), 3), f"open: {gameday.open()}")
    check(eventually(lambda: not named("guardian")), "the guardian does not end")
    expect_nothing_left(gameday)


def slow_harm(bin_folder, way):
    shop, gameday = make(bin_folder, crash=True)
    shop.up()
    playbook, harm = harm_playbook(shop, "slow-harm", "1s")
    started = gameday.start(playbook)
    sleeping = lambda: [p for p in processes() if p.argv[:2] == ["sleep", "1"]]  # noqa: E731
    check(eventually(lambda: bool(sleeping()), 20, 0.005), gameday.told())
    time.sleep(0.1)
    if way == "both":
        for guardian in named("guardian"):
            os.kill(guardian.pid, signal.SIGKILL)
    started.send_signal(signal.SIGSTOP if way == "stopped" else signal.SIGKILL)
    check(started.wait(10) == -signal.SIGKILL, "the runner is not ended")
    if way == "both":
        expect_code(gameday.revert(), 0)
    check(eventually(lambda: not gameday.open(), 5), f"open: {gameday.open()}")
    time.sleep(1.5)
    check(not os.path.exists(harm), "the harm came after all")
    check(not sleeping(), "the child lives on")
    check(eventually(lambda: not named("guardian")), "the guardian does not end")
    expect_nothing_left(gameday)


for each_way in ("killed", "both", "stopped"):
    CASES["slow-harm-" + each_way] = (
        lambda bin_folder, way=each_way: slow_harm(bin_folder, way))
