# Copyright (c) 2026, Strata contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change in any release.
"""What can be wrong with a manifest."""

from __future__ import annotations

from .._errors import DataError


class InvalidManifest(DataError):
    """The bytes are no manifest that can be used."""

    code = "invalid_manifest"


class AmbiguousManifest(InvalidManifest):
    """The manifest could be read as two kinds, or differently by two readers."""

    code = "ambiguous_manifest"


class UnsupportedManifest(InvalidManifest):
    """A kind of manifest that this engine does not read."""

    code = "unsupported_manifest"


class NotAnImage(InvalidManifest):
    """A manifest of something else than a container image."""

    code = "not_an_image"
