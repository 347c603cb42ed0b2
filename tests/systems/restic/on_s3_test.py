"""Drills that restore files out of a restic repository on a real S3 server: they pass, and whatever
the store refuses, has lost or holds otherwise is told as that."""

import json
import os
import shutil
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [HERE + "/../../support", HERE + "/../../crash"]
from crash_s3 import KEY, SECRET, WRITER, WRITER_SECRET, S3  # noqa: E402
from shop_world import FOLDER, SKIPPED, SOURCE, check, one_case  # noqa: E402

NIGHTLY = SOURCE + "/playbooks/files/backup-on-s3-restores-nightly.yaml"
PASSWORD = "a word of its own"


class Backups(S3):
    """Files, their digests, and a repository on S3 with a snapshot of them."""

    def __init__(self):
        if not shutil.which("restic"):
            print("skipped: restic is not installed")
            sys.exit(SKIPPED)
        super().__init__(FOLDER + "/s3")
        self.source, self.scratch = FOLDER + "/source", FOLDER + "/scratch"
        self.repository = f"s3:{self.endpoint}/plain/r"
        self.environment = dict(os.environ, RESTIC_PASSWORD=PASSWORD, AWS_ACCESS_KEY_ID=KEY,
                                AWS_SECRET_ACCESS_KEY=SECRET)

    def up(self):
        self.ask("PUT", "/plain")
        for folder in (self.source + "/sub", self.scratch):
            os.makedirs(folder)
        for number in range(6):
            with open(f"{self.source}/sub/{number}", "wb") as file:
                file.write(os.urandom(900000))
        with open(FOLDER + "/sums", "wb") as file:
            file.write(subprocess.run("sha256sum source/sub/*", shell=True, cwd=FOLDER, check=True,
                                      capture_output=True).stdout)
        for arguments in (["init"], ["backup", "--tag", "nightly", self.source]):
            done = subprocess.run(["restic", "--no-cache", "--repo", self.repository, *arguments],
                                  env=dict(self.environment, AWS_DEFAULT_REGION="eu-north"),
                                  capture_output=True, text=True)
            check(done.returncode == 0, f"restic {arguments}: {done.stdout}{done.stderr}")

    def down(self):
        self.server.kill()

    def largest(self):
        """The object of the repository with the most data, and its key."""
        data = self.folder + "/data/plain"
        found = [os.path.join(at, name) for at, _, names in os.walk(data + "/r/data")
                 for name in names]
        pack = max(found, key=os.path.getsize)
        with open(pack, "rb") as file:
            return "/plain/" + os.path.relpath(pack, data), bytearray(file.read())

    def drill(self, gameday, code, playbook=NIGHTLY, **environment):
        ended = gameday.run(
            playbook, "--json", "--var", f"repository={self.repository}", "--var",
            "region=eu-north", "--var", "tag=nightly", "--var", f"manifest={FOLDER}/sums",
            "--var", f"scratch={self.scratch}", environment={**self.environment, **environment})
        check(ended.returncode == code,
              f"exit code {ended.returncode}, not {code}\n{ended.stdout[-2000:]}\n{ended.stderr}")
        check(os.listdir(self.scratch) == [], f"left: {os.listdir(self.scratch)}")
        check(gameday.open() == [], f"left open: {gameday.open()}")
        expect_no_secret(gameday.folder)
        document = json.loads(ended.stdout)
        return document, [one["text"] for one in document["reasons"]]


def expect_no_secret(folder):
    """In whatever the drill has written; the others' are not what is asked for here."""
    for place, _, names in os.walk(folder):
        for name in names:
            with open(os.path.join(place, name), "rb") as file:
                written = file.read()
            for secret in (SECRET, WRITER_SECRET + "-", PASSWORD):
                check(secret.encode() not in written, f"{place}/{name} holds {secret}")


def with_program(gameday, *more):
    """The playbook with a restic of today, where there is one (Debian's asks ten times for what it
    is refused), that notes how it was called; and with `more` of its text replaced."""
    current = os.path.abspath(os.path.dirname(gameday.program) + "/bin/restic-current")
    real = current if os.path.exists(current) else "restic"
    program, playbook = FOLDER + "/noting", FOLDER + "/noting.yaml"
    with open(program, "w", encoding="utf-8") as file:
        file.write(f'#!/bin/bash\necho "$@" >>{FOLDER}/called\nexec {real} "$@"\n')
    os.chmod(program, 0o755)
    with open(NIGHTLY, encoding="utf-8") as file:
        text = file.read()
    for old, new in (("    restic:\n", f"    restic:\n      program: {program}\n"), *more):
        check(old in text, f"the playbook has no {old}")
        text = text.replace(old, new)
    with open(playbook, "w", encoding="utf-8") as file:
        file.write(text)
    return playbook


def passes(backups, gameday):
    own_backup = (('tag: "${tag}"', f'paths: ["{backups.source}"]'),
                  ('      manifest: "${manifest}"\n', ""))
    for own, compared in ((None, "sums"), ((), "sums"), (own_backup, "manifest")):
        playbook = NIGHTLY if own is None else with_program(gameday, *own)
        document, _ = backups.drill(gameday, 0, playbook)
        restore = document["restores"][0]
        check(restore["verified"] and not restore["vacuous"], restore)
        check(restore["files"]["compared_by"] == compared, restore)
        check(restore["files"]["files_compared"] == 6, restore)
        check(0 < restore["files"]["read"]["fraction"] <= 1, restore)
    with open(FOLDER + "/called", encoding="utf-8") as file:
        called = file.read()
    check("restore" in called and "backup" in called, called)
    for secret in (KEY, SECRET, PASSWORD):
        check(secret not in called.split(), f"{secret} is on a command line: {called}")
        check(len(secret) < 6 or secret not in called, f"{secret} is on a command line: {called}")


def refused(backups, gameday):
    _, texts = backups.drill(gameday, 3, AWS_SECRET_ACCESS_KEY="another-one")
    check(any("refuses what is asked" in text and "Access Denied" in text for text in texts), texts)
    backups.repository += "-none"
    _, texts = backups.drill(gameday, 3)
    check(any("there is no repository" in text for text in texts), texts)
    backups.repository = backups.repository.removesuffix("-none")
    # What is there may be listed, its data not be read: that is no damage.
    readable = ",".join(f'"arn:aws:s3:::plain/r/{part}"' for part in
                        ("config", "keys/*", "index/*", "snapshots/*", "locks/*"))
    backups.ask("PUT", "/plain?policy=", "--data-binary",
                '{"Version":"2012-10-17","Statement":[{"Sid":"a","Effect":"Allow","Principal":'
                '{"AWS":["writer"]},"Action":["s3:*"],"Resource":["arn:aws:s3:::plain",'
                + readable + "]}]}")
    _, texts = backups.drill(gameday, 1, with_program(gameday), AWS_ACCESS_KEY_ID=WRITER,
                             AWS_SECRET_ACCESS_KEY=WRITER_SECRET)
    check(any("refuses what is asked" in text and "Access Denied" in text for text in texts), texts)
    check(not any("is damaged" in text for text in texts), texts)


def damaged(backups, gameday):
    key, content = backups.largest()
    content[len(content) // 2] ^= 1
    with open(FOLDER + "/other", "wb") as file:
        file.write(content)
    backups.ask("PUT", key, "--data-binary", f"@{FOLDER}/other")
    _, texts = backups.drill(gameday, 1)
    check(any("restic" in text and ("damaged" in text or "comes back" in text)
              for text in texts), texts)
    backups.ask("DELETE", key)
    _, texts = backups.drill(gameday, 1, with_program(gameday))
    check(any("is damaged" in text and "does not exist" in text for text in texts), texts)


CASES = {"passes": passes, "refused": refused, "damaged": damaged}


if __name__ == "__main__":
    sys.exit(one_case(Backups, CASES))
