"""What a ledger lost, from its file and the rows that are there: without any of gameday's code.

recovery.py LEDGER ROWS DISASTER_NS|none: prints the lost keys and both recovery points as JSON. ROWS
has a line "KEY DIGEST" for each row.
"""

import json
import sys


def point(writes, started, disaster):
    """From the last write before which nothing is gone to the last one that could be expected."""
    writes = sorted(writes)
    gone = [end for end, there in writes if not there]
    if not gone:
        return 0.0
    kept = [end for end, there in writes if end < gone[0]]
    whole = max(kept, default=started)
    if disaster is None or max(gone) >= disaster:
        last = max(gone)
    else:
        last = max(end for end, there in writes if end < disaster)
    return max(0.0, (last - whole) / 1e9)


def main():
    ledger, rows, disaster = sys.argv[1:]
    disaster = None if disaster == "none" else int(disaster)
    with open(rows, encoding="utf-8") as file:
        there = {line.split()[0] for line in file if line.strip()}
    with open(ledger, encoding="utf-8") as file:
        lines = [json.loads(line) for line in file]
    # The first request is due when the load begins.
    started = min(line["due_ns"] for line in lines if line["type"] == "write")
    lost, best, worst = [], [], []
    for line in lines:
        if line["type"] != "write" or line["outcome"] not in ("ok", "unknown"):
            continue
        found = line["key"] in there
        if line["outcome"] == "ok":
            best.append((line["end_ns"], found))
            if not found:
                lost.append(line["key"])
        if line["outcome"] == "ok" or not found:
            worst.append((line["end_ns"], found))
    print(
        json.dumps(
            {
                "lost": lost,
                "best_s": point(best, started, disaster),
                "worst_s": point(worst, started, disaster),
            }
        )
    )


if __name__ == "__main__":
    main()
