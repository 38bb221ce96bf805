#!/usr/bin/env python3
"""Reads gcov's json objects, one a line, and prints the share of lines that ran: of each file, then of each folder.

    gcov --json-format --stdout OBJECTS... | line_coverage.py ROOT FOLDER...

"file NAME RUN ALL PERCENT  lines that did not run", then "folder NAME RUN ALL PERCENT".
"""

import collections
import json
import os
import sys


def main():
    root, folders = os.path.realpath(sys.argv[1]), sys.argv[2:]
    counts = collections.defaultdict(lambda: collections.defaultdict(int))  # file -> line -> times run
    for text in sys.stdin:
        if not text.strip():
            continue
        report = json.loads(text)
        for entry in report["files"]:
            path = os.path.realpath(os.path.join(report["current_working_directory"], entry["file"]))
            name = os.path.relpath(path, root)
            if name.split(os.sep)[0] in folders:
                for line in entry["lines"]:
                    counts[name][line["line_number"]] += line["count"]

    totals = collections.defaultdict(lambda: [0, 0])
    for name in sorted(counts):
        lines = counts[name]
        missed = sorted(number for number, count in lines.items() if count == 0)
        run = len(lines) - len(missed)
        total = totals[name.split(os.sep)[0]]
        total[0] += run
        total[1] += len(lines)
        print("file", name, run, len(lines), f"{100 * run / len(lines):.1f}", " ", *missed)
    for folder in folders:
        run, lines = totals[folder]
        print("folder", folder, run, lines, f"{100 * run / max(lines, 1):.2f}")


if __name__ == "__main__":
    main()
