# Copyright (c) 2026, Strata contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What gpg 2.2.40 says of messages, recorded, and an OpenPGP tool that says the same: for unit tests, which need no gpg.

Recorded from ``gpg --homedir=NEW --batch --quiet --no-tty --no-options --no-autostart --trust-model=always --weak-digest=SHA1
--weak-digest=RIPEMD160 --no-armor --max-output=1048576 --status-file=STATUS --output - < MESSAGE``; the message of each name is
made by the commands of ``tests/lab/gpg_messages.py``. An interop test asks the gpg of the day whether it still says so.
``KEY`` stands for the fingerprint of the signing key, ``PRIMARY`` for that of its primary key, ``OTHER`` for a second signer,
and ``ID`` behind them for the last 16 digits.
"""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass

from ansible_collections.strata.containers.plugins.module_utils._model.openpgp_report import OpenPgpReport

_CONTENT = ("PLAINTEXT 62 1795846237 ", "PLAINTEXT_LENGTH 21")
_VALID = "VALIDSIG KEY 2026-11-28 1795846237 0 4 0 22 8 00 PRIMARY"
_GOOD = ("GOODSIG KEYID good <good@example.com>", _VALID)
_UNKNOWN = ("ERRSIG KEYID 22 8 00 1795846242 9 KEY", "NO_PUBKEY KEYID")
_BAD = ("BADSIG KEYID good <good@example.com>", "FAILURE gpg-exit 33554433")
_GOOD_OTHER = (
    "GOODSIG OTHERID other <other@example.com>",
    "VALIDSIG OTHER 2026-11-28 1795846243 0 4 0 22 8 00 OTHER",
)
_UNKNOWN_OTHER = ("ERRSIG OTHERID 22 8 00 1795846243 9 OTHER", "NO_PUBKEY OTHERID")
_AMBIGUOUS = "ERROR proc_pkt.plaintext 89_BAD_DATA"

# The exit status, and the lines without KEY_CONSIDERED and SIG_ID.
RECORDED: dict[str, tuple[int, tuple[str, ...]]] = {
    "good": (0, (*_CONTENT, "NEWSIG", *_GOOD)),
    "signing subkey": (0, (*_CONTENT, "NEWSIG", *_GOOD)),
    "SHA-224": (0, (*_CONTENT, "NEWSIG", _GOOD[0], _VALID.replace(" 8 00", " 11 00"))),
    "unknown key": (2, (*_CONTENT, "NEWSIG", *_UNKNOWN)),
    "no keys": (2, (*_CONTENT, "NEWSIG", *_UNKNOWN)),
    "expired key": (
        0,
        (*_CONTENT, "NEWSIG", "KEYEXPIRED 1577836800", "EXPKEYSIG KEYID expired <expired@example.com>", _VALID),
    ),
    "revoked key": (0, (*_CONTENT, "NEWSIG", "REVKEYSIG KEYID revoked <revoked@example.com>", _VALID)),
    "revoked subkey": (0, (*_CONTENT, "NEWSIG", "REVKEYSIG KEYID third <third@example.com>", _VALID)),
    "expired signature": (
        1,
        (*_CONTENT, "NEWSIG", "EXPSIG KEYID good <good@example.com>", _VALID, "FAILURE gpg-exit 33554433"),
    ),
    "MD5": (2, (*_CONTENT, "NEWSIG", "ERRSIG KEYID 1 1 00 1795846243 5 KEY")),
    "SHA-1": (2, (*_CONTENT, "NEWSIG", "ERRSIG KEYID 1 2 00 1795846243 5 KEY")),
    "RIPEMD-160": (2, (*_CONTENT, "NEWSIG", "ERRSIG KEYID 1 3 00 1795846243 5 KEY")),
    "two signatures": (0, (*_CONTENT, "NEWSIG", *_GOOD, "NEWSIG", *_GOOD_OTHER)),
    "two signatures, first known": (2, (*_CONTENT, "NEWSIG", *_GOOD, "NEWSIG", *_UNKNOWN_OTHER)),
    "two signatures, second known": (2, (*_CONTENT, "NEWSIG", *_UNKNOWN, "NEWSIG", *_GOOD_OTHER)),
    "text mode": (0, ("PLAINTEXT 74 1795846243 ", _CONTENT[1], "NEWSIG", _GOOD[0], _VALID.replace(" 00 ", " 01 "))),
    "changed": (1, (*_CONTENT, "NEWSIG", *_BAD)),
    "issuer of another": (1, (*_CONTENT, "NEWSIG", *_BAD)),
    "unsigned": (0, _CONTENT),
    "unsigned, not compressed": (0, _CONTENT),
    "unsigned before": (2, (*_CONTENT, _AMBIGUOUS)),
    "unsigned behind": (1, (*_CONTENT, _AMBIGUOUS, "NEWSIG", *_BAD)),
    "unsigned before, compressed": (0, _CONTENT),
    "two messages": (1, (*_CONTENT, _AMBIGUOUS, "NEWSIG", *_BAD)),
    "detached": (1, ("NEWSIG", *_BAD)),
    "nothing": (2, ("NODATA 2", "FAILURE - 4294967295")),
    "bomb": (2, _CONTENT[:1]),
}

# RFC 4880, section 4.2: packets of the old format with compressed data, and with literal data of one and two length bytes.
_COMPRESSED = b"\xa3"
_FIRST_BYTES = {"unsigned, not compressed": b"\xac", "unsigned before": b"\xac", "detached": b"\x88"}


@dataclass(frozen=True)
class Key:
    """A key of the tests by its name; in a keyring it is that name on a line."""

    name: str

    @property
    def fingerprint(self) -> str:
        return hashlib.sha1(self.name.encode(), usedforsecurity=False).hexdigest().upper()


def keyring(*names: str) -> bytes:
    """A keyring for ``RecordedGpg``."""
    return "\n".join(names).encode()


def message(content: bytes, *keys: str, kind: str = "good") -> bytes:
    """A message for ``RecordedGpg``, with the first byte of the real one."""
    made = {"content": base64.b64encode(content).decode(), "keys": keys, "kind": kind}
    return _FIRST_BYTES.get(kind, _COMPRESSED) + json.dumps(made).encode()


class RecordedGpg:
    """Says what gpg said of such a message, and gives the content whatever it says, as gpg does."""

    def __init__(self) -> None:
        self.asked: list[tuple[Sequence[bytes], bytes]] = []

    def __call__(self, keyrings: Sequence[bytes], message: bytes) -> OpenPgpReport:
        self.asked.append((keyrings, message))
        made = json.loads(message[1:])
        known = [ring.decode().split("\n") if ring else [] for ring in keyrings]
        key, other = (made["keys"] * 2)[:2]
        kind = made["kind"]
        if kind == "good" and not any(key in ring for ring in known):
            kind = "unknown key"
        status, lines = RECORDED[kind]
        return OpenPgpReport(
            imported=tuple(tuple(Key(name).fingerprint for name in ring) for ring in known),
            exit_status=status,
            status=tuple(_filled(line, Key(key).fingerprint, Key(other).fingerprint) for line in lines),
            content=base64.b64decode(made["content"]),
        )


def _filled(line: str, key: str, other: str) -> str:
    texts = {"KEYID": key[-16:], "OTHERID": other[-16:], "PRIMARY": key, "KEY": key, "OTHER": other}
    return " ".join(texts.get(word, word) for word in line.split(" "))
