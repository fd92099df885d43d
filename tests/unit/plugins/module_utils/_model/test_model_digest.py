# Copyright (c) 2026, Strata contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest
from ansible_collections.strata.containers.plugins.module_utils._model.digest import Digest, InvalidDigest
from hypothesis import given
from hypothesis import strategies as st

# The hash of "abc", as FIPS 180-2 gives it.
ABC = {
    "sha256": "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad",
    "sha384": "cb00753f45a35e8bb5a03d699ac65007272c32ab0eded1631a8b605a43ff5bed8086072ba1e7cc2358baeca134c825a7",
    "sha512": (
        "ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a"
        "2192992a274fc1a836ba3c23a3feebbd454d4423643ce80e2a9ac94fa54ca49f"
    ),
}

FORMAT = "invalid checksum digest format"
LENGTH = "invalid checksum digest length"
ALGORITHM = "unsupported digest algorithm"

# What go-digest 1.0 says, in the order in which it looks.
REFUSED = {
    "an empty text": ("", FORMAT),
    "no colon": ("sha256", FORMAT),
    "no algorithm": (":" + "a" * 64, FORMAT),
    "no hash": ("sha256:", FORMAT),
    "a hash in capitals": ("sha256:" + "A" * 64, FORMAT),
    "a letter beyond f": ("sha256:" + "g" * 64, FORMAT),
    "a newline at the end": ("sha256:" + "a" * 63 + "\n", FORMAT),
    "a newline after the end": ("sha256:" + "a" * 64 + "\n", LENGTH),
    "a space before": (" sha256:" + "a" * 64, FORMAT),
    "one digit too few": ("sha256:" + "a" * 63, LENGTH),
    "one digit too many": ("sha256:" + "a" * 65, LENGTH),
    "the length of another algorithm": ("sha512:" + "a" * 64, LENGTH),
    "a wrong length in capitals": ("sha256:ABC", LENGTH),
    "an algorithm nobody verifies any more": ("md5:" + "a" * 32, ALGORITHM),
    "an algorithm with separators": ("x+y.z:" + "f" * 64, ALGORITHM),
    "an algorithm in capitals": ("SHA256:" + "a" * 64, FORMAT),
    "two colons": ("sha256:sha256:" + "a" * 57, FORMAT),
    "a path": ("sha256:../../etc/passwd", LENGTH),
}


@pytest.mark.parametrize("algorithm", sorted(ABC))
def test_a_digest_matches_its_bytes_and_no_others(algorithm: str) -> None:
    digest = Digest.parse(f"{algorithm}:{ABC[algorithm]}")
    assert digest == Digest(algorithm, ABC[algorithm])
    assert digest.matches(b"abc")
    assert not digest.matches(b"abd")


def test_the_digest_of_bytes_is_sha256() -> None:
    assert str(Digest.of(b"abc")) == f"sha256:{ABC['sha256']}"


def test_a_hasher_takes_its_bytes_in_pieces() -> None:
    hasher = Digest("sha512", ABC["sha512"]).hasher()
    hasher.update(b"a")
    hasher.update(b"bc")
    assert hasher.hexdigest() == ABC["sha512"]


@pytest.mark.parametrize("case", sorted(REFUSED))
def test_what_cannot_be_verified_is_refused_in_the_words_of_go(case: str) -> None:
    text, message = REFUSED[case]
    with pytest.raises(InvalidDigest) as caught:
        Digest.parse(text)
    assert caught.value.message == message
    assert caught.value.code == "invalid_digest"
    assert caught.value.subject == text


def test_digits_of_other_scripts_are_no_hexadecimal() -> None:
    with pytest.raises(InvalidDigest):
        Digest.parse("sha256:" + "\u0661" * 64)


@given(st.binary())
def test_a_digest_survives_being_written_and_read(data: bytes) -> None:
    digest = Digest.of(data)
    assert Digest.parse(str(digest)) == digest
    assert digest.matches(data)


@given(st.text(alphabet="sha256:345x+.-_ABCdef0\n", max_size=90) | st.text(max_size=40))
def test_any_text_is_a_digest_or_an_error_of_ours(text: str) -> None:
    try:
        digest = Digest.parse(text)
    except InvalidDigest:
        return
    assert str(digest) == text
