"""How far back in time a ledger's acknowledged writes are gone, computed from what gameday wrote down
and from the rows themselves, by none of gameday's code: the definition stands in the design.

P is the completion of the last acknowledged write before which, in order of completion, none is lost
or stale; D is the last acknowledgement before the restored copy took over, or, if something
acknowledged after that is lost, the last acknowledgement of a lost write. RPO = max(0, D - P)."""

import json


def acknowledged(ledger):
    """(the load's start, [(completed, key, digest)] in order of completion), by the boot's clock in ns."""
    started, writes = None, []
    with open(ledger, encoding="utf-8") as file:
        for line in map(json.loads, file):
            if line["type"] == "ledger":
                started = line["boot_ns"]
            if line["type"] == "write" and line["outcome"] == "ok":
                writes.append((line["end_ns"], line["key"], line["digest"]))
    return started, sorted(writes)


def recovery_point(ledger, rows, took_over):
    """(RPO in seconds, number of lost or stale writes). `rows`: digest by key; `took_over`: boot ns."""
    started, writes = acknowledged(ledger)
    gone = [rows.get(key) != digest for _, key, digest in writes]
    if not any(gone):
        return 0.0, 0
    first = gone.index(True)
    prefix_end = writes[first - 1][0] if first > 0 else started
    last_gone = max(end for (end, _, _), lost in zip(writes, gone) if lost)
    if last_gone >= took_over:
        disaster = last_gone
    else:
        disaster = max(end for end, _, _ in writes if end < took_over)
    return max(0, disaster - prefix_end) / 1e9, sum(gone)
