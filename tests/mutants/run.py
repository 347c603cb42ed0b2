#!/usr/bin/env python3
"""Breaks a copy of the engine one line at a time and looks whether the rehearsals notice, then
takes away its checks one at a time (tests/checks.txt) and looks whether their tests notice.

Prints one row a mutant: the invariant that caught it and the first seed, or the test that did, or
NOT CAUGHT. Exit code 1 if one is not caught or the engine as it is breaks an invariant; needs
nothing but python3 and what the build needs.
"""
import argparse
import pathlib
import re
import resource
import shutil
import subprocess
import sys
import tempfile

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parent.parent
COPIED = ["CMakeLists.txt", "CMakePresets.json", "engine", "drills", "probes", "reports", "cli",
          "tests", "playbooks"]


def read_mutants(path):
    """A list of (name, file, test binary or None for the rehearsals, old lines, new lines)."""
    found = []
    for block in re.split(r"^== ", path.read_text(), flags=re.M)[1:]:
        name, rest = block.split("\n", 1)
        match = re.match(r"file: (\S+)\n(?:test: (\S+)\n)?old:\n(.*\n)new:\n(.*)\Z", rest,
                         flags=re.S)
        if match is None:
            sys.exit(f"mutant {name}: cannot be read")
        file, test, old, new = match.groups()
        new = new.rstrip("\n")
        # The last line may be the beginning of one.
        found.append((name.strip(), file, test, old.rstrip("\n"), new))
    return found


def all_mutants():
    return read_mutants(HERE / "mutants.txt") + read_mutants(HERE.parent / "checks.txt")


def run(command, **more):
    return subprocess.run(command, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                          check=False, **more)


def build(work, jobs, target="rehearsals"):
    return run(["ninja", "-C", str(work / "build"), f"-j{jobs}", target])


def bounded():
    """A mutant that never ends must not take the machine's memory with it."""
    resource.setrlimit(resource.RLIMIT_AS, (2 << 30, 2 << 30))


def rehearse(work, seeds, seconds):
    try:
        return run([str(work / "build/bin/rehearsals"), "--count", str(seeds)], timeout=seconds,
                   preexec_fn=bounded)
    except subprocess.TimeoutExpired:
        return None


def tested(work, test, seconds=300):
    """The first test of a binary that fails, or None."""
    try:
        done = run([str(work / "build/bin" / test), "--gtest_brief=1", "--gtest_fail_fast"],
                   timeout=seconds, preexec_fn=bounded)
    except subprocess.TimeoutExpired:
        return f"{test} never ended"
    if done.returncode < 0:
        return f"{test} died of signal {-done.returncode}"
    failed = re.search(r"^\[  FAILED  \] ([^\s,]+)", done.stdout, flags=re.M)
    return failed.group(1) if failed else None


def verdict(done):
    """What caught it, or None."""
    if done is None:
        return "the rehearsals never ended"
    if done.returncode < 0:
        return f"the rehearsals died of signal {-done.returncode}"
    broken = re.findall(r"^BROKEN (\S+) at seed (\d+)", done.stdout, flags=re.M)
    if not broken:
        return None
    invariant, seed = min(broken, key=lambda one: int(one[1]))
    return f"{invariant} at seed {seed}"


def prepare(work, build_type):
    for name in COPIED:
        source = ROOT / name
        if source.is_dir():
            shutil.copytree(source, work / name, dirs_exist_ok=True)
        elif source.exists():
            shutil.copy2(source, work / name)
    # A copy that was left while a mutant stood in it has objects newer than their sources.
    for _, file, *_ in all_mutants():
        (work / file).touch()
    flags = ["-DCMAKE_BUILD_TYPE=" + build_type]
    if build_type == "Debug":
        # Fast, and no warnings: a mutant may well leave something unused.
        flags += ["-DCMAKE_CXX_FLAGS_DEBUG=-O1", "-DCMAKE_CXX_FLAGS=-w"]
    done = run(["cmake", "-G", "Ninja", "-S", str(work), "-B", str(work / "build"), *flags])
    if done.returncode != 0:
        sys.exit(done.stdout)


def all_fit(mutants):
    """A check that moved takes its mutant along, or it is one that nobody tries any more."""
    misfits = [f"{name}: its old lines stand {(ROOT / file).read_text().count(old)} times in {file}"
               for name, file, _, old, _ in mutants if (ROOT / file).read_text().count(old) != 1]
    print("\n".join(misfits) or f"{len(mutants)} mutants fit")
    return 1 if misfits else 0


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--seeds", type=int, default=500)
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--only", help="mutants whose name contains this")
    parser.add_argument("--fit", action="store_true",
                        help="builds nothing: does each still stand once in its file?")
    parser.add_argument("--checks", action="store_true", help="only those of tests/checks.txt")
    parser.add_argument("--work", help="where the copy stands; kept if given")
    options = parser.parse_args()
    mutants = all_mutants()
    if options.fit:
        return all_fit(mutants)
    if options.checks:
        mutants = [mutant for mutant in mutants if mutant[2] is not None]
    if options.only:
        mutants = [mutant for mutant in mutants if options.only in mutant[0]]
    with tempfile.TemporaryDirectory(prefix="gameday-mutants-") as temporary:
        work = pathlib.Path(options.work or temporary)
        work.mkdir(parents=True, exist_ok=True)
        prepare(work, "Debug")
        done = build(work, options.jobs)
        if done.returncode != 0:
            sys.exit(done.stdout[-4000:])
        caught = verdict(rehearse(work, options.seeds, 120))
        print(f"{'as it is':40} {'BROKEN: ' + caught if caught else 'holds'}", flush=True)
        if caught:
            return 1
        # A test that fails anyway would catch everything.
        for test in sorted({mutant[2] for mutant in mutants if mutant[2]}):
            done = build(work, options.jobs, test)
            caught = done.stdout[-2000:] if done.returncode != 0 else tested(work, test)
            print(f"{test + ' as it is':40} {'FAILS: ' + caught if caught else 'holds'}", flush=True)
            if caught:
                return 1
        missed = sum(not try_mutant(work, options, *mutant) for mutant in mutants)
    print(f"{len(mutants)} mutants, {len(mutants) - missed} caught, "
          f"those of the engine within {options.seeds} seeds")
    return 1 if missed else 0


def try_mutant(work, options, name, file, test, old, new):
    path = work / file
    whole = path.read_text()
    if whole.count(old) != 1:
        print(f"{name:40} DOES NOT FIT: its old lines stand {whole.count(old)} times in {file}")
        return False
    path.write_text(whole.replace(old, new))
    try:
        done = build(work, options.jobs, test or "rehearsals")
        if done.returncode != 0:
            print(f"{name:40} DOES NOT BUILD\n{done.stdout[-2000:]}")
            return False
        caught = tested(work, test) if test else verdict(rehearse(work, options.seeds, 120))
    finally:
        path.write_text(whole)
    print(f"{name:40} {caught or 'NOT CAUGHT'}", flush=True)
    return caught is not None


if __name__ == "__main__":
    sys.exit(main())
