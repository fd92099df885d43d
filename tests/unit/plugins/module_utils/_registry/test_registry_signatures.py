# Copyright (c) 2026, Strata contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Signatures as registries and web servers give them out, against a server that plays a script.

The protocol is that of containers/image: docs/signature-protocols.md and docker/docker_image_src.go.
"""

from __future__ import annotations

import base64
import json
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.strata.containers.plugins.module_utils._errors import HostError, RemoteError, StrataError
from ansible_collections.strata.containers.plugins.module_utils._layer.verify import DigestMismatch, SizeMismatch
from ansible_collections.strata.containers.plugins.module_utils._model.credentials import Credentials
from ansible_collections.strata.containers.plugins.module_utils._model.digest import Digest
from ansible_collections.strata.containers.plugins.module_utils._model.media_types import OCI_CONFIG, OCI_MANIFEST
from ansible_collections.strata.containers.plugins.module_utils._model.signature import (
    InvalidSignatureBlob,
    Signature,
    SigstoreSignature,
    SimpleSignature,
)
from ansible_collections.strata.containers.plugins.module_utils._registry.attachments import InvalidAttachment
from ansible_collections.strata.containers.plugins.module_utils._registry.body import BodyTooLarge
from ansible_collections.strata.containers.plugins.module_utils._registry.client import RegistryClient
from ansible_collections.strata.containers.plugins.module_utils._registry.errors import Denied, NameUnknown
from ansible_collections.strata.containers.plugins.module_utils._registry.http import (
    ConnectionOptions,
    HttpClient,
)
from ansible_collections.strata.containers.plugins.module_utils._registry.lookaside import BadLookaside, read_lookaside
from ansible_collections.strata.containers.plugins.module_utils._registry.retry import SYSTEM_CLOCK
from ansible_collections.strata.containers.plugins.module_utils._registry.signature_limits import TooManySignatures
from ansible_collections.strata.containers.plugins.module_utils._registry.urls import BadAddress
from ansible_collections.strata.containers.tests.unit.plugins.module_utils._registry.registry_script import basic_ping
from ansible_collections.strata.containers.tests.unit.plugins.module_utils._registry.scripted_server import (
    ScriptedServer,
)

MANIFEST = Digest.of(b"the manifest")
HEX = MANIFEST.hex
# What OpenPGP messages begin with; nobody looks further here.
ONE, TWO = b"\xa3\x01one", b"\x90\x0dtwo"
OPTIONS = ConnectionOptions(timeout=5, allow_http=True)
MIB4 = 4 * 1024 * 1024


@pytest.fixture
def server() -> Iterator[ScriptedServer]:
    with ScriptedServer() as server:
        yield server


def lookaside_path(number: int) -> str:
    return f"/sigs/ns/app@sha256={HEX}/signature-{number}"


def read(base: str, options: ConnectionOptions = OPTIONS) -> tuple[Signature, ...]:
    http = HttpClient(options)
    try:
        return read_lookaside(base, "ns/app", MANIFEST, http, SYSTEM_CLOCK)
    finally:
        http.close()


def refused(action: Callable[[], Any]) -> StrataError:
    with pytest.raises(StrataError) as caught:
        action()
    return caught.value


class TestFiles:
    @pytest.fixture
    def directory(self, tmp_path: Path) -> Path:
        directory = tmp_path / "a b" / "ns" / f"app@sha256={HEX}"
        directory.mkdir(parents=True)
        (directory / "signature-1").write_bytes(ONE)
        return directory

    def base(self, tmp_path: Path) -> str:
        return f"file://{tmp_path}/a%20b"

    def test_they_are_read_in_order_up_to_the_first_gap(self, directory: Path, tmp_path: Path) -> None:
        (directory / "signature-2").write_bytes(TWO)
        (directory / "signature-4").write_bytes(TWO)
        assert read(self.base(tmp_path)) == (SimpleSignature(ONE), SimpleSignature(TWO))

    def test_without_the_first_there_is_none(self, directory: Path, tmp_path: Path) -> None:
        (directory / "signature-1").rename(directory / "signature-2")
        assert read(self.base(tmp_path)) == ()

    def test_a_directory_that_is_not_there_holds_none(self, tmp_path: Path) -> None:
        assert read(f"file://{tmp_path}/none") == ()

    def test_a_framed_sigstore_signature_is_one(self, directory: Path, tmp_path: Path) -> None:
        signature = SigstoreSignature("m", b"payload", {"k": "v"})
        (directory / "signature-1").write_bytes(signature.blob)
        assert read(self.base(tmp_path)) == (signature,)

    @pytest.mark.parametrize("spelling", ["FILE://{}/a%20b", "file://{}/a%20b/", "file:{}/a%20b", "file://{}/a b?q#f"])
    def test_addresses_are_read_as_go_reads_them(self, directory: Path, tmp_path: Path, spelling: str) -> None:
        assert read(spelling.format(tmp_path)) == (SimpleSignature(ONE),)

    def test_a_path_may_have_any_bytes(self, directory: Path, tmp_path: Path) -> None:
        (tmp_path / "a b").rename(tmp_path / os.fsdecode(b"a\xfc"))
        assert read(f"file://{tmp_path}/a%FC") == (SimpleSignature(ONE),)

    @pytest.mark.parametrize("blob", [b"", b"-----BEGIN PGP MESSAGE-----", b"\x00other\n", b"{}"])
    def test_one_that_cannot_be_read_spoils_all(self, directory: Path, tmp_path: Path, blob: bytes) -> None:
        (directory / "signature-2").write_bytes(blob)
        error = refused(lambda: read(self.base(tmp_path)))
        assert isinstance(error, InvalidSignatureBlob) and error.subject.endswith("/signature-2")

    def test_a_file_that_cannot_be_read_is_an_error(self, directory: Path, tmp_path: Path) -> None:
        (directory / "signature-2").mkdir()
        assert isinstance(refused(lambda: read(self.base(tmp_path))), HostError)

    def test_a_file_has_four_mebibytes_at_most(self, directory: Path, tmp_path: Path) -> None:
        os.truncate(directory / "signature-1", MIB4)
        assert len(read(self.base(tmp_path))[0].blob) == MIB4
        os.truncate(directory / "signature-1", MIB4 + 1)
        assert refused(lambda: read(self.base(tmp_path))).code == "file_too_large"

    def test_there_are_127_at_most(self, directory: Path, tmp_path: Path) -> None:
        for number in range(2, 128):
            (directory / f"signature-{number}").write_bytes(ONE)
        assert len(read(self.base(tmp_path))) == 127
        (directory / "signature-128").write_bytes(ONE)
        assert isinstance(refused(lambda: read(self.base(tmp_path))), TooManySignatures)


@pytest.mark.parametrize(
    "base", ["/var/lib/sigs", "sigs", "", "ftp://host/x", "file:sigs", "http:///x", "file:///a%00b", "http://[::1/x"]
)
def test_other_addresses_are_refused(base: str) -> None:
    assert isinstance(refused(lambda: read(base)), BadLookaside)


class TestWeb:
    def test_404_ends_them(self, server: ScriptedServer) -> None:
        server.expect("GET", lookaside_path(1), body=ONE)
        server.expect("GET", lookaside_path(2), body=TWO, headers={"Content-Type": "text/html"})
        server.expect("GET", lookaside_path(3), status=404)
        assert read(f"{server.url}/sigs") == (SimpleSignature(ONE), SimpleSignature(TWO))

    def test_a_query_is_kept_and_the_path_is_escaped(self, server: ScriptedServer) -> None:
        server.expect("GET", f"/a%20%C3%A4//ns/app@sha256={HEX}/signature-1?key=1", status=404)
        assert read(f"{server.url}/a%20ä/?key=1#part") == ()

    def test_a_path_may_have_any_bytes(self, server: ScriptedServer) -> None:
        server.expect("GET", f"/a%FC/ns/app@sha256={HEX}/signature-1", status=404)
        assert read(f"{server.url}/a%FC") == ()

    @pytest.mark.parametrize("status", [204, 400, 401, 403, 410, 500, 503])
    def test_any_other_answer_is_an_error(self, server: ScriptedServer, status: int) -> None:
        server.expect("GET", lookaside_path(1), body=ONE)
        server.expect("GET", lookaside_path(2), status=status)
        error = refused(lambda: read(f"{server.url}/sigs"))
        assert isinstance(error, RemoteError) and error.status == status and "reading a signature" in str(error)

    def test_a_server_that_cannot_be_reached_is_named_with_what_was_wanted_of_it(self) -> None:
        with ScriptedServer() as server:
            gone = server.url
        error = refused(lambda: read(f"{gone}/sigs"))
        assert (error.code, error.subject) == ("registry_unreachable", gone + lookaside_path(1))
        assert error.message.startswith("reading a signature: ")

    def test_a_page_for_people_is_no_signature(self, server: ScriptedServer) -> None:
        server.expect("GET", lookaside_path(1), body=b"<html>login</html>", headers={"Content-Type": "text/html"})
        assert isinstance(refused(lambda: read(f"{server.url}/sigs")), InvalidSignatureBlob)

    def test_one_has_four_mebibytes_at_most(self, server: ScriptedServer) -> None:
        server.expect("GET", lookaside_path(1), body=ONE * 1024, endless=True, length=None)
        assert isinstance(refused(lambda: read(f"{server.url}/sigs")), BodyTooLarge)

    def test_a_server_without_end_is_left(self, server: ScriptedServer) -> None:
        for number in range(1, 129):
            server.expect("GET", lookaside_path(number), body=ONE)
        assert isinstance(refused(lambda: read(f"{server.url}/sigs")), TooManySignatures)

    def test_an_answer_that_ends_early_is_an_error(self, server: ScriptedServer) -> None:
        server.expect("GET", lookaside_path(1), body=ONE, cut=2)
        assert isinstance(refused(lambda: read(f"{server.url}/sigs")), RemoteError)

    def test_no_secret_of_the_address_is_in_an_error(self, server: ScriptedServer) -> None:
        server.expect("GET", lookaside_path(1) + "?token=secret", status=403)
        assert "secret" not in str(refused(lambda: read(f"{server.url}/sigs?token=secret")))

    def test_redirects_are_followed_without_credentials(self, server: ScriptedServer) -> None:
        server.expect("GET", lookaside_path(1), status=302, headers={"Location": "/other"})
        server.expect("GET", "/other", body=ONE, requires={"authorization": None})
        server.expect("GET", lookaside_path(2), status=404, requires={"authorization": None})
        assert read(f"{server.url}/sigs") == (SimpleSignature(ONE),)

    @pytest.mark.parametrize("target", ["file:///etc/passwd", "ftp://host/x"])
    def test_a_redirect_leads_to_no_file(self, server: ScriptedServer, target: str) -> None:
        server.expect("GET", lookaside_path(1), status=302, headers={"Location": target})
        assert isinstance(refused(lambda: read(f"{server.url}/sigs")), BadAddress)


def entry(content: bytes, **changes: Any) -> dict[str, Any]:
    text = base64.b64encode(content).decode()
    return {"schemaVersion": 2, "name": f"{MANIFEST}@x", "type": "atomic", "content": text, **changes}


def entry_of(text: object) -> dict[str, Any]:
    return {**entry(b""), "content": text}


class TestExtension:
    LIST = f"/extensions/v2/ns/app/signatures/{MANIFEST}"

    def signatures(self, server: ScriptedServer, body: object, tmp_path: Path) -> tuple[Signature, ...]:
        # The lookaside has one, which must not be looked at.
        directory = tmp_path / "ns" / f"app@sha256={HEX}"
        directory.mkdir(parents=True)
        (directory / "signature-1").write_bytes(TWO)
        server.expect("GET", "/v2/", headers={"X-Registry-Supports-Signatures": "1"})
        raw = body if isinstance(body, bytes) else json.dumps(body).encode()
        server.expect("GET", self.LIST, body=raw)
        client = RegistryClient(server.host, "ns/app", None, OPTIONS)
        return client.signatures(MANIFEST, f"file://{tmp_path}", attachments=False)

    def test_it_goes_before_the_lookaside(self, server: ScriptedServer, tmp_path: Path) -> None:
        assert self.signatures(server, {"signatures": [entry(ONE)]}, tmp_path) == (SimpleSignature(ONE),)

    @pytest.mark.parametrize("body", [{}, {"signatures": None}, {"signatures": []}, {"other": 1}])
    def test_an_empty_list_hides_the_lookaside_too(self, server: ScriptedServer, tmp_path: Path, body: object) -> None:
        assert self.signatures(server, body, tmp_path) == ()

    def test_other_versions_and_types_are_passed_over(self, server: ScriptedServer, tmp_path: Path) -> None:
        entries = [entry(b"-", schemaVersion=1), entry(b"-", type="other"), entry(TWO), {}]
        assert self.signatures(server, {"signatures": entries}, tmp_path) == (SimpleSignature(TWO),)

    @pytest.mark.parametrize(
        "body",
        [
            b"",
            b"[]",
            b"<html>",
            {"signatures": {}},
            {"signatures": ["x"]},
            {"signatures": [entry_of("*")]},
            {"signatures": [entry_of(None)]},
            {"signatures": [entry(b"-----BEGIN PGP SIGNED MESSAGE-----")]},
            {"signatures": [entry(SigstoreSignature("m", b"p", {}).blob)]},
            {"signatures": [entry(ONE), entry(b"")]},
        ],
    )
    def test_what_cannot_be_read_spoils_all(self, server: ScriptedServer, tmp_path: Path, body: object) -> None:
        assert isinstance(refused(lambda: self.signatures(server, body, tmp_path)), InvalidSignatureBlob)

    def test_there_are_127_at_most(self, server: ScriptedServer, tmp_path: Path) -> None:
        entries = [entry(ONE)] * 128
        assert isinstance(
            refused(lambda: self.signatures(server, {"signatures": entries}, tmp_path)), TooManySignatures
        )

    @pytest.mark.parametrize(("status", "leaf"), [(404, RemoteError), (403, Denied), (500, RemoteError)])
    def test_a_refusal_is_an_error(self, server: ScriptedServer, status: int, leaf: type[RemoteError]) -> None:
        server.expect("GET", "/v2/", headers={"X-Registry-Supports-Signatures": "1"})
        server.expect("GET", self.LIST, status=status)
        client = RegistryClient(server.host, "ns/app", None, OPTIONS)
        error = refused(lambda: client.signatures(MANIFEST, "file:///none", attachments=False))
        assert isinstance(error, leaf) and getattr(error, "status", 0) == status

    def test_the_credentials_of_the_registry_go_along(self, server: ScriptedServer) -> None:
        challenge = {"WWW-Authenticate": 'Basic realm="tests"', "X-Registry-Supports-Signatures": "1"}
        server.expect("GET", "/v2/", status=401, headers=challenge)
        sent = "Basic " + base64.b64encode(b"user:hunter2").decode()
        server.expect("GET", self.LIST, body=b"{}", requires={"authorization": sent})
        client = RegistryClient(server.host, "ns/app", Credentials("user", "hunter2"), OPTIONS)
        assert client.signatures(MANIFEST, "file:///none", attachments=False) == ()

    def test_a_registry_without_it_leaves_them_to_the_lookaside_which_gets_no_credentials(
        self, server: ScriptedServer
    ) -> None:
        basic_ping(server)
        server.expect("GET", lookaside_path(1), body=ONE, requires={"authorization": None})
        server.expect("GET", lookaside_path(2), status=404, requires={"authorization": None})
        client = RegistryClient(server.host, "ns/app", Credentials("user", "hunter2"), OPTIONS)
        assert client.signatures(MANIFEST, f"{server.url}/sigs", attachments=False) == (SimpleSignature(ONE),)


class TestAttachments:
    TAG = f"/v2/ns/app/manifests/sha256-{HEX}.sig"
    COSIGN = "application/vnd.dev.cosign.simplesigning.v1+json"

    def layer(self, payload: bytes, **changes: Any) -> dict[str, Any]:
        return {
            "mediaType": self.COSIGN,
            "digest": str(Digest.of(payload)),
            "size": len(payload),
            "annotations": {"dev.cosignproject.cosign/signature": "c2ln"},
            **changes,
        }

    def manifest(self, *layers: dict[str, Any]) -> bytes:
        config = {"mediaType": OCI_CONFIG, "digest": str(Digest.of(b"{}")), "size": 2}
        value = {"schemaVersion": 2, "mediaType": OCI_MANIFEST, "config": config, "layers": list(layers)}
        return json.dumps(value).encode()

    def signatures(self, server: ScriptedServer) -> tuple[Signature, ...]:
        client = RegistryClient(server.host, "ns/app", None, OPTIONS)
        return client.signatures(MANIFEST, "file:///none", attachments=True)

    def serve(self, server: ScriptedServer, *layers: dict[str, Any], **answer: Any) -> None:
        server.expect("GET", "/v2/")
        server.expect(
            "GET", self.TAG, **{"body": self.manifest(*layers), "headers": {"Content-Type": OCI_MANIFEST}, **answer}
        )

    def blob(self, server: ScriptedServer, payload: bytes, sent: bytes | None = None) -> None:
        server.expect("GET", f"/v2/ns/app/blobs/{Digest.of(payload)}", body=payload if sent is None else sent)

    def test_each_layer_is_one(self, server: ScriptedServer) -> None:
        self.serve(server, self.layer(b"one"), self.layer(b"two", mediaType="application/vnd.dsse.envelope.v1+json"))
        self.blob(server, b"one")
        self.blob(server, b"two")
        annotations = {"dev.cosignproject.cosign/signature": "c2ln"}
        assert self.signatures(server) == (
            SigstoreSignature(self.COSIGN, b"one", annotations),
            SigstoreSignature("application/vnd.dsse.envelope.v1+json", b"two", annotations),
        )

    def test_they_come_after_those_of_the_lookaside(self, server: ScriptedServer, tmp_path: Path) -> None:
        directory = tmp_path / "ns" / f"app@sha256={HEX}"
        directory.mkdir(parents=True)
        (directory / "signature-1").write_bytes(ONE)
        self.serve(server, self.layer(b"one"))
        self.blob(server, b"one")
        client = RegistryClient(server.host, "ns/app", None, OPTIONS)
        found = client.signatures(MANIFEST, f"file://{tmp_path}", attachments=True)
        assert [type(signature) for signature in found] == [SimpleSignature, SigstoreSignature]

    def test_without_the_tag_there_is_none(self, server: ScriptedServer) -> None:
        self.serve(server, status=404, body=b'{"errors":[{"code":"MANIFEST_UNKNOWN"}]}', headers={})
        assert self.signatures(server) == ()

    @pytest.mark.parametrize(
        ("status", "code", "leaf"),
        [(403, "DENIED", Denied), (404, "NAME_UNKNOWN", NameUnknown), (500, "", RemoteError)],
    )
    def test_a_refusal_is_an_error(
        self, server: ScriptedServer, status: int, code: str, leaf: type[RemoteError]
    ) -> None:
        body = json.dumps({"errors": [{"code": code}]}).encode()
        self.serve(server, status=status, body=body, headers={})
        assert isinstance(refused(lambda: self.signatures(server)), leaf)

    @pytest.mark.parametrize(
        "media_type", ["", "application/json", "application/vnd.docker.distribution.manifest.v2+json"]
    )
    def test_another_media_type_is_an_error(self, server: ScriptedServer, media_type: str) -> None:
        self.serve(server, self.layer(b"one"), headers={"Content-Type": media_type} if media_type else {})
        assert refused(lambda: self.signatures(server)).code in ("invalid_signature", "ambiguous_manifest")

    def test_a_payload_that_is_another_is_an_error(self, server: ScriptedServer) -> None:
        self.serve(server, self.layer(b"one"))
        self.blob(server, b"one", b"two")
        assert isinstance(refused(lambda: self.signatures(server)), DigestMismatch)

    def test_a_payload_of_another_length_is_an_error(self, server: ScriptedServer) -> None:
        self.serve(server, self.layer(b"one"))
        self.blob(server, b"one", b"longer")
        assert isinstance(refused(lambda: self.signatures(server)), SizeMismatch)

    def test_one_has_four_mebibytes_at_most(self, server: ScriptedServer) -> None:
        self.serve(server, self.layer(b"one", size=MIB4 + 1))
        error = refused(lambda: self.signatures(server))
        assert isinstance(error, InvalidAttachment) and error.code == "too_large"

    def test_there_are_127_at_most(self, server: ScriptedServer) -> None:
        self.serve(server, *[self.layer(b"one")] * 128)
        assert isinstance(refused(lambda: self.signatures(server)), TooManySignatures)
