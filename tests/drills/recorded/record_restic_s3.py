"""Records what a restic says of a repository on S3, as record_restic.py does of one in a folder: what
such a store says no with is in other words. python3 record_restic_s3.py PROGRAM FOLDER"""

import os
import shutil
import sys
import threading

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [HERE + "/../../support", HERE + "/../../crash"]
from crash_s3 import KEY, SECRET, WRITER, WRITER_SECRET, S3  # noqa: E402
from record_restic import ENVIRONMENT, PLACE, READS, keep, run  # noqa: E402

BACK = ["restore", "latest", "--verify", *READS, "--target"]
READ = ["check", "--read-data-subset=1/1", *READS]
LOOK = ["snapshots", "--json", "--latest", "1", *READS]
NO_DATA = ('{"Version":"2012-10-17","Statement":[{"Sid":"a","Effect":"Allow","Principal":{"AWS":'
           '["writer"]},"Action":["s3:*"],"Resource":["arn:aws:s3:::plain",%s]}]}' % ",".join(
               f'"arn:aws:s3:::plain/r/{part}"'
               for part in ("config", "keys/*", "index/*", "snapshots/*", "locks/*")))


def who(key, secret):
    ENVIRONMENT.update(AWS_ACCESS_KEY_ID=key, AWS_SECRET_ACCESS_KEY=secret,
                       AWS_DEFAULT_REGION="eu-north")


def largest_pack(server):
    files = [os.path.join(at, name) for at, _, names in os.walk(server.folder + "/data/plain/r/data")
             for name in names]
    return max(files, key=os.path.getsize)


def main():
    shutil.rmtree(PLACE, ignore_errors=True)
    os.makedirs(PLACE + "/source")
    for name in range(4):
        with open(f"{PLACE}/source/{name}", "wb") as file:
            file.write(os.urandom(1 << 20))
    server = S3(PLACE + "/s3")
    server.ask("PUT", "/plain")
    there = f"s3:{server.endpoint}/plain/r"
    who(KEY, SECRET)
    run(["init"], there).communicate()
    keep("done", ["backup", "--json", "--quiet", "--no-cache", PLACE + "/source"], there,
         name="s3-done")
    keep("done", READ, there, name="s3-done")
    keep("no-repository", LOOK, there + "-none", name="s3-no-repository")
    keep("no-repository", LOOK, f"s3:{server.endpoint}/absent/r", name="s3-no-bucket")
    who(KEY, "another")
    keep("denied", LOOK, there, name="s3-wrong-key")
    who(WRITER, WRITER_SECRET)
    keep("denied", LOOK, there, name="s3-denied")
    server.ask("PUT", "/plain?policy=", "--data-binary", NO_DATA)
    keep("denied", READ, there, name="s3-denied-data")
    keep("denied", [*BACK, PLACE + "/denied"], there, name="s3-denied-data")
    who(KEY, SECRET)
    pack = largest_pack(server)
    key = "/plain/" + os.path.relpath(pack, server.folder + "/data/plain")
    with open(pack, "rb") as file:
        whole = bytearray(file.read())
    whole[len(whole) // 2] ^= 1
    with open(PLACE + "/other", "wb") as file:
        file.write(whole)
    server.ask("PUT", key, "--data-binary", "@" + PLACE + "/other")
    keep("damaged", READ, there, name="s3-overwritten")
    keep("damaged", [*BACK, PLACE + "/overwritten"], there, name="s3-overwritten")
    # A server that goes away is waited for, by a restic of today for a quarter of an hour.
    if "--until-it-gives-up" in sys.argv:
        slow = ["--limit-download", "50"]
        gone = [threading.Thread(target=keep, args=("unreachable", arguments, there),
                                 kwargs={"name": "s3-gone"})
                for arguments in ([*READ, *slow], [*BACK, PLACE + "/gone", *slow])]
        threading.Timer(3, server.server.kill).start()
        for one in gone:
            one.start()
        for one in gone:
            one.join()
        keep("unreachable", LOOK, there, name="s3-unreachable")
        server.make()
    else:
        server.ask("DELETE", key)
        keep("damaged", READ, there, name="s3-missing-pack")
        keep("damaged", [*BACK, PLACE + "/missing"], there, name="s3-missing-pack")
    server.server.kill()
    shutil.rmtree(PLACE)


if __name__ == "__main__":
    main()
