"""A RabbitMQ node for tests: its own name, ports of loopback, folder, cookie and epmd. It is told
what to do on its standard input, a word a line, answers with a line each, and ends with that input:

    start    up AMQP-PORT MANAGEMENT-PORT AMQPS-PORT
    kill     down            (SIGKILL, as a machine that fails would)
    pause    paused          (it takes connections and answers nothing)
    resume   resumed

    rabbit_node.py FOLDER    makes the folder, and removes it at its end; FOLDER/node.pem is who it
                             is by TLS, for `localhost`; FOLDER/ctl is rabbitmqctl for this node"""

import contextlib
import os
import random
import shlex
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.request

SERVER = "/usr/lib/rabbitmq/bin/rabbitmq-server"
CONTROL = "/usr/lib/rabbitmq/bin/rabbitmqctl"
PATIENCE = 120  # a node takes 5 s on a machine of its own


def free_port():
    """Below those that the kernel gives out by itself, so that nobody takes it while a node is down."""
    while True:
        port = random.randrange(20000, 32000)
        with socket.socket() as probe, contextlib.suppress(OSError):
            probe.bind(("127.0.0.1", port))
            return port


class Node:
    def __init__(self, folder):
        self.folder = folder
        self.node = None
        os.makedirs(folder, mode=0o700)
        epmd, distribution, self.amqp, self.amqps, self.management = (free_port() for _ in range(5))
        self.environment = {
            "PATH": os.environ["PATH"], "HOME": folder, "LANG": "C.UTF-8",
            "ERL_EPMD_PORT": str(epmd), "ERL_EPMD_ADDRESS": "127.0.0.1",
            "RABBITMQ_NODENAME": f"gd-{os.getpid()}@localhost",
            "RABBITMQ_MNESIA_BASE": folder + "/mnesia", "RABBITMQ_LOG_BASE": folder + "/log",
            "RABBITMQ_CONFIG_FILE": folder + "/rabbitmq.conf",
            "RABBITMQ_ADVANCED_CONFIG_FILE": folder + "/advanced.config",
            "RABBITMQ_ENABLED_PLUGINS_FILE": folder + "/plugins",
            "RABBITMQ_CONF_ENV_FILE": "/dev/null", "RABBITMQ_LOGS": "-",
            "RABBITMQ_DIST_PORT": str(distribution),
            "RABBITMQ_PID_FILE": folder + "/pid",
            "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS":
                "+S 1:1 +sbwt none +sbwtdcpu none +sbwtdio none "
                "-kernel inet_dist_use_interface {127,0,0,1}"}
        self.write("plugins", "[rabbitmq_management].\n")
        self.write("rabbitmq.conf",
                   f"listeners.tcp.1 = 127.0.0.1:{self.amqp}\n"
                   "management.tcp.ip = 127.0.0.1\n"
                   f"management.tcp.port = {self.management}\n"
                   "cluster_name = gameday-tests\n"
                   f"listeners.ssl.1 = 127.0.0.1:{self.amqps}\n"
                   f"ssl_options.cacertfile = {folder}/node.pem\n"
                   f"ssl_options.certfile = {folder}/node.pem\n"
                   f"ssl_options.keyfile = {folder}/node.key\n"
                   "ssl_options.verify = verify_none\n")
        self.write("ctl", "#!/bin/sh\n" + "".join(
            f"export {name}={shlex.quote(value)}\n" for name, value in self.environment.items())
            + f'exec {CONTROL} "$@"\n')
        os.chmod(folder + "/ctl", 0o700)
        subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt",
                        "ec_paramgen_curve:P-256", "-nodes", "-subj", "/CN=localhost", "-addext",
                        "subjectAltName=DNS:localhost", "-keyout", folder + "/node.key", "-out",
                        folder + "/node.pem"], check=True, capture_output=True)
        self.epmd = subprocess.Popen(["epmd", "-port", str(epmd), "-address", "127.0.0.1"],
                                     stdin=subprocess.DEVNULL, start_new_session=True)

    def write(self, name, text):
        with open(f"{self.folder}/{name}", "w", encoding="utf-8") as file:
            file.write(text)

    def start(self):
        with open(self.folder + "/output", "ab") as output:
            self.node = subprocess.Popen([SERVER], env=self.environment, cwd=self.folder,
                                         stdin=subprocess.DEVNULL, stdout=output,
                                         stderr=subprocess.STDOUT, start_new_session=True)
        end = time.monotonic() + PATIENCE
        while not self.answers():
            if self.node.poll() is not None or time.monotonic() > end:
                with open(self.folder + "/output", encoding="utf-8") as output:
                    raise SystemExit("rabbit_node: no node: " + output.read()[-3000:])
            time.sleep(0.1)
        return f"up {self.amqp} {self.management} {self.amqps}"

    def answers(self):
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.management}/", timeout=2):
                with socket.create_connection(("127.0.0.1", self.amqp), timeout=2):
                    return True
        except OSError:
            return False

    def kill(self):
        if self.node is not None:
            os.killpg(self.node.pid, signal.SIGKILL)
            self.node.wait()
            self.node = None
            # What was the node's child may hold its files for a moment.
            time.sleep(0.2)
        return "down"

    def pause(self):
        os.killpg(self.node.pid, signal.SIGSTOP)
        return "paused"

    def resume(self):
        os.killpg(self.node.pid, signal.SIGCONT)
        return "resumed"

    def end(self):
        self.kill()
        self.epmd.kill()
        self.epmd.wait()
        shutil.rmtree(self.folder, ignore_errors=True)


def main():
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    node = Node(sys.argv[1])
    words = {"start": node.start, "kill": node.kill, "pause": node.pause, "resume": node.resume}
    try:
        for line in sys.stdin:
            print(words[line.strip()](), flush=True)
    finally:
        node.end()


if __name__ == "__main__":
    main()
