"""credentials-revoked on the composed system, and its twin: sessions that a revoked login does not end."""

import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "support"))
from composed_world import expect_reason, main, sql  # noqa: E402
from shop_world import check  # noqa: E402

ROLE = """SELECT rolcanlogin, rolconnlimit, shobj_description(oid, 'pg_authid') IS NULL FROM pg_roles
  WHERE rolname = 'shop'"""


def expect_as_before(result):
    check(sql("pg-primary", ROLE) == "t|-1|t", sql("pg-primary", ROLE))
    check(result["recovery"]["lost"] == 0 and result["recovery"]["acknowledged"] > 300, result["recovery"])
    fault = result["faults"][0]
    check(fault["kind"] == "revoke-login" and fault["proven"] and fault["undo"] == "undone", fault)


def passes(drills):
    expect_as_before(drills.run("credentials-revoked", 0))


def evaded(drills):
    result = drills.run("twins/credentials-revoked-sessions-stay", 1, settles="5s", held="2s")
    expect_reason(result, "shop-is-out")
    expect_as_before(result)


if __name__ == "__main__":
    main([passes, evaded])
