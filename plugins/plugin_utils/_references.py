# Copyright (c) 2026, Strata contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change in any release.
"""Names of images that a play hands to a filter or lookup, read by the engine's own parser."""

from __future__ import annotations

from typing import Any

from ansible.errors import AnsibleFilterError
from ansible_collections.strata.containers.plugins.module_utils._errors import StrataError
from ansible_collections.strata.containers.plugins.module_utils._model.reference import Reference, parse_reference

TRANSPORT = "docker://"


def reference_of(value: Any, plugin: str) -> Reference:
    """The full reference that ``value`` stands for, tag and digest as given; a ``docker://`` before it is left out.

    ``plugin`` names the filter in errors. Raises AnsibleFilterError with the engine's text.
    """
    if not isinstance(value, str):
        raise AnsibleFilterError(f"{plugin}: the name of an image must be text")
    text = str(value)
    try:
        return parse_reference(text[len(TRANSPORT) :] if text.startswith(TRANSPORT) else text)
    except StrataError as error:
        raise AnsibleFilterError(f"{plugin}: {error}") from None
