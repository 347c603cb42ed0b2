"""The cases: what each exit code, each stop and each death must look like from outside."""

import base64
import contextlib
import json
import os
import re
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
import urllib.parse

from shop_world import (FOLDER, SOURCE, Gameday, Shop, Wrong, check, eventually, http, named, processes,
                        proxy_toxics)
from short_drill import short_playbook

CASES = {}

KILL_WEST = "{ fault: kill, target: west, for: 30s }"


def case(function):
    CASES[function.__name__.replace("_", "-")] = function
    return function


def program(bin_folder):
    """Beside the folder of the other programs, as the build puts it."""
    return os.path.join(os.path.dirname(bin_folder), "gameday")


def make(bin_folder, crash=False, **switches):
    shop = Shop(bin_folder, **switches)
    return shop, Gameday(bin_folder + "/gameday_crash" if crash else program(bin_folder), shop)


def expect_code(ended, code):
    check(ended.returncode == code,
          f"exit code {ended.returncode}, not {code}\n{ended.stdout[-2000:]}\n{ended.stderr}")


def expect_one_document(ended):
    """Standard output is one JSON document and nothing else."""
    document = json.loads(ended.stdout)
    check(document["exit_code"] == ended.returncode, f"the document says {document['exit_code']}")
    return document


def expect_nothing_left(gameday, document=None):
    """Where a drill lost data the superseded copies stay, and its document says where."""
    check(gameday.open() == [], f"left open: {gameday.open()}")
    check(not named("guardian"), "a guardian is still there")
    lost = document is not None and document["recovery"]["lost"] > 0
    for path in gameday.private_files():
        told = path.endswith(".json") or path in json.dumps(document["reasons"] if lost else [])
        check(lost and told, f"a private file stays: {path}")


def dead(shop, name, before):
    return all(process.pid != before for process in named(name)) and shop.pid(name) == before


def run_until_killed(shop, gameday, playbook, *arguments, environment=None, target="west"):
    """Starts a drill and returns it once its fault has ended `target`."""
    before = shop.pid(target)
    started = gameday.start(playbook, *arguments, environment=environment)
    if not eventually(lambda: dead(shop, target, before), 20):
        raise Wrong(f"{target} is not killed\n{gameday.told()}")
    return started


def run_on_a_quiet_machine(shop, gameday, name):
    """Where this machine was too busy to keep the load's plan, the drill says that it cannot tell:
    then once more."""
    for _ in range(2):
        ended = gameday.run(f"{shop.folder}/{name}.yaml", "--json", wait=100)
        if ended.returncode != 6 or "missed its plan" not in ended.stdout:
            break
    return ended


def expect_told_by_someone_else(shop, gameday, store="none"):
    """The script that shares no code with gameday comes to the same numbers."""
    told = subprocess.run(
        [sys.executable, SOURCE + "/tests/tell/tell.py", gameday.out, "--store", store,
         "--access-log", shop.run + "/front.access.jsonl"], capture_output=True, text=True)
    check(told.returncode == 0, f"somebody else says:\n{told.stdout}{told.stderr}")


def playbook_case(name, code, verdict):
    def run(bin_folder):
        shop, gameday = make(bin_folder)
        planned = subprocess.run(
            [gameday.program, "plan", f"{shop.folder}/{name}.yaml", "--json"],
            capture_output=True, text=True)
        expect_code(planned, 0)
        ended = run_on_a_quiet_machine(shop, gameday, name)
        expect_code(ended, code)
        document = expect_one_document(ended)
        check(document["plan_sha256"] == json.loads(planned.stdout)["plan_sha256"],
              "the drill has another plan than `gameday plan` says")
        check(document["verdict"] == verdict, f"verdict {document['verdict']}")
        check(document["reasons"], "no reasons are given")
        check(document == gameday.result(), "result.json is another document")
        expect_nothing_left(gameday, document)
        if code in (0, 1):
            expect_told_by_someone_else(shop, gameday)
        check(not [p for p in processes() if p.name != "unshare"],
              f"what the drill started stays: {[p.argv for p in processes()]}")

    CASES["playbook-" + name] = run


playbook_case("survives-a-killed-worker", 0, "passed")
playbook_case("survives-losing-a-region", 0, "passed")
playbook_case("queue-dropped", 0, "passed")
playbook_case("store-lost-and-restored", 0, "passed")
playbook_case("store-lost-with-an-old-backup", 1, "failed")
playbook_case("no-steady-state", 3, "not_started")
playbook_case("fault-that-does-not-bite", 6, "inconclusive")


@case
def invalid_playbook(bin_folder):
    shop, gameday = make(bin_folder)
    text = short_playbook(KILL_WEST.replace("west", "wset").replace("30s", "30"))
    playbook = shop.write("wrong.yaml", text)
    ended = gameday.run(playbook)
    expect_code(ended, 2)
    check(not os.path.exists(gameday.store), "a store was made for an invalid playbook")
    checked = subprocess.run([gameday.program, "check", playbook], capture_output=True, text=True)
    expect_code(checked, 2)
    errors = [line for line in checked.stderr.splitlines() if "error:" in line]
    check(len(errors) == 2, f"two errors stand in it: {checked.stderr}")
    for line in errors:
        check(re.match(re.escape(playbook) + r":\d+:\d+: ", line), f"no place: {line}")


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
def switched_off_outbox_fails(bin_folder):
    # Without the worker the queue is never empty, so that a drop always loses something.
    shop, gameday = make(bin_folder, SHOP_OUTBOX="off")
    shop.up()
    steps = ("{ fault: kill, target: worker, id: held }",
             "wait: 1s",
             "{ fault: drop-queue, target: orders, for: 500ms, restore_messages: false }",
             "revert: held")
    text = short_playbook(*steps, objectives=", rpo: 0s")
    text = text.replace("  links:", "  worker:  { process: { pidfile: run/worker.pid } }\n  links:")
    ended = gameday.run(shop.write("p.yaml", text), "--json")
    expect_code(ended, 1)
    check(expect_one_document(ended)["recovery"]["lost"] > 0, "nothing is lost")
    expect_nothing_left(gameday)


@case
def deleted_row_after_the_restore_fails(bin_folder):
    shop, gameday = make(bin_folder)
    shop.up()
    # The first wait is for this test's eyes: a restore alone is over before it has looked.
    steps = ("backup: store", "{ fault: lose-data, target: store }", "wait: 1s",
             "{ restore: store, into: place, replay: orders }", "wait: 3s")
    playbook = shop.write("p.yaml", short_playbook(*steps, objectives=", rpo: 0s"))
    started = gameday.start(playbook, "--json")
    check(eventually(lambda: isinstance(shop.count("1"), str), 20), "the store is not lost")
    check(eventually(lambda: shop.count("1") not in (0,) and not isinstance(shop.count("1"), str),
                     20), "the store is not restored")
    time.sleep(1)
    deleted = subprocess.run(
        ["sqlite3", "-cmd", ".timeout 5000", shop.run + "/store.db",
         "DELETE FROM orders WHERE id = (SELECT min(id) FROM orders)"],
        capture_output=True, text=True)
    check(deleted.returncode == 0, deleted.stderr)
    ended = gameday.finish(started, 60)
    expect_code(ended, 1)
    document = expect_one_document(ended)
    check(document["recovery"]["lost"] == 1, "not just the deleted row is lost")
    copies = [path for path in gameday.private_files() if path.endswith(".db")]
    check(len(copies) == 2, f"the superseded copies: {gameday.private_files()}")
    expect_nothing_left(gameday, document)


@case
def outage_and_ledger_are_told_by_someone_else(bin_folder):
    shop, gameday = make(bin_folder)
    shop.up()
    steps = ("{ fault: kill, target: door, for: 1s }", "wait: 1s", "backup: store",
             "{ fault: lose-data, target: store }",
             "{ restore: store, into: place, replay: orders }")
    text = short_playbook(*steps, objectives=", rpo: 0s") + "  - { wait: 3s, id: look }\n"
    text = text.replace("  links:", "  door:    { process: { pidfile: run/front.pid } }\n  links:")
    started = gameday.start(shop.write("p.yaml", text), "--json")
    check(eventually(lambda: "step look wait" in gameday.told(), 60), gameday.told())
    # Every row is there now, and the clean-up is still to come.
    rows = FOLDER + "/rows.db"
    with contextlib.closing(sqlite3.connect(f"file:{shop.run}/store.db?mode=ro", uri=True)) as db, \
            contextlib.closing(sqlite3.connect(rows)) as copy:
        db.backup(copy)
    ended = gameday.finish(started, 60)
    expect_code(ended, 0)
    document = expect_one_document(ended)
    rto = document["outages"][0]["rto_s"]
    check(len(document["outages"]) == 1 and 0.8 < rto["lo"] < rto["hi"], document["outages"])
    expect_told_by_someone_else(shop, gameday, rows)
    expect_told_by_someone_else(shop, gameday)
    with open(gameday.out + "/result.json", "w", encoding="utf-8") as file:
        document["recovery"]["rto_s"] -= 0.1
        json.dump(document, file)
    try:
        expect_told_by_someone_else(shop, gameday, rows)
    except Wrong as wrong:
        check("RTO, s" in str(wrong), str(wrong))
    else:
        raise Wrong("somebody else agrees with a forged RTO")
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
    second = gameday.run(playbook)
    expect_code(second, 3)
    check("has left something" in second.stderr, second.stderr)
    check(not named("west"), "run has healed what another drill left")
    other = Gameday(gameday.program, shop, FOLDER + "/another-store")
    third = other.run(playbook)
    expect_code(third, 3)
    check(gameday.store in third.stderr, f"the other store is not named: {third.stderr}")
    expect_code(gameday.revert(), 0)
    expect_nothing_left(gameday)
    check([p.pid for p in named("west")] == [shop.pid("west")], "west is not back, once")


@case
def two_drills_on_one_target(bin_folder):
    shop, gameday = make(bin_folder)
    shop.up()
    playbook = shop.write("p.yaml", short_playbook(KILL_WEST))
    started = run_until_killed(shop, gameday, playbook)
    other = Gameday(gameday.program, shop, FOLDER + "/another-store")
    second = other.run(playbook)
    expect_code(second, 3)
    check("in use" in second.stderr, second.stderr)
    alive = gameday.revert()
    check("nothing is left" in alive.stderr or alive.returncode == 1, alive.stderr)
    check(not named("west"), "somebody has undone the fault of a living drill")
    started.send_signal(signal.SIGTERM)
    expect_code(gameday.finish(started, 30), 4)
    expect_nothing_left(gameday)


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


CANARY = 'kanarie7f3a/+"&=%x'
CORE = "kanarie7f3a"


def needles():
    """The canary and its core, plainly and in every disguise; base64 at each alignment."""
    found = {CORE.encode(), CANARY.encode(), urllib.parse.quote(CANARY, safe="").encode(),
             json.dumps(CANARY)[1:-1].encode(), CORE.encode().hex().encode()}
    for offset in range(3):
        encoded = base64.b64encode(b"x" * offset + CORE.encode() + b"xxx")
        found.add(encoded[4 if offset else 0:4 * ((offset + len(CORE)) // 3)])
    return found


def places_with_the_canary(gameday):
    """Files of gameday's and command lines of all processes."""
    found = []
    for top in (gameday.folder, "/run/gameday", "/run/lock"):
        for folder, _, names in os.walk(top):
            for name in names:
                path = os.path.join(folder, name)
                if os.path.isfile(path):
                    with open(path, "rb") as file:
                        content = file.read()
                    if any(needle in content for needle in needles()):
                        found.append(path)
    for process in processes():
        if any(needle in "\0".join(process.argv).encode() for needle in needles()):
            found.append(f"the command line of {process.name}")
    return found


@case
def secrets_stay_secret(bin_folder):
    shop, gameday = make(bin_folder)
    shop.environment["SECRET_OF_THE_SHOP"] = CANARY
    shop.up()
    del shop.environment["SECRET_OF_THE_SHOP"]
    headers = ', headers: { X-Auth: "${env:CANARY}" }'
    playbook = shop.write("p.yaml", short_playbook(KILL_WEST.replace("30s", "1s"),
                                                   headers=headers))
    started = run_until_killed(shop, gameday, playbook, "--json", environment={"CANARY": CANARY})
    time.sleep(0.2)
    inside = places_with_the_canary(gameday)
    check(len(inside) == 1 and inside[0].endswith(".environment"), f"while it lives: {inside}")
    check(os.stat(inside[0]).st_mode & 0o777 == 0o600, "others may read the private file")
    ended = gameday.finish(started, 60)
    expect_code(ended, 0)
    check(places_with_the_canary(gameday) == [], f"{places_with_the_canary(gameday)}")
    environment = open(f"/proc/{shop.pid('west')}/environ", "rb").read()
    check(CANARY.encode() in environment, "west was put back without its environment")
    expect_nothing_left(gameday)
    # The guardian gets the value over its pipe, to clean up after a killed runner.
    long_one = shop.write("q.yaml", short_playbook(KILL_WEST, headers=headers))
    started = run_until_killed(shop, gameday, long_one, environment={"CANARY": CANARY})
    started.kill()
    started.wait()
    check(eventually(lambda: not gameday.open(), 3), f"open: {gameday.open()} {gameday.told()}")
    check(eventually(lambda: not named("guardian")), "the guardian does not end")
    check(shop.count("1") == 0, "the load's orders stay")
    check(places_with_the_canary(gameday) == [], f"{places_with_the_canary(gameday)}")
    expect_nothing_left(gameday)
