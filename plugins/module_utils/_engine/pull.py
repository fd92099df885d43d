# Copyright (c) 2026, Strata contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change in any release.
"""The verb pull: an image of a registry, verified and complete, under its name in the store."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, Optional, TypeVar

from .._errors import MissingLibraryError, RemoteError, StrataError, UsageError
from .._model.digest import Digest
from .._model.reference import Reference
from .._report import Reporter
from .._storage.catalog import Catalog, UnknownImage
from .._storage.layout import Layout
from .._storage.records import ImageRecord
from .kept_signatures import SignatureChange, signature_change, signatures_to_keep
from .names import ensure_changeable
from .present import StoreView
from .pull_request import MISSING, NEVER, NEWER, PresentImage, Pulled, PullRequest
from .recover import recovered_by

if TYPE_CHECKING:
    from .._model.manifest import Manifest
    from .._model.schema1 import Schema1Manifest
    from .._storage.commit import NewImage
    from .._storage.driver import StoreDriver
    from .._storage.image_signatures import ManifestSignatures
    from .._transport.source import ImageSource
    from .choose import Chosen
    from .evidence import ImageEvidence
    from .plan import Plan
    from .planner import Planner
    from .platform_choice import PlatformChoice
    from .resolve import RemoteImage
    from .retry import Retry
    from .stage import Workshop
    from .trust import Admission, Gate

# Another process may delete what a pull found in the store and builds on; the pull then starts over with what is left.
_ATTEMPTS = 3

_T = TypeVar("_T")


class NotPresent(UsageError):
    """The image is not in the store, and the task may not ask for it."""

    code = "not_present"


class NameOfAnotherImage(UsageError):
    """A name that the image shall have carries a digest that the image does not have."""

    code = "digest_mismatch"


class Puller:
    """Pulls images into one store, with the parts that the images of a task share.

    ``open_driver`` gives the driver of the store, ``open_workshop`` the place where layers are staged, ``open_source`` the
    source of a reference, ``open_gate`` the policy; none is called before it is needed.
    """

    def __init__(
        self,
        layout: Layout,
        open_driver: Callable[[], StoreDriver],
        open_workshop: Callable[[], Workshop],
        open_source: Callable[[Reference], ImageSource],
        open_gate: Callable[[], Gate],
        retry: Retry,
        reporter: Reporter,
        *,
        check_mode: bool,
    ) -> None:
        self._layout = layout
        self._open_driver = open_driver
        self._open_workshop = open_workshop
        self._open_source = open_source
        self._open_gate = open_gate
        self._retry = retry
        self._reporter = reporter
        self._check_mode = check_mode
        self._view = StoreView(layout)
        self._configs: dict[Digest, bytes] = {}
        self._recovered = False

    @cached_property
    def _driver(self) -> StoreDriver:
        return self._open_driver()

    @cached_property
    def _workshop(self) -> Workshop:
        return self._open_workshop()

    @cached_property
    def _planner(self) -> Planner:
        from .planner import Planner

        return Planner(self._workshop, check_mode=self._check_mode)

    @property
    def bytes_fetched(self) -> int:
        """The compressed bytes that were fetched for all images so far."""
        return self._workshop.bytes_fetched if "_workshop" in vars(self) else 0

    def pull(self, request: PullRequest) -> Pulled:
        """Brings the image of ``request`` into the store, or says in check mode what that would do.

        A failure that may pass has the whole copy repeated; layers that were staged by then are not fetched again. Raises
        NotPresent, PolicyRefused, and every error of source, image and store; the store is then as it was.
        """
        return _unless_gone(UnknownImage, lambda: self._pull(request))

    def keep(self, request: PresentImage) -> Pulled:
        """The image of ``request`` with its further names; nobody is asked. Raises UnknownImage."""
        catalog = self._first_catalog()
        return self._keep(request, catalog, catalog.image(request.image_id), _Provenance())

    def catalog(self) -> Catalog:
        """The store as the next image finds it; in check mode as the images before would leave it."""
        return self._view.catalog()

    def _pull(self, request: PullRequest) -> Pulled:
        """One look at the store, and what comes of it. Raises UnknownImage too, where an image was deleted after that look."""
        catalog = self._first_catalog()
        present = catalog.image_named(str(request.name))
        if request.policy == NEVER and present is None:
            raise NotPresent("the image is not in the store, and pull is never", subject=str(request.name))
        if present is not None and self._may_stay_unjudged(catalog, present, request):
            return self._keep(request, catalog, present, _Provenance())
        gate = self._open_gate()
        admission = None if gate.needs_evidence(request.name) else gate.admit(request.name, None, self._reporter)
        if present is None and admission is not None and not self._check_mode:
            self._workshop.foresee_layers()
        if present is not None and admission is not None:
            # What a digest names cannot move, and nothing of it has to be looked at.
            manifest = self._named_by_digest(request, catalog, present)
            if manifest is not None:
                signed = signatures_to_keep(manifest, ()) if request.remove_signatures else None
                return self._keep(request, catalog, present, _Provenance(admission=admission), signed)
        fetched_before = self.bytes_fetched
        try:
            return self._retry.run(str(request.name), lambda: self._copy(request, gate, admission, fetched_before))
        except RemoteError as error:
            if request.policy != NEWER or present is None:
                raise
            self._reporter.warn(f"{request.name}: the registry could not be asked, the present image stays: {error}")
            return self._keep(request, catalog, present, _Provenance())

    def _first_catalog(self) -> Catalog:
        """The store as an image finds it; before the first one, what killed processes left there is removed."""
        if not self._recovered:
            self._recovered = True
            return recovered_by(self._layout, self._open_driver, check_mode=self._check_mode)
        return self._view.catalog()

    def _may_stay_unjudged(self, catalog: Catalog, present: ImageRecord, request: PullRequest) -> bool:
        """Whether the present image answers the request, and neither registry nor policy has a say in it."""
        if request.policy == MISSING:
            return not request.choice.explicit or self._view.serves(catalog, present, request.choice)
        return request.policy == NEVER

    def _named_by_digest(
        self, request: PullRequest, catalog: Catalog, present: ImageRecord
    ) -> Manifest | Schema1Manifest | None:
        """The stored manifest that the digest in the name leads to; None where the name has none, or the store not the image."""
        digest = request.name.digest
        return self._view.manifest(catalog, present, request.choice, digest) if digest else None

    def _copy(self, request: PullRequest, gate: Gate, admission: Admission | None, fetched_before: int) -> Pulled:
        """One attempt: the registry is asked, its mirrors first, the image is judged, and what is missing is fetched.

        ``admission`` is what the policy says of the name alone, None where it wants to see the image.
        """
        from .choose import Chosen
        from .evidence import ImageEvidence

        source = self._open_source(request.name)
        try:
            catalog = self._view.catalog()
            present = catalog.image_named(str(request.name))
            current = self._current(source, request, catalog, present) if present is not None else None
            chosen = Chosen(current) if current is not None else _chosen(source, request.choice)
            evidence = ImageEvidence(chosen.manifest, source.signatures, lambda: source.signatures_sought)
            admission = admission or gate.admit(request.name, evidence, self._reporter)
            signed = self._wanted_signatures(request, evidence)
            if present is not None and current is not None:
                return self._keep(request, catalog, present, _provenance(source, admission), signed)
            from .resolve import resolve_image

            signed = signed or signatures_to_keep(chosen.manifest, ())
            remote = resolve_image(source, chosen, request.choice, str(request.name), self._configs)
            self._reporter.step("resolved", str(request.name), digest=str(remote.digest), source=source.endpoint)
            return self._bring(_Arrival(request, remote, signed, source, admission, fetched_before))
        finally:
            source.close()

    def _wanted_signatures(self, request: PullRequest, evidence: ImageEvidence) -> ManifestSignatures | None:
        """The signatures that the image shall be kept with; None, with a warning, where a library is missing to find them.

        A policy that requires signatures has found them by now.
        """
        if request.remove_signatures:
            return signatures_to_keep(evidence.parsed, ())
        try:
            return signatures_to_keep(evidence.parsed, evidence.signatures())
        except MissingLibraryError as error:
            self._reporter.warn(f"{request.name}: its signatures were not looked for: {error}")
            return None

    def _current(
        self, source: ImageSource, request: PullRequest, catalog: Catalog, present: ImageRecord
    ) -> Manifest | Schema1Manifest | None:
        """The manifest of the present image, where the registry has what it was made from and would give the same image today."""
        digest = source.current_digest()
        if digest is None:
            from .._model.manifest_digest import digested_bytes

            # It does not tell digests apart; the manifest that it is asked for instead serves the pull as well.
            digest = Digest.of(digested_bytes(source.manifest()[0]))
        if str(digest) not in present.manifest_digests:
            return None
        return self._view.manifest(catalog, present, request.choice, digest)

    def _keep(
        self,
        request: PullRequest | PresentImage,
        catalog: Catalog,
        present: ImageRecord,
        provenance: _Provenance,
        signed: ManifestSignatures | None = None,
    ) -> Pulled:
        """The present image is the one that is wanted; only names may be missing, or its signatures others than ``signed``."""
        _check_digests(request.extra_names, present.manifest_digests)
        before = self._difference_side(catalog, request.names)
        missing = [name for name in request.names if name not in present.names]
        if missing:
            ensure_changeable(present, str(request.names[0]))
            self._name(catalog, present, missing)
        signatures = SignatureChange()
        # What lies in an additional store keeps the signatures that it has.
        if signed is not None and not present.store:
            signatures = signature_change(self._view.signatures(present, signed.manifest), signed)
            if signatures.changed:
                self._sign(self._view.catalog(), present.id, signed)
        catalog = self._view.catalog()
        image = self._describe(catalog, catalog.image(present.id), None, provenance, fetched=0)
        after = dict.fromkeys(request.names, self._view.shown_id(present.id))
        changed = bool(missing) or signatures.changed
        return Pulled(changed, image, {**before, **signatures.before}, {**after, **signatures.after})

    def _name(self, catalog: Catalog, present: ImageRecord, missing: Sequence[str]) -> None:
        if self._check_mode:
            self._view.foresee_names(catalog, present.id, (*missing, *present.names))
        else:
            from .._storage.image_names import add_names

            # To the names that it has by then: others name it too.
            add_names(self._layout, present.id, missing)
            self._driver.flush()
            self._reporter.step("named", present.id, names=", ".join(missing))

    def _sign(self, catalog: Catalog, image_id: str, signed: ManifestSignatures) -> None:
        if self._check_mode:
            self._view.foresee_signatures(catalog, image_id, signed)
        else:
            from .._storage.signature_edit import replace_signatures

            replace_signatures(self._layout, image_id, signed)
            self._driver.flush()
            self._reporter.step("signatures replaced", image_id, manifest=str(signed.manifest), count=len(signed.blobs))

    def _bring(self, arrival: _Arrival) -> Pulled:
        """Commits the remote image; starts over when a layer it builds on was deleted meanwhile."""
        from .._storage.commit import LayerVanished

        return _unless_gone(LayerVanished, lambda: self._bring_once(arrival))

    def _bring_once(self, arrival: _Arrival) -> Pulled:
        request, source, signed = arrival.request, arrival.source, arrival.signed
        _check_digests(request.extra_names, arrival.remote.digests)
        catalog = self._view.catalog()
        remote, plan = self._planner.plan(arrival.remote, source, catalog)
        before = self._difference_side(catalog, request.names)
        signatures = self._compared_signatures(catalog, remote.image_id, signed)
        changed = signatures.changed or not _already_there(catalog, request, remote, plan)
        if changed:
            from .new_image import new_image

            self._driver.ensure_usable()
            image = new_image(request.names, remote, plan, signed)
            if self._check_mode:
                self._view.foresee_commit(catalog, plan, remote, image)
            else:
                self._commit(plan, image, source, catalog)
        fetched = self.bytes_fetched - arrival.fetched_before
        catalog = self._view.catalog()
        # Of our own store, where it was just put; another process may have deleted it already.
        record = (catalog.own() if changed else catalog).image(remote.image_id)
        facts = self._describe(catalog, record, plan, _provenance(source, arrival.admission), fetched)
        after = dict.fromkeys(request.names, self._view.shown_id(remote.image_id))
        return Pulled(changed, facts, {**before, **signatures.before}, {**after, **signatures.after})

    def _compared_signatures(self, catalog: Catalog, image_id: str, signed: ManifestSignatures) -> SignatureChange:
        """The signatures of the image, if it is there, against those that it is to have."""
        present = next((image for image in catalog.images if image.id == image_id and not image.store), None)
        stored = self._view.signatures(present, signed.manifest) if present else ()
        return signature_change(stored, signed)

    def _commit(self, plan: Plan, image: NewImage, source: ImageSource, catalog: Catalog) -> None:
        from .._storage.commit import LayerVanished, commit_image

        staged = self._workshop.stage(plan.to_stage, source, catalog)
        self._workshop.hand_over(staged)
        try:
            commit_image(self._layout, self._driver, staged, image, self._reporter)
        except LayerVanished:
            # That is found out before the first of them is touched.
            self._workshop.take_back(staged)
            raise

    def _describe(
        self, catalog: Catalog, record: ImageRecord, plan: Plan | None, provenance: _Provenance, fetched: int
    ) -> dict[str, Any]:
        image = self._view.describe(catalog, record, plan.actions if plan else {})
        kept = {"keep": len(image["layers"]), "reuse": 0, "fetch": 0, "bytes": 0}
        return {
            **image,
            "plan": plan.facts() if plan else kept,
            "source": provenance.source,
            "credentials": provenance.credentials,
            "accepted_by": provenance.admission.accepted_by if provenance.admission else None,
            "verified": list(provenance.admission.verified) if provenance.admission else [],
            "bytes_downloaded": fetched,
            "error": None,
        }

    def _difference_side(self, catalog: Catalog, names: tuple[str, ...]) -> dict[str, Any]:
        """The image ID that each name has now, None for a name that is not taken."""
        side: dict[str, Any] = {}
        for name in names:
            image = catalog.image_named(name)
            side[name] = self._view.shown_id(image.id) if image else None
        return side


@dataclass(frozen=True)
class _Arrival:
    """An image that was let in, on its way into the store."""

    request: PullRequest
    remote: RemoteImage
    signed: ManifestSignatures
    source: ImageSource
    admission: Admission
    fetched_before: int


@dataclass(frozen=True)
class _Provenance:
    """Where an image came from, by whose credentials, and what let it in; None where nobody was asked."""

    source: Optional[str] = None
    credentials: Optional[str] = None
    admission: Optional[Admission] = None


def _unless_gone(gone: type[StrataError], action: Callable[[], _T]) -> _T:
    """What ``action`` returns, which starts over where it finds that something is ``gone``; the last time that is raised."""
    for _attempt in range(_ATTEMPTS - 1):
        try:
            return action()
        except gone:
            continue
    return action()


def _chosen(source: ImageSource, choice: PlatformChoice) -> Chosen:
    from .resolve import choose_manifest

    return choose_manifest(source, choice.platform)


def _provenance(source: ImageSource, admission: Admission) -> _Provenance:
    return _Provenance(source.endpoint, source.credentials_origin or None, admission)


def _already_there(catalog: Catalog, request: PullRequest, remote: RemoteImage, plan: Plan) -> bool:
    """Whether the very image, under every name asked for and with this manifest, is in the store already."""
    named = [catalog.image_named(name) for name in request.names]
    return not plan.to_stage and all(
        image is not None and image.id == remote.image_id and set(remote.digests).issubset(image.manifest_digests)
        for image in named
    )


def _check_digests(names: Iterable[Reference], digests: Collection[str]) -> None:
    """A digest in a name is a promise of what is found by it."""
    for name in names:
        if name.digest and str(name.digest) not in digests:
            raise NameOfAnotherImage(
                "the image cannot have this name", subject=str(name), wanted=str(name.digest), found=", ".join(digests)
            )
