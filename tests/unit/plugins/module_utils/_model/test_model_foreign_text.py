# Copyright (c) 2026, Strata contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from ansible_collections.strata.containers.plugins.module_utils._model.foreign_text import printable, without


def test_text_is_cut_and_cannot_steer_a_terminal() -> None:
    assert printable("a\x1b[31m\n\tb\u202e") == "a[31m b"
    assert printable("x" * 500) == "x" * 300 + "..."
    assert printable("four", 3) == "fou..."


def test_of_secrets_that_hold_one_another_nothing_is_left() -> None:
    assert without("said: secret-word", ["secret", "", "secret-word"]) == "said: ***"
