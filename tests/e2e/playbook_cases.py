"""The playbooks of the shop with their exit codes, and numbers that somebody else tells too."""

import contextlib
import json
import os
import re
import sqlite3
import subprocess
import sys
import time

import yaml

from case_support import (CASES, KILL_WEST, case, expect_code, expect_nothing_left,
                          expect_one_document, expect_reason, make, was_too_busy)
from shop_world import FOLDER, SOURCE, Wrong, check, eventually, processes, proxy_toxics
from short_drill import short_playbook


def expect_told_by_someone_else(shop, gameday, store="none"):
    """The script that shares no code with gameday comes to the same numbers."""
    told = subprocess.run(
        [sys.executable, SOURCE + "/tests/tell/tell.py", gameday.out, "--store", store,
         "--access-log", shop.run + "/front.access.jsonl"], capture_output=True, text=True)
    check(told.returncode == 0, f"somebody else says:\n{told.stdout}{told.stderr}")


def run_on_a_quiet_machine(shop, gameday, name):
    """Where this machine was too busy to keep the load's plan, the drill says that it cannot tell:
    then once more."""
    for _ in range(2):
        ended = gameday.run(f"{shop.folder}/{name}.yaml", "--json", wait=100)
        if not was_too_busy(ended):
            break
    return ended


def expect_coverage(gameday, document):
    """What was assessed of what applies, by the weights in the bundle's rubric and nothing else."""
    with open(gameday.out + "/rubric.yaml", encoding="utf-8") as file:
        rubric = yaml.safe_load(file)
    tiers = {"required": 3, "good": 2, "best": 1}
    names = {"OPS": "operational excellence", "SEC": "security", "REL": "reliability",
             "PERF": "performance efficiency", "COST": "cost optimization"}
    outcomes = {one["id"]: one["result"] for pillar in document["score"]["pillars"]
                for one in pillar["criteria"]}
    check(set(outcomes) == set(rubric["criteria"]), "the rubric has other criteria")
    whole = 0
    for prefix, name in names.items():
        weights = {one: tiers[terms["tier"]] for one, terms in rubric["criteria"].items()
                   if one.startswith(prefix + "-") and outcomes[one] != "not_applicable"}
        assessed = sum(weight for one, weight in weights.items()
                       if outcomes[one] in ("pass", "fail", "partial"))
        share = float(rubric["pillars"][name].rstrip("%")) / 100
        whole += share * assessed / sum(weights.values())
    told = document["score"]["coverage"]
    check(0 <= whole - told < 0.0001, f"the coverage is {whole}, told is {told}")
    measured = {prefix: sum(outcomes[one] == "pass" for one in outcomes
                            if one.startswith(prefix + "-")) for prefix in names}
    least = {"REL": 6, "PERF": 3, "OPS": 2, "SEC": 2, "COST": 1}
    check(all(measured[prefix] >= count for prefix, count in least.items()),
          f"so many criteria hold: {measured}")


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
        if name == "store-lost-and-restored":
            expect_coverage(gameday, document)
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
def system_that_was_up_stays_up(bin_folder):
    shop, gameday = make(bin_folder)
    shop.up()
    before = {process.name: process.pid for process in processes() if process.name != "unshare"}
    check(proxy_toxics() is None, "a proxy stands before the drill")
    ended = run_on_a_quiet_machine(shop, gameday, "queue-dropped")
    expect_code(ended, 0)
    after = {process.name: process.pid for process in processes() if process.name != "unshare"}
    check(before == after, f"what stood before: {before}, what stands now: {after}")
    expect_nothing_left(gameday)


@case
def invalid_playbook(bin_folder):
    shop, gameday = make(bin_folder)
    text = short_playbook(KILL_WEST.replace("west", "wset").replace("30s", "30"))
    playbook = shop.write("wrong.yaml", text)
    ended = gameday.run(playbook, "--json")
    expect_code(ended, 2)
    document = expect_one_document(ended)
    check(document["verdict"] == "invalid", f"verdict {document['verdict']}")
    check([r["code"] for r in document["reasons"]] == [2, 2], f"{document['reasons']}")
    check(document["reasons"][0]["text"].startswith(playbook + ":"), f"{document['reasons']}")
    check(not os.path.exists(gameday.store), "a store was made for an invalid playbook")
    checked = subprocess.run([gameday.program, "check", playbook], capture_output=True, text=True)
    expect_code(checked, 2)
    errors = [line for line in checked.stderr.splitlines() if "error:" in line]
    check(len(errors) == 2, f"two errors stand in it: {checked.stderr}")
    for line in errors:
        check(re.match(re.escape(playbook) + r":\d+:\d+: ", line), f"no place: {line}")


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
    document = expect_one_document(ended)
    lost = document["recovery"]["lost"]
    check(lost > 0, "nothing is lost")
    expect_reason(document, f"{lost} acknowledged writes are lost or stale")
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
    expect_reason(document, "1 acknowledged writes are lost or stale")
    copies = [path for path in gameday.private_files() if path.endswith(".db")]
    # The superseded ones, and what the drill itself backed up.
    check(len(copies) == 3, f"the copies that may be needed: {gameday.private_files()}")
    kept = [path for path in copies if "/backups/" in path]
    texts = [reason["text"] for reason in document["reasons"]]
    check(len(kept) == 1 and any(kept[0] in text for text in texts), f"{kept} is not named: {texts}")
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
