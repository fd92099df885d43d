# Copyright (c) 2026, Strata contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A certificate in parts, each of which a test may change before it is put together. Nobody signed it."""

from __future__ import annotations

from dataclasses import dataclass, replace

from ansible_collections.strata.containers.plugins.module_utils._trust.x509_certificate import (
    Certificate,
    parse_certificate,
)
from ansible_collections.strata.containers.tests.unit.plugins.module_utils._trust.der_text import (
    bits,
    encode,
    integer,
    oid,
    seq,
)


def name(kind: str, tag: int, value: bytes) -> bytes:
    return seq(encode(0x31, seq(oid(kind), encode(tag, value))))


def extension(kind: str, value: bytes, critical: bytes = b"") -> bytes:
    return seq(oid(kind), critical, encode(0x04, value))


KEY_USAGE, NAMES, BASIC, PURPOSES = "551d0f", "551d11", "551d13", "551d25"
SHA256_WITH_ECDSA = seq(oid("2a8648ce3d040302"))
TRUE, FALSE = bytes.fromhex("0101ff"), bytes.fromhex("010100")
# The base point of P-256 (SEC 2, section 2.4.2), which is on the curve as any key is.
POINT = bytes.fromhex(
    "6b17d1f2e12c4247f8bce6e563a440f277037d812deb33a0f4a13945d898c296"
    "4fe342e2fe1a7f9b8ee7eb4a7c0f9e162bce33576b315ececbb6406837bf51f5"
)
P256 = seq(oid("2a8648ce3d0201"), oid("2a8648ce3d030107"))
P256_KEY = seq(P256, bits(b"\x04" + POINT))


@dataclass(frozen=True)
class Parts:
    """A certificate before it is put together."""

    version: bytes = encode(0xA0, integer(2))
    serial: bytes = integer(1)
    inner: bytes = SHA256_WITH_ECDSA
    issuer: bytes = name("550403", 0x0C, b"Issuer")
    validity: bytes = seq(encode(0x17, b"240101000000Z"), encode(0x18, b"20500101000000Z"))
    subject: bytes = name("55040a", 0x13, b"Subject")
    key: bytes = P256_KEY
    unique: bytes = b""
    extensions: tuple[bytes, ...] = ()
    after: bytes = b""
    outer: bytes = SHA256_WITH_ECDSA
    signature: bytes = bits(b"sig")
    end: bytes = b""

    @property
    def der(self) -> bytes:
        listed = encode(0xA3, seq(*self.extensions)) if self.extensions else b""
        parts = (self.version, self.serial, self.inner, self.issuer, self.validity, self.subject, self.key)
        signed = seq(*parts, self.unique, listed, self.after)
        return seq(signed, self.outer, self.signature, self.end)


GOOD = Parts()


def parsed(**changes: object) -> Certificate:
    return parse_certificate(replace(GOOD, **changes).der)  # type: ignore[arg-type]
