"""What the crash campaign tries, and whether that is all that it has to: each deed that gameday's own
rows say there is, in each way that a playbook may name it, has a case here or a reason why not."""

import collections
import re
import subprocess

# What it is done to, as `crash_servers` knows it ("shop": what stands there anyway), by its facet.
PLACES = {"": "shop", "link": "shop", "host": "shop", "process": "shop", "sqlite": "shop",
          "queue": "shop", "container": "container", "postgres": "postgres",
          "postgres-data": "postgres-data", "rabbitmq": "rabbitmq", "redis": "redis", "s3": "s3",
          "ssh": "ssh", "restic": "restic", "postgres-archive": "postgres-archive",
          "pgbackrest": "pgbackrest"}
# Refused where a container's process is not seen.
SEEN = ("delay-container", "exhaust-inodes-container", "fill-disk-container",
        "limit-descriptors-container")
# With which others it is tried, by the place: what `--facet` takes.
STAGES = {"seen-container": "container", "containers": "container",
          "postgres-container": "container", "postgres-archive": "postgres-data",
          "pgbackrest": "postgres-data", "restic": "postgres-data"}
# The ways in which a playbook says what it hits, and how a fault's example is said that way.
AIMS = {
    ("link", "region"): ("-in-region", r"\blink: [a-z-]+", "region: eu-west"),
    ("link", "link"): ("-of-link", r"\bregion: [a-z-]+", "link: west-to-store"),
    ("container", "region"): ("-in-region", r"\btarget: [a-z-]+", "region: rack"),
}
# What is lost before it is restored, and what of.
DISASTERS = {"sqlite": ("store", "lose-data, target: store"),
             "postgres": ("database", "lose-data-postgres, target: database, table: sales.orders"),
             "postgres-archive": ("archive", "lose-data-directory, target: database"),
             "pgbackrest": ("stanza", "lose-data-directory, target: database"),
             "rabbitmq": ("jobs", "drop-rabbitmq-queue, target: jobs"),
             "redis": ("sessions", "lose-data-redis, target: sessions"),
             "s3": ("archive", "lose-data-s3, target: archive"),
             "restic": ("files", "")}
# Into what, as the name says it, and on which place where that is not its own.
RESTORED = {"place": ("", ""), "scratch": ("-scratch", ""),
            "place in a container": ("-in-container", "postgres-container")}
# What was written since the backup comes from there.
REPLAYED = {"sqlite": ", replay: orders", "rabbitmq": ", replay: jobs"}

NOTHING_UNDOES = ("nothing undoes an action; what it has started ends with it, and the guardian "
                  "names it: e2e's death cases, and the tests of the performer and the guardian")
# By kind, name and aim: why there is no case.
NOT_TRIED = {
    ("restore", "pgbackrest", "place in a container"):
        "it takes the place by what restore-postgres-archive-in-container does: put_into_place",
    ("action", "attack-lock", ""): NOTHING_UNDOES,
    ("action", "fail-back", ""): NOTHING_UNDOES,
    ("action", "promote", ""): NOTHING_UNDOES,
    ("action", "rejoin", ""): NOTHING_UNDOES,
}

Deed = collections.namedtuple("Deed", "kind name facet aim example")
# `sampled`: its point mid-deed is in `--sample`; `hits`: so many by one fault, at least.
Case = collections.namedtuple("Case", "name deed place stage steps sampled hits")


def deeds(program):
    """All that gameday's rows say there is."""
    listed = subprocess.run([program, "deeds"], capture_output=True, text=True, check=True)
    return [Deed(*line.split("\t")) for line in listed.stdout.splitlines()]


def key(deed):
    """What tells it from every other."""
    return deed.kind, deed.name, deed.aim if deed.kind != "fault" else f"{deed.facet} {deed.aim}"


def shortly(example):
    return re.sub(r"\bfor: [0-9a-z]+", "for: 300ms", example.removeprefix("- "))


def fault_case(deed):
    suffix, step, place, hits = "", deed.example, PLACES.get(deed.facet, ""), 1
    if deed.aim == "target by the other way":
        suffix = "-on-" + deed.facet
    elif deed.aim == "target in a container":
        suffix, place = "-in-container", deed.facet.removesuffix("-data") + "-container"
    elif (deed.facet, deed.aim) in AIMS:
        suffix, found, said = AIMS[deed.facet, deed.aim]
        if said.split()[0] in step:
            suffix = ""  # the example says it that way
        step = re.sub(found, said, step)
        hits = 2 if deed.aim == "region" else 1
    elif deed.aim not in ("itself", "target"):
        return None
    if place == "container" and deed.aim == "region":
        place = "containers"
    if deed.name in SEEN:
        place = "seen-container"
    return make(deed.name + suffix, deed, place, [shortly(step)], suffix in ("", "-on-host"), hits)


def restore_case(deed):
    """Something is lost before: what died in the middle of both has two undos, the newest first."""
    suffix, place = RESTORED.get(deed.aim, (None, ""))
    if deed.name not in DISASTERS or suffix is None or key(deed) in NOT_TRIED:
        return None
    target, loss = DISASTERS[deed.name]
    steps = [f"backup: {target}", f"{{ restore: {target} }}"]
    if deed.aim != "scratch":
        steps[1:] = [f"{{ fault: {loss}, id: lost }}",
                     f"{{ restore: {target}, into: place{REPLAYED.get(deed.name, '')} }}"]
    return make(f"restore-{deed.name}{suffix}", deed, place or PLACES.get(deed.facet), steps, False,
                0)


def action_case(deed):
    if deed.name != "command":
        return None
    return make("action-command", deed, "shop", [deed.example.removeprefix("- ")], False, 0)


def make(name, deed, place, steps, sampled, hits):
    if place not in {*PLACES.values(), *STAGES}:
        return None
    return Case(name, deed, place, STAGES.get(place, place), steps, sampled, hits)


def case_of(deed):
    """How it is tried, or None."""
    kinds = {"fault": fault_case, "restore": restore_case, "action": action_case}
    return kinds[deed.kind](deed) if deed.kind in kinds else None


def tried(needed):
    return [case for case in map(case_of, needed) if case is not None]


def cases(program):
    """All of them by name."""
    return {case.name: case for case in tried(deeds(program))}


def not_covered(needed, found, reasons):
    """What is wrong with the campaign, a line each: a deed with neither a case nor a reason, or with
    both, a reason for what there is not, and two cases of one name."""
    wrong = []
    covered = collections.Counter(key(case.deed) for case in found)
    for deed in needed:
        name = " ".join(key(deed)).strip()
        if not covered[key(deed)] and key(deed) not in reasons:
            wrong.append(f"{name}: the crash campaign has no case for it, and no reason why not")
        if covered[key(deed)] and key(deed) in reasons:
            wrong.append(f"{name}: the crash campaign has a case for it, and a reason why not")
    for left in set(reasons) - {key(deed) for deed in needed}:
        wrong.append(f"{' '.join(left).strip()}: a reason why what there is not is not tried")
    names = collections.Counter(case.name for case in found)
    wrong += [f"{name}: two cases have this name" for name, count in names.items() if count > 1]
    return wrong
