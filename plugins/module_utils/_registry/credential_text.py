# Copyright (c) 2026, Strata contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change in any release.
"""Credentials as text: for the header that shows them, for a person who asks which were refused, for cleaning."""

from __future__ import annotations

import base64

from .._model.credentials import Credentials


def basic(credentials: Credentials) -> str:
    """The value of ``Authorization`` for user name and password (RFC 7617, in UTF-8); empty unless there are both."""
    if not credentials.username or not credentials.password:
        return ""
    return f"Basic {_encoded(credentials)}"


def secrets_of(credentials: Credentials) -> list[str]:
    """Every text by which ``credentials`` could be recognised as such."""
    secrets = [credentials.password, credentials.identity_token]
    if credentials.password:
        secrets.append(_encoded(credentials))
    return [secret for secret in secrets if secret]


def asked_as(credentials: Credentials | None) -> str:
    """In brackets, for the end of a refusal: which credentials were refused, and where they come from."""
    if credentials is None or credentials == Credentials():
        return " (asked without credentials)"
    user = f" of {credentials.username}" if credentials.username else ""
    place = f" from {credentials.origin}" if credentials.origin else ""
    return f" (asked with the credentials{user}{place})"


def _encoded(credentials: Credentials) -> str:
    return base64.b64encode(f"{credentials.username}:{credentials.password}".encode()).decode("ascii")
