"""What a drill itself backs up goes with it: a base backup is as large as its cluster, and a nightly drill
would fill the disk. It stays where its step says so."""

import glob
import json
import os
import sys

from recovery_test import Archived, expect_end

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "support"))
from shop_world import FOLDER, check, eventually, named, one_case  # noqa: E402

PLAYBOOK = """\
gameday: 1
name: own
summary: What the drill takes itself comes back.
owner: tests
environment: test
objectives: {}
system:
  database: { postgres: "CONNECTION" }
  archive: { postgres-archive: { of: database, wal: WAL, scratch: SCRATCH } }
timeline:
  - BACKUP
  - { restore: TARGET }
"""


def written(postgres, target, backup):
    path = f"{FOLDER}/own.yaml"
    text = PLAYBOOK.replace("CONNECTION", postgres.conninfo("primary")).replace("WAL", postgres.wal)
    text = text.replace("SCRATCH", postgres.scratch).replace("BACKUP", backup)
    with open(path, "w", encoding="utf-8") as file:
        file.write(text.replace("TARGET", target))
    return path


def own_backups(gameday):
    return sorted(glob.glob(gameday.folder + "/private/*/backups/*"))


def goes(postgres, gameday):
    for target in ("archive", "database"):
        ended = gameday.run(written(postgres, target, f"backup: {target}"), "--json")
        document = expect_end(ended, 0)
        check(document["backups"][0]["id"].startswith(gameday.folder + "/private/"), document["backups"])
        check(own_backups(gameday) == [], f"left: {own_backups(gameday)}")
        check(gameday.private_files() == [], f"left: {gameday.private_files()}")
        postgres.expect_nothing_left(gameday)


def stays(postgres, gameday):
    for target in ("archive", "database"):
        ended = gameday.run(written(postgres, target, f"{{ backup: {target}, keep: true }}"), "--json")
        path = expect_end(ended, 0)["backups"][0]["id"]
        left = [one for one in own_backups(gameday) if os.path.dirname(one) == os.path.dirname(path)]
        check(left == [path, path + ".keep"], f"left: {left}")
        check(os.path.isfile(path) or os.path.exists(path + "/PG_VERSION"), "it is not whole")
        reverted = gameday.revert()
        check(reverted.returncode == 0, f"revert: {reverted.stdout}{reverted.stderr}")
        check(os.path.exists(path), "a revert took what was to stay")


def killed(postgres, gameday):
    """While it is taken, and while it is kept for a restore: nobody has an undo for it."""
    slow = f"restore_command: \"sleep 2; cp {postgres.wal}/%f %p\", of:"
    for moment in ("taken", "restored"):
        path = written(postgres, "archive", "backup: archive")
        with open(path, encoding="utf-8") as file:
            text = file.read().replace("of:", slow)
        with open(path, "w", encoding="utf-8") as file:
            file.write(text)
        started = gameday.start(path, "--json")
        files = gameday.folder + "/private/*/backups/*/" + ("global" if moment == "taken" else
                                                            "backup_manifest")
        check(eventually(lambda: glob.glob(files), 60, every=0.005), f"no backup: {gameday.told()}")
        if moment == "restored":
            check(eventually(lambda: glob.glob(postgres.scratch + "/*/data/postmaster.pid"), 60),
                  f"no restore: {gameday.told()}")
        started.kill()
        started.wait()
        check(eventually(lambda: not named("guardian"), 30), "the guardian goes on")
        reverted = gameday.revert("--json")
        check(reverted.returncode == 0, f"revert: {reverted.stdout}{reverted.stderr}")
        check(eventually(lambda: own_backups(gameday) == [], 5), f"left: {own_backups(gameday)}")
        check(json.loads(reverted.stdout)["ok"], reverted.stdout)
        postgres.expect_nothing_left(gameday)


CASES = {"goes": goes, "stays": stays, "killed": killed}


if __name__ == "__main__":
    sys.exit(one_case(Archived, CASES))
