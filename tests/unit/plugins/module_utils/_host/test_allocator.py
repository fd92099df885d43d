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


# Says how many mebibytes of 32 that were taken and freed it still has, and how many when it has given them back.
FREED = """
import sys
sys.path.insert(0, {root!r})
from {module} import give_back_freed_memory, keep_freed_memory
def resident():
    with open("/proc/self/statm") as stream:
        return int(stream.read().split()[1]) >> 8
keep_freed_memory()
before = resident()
pieces = [bytes(b"x") * (1 << 20) for _piece in range(32)]
del pieces
freed = resident() - before
give_back_freed_memory()
print(freed, resident() - before)
"""


def page_faults(keep: bool) -> int:
    return int(output_of(PROGRAM, keep=keep))


def output_of(program: str, **facts: object) -> bytes:
    root = Path(allocator.__file__).resolve().parents[len(allocator.__name__.split(".")) - 1]
    text = program.format(module=allocator.__name__, root=str(root), **facts)
    return subprocess.run([sys.executable, "-c", text], check=True, capture_output=True).stdout


def test_freed_memory_is_used_again() -> None:
    pages_of_one_round = 5 * 256
    assert page_faults(keep=False) > 5 * pages_of_one_round
    assert page_faults(keep=True) < pages_of_one_round


def test_freed_memory_is_given_back() -> None:
    freed, given_back = map(int, output_of(FREED).split())
    assert freed > 24 and given_back < 4


def test_another_c_library_is_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(allocator, "libc", object)
    allocator.keep_freed_memory()
    allocator.give_back_freed_memory()
