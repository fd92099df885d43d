# Copyright (c) 2026, Strata contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change in any release.
"""The transport ``docker``: an image of a registry, or of the mirrors that stand before it.

The first endpoint that has the manifest serves the whole image (containers/image, docker/docker_image_src.go): there
is no changing over between the blobs of one image.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

from .._errors import DataError, MissingLibraryError, RemoteError, StrataError
from .._model.credentials import Credentials
from .._model.descriptor import Descriptor
from .._model.digest import Digest
from .._model.reference import Reference
from .._registry.client import RegistryClient
from .._registry.http import ConnectionOptions
from .._registry.pool import RegistryPool
from .._registry.retry import SYSTEM_CLOCK, Clock, retryable

if TYPE_CHECKING:
    from .._config.registries_d import SignaturePlace
    from .._model.signature import Signature

T = TypeVar("T")


class ManifestDigestMismatch(DataError):
    """The manifest is another one than its digest names."""

    code = "digest_mismatch"


class EndpointsFailed(RemoteError):
    """Neither the registry nor a mirror has the image; code and status are those of the registry's own failure."""


@dataclass(frozen=True)
class DockerEndpoint:
    """A place to ask: the physical name of the image there, how to connect, as whom, and where its signatures lie.

    ``signatures`` is called when they are asked for, and raises what reading its configuration raises; without it they are
    nobody's business.
    """

    reference: Reference
    options: ConnectionOptions
    credentials: Credentials | None = None
    signatures: Callable[[], SignaturePlace] | None = None


class DockerSource:
    """The image that ``endpoints``, in this order, may have: the mirrors first, the registry itself last.

    Asks nobody before the first question. Connections and tokens are those of ``pool``, which stays open; without one they
    are the source's own, and ``warn`` is told what registries want their users to read.
    """

    def __init__(
        self,
        endpoints: Sequence[DockerEndpoint],
        *,
        warn: Callable[[str], None] = lambda _text: None,
        clock: Clock = SYSTEM_CLOCK,
        pool: RegistryPool | None = None,
    ) -> None:
        self._pool = pool or RegistryPool(clock=clock, warn=warn)
        self._shared = pool is not None
        self._places = [_Place(endpoint, self._pool) for endpoint in endpoints]
        self._lock = threading.Lock()
        # The place that answered last, and the one that has shown to have the image.
        self._answering: _Place | None = None
        self._serving: _Place | None = None
        self._found: tuple[bytes, str] | None = None
        self._signatures_sought = ""

    @property
    def endpoint(self) -> str:
        """The physical name of the repository that serves the image; before anyone answered, the registry's own."""
        return self._shown().reference.name

    @property
    def credentials_origin(self) -> str:
        """Which file or option the credentials for ``endpoint`` come from; empty where there are none."""
        credentials = self._shown().credentials
        return credentials.origin if credentials else ""

    def manifest(self, digest: Digest | None = None) -> tuple[bytes, str]:
        """The image's manifest or index (asked for once), or the instance ``digest``: its raw bytes and media type.

        Raises ManifestDigestMismatch, and what RegistryClient.manifest raises: of the one endpoint unchanged, of
        several as EndpointsFailed.
        """
        if digest is None and self._found is not None:
            return self._found
        place, found = self._ask(lambda place: place.manifest(digest))
        self._serving = place
        if digest is None:
            self._found = found
        return found

    def current_digest(self) -> Digest | None:
        """The digest in the name of the image, else what the registry answers to HEAD; None where it says nothing."""
        digest = self._places[-1].endpoint.reference.digest
        return digest or self._ask(lambda place: place.digest())[1]

    def blob(self, descriptor: Descriptor) -> Iterator[bytes]:
        """The bytes of a blob, in chunks of 256 KiB at most.

        Comes from the descriptor's ``urls`` where it has some, else from the endpoint that gave the manifest. Raises
        what RegistryClient.blob raises, while it is read.
        """
        client = self._server().client()
        foreign = client.foreign_blob(descriptor.urls) if descriptor.urls else None
        yield from client.blob(descriptor.digest, descriptor.known_size) if foreign is None else foreign

    def blob_size(self, digest: Digest) -> int | None:
        """What the endpoint that gave the manifest answers to HEAD; None where it says nothing."""
        return self._server().client().blob_size(digest)

    def signatures(self, digest: Digest) -> tuple[Signature, ...]:
        """The signatures of the manifest ``digest`` at the endpoint that serves the image, or that told its digest.

        Raises what RegistryClient.signatures and the endpoint's ``signatures`` raise.
        """
        place = self._serving or self._answering or self._server()
        if place.endpoint.signatures is None:
            return ()
        where = place.endpoint.signatures()
        self._signatures_sought = place.client().signatures_sought(where.lookaside, attachments=where.attachments)
        return place.client().signatures(digest, where.lookaside, attachments=where.attachments)

    @property
    def signatures_sought(self) -> str:
        """Where ``signatures`` looked, in words; empty before it was asked, and where there is no place to look."""
        return self._signatures_sought

    def close(self) -> None:
        """Closes the connections to all endpoints, unless a pool keeps them."""
        if not self._shared:
            self._pool.close()

    def _server(self) -> _Place:
        """The place that serves the image, found by asking for the manifest where that was not done yet."""
        with self._lock:
            if self._serving is None:
                self.manifest()
            return self._serving or self._places[-1]

    def _shown(self) -> DockerEndpoint:
        return (self._answering or self._places[-1]).endpoint

    def _ask(self, question: Callable[[_Place], T]) -> tuple[_Place, T]:
        """The place that serves the image and its answer; before that is known, the first place that gives one."""
        if self._serving is not None:
            return self._serving, question(self._serving)
        failures: list[tuple[_Place, StrataError]] = []
        # One that answered already is likelier to answer now than those that did not.
        for place in sorted(self._places, key=lambda place: place is not self._answering):
            try:
                answer = question(place)
            except MissingLibraryError:
                raise
            except StrataError as error:
                failures.append((place, error))
                continue
            self._answering = place
            return place, answer
        raise _joined(failures)


class _Place:
    """An endpoint and, from the first question on, its client."""

    def __init__(self, endpoint: DockerEndpoint, pool: RegistryPool) -> None:
        self.endpoint = endpoint
        self._pool = pool
        self._lock = threading.Lock()
        self._client: RegistryClient | None = None

    def client(self) -> RegistryClient:
        with self._lock:
            if self._client is None:
                reference, endpoint = self.endpoint.reference, self.endpoint
                self._client = self._pool.client(
                    reference.domain, reference.path, endpoint.credentials, endpoint.options
                )
            return self._client

    def manifest(self, digest: Digest | None) -> tuple[bytes, str]:
        from .._model.manifest_digest import digested_bytes

        reference = self.endpoint.reference.with_default_tag()
        wanted = digest or reference.digest
        fetched = self.client().manifest(str(wanted or reference.tag))
        if wanted and not wanted.matches(digested_bytes(fetched.raw)):
            raise ManifestDigestMismatch(
                "the manifest does not match the digest that was asked for",
                subject=reference.name,
                wanted=str(wanted),
                found=_digest_like(wanted, digested_bytes(fetched.raw)),
            )
        return fetched.raw, fetched.media_type

    def digest(self) -> Digest | None:
        return self.client().manifest_digest(str(self.endpoint.reference.with_default_tag().tag))


def _digest_like(wanted: Digest, data: bytes) -> str:
    hasher = wanted.hasher()
    hasher.update(data)
    return f"{wanted.algorithm}:{hasher.hexdigest()}"


def _joined(failures: Sequence[tuple[_Place, StrataError]]) -> StrataError:
    """One failure unchanged; of several, the last (the registry's own) with those of the mirrors in its text."""
    place, last = failures[-1]
    if len(failures) == 1:
        return last
    mirrors = " ".join(f"[{place.endpoint.reference}: {failure}]" for place, failure in failures[:-1])
    return EndpointsFailed(
        f"{last} (mirrors also failed: {mirrors})",
        subject=str(place.endpoint.reference),
        code=last.code,
        status=getattr(last, "status", None),
        retryable=all(retryable(failure) for _place, failure in failures),
    )
