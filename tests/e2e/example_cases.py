"""The example in each command's help, run as it stands there, from the root of a clone."""

import os
import shlex
import shutil
import signal
import socket
import subprocess

from case_support import case, check, program
from shop_world import FOLDER, SOURCE, Wrong, eventually

CLONE = FOLDER + "/clone"
# Those that speak to a drill while it runs, and one that runs until it is told to end.
TO_A_LIVE_DRILL = {"status", "stop", "note", "ack", "approve"}
# What the drill waits for where a command answers it.
WAITS_FOR = {"ack": "human: { do: look at the shop, by: sre, within: 1m }",
             "approve": "approve: { role: service-owner, within: 1m }"}
WAITING = """\
gameday: 1
name: waits
summary: Waits for a person.
owner: tests
system: { front: { http: "http://127.0.0.1:8080" } }
timeline:
  - STEP
"""
UNTIL_TOLD = {"proxy"}
# What asks the shop itself, outside of any drill.
TO_THE_SHOP = {"load"}


def environment(bin_folder):
    return dict(os.environ, SHOP_BIN=bin_folder, XDG_STATE_HOME=FOLDER + "/state",
                PATH=os.path.dirname(program(bin_folder)) + ":" + os.environ["PATH"])


def run(argv, env, wait=150):
    """Not over pipes: what a drill starts may keep their ends open."""
    with open(FOLDER + "/told", "wb+") as told:
        ended = subprocess.run(argv, cwd=CLONE, env=env, stdin=subprocess.DEVNULL, stdout=told,
                               stderr=told, timeout=wait)
        told.seek(0)
        return ended.returncode, told.read().decode(errors="replace")


def examples(env):
    """Command by command, in the order of the help."""
    told = run(["gameday", "__complete", ""], env)[1]
    found = {}
    for line in told.splitlines()[1:]:
        name = line.split("\t")[0]
        code, text = run(["gameday", "help", name], env)
        check(code == 0 and "\nExample:\n  " in text, f"help {name}: {code} {text}")
        found[name] = shlex.split(text.split("\nExample:\n  ")[1].strip())
    return found


def listens(port):
    with socket.socket() as tried:
        return tried.connect_ex(("127.0.0.1", port)) == 0


def run_until_told(argv, env):
    with subprocess.Popen(argv, cwd=CLONE, env=env, stdin=subprocess.DEVNULL) as child:
        port = int(argv[argv.index("--listen") + 1].rpartition(":")[2])
        stood = eventually(lambda: listens(port) or child.poll() is not None, 10)
        check(stood and child.poll() is None, f"{argv} does not stand")
        child.send_signal(signal.SIGTERM)
    return 0, ""


def run_beside_a_drill(name, argv, env):
    playbook = "playbooks/shop/survives-a-killed-worker.yaml"
    if name in WAITS_FOR:
        playbook = f"playbooks/shop/waits-for-{name}.yaml"
        with open(f"{CLONE}/{playbook}", "w", encoding="utf-8") as file:
            file.write(WAITING.replace("STEP", WAITS_FOR[name]))
    live = subprocess.Popen(
        ["gameday", "run", playbook, "--quiet"], cwd=CLONE,
        env=env, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        alive = eventually(lambda: " running" in run(["gameday", "list"], env)[1], 10)
        check(alive, "the drill does not run")
        ended = []
        # Its step may not have begun yet.
        eventually(lambda: ended.append(run(argv, env)) or ended[-1][0] == 0, 5, 0.2)
        return ended[-1]
    finally:
        live.send_signal(signal.SIGINT)
        live.wait(60)


def run_beside_the_shop(argv, env):
    shop = ["playbooks/shop/shop"]
    code, told = run([*shop, "up"], env)
    check(code == 0, f"shop up: {told}")
    try:
        return run(argv, env)
    finally:
        run([*shop, "down"], env)


def run_on_a_quiet_machine(argv, env):
    """Where this machine was too busy to keep a load's plan, a drill says so: then once more."""
    for _ in range(2):
        code, told = run(argv, env)
        if code != 6 or "missed its plan" not in told:
            break
    return code, told


def run_one(name, argv, env):
    if name in UNTIL_TOLD:
        return run_until_told(argv, env)
    if name in TO_THE_SHOP:
        return run_beside_the_shop(argv, env)
    if name in TO_A_LIVE_DRILL:
        return run_beside_a_drill(name, argv, env)
    return run_on_a_quiet_machine(argv, env)


@case
def examples_in_the_help_run(bin_folder):
    shutil.copytree(SOURCE + "/playbooks", CLONE + "/playbooks",
                    ignore=shutil.ignore_patterns("run"))
    env = environment(bin_folder)
    found = examples(env)
    check(len(found) > 15, f"only {list(found)}")
    wrong, done = [], []
    # A drill first: others ask about it.
    for name in ["run"] + [name for name in found if name != "run"]:
        argv = found[name]
        check(argv[0] == "gameday", f"{name}: {argv}")
        if argv in done:
            continue
        done.append(argv)
        code, told = run_one(name, argv, env)
        if code != 0:
            wrong.append(f"{name}: `{' '.join(argv)}` ends with {code}\n{told[-1500:]}")
    if wrong:
        raise Wrong("\n".join(wrong))
