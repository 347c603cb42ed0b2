"""Whole drills on a real S3 server: they pass, they fail for the right reason, and whoever dies
meanwhile leaves nothing."""

import json
import os
import signal
import sys
from datetime import datetime, timedelta

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [HERE + "/../../support", HERE + "/../../crash"]
from crash_s3 import KEY, SECRET, S3  # noqa: E402
from shop_world import FOLDER, SOURCE, check, eventually, named, one_case  # noqa: E402

PLAYBOOKS = SOURCE + "/playbooks/s3"


class Store(S3):
    """As the field gives keys: in the environment. The playbooks name none."""

    def __init__(self):
        super().__init__(FOLDER + "/s3")
        self.environment = dict(os.environ, AWS_ACCESS_KEY_ID=KEY, AWS_SECRET_ACCESS_KEY=SECRET)
        self.ask("PUT", "/locked", "-H", "x-amz-bucket-object-lock-enabled: true")

    def up(self):
        """It is up when it is made."""

    def down(self):
        self.server.kill()

    def variables(self, **more):
        given = {"region": "eu-north", **more}
        return [word for name, value in given.items() for word in ("--var", f"{name}={value}")]

    def lost(self):
        return self.variables(store=f"127.0.0.1:{self.port}", bucket="kept", prefix="kept/")

    def contents(self):
        return [self.ask("GET", f"/kept/kept/{number:02}") for number in range(40)]


def expect_end(ended, code):
    check(ended.returncode == code,
          f"exit code {ended.returncode}, not {code}\n{ended.stdout[-2000:]}\n{ended.stderr}")
    return json.loads(ended.stdout)


def expect_no_secret(gameday):
    """In whatever the drill has written."""
    for folder, _, names in os.walk(gameday.folder):
        for name in names:
            with open(os.path.join(folder, name), "rb") as file:
                check(SECRET.encode() not in file.read(), f"{folder}/{name} has the secret key")


def journal(gameday):
    with open(gameday.out + "/journal.jsonl", encoding="utf-8") as file:
        return [json.loads(line) for line in file]


def attempts(gameday, probe, faults):
    """Whether each attempt of the probe held that began and ended under a fault, by the fault's id."""
    held = {fault["id"]: [] for fault in faults}
    for event in (one for one in journal(gameday) if one["type"] == "sample"):
        sample, took = event["data"], event["t"] - event["data"]["start_ns"]
        began = datetime.fromisoformat(event["utc"]) - timedelta(microseconds=took / 1000)
        for fault in faults:
            under = (datetime.fromisoformat(fault["injected"]) < began
                     and event["utc"] < fault["reverted"])
            if sample["probe"] == probe and under:
                held[fault["id"]].append(sample["ok"])
    return held


def passes(store, gameday):
    before = store.contents()
    document = expect_end(gameday.run(PLAYBOOKS + "/objects-lost-and-restored.yaml", "--json",
                                      *store.lost()), 0)
    restore = document["restores"][0]
    check(restore["kind"] == "s3" and restore["into"] == "place", restore)
    check(restore["verified"] and not restore["vacuous"], restore)
    check([one["proven"] for one in document["faults"]] == [True] * 3, document["faults"])
    check(store.contents() == before, "the objects are others than before")
    check("DeleteMarker" not in store.state()[0], "a marker of the drill is there yet")
    check(gameday.open() == [], f"left open: {gameday.open()}")
    expect_no_secret(gameday)


def locks(store, gameday):
    def attack(bucket):
        return gameday.run(PLAYBOOKS + "/locks-hold.yaml", "--json", *store.variables(
            endpoint=store.endpoint, bucket=bucket, prefix="kept/"))

    store.ask("PUT", "/locked/kept/backup", "--data-binary", "of the night")
    before = store.versions("locked")
    document = expect_end(attack("locked"), 0)
    check(document["faults"][0]["proven"], document["faults"])
    check(store.versions("locked") == before, f"left: {store.versions('locked')}")
    # A bucket that locks nothing must not pass for one that does.
    document = expect_end(attack("kept"), 1)
    texts = [one["text"] for one in document["reasons"]]
    check(any("no canary can be locked" in text for text in texts), texts)
    store.check_healed()
    expect_no_secret(gameday)


def empties(store, gameday):
    """A restore onto an empty set is none."""
    playbook = FOLDER + "/empty.yaml"
    with open(playbook, "w", encoding="utf-8") as file:
        file.write("gameday: 1\nname: empty\nsummary: Of nothing.\nowner: tests\n"
                   "environment: test\nobjectives: {}\nsystem:\n  archive: { s3: { endpoint: "
                   f"\"{store.endpoint}\", bucket: kept, prefix: none/, region: eu-north }} }}\n"
                   "timeline:\n  - backup: archive\n  - { restore: archive }\n")
    document = json.loads(gameday.run(playbook, "--json").stdout)
    texts = [one["text"] for one in document["reasons"]]
    check(document["exit_code"] != 0, document)
    check(any("holds no objects" in text for text in texts), texts)


def slow(store, gameday):
    """The probe and the ledger tell of a store that is slow; what puts its objects too."""
    before = store.versions("kept")
    document = expect_end(gameday.run(PLAYBOOKS + "/store-slow.yaml", "--json", *store.lost()), 0)
    check([one["proven"] for one in document["faults"]] == [True] * 2, document["faults"])
    phases = {one["phase"]: one for one in document["load"][0]["phases"]}
    check(phases["steady"]["latency_s"]["p50"] < 0.15 and phases["slow"]["latency_s"]["p50"] > 0.2
          and phases["narrow"]["latency_s"]["p50"] > phases["steady"]["latency_s"]["p50"], phases)
    check(all(one["send_lag_s"]["p99"] < 0.1 for one in phases.values()), phases)
    ledger = document["ledgers"][0]
    check(ledger["acknowledged"] > 80 and ledger["lost"] == ledger["unknown"] == 0, ledger)
    held = attempts(gameday, "store-quick", document["faults"])
    check(held["slow"][:3] == [False] * 3, held)
    check(store.versions("kept") == before, f"left: {store.versions('kept')}")
    document = expect_end(gameday.run(PLAYBOOKS + "/store-slower-than-its-clients-wait.yaml",
                                      "--json", *store.lost()), 1)
    texts = [one["text"] for one in document["reasons"]]
    check(any("success_rate" in text for text in texts), texts)
    ledger = document["ledgers"][0]
    check(ledger["unknown"] > 20 and ledger["lost"] == 0, ledger)
    check(eventually(lambda: store.versions("kept") == before), store.versions("kept"))
    expect_no_secret(gameday)


def killed(store, gameday):
    before = store.contents()
    for both in (False, True):
        started = gameday.start(PLAYBOOKS + "/objects-lost-and-restored.yaml", "--json",
                                *store.lost())
        check(eventually(lambda: "DeleteMarker" in store.ask("GET", "/kept?versions="), 60),
              f"nothing is lost: {gameday.told()}")
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
        check(store.contents() == before, "the objects are others than before")
        check(gameday.open() == [], f"left open: {gameday.open()}")
        store.check_healed()


LEDGER = """gameday: 1
name: ledger
summary: Objects are put, and the store is hurt meanwhile.
owner: tests
environment: test
objectives: { rpo: 0s }
system:
  archive: { s3: { endpoint: "%s", bucket: %s, prefix: kept/, region: eu-north } }
load:
  photos: { rate: 20/s, s3: { connection: archive, key: "drills/{key}", size: 100B } }
timeline:
  - wait: 1s
%s
  - verify: [photos]
"""


def ledger(store, gameday):
    """What a fault has removed or written over is found, and is back after its undo or a restore."""
    def drill(code, *steps, bucket="kept", **environment):
        before = store.versions("kept")
        path = FOLDER + "/ledger.yaml"
        with open(path, "w", encoding="utf-8") as file:
            file.write(LEDGER % (store.endpoint, bucket,
                                 "\n".join("  - " + step for step in steps)))
        document = expect_end(gameday.run(path, "--json", environment=environment), code)
        check(gameday.open() == [], f"left open: {gameday.open()}")
        check(store.versions("kept") == before, f"left: {store.versions('kept')}")
        if code == 3:
            return [one["text"] for one in document["reasons"]], document
        found = document["ledgers"][0]
        check(found["acknowledged"] > 20 and found["unknown"] == 0, found)
        return found, document

    texts, _ = drill(3, "wait: 1s", AWS_SECRET_ACCESS_KEY="another-one")
    check(any("SignatureDoesNotMatch" in text for text in texts), texts)
    texts, _ = drill(3, "wait: 1s", bucket="absent")
    check(any("NoSuchBucket" in text for text in texts), texts)
    hurt = "target: archive, keys: \"drills/*\""
    for fault in ("lose-data", "corrupt-data"):
        found, _ = drill(0, f"{{ fault: {fault}, {hurt}, for: 1s }}")
        check(found["lost"] == found["corrupt"] == 0, found)
    found, document = drill(1, f"{{ fault: lose-data, {hurt}, id: lost }}", "wait: 1s")
    proof = [one for one in journal(gameday) if one["type"] == "proof"][0]["data"]
    check(found["lost"] == proof["facts"]["removed"] and found["corrupt"] == 0, (found, proof))
    check(found["rpo_s"]["worst"] > 0 and document["recovery"]["lost"] == found["lost"], document)
    found, _ = drill(1, f"{{ fault: corrupt-data, {hurt} }}", "wait: 1s")
    check(found["corrupt"] > 10 and found["lost"] == 0, found)
    # Put since the backup, and so taken away by the restore; what comes after that stays.
    found, document = drill(1, "backup: archive", f"{{ fault: lose-data, {hurt} }}", "wait: 1s",
                            "{ restore: archive, into: place }", "wait: 1s")
    check(document["restores"][0]["verified"], document["restores"])
    check(10 < found["lost"] < found["acknowledged"] - 30, found)
    check(0.5 < found["rpo_s"]["best"] < 10, found)


def load_killed(store, gameday):
    """What a load has put goes, whoever dies, by the keys of whoever lives."""
    before = store.versions("kept")
    for both in (False, True):
        started = gameday.start(PLAYBOOKS + "/store-slow.yaml", "--json", *store.lost())
        check(eventually(lambda: store.versions("kept").count("-photos-") > 40, 60),
              f"nothing is put: {gameday.told()}")
        for guardian in named("guardian") if both else []:
            os.kill(guardian.pid, signal.SIGKILL)
        started.kill()
        started.wait()
        if both:
            reverted = gameday.revert()
            check(reverted.returncode == 0, f"revert: {reverted.stdout}{reverted.stderr}")
        else:
            check(eventually(lambda: not named("guardian"), 60), "the guardian goes on")
        check(gameday.open() == [], f"left open: {gameday.open()}")
        check(store.versions("kept") == before, f"left: {store.versions('kept')}")
    expect_no_secret(gameday)


CASES = {"passes": passes, "locks": locks, "empties": empties, "slow": slow, "killed": killed,
         "load_killed": load_killed, "ledger": ledger}


if __name__ == "__main__":
    sys.exit(one_case(Store, CASES))
