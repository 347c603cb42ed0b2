"""primary-killed-failover-and-failback on the composed system: the replica takes over, the old primary
is rewound, follows and takes writes again; what gameday says was lost is what is lost. Its twin: the
old primary comes back as a second writer."""

import json
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "support"))
from composed_world import containers, expect_reason, main, reasons, run, sql  # noqa: E402
from shop_world import check, eventually  # noqa: E402

TIMELINE = "SELECT ('x' || substr(pg_walfile_name(pg_current_wal_lsn()), 1, 8))::bit(32)::int"
STREAMS = "SELECT application_name || ' ' || state FROM pg_stat_replication"


def timeline(part):
    return int(sql(part, TIMELINE))


def expect_roles(primary, standby, name):
    """Who takes writes, who follows under that name, and that nobody's WAL is kept for nobody."""
    check(sql(primary, "SELECT pg_is_in_recovery()") == "f", f"{primary} takes no writes")
    check(sql(standby, "SELECT pg_is_in_recovery()") == "t", f"{standby} is no standby")
    check(eventually(lambda: sql(primary, STREAMS) == f"{name} streaming", 20, 0.2),
          f"{primary} streams to {sql(primary, STREAMS)}")
    idle = "SELECT slot_name FROM pg_replication_slots WHERE NOT active"
    check(sql(primary, idle) + sql(standby, idle) == "", "a slot is left for nobody")


def expect_no_aide():
    left = run("docker", "ps", "--all", "--quiet", "--filter", "label=gameday")
    check(left == "", f"a container of gameday's is left: {left}")



def passes(drills):
    before = timeline("pg-primary")
    ids = {part: containers()[part]["Id"] for part in ("pg-primary", "pg-replica")}
    result = drills.run("primary-killed-failover-and-failback", 0)
    check(all(one["ok"] for one in result["steps"]), result["steps"])
    check([one["step"] for one in result["steps"]].count("action") == 3, result["steps"])
    # Promoted and failed back: a timeline each.
    check(timeline("pg-primary") == before + 2, f"{before}, then {timeline('pg-primary')}")
    check(ids == {part: containers()[part]["Id"] for part in ids}, "a container was made anew")
    expect_roles("pg-primary", "pg-replica", "eu-north")
    expect_no_aide()
    recovery = result["recovery"]
    check(recovery["acknowledged"] > 400 and recovery["rpo_s"] <= 1, recovery)
    # A second one starts clean.
    drills.run("primary-killed-failover-and-failback", 0, steady="1s", held="1s")
    expect_roles("pg-primary", "pg-replica", "eu-north")


def second_writer(drills):
    try:
        result = drills.run("twins/primary-killed-comes-back-as-second-writer", 1)
        expect_reason(result, "take writes: pg-primary (timeline")
        expect_reason(result, "is thrown away")
        expect_reason(result, "objective rpo missed")
        check(result["recovery"]["lost"] > 0, reasons(result))
        # It found them, and left none.
        expect_roles("pg-replica", "pg-primary", "eu-west")
        expect_no_aide()
    finally:
        back = drills.run("fail-back", 0)
    check(back["recovery"]["lost"] == 0, json.dumps(back["recovery"]))
    expect_roles("pg-primary", "pg-replica", "eu-north")


if __name__ == "__main__":
    main([passes, second_writer])
