#!/usr/bin/env python3
"""The composed system, looked at from outside."""

import glob
import json
import os
import stat
import sys
import time
import unittest

import yaml

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "support"))
from composed_world import (BASE, ENV_FILE, NAME, PLAYBOOKS, arguments, broker,  # noqa: E402
                            containers, depth, front, http, inside, run, settings, sql, switched,
                            system, variables)
from shop_world import SOURCE, eventually as soon  # noqa: E402


def s3(method, path, *headers, body=None):
    """Status and headers with the body of a signed request."""
    known = settings()
    command = ["curl", "-sS", "-i", "-X", method, "--aws-sigv4", "aws:amz:eu-north:s3",
               "--user", f"{known['S3_ACCESS_KEY']}:{known['S3_SECRET_KEY']}",
               "-H", "x-amz-content-sha256: UNSIGNED-PAYLOAD"]
    for header in headers:
        command += ["-H", header]
    if body is not None:
        command += ["--data-binary", body]
    answer = run(*command, f"http://127.0.0.1:{known['SYSTEM_S3_PORT']}{path}")
    return int(answer.split()[1]), answer


def eventually(condition, patience=20):
    return soon(condition, patience, 0.2)


class Composed(unittest.TestCase):
    """The system that is up."""

    def put(self, key):
        status, body = front("PUT", f"/orders/{key}", {"item": "book", "sum": "s-" + key})
        self.assertEqual(status, 201, body)

    def test_an_order_reaches_primary_and_replica(self):
        self.put("reach-1")
        row = "SELECT item || ' ' || sum FROM orders WHERE key = 'reach-1'"
        for part in ("pg-primary", "pg-replica"):
            self.assertTrue(eventually(lambda: sql(part, row) == "book s-reach-1"), part)
        self.assertEqual(sql("pg-primary", "SELECT pg_is_in_recovery()"), "f")
        self.assertEqual(sql("pg-replica", "SELECT pg_is_in_recovery()"), "t")
        status, body = front("GET", "/orders/reach-1")
        self.assertEqual((status, json.loads(body)["sum"]), (200, "s-reach-1"))
        status, body = front("GET", "/orders?drill=reach")
        self.assertEqual([one["key"] for one in json.loads(body)["orders"]], ["reach-1"])
        self.assertEqual(front("GET", "/orders/reach-2")[0], 404)

    def test_a_deleted_drill_stays_deleted(self):
        self.put("gone-1")
        self.assertTrue(eventually(lambda: front("GET", "/orders/gone-1")[0] == 200))
        status, body = front("DELETE", "/orders?drill=gone")
        self.assertEqual((status, json.loads(body)["deleted"]), (200, 1))
        refused = lambda: front("PUT", "/orders/gone-2", {"item": "i", "sum": "s"})[0] == 410
        # Each gateway has to hear of it; what one takes meanwhile is never stored.
        self.assertTrue(eventually(lambda: all(refused() for _ in range(4))))
        self.assertEqual(json.loads(front("GET", "/orders?drill=gone")[1])["orders"], [])

    def test_wal_is_archived(self):
        self.put("wal-1")
        self.assertTrue(eventually(lambda: sql("pg-primary", "SELECT count(*) FROM orders") != "0"))
        segment = sql("pg-primary", "SELECT pg_walfile_name(pg_switch_wal())")
        self.assertTrue(eventually(lambda: segment in inside("pg-primary", "ls", "/archive")))

    def test_a_locked_version_cannot_be_deleted(self):
        until = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() + 3600))
        _, locked = s3("PUT", "/backups/canary", "x-amz-object-lock-mode: COMPLIANCE",
                       f"x-amz-object-lock-retain-until-date: {until}", body="sings")
        _, free = s3("PUT", "/backups/canary", body="mute")
        version = lambda answer: answer.lower().split("x-amz-version-id: ")[1].split()[0].upper()
        path = "/backups/canary?versionId="
        self.assertEqual(s3("DELETE", path + version(free))[0], 204)
        self.assertEqual(s3("DELETE", path + version(locked))[0], 403)
        self.assertEqual(s3("DELETE", path + version(locked),
                            "x-amz-bypass-governance-retention: true")[0], 403)
        self.assertTrue(s3("GET", path + version(locked))[1].endswith("sings"))
        run("curl", "-fsS", f"http://127.0.0.1:{settings()['SYSTEM_S3_PORT']}/health")
        self.assertEqual(http("GET", "SYSTEM_S3_PORT", "/backups/canary")[0], 403)

    def test_what_is_no_order_goes_to_the_dead_letters(self):
        before = sql("pg-primary", "SELECT count(*) FROM orders")
        status, body = broker("POST", "/exchanges/shop/orders/publish",
                              {"routing_key": "order", "payload": "poison", "payload_encoding": "string",
                               "properties": {"delivery_mode": 2}})
        self.assertEqual((status, json.loads(body)["routed"]), (200, True))
        peek = {"count": 1, "ackmode": "ack_requeue_true", "encoding": "auto"}
        letters = lambda: json.loads(broker("POST", "/queues/shop/orders.dead/get", peek)[1])
        self.assertTrue(eventually(lambda: [one["payload"] for one in letters()] == ["poison"]))
        self.assertEqual(sql("pg-primary", "SELECT count(*) FROM orders"), before)

    def drop_queue_with_orders_in_it(self, drill, most):
        """Which of the accepted orders are not stored when all is well again for a while."""
        workers = [containers()[name]["Id"] for name in ("worker-west", "worker-north")]
        run("docker", "pause", *workers)
        try:
            for number in range(20):
                self.put(f"{drill}-{number:02}")
            # More when some were sent again, as the workers hold them for so long.
            self.assertTrue(eventually(lambda: depth() >= 20))
            self.assertEqual(broker("DELETE", "/queues/shop/orders")[0], 204)
        finally:
            run("docker", "unpause", *workers)
        queue = {"durable": True, "arguments": {"x-dead-letter-exchange": "orders.dead"}}
        self.assertEqual(broker("PUT", "/queues/shop/orders", queue)[0], 201)
        broker("POST", "/bindings/shop/e/orders/q/orders", {"routing_key": "order"})
        count = f"SELECT count(*) FROM orders WHERE key LIKE '{drill}-%'"
        eventually(lambda: sql("pg-primary", count) == "20", most)
        return 20 - int(sql("pg-primary", count))

    def test_a_dropped_queue_loses_nothing_but_without_confirms(self):
        self.assertEqual(self.drop_queue_with_orders_in_it("kept", 30), 0)
        with switched(SHOP_CONFIRMS="off"):
            self.assertEqual(self.drop_queue_with_orders_in_it("lost", 8), 20)

    def test_ports_are_for_this_machine_alone(self):
        published = 0
        for part, one in containers().items():
            for bindings in (one["NetworkSettings"]["Ports"] or {}).values():
                for binding in bindings or []:
                    self.assertEqual(binding["HostIp"], "127.0.0.1", part)
                    published += 1
        self.assertGreater(published, 8)

    def test_passwords_are_made_here_and_private(self):
        self.assertEqual(stat.S_IMODE(os.stat(ENV_FILE).st_mode), 0o600)
        self.assertEqual(len(set(settings().values())), len(settings()))
        run("git", "-C", SOURCE, "-c", f"safe.directory={SOURCE}", "check-ignore", "-q", ".env")
        for name in os.listdir(ENV_FILE + ".d"):
            path = f"{ENV_FILE}.d/{name}"
            self.assertEqual(stat.S_IMODE(os.stat(path).st_mode), 0o600)
            with open(path, encoding="ascii") as file:
                self.assertEqual(file.read().strip(), settings()[name])
        self.assertGreater(len(os.listdir(ENV_FILE + ".d")), 6)
        run("git", "-C", SOURCE, "-c", f"safe.directory={SOURCE}", "check-ignore", "-q", ".env.d/x")

    def test_playbooks_find_the_system_of_make_system_up_by_their_defaults(self):
        ours = variables()
        first = 10000 - int(BASE)  # where the ports of one without a base count from
        found = glob.glob(PLAYBOOKS + "/*.yaml") + glob.glob(PLAYBOOKS + "/twins/*.yaml")
        self.assertGreater(len(found), 4)
        for path in found:
            with open(path, encoding="utf-8") as file:
                defaults = yaml.safe_load(file)["vars"]
            up = os.path.relpath(SOURCE, os.path.dirname(path))
            for name in set(defaults) & set(ours):
                expected = {"project": "gameday", "front": "http://127.0.0.1:18080"}.get(name)
                if name.endswith("_port"):
                    expected = int(ours[name]) + first
                expected = expected or f"${{file:{up}/.env.d/{name.upper()}}}"
                self.assertEqual(defaults[name], expected, f"{path}: {name}")

    def test_its_broker_and_the_brokers_disk_are_its_own(self):
        self.assertEqual(json.loads(broker("GET", "/cluster-name")[1]), {"name": NAME})
        device = inside("rabbitmq", "stat", "-c", "%d", "/var/lib/rabbitmq")
        self.assertNotEqual(device, inside("pg-primary", "stat", "-c", "%d", "/var/lib/postgresql"))

    def test_regions_meet_in_transit_alone(self):
        for part, one in containers().items():
            region = one["Config"]["Labels"].get("gameday.region")
            networks = {name.removeprefix(NAME + "_") for name in one["NetworkSettings"]["Networks"]}
            self.assertEqual(networks - {"transit"}, {region} if region else set(), part)

    def test_everything_is_watched(self):
        def down():
            _, body = http("GET", "SYSTEM_PROMETHEUS_PORT", "/api/v1/targets")
            targets = json.loads(body)["data"]["activeTargets"]
            return [one["scrapeUrl"] for one in targets if one["health"] != "up"] or len(targets) < 8
        self.assertTrue(eventually(lambda: not down()), down())
        _, body = http("GET", "SYSTEM_PROMETHEUS_PORT", "/api/v1/alertmanagers")
        self.assertEqual(len(json.loads(body)["data"]["activeAlertmanagers"]), 1)

    def test_up_may_be_repeated(self):
        before = {part: one["Id"] for part, one in containers().items()}
        system("up")
        self.assertEqual({part: one["Id"] for part, one in containers().items()}, before)
        stopped = before["gateway-west"]
        run("docker", "kill", stopped)
        system("up")
        self.assertTrue(containers()["gateway-west"]["State"]["Running"])


if __name__ == "__main__":
    unittest.main(argv=[sys.argv[0], "-v", *arguments()[1]])
