#!/usr/bin/env python3
"""Tells what a drill on the shop came to, by somebody else.

Recomputes from the ledger file, the store's rows and the front's access log what gameday says in
result.json, and shares no code with it: requests sent, acknowledged, lost, duplicated, outages and
RTO, RPO. Prints a table and ends with 1 where anything differs, with 2 where it cannot tell.

The rows are deleted when a drill ends. So --store wants a copy of the store's database, or its rows
as JSON, taken after the verify step and before the clean-up. Without one (--store none) it goes by
the reads of single keys in the access log, each of which shows with its status whether the order
was there; what only the list showed (duplicates, contents) is then gameday's own word, and the table
says so.
"""

import argparse
import bisect
import calendar
import hashlib
import json
import os
import re
import sqlite3
import sys
import time

CLOCK_SLACK_NS = 20_000_000  # between the front's clock readings and the client's
EDGE_NS = 5_000_000  # the first step is journaled a moment after it began


class CannotTell(Exception):
    """The evidence is not enough to say yes or no."""


def nanoseconds(utc):
    """RFC 3339 with Z to nanoseconds since 1970, in whole numbers."""
    found = re.fullmatch(r"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:\.(\d{1,9}))?Z", utc or "")
    if not found:
        raise CannotTell(f"not a time: {utc!r}")
    whole = calendar.timegm(time.strptime(found[1], "%Y-%m-%dT%H:%M:%S"))
    return whole * 1_000_000_000 + int((found[2] or "0").ljust(9, "0"))


def seconds_of(text):
    found = re.fullmatch(r"([0-9.]+)(ms|s|m|h)", text)
    if not found:
        raise CannotTell(f"not a duration: {text!r}")
    return float(found[1]) * {"ms": 0.001, "s": 1, "m": 60, "h": 3600}[found[2]]


def json_lines(path):
    with open(path, encoding="utf-8") as lines:
        return [json.loads(line) for line in lines if line.strip()]


class Write:
    def __init__(self, line):
        self.seq = line["seq"]
        self.key = line["key"]
        self.digest = line["digest"]
        self.due, self.end = line["due_ns"], line["end_ns"]
        self.outcome, self.status = line["outcome"], line["status"]

    @property
    def good(self):
        return self.outcome == "ok"


class Ledger:
    def __init__(self, path):
        lines = json_lines(path)
        if not lines or lines[0].get("type") != "ledger":
            raise CannotTell(f"{path} is no ledger")
        self.head = lines[0]
        self.load, self.drill = self.head["load"], self.head["drill"]
        self.started = self.head["boot_ns"]
        self.boot_to_utc = nanoseconds(self.head["started"]) - self.started
        self.writes = sorted((Write(l) for l in lines if l["type"] == "write"), key=lambda w: w.due)
        self.intents = [(l["from"], l["to"]) for l in lines if l["type"] == "intent"]
        self.ends = [l["writes"] for l in lines if l["type"] == "end"]
        self.reads = [l for l in lines if l["type"] == "read"]

    def digest(self, key):
        return hashlib.sha256(f"{key}:{self.head['seed']}".encode()).hexdigest()[:32]

    def problems(self):
        """What a ledger must be to be believed at all."""
        found = []
        if self.ends != [len(self.writes)]:
            found.append(f"the ledger's end counts {self.ends}, not its {len(self.writes)} writes")
        for write in self.writes:
            if write.key != f"{self.drill}-{self.load}-{write.seq:06d}":
                found.append(f"key {write.key} is not that of write {write.seq}")
            if write.digest != self.digest(write.key):
                found.append(f"the digest of {write.key} is not made from it")
            if not any(low <= write.seq <= high for low, high in self.intents):
                found.append(f"write {write.seq} was sent without being intended first")
        if len({w.seq for w in self.writes}) != len(self.writes):
            found.append("a write stands in the ledger twice")
        return found


class AccessLog:
    """What the shop's front says that it was asked, in the order in which it answered."""

    def __init__(self, path, drill):
        self.puts, self.gets = {}, {}
        self.lists = 0
        for line in json_lines(path):
            method, where = line.get("method"), line.get("path", "")
            key = line.get("key") or (where[8:] if where.startswith("/orders/") else "")
            if key and not key.startswith(drill + "-"):
                continue
            entry = (line["status"], nanoseconds(line["end"]))
            if key and method == "PUT":
                self.puts.setdefault(key, []).append(entry)
            elif key and method == "GET":
                self.gets.setdefault(key, []).append(entry)
            elif method == "GET" and where.startswith("/orders") and entry[0] == 200:
                self.lists += 1

    def accepted(self, key):
        """When it first said yes to the order; None: never."""
        ends = [end for status, end in self.puts.get(key, []) if status in (200, 201)]
        return min(ends) if ends else None


def rows_of(path, drill):
    """The drill's rows as (key, sum), each as often as it is there."""
    with open(path, "rb") as start:
        is_sqlite = start.read(15) == b"SQLite format 3"
    if is_sqlite:
        # Not immutable: what still lies in a -wal beside the copy counts.
        database = sqlite3.connect(f"file:{os.path.abspath(path)}?mode=ro", uri=True)
        rows = database.execute("SELECT key, sum FROM orders").fetchall()
        database.close()
    else:
        with open(path, encoding="utf-8") as text:
            document = json.load(text)
        document = document["orders"] if isinstance(document, dict) else document
        rows = [(row["key"], row["sum"]) for row in document]
    return [row for row in rows if row[0].startswith(drill + "-")]


def classified(ledger, rows):
    """Every write into one class, by the rows that are there; {class: [keys]}."""
    there = {}
    for key, digest in rows:
        there.setdefault(key, []).append(digest)
    seq_of = {write.digest: write.seq for write in ledger.writes}
    found = {}
    for write in ledger.writes:
        digests = there.get(write.key, [])
        wrong = [digest for digest in digests if digest != write.digest]
        if not digests:
            name = {"ok": "lost", "unknown": "absent_unknown"}.get(write.outcome)
        elif wrong:
            name = "stale" if seq_of.get(wrong[0], write.seq) < write.seq else "corrupt"
        elif len(digests) > 1:
            name = "duplicate"
        else:
            name = "present" if write.good else "recovered"
        if name:
            found.setdefault(name, []).append(write.key)
    written = {write.key for write in ledger.writes}
    mine = re.compile(re.escape(f"{ledger.drill}-{ledger.load}-") + r"[^-]*")
    found["phantom"] = sorted(k for k in there if k not in written and mine.fullmatch(k))
    return found


def classified_by_reads(ledger, log):
    """The same without the rows: what reads of single keys showed, and the ledger's own word."""
    found = {}
    said = {line["key"]: line["class"] for line in ledger.reads}
    for write in ledger.writes:
        gets = [status for status, _ in log.gets.get(write.key, []) if status in (200, 404, 410)]
        name = said.get(write.key)
        if gets and gets[-1] != 200:
            name = {"ok": "lost", "unknown": "absent_unknown"}.get(write.outcome)
        elif name in ("lost", "absent_unknown"):
            name = "present" if write.good else "recovered"  # the ledger's word has no read for it
        elif name is None and write.good:
            name = "present"
        if name:
            found.setdefault(name, []).append(write.key)
    written = {write.key for write in ledger.writes}
    found["phantom"] = [k for k, name in said.items() if name == "phantom" and k not in written]
    return found


def outages_of(writes, hold):
    """Maximal times without sustained success; one that never ended has no `to`."""
    bad = [i for i, write in enumerate(writes) if not write.good]
    found, at = [], 0
    while True:
        place = bisect.bisect_left(bad, at)
        if place == len(bad):
            return found
        first = bad[place]

        def sustained(i):
            until = writes[i].due + hold
            if not writes[i].good or writes[-1].due < until:
                return False
            following = bisect.bisect_right(bad, i)
            return following == len(bad) or writes[bad[following]].due > until

        over = next((i for i in range(first, len(writes)) if sustained(i)), None)
        stop = over if over is not None else len(writes)
        last_bad = max(i for i in bad if i < stop)
        since = writes[first - 1 if first > 0 else first].due
        ended = writes[over].end if over is not None else None
        final = ended if ended is not None else max(write.end for write in writes)
        found.append(
            {
                "from": since,
                "to": ended,
                "lo": max(0, writes[last_bad].due - writes[first].end),
                "hi": final - since,
                "before": writes[first - 1] if first > 0 else None,
                "after": writes[over] if over is not None else None,
            }
        )
        at = stop


def recovery_point(ends, started, disaster):
    """Seconds of acknowledged writes that are missing; `ends` is [(completion, gone)]."""
    ends = sorted(ends, key=lambda e: e[0])
    gone = [i for i, (_, missing) in enumerate(ends) if missing]
    if not gone:
        return 0.0
    point = ends[gone[0] - 1][0] if gone[0] > 0 else started
    last_gone = ends[gone[-1]][0]
    before = [end for end, _ in ends if disaster is not None and end < disaster]
    if disaster is None or last_gone >= disaster or not before:
        until = last_gone
    else:
        until = before[-1]
    return max(0.0, (until - point) / 1e9)


class Journal:
    """The few facts that are the conductor's alone: when steps and restores were, and the terms."""

    def __init__(self, bundle):
        events = json_lines(os.path.join(bundle, "journal.jsonl"))
        self.disaster = None
        self.steady_for = None
        for event in events:
            data = event["data"]
            if event["type"] == "planned":
                steps = data.get("plan", {}).get("timeline", [])
                steady = [s.get("for_s") for s in steps if s.get("step") == "steady_state"]
                self.steady_for = steady[-1] if steady else None
        by_type = lambda name: [e for e in events if e["type"] == name]
        holds = {e["data"]["deed"] for e in by_type("deed") if e["data"].get("holds_data")}
        proofs = [
            e for e in by_type("proof") if e["data"].get("held") and e["data"]["kind"] != "restore"
        ]
        losses = [e for e in proofs if e["data"]["deed"] in holds]
        cutovers = [
            e for e in by_type("injected") if e["data"]["kind"] == "restore" and e["data"].get("ok")
        ]
        for chosen in (proofs[:1], losses[-1:], cutovers[-1:]):
            if chosen:
                self.disaster = chosen[0]["t"]


def hold_of(bundle, journal):
    """How long a success must last: objectives.rto.hold, else the last steady state's `for`."""
    playbook = os.path.join(bundle, "playbook.yaml")
    if os.path.exists(playbook):
        with open(playbook, encoding="utf-8") as text:
            found = re.search(r"^[^#\n]*\bhold:\s*([0-9.]+(?:ms|s|m|h))", text.read(), re.M)
        if found:
            return seconds_of(found[1])
    return journal.steady_for if journal.steady_for is not None else 5.0


class Table:
    def __init__(self):
        self.rows = []
        self.differs = False

    def add(self, what, recomputed, reported, same, source):
        self.differs = self.differs or not same
        judged = "same" if same else "DIFFERS"
        self.rows.append((what, str(recomputed), str(reported), judged, source))

    def equal(self, what, recomputed, reported, source):
        if reported is None:
            self.rows.append((what, str(recomputed), "not assessed", "no claim", source))
        else:
            self.add(what, recomputed, reported, recomputed == reported, source)

    def near(self, what, recomputed, reported, slack, source):
        if reported is None:
            self.rows.append((what, f"{recomputed:.6f}", "not assessed", "no claim", source))
        else:
            same = abs(recomputed - reported) <= slack
            self.add(what, f"{recomputed:.6f}", f"{reported:.6f}", same, source)

    def __str__(self):
        rows = [("", "recomputed", "result.json", "", "from")] + self.rows
        widths = [max(len(row[i]) for row in rows) for i in range(5)]
        return "\n".join(
            "  ".join(cell.ljust(width) for cell, width in zip(row, widths)).rstrip()
            for row in rows
        )


def tell_requests(table, ledger, log, result):
    writes, load = ledger.writes, ledger.load
    sent = [w for w in writes if w.outcome != "not_sent"]
    reported = [l for l in result["load"] if l["name"] == load]
    steps = result["steps"]
    if reported and steps:
        first = nanoseconds(steps[0]["started"]) - ledger.boot_to_utc
        edge = sum(abs(w.due - first) <= EDGE_NS for w in writes)
        counted = [w for w in writes if w.due >= first]
        for name, mine in (
            ("due", counted),
            ("sent", [w for w in counted if w.outcome != "not_sent"]),
            ("ok", [w for w in counted if w.good]),
        ):
            theirs = sum(phase[name] for phase in reported[0]["phases"])
            same = abs(len(mine) - theirs) <= edge
            what = f"requests {name} from the first step on"
            table.add(what, f"{len(mine)} (+-{edge})", theirs, same, "ledger")
    unasked = set(log.puts) - {w.key for w in sent}
    mine = {k for k in unasked if k.startswith(f"{ledger.drill}-{load}-")}
    table.add("orders that the front had, never sent", len(mine), 0, not mine, "access log")
    silent = [w.key for w in writes if w.outcome in ("ok", "refused") and w.key not in log.puts]
    table.add("answered, unknown to the front", len(silent), 0, not silent, "access log")


def tell_ledger(table, ledger, log, reported, found, source):
    good = [w for w in ledger.writes if w.good]
    unknown = [w for w in ledger.writes if w.outcome == "unknown"]
    table.equal("acknowledged", len(good), reported["acknowledged"], "ledger")
    denied = [w.key for w in good if log.accepted(w.key) is None]
    table.add("acknowledged, not so by the front", len(denied), 0, not denied, "access log")
    table.equal("unknown", len(unknown), reported["unknown"], "ledger")
    names = ["lost", "stale", "duplicate", "corrupt", "recovered", "phantom"]
    for name in names:
        by_reads = source == "access log" and name not in ("lost", "recovered")
        where = "the ledger's own word" if by_reads else source
        table.equal(name, len(found.get(name, [])), reported[name], where)


def tell_outages(table, ledger, log, result, hold):
    outages = outages_of(ledger.writes, int(hold * 1e9))
    reported = [o for o in result["outages"] if o["source"] == ledger.load]
    table.equal("outages", len(outages), len(reported), "ledger")
    for number, (mine, theirs) in enumerate(zip(outages, reported), 1):
        name = f"outage {number}"
        table.near(f"{name} at least, s", mine["lo"] / 1e9, theirs["rto_s"]["lo"], 1e-6, "ledger")
        table.near(f"{name} at most, s", mine["hi"] / 1e9, theirs["rto_s"]["hi"], 1e-6, "ledger")
        since = mine["from"] + ledger.boot_to_utc
        apart = abs(nanoseconds(theirs["from"]) - since)
        close = apart <= CLOCK_SLACK_NS
        table.add(f"{name} from", f"{apart / 1e6:.3f} ms apart", 0, close, "ledger")
        seen = seen_by_front(mine, log)
        if seen is not None:
            inside = (
                theirs["rto_s"]["lo"] - CLOCK_SLACK_NS / 1e9
                <= seen
                <= theirs["rto_s"]["hi"] + CLOCK_SLACK_NS / 1e9
            )
            bar = f"{theirs['rto_s']['lo']:.3f} to {theirs['rto_s']['hi']:.3f}"
            table.add(f"{name} as the front saw it, s", f"{seen:.6f}", bar, inside, "access log")
    return max((outage["hi"] for outage in outages), default=0) / 1e9


def seen_by_front(outage, log):
    """From the last order accepted before it to the first that lasted, by the front's clock."""
    if outage["before"] is None or outage["after"] is None:
        return None
    before = log.accepted(outage["before"].key)
    after = log.accepted(outage["after"].key)
    return None if before is None or after is None else (after - before) / 1e9


def tell_rpo(table, ledger, found, reported, disaster, source):
    lost = set(found.get("lost", [])) | set(found.get("stale", []))
    absent = set(found.get("absent_unknown", []))
    best = [(w.end, w.key in lost) for w in ledger.writes if w.good]
    worst = best + [(w.end, True) for w in ledger.writes if w.key in absent]
    rpo = reported["rpo_s"] or {}
    mine = recovery_point(best, ledger.started, disaster)
    table.near("RPO, best case, s", mine, rpo.get("best"), 1e-6, source)
    table.near(
        "RPO, worst case, s",
        recovery_point(worst, ledger.started, disaster),
        rpo.get("worst"),
        1e-6,
        source,
    )
    return mine


def tell(bundle, store, access_log, hold=None):
    with open(os.path.join(bundle, "result.json"), encoding="utf-8") as text:
        result = json.load(text)
    journal = Journal(bundle)
    hold = hold if hold is not None else hold_of(bundle, journal)
    table = Table()
    names = sorted(n for n in os.listdir(bundle) if re.fullmatch(r"ledger(-.+)?\.jsonl", n))
    if not names:
        raise CannotTell("the bundle has no ledger")
    log = AccessLog(access_log, result["drill"])
    rto, rpo, sums = 0.0, 0.0, {"acknowledged": 0, "lost": 0, "duplicate": 0}
    for name in names:
        ledger = Ledger(os.path.join(bundle, name))
        if ledger.drill != result["drill"]:
            raise CannotTell(f"{name} is of another drill")
        for problem in ledger.problems()[:5]:
            table.add(problem, "no", "yes", False, name)
        reported = [l for l in result["ledgers"] if l["load"] == ledger.load]
        if not reported:
            raise CannotTell(f"the result has no ledger of load {ledger.load}")
        if store is None:
            if not log.lists:
                raise CannotTell("without the store's rows: the access log shows no list read back")
            found, source = classified_by_reads(ledger, log), "access log"
        else:
            found, source = classified(ledger, rows_of(store, ledger.drill)), "store's rows"
        tell_requests(table, ledger, log, result)
        tell_ledger(table, ledger, log, reported[0], found, source)
        rto = max(rto, tell_outages(table, ledger, log, result, hold))
        rpo = max(rpo, tell_rpo(table, ledger, found, reported[0], journal.disaster, source))
        sums["acknowledged"] += sum(w.good for w in ledger.writes)
        for key in ("lost", "duplicate"):
            sums[key] += len(found.get(key, []))
    recovery = result["recovery"]
    table.near("RTO, s", rto, recovery["rto_s"], 1e-6, "ledger")
    table.near("RPO, s", rpo, recovery["rpo_s"], 1e-6, "all")
    table.equal("acknowledged, in all", sums["acknowledged"], recovery["acknowledged"], "ledger")
    table.equal("lost, in all", sums["lost"], recovery["lost"], "all")
    table.equal("duplicated, in all", sums["duplicate"], recovery["duplicated"], "all")
    return table


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("bundle", help="the drill's --out folder")
    parser.add_argument("--store", required=True, help="the store's rows before clean-up, or: none")
    parser.add_argument("--access-log", required=True, help="front.access.jsonl of the shop")
    parser.add_argument("--hold", type=float, help="seconds; as the playbook has it by itself")
    terms = parser.parse_args()
    try:
        store = None if terms.store == "none" else terms.store
        table = tell(terms.bundle, store, terms.access_log, terms.hold)
    except (CannotTell, OSError, KeyError, ValueError, sqlite3.Error) as error:
        print(f"cannot tell: {error!r}", file=sys.stderr)
        return 2
    print(table)
    print("DIFFERS from what gameday says" if table.differs else "the same as gameday says")
    return 1 if table.differs else 0


if __name__ == "__main__":
    sys.exit(main())
