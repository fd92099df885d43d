# Copyright (c) 2026, Strata contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which endpoint serves an image, and what is said when none does."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from ansible_collections.strata.containers.plugins.module_utils._config.registries_d import SignaturePlace
from ansible_collections.strata.containers.plugins.module_utils._errors import MissingLibraryError, RemoteError
from ansible_collections.strata.containers.plugins.module_utils._model.credentials import Credentials
from ansible_collections.strata.containers.plugins.module_utils._model.descriptor import Descriptor
from ansible_collections.strata.containers.plugins.module_utils._model.digest import Digest
from ansible_collections.strata.containers.plugins.module_utils._model.manifest_parser import parse_manifest
from ansible_collections.strata.containers.plugins.module_utils._model.reference import parse_reference
from ansible_collections.strata.containers.plugins.module_utils._model.signature import SimpleSignature
from ansible_collections.strata.containers.plugins.module_utils._registry import http
from ansible_collections.strata.containers.plugins.module_utils._registry.errors import ManifestUnknown
from ansible_collections.strata.containers.plugins.module_utils._registry.http import ConnectionOptions
from ansible_collections.strata.containers.plugins.module_utils._transport.docker import (
    DockerEndpoint,
    DockerSource,
    EndpointsFailed,
    ManifestDigestMismatch,
)
from ansible_collections.strata.containers.plugins.module_utils._transport.source import ImageSource
from ansible_collections.strata.containers.tests.unit.plugins.module_utils._model.schema1_documents import SKOPEO
from ansible_collections.strata.containers.tests.unit.plugins.module_utils._registry.scripted_server import (
    ScriptedServer,
)

RAW = b'{"schemaVersion": 2}'
DIGEST = Digest.of(RAW)
BLOB = Descriptor("application/vnd.oci.image.layer.v1.tar", Digest.of(b"blob"), 4)
LATEST = "/v2/app/manifests/latest"
OPTIONS = ConnectionOptions(timeout=5, allow_http=True)


@pytest.fixture
def registry() -> Iterator[ScriptedServer]:
    with ScriptedServer() as server:
        server.expect("GET", "/v2/", times=None)
        yield server


@pytest.fixture
def mirror() -> Iterator[ScriptedServer]:
    with ScriptedServer() as server:
        server.expect("GET", "/v2/", times=None)
        yield server


def _endpoint(server: ScriptedServer, name: str = "app", origin: str = "") -> DockerEndpoint:
    credentials = Credentials("user", "hunter2", origin=origin) if origin else None
    return DockerEndpoint(parse_reference(f"{server.host}/{name}"), OPTIONS, credentials)


class TestOneEndpoint:
    def test_it_keeps_the_contract_of_a_source(self, registry: ScriptedServer) -> None:
        source: ImageSource = DockerSource([_endpoint(registry)])
        assert source.endpoint == f"{registry.host}/app"
        source.close()

    def test_nobody_who_tells_no_place_of_signatures_is_shown_any(self, registry: ScriptedServer) -> None:
        registry.expect("GET", LATEST, body=RAW)
        assert DockerSource([_endpoint(registry)]).signatures(DIGEST) == ()

    def test_nothing_is_asked_before_the_first_question(self, registry: ScriptedServer) -> None:
        source = DockerSource([_endpoint(registry, origin="/run/auth.json")])
        assert source.endpoint == f"{registry.host}/app"
        assert source.credentials_origin == "/run/auth.json"
        assert registry.requests == []

    def test_a_name_without_tag_is_latest(self, registry: ScriptedServer) -> None:
        registry.expect("GET", LATEST, body=RAW, headers={"Content-Type": "text/plain"})
        assert DockerSource([_endpoint(registry)]).manifest() == (RAW, "text/plain")

    def test_a_digest_is_asked_for_rather_than_the_tag_and_verified(self, registry: ScriptedServer) -> None:
        registry.expect("GET", f"/v2/app/manifests/{DIGEST}", body=RAW)
        source = DockerSource([_endpoint(registry, f"app:1@{DIGEST}")])
        assert source.current_digest() == DIGEST
        assert registry.requests == []
        assert source.manifest()[0] == RAW

    @pytest.mark.parametrize("algorithm", ["sha256", "sha512"])
    def test_other_bytes_than_the_digest_names_are_refused(self, registry: ScriptedServer, algorithm: str) -> None:
        hasher = Digest(algorithm, "").hasher()
        hasher.update(RAW)
        wanted = Digest(algorithm, hasher.hexdigest())
        registry.expect("GET", f"/v2/app/manifests/{wanted}", body=RAW)
        registry.expect("GET", f"/v2/app/manifests/{wanted}", body=RAW + b" ")
        source = DockerSource([_endpoint(registry)])
        assert source.manifest(wanted)[0] == RAW
        with pytest.raises(ManifestDigestMismatch, match=f"wanted {wanted}, found {algorithm}:") as caught:
            source.manifest(wanted)
        assert caught.value.code == "digest_mismatch"

    @pytest.mark.parametrize("raw", [SKOPEO, SKOPEO.replace(b'"kty"', b'"KTY"')])
    def test_a_signed_manifest_is_verified_without_its_signatures(self, registry: ScriptedServer, raw: bytes) -> None:
        wanted = parse_manifest(SKOPEO, "").digest
        registry.expect("GET", f"/v2/app/manifests/{wanted}", body=raw)
        registry.expect("GET", f"/v2/app/manifests/{Digest.of(raw)}", body=raw)
        source = DockerSource([_endpoint(registry)])
        assert source.manifest(wanted)[0] == raw
        with pytest.raises(ManifestDigestMismatch, match=f"found {wanted}"):
            source.manifest(Digest.of(raw))

    def test_the_size_of_a_blob_is_asked_of_who_serves_the_image(self, registry: ScriptedServer) -> None:
        registry.expect("GET", LATEST, body=RAW)
        registry.expect("HEAD", f"/v2/app/blobs/{BLOB.digest}", body=b"blob")
        assert DockerSource([_endpoint(registry)]).blob_size(BLOB.digest) == 4

    def test_its_failure_is_unchanged(self, registry: ScriptedServer) -> None:
        registry.expect("GET", LATEST, status=404)
        with pytest.raises(ManifestUnknown):
            DockerSource([_endpoint(registry)]).manifest()

    def test_the_digest_of_a_tag_is_asked_for_by_head(self, registry: ScriptedServer) -> None:
        registry.expect("HEAD", LATEST, headers={"Docker-Content-Digest": str(DIGEST)})
        assert DockerSource([_endpoint(registry)]).current_digest() == DIGEST

    def test_a_blob_can_be_the_first_question(self, registry: ScriptedServer) -> None:
        registry.expect("GET", LATEST, body=RAW)
        registry.expect("GET", f"/v2/app/blobs/{BLOB.digest}", body=b"blob")
        assert b"".join(DockerSource([_endpoint(registry)]).blob(BLOB)) == b"blob"

    def test_a_blob_with_addresses_of_its_own_is_fetched_there_without_credentials(
        self, registry: ScriptedServer, mirror: ScriptedServer
    ) -> None:
        registry.expect("GET", LATEST, body=RAW)
        mirror.expect("GET", "/foreign", body=b"blob", requires={"Authorization": None})
        foreign = Descriptor(BLOB.media_type, BLOB.digest, 4, urls=(f"{mirror.url}/foreign",))
        source = DockerSource([_endpoint(registry, origin="x")])
        assert b"".join(source.blob(foreign)) == b"blob"

    def test_a_missing_library_is_no_failure_of_an_endpoint(
        self, registry: ScriptedServer, mirror: ScriptedServer, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(http, "HAS_URLLIB3", False)
        with pytest.raises(MissingLibraryError):
            DockerSource([_endpoint(mirror), _endpoint(registry)]).manifest()


class TestMirrors:
    def test_the_first_that_has_the_manifest_serves_the_whole_image(
        self, registry: ScriptedServer, mirror: ScriptedServer
    ) -> None:
        mirror.expect("GET", LATEST, body=RAW)
        mirror.expect("GET", f"/v2/app/manifests/{DIGEST}", body=RAW)
        mirror.expect("GET", f"/v2/app/blobs/{BLOB.digest}", status=404)
        source = DockerSource([_endpoint(mirror, origin="mirror"), _endpoint(registry, origin="registry")])
        source.manifest()
        source.manifest(DIGEST)
        with pytest.raises(RemoteError):
            list(source.blob(BLOB))
        assert (source.endpoint, source.credentials_origin) == (f"{mirror.host}/app", "mirror")
        assert registry.requests == []

    def test_a_mirror_that_fails_is_passed_over(self, registry: ScriptedServer, mirror: ScriptedServer) -> None:
        mirror.expect("GET", LATEST, status=500)
        registry.expect("GET", LATEST, body=RAW)
        source = DockerSource([_endpoint(mirror), _endpoint(registry)])
        assert source.manifest()[0] == RAW
        assert source.endpoint == f"{registry.host}/app"

    def test_a_mirror_with_another_manifest_is_passed_over(
        self, registry: ScriptedServer, mirror: ScriptedServer
    ) -> None:
        mirror.expect("GET", f"/v2/app/manifests/{DIGEST}", body=b"{}")
        registry.expect("GET", f"/v2/app/manifests/{DIGEST}", body=RAW)
        name = f"app@{DIGEST}"
        assert DockerSource([_endpoint(mirror, name), _endpoint(registry, name)]).manifest()[0] == RAW

    def test_who_answered_the_cheap_question_is_asked_first_for_the_manifest(
        self, registry: ScriptedServer, mirror: ScriptedServer
    ) -> None:
        dead = DockerEndpoint(parse_reference("127.0.0.1:1/app"), OPTIONS)
        registry.expect("HEAD", LATEST, headers={"Docker-Content-Digest": str(DIGEST)})
        registry.expect("GET", LATEST, body=RAW)
        source = DockerSource([dead, _endpoint(registry)])
        source.current_digest()
        source.manifest()
        assert source.endpoint == f"{registry.host}/app"

    @pytest.mark.parametrize(("statuses", "retryable"), [((503, 503), True), ((404, 503), False), ((503, 404), False)])
    def test_all_failures_are_told_and_the_registrys_own_counts(
        self, registry: ScriptedServer, mirror: ScriptedServer, statuses: tuple[int, int], retryable: bool
    ) -> None:
        mirror.expect("GET", LATEST, status=statuses[0])
        registry.expect("GET", LATEST, status=statuses[1])
        with pytest.raises(EndpointsFailed) as caught:
            DockerSource([_endpoint(mirror), _endpoint(registry)]).manifest()
        error = caught.value
        assert error.code == ("manifest_unknown" if statuses[1] == 404 else "registry_error")
        assert (error.status, error.retryable) == (statuses[1], retryable)
        assert f"mirrors also failed: [{mirror.host}/app: " in str(error)
        assert str(error).startswith(f"{registry.host}/app: ")

    def test_credentials_stay_with_their_endpoint(self, registry: ScriptedServer, mirror: ScriptedServer) -> None:
        challenge = {"WWW-Authenticate": 'Basic realm="x"'}
        with ScriptedServer() as private:
            private.expect("GET", "/v2/", status=401, headers=challenge)
            private.expect("GET", LATEST, body=RAW, requires={"Authorization": "Basic dXNlcjpodW50ZXIy"})
            mirror.expect("GET", LATEST, status=401, requires={"Authorization": None})
            DockerSource([_endpoint(mirror), _endpoint(private, origin="file")]).manifest()


class TestSignatures:
    def place(self, tmp_path: Path, name: str) -> Callable[[], SignaturePlace]:
        """A directory with one signature of the image, of which ``name`` is a part."""
        directory = tmp_path / name / f"app@sha256={DIGEST.hex}"
        directory.mkdir(parents=True)
        (directory / "signature-1").write_bytes(b"\xa3" + name.encode())
        return lambda: SignaturePlace(f"file://{tmp_path / name}", False)

    def source(self, registry: ScriptedServer, mirror: ScriptedServer, tmp_path: Path) -> DockerSource:
        endpoints = [_endpoint(mirror), _endpoint(registry)]
        names = ("of the mirror", "of the registry")
        return DockerSource(
            [replace(endpoint, signatures=self.place(tmp_path, name)) for endpoint, name in zip(endpoints, names)]
        )

    def test_they_are_those_of_the_endpoint_that_serves_the_image(
        self, registry: ScriptedServer, mirror: ScriptedServer, tmp_path: Path
    ) -> None:
        mirror.expect("GET", LATEST, status=404)
        registry.expect("GET", LATEST, body=RAW)
        source = self.source(registry, mirror, tmp_path)
        source.manifest()
        assert source.signatures(DIGEST) == (SimpleSignature(b"\xa3of the registry"),)

    def test_where_only_the_digest_was_asked_for_they_are_those_of_the_endpoint_that_told_it(
        self, registry: ScriptedServer, mirror: ScriptedServer, tmp_path: Path
    ) -> None:
        mirror.expect("HEAD", LATEST, headers={"Docker-Content-Digest": str(DIGEST)})
        registry.expect("GET", "/v2/", times=0)
        source = self.source(registry, mirror, tmp_path)
        assert source.current_digest() == DIGEST
        assert source.signatures(DIGEST) == (SimpleSignature(b"\xa3of the mirror"),)

    def test_where_nobody_was_asked_yet_the_manifest_is_asked_for(
        self, registry: ScriptedServer, mirror: ScriptedServer, tmp_path: Path
    ) -> None:
        mirror.expect("GET", LATEST, body=RAW)
        source = self.source(registry, mirror, tmp_path)
        assert source.signatures(DIGEST) == (SimpleSignature(b"\xa3of the mirror"),)
