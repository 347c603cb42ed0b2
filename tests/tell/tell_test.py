"""Tests tell.py on a drill made by hand, and on the lies that it must find."""

import contextlib
import hashlib
import io
import json
import os
import sqlite3
import sys
import tempfile
import unittest

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import tell  # noqa: E402

DRILL, LOAD, SEED = "01JDRILL", "checkout", 7
START_UTC = "2026-11-22T19:04:10.000000Z"
START = 5_000_000_000_000
MS = 1_000_000


def utc(boot_ns):
    whole, rest = divmod(tell.nanoseconds(START_UTC) + boot_ns - START, 1_000_000_000)
    moment = tell.time.strftime("%Y-%m-%dT%H:%M:%S", tell.time.gmtime(whole))
    return f"{moment}.{rest // 1000:06d}Z"


def key_of(seq):
    return f"{DRILL}-{LOAD}-{seq:06d}"


def digest_of(seq):
    return hashlib.sha256(f"{key_of(seq)}:{SEED}".encode()).hexdigest()[:32]


class Drill:
    """Ten requests a second for twelve seconds; those due in [3 s, 5 s) are not answered."""

    hold = 2.0

    def __init__(self, folder):
        self.folder = folder
        self.writes, self.log, self.rows = [], [], []
        for seq in range(120):
            due = START + seq * 100 * MS
            bad = 30 <= seq < 50
            end = due + (1000 if bad else 2) * MS
            self.writes.append([seq, due, end, "unknown" if bad else "ok", 0 if bad else 201])
            if not bad:
                self.log.append(["PUT", f"/orders/{key_of(seq)}", 201, end - MS])
                self.rows.append((key_of(seq), digest_of(seq)))
        # One that was never answered got through all the same.
        self.log.append(["PUT", f"/orders/{key_of(40)}", 201, START + 4000 * MS])
        self.rows.append((key_of(40), digest_of(40)))
        self.log.append(["GET", "/orders", 200, START + 13000 * MS])
        for seq in range(30, 50):
            if seq != 40:
                self.log.append(["GET", f"/orders/{key_of(seq)}", 404, START + 13100 * MS])
        self.reads = [(key_of(seq), "absent_unknown") for seq in range(30, 50) if seq != 40]
        self.reads.append((key_of(40), "recovered"))
        self.disaster = START + 5000 * MS
        self.result = self.right_result()

    def right_result(self):
        ledger = {"load": LOAD, "acknowledged": 100, "unknown": 20, "lost": 0, "stale": 0}
        ledger.update(duplicate=0, phantom=0, resurrected=0, corrupt=0, recovered=1)
        ledger["rpo_s"] = {"best": 0.0, "worst": 2.0, "hole_s": 0.0, "resolution_s": 0.1}
        # Last good due at 2.9 s; first bad due at 3.0 s, given up at 4.0 s; last bad due at 4.9 s;
        # the first good is due at 5.0 s. The worst case is from the completion at 2.902 s to the
        # last unknown's end, which came after the disaster.
        ledger["rpo_s"]["worst"] = 5.9 - 2.902
        outage = {"faults": ["lost"], "from": utc(START + 2900 * MS), "to": utc(START + 5002 * MS)}
        outage.update(rto_s={"lo": 0.9, "hi": 2.102}, source=LOAD)
        phase = {"phase": "steady", "due": 120, "sent": 120, "ok": 100, "errors": 20}
        recovery = {"rto_s": 2.102, "rpo_s": 0.0, "acknowledged": 100, "lost": 0, "duplicated": 0}
        return {
            "drill": DRILL,
            "steps": [{"id": "steady", "started": utc(START - 10 * MS)}],
            "load": [{"name": LOAD, "phases": [phase]}],
            "outages": [outage],
            "recovery": recovery,
            "ledgers": [ledger],
        }

    def path(self, name):
        return os.path.join(self.folder, name)

    def lines(self, name, lines):
        with open(self.path(name), "w", encoding="utf-8") as out:
            out.writelines(json.dumps(line) + "\n" for line in lines)

    def ledger_lines(self):
        head = {"type": "ledger", "drill": DRILL, "load": LOAD, "seed": SEED, "rate": 10.0}
        head.update(timeout_s=1.0, started=START_UTC, boot_ns=START)
        yield head
        yield {"type": "intent", "from": 0, "to": 199}
        for seq, due, end, outcome, status in self.writes:
            line = {"type": "write", "seq": seq, "key": key_of(seq), "digest": digest_of(seq)}
            line.update(due_ns=due, sent_ns=due, end_ns=end, outcome=outcome, status=status)
            yield line
        yield {"type": "end", "writes": len(self.writes)}
        for key, name in self.reads:
            yield {"type": "read", "key": key, "class": name}

    def store(self):
        path = self.path("store.db")
        if os.path.exists(path):
            os.remove(path)
        database = sqlite3.connect(path)
        database.execute("CREATE TABLE orders(id INTEGER PRIMARY KEY, key, item, sum, stored_at)")
        rows = self.rows + [("01JANOTHER-checkout-000001", "x")]
        database.executemany("INSERT INTO orders(key, sum) VALUES (?, ?)", rows)
        database.commit()
        database.close()
        return path

    def told(self, with_store=True):
        """(exit code, what it printed)"""
        with open(self.path("result.json"), "w", encoding="utf-8") as out:
            json.dump(self.result, out)
        self.lines("ledger.jsonl", self.ledger_lines())
        proof = {"deed": "d-2", "kind": "lose-data", "held": True}
        deed = {"deed": "d-2", "kind": "lose-data", "holds_data": True}
        restored = {"deed": "d-3", "kind": "restore", "ok": True}
        self.lines(
            "journal.jsonl",
            [
                {"type": "deed", "t": START, "data": deed},
                {"type": "proof", "t": START + 3000 * MS, "data": proof},
                {"type": "injected", "t": self.disaster, "data": restored},
            ],
        )
        front = []
        for method, path, status, end in self.log:
            entry = {"at": utc(end), "end": utc(end), "method": method, "path": path}
            entry["status"] = status
            front.append(entry)
        self.lines("front.access.jsonl", front)
        store = self.store() if with_store else "none"
        arguments = [self.folder, "--store", store, "--access-log", self.path("front.access.jsonl")]
        sys.argv = ["tell.py", *arguments, "--hold", str(self.hold)]
        said = io.StringIO()
        with contextlib.redirect_stdout(said), contextlib.redirect_stderr(said):
            code = tell.main()
        return code, said.getvalue()


class Told(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.drill = Drill(folder.name)

    def says_no(self, about, with_store=True):
        code, said = self.drill.told(with_store)
        self.assertEqual(code, 1, said)
        wrong = [line for line in said.splitlines() if "DIFFERS" in line]
        self.assertTrue(any(about in line for line in wrong), said)

    def test_agrees_with_a_result_that_is_right(self):
        code, said = self.drill.told()
        self.assertEqual(code, 0, said)
        self.assertIn("as the front saw it", said)
        self.assertIn("store's rows", said)

    def test_agrees_without_the_rows_and_says_whose_word_it_is(self):
        code, said = self.drill.told(with_store=False)
        self.assertEqual(code, 0, said)
        self.assertIn("the ledger's own word", said)

    def test_reads_rows_as_json_too(self):
        rows = [{"key": key, "sum": digest} for key, digest in self.drill.rows]
        path = self.drill.path("rows.json")
        with open(path, "w", encoding="utf-8") as out:
            json.dump({"orders": rows}, out)
        self.assertEqual(tell.rows_of(path, DRILL), self.drill.rows)

    def test_finds_a_row_that_is_gone(self):
        self.drill.rows.remove((key_of(70), digest_of(70)))
        self.says_no("lost")

    def test_finds_what_was_lost_and_for_how_long(self):
        for seq in range(25, 30):
            self.drill.rows.remove((key_of(seq), digest_of(seq)))
        ledger = self.drill.result["ledgers"][0]
        self.drill.result["recovery"].update(lost=5, rpo_s=2.902 - 2.402)
        ledger.update(lost=5)
        ledger["rpo_s"].update(best=2.902 - 2.402, worst=5.9 - 2.402)
        code, said = self.drill.told()
        self.assertEqual(code, 0, said)
        ledger["rpo_s"]["best"] = 0.4
        self.says_no("RPO, best case")

    def test_finds_a_loss_by_the_reads_alone(self):
        self.drill.log.append(["GET", f"/orders/{key_of(70)}", 404, START + 13000 * MS])
        self.says_no("lost", with_store=False)

    def test_finds_a_loss_that_was_made_up(self):
        self.drill.reads.append((key_of(70), "lost"))
        self.drill.result["ledgers"][0]["lost"] = 1
        self.says_no("lost", with_store=False)

    def test_finds_a_row_that_is_there_twice(self):
        self.drill.rows.append((key_of(70), digest_of(70)))
        self.says_no("duplicate")

    def test_finds_a_row_with_another_content(self):
        self.drill.rows.remove((key_of(70), digest_of(70)))
        self.drill.rows.append((key_of(70), "0" * 32))
        self.says_no("corrupt")

    def test_finds_a_row_that_nobody_sent(self):
        self.drill.rows.append((key_of(500), digest_of(500)))
        self.says_no("phantom")

    def test_finds_an_acknowledgement_that_the_front_never_gave(self):
        self.drill.log = [line for line in self.drill.log if line[1] != f"/orders/{key_of(70)}"]
        self.says_no("acknowledged, not so by the front")

    def test_finds_an_order_that_was_never_sent(self):
        self.drill.log.append(["PUT", f"/orders/{key_of(300)}", 201, START + 9000 * MS])
        self.says_no("never sent")

    def test_finds_other_counts_of_requests(self):
        self.drill.result["load"][0]["phases"][0]["sent"] = 130
        self.says_no("requests sent")

    def test_finds_an_outage_that_was_cut_short(self):
        self.drill.result["outages"][0]["rto_s"]["hi"] = 1.5
        self.says_no("outage 1 at most")

    def test_finds_an_outage_that_was_left_out(self):
        self.drill.result["outages"] = []
        self.drill.result["recovery"]["rto_s"] = 0.0
        self.says_no("outages")

    def test_finds_an_outage_that_the_front_did_not_see_so(self):
        late = f"/orders/{key_of(50)}"
        for line in self.drill.log:
            if line[1] == late:
                line[3] += 900 * MS
        self.says_no("as the front saw it")

    def test_finds_a_ledger_that_was_cut_off(self):
        del self.drill.writes[100:]
        self.says_no("requests ok")

    def test_finds_a_write_that_was_never_intended(self):
        self.drill.writes.append([250, START + 12000 * MS, START + 12002 * MS, "ok", 201])
        self.says_no("without being intended")

    def test_cannot_tell_without_rows_or_reads(self):
        self.drill.log = [line for line in self.drill.log if line[0] != "GET"]
        code, said = self.drill.told(with_store=False)
        self.assertEqual(code, 2, said)

    def test_a_success_that_does_not_last_ends_no_outage(self):
        writes = [
            tell.Write(
                {
                    "seq": i,
                    "key": str(i),
                    "digest": "",
                    "due_ns": i * 100 * MS,
                    "end_ns": i * 100 * MS + MS,
                    "outcome": "refused" if i in (30, 32) else "ok",
                    "status": 0,
                }
            )
            for i in range(100)
        ]
        one = tell.outages_of(writes, 1000 * MS)
        self.assertEqual([(o["from"], o["to"]) for o in one], [(2900 * MS, 3301 * MS)])
        two = tell.outages_of(writes, 50 * MS)
        self.assertEqual(len(two), 2)


if __name__ == "__main__":
    unittest.main()
