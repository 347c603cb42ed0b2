"""Secrets are found nowhere but where they must be, and only while they must."""

import base64
import contextlib
import json
import os
import resource
import signal
import subprocess
import time
import urllib.parse

from case_support import KILL_WEST, case, expect_code, expect_nothing_left, make, run_until_killed
from shop_world import check, eventually, named, processes
from short_drill import short_playbook


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


def environments_with_the_canary(runner=None):
    """Of all processes but the runner, which was given it."""
    found = []
    for process in processes():
        with contextlib.suppress(OSError), open(f"/proc/{process.pid}/environ", "rb") as file:
            if process.pid != runner and CANARY.encode() in file.read():
                found.append(process.name)
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


@case
def secrets_of_a_loads_requests_stay_secret(bin_folder):
    """However a request says who asks; the canary in base64 is a secret too."""
    shop, gameday = make(bin_folder)
    shop.up()
    environment = {"CANARY": CANARY}
    for auth in ('auth: { basic: { user: ann, password: "${env:CANARY}" } }',
                 'auth: { bearer: "${env:CANARY}" }, cookies: { session: "${env:CANARY}" }',
                 'auth: { sigv4: { access_key: "${env:CANARY}", secret_key: "${env:CANARY}", '
                 'session_token: "${env:CANARY}", region: eu-west-1 } }'):
        playbook = shop.write("p.yaml", short_playbook(KILL_WEST.replace("30s", "1s"),
                                                       headers=", " + auth))
        expect_code(gameday.run(playbook, "--json", environment=environment), 0)
        check(places_with_the_canary(gameday) == [], f"{auth}: {places_with_the_canary(gameday)}")
        expect_nothing_left(gameday)
        planned = subprocess.run(gameday.command("plan", playbook, "--json"), text=True,
                                 capture_output=True, timeout=60,
                                 env=dict(shop.environment, **environment))
        check(planned.returncode == 0 and "checkout" in planned.stdout, planned.stderr)
        shown = (planned.stdout + planned.stderr).encode()
        check(not any(needle in shown for needle in needles()), f"{auth}: in the plan")


@case
def secrets_are_not_inherited(bin_folder):
    """Proxies and the system outlive a killed runner, and its secrets must not."""
    shop, gameday = make(bin_folder)
    text = short_playbook(KILL_WEST, headers=', headers: { X-Auth: "${env:CANARY}" }')
    shop_target = "  shop:    { start: [./shop, up], stop: [./shop, down], ready: answers }\n"
    playbook = shop.write("p.yaml", text.replace("system:\n", "system:\n" + shop_target))
    started = gameday.start(playbook, environment={"CANARY": CANARY})
    check(eventually(lambda: '"kill"' in json.dumps(gameday.open()), 20), gameday.told())
    check(len(named("guardian")) == 1 and len(named("proxy")) == 1, "no guardian, or no proxy")
    found = environments_with_the_canary(runner=started.pid)
    check(found == [], f"inherited by {found}")
    started.kill()
    started.wait()
    check(eventually(lambda: not gameday.open(), 3), f"open: {gameday.open()} {gameday.told()}")
    check(eventually(lambda: not named("guardian")), "the guardian does not end")
    check(len(named("front")) == 1, "the system ended with its runner")
    check(environments_with_the_canary() == [], f"kept by {environments_with_the_canary()}")


@case
def no_core_is_made(bin_folder):
    """Of a runner that dies where cores are asked for; one would hold its secrets."""
    shop, gameday = make(bin_folder)
    shop.up()
    playbook = shop.write("p.yaml", short_playbook(KILL_WEST))
    resource.setrlimit(resource.RLIMIT_CORE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
    dumping = subprocess.Popen(["sleep", "60"], cwd=shop.folder)
    dumping.send_signal(signal.SIGQUIT)
    ended = os.waitid(os.P_PID, dumping.pid, os.WEXITED | os.WNOWAIT)
    dumping.wait()
    check(ended.si_code == os.CLD_DUMPED, "this machine makes no cores: nothing is tried here")
    started = run_until_killed(shop, gameday, playbook)
    pids = [started.pid] + [process.pid for process in named("guardian")]
    for pid in pids:
        with open(f"/proc/{pid}/limits", encoding="utf-8") as file:
            limit = next(line for line in file if line.startswith("Max core file size"))
        # One byte: less than any core, and the kernel pipes none to a handler either.
        check(limit.split()[4] == "1", f"process {pid}: {limit}")
    started.send_signal(signal.SIGQUIT)
    ended = os.waitid(os.P_PID, started.pid, os.WEXITED | os.WNOWAIT)
    started.wait()
    check(ended.si_code == os.CLD_KILLED, "a core was made of the runner")
    check(eventually(lambda: not gameday.open(), 3), f"open: {gameday.open()} {gameday.told()}")
    expect_nothing_left(gameday)
