"""Records what redis-check-rdb, redis-check-aof and redis-server say of a backup in each state that
their truth table tells apart: their real output, in a file a state. python3 record_redis.py FOLDER"""

import os
import shutil
import subprocess
import sys
import time

PLACE = "/tmp/gameday-recorded"
FOLDER = sys.argv[1]
SAVED, APPENDED = PLACE + "/saved", PLACE + "/appended"
ALONE = ["--port", "0", "--unixsocket", "s", "--save", "", "--databases", "16384",
         "--sanitize-dump-payload", "yes", "--aof-load-truncated", "no"]


def serve(folder, *settings):
    os.makedirs(folder, exist_ok=True)
    server = subprocess.Popen(["redis-server", *ALONE, *settings], cwd=folder,
                              stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT)
    return server


def cli(folder, *words, text=None):
    return subprocess.run(["redis-cli", "-s", folder + "/s", *words], input=text,
                          capture_output=True, text=True, check=False).stdout.strip()


def write(name, state, code, output):
    with open(f"{FOLDER}/{name}.txt", "w", encoding="utf-8") as file:
        file.write(f"{state} {code}\n" + "".join(f"{line.rstrip()}\n" for line in output.splitlines()))
    print(f"{name}: {state} {code} {output.strip().splitlines()[-1:]}")


def check(command, name, state, *arguments):
    done = subprocess.run([f"redis-check-{command}", *arguments], cwd=PLACE, check=False,
                          stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    write(f"{command}-{name}", state, done.returncode, done.stdout.decode(errors="replace"))


def load(name, state, folder, *settings):
    server = serve(folder, *settings)
    try:
        output = server.communicate(timeout=5)[0].decode(errors="replace")
    except subprocess.TimeoutExpired:
        server.terminate()
        server.communicate()
        sys.exit(f"load-{name}: the server is up")
    write(f"load-{name}", state, server.returncode, output)


def copy(name, of):
    shutil.rmtree(f"{PLACE}/{name}", ignore_errors=True)
    shutil.copytree(of, f"{PLACE}/{name}", ignore=shutil.ignore_patterns("s"))
    return f"{PLACE}/{name}"


def change(path, at, byte=None):
    with open(path, "r+b") as file:
        content = bytearray(file.read())
        content[at] = content[at] ^ 1 if byte is None else byte
        file.seek(0)
        file.write(content)


def cut(path, off):
    os.truncate(path, os.path.getsize(path) - off)


def fill(folder, *settings):
    server = serve(folder, *settings)
    while cli(folder, "PING") != "PONG":
        time.sleep(0.01)
    cli(folder, text="".join(f"SET session:{n} user-{n} EX 36000\n" for n in range(50)))
    cli(folder, text="RPUSH list a b c\nHSET hash a 1\n")
    if "--appendonly" in settings:
        cli(folder, "BGREWRITEAOF")
        while "aof_rewrite_in_progress:0" not in cli(folder, "INFO", "persistence"):
            time.sleep(0.05)
        time.sleep(0.3)
        cli(folder, text="SET after 1\nSET later 2\n")
    else:
        cli(folder, "SAVE")
    server.terminate()
    server.communicate()


def rdb_states():
    fill(SAVED)
    check("rdb", "done", "done", "saved/dump.rdb")
    flipped = copy("flipped", SAVED)
    change(flipped + "/dump.rdb", -30)
    check("rdb", "damaged", "damaged", "flipped/dump.rdb")
    load("damaged", "damaged", flipped)
    kind = copy("kind", SAVED)
    with open(kind + "/dump.rdb", "rb") as file:
        first = file.read().index(b"\xfe\x00\xfb") + 5  # after the sizes of database 0
    change(kind + "/dump.rdb", first, 127)
    check("rdb", "bad-type", "damaged", "kind/dump.rdb")
    tail = copy("tail", SAVED)
    change(tail + "/dump.rdb", -1)
    check("rdb", "checksum", "damaged", "tail/dump.rdb")
    load("checksum", "damaged", tail)
    short = copy("short", SAVED)
    cut(short + "/dump.rdb", 40)
    check("rdb", "truncated", "truncated", "short/dump.rdb")
    load("truncated", "truncated", short)
    other = copy("other", SAVED)
    change(other + "/dump.rdb", 0)
    check("rdb", "no-rdb", "no-rdb", "other/dump.rdb")
    load("no-rdb", "no-rdb", other)
    newer = copy("newer", SAVED)
    change(newer + "/dump.rdb", 7, ord("9"))
    check("rdb", "newer", "newer", "newer/dump.rdb")
    load("newer", "newer", newer)
    fill(PLACE + "/plain", "--rdbchecksum", "no")
    check("rdb", "unchecked", "done", "plain/dump.rdb")
    module = copy("module", SAVED)
    # A key of a module's type (7) whose id no server here knows.
    with open(module + "/dump.rdb", "wb") as file:
        file.write(b"REDIS0010\xfe\x00\x07\x01k\x81" + bytes.fromhex("3e1c0c1a2b3c4c01") + b"\x00\xff"
                   + bytes(8))
    load("module", "module", module)


def aof_states():
    fill(APPENDED, "--appendonly", "yes")
    names = sorted(os.listdir(APPENDED + "/appendonlydir"))
    base, incr, manifest = (next(n for n in names if end in n) for end in ("base", "incr", "manifest"))
    at = "/appendonlydir/"
    check("aof", "done", "done", "appended" + at + manifest)
    check("aof", "missing", "missing", "nowhere" + at + manifest)
    short = copy("aof-short", APPENDED)
    cut(short + at + incr, 5)
    check("aof", "truncated", "invalid", "aof-short" + at + manifest)
    load("truncated-aof", "truncated", short, "--appendonly", "yes")
    broken = copy("aof-broken", APPENDED)
    change(broken + at + incr, 0)
    check("aof", "damaged", "invalid", "aof-broken" + at + manifest)
    load("damaged-aof", "damaged", broken, "--appendonly", "yes")
    bad = copy("aof-base", APPENDED)
    change(bad + at + base, -30)
    check("aof", "damaged-base", "damaged", "aof-base" + at + manifest)
    load("damaged-base", "damaged", bad, "--appendonly", "yes")
    without = copy("aof-without", APPENDED)
    os.remove(without + at + incr)
    check("aof", "missing-file", "missing-file", "aof-without" + at + manifest)
    load("missing-file", "missing-file", without, "--appendonly", "yes")
    half = copy("aof-half", APPENDED)
    with open(half + at + incr, "ab") as file:
        file.write(b"*1\r\n$5\r\nMULTI\r\n*3\r\n$3\r\nSET\r\n$1\r\na\r\n$1\r\n1\r\n")
    check("aof", "half-a-transaction", "invalid", "aof-half" + at + manifest)
    load("half-a-transaction", "truncated", half, "--appendonly", "yes")
    listed = copy("aof-listed", APPENDED)
    change(listed + at + manifest, 0)
    check("aof", "no-manifest", "no-manifest", "aof-listed" + at + manifest)
    load("no-manifest", "no-manifest", listed, "--appendonly", "yes")
    shutil.copyfile(APPENDED + at + incr, PLACE + "/one.aof")
    check("aof", "one-file", "done", "one.aof")
    cut(PLACE + "/one.aof", 5)
    check("aof", "one-file-truncated", "invalid", "one.aof")


def main():
    shutil.rmtree(PLACE, ignore_errors=True)
    os.makedirs(PLACE)
    os.makedirs(FOLDER, exist_ok=True)
    rdb_states()
    aof_states()
    shutil.rmtree(PLACE)


main()
