"""The composed system's database is lost, or damaged by a deploy, and recovered into place to a point
in time. What gameday says was lost is what is lost; a WAL segment that is withheld is named; an archive
that stopped is found out."""

import contextlib
import json
import os
import re
import signal
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "support"))
from composed_world import (NAME, PLAYBOOKS, containers, expect_reason, expect_well,  # noqa: E402
                            front, inside, main, run, settings, sql)
from recovery_point import recovery_point  # noqa: E402
from shop_world import SOURCE, check, eventually, processes  # noqa: E402

HERE = SOURCE + "/tests/systems/composed"
SHORT = {"steady": "1s", "goes_on": "3s"}
HOME = "/var/lib/postgresql"


def identity():
    return sql("pg-primary", "SELECT system_identifier, timeline_id FROM pg_control_system(), "
               "pg_control_checkpoint()").split("|")


def beside():
    return [name for name in inside("pg-primary", "ls", HOME).split() if ".gameday-" in name]


def forget_kept():
    """What a drill keeps where data is missing is for people to look at; there is none here."""
    for name in beside():
        inside("pg-primary", "rm", "-rf", f"{HOME}/{name}")


COUNT = """  - action: command
    do: [docker, exec, --user, postgres, CONTAINER, psql, -X, -d, orders, -Atqc,
      "COPY (SELECT key, sum FROM orders) TO '/tmp/counted'"]
    check: ["true"]
"""


def with_a_count(name):
    """The playbook as it is, whose rows are written down before it removes them."""
    with open(f"{PLAYBOOKS}/{name}.yaml", encoding="utf-8") as file:
        text = file.read() + COUNT.replace("CONTAINER", containers()["pg-primary"]["Id"])
    path = f"{PLAYBOOKS}/counted-{name}-{os.getpid()}.yaml"
    with open(path, "w", encoding="utf-8") as file:
        file.write(text)
    return path


def events(drills):
    with open(drills.gameday.out + "/journal.jsonl", encoding="utf-8") as file:
        return [json.loads(line) for line in file]


def took_over(drills):
    """When the restore into place had returned, by the journal."""
    return next(event for event in events(drills)
                if event["type"] == "injected" and "restored" in event["data"])["t"]


def counted(drills, name, **more):
    """A drill that passes, whose loss an independent count agrees with."""
    path = with_a_count(name)
    try:
        result = drills.run(os.path.basename(path)[:-len(".yaml")], 0, **{**SHORT, **more})
    finally:
        os.remove(path)
    rows = dict(line.split("\t") for line in inside("pg-primary", "cat", "/tmp/counted").splitlines())
    rpo, lost = recovery_point(drills.gameday.out + "/ledger.jsonl", rows, took_over(drills))
    recovery = result["recovery"]
    print(f"{name}: {recovery['acknowledged']} acknowledged, {lost} lost, RPO {rpo} s, "
          f"verified after {recovery['verified_s']} s")
    check(recovery["lost"] == lost, f"gameday counts {recovery['lost']} lost, we {lost}")
    check(abs(recovery["rpo_s"] - rpo) < 1e-6, f"gameday's RPO is {recovery['rpo_s']}, ours {rpo}")
    check(recovery["verified_s"] > 0, f"verified before it was lost: {recovery}")
    return result


def expect_in_place(result, cluster):
    restore = result["restores"][0]
    check(restore["into"] == "place" and restore["verified"] and not restore["vacuous"], restore)
    check(result["faults"][0]["undo"] == "superseded", result["faults"])
    expect_recovered(cluster)


def expect_recovered(cluster):
    now = identity()
    check(now[0] == cluster[0], f"another cluster: {now}, {cluster}")
    check(int(now[1]) > int(cluster[1]), f"no new timeline: {now}, {cluster}")
    check(sql("pg-replica", "SELECT status FROM pg_stat_wal_receiver") == "streaming",
          "the replica does not follow")
    check(sql("pg-replica", "SELECT pg_is_in_recovery()") == "t", "there is a second writer")
    forget_kept()


def passes(drills):
    before = identity()
    result = counted(drills, "database-lost-pitr")
    # Orders that were stored and not archived yet: there is a loss, and it is seen.
    check(result["recovery"]["lost"] > 0 and result["recovery"]["rpo_s"] > 0, result["recovery"])
    # Orders went on: they wait in the shop until the database is there again.
    check(result["recovery"]["rto_s"] < result["recovery"]["verified_s"] < 40, result["recovery"])
    # The lost directory is kept; where it was there was nothing that the restore could keep.
    expect_reason(result, "nothing was there that restore")
    expect_in_place(result, before)
    expect_well()


def bad_deploy(drills):
    before = identity()
    result = counted(drills, "bad-deploy-deletes-rows", unnoticed="2s")
    check(result["recovery"]["lost"] > 0, result["recovery"])
    restore = result["restores"][0]
    check(restore["point_reached"] <= restore["point_asked"], restore)
    expect_in_place(result, before)
    expect_well()


@contextlib.contextmanager
def orders_of_somebody_else(count):
    """Orders that were there before a drill; whether all of them are stored."""
    drill = f"before-{os.getpid()}"
    stored = lambda: sql("pg-primary", f"SELECT count(*) FROM orders WHERE key LIKE '{drill}-%'"
                         ) == str(count)
    for number in range(count):
        status, body = front("PUT", f"/orders/{drill}-{number}", {"item": "book", "sum": "s"})
        check(status < 300, f"{status}: {body}")
    check(eventually(stored, 30, 0.2), "orders are not stored")
    try:
        yield stored
    finally:
        front("DELETE", f"/orders?drill={drill}")


def bad_deploy_too_late(drills):
    """What the deploy deleted comes back deleted: the restore fails for that, and the rows, which
    came back beside it, are put back."""
    before = identity()
    with orders_of_somebody_else(20) as all_stored:
        try:
            result = drills.run("twins/bad-deploy-recovered-too-late", 1, **SHORT, unnoticed="2s")
        finally:
            run(HERE + "/reseed-replica", NAME)
        check(all_stored(), "orders of before the drill are gone")
    expect_reason(result, "brought back what lose-data-postgres (step deployed) did: ")
    expect_reason(result, 'rows of "public"."orders" are gone, 0 of them are there all the same')
    restore, recovery = result["restores"][0], result["recovery"]
    check(restore["into"] == "place" and not restore["verified"], restore)
    check(recovery["verified_s"] is None, recovery)
    check(result["faults"][0]["undo"] == "undone", result["faults"])
    # What is lost for good came while the restore was under way.
    check(recovery["rpo_s"] < restore["took_s"] + 1, f"{recovery} {restore}")
    schemas = sql("pg-primary", "SELECT string_agg(nspname, ' ') FROM pg_namespace")
    check("gameday" not in schemas, f"a copy of the rows is left: {schemas}")
    expect_recovered(before)
    expect_well()


def withheld(drills):
    before = identity()
    try:
        result = drills.run("twins/database-lost-wal-withheld", 1, **SHORT)
    finally:
        run(HERE + "/withhold-segment", NAME, "back")
    named = re.search(r"the WAL segment ([0-9A-F]{24})\b[^:]* is not in", str(result["reasons"]))
    check(named, result["reasons"])
    there = inside("pg-primary", "ls", "/archive").split()
    check(named[1] in there, f"{named[1]} was not given back: {there}")
    withheld_one = next(one for one in result["faults"] if one["id"] == "withheld")
    check(withheld_one["proven"] and withheld_one["undo"] == "undone", withheld_one)
    expect_as_before(result, before)


def expect_as_before(result, before):
    check(result["faults"][0]["undo"] == "undone", result["faults"])
    check(identity() == before, f"{identity()}, before: {before}")
    check(beside() == [], f"left: {beside()}")
    expect_well()


def base_backup(drills):
    base = drills.folder + "/base"
    port, password = settings()["SYSTEM_PRIMARY_PORT"], settings()["POSTGRES_PASSWORD"]
    run("/usr/lib/postgresql/15/bin/pg_basebackup", "-d",
        f"host=127.0.0.1 port={port} user=postgres", "-D", base, "-c", "fast", "-X", "none",
        PGPASSWORD=password)
    return base


def archive_stopped(drills):
    before, base = identity(), base_backup(drills)
    try:
        sql("pg-primary", "ALTER SYSTEM SET archive_command = '/bin/false'")
        sql("pg-primary", "SELECT pg_reload_conf()")
        result = drills.run("twins/database-lost-archive-stopped", 1, base=base, **SHORT)
        expect_reason(result, "the archive ends there")
    finally:
        sql("pg-primary", "ALTER SYSTEM RESET archive_command")
        sql("pg-primary", "SELECT pg_reload_conf()")
    expect_as_before(result, before)


def nightly(drills):
    before = identity()
    result = drills.run("backup-validation-nightly", 0)
    restore = result["restores"][0]
    check(restore["into"] == "scratch" and restore["verified"], restore)
    check(restore["recovered"]["pages"] > 100 and restore["recovered"]["compared"], restore)
    check(result["evidence"]["events"] > 5, result["evidence"])
    for name in ("journal.jsonl", "result.json", "MANIFEST"):
        check(os.path.exists(f"{drills.gameday.out}/{name}"), f"no {name}")
    check(identity() == before, "the live database is another one")


def nightly_damaged(drills):
    base = base_backup(drills)
    with open(base + "/global/pg_filenode.map", "r+b") as file:
        file.seek(100)
        file.write(b"\xff")
    result = drills.run("twins/backup-validation-damaged", 1, base=base)
    expect_reason(result, "does not verify")


def nightly_of_nothing(drills):
    result = drills.run("twins/backup-validation-of-nothing", 1)
    expect_reason(result, "the backup holds no rows")


def killed(drills):
    """The runner dies while the database is lost: the guardian puts it back; where both die, revert."""
    before = identity()
    volume = next(mount["Source"] for mount in containers()["pg-primary"]["Mounts"]
                  if mount["Destination"] == HOME)
    kept = lambda: [name for name in os.listdir(volume) if ".gameday-" in name]
    for both in (False, True):
        started = drills.start("database-lost-pitr", rate="20/s", **SHORT)
        check(eventually(kept, 60, 0.05), f"it is not lost: {drills.gameday.told()}")
        guardians = [one for one in processes()
                     if one.name == "guardian" and one.parent == started.pid]
        check(len(guardians) == 1, f"{len(guardians)} guardians")
        for guardian in guardians if both else []:
            os.kill(guardian.pid, signal.SIGKILL)
        started.kill()
        started.wait()
        if both:
            reverted = drills.gameday.revert()
            check(reverted.returncode == 0, f"revert: {reverted.stdout}{reverted.stderr}")
        check(eventually(lambda: not kept() and not drills.gameday.open(), 90, 0.2),
              f"it is not put back: {kept()} {drills.gameday.open()}")
        expect_well()
        check(identity() == before, f"{identity()}, before: {before}")


def shared(drills):
    """Where another container writes to the same volume, a server that is put there would not be alone."""
    other = run("docker", "run", "--detach", "--rm", "--network", "none", "--volumes-from",
                containers()["pg-primary"]["Id"], "--entrypoint", "sleep", "gameday-postgres",
                "120").strip()
    try:
        result = drills.run("database-lost-pitr", 3, **SHORT)
        expect_reason(result, f"with another container that runs: {other[:12]}")
    finally:
        run("docker", "kill", other)


if __name__ == "__main__":
    main([passes, bad_deploy, bad_deploy_too_late, withheld, archive_stopped, killed, shared, nightly,
          nightly_damaged, nightly_of_nothing])
