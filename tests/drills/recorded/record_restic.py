"""Records what a restic says in each state that its truth table tells apart: its real output, in a
file a state. python3 record_restic.py PROGRAM FOLDER, as root, for one that may not read a file."""

import os
import shutil
import signal
import subprocess
import sys
import time

PLACE = "/tmp/gameday-recorded"
PROGRAM, FOLDER = sys.argv[1], sys.argv[2]
ENVIRONMENT = dict(os.environ, RESTIC_PASSWORD="right", RESTIC_PROGRESS_FPS="0.01", HOME=PLACE)
NOBODY = ["setpriv", "--reuid", "65534", "--clear-groups"]
READS = ["--no-cache", "--no-lock"]


def run(arguments, repository, password="right", before=(), **more):
    environment = dict(ENVIRONMENT, RESTIC_PASSWORD=password, RESTIC_REPOSITORY=repository)
    return subprocess.Popen([*before, PROGRAM, *arguments], env=environment, cwd=PLACE,
                            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                            stderr=subprocess.STDOUT, **more)


def keep(state, arguments, repository, interrupt=None, name=None, **more):
    started = run(arguments, repository, **more)
    if interrupt is not None:
        time.sleep(1.5)
        started.send_signal(interrupt)
    output = started.communicate()[0].decode()
    told = output.split("goroutine 0", maxsplit=1)[0]  # not where every thread of a crash stood
    path = f"{FOLDER}/{arguments[0]}-{name or state}.txt"
    with open(path, "w", encoding="utf-8") as file:
        file.write(f"{state} {started.returncode}\n{told}")
    print(f"{path}: {started.returncode} {output.strip().splitlines()[-1:]}")


def copy(name, of="repository"):
    shutil.rmtree(f"{PLACE}/{name}", ignore_errors=True)
    shutil.copytree(f"{PLACE}/{of}", f"{PLACE}/{name}")
    return f"{PLACE}/{name}"


def largest(folder):
    files = [os.path.join(at, name) for at, _, names in os.walk(folder) for name in names]
    return max(files, key=os.path.getsize)


def damage(path):
    os.chmod(path, 0o600)
    with open(path, "r+b") as file:
        file.seek(os.path.getsize(path) // 2)
        byte = file.read(1)
        file.seek(-1, os.SEEK_CUR)
        file.write(bytes([byte[0] ^ 1]))


def main():
    shutil.rmtree(PLACE, ignore_errors=True)
    source, repository = PLACE + "/source", PLACE + "/repository"
    os.makedirs(source)
    os.makedirs(FOLDER, exist_ok=True)
    os.chmod(PLACE, 0o755)
    for name in range(4):
        with open(f"{source}/{name}", "wb") as file:
            file.write(os.urandom(1 << 20))
    run(["init"], repository).communicate()

    look = ["snapshots", "--json", "--latest", "1", *READS]
    save = ["backup", "--json", "--quiet", "--no-cache", source]
    read = ["check", "--read-data-subset=1/1", *READS]
    back = ["restore", "latest", "--verify", *READS, "--target"]
    keep("done", save, repository)
    keep("done", look, repository)
    keep("done", read, repository)
    keep("done", [*back, PLACE + "/back"], repository)
    for arguments in (look, save, read):
        keep("no-repository", arguments, PLACE + "/nowhere")
        keep("wrong-password", arguments, repository, password="wrong")
    keep("no-password", look, repository, password="")
    keep("unreachable", look, "sftp:nobody@gameday.invalid:/repository")
    broken = copy("config")
    damage(broken + "/config")
    keep("damaged", look, broken, name="damaged-config")

    keep("no-source", ["backup", "--json", "--quiet", "--no-cache", PLACE + "/nowhere"], repository)
    theirs = copy("theirs")
    subprocess.run(["chown", "-R", "65534", theirs], check=True)
    os.chmod(source + "/0", 0o000)
    keep("incomplete", save, theirs, before=NOBODY)
    os.chmod(source + "/0", 0o644)

    os.chmod(largest(theirs + "/data"), 0o000)
    keep("denied", read, theirs, before=NOBODY)

    holder = run(["check", "--read-data", "--limit-download", "100", "--no-cache"], repository)
    time.sleep(3)
    keep("locked", save, repository)
    keep("locked", ["check", "--no-cache"], repository)
    holder.kill()
    holder.communicate()
    run(["unlock"], repository).communicate()

    slow = ["--limit-download", "100"]
    keep("interrupted", [*read, *slow], repository, interrupt=signal.SIGINT)
    keep("interrupted", [*back, PLACE + "/half", *slow], repository, interrupt=signal.SIGINT)
    keep("crashed", [*read, *slow], repository, interrupt=signal.SIGQUIT)
    keep("no-snapshot", ["restore", "0123456789", "--verify", *READS, "--target", PLACE + "/none"],
         repository)
    keep("no-snapshot", ["restore", "0" * 64, "--verify", *READS, "--target", PLACE + "/none"],
         repository, name="no-such-id")
    broken = copy("broken")
    damage(largest(broken + "/data"))
    keep("damaged", read, broken)
    keep("damaged", [*back, PLACE + "/damaged"], broken)
    broken = copy("broken")
    os.remove(largest(broken + "/data"))
    keep("damaged", read, broken, name="missing-pack")
    broken = copy("broken")
    shutil.rmtree(broken + "/index")
    os.makedirs(broken + "/index")
    keep("damaged", read, broken, name="missing-index")
    shutil.rmtree(PLACE)


if __name__ == "__main__":
    main()
