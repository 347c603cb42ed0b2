"""The RabbitMQ queue that drills of the crash campaign die on: a node of this world's own."""

import base64
import json
import socket
import struct
import subprocess
import sys
import urllib.error
import urllib.parse
import urllib.request

from shop_world import SOURCE, check, eventually

PASSWORD = "s3/cr@t:x"
MESSAGES = [f"message-{number}" for number in range(20)]
# Some of the messages come by an exchange, and so have another way back.
ROUTED = MESSAGES[::4]


class Consumer:
    """Takes one message of the queue and never acknowledges it: by AMQP's own bytes, so that it is
    somebody else's."""

    def __init__(self, port):
        self.line = socket.create_connection(("127.0.0.1", port), timeout=10)
        self.name = "127.0.0.1:%d -> " % self.line.getsockname()[1]
        login = b"\0guest\0guest"
        start = bytes(4) + b"\x05PLAIN" + struct.pack(">I", len(login)) + login + b"\x05en_US"
        self.line.sendall(b"AMQP\0\0\x09\x01" + self.method(0, 10, 11, start)
                          + self.method(0, 10, 31, struct.pack(">HIH", 2047, 131072, 0))
                          + self.method(0, 10, 40, b"\x01/\0\0")
                          + self.method(1, 20, 10, b"\0")
                          + self.method(1, 60, 10, struct.pack(">IHB", 0, 1, 0))
                          + self.method(1, 60, 20, b"\0\0\x04jobs\x02it\0" + bytes(4)))
        heard = b""
        while struct.pack(">HH", 60, 21) + b"\x02it" not in heard:
            came = self.line.recv(4096)
            check(came, f"no consumer: {heard}")
            heard += came

    @staticmethod
    def method(channel, kind, number, arguments):
        payload = struct.pack(">HH", kind, number) + arguments
        return struct.pack(">BHI", 1, channel, len(payload)) + payload + b"\xce"


class Rabbit:
    def __init__(self, folder):
        self.process = subprocess.Popen(
            [sys.executable, SOURCE + "/tests/support/rabbit_node.py", folder],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.process.stdin.write("start\n")
        self.process.stdin.flush()
        said = self.process.stdout.readline().split()
        check(said[:1] == ["up"], f"no RabbitMQ node: {said}")
        self.folder, self.amqp, self.management = folder, said[1], said[2]
        self.consumer = None
        self.environment = {"RABBIT_PASSWORD": PASSWORD}
        # No right more than the README asks for; the tag is for the connections of consumers.
        self.ask("PUT", "/users/gameday", {"password": PASSWORD, "tags": "administrator"})
        self.ask("PUT", "/permissions/%2F/gameday",
                 {"configure": r"^(jobs|gameday\..*)$",
                  "write": r"^(jobs|done|gameday\..*|amq\.default)$",
                  "read": r"^(jobs|done|gameday\..*|amq\.topic)$"})
        self.make()

    def has(self, process):
        """Whether the node, or what it was started with, has started it."""
        pid, parent = process.pid, process.parent
        while pid != self.process.pid and parent > 1:
            pid = parent
            try:
                with open(f"/proc/{pid}/stat", encoding="utf-8", errors="replace") as file:
                    parent = int(file.read().rpartition(")")[2].split()[1])
            except OSError:
                return False
        return pid == self.process.pid

    def ask(self, method, path, body=None):
        request = urllib.request.Request(
            f"http://127.0.0.1:{self.management}/api{path}", method=method,
            data=None if body is None else json.dumps(body).encode())
        request.add_header("Authorization", "Basic " + base64.b64encode(b"guest:guest").decode())
        request.add_header("Content-Type", "application/json")
        try:
            with urllib.request.urlopen(request, timeout=10) as answer:
                text = answer.read().decode()
        except urllib.error.HTTPError as error:
            check(error.code == 404, f"{method} {path}: {error.code} {error.read().decode()}")
            return None
        return json.loads(text) if text else None

    def make(self):
        """The queue as it must be again after every drill. What has waited in it for a while is
        done: the server itself moves it to another queue, so that a drill finds this one empty at
        its end and not before."""
        for exchange in self.marks():
            self.ask("DELETE", "/exchanges/%2F/" + urllib.parse.quote(exchange, safe=""))
        for queue in ("jobs", "done"):
            self.ask("DELETE", "/queues/%2F/" + queue)
        self.ask("PUT", "/queues/%2F/done", {"durable": True})
        self.ask("PUT", "/queues/%2F/jobs",
                 {"durable": True, "arguments": {"x-message-ttl": 5000,
                                                 "x-dead-letter-exchange": "",
                                                 "x-dead-letter-routing-key": "done"}})
        self.ask("POST", "/bindings/%2F/e/amq.topic/q/jobs", {"routing_key": "job.*"})

    def consume(self):
        """For whoever cuts consumers off; the server tells of one a moment later."""
        self.consumer = Consumer(int(self.amqp))
        check(eventually(lambda: self.consumer.name in json.dumps(self.ask("GET", "/consumers/%2F")),
                         20, every=0.1), "the consumer is not told of")

    def leave(self):
        """What it holds waits again."""
        if self.consumer is not None:
            self.consumer.line.close()
            self.consumer = None

    def fill(self, fault):
        """What a drill finds."""
        self.leave()
        for queue in ("jobs", "done"):
            self.ask("DELETE", f"/queues/%2F/{queue}/contents")
        for message in MESSAGES:
            routed = message in ROUTED
            self.ask("POST", f"/exchanges/%2F/{'amq.topic' if routed else 'amq.default'}/publish",
                     {"properties": {"delivery_mode": 2}, "payload_encoding": "string",
                      "routing_key": "job.new" if routed else "jobs", "payload": message})
        if fault == "cut-consumers":
            self.consume()

    def targets(self):
        return (f"  jobs: {{ rabbitmq: {{ url: \"amqp://gameday:${{env:RABBIT_PASSWORD}}@"
                f"127.0.0.1:{self.amqp}\", queue: jobs, dead_letters: done, "
                f"control: [\"{self.folder}/ctl\"], "
                f"management: \"http://127.0.0.1:{self.management}\" }} }}\n")

    def marks(self):
        found = [exchange["name"] for exchange in self.ask("GET", "/exchanges/%2F")]
        return [name for name in found if name.startswith("gameday")]

    def messages(self, queue):
        """Each with the routing key that it came with."""
        got = self.ask("POST", f"/queues/%2F/{queue}/get",
                       {"count": 1000, "ackmode": "ack_requeue_true", "encoding": "auto"}) or []
        # Empty tables are told as lists.
        headers = [(m["properties"] or {}).get("headers") or {} for m in got]
        deaths = [one.get("x-death") for one in headers]
        return [(m["payload"], death[0]["routing-keys"][0] if death else m["routing_key"])
                for m, death in zip(got, deaths)]

    def waiting_and_done(self):
        """Of one moment: what the server moves between two readings would be seen in both queues."""
        while True:
            waiting = self.messages("jobs")
            done = self.messages("done")
            if waiting == self.messages("jobs"):
                return waiting + done

    def state(self):
        bindings = [b["source"] + " " + b["routing_key"]
                    for b in self.ask("GET", "/queues/%2F/jobs/bindings")]
        return [sorted(self.waiting_and_done()), sorted(bindings),
                self.marks()]

    def check_healed(self):
        """No message may be lost. Those that were being put back at a death may be there twice."""
        self.leave()
        wanted = {(m, "job.new" if m in ROUTED else "jobs") for m in MESSAGES}
        eventually(lambda: set(self.waiting_and_done()) == wanted)
        messages, bindings, marks = self.state()
        check(set(messages) == wanted, f"messages: {messages}")
        check(len(messages) in (len(wanted), 2 * len(wanted)), f"messages: {messages}")
        check(bindings == [" jobs", "amq.topic job.*"], f"bindings: {bindings}")
        check(marks == [], f"marks stay: {marks}")
