# Copyright (c) 2026, Strata contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How much each module may send to a target: what Ansible bundles for it above what it bundles for ``ping``.

A task pays for every byte: it is packed on the controller, copied, unpacked, and what is imported of it is compiled. The
share of Ansible's own files, some 169 kB for ``ping`` with core 2.19, differs from one core to the next and is not ours to
keep. Real collections send a third to a half of their own source; ours has many small files with a head each, and comes
to a little more. So each number is what the module sent when it was last looked at, with some 3 % above it. One that has
to grow is raised by who makes it grow, after a look at what came in with it:
``PYTHONPATH=tests:.build python -m law.payloads``, in the virtual environment, prints the table as it would be today.
"""

from __future__ import annotations

import json
import math
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from .source_tree import Breach

# kB (1000 bytes) above ping.
BUDGETS = {
    "container_create": 311,
    "container_info": 158,
    "container_mount": 255,
    "image_info": 177,
    "image_mount": 304,
    "image_prune": 307,
    "image_pull": 635,
    "image_remove": 330,
    "image_tag": 245,
    "image_verify": 396,
    "layer_info": 158,
    "registry_image_info": 236,
    "registry_login": 144,
    "registry_tags_info": 201,
    "store_check": 319,
    "store_info": 180,
    "store_wipe": 227,
    "trust_policy": 136,
}
PING = "ansible.builtin.ping"
COLLECTION = "strata.containers"

# Run by an interpreter of its own, since Ansible finds its collections once in a process.
_MEASURE = """
import json, os, sys, tempfile
sys.path.insert(0, sys.argv[1])
from bundle import bundle, load_collections
load_collections()
with tempfile.TemporaryDirectory() as directory:
    path = os.path.join(directory, "module")
    print(json.dumps({name: bundle(name, {}, path) for name in sys.argv[2:]}))
"""
_ROOT = Path(__file__).resolve().parents[2]
_BENCHMARKS = _ROOT / "benchmarks"
_ABOVE_WHAT_IS_SENT = 1.03


def payloads(collections: str, modules: Sequence[str]) -> dict[str, int]:
    """The bytes that Ansible sends for each module of the collection below ``collections``, above those for ping."""
    names = [PING, *(f"{COLLECTION}.{module}" for module in modules)]
    with tempfile.TemporaryDirectory() as directory:
        # Nothing of the developer's own Ansible configuration takes part.
        config = os.path.join(directory, "ansible.cfg")
        Path(config).write_text("[defaults]\n", encoding="utf-8")
        places = {"PYTHONPATH": collections, "ANSIBLE_COLLECTIONS_PATH": collections, "ANSIBLE_CONFIG": config}
        done = subprocess.run(
            [sys.executable, "-c", _MEASURE, str(_BENCHMARKS), *names],
            env={**os.environ, **places},
            stdout=subprocess.PIPE,
            check=True,
        )
    sizes = json.loads(done.stdout)
    return {module: sizes[f"{COLLECTION}.{module}"] - sizes[PING] for module in modules}


def payloads_keep_their_budgets(sent: Mapping[str, int]) -> Iterator[Breach]:
    """No module sends more than its budget, none has no budget, and no budget is far above what is sent."""
    for module in sorted({*BUDGETS, *sent}):
        path = f"plugins/modules/{module}.py"
        if module not in sent:
            yield Breach(path, 1, "has a budget and does not exist")
            continue
        size, budget = sent[module] / 1000, BUDGETS.get(module)
        if budget is None:
            yield Breach(path, 1, f"has no budget; it sends {size:.1f} kB above ping")
        elif size > budget:
            yield Breach(
                path, 1, f"sends {size:.1f} kB above ping, {budget} are allowed; what came in with the change?"
            )
        elif size < 0.85 * budget:
            yield Breach(
                path, 1, f"sends {size:.1f} kB above ping; a budget of {budget} would not notice what comes back"
            )


def modules_of_the_tree() -> list[str]:
    """The names of all modules of this checkout."""
    return sorted(path.stem for path in (_ROOT / "plugins/modules").glob("*.py") if path.stem != "__init__")


def _print_table() -> None:
    from lab.collection import collections_root

    for module, size in payloads(collections_root(), modules_of_the_tree()).items():
        print(f'    "{module}": {math.ceil(size / 1000 * _ABOVE_WHAT_IS_SENT)},')


if __name__ == "__main__":
    _print_table()
