"""A whole drill on a real S3 server behind TLS, each bucket of which is a host: it passes, and does not
begin where the server's certificate is not to be trusted."""

import os
import subprocess
import sys

from drills_test import Store, expect_end, expect_no_secret

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [HERE + "/../../support", HERE + "/../../crash"]
from shop_world import FOLDER, check, one_case  # noqa: E402

HOST = "s3.localhost"  # a name that is this machine, and those below it too
PLAYBOOK = """\
gameday: 1
name: behind-tls
summary: Objects are lost and restored, while others are put.
owner: tests
environment: test
objectives: { rpo: 0s }
system:
  archive: { s3: { endpoint: "ENDPOINT", bucket: kept, prefix: kept/, region: eu-north, path_style: false, ca: tls/CA.pem } }
  album: { s3: { endpoint: "ENDPOINT", bucket: kept, prefix: album/, region: eu-north, path_style: false, ca: tls/CA.pem } }
load:
  photos: { rate: 20/s, s3: { connection: album, key: "photo/{key}", size: 100B } }
probes:
  there: { s3-object: archive, expect: { count: 40 }, every: 250ms, timeout: 5s }
timeline:
  - steady_state: { for: 500ms, within: 20s, probes: [there] }
  - backup: archive
  - { fault: lose-data, target: archive, id: lost }
  - { restore: archive, into: place }
  - steady_state: { for: 500ms, within: 20s, probes: [there] }
  - verify: [photos]
"""


def openssl(words):
    subprocess.run(["openssl", *words.split()], cwd=FOLDER + "/tls", check=True, capture_output=True)


class TlsStore(Store):
    scheme, host = "https", HOST
    options = ("--cert", FOLDER + "/tls/server.pem", "--key", FOLDER + "/tls/server.key",
               "--virtual-domain", HOST)

    def __init__(self):
        os.makedirs(FOLDER + "/tls")
        key = "-newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes"
        for name in ("ca", "other"):
            openssl(f"req -x509 {key} -subj /CN={name} -keyout {name}.key -out {name}.pem")
        with open(FOLDER + "/tls/names", "w", encoding="utf-8") as file:
            file.write(f"subjectAltName=DNS:{HOST},DNS:*.{HOST}\n")
        openssl(f"req {key} -subj /CN=server -keyout server.key -out request")
        openssl("x509 -req -in request -CA ca.pem -CAkey ca.key -CAcreateserial -days 5 "
                "-extfile names -out server.pem")
        super().__init__()

    def playbook(self, authority):
        path = FOLDER + "/tls.yaml"
        with open(path, "w", encoding="utf-8") as file:
            file.write(PLAYBOOK.replace("ENDPOINT", self.endpoint).replace("CA.pem", authority))
        return path


def trusted(store, gameday):
    before = store.contents()
    document = expect_end(gameday.run(store.playbook("ca.pem"), "--json"), 0)
    restore, ledger = document["restores"][0], document["ledgers"][0]
    check(restore["verified"] and restore["into"] == "place" and not restore["vacuous"], restore)
    check(document["faults"][0]["proven"], document["faults"])
    check(ledger["acknowledged"] > 20 and ledger["lost"] == ledger["unknown"] == 0, ledger)
    check(store.contents() == before, "the objects are others than before")
    check("album/" not in store.versions("kept"), f"left: {store.versions('kept')}")
    check(gameday.open() == [], f"left open: {gameday.open()}")
    expect_no_secret(gameday)


def unknown(store, gameday):
    before = store.versions("kept")
    for authority, said in (("other.pem", "unable to get local issuer certificate"),
                            ("none.pem", FOLDER + "/tls/none.pem")):
        document = expect_end(gameday.run(store.playbook(authority), "--json"), 3)
        texts = [one["text"] for one in document["reasons"]]
        check(any(said in text for text in texts), texts)
    check(store.versions("kept") == before, f"left: {store.versions('kept')}")


CASES = {"trusted": trusted, "unknown": unknown}


if __name__ == "__main__":
    sys.exit(one_case(TlsStore, CASES))
