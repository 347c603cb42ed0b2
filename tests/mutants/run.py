#!/usr/bin/env python3
"""Breaks a copy of the engine one line at a time and looks whether the rehearsals notice, then
takes away its checks one at a time (tests/checks.txt) and looks whether their tests notice.

Prints one row a mutant: the invariant that caught it and the first seed, or the test that did, or
NOT CAUGHT. Exit code 1 if one is not caught or the engine as it is breaks an invariant; needs
nothing but python3 and what the build needs.
"""
import argparse
import concurrent.futures
import contextlib
import ctypes
import json
import os
import pathlib
import re
import resource
import shlex
import signal
import subprocess
import sys
import tempfile
import time

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parent.parent
PARTS = 6  # of a test binary, at once
CHANCES = 4  # of tests that fail beside others, and not by themselves: that tells nothing
BY_CHANCE = "NOT TOLD: only by chance fail "
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


def rehearse(binary, seeds, threads, seconds=120):
    try:
        return run([str(binary), "--count", str(seeds), "--threads", str(threads), "--first"],
                   timeout=seconds, preexec_fn=bounded)
    except subprocess.TimeoutExpired:
        return None


def tested(work, test, seconds=300):
    """The first test of a binary that fails, or None; of one in which it died or never ended too.
    In several parts side by side, because tests of real things mostly wait. After a colon stands
    which of its tests; those that want a server take their time, and are run where they are asked
    for."""
    test, _, wanted = test.partition(":")
    binary = work / "build/bin" / test
    chosen = wanted or "-*OnDocker*:*OnNetem*:*OnPostgres*:*OnRabbit*:*OnRedis*:*OnS3*:*OnSsh*"
    chance = []  # tests that failed beside the others, and not by themselves
    while len(chance) < CHANCES:
        without = ("" if "-" in chosen else "-") + "".join(":" + name for name in chance)
        parts = Parts(binary, chosen + (without if chance else ""), 1 if wanted else PARTS, seconds)
        found = parts.first_that_fails()
        name = found and found.split(",")[0]
        if not found or " " in name or Parts(binary, name, 1, seconds).first_that_fails():
            return found
        chance.append(name)
    return BY_CHANCE + " ".join(chance)


def adopt_orphans():
    """What a test has started and left, because it died or was ended, becomes a child of ours."""
    set_child_subreaper = 36
    ctypes.CDLL(None).prctl(set_child_subreaper, 1, 0, 0, 0)


def thaw(pid):
    """The freezer of cgroup v1 holds what was killed, too."""
    for line in pathlib.Path(f"/proc/{pid}/cgroup").read_text().splitlines():
        _, kind, group = line.split(":", 2)
        if kind == "freezer" and group != "/":
            pathlib.Path("/sys/fs/cgroup/freezer" + group, "freezer.state").write_text("THAWED")


def children():
    own = pathlib.Path(f"/proc/{os.getpid()}/task")
    return [int(pid) for task in own.iterdir() for pid in (task / "children").read_text().split()]


def reap_orphans(parts):
    """What has ended is taken away at once, as init would: a test may wait for it to be gone."""
    for pid in set(children()) - parts:
        with contextlib.suppress(OSError):
            os.waitpid(pid, os.WNOHANG)


def end_orphans():
    """Ended one by one: what its parent leaves behind comes to us next."""
    while pids := children():
        for pid in pids:
            with contextlib.suppress(OSError):
                os.kill(pid, signal.SIGKILL)
            with contextlib.suppress(OSError):
                thaw(pid)
            with contextlib.suppress(OSError):
                os.waitpid(pid, 0)


class Parts:
    """A binary's tests, divided. What one part has found is enough: the others are ended then."""

    def __init__(self, binary, chosen, count, seconds):
        self.command = [str(binary), "--gtest_fail_fast", "--gtest_filter=" + chosen]
        if "OnNetem" in chosen.split("-")[0]:
            self.command.insert(0, str(ROOT / "tests/systems/netem/guest"))
        self.count, self.until = count, time.monotonic() + seconds
        self.running = {}

    def first_that_fails(self):
        for part in range(self.count):
            told = tempfile.TemporaryFile()
            self.running[part] = told, subprocess.Popen(
                self.command, stdout=told, stderr=subprocess.STDOUT,
                preexec_fn=bounded if self.count > 1 else None,
                env=dict(os.environ, GTEST_TOTAL_SHARDS=str(self.count),
                         GTEST_SHARD_INDEX=str(part)))
        try:
            return self.watch()
        finally:
            for _, process in self.running.values():
                process.kill()
                process.wait()
            end_orphans()

    def watch(self):
        while self.running:
            reap_orphans({process.pid for _, process in self.running.values()})
            late = time.monotonic() > self.until
            for part, (told, process) in list(self.running.items()):
                code = process.poll()
                if code is None and not late:
                    continue
                if code is not None:
                    del self.running[part]
                told.seek(0)
                found = what_failed(told.read(), code)
                if found:
                    return found
            time.sleep(0.02)
        return None


def what_failed(told, code):
    if code is None:
        return f"{last_begun(told)}, which never ended"
    if code < 0:
        return f"{last_begun(told)}, in which it died of signal {-code}"
    failed = re.search(rb"^\[  FAILED  \] ([^\s,]+)", told, flags=re.M)
    if code > 0 and not failed:
        return f"exit code {code} after {last_begun(told)}"
    return failed.group(1).decode() if failed else None


def last_begun(told):
    """The test that a binary was in when it said no more."""
    begun = re.findall(rb"^\[ RUN      \] (\S+)", told, flags=re.M)
    return begun[-1].decode() if begun else "what comes before its first test"


def died_at(binary, seeds):
    """The seed at which the rehearsals died: the one after the last that they told of."""
    done = run([str(binary), "--count", str(seeds), "--threads", "1", "--told"],
               preexec_fn=bounded)
    return 1 + len(re.findall(r"^\d+\t", done.stdout, flags=re.M))


def caught_by(binary, seeds, threads):
    """What caught it, or None."""
    done = rehearse(binary, seeds, threads)
    if done is None:
        return "the rehearsals never ended"
    if done.returncode < 0:
        return f"they died of signal {-done.returncode} at seed {died_at(binary, seeds)}"
    broken = re.findall(r"^BROKEN (\S+) at seed (\d+)", done.stdout, flags=re.M)
    if not broken:
        return None
    invariant, seed = min(broken, key=lambda one: int(one[1]))
    return f"{invariant} at seed {seed}"


def files_in(folder):
    return {path.relative_to(folder) for path in folder.rglob("*")
            if path.is_file() and "__pycache__" not in path.parts}


def bring_up_to_date(source, copy):
    """Only what differs is written, and is newer then than all that was built: a copy that was left
    while a mutant stood in it is put right, and nothing else is built again."""
    if source.is_dir():
        wanted = files_in(source)
        for name in files_in(copy) - wanted if copy.exists() else ():
            (copy / name).unlink()
        for name in wanted:
            bring_up_to_date(source / name, copy / name)
    elif source.exists() and not (copy.exists() and copy.read_bytes() == source.read_bytes()):
        copy.parent.mkdir(parents=True, exist_ok=True)
        copy.write_bytes(source.read_bytes())
        copy.chmod(source.stat().st_mode)


def prepare(work, build_type):
    for name in COPIED:
        bring_up_to_date(ROOT / name, work / name)
    flags = ["-DCMAKE_EXPORT_COMPILE_COMMANDS=ON", "-DCMAKE_BUILD_TYPE=" + build_type]
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


class Stages:
    """Says how long each took."""

    def __init__(self):
        self.began = self.last = time.monotonic()

    def over(self, what):
        now = time.monotonic()
        print(f"-- {what}: {now - self.last:.0f} s", flush=True)
        self.last = now

    def total(self):
        return time.monotonic() - self.began


class Rehearsals:
    """What the build does for the rehearsals: mutants are built beside it, several at once, each
    from its one file and a link in which its object stands before the one in the library."""

    def __init__(self, work):
        self.work = work
        build = work / "build"
        self.compiling = {}
        for one in json.loads((build / "compile_commands.json").read_text()):
            self.compiling[one["file"]] = shlex.split(one["command"])
        done = run(["ninja", "-C", str(build), "-t", "commands", "rehearsals"])
        self.linking = shlex.split(done.stdout.rstrip("\n").split("\n")[-1])
        self.binary = build / "bin/rehearsals"

    def build(self, name, file, content):
        """The mutant's own binary, or what the compiler said against it."""
        folder = self.work / "mutants" / name
        source, mutant, linked = folder / file, folder / "mutant.o", folder / "rehearsals"
        source.parent.mkdir(parents=True, exist_ok=True)
        source.write_text(content)
        compiling = list(self.compiling[str(self.work / file)])
        compiling[compiling.index("-o") + 1] = str(mutant)
        compiling[compiling.index("-c") + 1] = str(source)
        at = self.linking.index("-o")
        linking = self.linking[:at] + [str(mutant), "-o", str(linked)] + self.linking[at + 2:]
        for command in (compiling, [part for part in linking if part not in (":", "&&")]):
            done = run(command, cwd=self.work / "build")
            if done.returncode != 0:
                return None, done.stdout
        return linked, ""


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--seeds", type=int, default=500)
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--only", action="append",
                        help="mutants whose name contains this; given several times, one of these")
    parser.add_argument("--fit", action="store_true",
                        help="builds nothing: does each still stand once in its file?")
    parser.add_argument("--engine", action="store_true", help="only those that rehearsals catch")
    parser.add_argument("--checks", action="store_true", help="only those of tests/checks.txt")
    parser.add_argument("--work", help="where the copy stands; kept if given")
    options = parser.parse_args()
    mutants = all_mutants()
    if options.fit:
        return all_fit(mutants)
    if options.engine != options.checks:
        mutants = [mutant for mutant in mutants if (mutant[2] is None) == options.engine]
    if options.only:
        mutants = [mutant for mutant in mutants
                   if any(part in mutant[0] for part in options.only)]
    with tempfile.TemporaryDirectory(prefix="gameday-mutants-") as temporary:
        work = pathlib.Path(options.work or temporary)
        work.mkdir(parents=True, exist_ok=True)
        adopt_orphans()
        return try_all(work, options, mutants)


def try_all(work, options, mutants):
    stages = Stages()
    prepare(work, "Debug")
    stages.over("copied and configured")
    engine = [mutant for mutant in mutants if mutant[2] is None]
    checks = [mutant for mutant in mutants if mutant[2] is not None]
    if engine and not engine_holds(work, options, stages):
        return 1
    caught = 0
    if engine:
        caught += try_engine(work, options, engine)
        stages.over(f"{len(engine)} mutants of the engine")
    if checks:
        caught += try_checks(work, options, checks)
        stages.over(f"{len(checks)} checks")
    print(f"{len(mutants)} mutants, {caught} caught in {stages.total():.0f} s, "
          f"those of the engine within {options.seeds} seeds")
    return 0 if caught == len(mutants) else 1


def engine_holds(work, options, stages):
    done = build(work, options.jobs)
    stages.over("built the rehearsals")
    if done.returncode != 0:
        sys.exit(done.stdout[-4000:])
    caught = caught_by(work / "build/bin/rehearsals", options.seeds, options.jobs)
    print(f"{'as it is':40} {'BROKEN: ' + caught if caught else 'holds'}", flush=True)
    stages.over(f"rehearsed {options.seeds} seeds")
    return not caught


def try_checks(work, options, checks):
    """How many were caught. Test after test, each of which must hold first: one that fails anyway
    would catch everything, and tells nothing of its checks."""
    caught = 0
    for test in sorted({check[2] for check in checks}):
        of_it = [check for check in checks if check[2] == test]
        done = build(work, options.jobs, test.partition(":")[0])
        begun = time.monotonic()
        failed = done.stdout[-2000:] if done.returncode != 0 else tested(work, test)
        print(f"{test + ' as it is':40} {'FAILS: ' + failed if failed else 'holds'}", flush=True)
        if failed:
            for check in of_it:
                print(f"{check[0]:40} NOT TOLD: its test fails as it is", flush=True)
            continue
        # In seconds, once a check is gone.
        limit = 30 + 4 * (time.monotonic() - begun)
        caught += sum(try_check(work, options, limit, *check) for check in of_it)
    return caught


def try_engine(work, options, mutants):
    """How many were caught. One thread each, as many at once as there are jobs."""
    rehearsals = Rehearsals(work)

    def try_one(mutant):
        name, file, _, old, new = mutant
        whole = (work / file).read_text()
        if whole.count(old) != 1:
            return f"DOES NOT FIT: its old lines stand {whole.count(old)} times in {file}", False
        binary, problem = rehearsals.build(name, file, whole.replace(old, new))
        if binary is None:
            return f"DOES NOT BUILD\n{problem[-2000:]}", False
        caught = caught_by(binary, options.seeds, 1)
        binary.unlink()
        return caught or "NOT CAUGHT", caught is not None

    caught = 0
    with concurrent.futures.ThreadPoolExecutor(options.jobs) as pool:
        for mutant, (told, well) in zip(mutants, pool.map(try_one, mutants)):
            print(f"{mutant[0]:40} {told}", flush=True)
            caught += well
    return caught


def try_check(work, options, limit, name, file, test, old, new):
    path = work / file
    whole = path.read_text()
    if whole.count(old) != 1:
        print(f"{name:40} DOES NOT FIT: its old lines stand {whole.count(old)} times in {file}")
        return False
    path.write_text(whole.replace(old, new))
    try:
        done = build(work, options.jobs, test.partition(":")[0])
        if done.returncode != 0:
            print(f"{name:40} DOES NOT BUILD\n{done.stdout[-2000:]}")
            return False
        caught = tested(work, test, limit)
    finally:
        path.write_text(whole)
    print(f"{name:40} {caught or 'NOT CAUGHT'}", flush=True)
    return caught is not None and not caught.startswith(BY_CHANCE)


if __name__ == "__main__":
    sys.exit(main())
