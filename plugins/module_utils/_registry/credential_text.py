# Copyright (c) 2026, Strata contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change in any release.
"""Credentials as text: for the header that shows them, for a person who asks which were refused, for cleaning."""

from __future__ import annotations

import base64
import json
import re
from urllib.parse import quote, quote_plus, unquote_plus

from .._model.credentials import Credentials

_ESCAPE = re.compile(r"%[0-9A-F]{2}")
# As html.escape() does it; its library keeps tables of names that take more memory than all that a request needs of ours.
_HTML = str.maketrans({"&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "'": "&#x27;"})
# Shorter values are numbers and words: an expiry, an algorithm, a name.
_SHORTEST_SIGNATURE = 12


def basic(credentials: Credentials, *, half: bool = False) -> str:
    """The value of ``Authorization`` for user name and password (RFC 7617, in UTF-8); empty unless there are both.

    With ``half`` one will do: some registries take a token as the name of a user without a password, or the other way round,
    and containers/image sends both so to a registry that asks for Basic, though not to a token service.
    """
    there = [bool(credentials.username), bool(credentials.password)]
    return f"Basic {_encoded(credentials)}" if all(there) or (half and any(there)) else ""


def secrets_of(credentials: Credentials) -> list[str]:
    """Every text by which ``credentials`` could be recognised as such, as they are and as a form or address spells them."""
    secrets = [credentials.password, credentials.identity_token]
    if credentials.password:
        secrets.append(_encoded(credentials))
    return [spelling for secret in secrets if secret for spelling in spellings(secret)]


def spellings(secret: str) -> list[str]:
    """``secret``, and what becomes of it in an address, a form, JSON or HTML: a server may quote us in any of these."""
    encoded = {quote(secret, safe=""), quote(secret), quote_plus(secret)}
    lower = {_ESCAPE.sub(lambda match: match[0].lower(), text) for text in encoded}
    others = {json.dumps(secret)[1:-1], json.dumps(secret, ensure_ascii=False)[1:-1], secret.translate(_HTML)}
    return [secret, *sorted((encoded | lower | others) - {secret})]


def secrets_of_address(url: str) -> list[str]:
    """The parts of a query that may be a signature: where a registry sends us to, the address itself is what opens."""
    query = url.partition("?")[2].partition("#")[0]
    raw = [query, *(part.partition("=")[2] for part in query.split("&"))]
    long = [text for text in raw if len(text) >= _SHORTEST_SIGNATURE]
    return [spelling for text in dict.fromkeys([*long, *map(unquote_plus, long)]) for spelling in spellings(text)]


def asked_as(credentials: Credentials | None) -> str:
    """In brackets, for the end of a refusal: which credentials were refused, and where they come from."""
    if credentials is None or credentials == Credentials():
        return " (asked without credentials)"
    user = f" of {credentials.username}" if credentials.username else ""
    place = f" from {credentials.origin}" if credentials.origin else ""
    return f" (asked with the credentials{user}{place})"


def _encoded(credentials: Credentials) -> str:
    return base64.b64encode(f"{credentials.username}:{credentials.password}".encode()).decode("ascii")
