# Copyright (c) 2026, Strata contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change in any release.
"""Reads manifests, blobs and signatures of one repository (OCI distribution-spec, "Pull").

    client = RegistryClient("quay.io", "podman/hello", None, ConnectionOptions())
    raw, media_type = client.manifest("latest")

Nothing is verified here: the caller holds manifests and blobs against their digests, and signatures against a policy.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, NamedTuple

from .._errors import RemoteError
from .._model.digest import Digest, InvalidDigest
from .._model.media_types import ACCEPT_MANIFESTS
from .body import MANIFEST_LIMIT, SIGNATURE_LIST_LIMIT, read_body
from .connection import RegistryConnection
from .encoding import as_the_registry_has_it, is_encoded
from .errors import BlobUnknown, ManifestUnknown, NotARegistry, RegistryError
from .host import RegistryHost
from .http import ConnectionOptions, HttpClient, HttpResponse
from .retry import SYSTEM_CLOCK, Clock
from .urls import BadAddress, origin, redacted

if TYPE_CHECKING:
    from .._model.credentials import Credentials
    from .._model.signature import Signature

_LENGTH = re.compile(r"[0-9]{1,18}", re.ASCII)
_ACCEPT = {"Accept": ", ".join(ACCEPT_MANIFESTS)}


class FetchedManifest(NamedTuple):
    """The bytes of a manifest or index as sent, and the media type that the registry gave them (may be empty)."""

    raw: bytes
    media_type: str


class RegistryClient:
    """One repository as one user. Safe to share between threads; asks nobody before the first question.

    ``host`` and ``repository`` are the domain and path of a reference. ``warn`` is told the warnings that the registry
    sends along. ``registry`` is what clients of other repositories share with this one: it has been asked as the same user
    in the same way, and stays open. Raises MissingLibraryError and BadCertificateFile when it is made.
    """

    def __init__(
        self,
        host: str,
        repository: str,
        credentials: Credentials | None,
        options: ConnectionOptions,
        *,
        clock: Clock = SYSTEM_CLOCK,
        warn: Callable[[str], None] = lambda _text: None,
        registry: RegistryHost | None = None,
    ) -> None:
        self._name = f"{host}/{repository}"
        self._repository = repository
        self._clock = clock
        self._shared = registry is not None
        self._registry = registry or RegistryHost(host, credentials, HttpClient(options), clock, warn)
        self._connection = RegistryConnection(self._registry, repository)

    def manifest(self, reference: str) -> FetchedManifest:
        """The manifest or index of ``reference``, a tag or the text of a digest.

        Raises ManifestUnknown, NameUnknown, Unauthorized, Denied, RateLimited, NotARegistry, BodyTooLarge above 4 MiB,
        and the leaves of a failed connection.
        """
        subject = self._manifest_name(reference)
        with self._ask_for_manifest("GET", reference) as response:
            if response.status != 200:
                raise self._connection.refusal(response, subject, ManifestUnknown)
            media_type = response.header("Content-Type").partition(";")[0].strip().lower()
            if media_type == "text/html":
                # A login page, or a web server on that port; no registry has ever sent a manifest so.
                raise NotARegistry("the server is no registry", subject=subject, wanted="a manifest", found=media_type)
            return FetchedManifest(read_body(response, MANIFEST_LIMIT, subject), media_type)

    def manifest_digest(self, reference: str) -> Digest | None:
        """What the registry says is the digest of ``reference``, without the manifest; None where it does not say.

        A hint, not verified. A refusal is None too: that of the manifest itself has a body that explains it. Raises
        RateLimited, and the leaves of a failed connection or token.
        """
        with self._ask_for_manifest("HEAD", reference) as response:
            if response.status == 429:
                raise self._connection.refusal(response, self._manifest_name(reference), ManifestUnknown)
            if response.status != 200:
                return None
            try:
                return Digest.parse(response.header("Docker-Content-Digest"))
            except InvalidDigest:
                return None

    def signatures(self, digest: Digest, lookaside: str, *, attachments: bool) -> tuple[Signature, ...]:
        """The signatures of the manifest ``digest``, in the order in which containers/image reads them.

        They come from the registry's extension where it has one, else from below the address ``lookaside``; after these, with
        ``attachments``, those that the repository keeps beside the image. Raises InvalidSignatureBlob, InvalidAttachment,
        TooManySignatures, BadLookaside, BodyTooLarge, FileTooLarge, and what requests raise.
        """
        found: tuple[Signature, ...]
        if self._registry.reached().keeps_signatures:
            from .extension import parse_signature_list

            found = parse_signature_list(self._signature_list(digest), f"{self._name}@{digest}")
        else:
            from .lookaside import read_lookaside

            found = read_lookaside(lookaside, self._repository, digest, self._registry.http, self._clock)
        if not attachments:
            return found
        from .attachments import attached_signatures

        return (*found, *attached_signatures(self.manifest, self.blob, self._name, digest))

    def signatures_sought(self, lookaside: str, *, attachments: bool) -> str:
        """Where ``signatures`` looks with the same arguments, in words for an error; without secrets."""
        extension = self._registry.reached().keeps_signatures
        first = f"the signature extension of {self._name}" if extension else redacted(lookaside)
        return f"{first}, {'and' if attachments else 'not'} in attachments of {self._name}"

    def tags(self) -> tuple[str, ...]:
        """The tags of the repository, in the registry's order; raises what ``list_tags`` raises."""
        from .tags import list_tags

        return list_tags(self._connection, self._repository, self._name)

    def blob(self, digest: Digest, size: int | None = None) -> Iterator[bytes]:
        """The bytes of a blob, in chunks of 256 KiB at most; a lost connection is resumed.

        ``size`` is what its descriptor says; it helps to notice an early end, and an answer of another length before it is
        read. Raises, while it is read, BlobUnknown, the other refusals, SizeMismatch, ConnectionLost, and the leaves of a
        failed connection.
        """
        from .blob import read_blob

        path = f"/v2/{self._repository}/blobs/{digest}"

        def open_at(offset: int) -> HttpResponse:
            headers = {"Range": f"bytes={offset}-"} if offset else {}
            response = self._connection.send("GET", path, headers)
            if response.status == 200:
                if is_encoded(response) and response.remaining != size:
                    response = as_the_registry_has_it(response)
                _require_length(response, size, digest)
                return response
            if offset and response.status == 206:
                return response
            raise self._connection.refusal(response, f"{self._name}@{digest}", BlobUnknown)

        return read_blob(open_at, size, self._clock)

    def blob_size(self, digest: Digest) -> int | None:
        """How many bytes the registry says the blob has; None where it does not say, or refuses.

        A hint, not verified. Raises RateLimited, and the leaves of a failed connection or token.
        """
        with self._connection.send("HEAD", f"/v2/{self._repository}/blobs/{digest}") as response:
            if response.status == 429:
                raise self._connection.refusal(response, f"{self._name}@{digest}", BlobUnknown)
            length = response.header("Content-Length")
            return int(length) if response.status == 200 and _LENGTH.fullmatch(length) else None

    def foreign_blob(self, urls: Sequence[str]) -> Iterator[bytes] | None:
        """The bytes of a blob from the first of ``urls`` that has it; None where none is http or https.

        These hosts are the manifest's choice: no credentials are sent to them, and no challenge of theirs is answered
        (CVE-2020-15157). Raises the last failure when all fail.
        """
        usable = [url for url in urls if _is_http(url)]
        failure: RemoteError | None = None
        for url in usable:
            try:
                response = self._registry.http.request("GET", url)
            except RemoteError as error:
                failure = error
                continue
            if response.status == 200:
                return _chunks(response)
            failure = self._connection.refusal(response, redacted(url), BlobUnknown)
        if failure:
            raise failure
        return None

    def close(self) -> None:
        """Closes all connections, unless they are shared."""
        if not self._shared:
            self._registry.http.close()

    def _signature_list(self, digest: Digest) -> bytes:
        subject = f"{self._name}@{digest}"
        with self._connection.send("GET", f"/extensions/v2/{self._repository}/signatures/{digest}") as response:
            if response.status != 200:
                raise self._connection.refusal(response, subject, RegistryError)
            return read_body(response, SIGNATURE_LIST_LIMIT, subject)

    def _ask_for_manifest(self, method: str, reference: str) -> HttpResponse:
        return self._connection.send(method, f"/v2/{self._repository}/manifests/{reference}", _ACCEPT)

    def _manifest_name(self, reference: str) -> str:
        return f"{self._name}{'@' if ':' in reference else ':'}{reference}"


def _require_length(response: HttpResponse, size: int | None, digest: Digest) -> None:
    """Closes an answer that announces another length than ``size``, and raises SizeMismatch."""
    announced = response.remaining
    if announced is None or size is None or announced == size:
        return
    from .._layer.verify import SizeMismatch

    response.close()
    raise SizeMismatch(
        "blob size mismatch", subject=str(digest), wanted=f"{size} bytes", found=f"a Content-Length of {announced}"
    )


def _chunks(response: HttpResponse) -> Iterator[bytes]:
    """The body as it comes; what another host sends is not resumed."""
    from .blob import CHUNK

    with response:
        while True:
            chunk = response.read(CHUNK)
            if not chunk:
                return
            yield chunk


def _is_http(url: str) -> bool:
    try:
        origin(url)
    except BadAddress:
        return False
    return True
