"""Records what a pgBackRest says in each state that its truth table tells apart: its real output, in
a file a state. python3 record_pgbackrest.py FOLDER, as root, with a PostgreSQL 15."""

import glob
import os
import shutil
import subprocess
import sys
import time

PLACE = "/tmp/gameday-recorded-pgbackrest"
FOLDER = sys.argv[1]
BIN = "/usr/lib/postgresql/15/bin/"
SERVER = ["setpriv", "--reuid", "postgres", "--regid", "postgres", "--init-groups"]
SHOP = ["pgbackrest", f"--config={PLACE}/pgbackrest.conf", "--stanza=shop"]
CONFIG = f"""[global]
repo1-path={PLACE}/repo
repo1-cipher-type=aes-256-cbc
repo1-cipher-pass=right
repo1-retention-full=9
log-path={PLACE}/log
lock-path={PLACE}/lock
log-level-console=warn
log-level-file=off
start-fast=y
[shop]
pg1-path={PLACE}/data
pg1-socket-path={PLACE}
pg1-port=5599
"""
SETTINGS = f"""listen_addresses=''
unix_socket_directories='{PLACE}'
port=5599
fsync=off
archive_mode=on
archive_command='{" ".join(SHOP)} archive-push %p'
"""


def run(*command):
    return subprocess.run([*SERVER, *command], cwd=PLACE, stdin=subprocess.DEVNULL, errors="replace",
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT)


def keep(state, *arguments, name=None, command=None):
    done = run(*(command or SHOP), *arguments)
    path = f"{FOLDER}/{[one for one in arguments if one[0] != '-'][0]}-{name or state}.txt"
    with open(path, "w", encoding="utf-8") as file:
        file.write(f"{state} {done.returncode}\n{done.stdout}")
    print(f"{path}: {done.returncode} {done.stdout[-300:]}")


def info(state, name=None, command=None):
    keep(state, "info", "--output=json", name=name, command=command)


def verify(state, name=None):
    keep(state, "verify", "--output=text", "--verbose", name=name)


def restore(state, *options, name=None):
    shutil.rmtree(PLACE + "/back", ignore_errors=True)
    run("mkdir", "-m", "700", PLACE + "/back")
    keep(state, "restore", f"--pg1-path={PLACE}/back", "--archive-mode=off", *options, name=name)


def psql(sql):
    return run("psql", "-XqAt", "-h", PLACE, "-p", "5599", "-c", sql, "postgres").stdout


def write(name, text):
    with open(f"{PLACE}/{name}", "w", encoding="utf-8") as file:
        file.write(text)


def moved(path):
    os.rename(path, PLACE + "/aside")
    return lambda: os.rename(PLACE + "/aside", path)


def damaged(path):
    shutil.copy2(path, PLACE + "/aside")
    shutil.chown(PLACE + "/aside", "postgres", "postgres")
    with open(path, "r+b") as file:
        file.seek(os.path.getsize(path) // 2)
        file.write(b"damaged")
    return lambda: os.rename(PLACE + "/aside", path)


def start():
    shutil.rmtree(PLACE, ignore_errors=True)
    os.makedirs(PLACE)
    os.makedirs(FOLDER, exist_ok=True)
    shutil.chown(PLACE, "postgres", "postgres")
    write("pgbackrest.conf", CONFIG)
    run(BIN + "initdb", "-D", PLACE + "/data", "-A", "trust", "--no-sync", "-k")
    with open(PLACE + "/data/postgresql.conf", "a", encoding="utf-8") as file:
        file.write(SETTINGS)
    run(BIN + "pg_ctl", "-D", PLACE + "/data", "-l", PLACE + "/log.txt", "-w", "start")


def main():
    start()
    info("no-stanza")
    run(*SHOP, "stanza-create")
    info("no-backup")
    restore("no-backup")
    psql("CREATE TABLE t AS SELECT generate_series(1, 20000) AS n")
    run(*SHOP, "backup", "--type=full")
    first = time.strftime("%Y-%m-%d %H:%M:%S+00", time.gmtime(time.time() - 86400))
    psql("INSERT INTO t SELECT 1; SELECT pg_create_restore_point('here'); SELECT pg_switch_wal()")
    run(*SHOP, "backup", "--type=diff")
    info("done")
    keep("done", "repo-ls", "archive/shop/15-1")
    verify("done")
    restore("done")
    restore("too-early", "--type=time", f"--target={first}", "--target-action=promote")
    restore("no-such-backup", "--set=20200101-000000F")
    run("touch", PLACE + "/back/file")
    keep("not-empty", "restore", f"--pg1-path={PLACE}/back")

    write("pgbackrest.conf", CONFIG.replace("pass=right", "pass=wrong"))
    info("wrong-password")
    restore("wrong-password")
    write("pgbackrest.conf", CONFIG)
    info("no-configuration", command=[SHOP[0], "--config=/nowhere.conf", SHOP[2]])
    full = sorted(glob.glob(PLACE + "/repo/backup/shop/*F"))[0]
    wal = sorted(glob.glob(PLACE + "/repo/archive/shop/15-1/*/*"))
    back = damaged(max(glob.glob(full + "/pg_data/base/*/*"), key=os.path.getsize))
    verify("damaged")
    restore("damaged")
    back()
    back = damaged(wal[1])
    verify("damaged", name="damaged-wal")
    back()
    back = moved(wal[1])
    verify("done", name="missing-wal")  # it does not miss what is not there
    back()
    back = moved(max(glob.glob(full + "/pg_data/base/*/*"), key=os.path.getsize))
    verify("damaged", name="missing-file")
    restore("damaged", name="missing-file")
    back()
    back = moved(full)
    info("done", name="missing-backup")
    verify("damaged", name="missing-backup")
    restore("damaged", f"--set={os.path.basename(full)}", name="missing-backup")
    back()
    backups()
    for path in glob.glob(PLACE + "/repo/backup/shop/backup.info*"):
        os.remove(path)
    info("no-catalogue")
    restore("no-catalogue")
    shutil.rmtree(PLACE)


def backups():
    keep("done", "backup", "--type=incr")
    psql("ALTER SYSTEM SET archive_command = 'false pgbackrest'")
    psql("SELECT pg_reload_conf()")
    keep("not-archived", "backup", "--type=incr", "--archive-timeout=1")
    with subprocess.Popen([*SERVER, *SHOP, "backup", "--archive-timeout=10"], cwd=PLACE,
                          stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL):
        time.sleep(3)
        keep("locked", "backup")
    run(BIN + "pg_ctl", "-D", PLACE + "/data", "-m", "immediate", "stop")
    keep("no-server", "backup")


if __name__ == "__main__":
    main()
