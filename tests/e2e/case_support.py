"""What the cases share: their register, a shop with its gameday, what is expected of both."""

import json
import os

from shop_world import Gameday, Shop, Wrong, check, eventually, named


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


def was_too_busy(ended):
    """This machine could not keep the load's plan, and the drill says so."""
    return ended.returncode == 6 and "missed its plan" in ended.stdout


def expect_code(ended, code):
    check(ended.returncode == code,
          f"exit code {ended.returncode}, not {code}\n{ended.stdout[-2000:]}\n{ended.stderr}")


def expect_one_document(ended):
    """Standard output is one JSON document and nothing else."""
    document = json.loads(ended.stdout)
    check(document["exit_code"] == ended.returncode, f"the document says {document['exit_code']}")
    return document


def expect_reason(document, text):
    """A failed drill says why."""
    texts = [reason["text"] for reason in document["reasons"] if reason["code"] == 1]
    check(any(text in one for one in texts), f"no reason says `{text}`: {document['reasons']}")


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
