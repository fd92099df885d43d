# Copyright (c) 2026, Strata contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest
from ansible_collections.strata.containers.plugins.module_utils._layer.verify import (
    BlobVerifier,
    DigestMismatch,
    SizeMismatch,
)
from ansible_collections.strata.containers.plugins.module_utils._model.digest import Digest

# FIPS 180-2, appendix B and C: the hashes of "abc".
ABC = Digest.parse("sha256:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad")
ABC_512 = Digest.parse(
    "sha512:ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a"
    "2192992a274fc1a836ba3c23a3feebbd454d4423643ce80e2a9ac94fa54ca49f"
)
EMPTY = Digest.parse("sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855")


@pytest.mark.parametrize(("digest", "size"), [(ABC, 3), (ABC, None), (ABC_512, 3)])
def test_right_blob_is_accepted_in_any_pieces(digest: Digest, size: int | None) -> None:
    verifier = BlobVerifier(digest, size)
    for piece in (b"a", b"", b"bc"):
        verifier.update(piece)
    verifier.finish()
    assert verifier.count == 3


def test_empty_blob_is_accepted() -> None:
    BlobVerifier(EMPTY, 0).finish()


def test_other_content_is_told_with_both_digests() -> None:
    verifier = BlobVerifier(ABC, 3)
    verifier.update(b"abd")
    with pytest.raises(DigestMismatch) as caught:
        verifier.finish()
    found = "sha256:a52d159f262b2c6ddb724a61840befc36eb30c88877a4030b65cbe86298449c9"
    assert caught.value.facts() == {
        "code": "digest_mismatch",
        "message": "digest did not match",
        "object": str(ABC),
        "wanted": str(ABC),
        "found": found,
    }


def test_first_byte_too_many_ends_the_transfer() -> None:
    verifier = BlobVerifier(ABC, 3)
    verifier.update(b"abc")
    with pytest.raises(SizeMismatch) as caught:
        verifier.update(b"d")
    assert caught.value.code == "size_mismatch"
    assert (caught.value.wanted, caught.value.found) == ("3 bytes", "4 bytes")


def test_missing_byte_is_told_as_size_even_though_the_digest_differs_too() -> None:
    verifier = BlobVerifier(ABC, 3)
    verifier.update(b"ab")
    with pytest.raises(SizeMismatch):
        verifier.finish()
