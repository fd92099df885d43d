# Copyright (c) 2026, Strata contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""OpenPGP messages of every kind that a signature blob may turn out to be, made by gpg with fresh keys.

Each is made for a content, and comes with the keyring that a policy names for it. The names are those of the recorded reports
in the unit tests, so that gpg can be asked whether it still says what was recorded.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property

from .gpg_keys import Signer

LONG_AGO, LATER, IN_FUTURE = "20190101T000000", "20190201T000000", "20400101T000000"


class Messages:
    """The messages that one signer makes; keys are made when they are first needed."""

    def __init__(self, signer: Signer) -> None:
        self.signer = signer
        self._revoked: dict[str, tuple[str, str]] = {}

    @cached_property
    def good(self) -> str:
        """A key that the policy trusts."""
        return self.signer.make_key("good", at=LONG_AGO)

    @cached_property
    def other(self) -> str:
        """A key that the policy knows nothing of, unless it is said."""
        return self.signer.make_key("other", at=LONG_AGO)

    @cached_property
    def rsa(self) -> str:
        """A key that can sign hashes of any length."""
        return self.signer.make_key("rsa", "rsa2048")

    @cached_property
    def subkey(self) -> str:
        """A signing subkey of a third key."""
        return self.signer.add_subkey(self.third)

    @cached_property
    def third(self) -> str:
        """A key with subkeys."""
        return self.signer.make_key("third")

    def make(self, kind: str, content: bytes) -> tuple[bytes, bytes]:
        """The keyring and the message of this kind."""
        return KINDS[kind](self, content)

    def trusted(self, message: bytes) -> tuple[bytes, bytes]:
        """``message`` with a keyring that has the good key alone."""
        return self.signer.public(self.good), message

    def by_good(self, content: bytes, *options: str) -> bytes:
        return self.signer.sign(content, self.good, options=options)

    def plain(self, content: bytes) -> bytes:
        """A good message that is not compressed, so that others can be put beside it."""
        return self.by_good(content, "--compress-algo", "none")

    def unsigned(self, *options: str) -> bytes:
        """A message that nobody signed."""
        return self.signer.gpg(*options, "--store", stdin=b"not signed by anybody")

    def hashed(self, content: bytes, algorithm: str) -> tuple[bytes, bytes]:
        message = self.signer.sign(content, self.rsa, options=["--digest-algo", algorithm])
        return self.signer.public(self.rsa), message

    def by_new_key(self, content: bytes, algorithm: str) -> tuple[bytes, bytes]:
        key = self.signer.make_key(f"of {algorithm}", algorithm)
        return self.signer.public(key), self.signer.sign(content, key)

    def by_expired_key(self, content: bytes) -> tuple[bytes, bytes]:
        key = self.signer.make_key("expired", at=LONG_AGO, expire="1y")
        return self.signer.public(key), self.signer.sign(content, key, at=LATER)

    def by_revoked_key(self, content: bytes) -> tuple[bytes, bytes]:
        key = self.signer.make_key("revoked")
        message = self.signer.sign(content, key)
        self.signer.revoke(key)
        return self.signer.public(key), message

    def beside_revoked_key(self, content: bytes) -> tuple[bytes, bytes]:
        key = self.signer.make_key("revoked too")
        self.signer.revoke(key)
        return self.signer.public(key, self.good), self.by_good(content)

    def by_subkey(self, content: bytes) -> tuple[bytes, bytes]:
        message = self.signer.sign(content, f"{self.subkey}!")
        return self.signer.public(self.third), message

    def by_revoked_subkey(self, content: bytes) -> tuple[bytes, bytes]:
        key = self.signer.make_key("with a revoked subkey")
        message = self.signer.sign(content, f"{self.signer.add_subkey(key)}!")
        self.signer.revoke_subkey(key)
        return self.signer.public(key), message

    def vouched_for_by_sha1(self, content: bytes) -> tuple[bytes, bytes]:
        key = self.signer.make_key("of SHA-1", "rsa2048", options=["--cert-digest-algo", "SHA1"])
        return self.signer.public(key), self.signer.sign(content, key)

    def by_two(self, content: bytes, *known: str) -> tuple[bytes, bytes]:
        return self.signer.public(*known), self.signer.sign(content, self.good, self.other)

    def at(self, when: str, content: bytes, *options: str) -> bytes:
        return self.signer.sign(content, self.good, at=when, options=options)

    def changed(self, content: bytes) -> bytes:
        """One bit of the content is another one after signing."""
        message = bytearray(self.plain(content))
        message[bytes(message).index(content)] ^= 1
        return bytes(message)

    def with_issuer_of_another(self, content: bytes) -> bytes:
        """Made by the other key, with every key ID in it changed to the good one's."""
        message = self.signer.sign(content, self.other, options=["--compress-algo", "none"])
        assert bytes.fromhex(self.other[-16:]) in message
        return message.replace(bytes.fromhex(self.other[-16:]), bytes.fromhex(self.good[-16:]))


KINDS: dict[str, Callable[[Messages, bytes], tuple[bytes, bytes]]] = {
    "good": lambda made, content: made.trusted(made.by_good(content)),
    "not compressed": lambda made, content: made.trusted(made.plain(content)),
    "compressed by bzip2": lambda made, content: made.trusted(made.by_good(content, "--compress-algo", "bzip2")),
    "junk behind": lambda made, content: made.trusted(made.by_good(content) + b"junk"),
    "dated in the future": lambda made, content: made.trusted(made.at(IN_FUTURE, content)),
    "signing subkey": Messages.by_subkey,
    "revoked key beside": Messages.beside_revoked_key,
    "SHA-224": lambda made, content: made.hashed(content, "SHA224"),
    "SHA-512": lambda made, content: made.hashed(content, "SHA512"),
    "RSA-1024": lambda made, content: made.by_new_key(content, "rsa1024"),
    "P-256": lambda made, content: made.by_new_key(content, "nistp256"),
    "brainpool": lambda made, content: made.by_new_key(content, "brainpoolP256r1"),
    "secp256k1": lambda made, content: made.by_new_key(content, "secp256k1"),
    "armored keyring": lambda made, content: (
        made.signer.public(made.good, armor=True),
        made.by_good(content),
    ),
    "two armored keyrings": lambda made, content: (
        made.signer.public(made.other, armor=True) + made.signer.public(made.good, armor=True),
        made.by_good(content),
    ),
    "secret keyring": lambda made, content: (made.signer.secret(made.good), made.by_good(content)),
    "unknown key": lambda made, content: made.trusted(made.signer.sign(content, made.other)),
    "expired key": Messages.by_expired_key,
    "revoked key": Messages.by_revoked_key,
    "revoked subkey": Messages.by_revoked_subkey,
    "expired signature": lambda made, content: made.trusted(made.at(LATER, content, "--default-sig-expire", "1d")),
    "MD5": lambda made, content: made.hashed(content, "MD5"),
    "SHA-1": lambda made, content: made.hashed(content, "SHA1"),
    "RIPEMD-160": lambda made, content: made.hashed(content, "RIPEMD160"),
    "vouched for by SHA-1": Messages.vouched_for_by_sha1,
    "two signatures": lambda made, content: made.by_two(content, made.good, made.other),
    "two signatures, first known": lambda made, content: made.by_two(content, made.good),
    "two signatures, second known": lambda made, content: made.by_two(content, made.other),
    "text mode": lambda made, content: made.trusted(made.by_good(content, "--textmode")),
    "changed": lambda made, content: made.trusted(made.changed(content)),
    "issuer of another": lambda made, content: made.trusted(made.with_issuer_of_another(content)),
    "unsigned": lambda made, content: made.trusted(made.unsigned()),
    "unsigned, not compressed": lambda made, content: made.trusted(made.unsigned("--compress-algo", "none")),
    "unsigned before": lambda made, content: made.trusted(
        made.unsigned("--compress-algo", "none") + made.plain(content),
    ),
    "unsigned behind": lambda made, content: made.trusted(
        made.plain(content) + made.unsigned("--compress-algo", "none"),
    ),
    "unsigned before, compressed": lambda made, content: made.trusted(made.unsigned() + made.by_good(content)),
    "two messages": lambda made, content: made.trusted(made.plain(content) + made.plain(content)),
    "detached": lambda made, content: made.trusted(
        made.signer.gpg("--local-user", made.good, "--detach-sign", stdin=content),
    ),
    "armored": lambda made, content: made.trusted(made.by_good(content, "--armor")),
    "clear-signed": lambda made, content: made.trusted(
        made.signer.gpg("--local-user", made.good, "--clear-sign", stdin=content),
    ),
    "nothing": lambda made, content: made.trusted(b""),
    "bomb": lambda made, content: made.trusted(made.by_good(content + b" " * (4 << 20))),
    "no keys": lambda made, content: (b"", made.by_good(content)),
    "garbage for keys": lambda made, content: (b"garbage", made.by_good(content)),
}
