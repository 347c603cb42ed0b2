"""A drill on a terminal, as the person in front of it sees it."""

import os
import shutil
import signal
import subprocess
import time
import xml.etree.ElementTree

from case_support import KILL_WEST, case, check, make
from shop_world import eventually, named
from short_drill import short_playbook
from terminal import Terminal
from terminal_picture import svg


def on_a_terminal(bin_folder, *steps, columns=80, rows=24, options=(), playbook=None, **changes):
    shop, gameday = make(bin_folder)
    shop.up()
    path = shop.write("p.yaml", playbook or short_playbook(*(steps or (KILL_WEST,))))
    terminal = Terminal(gameday.command("run", path, "--out", gameday.out, *options),
                        columns=columns, rows=rows, environment=shop.environment, **changes)
    return gameday, terminal


def shows(terminal, *texts):
    missing = [text for text in texts if text not in terminal.text()]
    check(not missing, f"not on the screen: {missing}\n{terminal.text()}")


def everything(terminal):
    return "\n".join(terminal.scrolled() + terminal.lines())


def left_as_it_was(terminal):
    check(not terminal.screen.cursor.hidden, "the cursor stays hidden")
    check(terminal.lines()[terminal.screen.cursor.y] == "" and terminal.screen.cursor.x == 0,
          f"the prompt would stand in what is there\n{terminal.text()}")
    check("Ctrl-C" not in terminal.text() and "▶" not in terminal.text(),
          f"the live part stays\n{terminal.text()}")


@case
def terminal_shows_the_drill(bin_folder):
    """At 80 columns; the last lines stay, the frames are few and drawn at once."""
    gameday, terminal = on_a_terminal(bin_folder, "{ fault: kill, target: west, for: 4s }",
                                      "wait: 1s")
    began = time.monotonic()
    terminal.wait_for("p99 ")
    terminal.wait_for("held ")
    shows(terminal, "── short ─", "▶running", "✓loading", "step 2/4", "fault-2  kill west",
          " left", "more; guardian in ", "checkout", "50/s", "100.0 % ok", "█", "answers ",
          "ok    status 200", "undos     2 owed, 0 done; the guardian watches",
          "Ctrl-C: undoes 1 fault, then verifies; again: shortens waits",
          "injected: fault-2 (kill)", "proven: fault-2")
    # The picture in docs/ is made of such a screen.
    words = " ".join(xml.etree.ElementTree.fromstring(svg(terminal.screen)).itertext())
    check("▶running" in words and "Ctrl-C: undoes 1 fault" in words, words)
    check(terminal.ended() == 0, terminal.text())
    left_as_it_was(terminal)
    told = everything(terminal)
    for text in ("injected: fault-2", "gone: fault-2", "verdict passed", "result: "):
        check(told.count(text) == 1, f"{told.count(text)} times {text}\n{told}")
    check("▶" not in told, f"a frame has scrolled away instead of being drawn over\n{told}")
    frames = terminal.raw.count(b"\x1b[?2026h")
    took = time.monotonic() - began
    check(5 < frames <= 10 * took + 2, f"{frames} frames in {took} s")
    check(frames == terminal.raw.count(b"\x1b[?2026l"), "a frame without an end")


@case
def terminal_narrow_and_resized(bin_folder):
    """Nothing wraps at 60 columns; another size in the middle is drawn anew, one that is too small
    as lines."""
    gameday, terminal = on_a_terminal(bin_folder, "{ fault: kill, target: west, for: 12s }",
                                      columns=60, rows=20)
    terminal.wait_for("held ")
    lines = terminal.lines()
    top = next(i for i, line in enumerate(lines) if line.startswith("── short"))
    check(lines[top + 1].startswith(" phase 3 of 8: running"), terminal.text())
    for number, start in ((2, " step 2/"), (3, " faults    fault-2  kill west"), (4, " load ")):
        check(lines[top + number].startswith(start), f"line {number}\n{terminal.text()}")
    check(" Ctrl-C: undoes 1 fault, then verifies" in lines, terminal.text())
    terminal.size(100, 30)
    terminal.wait_for("guardian in ")
    terminal.look(0.3)
    shows(terminal, "✓loading ▶running", "injected: fault-2")
    check(terminal.text().count("▶running") == 1, f"an old frame stays\n{terminal.text()}")
    check(terminal.text().count("undos ") == 1, f"an old frame stays\n{terminal.text()}")
    terminal.size(50, 30)
    terminal.wait_for(lambda: "undos " not in terminal.text(), what="no live part at 50 columns")
    terminal.size(80, 24)
    terminal.wait_for("▶running")
    terminal.look(0.3)
    check(terminal.text().count("undos ") == 1, f"an old frame stays\n{terminal.text()}")
    terminal.type(b"\x03")
    check(terminal.ended() == 4, terminal.text())
    left_as_it_was(terminal)


@case
def terminal_ctrl_c_says_and_does(bin_folder):
    gameday, terminal = on_a_terminal(bin_folder, KILL_WEST)
    terminal.wait_for("held ")
    shows(terminal, "Ctrl-C: undoes 1 fault, then verifies; again: shortens waits")
    terminal.type(b"\x03")
    terminal.wait_for("STOP by person")
    check(terminal.ended() == 4, terminal.text())
    left_as_it_was(terminal)
    check("gone: fault-2" in everything(terminal), everything(terminal))
    check(gameday.open() == [] and not named("guardian"), "something is left")


@case
def terminal_second_ctrl_c_shortens_waits(bin_folder):
    # The steady state at the end takes 20 s; nobody has to wait for it.
    timeline = short_playbook(KILL_WEST, "steady_state: { for: 20s, within: 40s, probes: [answers] }")
    gameday, terminal = on_a_terminal(bin_folder, playbook=timeline)
    terminal.wait_for("held ")
    began = time.monotonic()
    terminal.type(b"\x03")
    terminal.wait_for("▶settling")
    shows(terminal, "stopping: ends the drill, then verifies; Ctrl-C: shortens waits",
          "steady again: answers")
    terminal.type(b"\x03")
    code = terminal.ended()
    check(code == 4 and time.monotonic() - began < 15, f"{code}\n{terminal.text()}")
    check("gone: fault-2" in everything(terminal), everything(terminal))
    left_as_it_was(terminal)


@case
def terminal_dumb_or_ci_or_told_so_has_plain_lines(bin_folder):
    for changes, options in (({"TERM": "dumb"}, ()), ({"CI": "true"}, ()), ({}, ("--json",))):
        gameday, terminal = on_a_terminal(bin_folder, "{ fault: kill, target: west, for: 500ms }",
                                          options=options, **changes)
        check(terminal.ended() == 0, terminal.text())
        check(b"\x1b[" not in terminal.raw, f"escapes: {terminal.raw[:2000]}")
        told = everything(terminal)
        for text in ("phase running", "step fault-2 fault", "undo recorded: fault-2"):
            check(text in told, f"{text}\n{told}")
        stop_the_shop(gameday)


def stop_the_shop(gameday):
    subprocess.run([gameday.shop.folder + "/shop", "down"], env=gameday.shop.environment,
                   capture_output=True, check=False)
    shutil.rmtree(gameday.shop.folder)


@case
def plain_lines_say_that_the_drill_lives(bin_folder):
    """While nothing else happens: every ten seconds what the clients see."""
    shop, gameday = make(bin_folder)
    shop.up()
    playbook = shop.write("p.yaml", short_playbook("wait: 22s"))
    ended = gameday.run(playbook)
    check(ended.returncode == 0, ended.stderr)
    lines = [line for line in ended.stderr.splitlines() if "  load checkout 50/s, " in line]
    check(len(lines) == 2 and all("% ok, p99 " in line for line in lines), ended.stderr)


@case
def terminal_without_colours(bin_folder):
    """With NO_COLOR no letter has a colour, and all of it is there."""
    for changes, options in (({"NO_COLOR": "1"}, ()), ({}, ("--no-color",)), ({}, ())):
        gameday, terminal = on_a_terminal(bin_folder, "{ fault: kill, target: west, for: 3s }",
                                          options=options, **changes)
        terminal.wait_for("100.0 % ok")
        shows(terminal, "proven", "▶running", "held ", "Ctrl-C: ")
        coloured = {cell.fg for row in terminal.screen.buffer.values() for cell in row.values()}
        plain = bool(changes or options)
        check((coloured == {"default"}) == plain, f"colours {coloured} with {changes} {options}")
        check(terminal.ended() == 0, terminal.text())
        stop_the_shop(gameday)


@case
def terminal_hostile_names(bin_folder):
    """Escapes in the command line of a process that is killed stay letters, live and plain."""
    evil = b"\x1b]0;owned\x07\x1b[2J\x1b[31mred\xe2\x80\xae\xc2\x9b5A"
    for changes in ({}, {"TERM": "dumb"}):
        shop, gameday = make(bin_folder)
        shop.up()
        with open(os.path.join(shop.run.encode(), evil), "wb"):
            victim = subprocess.Popen([b"tail", b"-f", evil], cwd=shop.run)
        shop.write("run/evil.pid", str(victim.pid))
        playbook = short_playbook("{ fault: kill, target: west, for: 3s }")
        path = shop.write("p.yaml", playbook.replace("run/west.pid", "run/evil.pid"))
        terminal = Terminal(gameday.command("run", path, "--out", gameday.out),
                            environment=shop.environment, **changes)
        # Killed for good: our child stays as a zombie until it is waited for.
        victim.wait(30)
        check(terminal.ended() == 0, terminal.text())
        told = everything(terminal)
        check("proven: fault-2 (kill): process" in told and "?]0;owned??[2J?[31mred?" in told, told)
        for escape in (b"\x1b]", b"\x1b[2J", b"\x1b[31mred", "\u202e".encode(),
                       "\u009b".encode()):
            check(escape not in terminal.raw, f"{escape} came through")
        stop_the_shop(gameday)


@case
def terminal_that_is_halted_halts_nothing(bin_folder):
    """Ctrl-S stops the screen for longer than the guardian's patience; the drill goes on."""
    gameday, terminal = on_a_terminal(bin_folder, "{ fault: kill, target: west, for: 6s }")
    terminal.wait_for("held ")
    terminal.type(b"\x13")
    terminal.look(0.5)
    halted = terminal.text()
    terminal.look(3.5)
    check(terminal.text() == halted, f"the screen was not halted\n{terminal.text()}")
    check(named("guardian") and not named("west"), "the guardian took over")
    terminal.type(b"\x11")
    check(terminal.ended() == 0, everything(terminal))
    left_as_it_was(terminal)


@case
def terminal_after_a_killed_runner_works(bin_folder):
    gameday, terminal = on_a_terminal(bin_folder, KILL_WEST)
    terminal.wait_for("held ")
    # Between two frames, as nearly always.
    terminal.look(0.35)
    os.kill(terminal.child.pid, signal.SIGKILL)
    terminal.child.wait()
    check(eventually(lambda: not named("guardian"), 10), "the guardian does not end")
    terminal.look(0.3)
    check(not terminal.screen.cursor.hidden, "the cursor stays hidden")
    lines = terminal.lines()
    under = next(i for i, line in enumerate(lines) if line.startswith(" Ctrl-C"))
    check(any("undone: kill" in line for line in lines[under + 1:]),
          f"the guardian's lines are not below the live part\n{terminal.text()}")
    check(gameday.open() == [], "something is left")


@case
def terminal_whose_window_is_closed(bin_folder):
    """A stop like any other: undone, and quickly."""
    gameday, terminal = on_a_terminal(bin_folder, KILL_WEST)
    terminal.wait_for("held ")
    began = time.monotonic()
    os.close(terminal.main)
    code = terminal.child.wait(60)
    check(code == 4 and time.monotonic() - began < 20, f"{code} after {time.monotonic() - began} s")
    check(gameday.open() == [] and not named("guardian"), "something is left")
    check(gameday.result()["verdict"] == "stopped", "no result was written")


@case
def terminal_with_a_very_long_instruction(bin_folder):
    """A megabyte to do, on a terminal that shrinks: it does not flood the screen, and whatever size
    that has, the last that stands there is what to type."""
    text = "please " + "turn it off and on, " * 47000
    gameday, terminal = on_a_terminal(bin_folder,
                                      f'human: {{ do: "{text}", by: ops, within: 90s }}')
    typed = lambda: "gameday ack" in one_text() and "human-2" in one_text()  # noqa: E731
    one_text = lambda: "".join(terminal.lines())  # noqa: E731
    terminal.wait_for(typed, what="what to type")
    shows(terminal, "WAITING for ops to please turn it off", "▶running")
    check("(the playbook has all of it)" in one_text(), terminal.text())
    check(len(terminal.raw) < 100_000, f"{len(terminal.raw)} bytes for one line")
    for columns, rows in ((60, 24), (20, 24), (20, 10), (80, 24)):
        terminal.size(columns, rows)
        live = columns >= 60
        terminal.wait_for(lambda: ("undos " in terminal.text()) == live and typed(),
                          what=f"what to type at {columns} columns and {rows} rows")
        terminal.look(0.3)
        check(terminal.text().count("undos ") == live, f"an old frame stays\n{terminal.text()}")
        check(typed(), terminal.text())
    check(len(terminal.raw) < 300_000, f"{len(terminal.raw)} bytes in all")
    terminal.type(b"ack\n")
    check(terminal.ended() == 0, terminal.text())
    left_as_it_was(terminal)
