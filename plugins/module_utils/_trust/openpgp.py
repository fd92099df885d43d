# Copyright (c) 2026, Strata contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change in any release.
"""What an OpenPGP program's report proves: which trusted key signed which content, or why that is not known.

The status lines are those of GnuPG's doc/DETAILS. The checks, in order:

1. The message begins as a binary OpenPGP message that is signed or compressed; armor and text are never looked at.
2. Every keyring gave at least one key.
3. The program ended well, and saw one content, with exactly one signature, which is good.
4. That signature is of binary data, by an algorithm that is not MD5, SHA-1 or RIPEMD-160.
5. Its key belongs to a certificate of the keyrings; a signing subkey counts as its primary key.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from .._model.openpgp_report import OpenPgpReport
from .._model.signature import is_openpgp_message
from .refusal import BAD_KEYS, BAD_OPENPGP, Refusal

_CONTENT = "PLAINTEXT"
_GOOD = "GOODSIG"
_VALID = "VALIDSIG"
# One of these stands for each signature; what to say of those that are not good.
_BAD: Mapping[str, str] = {
    "BADSIG": "is bad: the signed content was changed",
    "ERRSIG": "cannot be checked: its algorithm is unknown or too weak",
    "EXPSIG": "has expired",
    "EXPKEYSIG": "is by a key that has expired",
    "REVKEYSIG": "is by a key that was revoked",
}
_UNKNOWN_KEY = "is by a key that is none of the trusted ones"
# Of ERRSIG: key ID, key algorithm, hash algorithm, class, time, reason, fingerprint; and the reason of no such key.
_REASON, _NO_SUCH_KEY = 6, "9"
# RFC 4880, section 9.4.
_WEAK_HASHES: Mapping[str, str] = {"1": "MD5", "2": "SHA-1", "3": "RIPEMD-160"}
_BINARY = "00"
_HEX = re.compile(r"[0-9A-F]{8,64}", re.ASCII)
# Of VALIDSIG: fingerprint, date, time, expiry, version, reserved, key algorithm, hash algorithm, class, primary fingerprint.
_VALID_WORDS = 10


@dataclass(frozen=True)
class Signed:
    """Content that a trusted key signed; ``fingerprint`` is that of the primary key."""

    fingerprint: str
    content: bytes


def require_message(message: bytes) -> None:
    """Raises Refusal unless ``message`` begins as a binary signed message."""
    if not is_openpgp_message(message):  # 1
        raise Refusal(BAD_OPENPGP, "the signature is no binary OpenPGP message")


def require_keys(report: OpenPgpReport, names: Sequence[str]) -> None:
    """Raises Refusal where a keyring gave no key; ``names`` name them, in the same order."""
    for name, fingerprints in zip(names, report.imported):
        if not fingerprints:  # 2
            raise Refusal(
                BAD_KEYS,
                f"there is no usable OpenPGP key in {name}",
            )


def signed_content(report: OpenPgpReport) -> Signed:
    """The content that one of the imported keys signed. Raises Refusal."""
    lines = [line.split(" ") for line in report.status]
    _require_one_good_signature(report, lines)  # 3
    fingerprint = _signing_key(lines)  # 4
    if not any(fingerprint in fingerprints for fingerprints in report.imported):  # 5
        raise Refusal(BAD_OPENPGP, f"the signature is by the key {fingerprint}, which is none of the trusted ones")
    return Signed(fingerprint, report.content)


def _require_one_good_signature(report: OpenPgpReport, lines: Sequence[Sequence[str]]) -> None:
    results = [line for line in lines if line[0] == _GOOD or line[0] in _BAD]
    if len(results) != 1:
        raise Refusal(BAD_OPENPGP, f"the message has {len(results)} signatures that were checked, instead of one")
    result = results.pop()
    if result[0] != _GOOD:
        raise Refusal(BAD_OPENPGP, f"the signature{_claimed_key(result)} {_complaint(result)}")
    if report.exit_status != 0 or _count(lines, _CONTENT) != 1:
        raise Refusal(BAD_OPENPGP, f"the message is not in order (gpg ended with status {report.exit_status})")


def _signing_key(lines: Sequence[Sequence[str]]) -> str:
    """The fingerprint of the primary key of the one signature."""
    if _count(lines, _VALID) != 1:
        raise Refusal(BAD_OPENPGP, "the message has not exactly one valid signature")
    words = next(line[1:] for line in lines if line[0] == _VALID)
    if len(words) < _VALID_WORDS:
        raise Refusal(BAD_OPENPGP, "gpg does not say which primary key made the signature")
    hash_algorithm, kind, fingerprint = words[7:10]
    if hash_algorithm in _WEAK_HASHES:
        raise Refusal(BAD_OPENPGP, f"the signature is over a hash by {_WEAK_HASHES[hash_algorithm]}, which is too weak")
    if kind != _BINARY:
        raise Refusal(BAD_OPENPGP, "the signature is not one of binary data")
    return fingerprint


def _count(lines: Sequence[Sequence[str]], word: str) -> int:
    return sum(line[0] == word for line in lines)


def _complaint(result: Sequence[str]) -> str:
    return _UNKNOWN_KEY if result[_REASON : _REASON + 1] == [_NO_SUCH_KEY] else _BAD[result[0]]


def _claimed_key(result: Sequence[str]) -> str:
    """Which key a signature that was not verified names. Anybody can write that, so it is called a claim."""
    keys = [word for word in result[1:2] if _HEX.fullmatch(word)]
    return "".join(f" (which claims to be by the key {key})" for key in keys)
