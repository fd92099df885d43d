# Copyright (c) 2026, Strata contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Adds up the closing lines of the test runs in a log, and prints one line: 'N passed, N failed'.

    python3 tools/tally.py LOG STATUS

A status other than 0 without any failed test (a linter, a crash) counts as one failure.
"""

from __future__ import annotations

import re
import sys

CLOSING_LINE = re.compile(r"^(?:=+ )?((?:\d+ [a-z]+(?:, )?)+) in [\d.]+s", re.MULTILINE)
COUNT = re.compile(r"(\d+) (passed|failed|errors?|skipped)")


def main(log: str, status: int) -> None:
    """Prints the line."""
    with open(log, encoding="utf-8", errors="replace") as stream:
        text = re.sub(r"\x1b\[[0-9;]*m", "", stream.read())
    counts = {"passed": 0, "failed": 0, "error": 0, "skipped": 0}
    for line in CLOSING_LINE.findall(text):
        for number, word in COUNT.findall(line):
            counts[word.rstrip("s") if word.startswith("error") else word] += int(number)
    failed = counts["failed"] + counts["error"]
    if status and not failed:
        failed = 1
    skipped = f", {counts['skipped']} skipped" if counts["skipped"] else ""
    print(f"{counts['passed']} passed, {failed} failed{skipped}")


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
