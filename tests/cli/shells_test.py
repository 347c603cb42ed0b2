"""Completion in the shells themselves: each is asked on a terminal, with TAB, as a person asks."""

import os
import subprocess
import sys
import tempfile

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path.insert(0, os.path.join(ROOT, "tests", "support"))
from shop_world import Wrong, check  # noqa: E402
from terminal import Terminal  # noqa: E402

PROMPT = "ready$ "


class Shell:
    """An interactive shell with gameday in its PATH and completion on."""

    def __init__(self, folder, gameday, argv, setup):
        environment = dict(os.environ, PATH=os.path.dirname(gameday) + ":/usr/bin:/bin",
                           HOME=folder, XDG_STATE_HOME=folder + "/state", PS1=PROMPT,
                           XDG_CONFIG_HOME=folder)
        os.chdir(folder)
        self.terminal = Terminal(argv, columns=100, rows=30, environment=environment)
        self.terminal.look(1.0)
        for line in setup:
            self.terminal.type(line.encode() + b"\r")
            self.terminal.look(0.3)
        self.say("echo set-up''-done", "set-up-done")

    def say(self, line, answer):
        self.terminal.type(line.encode() + b"\r")
        self.terminal.wait_for(lambda: answer in self.terminal.lines(), what=answer)

    def completes(self, written, wanted):
        """What TAB makes of the line."""
        self.terminal.type(b"\x15" + written.encode() + b"\t")
        line = PROMPT + wanted
        self.terminal.wait_for(lambda: line in self.terminal.lines(), 15,
                               f"{written!r} completed to {wanted!r}")
        self.terminal.type(b"\x15")
        self.terminal.look(0.1)

    def lists(self, written, *wanted):
        """What TAB, twice, shows to choose from."""
        self.terminal.type(b"\x15" + written.encode() + b"\t\t")
        self.terminal.wait_for(lambda: all(word in self.terminal.text() for word in wanted), 15,
                               f"{wanted} offered for {written!r}")
        self.terminal.type(b"\x15\x0c")
        self.terminal.look(0.2)


def same_everywhere(shell):
    shell.completes("gameday rev", "gameday revert")
    shell.completes("gameday revert --disc", "gameday revert --discover")
    shell.completes("gameday explain lose", "gameday explain lose-data")
    shell.completes("gameday check a\\ dr", "gameday check a\\ drill.yaml")
    shell.completes("gameday run p --out fold", "gameday run p --out folder/")
    shell.completes("gameday show 01AA", "gameday show 01AAAAAAAAAAAAAAAAAAAAAAAA")
    shell.lists("gameday verify ", "folder", "latest", "01AAAAAAAAAAAAAAAAAAAAAAAA")
    shell.lists("gameday completion ", "bash", "fish", "zsh")


def in_bash(folder, gameday):
    shell = Shell(folder, gameday, ["bash", "--norc", "--noprofile", "-i"],
                  [f"PS1='{PROMPT}'", "source <(gameday completion bash)"])
    same_everywhere(shell)
    shell.terminal.close()


def in_zsh(folder, gameday):
    shell = Shell(folder, gameday, ["zsh", "-f", "-i"],
                  [f"PS1='{PROMPT}'; PROMPT_SP=; bindkey -e", "autoload -U compinit; compinit -u -D",
                   "source <(gameday completion zsh)"])
    same_everywhere(shell)
    shell.lists("gameday explain k", "kill")
    shell.terminal.close()


def in_fish(folder, gameday):
    """Fish can be asked without a terminal."""
    environment = dict(os.environ, PATH=os.path.dirname(gameday) + ":/usr/bin:/bin", HOME=folder,
                       XDG_STATE_HOME=folder + "/state", XDG_CONFIG_HOME=folder)

    def offered(written):
        ran = subprocess.run(
            ["fish", "--no-config", "-c",
             'gameday completion fish | source; complete -C "$argv[1]"', written],
            env=environment, cwd=folder, capture_output=True, text=True, timeout=60)
        check(ran.returncode == 0 and not ran.stderr, f"fish: {ran.stderr}")
        return [line.split("\t")[0] for line in ran.stdout.splitlines()]

    for written, wanted in (("gameday rev", "revert"), ("gameday revert --disc", "--discover"),
                            ("gameday explain lose", "lose-data"),
                            ("gameday check a", "a drill.yaml"),
                            ("gameday run p --out fold", "folder/"),
                            ("gameday show 01AA", "01AAAAAAAAAAAAAAAAAAAAAAAA"),
                            ("gameday completion f", "fish")):
        found = offered(written)
        check(wanted in found, f"fish offers {found} for {written!r}, not {wanted!r}")
    check("notes.txt" not in offered("gameday show "), "fish offers files where drills belong")


def keep_a_drill(folder, gameday):
    """A store with one drill in it: the one that could not be started."""
    with open(folder + "/a drill.yaml", "w", encoding="utf-8") as file:
        file.write("gameday: 1\nname: none\nsummary: No target.\nowner: tests\nsystem:\n"
                   "  west: { process: { pidfile: gone.pid } }\nlimits: { targets: 1 }\nprobes:\n"
                   '  answers: { http: "http://127.0.0.1:9/", every: 1s, timeout: 100ms }\n'
                   "timeline:\n  - steady_state: { for: 1s, within: 2s, probes: [answers] }\n"
                   "  - { fault: kill, target: west, for: 1s }\n")
    subprocess.run([gameday, "run", "a drill.yaml", "--out", "folder"], cwd=folder,
                   env=dict(os.environ, XDG_STATE_HOME=folder + "/state", HOME=folder),
                   capture_output=True, check=False)
    # Under a name that can be written here.
    subprocess.run(["sqlite3", folder + "/state/gameday/gameday.db",
                    "PRAGMA foreign_keys = OFF; UPDATE drills SET id = '01' || "
                    "substr('AAAAAAAAAAAAAAAAAAAAAAAA', 1, 24)"], check=True)


def main():
    gameday, shells = os.path.abspath(sys.argv[1]), sys.argv[2:]
    known = {"bash": in_bash, "zsh": in_zsh, "fish": in_fish}
    with tempfile.TemporaryDirectory() as folder:
        os.makedirs(folder + "/folder")
        with open(folder + "/notes.txt", "w", encoding="utf-8"):
            pass
        keep_a_drill(folder, gameday)
        for shell in shells:
            try:
                known[shell](folder, gameday)
            except Wrong as wrong:
                print(f"{shell}: WRONG: {wrong}")
                return 1
            print(f"{shell}: ok")
        os.chdir("/")
    return 0


if __name__ == "__main__":
    sys.exit(main())
