# Copyright (c) 2026, Strata contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change in any release.
"""A pull by what a person typed: a full name goes to the puller as it is, a short name or an ID is looked up first.

The rules are podman's (libimage): an image that is there under a name that the short name may stand for decides where to
ask; without one the candidates are tried in order, and the first that can be pulled is taken.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from .._errors import HostError, RemoteError, StrataError
from .._model.reference import ImageIdGiven, Reference
from .._model.short_name import ShortName
from .._report import Reporter
from .._storage.catalog import UnknownImage
from .names import ImageId, ImageName, find_locally
from .pull import NotPresent, Puller
from .pull_request import MISSING, NEVER, PresentImage, Pulled, PullRequest

if TYPE_CHECKING:
    from .._config.short_names import ShortNames
    from .platform_choice import PlatformChoice


class CandidatesFailed(RemoteError):
    """None of the images that a short name may stand for could be pulled.

    Code and status are those of the failures where they agree.
    """

    code = "candidates_failed"


@dataclass(frozen=True)
class Wanted:
    """One image as a task asks for it: ``text`` is what was typed, ``name`` what it is; the rest is as in PullRequest."""

    text: str
    name: ImageName
    extra_names: tuple[Reference, ...]
    policy: str
    choice: PlatformChoice
    remove_signatures: bool = False

    def as_request(self, name: Reference) -> PullRequest:
        """The same under the full ``name``."""
        return PullRequest(name, self.extra_names, self.policy, self.choice, self.remove_signatures)


class NamedPuller:
    """Pulls what people name into the store of ``puller``; ``short_names`` is not called before a short name needs it."""

    def __init__(self, puller: Puller, short_names: Callable[[], ShortNames], reporter: Reporter) -> None:
        self._puller = puller
        self._short_names = short_names
        self._reporter = reporter

    def pull(self, wanted: Wanted) -> Pulled:
        """Brings the image into the store, or says in check mode what that would do.

        Raises what Puller.pull raises, ImageIdGiven for an ID that would have to be pulled, and for a short name
        ShortNameUnresolved, ShortNameEnforced and CandidatesFailed.
        """
        if isinstance(wanted.name, ImageId):
            return self._by_id(wanted, wanted.name)
        if isinstance(wanted.name, ShortName):
            return self._by_short_name(wanted, wanted.name)
        return self._puller.pull(wanted.as_request(wanted.name))

    def _by_id(self, wanted: Wanted, image_id: ImageId) -> Pulled:
        if wanted.policy not in (MISSING, NEVER):
            raise ImageIdGiven(
                f"the image has been referred to by ID, which no registry knows, but pull is {wanted.policy}: "
                f"give its name, or let pull be {MISSING} or {NEVER}",
                subject=wanted.text,
            )
        try:
            image = self._puller.catalog().image(f"sha256:{image_id.hex}")
        except UnknownImage as error:
            raise NotPresent(
                "no image with this ID is in the store, and no registry can be asked for an ID", subject=wanted.text
            ) from error
        return self._puller.keep(PresentImage(image.id, wanted.extra_names))

    def _by_short_name(self, wanted: Wanted, name: ShortName) -> Pulled:
        present = find_locally(self._puller.catalog(), name, self._short_names)
        if present is not None and present.name is not None:
            self._reporter.step("found", wanted.text, name=str(present.name))
            return self._puller.pull(wanted.as_request(present.name))
        if present is not None and wanted.policy in (MISSING, NEVER):
            self._reporter.step("found", wanted.text, id=present.image.id)
            return self._puller.keep(PresentImage(present.image.id, wanted.extra_names))
        if wanted.policy == NEVER:
            looked_for = ", ".join(map(str, self._short_names().local_candidates(name)))
            raise NotPresent(
                f"the image is not in the store, and pull is never; looked for {looked_for}", subject=wanted.text
            )
        candidates = self._short_names().pull_candidates(name)
        self._reporter.step(
            "resolved", wanted.text, candidates=", ".join(map(str, candidates.names)), file=candidates.origin
        )
        return self._first_of(wanted, candidates.names)

    def _first_of(self, wanted: Wanted, names: Sequence[Reference]) -> Pulled:
        from .._config.registries_conf import RegistryBlocked

        failures: list[StrataError] = []
        for name in names:
            try:
                return self._puller.pull(wanted.as_request(name))
            except HostError as error:
                # What is wrong with this host is wrong for every candidate, except that a registry is forbidden.
                if not isinstance(error, RegistryBlocked):
                    raise
                failures.append(error)
            except StrataError as error:
                failures.append(error)
            self._reporter.step("failed", str(name), reason=str(failures[-1]))
        raise _all_failed(wanted, names, failures)


def _all_failed(wanted: Wanted, names: Sequence[Reference], failures: Sequence[StrataError]) -> StrataError:
    """One failure unchanged; of several, one that names each."""
    if len(failures) == 1:
        return failures[0]
    listed = " ".join(f"[{name}: {failure}]" for name, failure in zip(names, failures))
    codes = {failure.code for failure in failures}
    statuses = {getattr(failure, "status", None) for failure in failures}
    return CandidatesFailed(
        f"{len(failures)} errors occurred while pulling: {listed}",
        subject=wanted.text,
        code=codes.pop() if len(codes) == 1 else None,
        status=statuses.pop() if len(statuses) == 1 else None,
    )
