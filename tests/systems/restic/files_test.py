"""Drills that restore files out of a restic repository: they pass, they fail for the right reason,
and whoever dies meanwhile leaves nothing."""

import glob
import json
import os
import shutil
import signal
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "support"))
from shop_world import FOLDER, SKIPPED, SOURCE, check, eventually, named, one_case  # noqa: E402

PLAYBOOKS = SOURCE + "/playbooks/files"
PASSWORD = "a word of its own"


class Files:
    """Files, their digests, and a repository with a snapshot of them."""

    def __init__(self):
        if not shutil.which("restic"):
            print("skipped: restic is not installed")
            sys.exit(SKIPPED)
        self.environment = dict(os.environ, RESTIC_PASSWORD=PASSWORD)
        self.source, self.repository, self.scratch = (f"{FOLDER}/{name}" for name in
                                                      ("source", "repository", "scratch"))

    def up(self):
        for folder in (self.source + "/sub", self.scratch):
            os.makedirs(folder)
        for number in range(6):
            with open(f"{self.source}/sub/{number}", "wb") as file:
                file.write(os.urandom(900000))
        sums = subprocess.run("sha256sum source/sub/*", shell=True, cwd=FOLDER, check=True,
                              capture_output=True).stdout
        with open(FOLDER + "/sums", "wb") as file:
            file.write(sums)
        self.restic("init")
        self.restic("backup", "--tag", "nightly", self.source)

    def down(self):
        """It ends with its world."""

    def restic(self, *arguments):
        done = subprocess.run(["restic", "--no-cache", "--repo", self.repository, *arguments],
                              env=self.environment, capture_output=True, text=True)
        check(done.returncode == 0, f"restic {arguments}: {done.stdout}{done.stderr}")

    def damage(self):
        """One bit of the largest pack."""
        pack = max(glob.glob(self.repository + "/data/*/*"), key=os.path.getsize)
        os.chmod(pack, 0o600)
        with open(pack, "r+b") as file:
            file.seek(1000)
            byte = file.read(1)
            file.seek(1000)
            file.write(bytes([byte[0] ^ 1]))

    def variables(self, **more):
        given = dict(repository=self.repository, tag="nightly", manifest=FOLDER + "/sums",
                     scratch=self.scratch, **more)
        return [word for name, value in given.items() for word in ("--var", f"{name}={value}")]

    def expect_nothing_left(self, gameday):
        check(gameday.open() == [], f"left open: {gameday.open()}")
        check(os.listdir(self.scratch) == [], f"left: {os.listdir(self.scratch)}")
        check(os.listdir(self.repository + "/locks") == [], "a lock is left in the repository")
        check(not named("guardian"), "a guardian is still there")
        for place, _, names in os.walk(gameday.folder):
            for name in names:
                with open(os.path.join(place, name), "rb") as file:
                    check(PASSWORD.encode() not in file.read(), f"{name} holds the password")


def run(files, gameday, playbook, code, *more):
    ended = gameday.run(f"{PLAYBOOKS}/{playbook}.yaml", "--json", *more,
                        environment=files.environment)
    check(ended.returncode == code,
          f"exit code {ended.returncode}, not {code}\n{ended.stdout[-2000:]}\n{ended.stderr}")
    return json.loads(ended.stdout)


def passes(files, gameday):
    parts = []
    for _ in range(2):
        document = run(files, gameday, "backup-restores-nightly", 0, *files.variables())
        restore = document["restores"][0]
        check(restore["kind"] == "restic" and restore["verified"], restore)
        came = restore["files"]
        check(came["compared_by"] == "sums" and came["files_compared"] == 6, came)
        check(0 < came["read"]["fraction"] <= 1, came)
        parts.append(came["read"]["part"])
        files.expect_nothing_left(gameday)
    check(len(set(parts)) == 2, f"the same part was read twice: {parts}")
    document = run(files, gameday, "files-restored-from-restic", 0, "--var",
                   f"repository={files.repository}", "--var", f"path={files.source}", "--var",
                   f"scratch={files.scratch}")
    came = document["restores"][0]["files"]
    check(came["compared_by"] == "manifest" and came["files_compared"] == 6, came)
    files.expect_nothing_left(gameday)


def misleads(files, gameday):
    def expect_failed(playbook, reason):
        document = run(files, gameday, playbook, 1, *files.variables())
        texts = [one["text"] for one in document["reasons"]]
        check(any(reason in text for text in texts), f"no reason says `{reason}`: {texts}")
        files.expect_nothing_left(gameday)

    expect_failed("backup-is-stale-nightly", "older than the 1ms that are allowed")
    with open(FOLDER + "/sums", "r+b") as file:
        digest = file.read()
        file.seek(0)
        file.write((b"0" if digest[:1] != b"0" else b"1") + digest[1:])
    expect_failed("backup-restores-nightly", "sub/0 has another content")
    files.damage()
    expect_failed("backup-restores-nightly", "restic")


def killed(files, gameday):
    """While restic reads the repository or restores, whichever it is then."""
    slow = FOLDER + "/slow"
    with open(slow, "w", encoding="utf-8") as file:
        file.write('#!/bin/bash\n[ "$1" = restore ] && sleep 5\nexec restic "$@"\n')
    os.chmod(slow, 0o755)
    playbook = FOLDER + "/slow.yaml"
    with open(PLAYBOOKS + "/backup-restores-nightly.yaml", encoding="utf-8") as file:
        text = file.read().replace("restic: { ", f"restic: {{ program: {slow}, ")
    with open(playbook, "w", encoding="utf-8") as file:
        file.write(text)
    for both in (False, True):
        started = gameday.start(playbook, "--json", *files.variables(),
                                environment=files.environment)
        check(eventually(lambda: os.listdir(files.scratch), 60), f"nothing: {gameday.told()}")
        for guardian in named("guardian") if both else []:
            os.kill(guardian.pid, signal.SIGKILL)
        started.kill()
        started.wait()
        if both:
            check(gameday.open() != [], "nothing is owed")
            reverted = gameday.revert()
            check(reverted.returncode == 0, f"revert: {reverted.stdout}{reverted.stderr}")
        else:
            check(eventually(lambda: not named("guardian"), 30), "the guardian goes on")
        files.expect_nothing_left(gameday)


CASES = {"passes": passes, "misleads": misleads, "killed": killed}


if __name__ == "__main__":
    sys.exit(one_case(Files, CASES))
