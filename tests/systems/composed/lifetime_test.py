"""The composed system is brought up before its tests, and taken down after them; nothing is left."""

import os
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "support"))
from composed_world import ENV_FILE, NAME, arguments, run, system  # noqa: E402
from shop_world import check  # noqa: E402


def up():
    # What a run that was broken off has left would be another system than a new one.
    system("down")
    print(system("up"))


def down():
    print(system("down"))
    check(not os.path.exists(ENV_FILE) and not os.path.exists(ENV_FILE + ".d"), "passwords are left")
    if subprocess.run(["docker", "version"], capture_output=True, check=False).returncode != 0:
        return  # the engine was started for the test, and went with it
    for kind in ("container", "network", "volume"):
        every = ["--all"] if kind == "container" else []
        left = run("docker", kind, "ls", "-q", *every, "--filter",
                   f"label=com.docker.compose.project={NAME}")
        check(left == "", f"a {kind} is left: {left}")


if __name__ == "__main__":
    {"up": up, "down": down}[arguments()[1][0]]()
