"""End to end: `gameday` on the sample shop, each case in a world of its own. `e2e.py --bin FOLDER
CASE` runs one and exits 0, 1, or 77 where this machine gives no namespaces; `--list` names them."""

import argparse
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))
import criterion_cases  # noqa: E402, F401
import death_cases  # noqa: E402, F401
import document_cases  # noqa: E402, F401
import door_cases  # noqa: E402, F401
import example_cases  # noqa: E402, F401
import full_disk_cases  # noqa: E402, F401
import load_cases  # noqa: E402, F401
import playbook_cases  # noqa: E402, F401
import secret_cases  # noqa: E402, F401
import shop_world  # noqa: E402
import terminal_cases  # noqa: E402, F401
from case_support import CASES  # noqa: E402


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--bin", default="", help="the folder of the built programs")
    parser.add_argument("--list", action="store_true")
    parser.add_argument("case", nargs="?", choices=list(CASES))
    options = parser.parse_args()
    if options.list:
        print("\n".join(CASES))
        return 0
    if not options.case:
        parser.error("which case?")
    shop_world.enter()
    try:
        CASES[options.case](os.path.abspath(options.bin))
    except shop_world.Wrong as wrong:
        print(f"{options.case}: WRONG: {wrong}")
        return 1
    print(f"{options.case}: ok")
    return 0


if __name__ == "__main__":
    sys.exit(main())
