# Copyright (c) 2026, Strata contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change in any release.
"""Files of public keys and certificates, recognised before they go to a host, so that no private key goes in their place."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Iterable, Mapping
from typing import Any

from ansible.errors import AnsibleFilterError

_PEM = re.compile(rb"-----BEGIN ([A-Z0-9 ]+)-----\s*(.*?)\s*-----END \1-----", re.DOTALL)
_ARMORED_KEY = "PGP PUBLIC KEY BLOCK"
_PUBLIC = {"PUBLIC KEY", "RSA PUBLIC KEY", "CERTIFICATE", _ARMORED_KEY}
# The first byte of a packet, in the old and the new format (RFC 4880, section 4.2): a public key, and a secret one.
_PUBLIC_PACKETS = frozenset({0x98, 0x99, 0x9A, 0xC6})
_SECRET_PACKETS = frozenset({0x94, 0x95, 0x96, 0xC5})


def check_public(name: str, content: bytes, *, only: str = "") -> None:
    """Raises AnsibleFilterError unless ``content`` is public: OpenPGP keys, or keys and certificates in PEM.

    ``name`` names it in the message, and ``only`` is the one kind of PEM that is wanted, if there is just one.
    """
    blocks = [(label.decode(), body) for label, body in _PEM.findall(content)]
    if b"PRIVATE KEY" in content or content[:1] and content[0] in _SECRET_PACKETS:
        raise AnsibleFilterError(f"{name}: this is a private key, which hosts do not need to verify signatures")
    if not blocks and content[:1] and content[0] in _PUBLIC_PACKETS and not only:
        return
    wanted = {only} if only else _PUBLIC
    wrong = sorted({label for label, _body in blocks} - wanted)
    if wrong or not blocks:
        found = ", ".join(wrong) or "nothing of that kind"
        raise AnsibleFilterError(f"{name}: wanted {only or 'OpenPGP keys or PEM'}, found {found}")
    for label, body in blocks:
        if label != _ARMORED_KEY and not _is_base64(body):
            raise AnsibleFilterError(f"{name}: the {label} in it is damaged")


def contents(
    entries: Iterable[Mapping[str, Any]], sources: Mapping[str, str]
) -> Iterable[tuple[Mapping[str, Any], bytes]]:
    """Each entry with the content that it has or whose file it names; ``sources`` are the paths of those files here."""
    for entry in entries:
        if "content" in entry:
            yield entry, str(entry["content"]).encode()
            continue
        path = sources.get(entry["src"], entry["src"])
        try:
            with open(path, "rb") as stream:
                yield entry, stream.read()
        except OSError as error:
            raise AnsibleFilterError(f"{entry['name']}: cannot read {path}: {error.strerror}") from error


def _is_base64(body: bytes) -> bool:
    try:
        return bool(base64.b64decode(b"".join(body.split()), validate=True))
    except binascii.Error:
        return False
