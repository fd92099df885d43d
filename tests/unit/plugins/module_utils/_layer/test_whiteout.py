# Copyright (c) 2026, Strata contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest
from ansible_collections.strata.containers.plugins.module_utils._layer.whiteout import Whiteout, classify


@pytest.mark.parametrize(
    ("base", "kind"),
    [
        (b"file", Whiteout.NONE),
        (b"", Whiteout.NONE),
        (b"wh.file", Whiteout.NONE),
        (b".whfile", Whiteout.NONE),
        (b".wh.file", Whiteout.REMOVE),
        (b".wh.", Whiteout.REMOVE),
        (b".wh..wh..opq", Whiteout.OPAQUE),
        # One dot short of the marker, and the link directory of AUFS: names like any other.
        (b".wh..wh.opq", Whiteout.REMOVE),
        (b".wh..wh.plnk", Whiteout.REMOVE),
        (b".wh..wh..opq2", Whiteout.REMOVE),
    ],
)
def test_base_name_tells_what_a_layer_hides(base: bytes, kind: Whiteout) -> None:
    assert classify(base) is kind
