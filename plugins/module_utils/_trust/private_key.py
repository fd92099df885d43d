# Copyright (c) 2026, Strata contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change in any release.
"""Private keys by which sigstore signatures are made: PKCS #8 in PEM, plain or closed with a passphrase as cosign does it.

Sources: containers/image, ``signature/sigstore/copied.go``; go-securesystemslib, ``encrypted`` (the JSON inside the PEM: scrypt
makes a key of the passphrase, and NaCl's secretbox closes the private key with it). Beyond containers/image a plain key is
taken too, for keys of openssl's. The library PyNaCl opens the box; nothing else needs it.
"""

from __future__ import annotations

import hashlib
from typing import Any

from .._errors import HostError, MissingLibraryError
from .._model.json_text import BadJson, parse_json
from .base64_text import decoded
from .pem import first_block

_PLAIN = "PRIVATE KEY"
_CLOSED = ("ENCRYPTED SIGSTORE PRIVATE KEY", "ENCRYPTED COSIGN PRIVATE KEY")
# As go-securesystemslib: no others, since they cost as much as who wrote the file wants.
_COSTS = (1 << 15, 1 << 16, 1 << 17)
# Bytes; scrypt needs 128 of them for each of cost and block size, and a little.
_MEMORY = 160 << 20
# Bytes, of NaCl's secretbox.
_KEY_SIZE = 32
_NONCE_SIZE = 24


class BadPrivateKey(HostError):
    """The private key cannot be used for signing. Nothing of it is in the error."""

    code = "bad_private_key"


def private_key(pem: bytes, passphrase: bytes, where: str) -> bytes:
    """The DER in PKCS #8 of the private key in the first block of ``pem``; ``where`` names the file in errors.

    ``passphrase`` counts for a closed one only. Raises BadPrivateKey, and MissingLibraryError.
    """
    block = first_block(pem)
    if block is None:
        raise BadPrivateKey("no PEM", subject=where, wanted=_PLAIN)
    if block.label == _PLAIN:
        return block.data
    if block.label in _CLOSED:
        return _opened(block.data, passphrase, where)
    wanted = ", ".join((_PLAIN, *_CLOSED))
    raise BadPrivateKey("PEM of another kind", subject=where, wanted=wanted, found=ascii(block.label))


def _opened(data: bytes, passphrase: bytes, where: str) -> bytes:
    try:
        fields = parse_json(data, where)
        kdf, cipher = fields["kdf"], fields["cipher"]
        costs = kdf["params"]
        names = (kdf["name"], cipher["name"])
        salt, nonce, box = _data(kdf, "salt"), _data(cipher, "nonce"), _data(fields, "ciphertext")
        cost, block_size, lanes = costs["N"], costs["r"], costs["p"]
    except (BadJson, KeyError, TypeError, ValueError) as error:
        raise BadPrivateKey("the closed key is malformed", subject=where) from error
    if names != ("scrypt", "nacl/secretbox") or len(nonce) != _NONCE_SIZE:
        raise BadPrivateKey("closed in another way", subject=where, wanted="scrypt and nacl/secretbox")
    if cost not in _COSTS or (block_size, lanes) != (8, 1):
        raise BadPrivateKey("the costs of scrypt are none that is in use", subject=where)
    key = hashlib.scrypt(passphrase, salt=salt, n=cost, r=8, p=1, maxmem=_MEMORY, dklen=_KEY_SIZE)
    return _open_box(box, nonce, key, where)


def _open_box(box: bytes, nonce: bytes, key: bytes, where: str) -> bytes:
    try:
        from nacl.exceptions import CryptoError
        from nacl.secret import SecretBox
    except ImportError as error:
        raise MissingLibraryError("PyNaCl", f"to open the signing key {where} with its passphrase") from error
    try:
        return SecretBox(key).decrypt(box, nonce)
    except CryptoError as error:
        raise BadPrivateKey("the passphrase does not open the key", subject=where) from error


def _data(value: Any, key: str) -> bytes:
    data = decoded(value[key])
    if data is None:
        raise ValueError(key)
    return data
