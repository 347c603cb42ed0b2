"""Runs inside Locust, before the locustfile. Tells gameday of each request over a socket, and gives
locustfiles in the style before Locust 1.0 the names that they were written for.

What it tells is what Locust's own event says, not rounded. A request that has no answer after the
load's timeout is told as such right then, as one of any other load is; its answer counts no more.
"""

import atexit
import functools
import os
import signal
import socket
import sys
import time
import types

import locust
from gevent import getcurrent, monkey
from locust import clients, events
from locust.contrib import fasthttp

MOST_LINES = 50_000  # kept while gameday does not read; what comes then is dropped, and counted
MOST_PENDING = 1 << 20
LONGEST_TEXT = 200
# Errors after which it is certain that nothing was sent.
NOT_SENT = {"NewConnectionError", "NameResolutionError", "ConnectTimeoutError", "ConnectTimeout",
            "ConnectionRefusedError", "gaierror"}

# Those of the system, not gevent's: a locustfile that keeps the processor keeps gevent from running.
plain_socket = monkey.get_original("socket", "socket")
allocate_lock, start_new_thread = monkey.get_original(
    "_thread", ["allocate_lock", "start_new_thread"])


def boot_ns():
    return time.clock_gettime_ns(time.CLOCK_BOOTTIME)


def one_line(text):
    return " ".join(str(text).split())[:LONGEST_TEXT]


def was_not_sent(error):
    """Looks through what an error was made from."""
    seen = []
    waiting = [error]
    while waiting and len(seen) < 20:
        one = waiting.pop()
        if not isinstance(one, BaseException) or one in seen:
            continue
        if type(one).__name__ in NOT_SENT:
            return True
        seen.append(one)
        waiting += [one.__cause__, one.__context__, getattr(one, "reason", None), *one.args]
    return False


def outcome_of(exception, status):
    if not exception:
        return "o"
    if status > 0:
        return "r"
    return "n" if was_not_sent(exception) else "u"


class Teller:
    def __init__(self, environment, address, timeout_ns):
        self.runner = environment.runner
        self.role = {"WorkerRunner": "worker", "MasterRunner": "master"}.get(
            type(self.runner).__name__, "local")
        self.timeout_ns = timeout_ns
        self.lock = allocate_lock()  # of what follows
        self.lines = []
        self.dropped = 0
        self.open = {}  # by greenlet: when it asked, and for what
        self.overdue = set()  # greenlets whose request was told before it ended
        self.sending = allocate_lock()  # of what follows
        self.pending = b""
        self.told_dropped = 0
        self.apart = boot_ns() - time.time_ns()
        self.socket = plain_socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.socket.connect("\0" + address)
        self.socket.settimeout(0.05)
        self.say(f"hello {self.role} {os.getpid()} {locust.__version__}\n")
        self.flush()
        start_new_thread(self.run, ())
        atexit.register(self.bye)

    def say(self, line):
        with self.lock:
            if len(self.lines) < MOST_LINES:
                self.lines.append(line)
            elif line.startswith("r "):
                self.dropped += 1

    def begins(self, what):
        me = id(getcurrent())
        with self.lock:
            self.overdue.discard(me)
            self.open[me] = (boot_ns(), what)

    def returned(self):
        with self.lock:
            self.open.pop(id(getcurrent()), None)

    def requested(self, request_type="", name="", response_time=0, exception=None, response=None,
                  start_time=None, **_):
        me = id(getcurrent())
        with self.lock:
            self.open.pop(me, None)
            if me in self.overdue:
                self.overdue.discard(me)
                return
        now = boot_ns()
        took = max(0, int((response_time or 0) * 1e6))
        start = now - took
        # The event may come long after the answer, as from a `with` block; the time of day tells how
        # long, where nobody has set the clock.
        if start_time and abs(now - time.time_ns() - self.apart) < 50_000_000:
            start = min(start, now - (time.time_ns() - int(start_time * 1e9)))
        status = int(getattr(response, "status_code", 0) or 0)
        self.tell(start, took, outcome_of(exception, status), status, f"{request_type} {name}",
                  exception or "")

    def tell(self, start, took, outcome, status, name, error):
        self.say(f"r {start} {took} {outcome} {status}\t{one_line(name)}\t{one_line(error)}\n")

    def tell_the_overdue(self):
        now = boot_ns()
        with self.lock:
            late = [(me, *one) for me, one in self.open.items() if now - one[0] >= self.timeout_ns]
            for me, _, _ in late:
                del self.open[me]
                self.overdue.add(me)
        for _, start, what in late:
            self.tell(start, self.timeout_ns, "u", 0, what, "no answer within the load's timeout")

    def flush(self):
        with self.sending:
            if len(self.pending) < MOST_PENDING:
                with self.lock:
                    lines, self.lines = self.lines, []
                    dropped = self.dropped
                if dropped != self.told_dropped:
                    self.told_dropped = dropped
                    lines.append(f"dropped {dropped}\n")
                self.pending += "".join(lines).encode("utf-8", "replace")
            try:
                while self.pending:
                    self.pending = self.pending[self.socket.send(self.pending[:65536]):]
            except (socket.timeout, BlockingIOError):
                pass
            return not self.pending and not self.lines

    def run(self):
        """On a thread of the system's, so that it goes on whatever the locustfile does."""
        users_at = 0
        while True:
            try:
                said = self.socket.recv(64)
                if not said:
                    os._exit(70)  # gameday is gone: nothing of it goes on sending
                if self.role != "worker":
                    os.kill(os.getpid(), signal.SIGTERM)  # by which Locust ends in order
            except socket.timeout:
                pass
            except OSError:
                os._exit(70)
            self.tell_the_overdue()
            if time.monotonic() >= users_at:
                users_at = time.monotonic() + 0.5
                self.tell_of_itself()
            try:
                self.flush()
            except OSError:
                os._exit(70)

    def tell_of_itself(self):
        if self.role != "master":
            self.say(f"users {self.runner.user_count} {time.process_time_ns()}\n")
        if getattr(self.runner, "current_cpu_usage", 0) > 90:
            self.say("busy\n")

    def bye(self):
        self.say(f"users 0 {time.process_time_ns()}\n")
        until = time.monotonic() + 2
        try:
            while not self.flush() and time.monotonic() < until:
                pass
            self.say("bye\n")
            self.flush()
        except OSError:
            pass


TELLER = None


def watch(client):
    """Both clients of Locust's say when a request begins only to who stands in between."""
    plain = client.request

    @functools.wraps(plain)
    def request(self, method, url, *args, **kwargs):
        if TELLER is None:
            return plain(self, method, url, *args, **kwargs)
        TELLER.begins(f"{method} {kwargs.get('name') or url}")
        try:
            return plain(self, method, url, *args, **kwargs)
        finally:
            TELLER.returned()

    client.request = request


def begin(environment, **_):
    global TELLER
    TELLER = Teller(environment, os.environ["GAMEDAY_TELL"], int(os.environ["GAMEDAY_TIMEOUT_NS"]))
    events.request.add_listener(TELLER.requested)


def starts(**_):
    if TELLER is not None:
        TELLER.say("begins\n")


def waits_of_old(cls):
    """`min_wait` and `max_wait`, in milliseconds, where a class has these and no `wait_time`."""
    own = vars(cls)
    if "wait_time" in own or not ("min_wait" in own or "max_wait" in own):
        return
    least = cls.min_wait or 0
    cls.wait_time = locust.between(least / 1000, max(least, cls.max_wait or 1000) / 1000)


class OldUser:
    def __init_subclass__(cls, **kwargs):
        super().__init_subclass__(**kwargs)
        if vars(cls).get("task_set") is not None:
            cls.tasks = [cls.task_set]
        waits_of_old(cls)


def give_old_names():
    class Locust(OldUser, locust.User):
        abstract = True

    class HttpLocust(OldUser, locust.HttpUser):
        abstract = True

    class FastHttpLocust(OldUser, locust.FastHttpUser):
        abstract = True

    locust.Locust = Locust
    locust.HttpLocust = HttpLocust
    fasthttp.FastHttpLocust = FastHttpLocust
    locust.TaskSet.locust = property(lambda self: self.user)
    locust.TaskSet.__init_subclass__ = classmethod(
        lambda cls, **kwargs: (super(locust.TaskSet, cls).__init_subclass__(**kwargs),
                               waits_of_old(cls))[0])
    if "locust.core" not in sys.modules:
        core = types.ModuleType("locust.core")
        for name in ("Locust", "HttpLocust", "TaskSet", "task", "events"):
            setattr(core, name, getattr(locust, name))
        sys.modules["locust.core"] = core


give_old_names()
if "GAMEDAY_TELL" in os.environ:
    watch(clients.HttpSession)
    watch(fasthttp.FastHttpSession)
    events.init.add_listener(begin)
    events.test_start.add_listener(starts)
