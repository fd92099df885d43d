# Copyright (c) 2026, Strata contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What is made of the report of an OpenPGP program, line by line."""

from __future__ import annotations

from dataclasses import replace

import pytest
from ansible_collections.strata.containers.plugins.module_utils._model.openpgp_report import OpenPgpReport
from ansible_collections.strata.containers.plugins.module_utils._trust.openpgp import (
    require_keys,
    require_message,
    signed_content,
)
from ansible_collections.strata.containers.plugins.module_utils._trust.refusal import Refusal
from ansible_collections.strata.containers.tests.unit.plugins.module_utils._trust.recorded_gpg import (
    RECORDED,
    Key,
    RecordedGpg,
    keyring,
    message,
)

KEY = Key("G").fingerprint
SUBKEY = Key("a subkey").fingerprint
# What the reference says of each kind that was recorded.
GOOD = {"good", "signing subkey", "SHA-224"}


def report(kind: str = "good") -> OpenPgpReport:
    return RecordedGpg()([keyring("G")], message(b"content", "G", "O", kind=kind))


def changed(old: str, new: str) -> OpenPgpReport:
    """The good report, with another text in its lines."""
    good = report()
    lines = tuple(line.replace(old, new) for line in good.status)
    assert lines != good.status
    return replace(good, status=lines)


def refusal(bad: OpenPgpReport) -> Refusal:
    with pytest.raises(Refusal) as caught:
        signed_content(bad)
    assert caught.value.code == "openpgp_refused"
    return caught.value


@pytest.mark.parametrize("kind", RECORDED)
def test_only_one_good_signature_is_one(kind: str) -> None:
    if kind in GOOD:
        signed = signed_content(report(kind))
        assert (signed.fingerprint, signed.content) == (KEY, b"content")
    else:
        refusal(report(kind))


@pytest.mark.parametrize(
    ("kind", "words"),
    [
        ("unknown key", "none of the trusted ones"),
        ("expired key", "a key that has expired"),
        ("revoked key", "a key that was revoked"),
        ("expired signature", "has expired"),
        ("SHA-1", "unknown or too weak"),
        ("changed", "is bad"),
        ("two signatures", "2 signatures"),
        ("unsigned", "0 signatures"),
        ("text mode", "binary data"),
    ],
)
def test_the_reason_is_told(kind: str, words: str) -> None:
    assert words in refusal(report(kind)).reason


def test_a_subkey_counts_as_its_primary_key() -> None:
    assert signed_content(changed(f"VALIDSIG {KEY}", f"VALIDSIG {SUBKEY}")).fingerprint == KEY


def test_a_good_signature_by_a_key_that_was_not_imported_is_refused() -> None:
    assert KEY in refusal(replace(report(), imported=((SUBKEY,), ()))).reason
    refusal(replace(report(), imported=()))


def test_any_of_the_keyrings_may_have_the_key() -> None:
    assert signed_content(replace(report(), imported=((SUBKEY,), (SUBKEY, KEY)))).fingerprint == KEY


@pytest.mark.parametrize(("algorithm", "name"), [("1", "MD5"), ("2", "SHA-1"), ("3", "RIPEMD-160")])
def test_a_weak_hash_is_refused_whatever_the_program_holds_of_it(algorithm: str, name: str) -> None:
    assert f"a hash by {name}, which is too weak" in refusal(changed(" 8 00 ", f" {algorithm} 00 ")).reason


@pytest.mark.parametrize("status", [1, 2, -9])
def test_a_program_that_did_not_end_well_proves_nothing(status: int) -> None:
    assert str(status) in refusal(replace(report(), exit_status=status)).reason


def test_more_than_one_content_is_refused() -> None:
    good = report()
    refusal(replace(good, status=(good.status[0], *good.status)))
    refusal(replace(good, status=good.status[1:]))


def test_exactly_one_signature_is_valid() -> None:
    good = report()
    refusal(replace(good, status=(*good.status, good.status[-1])))
    refusal(replace(good, status=good.status[:-1]))


def test_a_valid_signature_without_a_primary_key_is_refused() -> None:
    assert "primary key" in refusal(changed(f" 00 {KEY}", " 00")).reason


@pytest.mark.parametrize("line", ["GOODSIG", "BADSIG", "ERRSIG 1 2 3 4 5 9", "REVKEYSIG", ""])
def test_a_second_result_or_one_without_words_is_no_proof(line: str) -> None:
    good = report()
    if line:
        assert "2 signatures" in refusal(replace(good, status=(*good.status, line))).reason
    refusal(replace(good, status=(line,)))


@pytest.mark.parametrize("key", ["", "0123", "<script>", "0123456789ABCDEF\u202e"])
def test_a_claimed_key_that_is_none_is_not_shown(key: str) -> None:
    assert "claims" not in refusal(replace(report(), status=(f"BADSIG {key}",))).reason


def test_a_user_id_that_looks_like_a_key_is_not_shown_either() -> None:
    reason = refusal(replace(report(), status=(f"BADSIG {KEY} {SUBKEY}",))).reason
    assert (KEY in reason, SUBKEY in reason) == (True, False)


def test_the_key_is_called_a_claim() -> None:
    reason = refusal(report("changed")).reason
    assert reason == f"the signature (which claims to be by the key {KEY[-16:]}) is bad: the signed content was changed"
    assert (
        refusal(replace(report(), status=("BADSIG",))).reason == "the signature is bad: the signed content was changed"
    )


def test_what_a_later_gpg_says_more_of_a_valid_signature_does_not_matter() -> None:
    assert signed_content(changed(f" 00 {KEY}", f" 00 {KEY} more words")).fingerprint == KEY


def test_the_words_of_a_user_id_are_not_taken_for_status() -> None:
    # gpg escapes line breaks in a name; every other character may be in it.
    signed = signed_content(changed("good <good@example.com>", "x%0A[GNUPG:] GOODSIG BADSIG VALIDSIG"))
    assert signed.fingerprint == KEY


@pytest.mark.parametrize("first", [0xA0, 0xA3, 0x90, 0x88, 0xC8, 0xC4, 0xC2])
def test_signed_and_compressed_messages_are_looked_at(first: int) -> None:
    require_message(bytes([first, 1]))


@pytest.mark.parametrize("blob", [b"", b"-----BEGIN PGP MESSAGE-----", b"{}", b"\xac\x01", b"\x85\x01", b"\x8c", b"\0"])
def test_nothing_else_is(blob: bytes) -> None:
    with pytest.raises(Refusal) as caught:
        require_message(blob)
    assert caught.value.code == "openpgp_refused"


def test_every_keyring_must_have_a_key() -> None:
    require_keys(replace(report(), imported=((KEY,), (SUBKEY, KEY))), ["/keys/a", "/keys/b"])
    for imported in (((KEY,), ()), ((), (KEY,))):
        with pytest.raises(Refusal) as caught:
            require_keys(replace(report(), imported=imported), ["/keys/a", "/keys/b"])
        assert caught.value.code == "trusted_keys_invalid"
        assert f"/keys/{'b' if imported[0] else 'a'}" in caught.value.reason
