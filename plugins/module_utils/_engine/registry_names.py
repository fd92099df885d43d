# Copyright (c) 2026, Strata contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change in any release.
"""What a person types for something in a registry, where no store of images plays a part."""

from __future__ import annotations

from .._errors import UsageError
from .._model.reference import Reference, parse_reference

_TRANSPORT = "docker://"


class TagOrDigestGiven(UsageError):
    """The name of an image stands where that of a repository is wanted."""

    code = "invalid_reference"


def registry_image(text: str) -> Reference:
    """The full reference of an image in a registry, with its default tag; ``text`` may start with ``docker://``.

    A name without a host is docker.io's, as for skopeo. Of a name with tag and digest the digest decides and the tag is
    dropped. Raises InvalidReference.
    """
    return _parsed(text).digest_only().with_default_tag()


def registry_repository(text: str) -> Reference:
    """The full name of a repository; ``text`` may start with ``docker://``.

    Raises InvalidReference, and TagOrDigestGiven for the name of an image, as ``skopeo list-tags`` does.
    """
    reference = _parsed(text)
    if reference.tag or reference.digest:
        raise TagOrDigestGiven(
            "no tag or digest is allowed in the name of a repository",
            subject=text,
            wanted=reference.name,
            found=f"@{reference.digest}" if reference.digest else f":{reference.tag}",
        )
    return reference


def _parsed(text: str) -> Reference:
    return parse_reference(text[len(_TRANSPORT) :] if text.startswith(_TRANSPORT) else text)
