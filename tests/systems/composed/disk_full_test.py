"""disk-full on the composed system: RabbitMQ takes nothing more, and no order is refused or lost; a
shop without an outbox is found to refuse them."""

import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "support"))
from composed_world import containers, expect_reason, main, switched  # noqa: E402
from shop_world import check  # noqa: E402


def disk():
    """Where the queue's volume is, as this machine sees it."""
    mounts = containers()["rabbitmq"]["Mounts"]
    return next(one["Source"] for one in mounts if one["Destination"] == "/var/lib/rabbitmq")


def room(folder):
    of = os.statvfs(folder)
    return of.f_bavail * of.f_frsize


def filled(drills, code, playbook="disk-full", **variables):
    folder = disk()
    check(os.path.ismount(folder), f"{folder} is no filesystem of its own")
    before, names = room(folder), sorted(os.listdir(folder))
    result = drills.run(playbook, code, disk=folder, **variables)
    check(abs(room(folder) - before) < 20 << 20, f"{before} bytes were free, and {room(folder)} are")
    check(sorted(os.listdir(folder)) == names, f"{names} were there, and {os.listdir(folder)} are")
    fault = result["faults"][0]
    check(fault["kind"] == "fill-disk" and fault["proven"] and fault["undo"] == "undone", fault)
    check(result["recovery"]["lost"] == 0 and result["recovery"]["acknowledged"] > 100, result["recovery"])
    return result


def passes(drills):
    filled(drills, 0)


def refused(drills):
    with switched(SHOP_OUTBOX="off"):
        result = filled(drills, 1)
        expect_reason(result, "rto")
        check(result["recovery"]["rto_s"] > 3, result["recovery"])


def leaves_room(drills):
    """The disk is filled, and RabbitMQ has not noticed: nothing was shown by that drill."""
    result = filled(drills, 1, playbook="twins/disk-full-leaves-room", settles="8s", held="2s")
    expect_reason(result, "queue-is-full")


if __name__ == "__main__":
    main([passes, refused, leaves_room])
