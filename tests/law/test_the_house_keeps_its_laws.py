# Copyright (c) 2026, Strata contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The source tree keeps every law."""

from __future__ import annotations

from pathlib import Path

import pytest
from law.laws import LAWS
from law.source_tree import SourceTree

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def tree() -> SourceTree:
    return SourceTree(ROOT)


@pytest.mark.parametrize("name", LAWS)
def test_the_tree_keeps_the_law(tree: SourceTree, name: str) -> None:
    breaches = [str(breach) for breach in LAWS[name](tree)]
    assert not breaches, f"{LAWS[name].__doc__}\n" + "\n".join(breaches)


def test_the_tree_is_not_empty(tree: SourceTree) -> None:
    assert len(list(tree.utils())) > 20
