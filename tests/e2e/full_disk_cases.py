"""A drill whose own filesystem becomes full while a fault is in force: it ends, and says why."""

import os
import subprocess

from case_support import (KILL_WEST, case, expect_code, expect_nothing_left, expect_one_document,
                          make, run_until_killed, was_too_busy)
from shop_world import FOLDER, check, eventually, named
from short_drill import short_playbook


def fill(folder):
    """Until not one byte more can be written."""
    with open(folder + "/filler", "ab", buffering=0) as file:
        for size in (1 << 16, 1 << 10, 1):
            try:
                while True:
                    file.write(b"f" * size)
            except OSError:
                continue


def asked(gameday, *command):
    return subprocess.run(gameday.command(*command), capture_output=True, text=True, timeout=60)


def with_a_small_store(bin_folder):
    shop, gameday = make(bin_folder)
    small = FOLDER + "/small"
    os.makedirs(small, mode=0o700)
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=8m,mode=700", "tmpfs", small], check=True)
    gameday.store = small + "/gameday.db"
    shop.up()
    return shop, gameday, small


def expect_all_put_back(shop, ended):
    check("STOP by journal: the journal cannot be written" in ended.stderr
          and "disk is full" in ended.stderr, ended.stderr)
    check([p.pid for p in named("west")] == [shop.pid("west")], "west is not back, once")
    check(shop.count("key LIKE '%checkout%'") == 0, "what the load wrote stays")
    check(not named("guardian"), "a guardian is still there")


@case
def full_disk_under_the_store(bin_folder):
    """What is undone is in the journal all the same, which has kept room for that."""
    shop, gameday, small = with_a_small_store(bin_folder)
    playbook = shop.write("p.yaml", short_playbook(KILL_WEST))
    started = run_until_killed(shop, gameday, playbook, "--json")
    fill(small)
    ended = gameday.finish(started, 60)
    expect_all_put_back(shop, ended)
    expect_code(ended, 4)
    document = expect_one_document(ended)
    check(document["stop"]["by"] == "journal", f"stopped by {document['stop']}")
    check([fault["undo"] for fault in document["faults"]] == ["undone"], f"{document['faults']}")
    check(document["residue"] == [], f"residue: {document['residue']}")
    expect_nothing_left(gameday)
    expect_code(asked(gameday, "verify", "latest"), 0)
    refused = gameday.run(playbook, "--json")
    expect_code(refused, 3)
    reason = expect_one_document(refused)["reasons"][0]["text"]
    check("cannot open the store" in reason and "No space left" in reason, reason)
    os.remove(small + "/filler")
    ended = gameday.run(shop.write("p.yaml", short_playbook("wait: 100ms")))
    check(ended.returncode == 0 or was_too_busy(ended), ended.stderr)


@case
def full_disk_that_takes_the_room_for_undoing_too(bin_folder):
    """With the bundle on it as well: what cannot be written down is undone all the same, and named
    where no journal says so."""
    shop, gameday, small = with_a_small_store(bin_folder)
    gameday.out = small + "/out"
    playbook = shop.write("p.yaml", short_playbook(KILL_WEST))
    started = run_until_killed(shop, gameday, playbook, "--json")
    fill(small)
    check(eventually(lambda: not os.path.exists(gameday.store + ".reserve"), 20), "no reserve")
    fill(small)
    ended = gameday.finish(started, 60)
    expect_all_put_back(shop, ended)
    expect_one_document(ended)
    named_so = ended.returncode == 5 and "by hand: gameday revert --store" in ended.stderr
    check(ended.returncode == 4 or named_so, f"exit code {ended.returncode}: {ended.stderr}")
    fill(small)
    listed = asked(gameday, "list")
    check(listed.returncode == 0 or "is full" in listed.stderr, listed.stderr)
    os.remove(small + "/filler")
    # What the journal could not take is looked at once more, and found gone.
    expect_code(gameday.revert(), 0)
    check([p.pid for p in named("west")] == [shop.pid("west")], "west is not back, once")
    expect_nothing_left(gameday)
    expect_code(asked(gameday, "report", "latest", "--out", FOLDER + "/again"), 0)
