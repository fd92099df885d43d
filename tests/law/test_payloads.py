# Copyright (c) 2026, Strata contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What Ansible sends for each module keeps the budget of the module, and a budget notices what it is there for."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from lab.collection import collections_root
from law.payloads import BUDGETS, modules_of_the_tree, payloads, payloads_keep_their_budgets


def test_every_module_keeps_its_budget() -> None:
    breaches = [
        str(breach) for breach in payloads_keep_their_budgets(payloads(collections_root(), modules_of_the_tree()))
    ]
    assert not breaches, "\n".join(breaches)


def test_what_comes_in_with_one_import_is_noticed(tmp_path: Path) -> None:
    """The way to registries, in a function of what only reads the store."""
    place = "ansible_collections/strata/containers"
    shutil.copytree(f"{collections_root()}/{place}/plugins", tmp_path / place / "plugins")
    for name in ("galaxy.yml", "meta"):
        source, target = Path(collections_root(), place, name), tmp_path / place / name
        shutil.copytree(source, target) if source.is_dir() else shutil.copy(source, target)
    with open(tmp_path / place / "plugins/module_utils/_module/layer_info.py", "a", encoding="utf-8") as file:
        file.write("\n\ndef _unused() -> None:\n    from .access import registry_access  # noqa: F401\n")
    sent = payloads(str(tmp_path), ["layer_info"])
    (breach,) = [found for found in payloads_keep_their_budgets(sent) if "layer_info" in found.path]
    assert f"{BUDGETS['layer_info']} are allowed" in breach.text


@pytest.mark.parametrize(
    "kilobytes, says",
    [
        (BUDGETS["layer_info"] + 1, "are allowed"),
        (BUDGETS["layer_info"] // 2, "would not notice"),
        (None, "does not exist"),
    ],
)
def test_each_rule_has_a_size_that_breaks_it(kilobytes: int | None, says: str) -> None:
    sent = {module: int(budget * 1000) for module, budget in BUDGETS.items()}
    assert not list(payloads_keep_their_budgets(sent))
    del sent["layer_info"]
    if kilobytes is not None:
        sent["layer_info"] = kilobytes * 1000
    (breach,) = payloads_keep_their_budgets(sent)
    assert says in breach.text and breach.path.endswith("layer_info.py")


def test_a_module_without_a_budget_is_noticed() -> None:
    sent = {**{module: int(budget * 1000) for module, budget in BUDGETS.items()}, "odd": 1000}
    assert [breach.path for breach in payloads_keep_their_budgets(sent)] == ["plugins/modules/odd.py"]
