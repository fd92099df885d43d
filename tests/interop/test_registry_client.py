# Copyright (c) 2026, Strata contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The registry client against the distribution's docker-registry, as skopeo fills and reads it."""

from __future__ import annotations

import gzip
import os
import shutil
import socket
import ssl
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pytest
from ansible_collections.strata.containers.plugins.module_utils._errors import RemoteError
from ansible_collections.strata.containers.plugins.module_utils._model.credentials import Credentials
from ansible_collections.strata.containers.plugins.module_utils._model.digest import Digest
from ansible_collections.strata.containers.plugins.module_utils._model.manifest import Manifest
from ansible_collections.strata.containers.plugins.module_utils._model.manifest_parser import parse_manifest
from ansible_collections.strata.containers.plugins.module_utils._model.reference import parse_reference
from ansible_collections.strata.containers.plugins.module_utils._registry.http import ConnectionOptions
from ansible_collections.strata.containers.plugins.module_utils._transport.docker import DockerEndpoint, DockerSource
from lab.commands import run
from lab.odd_images import GZIP, Entry, ImageLayout, make_tar
from lab.registry import Login, Registry, running_registry
from lab.token_service import TokenService, running_token_registry

JUDGES = ("docker-registry", "skopeo", "openssl", "htpasswd")
LOGIN = Login("user", "hunter2 & p\u00e4ss")
PLAIN = ConnectionOptions(timeout=10, verify=False, allow_http=True)
LAYER = gzip.compress(make_tar([Entry("file", content=os.urandom(3 << 20))]), mtime=0)


@pytest.fixture(scope="session", autouse=True)
def _tools() -> None:
    missing = [name for name in JUDGES if shutil.which(name) is None]
    if missing and os.environ.get("CI"):
        pytest.fail(f"missing: {', '.join(missing)}")
    if missing:
        pytest.skip(f"missing: {', '.join(missing)}")


@pytest.fixture(scope="module")
def layout(_tools: None, tmp_path_factory: pytest.TempPathFactory) -> ImageLayout:
    layout = ImageLayout(str(tmp_path_factory.mktemp("layout")))
    layout.add_image("app", [(LAYER, GZIP)])
    return layout


@pytest.fixture(scope="module")
def plain(layout: ImageLayout, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Registry]:
    with running_registry(str(tmp_path_factory.mktemp("plain"))) as registry:
        _push(layout, registry, "team/app:1")
        yield registry


@pytest.fixture(scope="module")
def private(layout: ImageLayout, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Registry]:
    with running_registry(str(tmp_path_factory.mktemp("private")), LOGIN) as registry:
        _push(layout, registry, "team/app:1", LOGIN)
        yield registry


@pytest.fixture(scope="module")
def secure(layout: ImageLayout, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Registry]:
    with running_registry(str(tmp_path_factory.mktemp("secure")), tls=True) as registry:
        _push(layout, registry, "team/app:1")
        yield registry


@pytest.fixture
def tokens(layout: ImageLayout, tmp_path: Path) -> Iterator[SimpleNamespace]:
    with running_token_registry(str(tmp_path / "tokens"), LOGIN) as (registry, service):
        _push(layout, registry, "team/app:1", LOGIN)
        _push(layout, registry, "public/app:1", LOGIN)
        service.asked.clear()
        service.issued.clear()
        yield SimpleNamespace(registry=registry, service=service)


def _push(layout: ImageLayout, registry: Registry, name: str, login: Login | None = None) -> None:
    credentials = [f"--dest-creds={login.username}:{login.password}"] if login else []
    run(
        ["skopeo", "--insecure-policy", "copy", "--dest-tls-verify=false", *credentials]
        + [f"oci:{layout.directory}:app", f"docker://{registry.reference(name)}"]
    )


def _source(
    registry: Registry, name: str, options: ConnectionOptions = PLAIN, login: Login | None = None
) -> DockerSource:
    credentials = Credentials(login.username, login.password, origin="the tests") if login else None
    return DockerSource([DockerEndpoint(parse_reference(registry.reference(name)), options, credentials)])


def _read_whole_image(source: DockerSource) -> Manifest:
    """Every byte of the image, each held against its digest."""
    raw, media_type = source.manifest()
    manifest = parse_manifest(raw, media_type)
    assert isinstance(manifest, Manifest)
    for descriptor in (manifest.config, *manifest.layers):
        data = b"".join(source.blob(descriptor))
        assert len(data) == descriptor.size and descriptor.digest.matches(data)
    return manifest


class TestHttp:
    def test_an_image_arrives_as_skopeo_sees_it(self, plain: Registry) -> None:
        source = _source(plain, "team/app:1")
        manifest = _read_whole_image(source)
        judged = run(["skopeo", "inspect", "--raw", "--tls-verify=false", f"docker://{plain.reference('team/app:1')}"])
        assert manifest.raw == judged.encode()
        assert manifest.layers[0].digest == Digest.of(LAYER)
        assert source.endpoint == plain.reference("team/app")
        source.close()

    def test_the_digest_of_a_tag_costs_one_head(self, plain: Registry) -> None:
        before = len(plain.requests())
        source = _source(plain, "team/app:1")
        digest = source.current_digest()
        assert _eventual_requests(plain, before, 2) == ["GET /v2/", "HEAD /v2/team/app/manifests/1"]
        assert digest is not None and digest.matches(source.manifest()[0])

    @pytest.mark.parametrize("name", ["team/app:none", "nobody/nothing:1"])
    def test_a_missing_image_is_manifest_unknown(self, plain: Registry, name: str) -> None:
        with pytest.raises(RemoteError, match=name) as caught:
            _source(plain, name).manifest()
        assert (caught.value.code, caught.value.status) == ("manifest_unknown", 404)

    def test_a_missing_blob_is_blob_unknown(self, plain: Registry) -> None:
        source = _source(plain, "team/app:1")
        manifest = parse_manifest(*source.manifest())
        assert isinstance(manifest, Manifest)
        absent = type(manifest.config)("application/octet-stream", Digest.of(b"absent"), 6)
        with pytest.raises(RemoteError, match=str(absent.digest)) as caught:
            list(source.blob(absent))
        assert caught.value.code == "blob_unknown"

    def test_https_is_not_given_up_unless_that_is_allowed(self, plain: Registry) -> None:
        with pytest.raises(RemoteError, match=plain.host) as caught:
            _source(plain, "team/app:1", ConnectionOptions(timeout=10)).manifest()
        assert caught.value.code == "tls_failed"

    def test_the_rest_of_a_blob_comes_by_range(self, plain: Registry, monkeypatch: pytest.MonkeyPatch) -> None:
        """The first connection is lost after half of the layer; docker-registry's own 206 completes it."""
        from ansible_collections.strata.containers.plugins.module_utils._registry import failures, http

        read = http.HttpResponse.read
        lost: list[int] = []

        def lossy(response: http.HttpResponse, size: int) -> bytes:
            remaining = response.remaining or 0
            if not lost and response.status == 200 and 1 << 20 < remaining < 2 << 20:
                lost.append(remaining)
                raise failures.ConnectionLost("cut by the test", retryable=True)
            return read(response, size)

        monkeypatch.setattr(http.HttpResponse, "read", lossy)
        _read_whole_image(_source(plain, "team/app:1"))
        assert len(lost) == 1


class TestBasic:
    def test_the_right_password_opens(self, private: Registry) -> None:
        source = _source(private, "team/app:1", login=LOGIN)
        _read_whole_image(source)
        assert source.credentials_origin == "the tests"

    @pytest.mark.parametrize(
        ("login", "text"),
        [(None, "asked without credentials"), (Login("user", "wr0ng"), "the credentials of user from the tests")],
    )
    def test_none_or_a_wrong_one_is_unauthorized(self, private: Registry, login: Login | None, text: str) -> None:
        with pytest.raises(RemoteError, match=text) as caught:
            _source(private, "team/app:1", login=login).manifest()
        assert caught.value.code == "unauthorized" and not caught.value.retryable
        assert "wr0ng" not in str(caught.value)


class TestTls:
    def test_an_authority_that_is_given_is_trusted(self, secure: Registry) -> None:
        assert secure.ca_file is not None
        _read_whole_image(_source(secure, "team/app:1", ConnectionOptions(timeout=10, ca_files=(secure.ca_file,))))

    def test_an_unknown_authority_is_not(self, secure: Registry, monkeypatch: pytest.MonkeyPatch) -> None:
        # A bundle of the library's is not asked either.
        assert secure.ca_file is not None
        monkeypatch.setenv("REQUESTS_CA_BUNDLE", secure.ca_file)
        with pytest.raises(
            RemoteError, match=f"{secure.host}: the certificate is not trusted: unable to get"
        ) as caught:
            _source(secure, "team/app:1", ConnectionOptions(timeout=10)).manifest()
        assert caught.value.code == "tls_failed" and not caught.value.retryable

    def test_another_name_than_that_of_the_certificate_is_not(self, secure: Registry) -> None:
        """The certificate is for 127.0.0.1 and localhost, and is shown at 127.0.0.2."""
        assert secure.ca_file is not None
        options = ConnectionOptions(timeout=10, ca_files=(secure.ca_file,))
        localhost = Registry(secure.host.replace("127.0.0.1", "localhost"), "", "")
        _read_whole_image(_source(localhost, "team/app:1", options))
        directory = Path(secure.ca_file).parent
        with _listening(directory / "server.crt", directory / "server.key", "127.0.0.2") as host:
            with pytest.raises(RemoteError, match="the certificate is not trusted: .*127.0.0.2") as caught:
                _source(Registry(host, "", ""), "team/app:1", options).manifest()
            assert caught.value.code == "tls_failed" and not caught.value.retryable

    def test_a_client_certificate_opens_a_registry_that_wants_one(
        self, layout: ImageLayout, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        directory = tmp_path / "mutual"
        monkeypatch.setenv("REGISTRY_HTTP_TLS_CLIENTCAS", f'["{directory}/ca.crt"]')
        with running_registry(str(directory), tls=True) as registry:
            assert registry.ca_file is not None
            trusting = ConnectionOptions(timeout=10, ca_files=(registry.ca_file,))
            with pytest.raises(RemoteError) as caught:
                _source(registry, "team/app:1", trusting).manifest()
            assert caught.value.code in ("tls_failed", "registry_unreachable")
            certificate = (str(directory / "server.crt"), str(directory / "server.key"))
            with pytest.raises(RemoteError) as caught:
                _source(registry, "team/app:1", replace(trusting, client_certificate=certificate)).manifest()
            assert caught.value.code == "manifest_unknown"

    def test_without_verification_it_opens_and_stays_encrypted(self, secure: Registry) -> None:
        before = len(secure.requests())
        _read_whole_image(_source(secure, "team/app:1"))
        assert _eventual_requests(secure, before, 4)[0] == "GET /v2/"


class TestTokens:
    def test_a_public_image_needs_no_password(self, tokens: SimpleNamespace) -> None:
        _read_whole_image(_source(tokens.registry, "public/app:1"))
        assert tokens.service.asked == [
            {"kept": ["yes"], "service": ["tests"], "scope": ["repository:public/app:pull"]}
        ]

    def test_a_private_image_opens_to_the_password_with_one_token(self, tokens: SimpleNamespace) -> None:
        _read_whole_image(_source(tokens.registry, "team/app:1", login=LOGIN))
        assert [query["account"] for query in tokens.service.asked] == [["user"]]

    def test_a_private_image_is_unauthorized_without(self, tokens: SimpleNamespace) -> None:
        with pytest.raises(RemoteError, match=r"team/app:1: .*asked without credentials") as caught:
            _source(tokens.registry, "team/app:1").manifest()
        assert caught.value.code == "unauthorized"

    def test_a_wrong_password_is_told_by_the_service(self, tokens: SimpleNamespace) -> None:
        with pytest.raises(RemoteError, match="incorrect username or password") as caught:
            _source(tokens.registry, "team/app:1", login=Login("user", "wr0ng")).manifest()
        assert caught.value.code == "unauthorized" and "wr0ng" not in str(caught.value)

    def test_no_secret_reaches_the_wrong_server(self, tokens: SimpleNamespace) -> None:
        """The password is the token service's, the tokens are the registry's, and neither is in any text of ours."""
        source = _source(tokens.registry, "team/app:1", login=LOGIN)
        _read_whole_image(source)
        service: TokenService = tokens.service
        log = Path(tokens.registry.log).read_text(encoding="utf-8", errors="replace")
        assert LOGIN.password not in log
        assert [token for token in service.issued if token in log + repr(source) + repr(vars(source))] == []


@contextmanager
def _listening(certificate: Path, key: Path, address: str) -> Iterator[str]:
    """A TLS server that shows ``certificate`` and does not live to say anything."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    with socket.create_server((address, 0)) as listener:

        def serve() -> None:
            connection, _address = listener.accept()
            with connection, suppress(OSError):
                context.wrap_socket(connection, server_side=True).recv(1)

        threading.Thread(target=serve, daemon=True).start()
        yield f"{address}:{listener.getsockname()[1]}"


def _eventual_requests(registry: Registry, before: int, count: int) -> list[str]:
    """The requests after the first ``before``; the registry writes its log a moment after it answered."""
    deadline = time.monotonic() + 30
    while len(registry.requests()) < before + count and time.monotonic() < deadline:
        time.sleep(0.05)
    return registry.requests()[before:]
