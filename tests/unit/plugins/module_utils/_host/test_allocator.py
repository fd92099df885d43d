# Copyright (c) 2026, Strata contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from ansible_collections.strata.containers.plugins.module_utils._host import allocator

# Takes and frees five mebibytes again and again, and says how many pages the kernel had to give for it.
PROGRAM = """
import resource, sys
sys.path.insert(0, {root!r})
from {module} import keep_freed_memory
def take(times):
    for _time in range(times):
        pieces = [bytes(b"x") * (1 << 20) for _piece in range(5)]
        del pieces
def faults():
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt
if {keep}:
    keep_freed_memory()
take(3)
before = faults()
take(40)
print(faults() - before)
"""


def page_faults(keep: bool) -> int:
    root = Path(allocator.__file__).resolve().parents[len(allocator.__name__.split(".")) - 1]
    program = PROGRAM.format(module=allocator.__name__, root=str(root), keep=keep)
    return int(subprocess.run([sys.executable, "-c", program], check=True, capture_output=True).stdout)


def test_freed_memory_is_used_again() -> None:
    pages_of_one_round = 5 * 256
    assert page_faults(keep=False) > 5 * pages_of_one_round
    assert page_faults(keep=True) < pages_of_one_round


def test_another_c_library_is_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(allocator, "libc", object)
    allocator.keep_freed_memory()
