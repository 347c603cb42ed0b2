"""Records what PostgreSQL's own programs, tar, and a server that recovers say in each state that
their truth tables tell apart: their real output, in a file a state.
python3 record_postgres.py FOLDER, as root, with a PostgreSQL 15; makes postgres-15 and tar-1.34
in it. It mounts small disks: unshare --mount."""

import glob
import os
import shutil
import subprocess
import sys
import time

PLACE = "/tmp/gameday-recorded-postgres"
FOLDER = os.path.join(sys.argv[1], "postgres-15")
TAR = os.path.join(sys.argv[1], "tar-1.34")
BIN = "/usr/lib/postgresql/15/bin/"
SERVER = ["setpriv", "--reuid", "postgres", "--regid", "postgres", "--init-groups"]
SETTINGS = f"""listen_addresses='127.0.0.1'
unix_socket_directories='{PLACE}'
port=5598
fsync=off
archive_mode=on
archive_command='cp %p {PLACE}/wal/%f'
password_encryption='scram-sha-256'
"""
ALONE = f"""listen_addresses=''
unix_socket_directories='{PLACE}'
port=5597
fsync=off
hot_standby=off
lc_messages='C'
log_min_messages=fatal
log_line_prefix='%b: '
"""


def run(*command, **more):
    return subprocess.run([*SERVER, *command], cwd=PLACE, stdin=subprocess.DEVNULL, errors="replace",
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False,
                          env=dict(os.environ, LC_ALL="C"), **more)


def keep(state, done, name):
    path = f"{TAR if name.startswith('extract-') else FOLDER}/{name}.txt"
    with open(path, "w", encoding="utf-8") as file:
        file.write(f"{state} {done.returncode}\n{done.stdout}")
    print(f"{path}: {done.returncode} {done.stdout[-300:].strip()}")


def psql(sql, database="postgres"):
    return run("psql", "-XqAt", "-h", PLACE, "-p", "5598", "-c", sql, database).stdout


def write(path, content):
    with open(path, "wb") as file:
        file.write(content)
    shutil.chown(path, "postgres", "postgres")


def read(path):
    with open(path, "rb") as file:
        return file.read()


class Changed:
    """A file that has other bytes, is gone, or may not be read, for as long as this lasts."""

    def __init__(self, path, content=None, mode=None):
        self.path, self.content, self.mode = path, content, mode

    def __enter__(self):
        self.before = read(self.path)
        if self.mode is not None:
            os.chmod(self.path, self.mode)
        elif self.content is None:
            os.remove(self.path)
        else:
            write(self.path, self.content)

    def __exit__(self, *_):
        write(self.path, self.before)
        os.chmod(self.path, 0o600)


def flipped(content, at):
    return content[:at] + bytes([content[at] ^ 0x40]) + content[at + 1:]


def small_disk(folder, size):
    os.makedirs(folder)
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", folder], check=True)
    shutil.chown(folder, "postgres", "postgres")


def start():
    if os.path.exists(PLACE):
        run(BIN + "pg_ctl", "-D", PLACE + "/data", "-m", "immediate", "stop")
    for mounted in glob.glob(PLACE + "/full*"):
        subprocess.run(["umount", "-l", mounted], check=False)
    shutil.rmtree(PLACE, ignore_errors=True)
    shutil.rmtree(FOLDER, ignore_errors=True)
    for folder in (FOLDER, TAR):
        os.makedirs(folder, exist_ok=True)
    for folder in (PLACE, PLACE + "/wal"):
        os.makedirs(folder)
        shutil.chown(folder, "postgres", "postgres")
    run(BIN + "initdb", "-D", PLACE + "/data", "-A", "trust", "--no-sync", "-k", "--locale=C.UTF-8")
    with open(PLACE + "/data/postgresql.conf", "a", encoding="utf-8") as file:
        file.write(SETTINGS)
    with open(PLACE + "/data/pg_hba.conf", "w", encoding="utf-8") as file:
        file.write("local all all trust\nlocal replication all trust\n"
                   "host all all 127.0.0.1/32 scram-sha-256\n")
    run(BIN + "pg_ctl", "-D", PLACE + "/data", "-l", PLACE + "/log.txt", "-w", "start")
    psql("CREATE ROLE owner; CREATE ROLE other LOGIN PASSWORD 'right'")
    psql("CREATE DATABASE shop")
    psql("CREATE TABLE orders (id int PRIMARY KEY, what text); INSERT INTO orders SELECT n, "
         "md5(n::text) FROM generate_series(1, 30000) AS n; ALTER TABLE orders OWNER TO owner", "shop")
    run("pg_dump", "-h", PLACE, "-p", "5598", "-Fc", "-f", PLACE + "/shop.dump", "shop")


def restore(state, name=None, *, dump=PLACE + "/shop.dump", host=PLACE, port=5598, fresh=True,
            user="postgres", options=("--no-owner", "--no-privileges"), also=None):
    if fresh:
        psql("DROP DATABASE IF EXISTS back WITH (FORCE)")
        psql("CREATE DATABASE back")
    command = ["pg_restore", "--single-transaction", "--exit-on-error", *options, "--no-password",
               "--dbname", f"host={host} port={port} user={user} dbname=back", dump]
    if also is None:
        done = run(*command)
    else:
        with subprocess.Popen([*SERVER, *command], cwd=PLACE, stdin=subprocess.DEVNULL, text=True,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                              env=dict(os.environ, LC_ALL="C")) as child:
            also()
            output = child.communicate()[0]
            done = subprocess.CompletedProcess(command, child.returncode, output)
    keep(state, done, "pg_restore-" + (name or state))


def pg_restore():
    dump = PLACE + "/shop.dump"
    whole = read(dump)
    restore("done")
    for name, content in (("truncated", whole[:len(whole) // 2]), ("truncated-contents", whole[:200]),
                          ("truncated-head", whole[:3]), ("not-a-dump", b"SELECT 1;\n" * 300),
                          ("flipped", flipped(whole, len(whole) // 2)),
                          ("flipped-begin", flipped(whole, len(whole) // 20))):
        write(PLACE + "/bad.dump", content)
        restore("damaged", name, dump=PLACE + "/bad.dump")
    # The format's version stands behind the five letters that it begins with.
    write(PLACE + "/bad.dump", whole[:6] + bytes([whole[6] + 9]) + whole[7:])
    restore("wrong-version", dump=PLACE + "/bad.dump")
    restore("missing-file", dump=PLACE + "/none.dump")
    write(PLACE + "/bad.dump", whole)
    os.chmod(PLACE + "/bad.dump", 0)
    shutil.chown(PLACE + "/bad.dump", "root", "root")
    restore("denied", "denied-file", dump=PLACE + "/bad.dump")
    restore("denied", user="other")
    restore("wrong-password", host="127.0.0.1", user="other")
    os.environ["PGPASSWORD"] = "wrong"
    restore("wrong-password", "other-password", host="127.0.0.1", user="other")
    del os.environ["PGPASSWORD"]
    restore("no-server", port=5599)
    restore("no-server", "no-server-on-tcp", host="127.0.0.1", port=5599)
    psql("DROP DATABASE back")
    restore("no-server", "no-database", fresh=False)
    restore("done")
    restore("not-empty", fresh=False)
    run("pg_dump", "-h", PLACE, "-p", "5598", "-Fc", "-f", PLACE + "/owned.dump", "shop")
    psql("REASSIGN OWNED BY owner TO postgres", "shop")
    psql("DROP OWNED BY owner; DROP ROLE owner")
    restore("missing-role", dump=PLACE + "/owned.dump", options=())
    lost_extension()
    # Larger than what goes through a socket at once.
    psql("CREATE TABLE large AS SELECT n, repeat(md5(n::text), 20) AS what FROM "
         "generate_series(1, 400000) AS n", "shop")
    run("pg_dump", "-h", PLACE, "-p", "5598", "-Fc", "-Z0", "-f", PLACE + "/large.dump", "shop")
    full_disk()

    def cut_off():
        time.sleep(1)
        psql("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = 'back'")

    def crash():
        time.sleep(1)
        run(BIN + "pg_ctl", "-D", PLACE + "/data", "-m", "immediate", "stop")

    restore("server-gone", "cut-off", dump=PLACE + "/large.dump", also=cut_off)
    restore("server-gone", dump=PLACE + "/large.dump", also=crash)
    run(BIN + "pg_ctl", "-D", PLACE + "/data", "-l", PLACE + "/log.txt", "-w", "start")


def lost_extension():
    """What the dump names and this server's packages have not."""
    extension = "/usr/share/postgresql/15/extension/gameday_recorded"
    try:
        write(extension + ".control", b"default_version = '1'\nrelocatable = true\n")
        write(extension + "--1.sql", b"CREATE FUNCTION recorded() RETURNS int LANGUAGE sql AS 'SELECT 1';\n")
        psql("CREATE EXTENSION gameday_recorded", "shop")
        run("pg_dump", "-h", PLACE, "-p", "5598", "-Fc", "-f", PLACE + "/extended.dump", "shop")
        psql("DROP EXTENSION gameday_recorded", "shop")
    finally:
        os.remove(extension + ".control")
        os.remove(extension + "--1.sql")
    restore("missing-extension", dump=PLACE + "/extended.dump")


def full_disk():
    small_disk(PLACE + "/full", "20m")
    psql(f"CREATE TABLESPACE small LOCATION '{PLACE}/full'")
    psql("DROP DATABASE back")
    psql("CREATE DATABASE back TABLESPACE small")
    restore("disk-full", dump=PLACE + "/large.dump", fresh=False)
    psql("DROP DATABASE back")
    psql("DROP TABLESPACE small")
    subprocess.run(["umount", PLACE + "/full"], check=True)


def pg_verifybackup():
    base = PLACE + "/base"
    run(BIN + "pg_basebackup", "-h", PLACE, "-p", "5598", "-D", base, "-c", "fast", "-X", "none")

    def verify(state, name=None):
        keep(state, run(BIN + "pg_verifybackup", "--no-parse-wal", base),
             "pg_verifybackup-" + (name or state))

    verify("done")
    file, manifest = base + "/PG_VERSION", base + "/backup_manifest"
    for name, content in (("flipped", b"99\n"), ("short", b"1"), ("missing", None)):
        with Changed(file, content):
            verify("damaged", name)
    write(base + "/another", b"")
    verify("damaged", "another-file")
    os.remove(base + "/another")
    whole = read(manifest)
    for name, content in (("flipped-manifest", whole.replace(b"PG_VERSION", b"PG_VERSIOM")),
                          ("truncated-manifest", whole[:len(whole) // 2]),
                          ("manifest-without-sum", whole[:whole.index(b'"Manifest-Checksum"')] + b"}"),
                          ("missing-manifest", None)):
        with Changed(manifest, content):
            verify("damaged", name)
    with Changed(file, mode=0):
        os.chown(file, 0, 0)
        verify("denied")
    with Changed(manifest, mode=0):
        os.chown(manifest, 0, 0)
        verify("denied", "denied-manifest")


def tar():
    archives = PLACE + "/tar"
    run(BIN + "pg_basebackup", "-h", PLACE, "-p", "5598", "-D", archives, "-c", "fast", "-X", "none",
        "-Ft", "-z")
    archive = archives + "/base.tar.gz"
    plain = archives + "/base.tar"
    whole = read(archive)
    with open(plain, "wb") as file:
        file.write(subprocess.run(["gzip", "-dc", archive], stdout=subprocess.PIPE, check=True).stdout)

    def extract(state, path, name=None, folder=PLACE + "/out", run_it=run):
        if folder == PLACE + "/out":
            shutil.rmtree(folder, ignore_errors=True)
            run("mkdir", folder)
        keep(state, run_it("tar", "--extract", "--file", path, "--directory", folder),
             "extract-" + (name or state))

    extract("done", archive)
    for name, path, content in (
            ("truncated", archive, whole[:len(whole) // 2]),
            *((f"flipped-{at}", archive, flipped(whole, len(whole) * at // 8)) for at in range(1, 8)),
            ("no-archive", archive, b"all is well\n" * 100),
            ("empty", archive, b""),
            ("truncated-plain", plain, read(plain)[:700 * 1024]),
            ("no-plain-archive", plain, b"all is well\n" * 100),
            ("flipped-plain", plain, flipped(read(plain), 10))):
        with Changed(path, content):
            extract("damaged", path, name)
    extract("damaged", archives + "/none.tar", "missing")
    with Changed(archive, mode=0):
        os.chown(archive, 0, 0)
        extract("denied", archive)
    extract("no-program", archive, run_it=without_programs)
    small_disk(PLACE + "/full-of-tar", "1m")
    extract("disk-full", archive, folder=PLACE + "/full-of-tar")
    subprocess.run(["umount", PLACE + "/full-of-tar"], check=True)


def without_programs(*command):
    """tar in a PATH of its own, with nothing else in it."""
    os.makedirs(PLACE + "/bin", exist_ok=True)
    shutil.copy("/usr/bin/tar", PLACE + "/bin/tar")
    return subprocess.run([PLACE + "/bin/" + command[0], *command[1:]], cwd=PLACE, errors="replace",
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False,
                          env={"PATH": PLACE + "/bin", "LC_ALL": "C"})


def recovered(state, name=None, *, settings="", folder=PLACE + "/scratch", change=None, fresh=True,
              limit=30):
    """A server that recovers in a copy of the base backup, until it ends; what it printed and what
    stands in its log, as gameday sees it."""
    if fresh:
        shutil.rmtree(folder, ignore_errors=True)
        run("cp", "-a", PLACE + "/base", folder)
    run("chmod", "700", folder)
    write(PLACE + "/alone.conf", (ALONE + settings).encode())
    write(folder + "/recovery.signal", b"")
    if change:
        change(folder)
    try:
        done = run(BIN + "postgres", "-D", folder, "-c", f"config_file={PLACE}/alone.conf", "-c",
                   f"hba_file={PLACE}/data/pg_hba.conf", "-c",
                   f"ident_file={PLACE}/data/pg_ident.conf", timeout=limit)
    except subprocess.TimeoutExpired:
        print(f"{name or state}: it recovered")
        return
    keep(state, done, "recovery-" + (name or state))


def recovery():
    archive = f"restore_command='cp {PLACE}/wal/%f %p'\nrecovery_target_action=promote\n"
    psql("INSERT INTO orders VALUES (-1, 'later')", "shop")
    psql("SELECT pg_switch_wal()")
    time.sleep(2)
    recovered("not-reached", settings=archive + "recovery_target_time='2099-01-01 00:00:00+00'\n")
    recovered("not-reached", "not-reached-name", settings=archive + "recovery_target_name='none'\n")
    recovered("no-wal", settings="restore_command='false %f'\n")
    recovered("no-timeline", settings=archive + "recovery_target_timeline='3'\n")
    recovered("too-early", settings=archive + "recovery_target_lsn='0/1'\n")
    recovered("no-command", settings="restore_command='/no/such/program %f %p'\n")
    recovered("wrong-version", settings=archive,
              change=lambda folder: write(folder + "/PG_VERSION", b"14\n"))
    recovered("damaged", "no-control", settings=archive,
              change=lambda folder: os.remove(folder + "/global/pg_control"))
    recovered("damaged", "flipped-control", settings=archive,
              change=lambda folder: write(folder + "/global/pg_control",
                                          flipped(read(folder + "/global/pg_control"), 40)))
    recovered("damaged", "no-label", settings=archive,
              change=lambda folder: write(folder + "/backup_label", b"all is well\n"))
    recovered("no-memory", settings=archive + "shared_buffers='7TB'\n")
    recovered("no-wal", "no-wal-at-all", settings="restore_command='false %f'\n",
              change=lambda folder: os.remove(folder + "/backup_label"))
    split_backup()
    small_disk(PLACE + "/fuller", "64m")
    run("cp", "-a", PLACE + "/base", PLACE + "/fuller/data")
    recovered("disk-full", settings=archive, folder=PLACE + "/fuller/data", fresh=False)
    subprocess.run(["umount", "-l", PLACE + "/fuller"], check=True)


def split_backup():
    """A backup that begins in one segment and ends in another one, of which only the first is there."""
    shutil.copytree(PLACE + "/base", PLACE + "/base.aside")
    shutil.rmtree(PLACE + "/base")
    script = f"""SELECT pg_backup_start('split', true);
\\! cp -a {PLACE}/data {PLACE}/base; rm -rf {PLACE}/base/pg_wal/0* {PLACE}/base/postmaster.pid
SELECT pg_switch_wal();
INSERT INTO orders VALUES (-2, 'meanwhile');
\\o {PLACE}/base/backup_label
SELECT labelfile FROM pg_backup_stop();
"""
    write(PLACE + "/script", script.encode())
    print(run("psql", "-XqAt", "-h", PLACE, "-p", "5598", "-f", PLACE + "/script", "shop").stdout)
    label = read(PLACE + "/base/backup_label").decode()
    first = label.split("(file ")[1][:24]
    recovered("no-wal", "no-end", settings=f"restore_command='test %f = {first} && cp {PLACE}/wal/%f %p'\n")
    shutil.rmtree(PLACE + "/base")
    os.rename(PLACE + "/base.aside", PLACE + "/base")
    subprocess.run(["chown", "-R", "postgres:", PLACE + "/base"], check=True)


def pg_checksums():
    data = PLACE + "/data"
    control = data + "/global/pg_control"
    file = data + "/" + psql("SELECT pg_relation_filepath('orders')", "shop").strip()

    def checked(state, name=None):
        keep(state, run(BIN + "pg_checksums", "--check", "--pgdata", data),
             "pg_checksums-" + (name or state))

    checked("running")
    run(BIN + "pg_ctl", "-D", data, "-w", "stop")
    checked("done")
    whole = read(file)
    for name, content in (("flipped", flipped(whole, 9000)), ("short", whole[:10000])):
        with Changed(file, content):
            checked("damaged", name)
    with Changed(file, mode=0):
        os.chown(file, 0, 0)
        checked("denied")
    told = read(control)
    with Changed(control, flipped(told, 40)):
        checked("damaged", "flipped-control")
    with Changed(control, told[:100]):
        checked("damaged", "short-control")
    with Changed(control, None):
        checked("damaged", "no-control")
    run(BIN + "pg_checksums", "--disable", "--no-sync", "--pgdata", data)
    checked("no-checksums")


if __name__ == "__main__":
    start()
    pg_verifybackup()
    tar()
    recovery()
    pg_restore()
    pg_checksums()
    shutil.rmtree(PLACE)
