# Copyright (c) 2026, Strata contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change in any release.
"""The verb pull: an image of a registry, verified and complete, under its name in the store."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass
from typing import Any

from .._errors import RemoteError, StrataError, UsageError
from .._model.reference import Reference
from .._report import Reporter
from .._storage.catalog import Catalog, read_catalog
from .._storage.commit import LayerVanished, NewImage, commit_image, set_names
from .._storage.layout import Layout
from .._storage.records import UNKNOWN_TIME, ImageRecord
from .._transport.source import ImageSource
from .describe import describe_image, read_image
from .plan import Plan, make_plan
from .resolve import PlatformChoice, RemoteImage, fits, resolve_image
from .retry import Retry
from .stage import Workshop
from .trust import Gate

ALWAYS = "always"
NEWER = "newer"
MISSING = "missing"
NEVER = "never"

# Another process may delete a layer between plan and commit; the pull then starts over with what is left.
_PLAN_ATTEMPTS = 3


class NotPresent(UsageError):
    """The image is not in the store, and the task may not ask for it."""

    code = "not_present"


class NameOfAnotherImage(UsageError):
    """A name that the image shall have carries a digest that the image does not have."""

    code = "digest_mismatch"


@dataclass(frozen=True)
class PullRequest:
    """One image to be pulled.

    ``name`` is its full reference; ``extra_names`` are given to the image besides. ``policy`` is one of ``always``,
    ``newer``, ``missing``, ``never``.
    """

    name: Reference
    extra_names: tuple[Reference, ...]
    policy: str
    choice: PlatformChoice

    @property
    def names(self) -> tuple[str, ...]:
        """Every name that the image shall have."""
        return tuple(dict.fromkeys([str(self.name), *map(str, self.extra_names)]))


@dataclass(frozen=True)
class PresentImage:
    """An image of the store, known by its ID, that shall have further names."""

    image_id: str
    extra_names: tuple[Reference, ...]

    @property
    def names(self) -> tuple[str, ...]:
        """Every name that the image shall have; those that it has otherwise are not asked about."""
        return tuple(dict.fromkeys(map(str, self.extra_names)))


@dataclass(frozen=True)
class Pulled:
    """What one pull did: the facts of the image, and the two sides of the difference."""

    changed: bool
    image: dict[str, Any]
    before: dict[str, Any]
    after: dict[str, Any]


class Puller:
    """Pulls images into one store, with the parts that the images of a task share.

    ``open_source`` gives the source of a reference, ``open_gate`` the policy; neither is called before it is needed.
    """

    def __init__(
        self,
        workshop: Workshop,
        open_source: Callable[[Reference], ImageSource],
        open_gate: Callable[[], Gate],
        retry: Retry,
        reporter: Reporter,
        *,
        check_mode: bool,
    ) -> None:
        self._workshop = workshop
        self._layout: Layout = workshop.layout
        self._open_source = open_source
        self._open_gate = open_gate
        self._retry = retry
        self._reporter = reporter
        self._check_mode = check_mode

    def pull(self, request: PullRequest) -> Pulled:
        """Brings the image of ``request`` into the store, or says in check mode what that would do.

        Raises NotPresent, PolicyRefused, and every error of source, image and store; the store is then as it was.
        """
        catalog = read_catalog(self._layout)
        present = catalog.image_named(str(request.name))
        if request.policy == NEVER and present is None:
            raise NotPresent("the image is not in the store, and pull is never", subject=str(request.name))
        if present is not None and self._may_stay_unasked(present, request):
            return self._keep(request, catalog, present, source=None)
        return self._ask(request, catalog, present)

    def keep(self, request: PresentImage) -> Pulled:
        """The image of ``request`` with its further names; nobody is asked. Raises UnknownImage."""
        catalog = read_catalog(self._layout)
        return self._keep(request, catalog, catalog.image(request.image_id), source=None)

    def _may_stay_unasked(self, present: ImageRecord, request: PullRequest) -> bool:
        """Whether the present image answers the request without a question to the registry."""
        if request.policy == NEVER:
            return True
        if request.choice.explicit and not self._fits(present, request.choice):
            return False
        # What a digest names cannot move.
        return request.policy == MISSING or request.name.digest is not None

    def _ask(self, request: PullRequest, catalog: Catalog, present: ImageRecord | None) -> Pulled:
        accepted_by = self._open_gate().admit(request.name, self._reporter)
        source = self._open_source(request.name)
        try:
            if present is not None and self._is_current(source, request, present):
                return self._keep(request, catalog, present, source, accepted_by)
            remote = resolve_image(source, request.choice, self._retry, str(request.name))
            self._reporter.step("resolved", str(request.name), digest=str(remote.digest), source=source.endpoint)
            return self._bring(request, remote, source, accepted_by)
        except RemoteError as error:
            if request.policy != NEWER or present is None:
                raise
            self._reporter.warn(f"{request.name}: the registry could not be asked, the present image stays: {error}")
            return self._keep(request, catalog, present, source=None)
        finally:
            source.close()

    def _is_current(self, source: ImageSource, request: PullRequest, present: ImageRecord) -> bool:
        if not self._fits(present, request.choice):
            return False
        digest = self._retry.run(str(request.name), source.current_digest)
        return digest is not None and str(digest) in present.manifest_digests

    def _fits(self, present: ImageRecord, choice: PlatformChoice) -> bool:
        config = read_image(self._layout, present).config
        if config is None:
            return False
        return fits(config.platform, choice) or (choice.allow_other and not choice.explicit)

    def _keep(
        self,
        request: PullRequest | PresentImage,
        catalog: Catalog,
        present: ImageRecord,
        source: ImageSource | None,
        accepted_by: str | None = None,
    ) -> Pulled:
        """The present image is the one that is wanted; only names may be missing."""
        _check_digests(request.extra_names, present.manifest_digests)
        before = _difference_side(catalog, request.names)
        missing = [name for name in request.names if name not in present.names]
        if missing and not self._check_mode:
            set_names(self._layout, present.id, (*missing, *present.names))
            catalog = read_catalog(self._layout)
            self._reporter.step("named", present.id, names=", ".join(missing))
        current = catalog.image(present.id)
        image = self._describe(catalog, current, None, source, accepted_by, fetched=0)
        if self._check_mode:
            image["names"] = [*missing, *image["names"]]
        after = dict.fromkeys(request.names, present.id)
        return Pulled(bool(missing), image, before, after)

    def _bring(self, request: PullRequest, remote: RemoteImage, source: ImageSource, accepted_by: str) -> Pulled:
        """Commits the remote image; starts over when a layer it builds on was deleted meanwhile."""
        attempt = 1
        while True:
            try:
                return self._bring_once(request, remote, source, accepted_by)
            except LayerVanished:
                if attempt == _PLAN_ATTEMPTS:
                    raise
                attempt += 1

    def _bring_once(self, request: PullRequest, remote: RemoteImage, source: ImageSource, accepted_by: str) -> Pulled:
        _check_digests(request.extra_names, (str(remote.digest), str(remote.manifest.digest)))
        catalog = read_catalog(self._layout)
        plan = make_plan(catalog, remote.manifest.layers, remote.config.diff_ids)
        before = _difference_side(catalog, request.names)
        after = dict.fromkeys(request.names, remote.manifest.image_id)
        if self._already_there(catalog, request, remote, plan):
            image = self._describe(
                catalog, catalog.image(remote.manifest.image_id), plan, source, accepted_by, fetched=0
            )
            return Pulled(False, image, before, after)
        self._workshop.driver.ensure_native()
        if self._check_mode:
            return Pulled(True, self._predict(request, catalog, remote, plan, source, accepted_by), before, after)
        fetched_before = self._workshop.bytes_fetched
        staged = self._workshop.stage(plan.to_stage, source, catalog, self._retry)
        record = commit_image(
            self._layout, self._workshop.driver, staged, _new_image(request, remote, plan), self._reporter
        )
        fetched = self._workshop.bytes_fetched - fetched_before
        image = self._describe(read_catalog(self._layout), record, plan, source, accepted_by, fetched)
        return Pulled(True, image, before, after)

    @staticmethod
    def _already_there(catalog: Catalog, request: PullRequest, remote: RemoteImage, plan: Plan) -> bool:
        """Whether the very image, under every name asked for and with this manifest, is in the store already."""
        named = [catalog.image_named(name) for name in request.names]
        return not plan.to_stage and all(
            image is not None
            and image.id == remote.manifest.image_id
            and str(remote.digest) in image.manifest_digests
            and str(remote.manifest.digest) in image.manifest_digests
            for image in named
        )

    def _describe(
        self,
        catalog: Catalog,
        record: ImageRecord,
        plan: Plan | None,
        source: ImageSource | None,
        accepted_by: str | None,
        fetched: int,
    ) -> dict[str, Any]:
        actions = plan.actions if plan else {}
        image = describe_image(self._layout, catalog, read_image(self._layout, record), actions)
        kept = {"keep": len(image["layers"]), "reuse": 0, "fetch": 0, "bytes": 0}
        return {
            **image,
            "plan": plan.facts() if plan else kept,
            "source": source.endpoint if source else None,
            "accepted_by": accepted_by,
            "bytes_downloaded": fetched,
            "error": None,
        }

    def _predict(
        self,
        request: PullRequest,
        catalog: Catalog,
        remote: RemoteImage,
        plan: Plan,
        source: ImageSource,
        accepted_by: str,
    ) -> dict[str, Any]:
        """The facts of an image that is not in the store yet; null where only the layer's content can tell."""
        present = {layer.id: layer for layer in catalog.layers}
        old = next((image for image in catalog.images if image.id == remote.manifest.image_id), None)
        names = [*request.names, *(name for name in (old.names if old else ()) if name not in request.names)]
        digests = [str(remote.digest), str(remote.manifest.digest), *(old.manifest_digests if old else ())]
        return {
            "id": remote.manifest.image_id,
            "names": names,
            "digest": old.digest if old else str(remote.digest),
            "digests": list(dict.fromkeys(digests)),
            "top_layer": plan.chain[-1] if plan.chain else None,
            "size": None,
            "created": remote.config.created or None,
            "platform": str(remote.config.platform),
            "layers": [
                {
                    "digest": str(layer.blob.digest),
                    "diff_id": str(layer.diff_id),
                    "id": layer.layer_id,
                    "compressed_size": layer.blob.size,
                    "size": present[layer.layer_id].diff_size if layer.layer_id in present else None,
                    "path": self._layout.diff(layer.layer_id),
                    "action": layer.action,
                }
                for layer in plan.layers
            ],
            "plan": plan.facts(),
            "source": source.endpoint,
            "accepted_by": accepted_by,
            "bytes_downloaded": 0,
            "error": None,
        }


def failed_image(name: str, error: StrataError) -> dict[str, Any]:
    """The entry of an image that could not be pulled: the keys of one that could, null but for names and error."""
    unknown = ("id", "digest", "top_layer", "size", "created", "platform", "plan", "source", "accepted_by")
    entry: dict[str, Any] = dict.fromkeys(unknown)
    return {**entry, "names": [name], "digests": [], "layers": [], "bytes_downloaded": 0, "error": error.facts()}


def _new_image(request: PullRequest, remote: RemoteImage, plan: Plan) -> NewImage:
    """The record and big data as containers/image stores them: config, index if any, manifest under two keys."""
    manifest = remote.manifest
    items: list[tuple[str, bytes]] = [(str(manifest.config.digest), remote.config.raw)]
    if remote.index:
        items.append((f"manifest-{remote.index.digest}", remote.index.raw))
    items.append((f"manifest-{manifest.digest}", manifest.raw))
    items.append(("manifest", manifest.raw))
    return NewImage(
        image_id=manifest.image_id,
        names=request.names,
        digest=remote.digest,
        top_layer=plan.chain[-1] if plan.chain else None,
        created=remote.config.created or UNKNOWN_TIME,
        big_data=tuple(items),
        metadata="{}",
        chain=plan.chain,
    )


def _check_digests(names: Iterable[Reference], digests: Collection[str]) -> None:
    """A digest in a name is a promise of what is found by it."""
    for name in names:
        if name.digest and str(name.digest) not in digests:
            raise NameOfAnotherImage(
                "the image cannot have this name", subject=str(name), wanted=str(name.digest), found=", ".join(digests)
            )


def _difference_side(catalog: Catalog, names: tuple[str, ...]) -> dict[str, Any]:
    """The image ID that each name has now, None for a name that is not taken."""
    side: dict[str, Any] = {}
    for name in names:
        image = catalog.image_named(name)
        side[name] = image.id if image else None
    return side
