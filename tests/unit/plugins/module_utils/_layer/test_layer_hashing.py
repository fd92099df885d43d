# Copyright (c) 2026, Strata contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import hashlib

from ansible_collections.strata.containers.plugins.module_utils._layer.hashing import Hashed


def test_chunks_pass_unchanged_and_are_counted() -> None:
    stream = Hashed([b"a", b"", b"bc"], hashlib.sha256())
    assert list(stream) == [b"a", b"", b"bc"]
    assert stream.count == 3
    # FIPS 180-2, appendix B.
    assert stream.hexdigest() == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"


def test_only_what_was_read_is_hashed() -> None:
    stream = Hashed(iter([b"abc", b"more"]), hashlib.sha256())
    next(stream)
    assert stream.count == 3
    assert stream.hexdigest() == hashlib.sha256(b"abc").hexdigest()
