# Copyright (c) 2026, Strata contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Images to be judged, with the signatures that a test gives them, and an outside that is not there."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ansible_collections.strata.containers.plugins.module_utils._errors import HostError
from ansible_collections.strata.containers.plugins.module_utils._model.openpgp_report import OpenPgpReport
from ansible_collections.strata.containers.plugins.module_utils._model.reference import parse_reference
from ansible_collections.strata.containers.plugins.module_utils._model.signature import Signature
from ansible_collections.strata.containers.plugins.module_utils._trust.subject import Subject, Tools


@dataclass(frozen=True)
class Given:
    """Evidence that is simply there."""

    body: bytes
    signed: tuple[Signature, ...] = ()

    def manifest(self) -> bytes:
        return self.body

    def signatures(self) -> Sequence[Signature]:
        return self.signed


def subject(name: str, manifest: bytes = b"{}", signatures: Sequence[Signature] = ()) -> Subject:
    """The image that a user calls ``name``."""
    return Subject(name, parse_reference(name).digest_only().with_default_tag(), Given(manifest, tuple(signatures)))


def _no_file(path: str) -> bytes:
    raise HostError("no such file", subject=path)


def _no_openpgp(_keyrings: Sequence[bytes], _message: bytes) -> OpenPgpReport:
    raise HostError("there is no gpg here")


NO_TOOLS = Tools(read_file=_no_file, openpgp=_no_openpgp, now=lambda: 0.0)
