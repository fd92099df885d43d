# Copyright (c) 2026, Strata contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change in any release.
"""The name of an image without its registry, which several registries may have (containers/image, pkg/shortnames)."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import Optional

from .digest import Digest
from .reference import Reference, names_registry, parse_reference


@dataclass(frozen=True)
class ShortName:
    """``path`` as it was typed, and a tag, a digest, or neither. Of both the digest decides and the tag is dropped."""

    path: str
    tag: Optional[str] = None
    digest: Optional[Digest] = None

    def __str__(self) -> str:
        return self.path + (f"@{self.digest}" if self.digest else f":{self.tag}" if self.tag else "")

    def in_registry(self, registry: str) -> Reference:
        """The full name of this image in ``registry`` (``host[:port]``). Raises InvalidReference."""
        return parse_reference(f"{registry}/{self}").with_default_tag()

    def under(self, repository: Reference) -> Reference:
        """This tag or digest in ``repository``."""
        return replace(repository, tag=self.tag, digest=self.digest).with_default_tag()

    def ends(self, name: Reference) -> bool:
        """Whether ``name``, a full name, is this one in some registry: its repository ends in the path."""
        return f"/{name.name}".endswith(f"/{self.path}")


def parse_short_name(text: str) -> ShortName | None:
    """The short name that ``text`` is, None for one with a registry. Raises InvalidReference and ImageIdGiven."""
    reference = parse_reference(text)
    if names_registry(text):
        return None
    # A path has neither a colon nor an at sign.
    path = re.split("[:@]", text, maxsplit=1)[0]
    return ShortName(path, None if reference.digest else reference.tag, reference.digest)
