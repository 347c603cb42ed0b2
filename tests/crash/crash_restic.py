"""The restic repository that drills of the crash campaign die on, in a world of shop_world's."""

import os
import shutil
import subprocess
import sys

from shop_world import SKIPPED, check

PASSWORD = "s3/cr@t:x"


class Files:
    def __init__(self, folder):
        self.folder = folder
        self.environment = {"RESTIC_PASSWORD": PASSWORD}
        self.make()

    def make(self):
        shutil.rmtree(self.folder, ignore_errors=True)
        for name in ("files/below", "scratch"):
            os.makedirs(f"{self.folder}/{name}")
        for name in ("one", "two", "below/three"):
            with open(f"{self.folder}/files/{name}", "w", encoding="utf-8") as file:
                file.write(name * 1000)
        try:
            done = subprocess.run(["restic", "-r", self.folder + "/repository", "init"],
                                  env=dict(os.environ, **self.environment), capture_output=True,
                                  text=True)
        except FileNotFoundError:
            print("skipped: restic is not installed")
            sys.exit(SKIPPED)
        check(done.returncode == 0, f"no repository: {done.stderr}")

    def targets(self):
        return (f"  files: {{ restic: {{ repository: {self.folder}/repository, paths: "
                f"[{self.folder}/files], password: \"${{env:RESTIC_PASSWORD}}\", "
                f"scratch: {self.folder}/scratch }} }}\n")

    def fill(self, _):
        """A snapshot more is what each drill leaves, as it shall."""

    def has(self, _):
        return False

    def state(self):
        found = {}
        for path, _, names in os.walk(self.folder + "/files"):
            for name in names:
                with open(f"{path}/{name}", encoding="utf-8") as file:
                    found[name] = file.read()
        return [found, os.listdir(self.folder + "/scratch")]

    def check_healed(self):
        files, scratch = self.state()
        check(files == {n.split("/")[-1]: n * 1000 for n in ("one", "two", "below/three")},
              f"the files: {files}")
        check(scratch == [], f"in the folder for copies stays {scratch}")
