"""A program on a terminal of ours, and what a person would see there: pyte, a terminal emulator that
shares no code with gameday, keeps the screen."""

import contextlib
import fcntl
import os
import pty
import select
import signal
import struct
import subprocess
import sys
import termios
import time

# Where Debian puts python3-pyte, for a python that is not Debian's.
sys.path.append("/usr/lib/python3/dist-packages")
import pyte  # noqa: E402

from shop_world import Wrong  # noqa: E402


class Terminal:
    """`frames` counts the writes that drew one, `raw` keeps every byte."""

    def __init__(self, argv, columns=80, rows=24, environment=None, **changes):
        self.screen = pyte.HistoryScreen(columns, rows, history=5000, ratio=0.5)
        self.stream = pyte.ByteStream(self.screen)
        self.raw = b""
        self.main, other = pty.openpty()
        self.size(columns, rows)
        base = dict(environment or os.environ, TERM="xterm-256color", LC_ALL="C.UTF-8")
        for name in ("NO_COLOR", "CI", "LANG", "LC_CTYPE"):
            base.pop(name, None)
        base.update(changes)
        self.child = subprocess.Popen(argv, stdin=other, stdout=other, stderr=other, env=base,
                                      start_new_session=True, preexec_fn=self._control)
        os.close(other)

    @staticmethod
    def _control():
        fcntl.ioctl(0, termios.TIOCSCTTY, 0)

    def size(self, columns, rows):
        fcntl.ioctl(self.main, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
        if (self.screen.columns, self.screen.lines) != (columns, rows):
            self.screen.resize(rows, columns)

    def look(self, seconds=0.05):
        """Takes in what comes within that time."""
        end = time.monotonic() + seconds
        while True:
            ready, _, _ = select.select([self.main], [], [], max(0, end - time.monotonic()))
            if not ready:
                return
            try:
                block = os.read(self.main, 65536)
            except OSError:  # nobody has it open any more
                time.sleep(max(0, end - time.monotonic()))
                return
            if not block:
                return
            self.raw += block
            self.stream.feed(block)

    def lines(self):
        return [line.rstrip() for line in self.screen.display]

    def scrolled(self):
        """What has left the screen at its top."""
        found = []
        for row in self.screen.history.top:
            found.append("".join(row[x].data for x in range(self.screen.columns)).rstrip())
        return found

    def text(self):
        return "\n".join(self.lines())

    def wait_for(self, condition, within=30.0, what=""):
        """Until the condition holds for what is seen; a text: until it is on the screen."""
        holds = condition if callable(condition) else lambda: condition in self.text()
        end = time.monotonic() + within
        while not holds():
            if time.monotonic() > end:
                raise Wrong(f"not seen within {within} s: {what or condition}\n{self.text()}")
            self.look()

    def type(self, keys):
        os.write(self.main, keys)

    def ended(self, within=120.0):
        """The exit code."""
        end = time.monotonic() + within
        while self.child.poll() is None:
            if time.monotonic() > end:
                self.child.kill()
                raise Wrong(f"it did not end within {within} s\n{self.text()}")
            self.look()
        self.look(0.2)
        return self.child.returncode

    def close(self):
        with contextlib.suppress(ProcessLookupError):
            if self.child.poll() is None:
                self.child.send_signal(signal.SIGKILL)
                self.child.wait()
        os.close(self.main)
