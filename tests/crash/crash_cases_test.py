#!/usr/bin/env python3
"""crash_cases_test.py PROGRAM TEST: whether the crash campaign tries each deed of gameday's own rows,
and whether it would be told if it did not. Ends with 1 and a line for each thing that is wrong."""

import os
import re
import sys

import crash_cases
from crash_cases import NOT_TRIED, key, not_covered

HERE = os.path.dirname(os.path.abspath(__file__))


def expect(wrong, *parts):
    """That there is one thing wrong, and that it is said."""
    if len(wrong) == 1 and all(part in wrong[0] for part in parts):
        return []
    return [f"expected one line with {parts}: {wrong}"]


def whole(needed, tried):
    """Nothing is wrong as it is, and there is something."""
    return not_covered(needed, tried, NOT_TRIED) + ([] if len(tried) > 90 else ["too few cases"])


def each_taken_away(needed, tried):
    told = []
    for case in tried:
        others = [one for one in tried if one is not case]
        told += expect(not_covered(needed, others, NOT_TRIED), " ".join(key(case.deed)).strip(),
                       "has no case for it, and no reason why not")
    return told


def reasons(needed, tried):
    """One that is taken away, one for what is tried, one for what there is not."""
    told = []
    for reason in NOT_TRIED:
        fewer = {name: why for name, why in NOT_TRIED.items() if name != reason}
        told += expect(not_covered(needed, tried, fewer), reason[1], "no reason why not")
    more = dict(NOT_TRIED)
    more[key(tried[0].deed)] = "for no reason"
    told += expect(not_covered(needed, tried, more), tried[0].deed.name, "and a reason why not")
    gone = dict(NOT_TRIED)
    gone["fault", "no-such", "process target"] = "it was removed"
    return told + expect(not_covered(needed, tried, gone), "no-such", "what there is not")


def names(needed, tried):
    """Each case is run by its name."""
    same = [*tried[:-1], tried[-1]._replace(name=tried[0].name)]
    return expect(not_covered(needed, same, NOT_TRIED), tried[0].name, "two cases have this name")


def kinds(needed, tried):
    """What there is no way to try yet: a fault that hits a region of something else, one of a facet
    that nobody stands up, a restore, an action and a kind of deed that nobody has heard of."""
    told = []
    for new in ("fault kill process region", "fault jam tape target", "restore tape tape place",
                "action deploy process ", "omen comet sky target"):
        deed = crash_cases.Deed(*new.split(" "), "- { fault: kill, target: west, for: 5s }")
        found = crash_cases.case_of(deed)
        told += [f"{deed} is tried: {found}"] if found else []
        told += expect(not_covered([*needed, deed], tried, NOT_TRIED), " ".join(key(deed)).strip())
    return told


def steps(_, tried):
    """What is tried names what it is said to hit."""
    told = []
    for case in tried:
        last = case.steps[-1]
        for aim in ("region", "link"):
            if case.deed.aim == aim and f" {aim}: " not in last:
                told.append(f"{case.name} names no {aim}: {last}")
        if case.deed.aim == "place" and "into: place" not in last:
            told.append(f"{case.name} is not into place: {last}")
        if case.deed.kind == "fault" and "for: 300ms" not in last:
            told.append(f"{case.name} has no end: {last}")
    return told


def samples(_, tried):
    """Each place that has a case for it is a test of its own, as tests/crash/CMakeLists.txt says."""
    with open(HERE + "/CMakeLists.txt", encoding="utf-8") as file:
        written = set(re.findall(r"^crash_sample\(\S+ (\S+) ", file.read(), flags=re.M))
    wanted = {case.stage for case in tried if case.sampled} - {"shop"}
    return [f"no sample is a test: {stage}" for stage in wanted - written]


TESTS = {test.__name__: test for test in (whole, each_taken_away, reasons, names, kinds, steps,
                                          samples)}


def main():
    program, test = sys.argv[1:]
    needed = crash_cases.deeds(program)
    wrong = TESTS[test](needed, crash_cases.tried(needed))
    print("\n".join(wrong))
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
