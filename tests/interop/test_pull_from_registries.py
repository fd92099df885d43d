# Copyright (c) 2026, Strata contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""image_pull against docker-registry as it stands in the field: certificates, passwords, tokens; podman pulls beside it."""

from __future__ import annotations

import base64
import gzip
import json
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from lab.commands import CommandFailed, run
from lab.modules import ModuleResult, run_module
from lab.odd_images import GZIP, Entry, ImageLayout, make_tar
from lab.registry import Login, Registry, running_registry
from lab.stores import Store
from lab.token_service import running_token_registry

LOGIN = Login("user", "hunter2 & p\u00e4ss:w\u00f6rd")
IDENTITY = "identity+token/of=the tests"


@pytest.fixture(scope="module")
def layout(judges: None, tmp_path_factory: pytest.TempPathFactory) -> ImageLayout:
    layout = ImageLayout(str(tmp_path_factory.mktemp("layout")))
    layout.add_image("app", [(gzip.compress(make_tar([Entry("file", content=b"content" * 5000)]), mtime=0), GZIP)])
    return layout


@pytest.fixture(scope="module")
def secure(layout: ImageLayout, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Registry]:
    with running_registry(str(tmp_path_factory.mktemp("secure")), tls=True) as registry:
        _push(layout, registry, "team/app:1")
        yield registry


@pytest.fixture(scope="module")
def mutual(layout: ImageLayout, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Registry]:
    directory = tmp_path_factory.mktemp("mutual")
    with running_registry(str(directory), tls=True, client_certificates=True) as registry:
        _push(layout, registry, "team/app:1", certificates=_client_certificate(registry, directory / "client"))
        yield registry


@pytest.fixture(scope="module")
def private(layout: ImageLayout, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Registry]:
    with running_registry(str(tmp_path_factory.mktemp("private")), LOGIN) as registry:
        _push(layout, registry, "team/app:1", LOGIN)
        yield registry


@pytest.fixture(scope="module", params=[False, True], ids=["http", "https"])
def tokens(
    layout: ImageLayout, tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest
) -> Iterator[SimpleNamespace]:
    directory = tmp_path_factory.mktemp("tokens")
    with running_token_registry(str(directory / "tokens"), LOGIN, tls=request.param) as (registry, service):
        service.identity_token = IDENTITY
        for name in ("team/app:1", "public/app:1"):
            _push(layout, registry, name, LOGIN)
        trusted = directory / "trusted"
        trusted.mkdir()
        for number, ca_file in enumerate(filter(None, (registry.ca_file, service.ca_file))):
            shutil.copy(ca_file, trusted / f"{number}.crt")
        options = {"cert_dir": str(trusted)} if request.param else {"validate_certs": False}
        yield SimpleNamespace(registry=registry, service=service, options=options)


@pytest.fixture
def store(make_store: Callable[[str], Store]) -> Store:
    return make_store("store")


@pytest.fixture
def pull(store: Store, policy_file: str) -> Callable[..., ModuleResult]:
    """Pulls one image, without repeating what fails."""

    def run_pull(name: str, **options: Any) -> ModuleResult:
        return run_module(
            "image_pull",
            {**store.module_options(), "signature_policy": policy_file, "retries": 0, "name": name, **options},
        )

    return run_pull


class TestCertificates:
    def test_an_authority_in_cert_dir_opens_what_is_closed_without(
        self, secure: Registry, store: Store, pull: Callable[..., ModuleResult], tmp_path: Path
    ) -> None:
        name = secure.reference("team/app:1")
        refused = pull(name)
        assert refused.code == "tls_failed" and not refused.changed, refused.text
        with pytest.raises(CommandFailed, match="certificate signed by unknown authority"):
            store.podman("pull", name)
        trusted = _directory_with(tmp_path / "trusted", secure)
        for validate in ({}, {"validate_certs": True}):
            assert not pull(name, cert_dir=trusted, **validate).failed
        _check_present(store, name)

    def test_without_verification_any_certificate_will_do(
        self, secure: Registry, store: Store, pull: Callable[..., ModuleResult]
    ) -> None:
        assert pull(secure.reference("team/app:1"), validate_certs=False).changed
        _check_present(store, secure.reference("team/app:1"))

    @pytest.mark.parametrize("parent", ["/etc/containers/certs.d", "/etc/docker/certs.d"])
    def test_the_authority_of_a_registry_is_found_in_certs_d(
        self, secure: Registry, make_store: Callable[[str], Store], policy_file: str, parent: str
    ) -> None:
        name = secure.reference("team/app:1")
        ours, theirs = make_store("ours"), make_store("theirs")
        with _certs_d(parent, secure):
            theirs.podman("pull", "--quiet", name)
            arguments = {**ours.module_options(), "signature_policy": policy_file, "name": name}
            result = run_module("image_pull", arguments)
            assert result.changed, result.text
        refused = run_module("image_pull", {**arguments, "pull": "always"})
        assert refused.code == "tls_failed", refused.text

    def test_a_registry_that_wants_a_client_certificate_gets_it(
        self, mutual: Registry, store: Store, pull: Callable[..., ModuleResult], tmp_path: Path
    ) -> None:
        name = mutual.reference("team/app:1")
        refused = pull(name, cert_dir=_directory_with(tmp_path / "authority-only", mutual))
        assert refused.failed and not refused.changed and "Traceback" not in refused.text
        assert refused.code == "tls_failed", refused.text
        assert pull(name, cert_dir=_client_certificate(mutual, tmp_path / "whole")).changed
        _check_present(store, name)

    def test_half_a_client_certificate_names_the_half_that_is_missing(
        self, mutual: Registry, store: Store, pull: Callable[..., ModuleResult], tmp_path: Path
    ) -> None:
        directory = _client_certificate(mutual, tmp_path / "half")
        (tmp_path / "half" / "client.key").unlink()
        name = mutual.reference("team/app:1")
        refused = pull(name, cert_dir=directory)
        assert refused.failed and "client.key" in refused["msg"] and "client.cert" in refused["msg"]
        with pytest.raises(CommandFailed, match=r"missing key client\.key for client certificate client\.cert"):
            store.podman("pull", "--cert-dir", directory, name)


class TestPasswords:
    def test_the_options_open(
        self, private: Registry, store: Store, pull: Callable[..., ModuleResult], policy_file: str
    ) -> None:
        name = private.reference("team/app:1")
        options = {"validate_certs": False}
        assert pull(name, **options).code == "unauthorized"
        wrong = pull(name, **options, username=LOGIN.username, password="wr0ng-passw0rd")
        assert wrong.code == "unauthorized" and wrong["error"]["status"] == 401 and not wrong.changed
        assert pull(name, **options, username=LOGIN.username, password=LOGIN.password).changed
        _check_present(store, name)

    @pytest.mark.parametrize("key", ["{host}", "{host}/team", "{host}/team/app", "https://{host}/v1/"])
    def test_an_auth_file_opens_for_podman_and_for_us(
        self, private: Registry, make_store: Callable[[str], Store], policy_file: str, tmp_path: Path, key: str
    ) -> None:
        path = _auth_file(tmp_path, key.format(host=private.host), auth=_basic(LOGIN))
        name = private.reference("team/app:1")
        ours, theirs = make_store("ours"), make_store("theirs")
        theirs.podman("pull", "--quiet", "--tls-verify=false", "--authfile", path, name)
        options = {"signature_policy": policy_file, "validate_certs": False, "authfile": path}
        assert run_module("image_pull", {**ours.module_options(), **options, "name": name}).changed

    def test_the_credentials_of_another_namespace_stay_where_they_are(
        self, private: Registry, store: Store, pull: Callable[..., ModuleResult], tmp_path: Path
    ) -> None:
        path = _auth_file(tmp_path, f"{private.host}/other", auth=_basic(LOGIN))
        name = private.reference("team/app:1")
        assert pull(name, validate_certs=False, authfile=path).code == "unauthorized"
        with pytest.raises(CommandFailed, match="authentication required|unauthorized"):
            store.podman("pull", "--tls-verify=false", "--authfile", path, name)


class TestTokens:
    def test_a_public_image_is_anybodys(self, tokens: SimpleNamespace, pull: Callable[..., ModuleResult]) -> None:
        tokens.service.asked.clear()
        assert pull(tokens.registry.reference("public/app:1"), **tokens.options).changed
        (asked,) = tokens.service.asked
        assert asked["scope"] == ["repository:public/app:pull"] and "account" not in asked

    def test_a_private_image_opens_to_the_password_and_to_nobody_else(
        self, tokens: SimpleNamespace, store: Store, pull: Callable[..., ModuleResult]
    ) -> None:
        name = tokens.registry.reference("team/app:1")
        nobody = pull(name, **tokens.options)
        assert nobody.code == "unauthorized" and not nobody.changed, nobody.text
        wrong = pull(name, **tokens.options, username=LOGIN.username, password="wr0ng-passw0rd")
        assert wrong.code == "unauthorized" and "incorrect username or password" in wrong["msg"]
        assert pull(name, **tokens.options, username=LOGIN.username, password=LOGIN.password).changed
        _check_present(store, name)

    def test_an_identity_token_opens_by_a_form(
        self, tokens: SimpleNamespace, make_store: Callable[[str], Store], policy_file: str, tmp_path: Path
    ) -> None:
        """``docker login`` writes such an entry for services that give identity tokens."""
        registry, name = tokens.registry, tokens.registry.reference("team/app:1")
        nobody = base64.b64encode(b"00000000-0000-0000-0000-000000000000:").decode()
        path = _auth_file(tmp_path, registry.host, auth=nobody, identitytoken=IDENTITY)
        tls = ["--cert-dir", tokens.options["cert_dir"]] if registry.ca_file else ["--tls-verify=false"]
        forms = []
        for who in ("podman", "strata"):
            store = make_store(who)
            tokens.service.asked.clear()
            if who == "podman":
                store.podman("pull", "--quiet", *tls, "--authfile", path, name)
            else:
                options = {"signature_policy": policy_file, "authfile": path, **tokens.options}
                result = run_module("image_pull", {**store.module_options(), **options, "name": name})
                assert result.changed, result.text
            (form,) = tokens.service.asked
            forms.append({key: value for key, value in form.items() if key != "client_id"})
        assert forms[0] == forms[1]

    def test_a_stale_identity_token_is_unauthorized(
        self, tokens: SimpleNamespace, pull: Callable[..., ModuleResult], tmp_path: Path
    ) -> None:
        path = _auth_file(tmp_path, tokens.registry.host, auth=_basic(Login("x", "")), identitytoken="stale-token-1")
        refused = pull(tokens.registry.reference("team/app:1"), authfile=path, **tokens.options)
        assert refused.code == "unauthorized" and "incorrect refresh token" in refused["msg"], refused.text
        assert "stale-token-1" not in refused.text


def _push(
    layout: ImageLayout, registry: Registry, name: str, login: Login | None = None, certificates: str = ""
) -> None:
    credentials = [f"--dest-creds={login.username}:{login.password}"] if login else []
    directory = [f"--dest-cert-dir={certificates}"] if certificates else []
    run(
        ["skopeo", "--insecure-policy", "copy", "--dest-tls-verify=false", *credentials, *directory]
        + [f"oci:{layout.directory}:app", f"docker://{registry.reference(name)}"]
    )


def _check_present(store: Store, name: str) -> None:
    assert store.podman("image", "exists", name) == ""


def _directory_with(directory: Path, registry: Registry) -> str:
    """A directory as ``cert_dir`` wants it, with the authority of ``registry``."""
    assert registry.ca_file is not None
    directory.mkdir(parents=True)
    shutil.copy(registry.ca_file, directory / "authority.crt")
    return str(directory)


def _client_certificate(registry: Registry, directory: Path) -> str:
    """The same with a client certificate: that of the server, which the authority has signed without saying what for."""
    made = _directory_with(directory, registry)
    assert registry.ca_file is not None
    shutil.copy(Path(registry.ca_file).parent / "server.crt", directory / "client.cert")
    shutil.copy(Path(registry.ca_file).parent / "server.key", directory / "client.key")
    return made


@contextmanager
def _certs_d(parent: str, registry: Registry) -> Iterator[None]:
    """The authority of ``registry`` where the machine's own tools look for it, for as long as the context lasts.

    The directory is named by a port of the loopback interface that only this test uses.
    """
    above = Path(parent)
    made = [directory for directory in (above.parent, above) if not directory.exists()]
    directory = above / registry.host
    _directory_with(directory, registry)
    try:
        yield
    finally:
        shutil.rmtree(directory)
        for empty in reversed(made):
            empty.rmdir()


def _auth_file(directory: Path, key: str, **entry: str) -> str:
    path = directory / "auth.json"
    path.write_text(json.dumps({"auths": {key: entry}}), encoding="utf-8")
    return str(path)


def _basic(login: Login) -> str:
    return base64.b64encode(f"{login.username}:{login.password}".encode()).decode("ascii")
