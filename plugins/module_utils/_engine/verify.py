# Copyright (c) 2026, Strata contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change in any release.
"""The verb verify: whether the policy would let an image in today, be it in a registry or in the store. Nothing is changed.

What is in the store is not judged again when a container is made of it; a policy that became stricter says nothing of it
before somebody asks. A stored image is judged as if it came from the registry of its name, by the signatures that it was
stored with.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Union

from .._errors import StrataError, UsageError
from .._host.atomic_files import read_file
from .._model.digest import Digest
from .._model.index import Index
from .._model.manifest import Manifest
from .._model.manifest_parser import parse_manifest
from .._model.reference import Reference
from .._model.schema1 import Schema1Manifest
from .._model.signature import Signature, parse_signature
from .._report import Reporter
from .._storage.catalog import read_catalog
from .._storage.image_signatures import stored_signatures
from .._storage.json_record import StoreDamaged
from .._storage.layout import Layout
from .._storage.records import ImageRecord
from .._trust.judge import Verdict
from .evidence import ImageEvidence
from .names import image_name, match_image, remote_reference
from .outcome import Outcome, joint_failure
from .platform_choice import PlatformChoice
from .resolve import choose_manifest
from .retry import Retry
from .sources import RegistryAccess
from .trust import Gate, verified

if TYPE_CHECKING:
    from .._config.short_names import ShortNames

_SOUGHT_IN_STORE = "the store, which has those that the image was pulled with"


class NameNeeded(UsageError):
    """An image is asked for by its ID, and a policy judges names."""

    code = "name_needed"


@dataclass(frozen=True)
class Judged:
    """An image and what the policy says of it; ``source`` is the endpoint that was asked, None for a stored image or where none was.

    ``digest`` is that of the manifest that was judged, None where the name alone decided.
    """

    reference: Reference
    verdict: Verdict
    digest: Digest | None = None
    source: str | None = None


def verify_images(
    names: Sequence[str], judge: Callable[[str], Judged], gate: Gate, *, fail_on_refusal: bool
) -> Outcome:
    """What ``judge`` finds out of each name, in the order asked; each is judged on its own.

    The outcome fails for an image that cannot be judged, and with ``fail_on_refusal`` for one that is refused.
    """
    entries: list[dict[str, Any]] = []
    failures: list[tuple[str, StrataError]] = []
    for name in names:
        try:
            judged = judge(name)
        except StrataError as error:
            failures.append((name, error))
            entries.append(_not_judged(name, gate, error))
            continue
        refused = fail_on_refusal and not judged.verdict.accepted
        refusal = gate.refusal(judged.reference, judged.verdict) if refused else None
        failures += [(name, refusal)] if refusal else []
        entries.append(_entry(judged, gate, refusal))
    facts: dict[str, Any] = {"images": entries, "accepted": all(entry["accepted"] for entry in entries)}
    if len(entries) == 1:
        facts["image"] = entries[0]
    return Outcome(False, facts, failure=joint_failure(failures, len(names), "verified"))


class RemoteJudge:
    """Judges images as a pull would, and asks for no blob."""

    def __init__(
        self, access: RegistryAccess, gate: Gate, choice: PlatformChoice, retry: Retry, reporter: Reporter
    ) -> None:
        self._access = access
        self._gate = gate
        self._choice = choice
        self._retry = retry
        self._reporter = reporter

    def __call__(self, name: str) -> Judged:
        """The verdict on the image ``name`` of a registry. Raises what asking it raises."""
        reference = remote_reference(name)
        if not self._gate.needs_evidence(reference):
            verdict = self._gate.verdict(reference, None, self._reporter)
            if not verdict.accepted:
                return Judged(reference, verdict)
        return self._retry.run(str(reference), lambda: self._look(reference))

    def _look(self, reference: Reference) -> Judged:
        with closing(self._access.open(reference)) as source:
            manifest = choose_manifest(source, self._choice.platform).manifest
            evidence = ImageEvidence(manifest, source.signatures, lambda: source.signatures_sought)
            verdict = self._gate.verdict(reference, evidence, self._reporter)
            return Judged(reference, verdict, manifest.digest, source.endpoint)


class StoreJudge:
    """Judges images of the store by the manifest and the signatures that are kept with them."""

    def __init__(self, layout: Layout, gate: Gate, short_names: Callable[[], ShortNames], reporter: Reporter) -> None:
        self._layout = layout
        self._gate = gate
        self._short_names = short_names
        self._reporter = reporter

    def __call__(self, name: str) -> Judged:
        """The verdict on the image ``name`` of the store. Raises UnknownImage, AmbiguousName, NameNeeded and StoreDamaged."""
        match = match_image(read_catalog(self._layout), name, self._short_names)
        reference = match.name or _as_reference(name)
        manifest = self._manifest(match.image, reference)
        evidence = ImageEvidence(
            manifest, lambda digest: self._signatures(match.image, digest), lambda: _SOUGHT_IN_STORE
        )
        return Judged(reference, self._gate.verdict(reference, evidence, self._reporter), manifest.digest)

    def _manifest(self, record: ImageRecord, reference: Reference) -> Union[Manifest, Schema1Manifest]:
        """The manifest that the digest of ``reference`` names; without one, or for that of an index, the one that the image is read by."""
        keys = [f"manifest-{reference.digest}"] if reference.digest else []
        for key in (*keys, "manifest"):
            raw = self._item(record, key)
            parsed = None if raw is None else parse_manifest(raw, "")
            if parsed is not None and not isinstance(parsed, Index):
                return parsed
        raise StoreDamaged("the image has no manifest that can be read", subject=f"image {record.id}")

    def _signatures(self, record: ImageRecord, digest: Digest) -> tuple[Signature, ...]:
        blobs = stored_signatures(record, digest, lambda key: self._item(record, key))
        return tuple(parse_signature(blob, f"a signature of image {record.id}") for blob in blobs)

    def _item(self, record: ImageRecord, key: str) -> bytes | None:
        if key not in record.big_data_names:
            return None
        return read_file(self._layout.of(record.store).image_item(record.id, key))


def _as_reference(text: str) -> Reference:
    name = image_name(text)
    if not isinstance(name, Reference):
        raise NameNeeded(
            "a policy judges an image by its name; give the full name of the image", subject=text, found="no full name"
        )
    return name


def _entry(judged: Judged, gate: Gate, refusal: StrataError | None) -> dict[str, Any]:
    verdict = judged.verdict
    return {
        "name": str(judged.reference),
        "accepted": verdict.accepted,
        "code": verdict.code,
        "reason": verdict.reason,
        "policy": gate.origin,
        "scope": verdict.scope or None,
        "requirement": verdict.requirement or None,
        "verified": list(verified(verdict)),
        "steps": list(verdict.steps),
        "digest": str(judged.digest) if judged.digest else None,
        "source": judged.source,
        "error": refusal.facts() if refusal else None,
    }


def _not_judged(name: str, gate: Gate, error: StrataError) -> dict[str, Any]:
    """The entry of an image that could not be judged: the keys of one that could, which is not accepted."""
    unknown: dict[str, Any] = dict.fromkeys(("scope", "requirement", "digest", "source"))
    said = {"accepted": False, "code": error.code, "reason": str(error), "policy": gate.origin}
    return {"name": name, **said, **unknown, "verified": [], "steps": [], "error": error.facts()}
