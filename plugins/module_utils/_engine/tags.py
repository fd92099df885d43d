# Copyright (c) 2026, Strata contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change in any release.
"""The verb list_tags: the tags of a repository, as the registry itself lists them."""

from __future__ import annotations

from .._model.reference import Reference
from .outcome import Outcome
from .retry import Retry
from .sources import RegistryAccess


def list_tags(access: RegistryAccess, reference: Reference, retry: Retry) -> Outcome:
    """The full name of the repository, its tags in the registry's order, who was asked, and by which credentials.

    Mirrors and rewriting of registries.conf do not apply, as in skopeo. Raises what the registry and registries.conf are
    the cause of.
    """
    repository = access.open_repository(reference)
    tags = retry.run(reference.name, repository.tags)
    access.reporter.step("listed", reference.name, tags=len(tags))
    return Outcome(
        False,
        {
            "repository": reference.name,
            "tags": list(tags),
            "source": repository.endpoint,
            "credentials": repository.credentials_origin or None,
        },
    )
