# Copyright (c) 2026, Strata contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Private keys closed with a passphrase, in the file format of cosign, for us to open."""

from __future__ import annotations

import base64
import hashlib
import json
import os
from typing import Any

from nacl.secret import SecretBox


def closed_fields(der: bytes, passphrase: bytes, cost: int = 1 << 15) -> dict[str, Any]:
    """The JSON of a closed key, for a test to change."""
    salt, nonce = os.urandom(32), os.urandom(24)
    key = hashlib.scrypt(passphrase, salt=salt, n=cost, r=8, p=1, maxmem=1 << 28, dklen=32)
    return {
        "kdf": {"name": "scrypt", "params": {"N": cost, "r": 8, "p": 1}, "salt": text64(salt)},
        "cipher": {"name": "nacl/secretbox", "nonce": text64(nonce)},
        "ciphertext": text64(SecretBox(key).encrypt(der, nonce).ciphertext),
    }


def as_key_file(fields: Any, label: str = "ENCRYPTED COSIGN PRIVATE KEY") -> bytes:
    """The PEM around it."""
    body = base64.encodebytes(json.dumps(fields).encode()).decode()
    return f"-----BEGIN {label}-----\n{body}-----END {label}-----\n".encode()


def text64(data: bytes) -> str:
    """Base64 as text."""
    return base64.b64encode(data).decode()
