# Copyright (c) 2026, Strata contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a command costs: all its processes, also those whose parent has ended."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[3] / "benchmarks"))

from measure import Cost, Done, told_cost

_BENCHMARKS = str(Path(__file__).parents[3] / "benchmarks")
# Measures in a process of its own: the one that measures adopts orphans.
_MEASURE = """
import json, sys
sys.path.insert(0, sys.argv[1])
from measure import measure, MeasuredFailed
try:
    done = measure([sys.executable, "-c", sys.argv[2]], {"NUMBER": "42"}, watch_memory=True)
    print(json.dumps([done.cost.wall, done.cost.cpu, done.cost.memory, done.output.decode()]))
except MeasuredFailed as error:
    print(json.dumps(str(error)))
"""
_HOLD = "import time; held = bytearray(40 << 20); time.sleep(0.6)"


def measured(code: str) -> Any:
    done = subprocess.run([sys.executable, "-c", _MEASURE, _BENCHMARKS, code], capture_output=True, check=True)
    return json.loads(done.stdout)


def test_processor_time_of_children_counts_and_waiting_does_not() -> None:
    burn = "import time; end = time.process_time() + 0.2\nwhile time.process_time() < end: pass"
    code = f"import subprocess, sys, time; subprocess.run([sys.executable, '-c', {burn!r}]); time.sleep(0.3)"
    wall, cpu, _memory, _output = measured(code)
    assert wall >= 0.5
    assert 0.2 <= cpu < wall - 0.25


def test_memory_is_that_of_all_processes_together() -> None:
    alone = measured(_HOLD)[2]
    code = f"import subprocess, sys\nother = subprocess.Popen([sys.executable, '-c', {_HOLD!r}])\n{_HOLD}\nother.wait()"
    together = measured(code)[2]
    assert 40 << 20 < alone < 60 << 20
    assert 80 << 20 < together < 120 << 20


def test_an_orphan_does_not_leave_the_tree() -> None:
    """The child ends at once; what it started goes on, holds the memory, and says when it does."""
    orphan = "import os, sys, time; held = bytearray(40 << 20); os.write(int(sys.argv[1]), b'!'); time.sleep(0.6)"
    child = (
        f"import subprocess, sys; subprocess.Popen([sys.executable, '-c', {orphan!r}, sys.argv[1]], close_fds=False)"
    )
    code = (
        "import os, subprocess, sys, time; ours, theirs = os.pipe(); os.set_inheritable(theirs, True)\n"
        f"subprocess.run([sys.executable, '-c', {child!r}, str(theirs)], close_fds=False); os.read(ours, 1); time.sleep(0.4)"
    )
    assert measured(code)[2] > 40 << 20


def test_output_and_environment() -> None:
    assert measured("import os; print(os.environ['NUMBER'])")[3] == "42\n"


def test_a_command_that_fails_says_why() -> None:
    told = measured("import sys; print('printed'); sys.exit('the disk is full')")
    assert "status 1" in told and "the disk is full" in told


def test_a_part_is_told_in_the_last_line() -> None:
    whole = Done(Cost(9.0, 8.0, 7), b'{"wall": 5, "cpu": 5}\n{"wall": 1.5, "cpu": 0.5, "changed": true}\n')
    assert told_cost(whole) == Cost(1.5, 0.5, 7)
