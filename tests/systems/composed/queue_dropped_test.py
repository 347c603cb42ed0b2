"""queue-dropped on the composed system: every confirmed order is stored once, put back or sent again; and
without publisher confirms the loss is found. What was lost is also counted here, from what the
database was given and without gameday's code."""

import collections
import contextlib
import json
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "support"))
from composed_world import broker, expect_reason, main, sql, switched  # noqa: E402
from shop_world import check  # noqa: E402

# What comes again is no new row, but the trigger is asked before that is known.
WATCH = """CREATE TABLE test_given(key text, at timestamptz DEFAULT clock_timestamp());
CREATE FUNCTION test_keep() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER AS
  $$BEGIN INSERT INTO public.test_given VALUES (NEW.key); RETURN NEW; END$$;
CREATE TRIGGER test_keep BEFORE INSERT ON orders FOR EACH ROW EXECUTE FUNCTION test_keep()"""
FORGET = """DROP TRIGGER IF EXISTS test_keep ON orders; DROP FUNCTION IF EXISTS test_keep;
DROP TABLE IF EXISTS test_given"""


@contextlib.contextmanager
def given_orders():
    """How often the database was given each key while this holds."""
    sql("pg-primary", FORGET)
    sql("pg-primary", WATCH)
    try:
        yield lambda: collections.Counter(sql("pg-primary", "SELECT key FROM test_given").splitlines())
    finally:
        sql("pg-primary", FORGET)


def accepted(drills):
    """(keys of the writes that were answered with yes, by gameday's class of each that is not there)"""
    with open(drills.gameday.out + "/ledger.jsonl", encoding="utf-8") as file:
        lines = [json.loads(line) for line in file]
    keys = {one["key"] for one in lines if one["type"] == "write" and one["outcome"] == "ok"}
    return keys, {one["key"]: one["class"] for one in lines if one["type"] == "read"}


def queue():
    status, text = broker("GET", "/queues/shop/orders")
    check(status == 200, f"the queue: {status} {text}")
    known = json.loads(text)
    bindings = json.loads(broker("GET", "/queues/shop/orders/bindings")[1])
    return (known["durable"], known["arguments"], known["type"],
            sorted(one["source"] for one in bindings))


def dropped(drills, code, **variables):
    """(the drill's result, how many accepted orders were never stored, and how many came more than once)"""
    before = queue()
    with given_orders() as given_so_far:
        result = drills.run("queue-dropped", code, **variables)
        keys, classes = accepted(drills)
        given = given_so_far()
    check(queue() == before, f"the queue was {before}, and is {queue()}")
    lost = keys - set(given)
    check({key for key, kind in classes.items() if kind == "lost"} == lost,
          f"lost are {sorted(lost)[:5]}..., gameday says {classes}")
    check(result["recovery"]["acknowledged"] == len(keys), result["recovery"])
    check(result["recovery"]["lost"] == len(lost), f"{len(lost)} are lost: {result['recovery']}")
    fault = next(one for one in result["faults"] if one["id"] == "dropped")
    check(fault["proven"] and fault["kind"] == "drop-rabbitmq-queue", fault)
    return result, len(lost), sum(1 for key in keys if given[key] > 1)


def put_back(drills):
    """(messages that were in the queue when it was dropped, and that came back), as gameday says it"""
    with open(drills.gameday.out + "/journal.jsonl", encoding="utf-8") as file:
        events = [json.loads(line) for line in file]
    facts = [one["data"]["facts"] for one in events
             if one["type"] == "gone" and "put_back" in (one["data"].get("facts") or {})]
    return facts[-1]["kept"], facts[-1]["put_back"]


def passes(drills):
    """The shop sends again what the queue took with it: each order is delivered, and hardly one twice."""
    _, lost, twice = dropped(drills, 0)
    check(lost == 0, f"{lost} orders are lost")
    kept, back = put_back(drills)
    check(kept > 50 and back == 0, f"{kept} were in the queue, {back} came back")
    print(f"{kept} were in the queue, {twice} were delivered more than once")
    check(twice < kept / 2, f"{twice} orders were delivered more than once, {kept} were in the queue")


def replayed(drills):
    """The undo puts back what was in the queue: it is delivered once more than what the shop sends again."""
    _, lost, twice = dropped(drills, 0, put_back="true", held="1s")
    check(lost == 0, f"{lost} orders are lost")
    kept, back = put_back(drills)
    check(kept > 50 and back == kept, f"{kept} were in the queue, {back} came back")
    print(f"{back} came back, {twice} were delivered more than once")


def unconfirmed(drills):
    """Without confirms the shop does not notice: its loss is found, order by order."""
    for switches in ({"SHOP_CONFIRMS": "off"}, {"SHOP_CONFIRMS": "off", "SHOP_OUTBOX": "off"}):
        with switched(**switches):
            result, lost, _ = dropped(drills, 1, steady="2s", gathers="2s", held="1s")
            check(lost > 50, f"{switches}: {lost} orders are lost")
            expect_reason(result, "lost")


def not_durable(drills):
    """What a queue that is not durable had confirmed is gone with its broker, and each is named."""
    result = drills.run("twins/queue-dropped-not-durable", 1, steady="2s")
    keys, classes = accepted(drills)
    lost = {key for key, kind in classes.items() if kind == "lost"}
    check(len(lost) > 50, f"{len(lost)} of {len(keys)} are lost")
    check(result["recovery"]["lost"] == len(lost), result["recovery"])
    expect_reason(result, "lost")


if __name__ == "__main__":
    main([passes, replayed, unconfirmed, not_durable])
