"""What a drill leaves for readers: every document, a score that can be made again, a CI's page."""

import json
import os
import re
import subprocess
import sys

from case_support import case, expect_code, expect_nothing_left, make
from shop_world import FOLDER, SOURCE, check
from short_drill import short_playbook

WEIGHTS = {"required": 3, "good": 2, "best": 1}
PILLARS = {"OPS": "operational excellence", "SEC": "security", "REL": "reliability",
           "PERF": "performance efficiency", "COST": "cost optimization"}
RESTORED = ("wait: 6s", "{ fault: kill, target: west, for: 500ms }", "backup: store",
            "{ fault: lose-data, target: store }",
            "{ restore: store, into: place, replay: orders }", "wait: 6s")


def weights_in(rubric):
    """{id: (pillar, weight)} and {pillar: weight}, by one who knows no YAML but this."""
    criteria, name = {}, None
    for line in rubric.splitlines():
        if found := re.fullmatch(r"  ([A-Z]+)-(\d+):", line):
            name = f"{found[1]}-{found[2]}"
        elif found := re.fullmatch(r"    tier: (\w+)", line):
            criteria[name] = (PILLARS[name.split("-")[0]], WEIGHTS[found[1]])
    return criteria, {pillar: float(re.search(rf"^  {pillar}: (\d+)%$", rubric, re.M)[1]) / 100
                      for pillar in PILLARS.values()}


def expect_score(document, rubric):
    criteria, pillars = weights_in(rubric)
    coverage = floor = 0
    for pillar in document["score"]["pillars"]:
        counted = [c for c in pillar["criteria"] if c["result"] != "not_applicable"]
        whole = sum(criteria[c["id"]][1] for c in counted)
        assessed = [c for c in counted if c["result"] in ("pass", "fail", "partial")]
        weight = pillars[pillar["pillar"]]
        coverage += weight * sum(criteria[c["id"]][1] for c in assessed) / whole
        floor += weight * sum(criteria[c["id"]][1] * c["score"] for c in assessed) / whole
    told = document["score"]
    # As printed they are cut off, never rounded up.
    check(-1e-9 < coverage - told["coverage"] < 0.0001 + 1e-9,
          f"coverage {told['coverage']}, not {coverage}")
    check(-1e-9 < floor * 100 - told["floor"] < 0.1 + 1e-9, f"floor {told['floor']}, not {floor}")
    named = {c["id"] for pillar in told["pillars"] for c in pillar["criteria"]}
    check(named == set(criteria), "the score has other criteria than the rubric")


def commit(folder, name):
    """What the running shop writes beside it is none of the checkout's."""
    def git(*arguments):
        subprocess.run(["git", "-C", folder, *arguments], check=True)
    git("init", "-q")
    with open(folder + "/.git/info/exclude", "w", encoding="utf-8") as file:
        file.write("*\n")
    git("add", "-f", name)
    git("-c", "user.name=t", "-c", "user.email=t@localhost", "commit", "-qm", "a playbook")


def results_of(document):
    return {c["id"]: c["result"] for pillar in document["score"]["pillars"]
            for c in pillar["criteria"]}


@case
def documents_of_a_drill(bin_folder):
    shop, gameday = make(bin_folder)
    shop.up()
    page, metrics = FOLDER + "/summary.md", FOLDER + "/metrics.prom"
    with open(page, "w", encoding="utf-8") as file:
        file.write("What was there\n")
    playbook = shop.write("p.yaml", short_playbook(*RESTORED, objectives=", rpo: 0s"))
    commit(shop.folder, "p.yaml")
    ended = gameday.run(playbook, "--json", "--metrics", metrics,
                        environment={"GITHUB_STEP_SUMMARY": page})
    expect_code(ended, 0)
    document = gameday.result()
    for name in ("report.html", "report.md", "junit.xml", "metrics.prom", "rubric.yaml"):
        check(os.path.getsize(f"{gameday.out}/{name}") > 500, f"{name} is small")
    checked = subprocess.run(
        [sys.executable, SOURCE + "/tests/reports/check_documents.py", gameday.out],
        capture_output=True, text=True)
    check(checked.returncode == 0, checked.stdout + checked.stderr)
    with open(metrics, "rb") as one, open(gameday.out + "/metrics.prom", "rb") as other:
        check(one.read() == other.read(), "--metrics gives other bytes than the bundle")
    with open(page, encoding="utf-8") as file:
        text = file.read()
    check(text.startswith("What was there\n") and "**passed** (exit code 0)" in text, text)
    with open(gameday.out + "/rubric.yaml", encoding="utf-8") as file:
        expect_score(document, file.read())
    found = results_of(document)
    for wanted in ("REL-1", "REL-2", "REL-3", "REL-4", "REL-5", "REL-7", "PERF-2", "PERF-3",
                   "OPS-6", "SEC-8", "COST-2"):
        check(found[wanted] == "pass", f"{wanted} is {found[wanted]}")
    verified = subprocess.run([gameday.program, "verify", gameday.out], capture_output=True,
                              text=True)
    expect_code(verified, 0)
    scored = subprocess.run([gameday.program, "score", gameday.out, "--json"],
                            capture_output=True, text=True)
    check(json.loads(scored.stdout) == document["score"], "scored again it is another score")
    expect_nothing_left(gameday, document)


@case
def summary_page_that_cannot_be_written(bin_folder):
    shop, gameday = make(bin_folder)
    shop.up()
    playbook = shop.write("p.yaml", short_playbook("{ fault: kill, target: west, for: 300ms }"))
    ended = gameday.run(playbook, environment={"GITHUB_STEP_SUMMARY": "/nowhere/at/all"})
    expect_code(ended, 0)
    check("GITHUB_STEP_SUMMARY could not be written" in ended.stderr, ended.stderr)
    expect_nothing_left(gameday)
