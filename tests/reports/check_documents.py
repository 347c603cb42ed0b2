#!/usr/bin/env python3
"""Reads a drill's documents as others would: HTML, XML and JSON by the parsers of Python's library,
Markdown and OpenMetrics by rules of their own. Says what is wrong, and ends with 1."""

import html.parser
import json
import re
import sys
import xml.parsers.expat

UNSAFE = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\xad\u061c\u180e\u200b-\u200f"
                    "\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb\ufffe\uffff\ufe00-\ufe0f]")
TAGS = set("html head meta title style body main header h1 h2 h3 p b span div ul ol li strong br "
           "code section article dl dt dd table caption thead tbody tr th td small time svg defs "
           "pattern rect line text path".split())
VOID = {"meta", "br"}
WRONG = []


def check(holds, text):
    if not holds:
        WRONG.append(text[:300])


class Page(html.parser.HTMLParser):
    def __init__(self):
        super().__init__(convert_charrefs=True)
        self.open, self.words = [], []

    def handle_starttag(self, tag, attributes):
        check(tag in TAGS, f"html: a tag <{tag}>")
        for name, value in attributes:
            check(not name.startswith("on") and name not in ("href", "src", "style", "action"),
                  f"html: an attribute {name}")
            check(not UNSAFE.search(value or ""), f"html: unsafe in attribute {name}")
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attributes):
        self.handle_starttag(tag, attributes)
        if tag not in VOID:
            self.open.pop()

    def handle_endtag(self, tag):
        check(self.open and self.open[-1] == tag, f"html: </{tag}> closes {self.open[-1:]}")
        if self.open:
            self.open.pop()

    def handle_comment(self, data):
        check(False, "html: a comment")

    def handle_data(self, data):
        check(not UNSAFE.search(data), f"html: unsafe character in {data!r}")


def check_html(text):
    page = Page()
    page.feed(text)
    page.close()
    check(not page.open, f"html: {page.open} stays open")


def check_junit(data):
    counts, stack = [], []

    def start(name, attributes):
        check(name in ("testsuites", "testsuite", "testcase", "failure", "error", "skipped"),
              f"junit: an element {name}")
        for value in attributes.values():
            check(not UNSAFE.search(value), "junit: unsafe in an attribute")
        if name in ("testsuites", "testsuite"):
            stack.append(dict.fromkeys(("tests", "failures", "errors", "skipped"), 0))
            counts.append((attributes, stack[-1]))
        kind = {"testcase": "tests", "failure": "failures", "error": "errors",
                "skipped": "skipped"}.get(name)
        for level in stack if kind else ():
            level[kind] += 1

    def end(name):
        if name in ("testsuites", "testsuite"):
            stack.pop()

    parser = xml.parsers.expat.ParserCreate()
    parser.StartElementHandler, parser.EndElementHandler = start, end
    parser.Parse(data, True)
    for attributes, found in counts:
        told = {name: int(attributes[name]) for name in found}
        check(told == found, f"junit: says {told}, holds {found}")


def without_code(line):
    """Code spans shown as they are parsed: a run of backticks up to the next run as long."""
    out = ""
    while "`" in line:
        plain, _, rest = line.partition("`")
        if plain.endswith("\\") and not plain.endswith("\\\\"):
            out, line = out + plain + "`", rest
            continue
        fence = re.match("`*", "`" + rest)[0]
        inside = ("`" + rest)[len(fence):]
        close = re.search(r"(?<!`)" + fence + r"(?!`)", inside)
        if not close:
            out, line = out + plain + fence, inside
            continue
        out, line = out + plain + "CODE", inside[close.end():]
    return out + line


def check_markdown(text):
    columns = 0
    for line in text.split("\n"):
        check(not UNSAFE.search(line), f"markdown: unsafe in {line!r}")
        # Whether a backslash before an escape counts is read either way.
        pipes = len(re.findall(r"(?<!\\)\|", line))
        other = len(re.findall(r"(?<!\\)\|", line.replace("\\\\", "")))
        check(not line.startswith("|") or pipes == other,
              f"markdown: a pipe that readers differ on: {line!r}")
        plain = re.sub(r"\\[^\w\s]", "", without_code(line))
        check("<" not in plain, f"markdown: raw HTML in {plain!r}")
        check("](" not in plain and "][" not in plain, f"markdown: a link in {plain!r}")
        check("://" not in plain and "www." not in plain.lower(), f"markdown: an address {plain!r}")
        check("@" not in plain, f"markdown: a mention in {plain!r}")
        check("&" not in plain, f"markdown: an entity in {plain!r}")
        if line.startswith("|"):
            check(columns in (0, pipes), f"markdown: {pipes} columns, not {columns}, in {line!r}")
            columns = pipes
        else:
            columns = 0


NAME = r"[a-zA-Z_:][a-zA-Z0-9_:]*"
LABEL = r'[a-zA-Z_][a-zA-Z0-9_]*="(?:[^"\\\n]|\\["\\n])*"'
SAMPLE = re.compile(rf"({NAME})\{{{LABEL}(?:,{LABEL})*\}} (\S+)")


def check_openmetrics(text):
    check(text.endswith("# EOF\n"), "openmetrics: no # EOF at the end")
    check(text.count("# EOF") == 1 or "# EOF" not in text[:-6].split("\n"), "openmetrics: two ends")
    seen, family, series = set(), None, set()
    for line in text.split("\n")[:-2]:
        check(not UNSAFE.search(line), f"openmetrics: unsafe in {line!r}")
        if line.startswith("# "):
            word, name = line.split(" ")[1:3]
            check(word in ("TYPE", "UNIT", "HELP"), f"openmetrics: {line!r}")
            if word == "TYPE":
                check(name not in seen, f"openmetrics: {name} comes twice")
                seen.add(name)
                family = name
            check(name == family, f"openmetrics: {word} of {name} inside {family}")
            if word == "UNIT":
                check(name.endswith("_" + line.split(" ")[3]), f"openmetrics: unit of {name}")
            continue
        found = SAMPLE.fullmatch(line)
        check(found, f"openmetrics: no sample: {line!r}")
        if found:
            check(found[1] == family, f"openmetrics: {found[1]} inside {family}")
            float(found[2])
            check(line.rpartition(" ")[0] not in series, f"openmetrics: twice: {line!r}")
            series.add(line.rpartition(" ")[0])


def main(folder):
    def text(name):
        with open(f"{folder}/{name}", encoding="utf-8", newline="") as file:
            return file.read()

    check_html(text("report.html"))
    check_junit(text("junit.xml").encode())
    check_markdown(text("report.md"))
    json.loads(text("result.json"))
    check_openmetrics(text("metrics.prom"))
    print("\n".join(WRONG[:10]))
    sys.exit(1 if WRONG else 0)


main(sys.argv[1])
