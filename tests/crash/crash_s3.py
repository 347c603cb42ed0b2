"""The S3 server that drills of the crash campaign die on, in a world of shop_world's."""

import os
import re
import shutil
import socket
import subprocess
import sys

from shop_world import SKIPPED, check, eventually

HERE = os.path.dirname(os.path.abspath(__file__))
KEY, SECRET = "drill", "s3/cr+t=x"
WRITER, WRITER_SECRET = "writer", "another"
OBJECTS = 40
POLICY = ('{"Version":"2012-10-17","Statement":[{"Sid":"theirs","Effect":"Allow","Principal":'
          '{"AWS":["writer"]},"Action":["s3:*"],"Resource":["arn:aws:s3:::kept",'
          '"arn:aws:s3:::kept/*"]}]}')
VERSIONING = ("<VersioningConfiguration><Status>Enabled</Status></VersioningConfiguration>")


class S3:
    scheme, host = "http", "127.0.0.1"  # by which it is spoken to
    options = ()  # of the server's own

    def __init__(self, folder):
        self.folder = folder
        self.server = self.before = self.content = None
        self.restored = False
        self.environment = {"DRILL_S3_KEY": KEY, "DRILL_S3_SECRET": SECRET,
                            "WRITER_SECRET": WRITER_SECRET}
        built = subprocess.run([HERE + "/../systems/s3-server"], capture_output=True, text=True,
                               check=False)
        if built.returncode != 0:
            print("skipped: no S3 server: " + built.stderr)
            sys.exit(SKIPPED)
        self.program = built.stdout.strip()
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        self.endpoint = f"{self.scheme}://{self.host}:{self.port}"
        self.make()

    def ask(self, method, path, *more, user=(KEY, SECRET)):
        """What came, and its status behind it."""
        done = subprocess.run(
            ["curl", "-ksS", "-m", "5", "-X", method, "-w", " %{http_code}", "--aws-sigv4",
             "aws:amz:eu-north:s3", "--user", ":".join(user), "-H",
             "x-amz-content-sha256: UNSIGNED-PAYLOAD", *more, self.endpoint + path],
            capture_output=True, text=True, check=False)
        return done.stdout.strip()

    def make(self):
        if self.server is not None:
            self.server.kill()
            self.server.wait()
        shutil.rmtree(self.folder, ignore_errors=True)
        for part in ("data", "versions", "accounts"):
            os.makedirs(f"{self.folder}/{part}", mode=0o700)
        self.server = subprocess.Popen(
            [self.program, "--port", f"127.0.0.1:{self.port}", "--region", "eu-north", "--iam-dir",
             self.folder + "/accounts", "--keep-alive", "--quiet", *self.options, "posix",
             "--versioning-dir", self.folder + "/versions", self.folder + "/data"], stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True,
            env={**os.environ, "ROOT_ACCESS_KEY": KEY, "ROOT_SECRET_KEY": SECRET})
        check(eventually(lambda: self.ask("PUT", "/kept").endswith("200"), 20), "no S3 server")
        subprocess.run(
            [self.program, "admin", "--allow-insecure", "--access", KEY, "--secret", SECRET,
             "--region", "eu-north", "--endpoint-url", f"{self.scheme}://127.0.0.1:{self.port}",
             "create-user", "--access",
             WRITER, "--secret", WRITER_SECRET, "--role", "user"], check=True,
            stdout=subprocess.DEVNULL)
        self.ask("PUT", "/kept?versioning=", "--data-binary", VERSIONING)
        self.ask("PUT", "/kept?policy=", "--data-binary", POLICY)
        for number in range(OBJECTS):
            self.ask("PUT", f"/kept/kept/{number:02}", "--data-binary", f"object {number}")
        self.before, self.content = self.state(), self.current()
        check(self.before[0].count("<IsLatest>true") == len(self.content) == OBJECTS,
              f"S3: {self.before}, {self.content}")

    def fill(self, fault):
        """What a drill finds is what the one before it has left."""
        self.restored = fault.startswith("restore-")

    def has(self, process):
        return process.pid == self.server.pid

    def targets(self):
        return (f"  archive: {{ s3: {{ endpoint: \"{self.endpoint}\", bucket: kept, prefix: kept/, "
                "region: eu-north, access_key: \"${env:DRILL_S3_KEY}\", "
                "secret_key: \"${env:DRILL_S3_SECRET}\" } }\n")

    def versions(self, bucket):
        """Every one and every marker. The times are left out: this server tells another one of a
        version that is current again."""
        return re.sub("<LastModified>[^<]*<", "<", self.ask("GET", f"/{bucket}?versions="))

    def current(self):
        """What who names no version finds."""
        return re.findall("<ETag>(.*?)</ETag>.*?<Key>(.*?)</Key>",
                          self.ask("GET", "/kept?list-type=2"))

    def state(self):
        """The versions, the policy, and what the other account gets."""
        return [self.versions("kept"), self.ask("GET", "/kept?policy="),
                self.ask("GET", "/kept/kept/07", user=(WRITER, WRITER_SECRET))]

    def check_healed(self):
        check(eventually(lambda: self.current() == self.content),
              f"S3: {self.current()}, before: {self.content}")
        if self.restored:  # into new versions of the same content
            self.before[0] = self.versions("kept")
        check(eventually(lambda: self.state() == self.before),
              f"S3: {self.state()}, before: {self.before}")
