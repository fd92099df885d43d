# Copyright (c) 2026, Strata contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""image_pull where only a proxy leads to the registry: the proxy alone knows its name; podman is asked the same."""

from __future__ import annotations

import gzip
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from lab.commands import CommandFailed, run
from lab.fixtures import push
from lab.modules import ModuleResult, run_module
from lab.odd_images import GZIP, Entry, ImageLayout, make_tar
from lab.proxy import Proxy
from lab.registry import Login, Registry, free_port, make_certificates, running_registry
from lab.stores import Store

# No name server knows it, and none is asked: the proxy leads the way.
NAME = "registry.tests.invalid"
LOGIN = Login("proxy user", "p@ss:w/rd%")


@pytest.fixture(scope="module")
def layout(judges: None, tmp_path_factory: pytest.TempPathFactory) -> ImageLayout:
    layout = ImageLayout(str(tmp_path_factory.mktemp("layout")))
    layout.add_image("app", [(gzip.compress(make_tar([Entry("file", content=b"content" * 5000)]), mtime=0), GZIP)])
    return layout


@pytest.fixture(autouse=True)
def _no_proxy_of_this_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "https_proxy", "no_proxy", "all_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)


@pytest.fixture(scope="module")
def plain(layout: ImageLayout, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Registry]:
    with running_registry(str(tmp_path_factory.mktemp("plain"))) as registry:
        push(layout, "app", registry.reference("team/app:1"))
        yield registry


@pytest.fixture(scope="module")
def secure(layout: ImageLayout, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Registry]:
    with running_registry(str(tmp_path_factory.mktemp("secure")), tls=True, names=[NAME]) as registry:
        push(layout, "app", registry.reference("team/app:1"))
        yield registry


@pytest.fixture
def pull(
    make_store: Callable[[str], Store], policy_file: str, tmp_path: Path
) -> Callable[..., tuple[ModuleResult, bool]]:
    """Pulls one image with variables of the environment into a new store; and whether podman could do the same."""
    number = 0

    def run_pull(name: str, env: dict[str, str], ca_file: str | None = None, **more: Any) -> tuple[ModuleResult, bool]:
        nonlocal number
        number += 1
        ours, theirs = make_store(f"ours{number}"), make_store(f"theirs{number}")
        options: dict[str, Any] = {"validate_certs": False}
        tls = ["--tls-verify=false"]
        if ca_file:
            trusted = tmp_path / f"trusted{number}"
            trusted.mkdir()
            shutil.copy(ca_file, trusted / "authority.crt")
            options, tls = {"cert_dir": str(trusted)}, ["--cert-dir", str(trusted)]
        if "validate_certs" in more:
            tls.append("--tls-verify=false")
        arguments = {"signature_policy": policy_file, "retries": 0, "timeout": 10, "name": name, **options, **more}
        result = run_module("image_pull", {**ours.module_options(), **arguments}, env=env)
        try:
            run(theirs.podman_command("pull", "--quiet", *tls, name), env=env)
        except CommandFailed:
            return result, False
        return result, True

    return run_pull


def test_an_https_registry_is_reached_by_a_tunnel(
    secure: Registry, pull: Callable[..., tuple[ModuleResult, bool]]
) -> None:
    with Proxy({f"{NAME}:5000": secure.host}) as proxy:
        result, judged = pull(f"{NAME}:5000/team/app:1", proxy.environment(), secure.ca_file)
        assert result.changed and judged, result.text
        asked = proxy.asked
        assert {(entry.method, entry.target) for entry in asked} == {("CONNECT", f"{NAME}:5000")}
        # What is for the registry is not for the proxy.
        assert all(not entry.header("Authorization") and not entry.header("Accept") for entry in asked)


def test_an_http_registry_is_asked_for_in_absolute_form(
    plain: Registry, pull: Callable[..., tuple[ModuleResult, bool]]
) -> None:
    with Proxy({f"{NAME}:5000": plain.host}) as proxy:
        result, judged = pull(f"{NAME}:5000/team/app:1", proxy.environment())
        assert result.changed and judged, result.text
        assert f"GET http://{NAME}:5000/v2/team/app/manifests/1" in proxy.requests()


@pytest.mark.parametrize("scheme", ["http", "https"])
def test_a_proxy_that_wants_a_password_gets_it(
    plain: Registry, secure: Registry, pull: Callable[..., tuple[ModuleResult, bool]], scheme: str
) -> None:
    registry = secure if scheme == "https" else plain
    with Proxy({f"{NAME}:5000": registry.host}, LOGIN) as proxy:
        result, judged = pull(f"{NAME}:5000/team/app:1", proxy.environment(LOGIN), registry.ca_file)
        assert result.changed and judged, result.text
        for wrong in (None, Login("proxy user", "wr0ng-passw0rd")):
            result, judged = pull(f"{NAME}:5000/team/app:1", proxy.environment(wrong), registry.ca_file)
            assert result.failed and not judged and "Traceback" not in result.text
            assert "407" in result["msg"] and "wr0ng" not in result.text, result.text
            assert result.code == "registry_unreachable", result.text


@pytest.mark.parametrize("scheme", ["http", "https"])
def test_a_proxy_is_spoken_to_in_tls_where_its_address_says_so(
    plain: Registry, secure: Registry, pull: Callable[..., tuple[ModuleResult, bool]], scheme: str
) -> None:
    registry = secure if scheme == "https" else plain
    authority = Path(secure.ca_file or "")
    certificate = str(authority.with_name("server.crt")), str(authority.with_name("server.key"))
    with Proxy({f"{NAME}:5000": registry.host}, LOGIN, certificate) as proxy:
        options = {"validate_certs": False} if scheme == "http" else {}
        result, judged = pull(f"{NAME}:5000/team/app:1", proxy.environment(LOGIN), str(authority), **options)
        assert result.changed and judged, result.text
        asked = {(entry.method, entry.target.partition("/v2/")[0]) for entry in proxy.asked}
        tunnel, whole = ("CONNECT", f"{NAME}:5000"), ("GET", f"http://{NAME}:5000")
        assert (tunnel in asked) and (whole in asked) is (scheme == "http"), asked


def test_a_proxy_whose_certificate_is_not_trusted_is_not_used(
    secure: Registry, plain: Registry, pull: Callable[..., tuple[ModuleResult, bool]], tmp_path: Path
) -> None:
    _authority, certificate, key = make_certificates(str(tmp_path))
    with Proxy({f"{NAME}:5000": secure.host}, certificate=(certificate, key)) as proxy:
        result, judged = pull(f"{NAME}:5000/team/app:1", proxy.environment(), secure.ca_file)
        assert result.failed and not judged and proxy.asked == [], result.text
        assert "certificate is not trusted" in result["msg"] and "proxy" in result["msg"], result["msg"]


def test_a_socks_proxy_needs_a_library(pull: Callable[..., tuple[ModuleResult, bool]]) -> None:
    result, _judged = pull(f"{NAME}:5000/team/app:1", {"HTTPS_PROXY": "socks5://user:s3cret-p4ss@127.0.0.1:1"})
    assert result.code == "missing_library" and "s3cret" not in result.text
    assert "PySocks" in result["msg"] and "SOCKS proxy" in result["msg"], result["msg"]


def test_a_proxy_that_is_not_there_is_told_apart_from_the_registry(
    pull: Callable[..., tuple[ModuleResult, bool]],
) -> None:
    address = f"127.0.0.1:{free_port()}"
    result, judged = pull(f"{NAME}:5000/team/app:1", {"HTTPS_PROXY": f"http://user:s3cret-p4ss@{address}"})
    assert result.code == "registry_unreachable" and not judged
    assert "s3cret-p4ss" not in result.text
    assert "proxy" in result["msg"], result["msg"]


@pytest.mark.parametrize(
    ("variables", "through"),
    [
        ({"HTTPS_PROXY": "{url}"}, True),
        ({"https_proxy": "{url}"}, True),
        ({"HTTPS_PROXY": "{host}"}, True),
        ({"HTTP_PROXY": "{url}"}, False),
        ({"HTTPS_PROXY": "{url}", "NO_PROXY": NAME}, False),
        ({"HTTPS_PROXY": "{url}", "no_proxy": "tests.invalid"}, False),
        ({"HTTPS_PROXY": "{url}", "NO_PROXY": ".tests.invalid"}, False),
        ({"HTTPS_PROXY": "{url}", "NO_PROXY": "*.tests.invalid"}, False),
        ({"HTTPS_PROXY": "{url}", "NO_PROXY": "*"}, False),
        ({"HTTPS_PROXY": "{url}", "NO_PROXY": f"{NAME}:5000"}, False),
        ({"HTTPS_PROXY": "{url}", "NO_PROXY": f"{NAME}:5001"}, True),
        ({"HTTPS_PROXY": "{url}", "NO_PROXY": f"other.example.com, {NAME.upper()}"}, False),
        ({"HTTPS_PROXY": "{url}", "NO_PROXY": "ests.invalid"}, True),
        ({"HTTPS_PROXY": "{url}", "NO_PROXY": f".{NAME}"}, True),
    ],
)
def test_the_variables_are_read_as_podman_reads_them(
    pull: Callable[..., tuple[ModuleResult, bool]], variables: dict[str, str], through: bool
) -> None:
    """Nobody is behind the proxy; that it was asked, or was not, is what counts."""
    with Proxy({}) as proxy:
        env = {key: text.format(url=proxy.url(), host=proxy.host) for key, text in variables.items()}
        result, judged = pull(f"{NAME}:5000/team/app:1", env)
        assert result.failed and not judged
        theirs = [entry for entry in proxy.asked if entry.header("User-Agent").startswith(("Go-", "containers/"))]
        ours = [entry for entry in proxy.asked if entry not in theirs]
        # Where https fails, an insecure registry is asked over http too; the other variable leads that to the proxy.
        asked = [{entry.method for entry in entries} & {"CONNECT"} for entries in (ours, theirs)]
        assert [bool(methods) for methods in asked] == [through, through], proxy.asked


@contextmanager
def _address_of_this_host(address: str) -> Iterator[None]:
    """An address outside of 127.0.0.0/8 that leads to this host and nowhere else; loopback addresses never meet a proxy."""
    # A run of the tests that was killed may have left it.
    run(["ip", "address", "replace", f"{address}/32", "dev", "lo"])
    try:
        yield
    finally:
        run(["ip", "address", "del", f"{address}/32", "dev", "lo"])


@pytest.mark.parametrize("without", ["10.231.77.1", "10.231.77.0/24", "10.231.77.1:{port}", "10.0.0.0/8,other"])
def test_an_address_that_needs_no_proxy_is_reached_directly(
    layout: ImageLayout,
    pull: Callable[..., tuple[ModuleResult, bool]],
    tmp_path: Path,
    without: str,
) -> None:
    address = "10.231.77.1"
    with _address_of_this_host(address), running_registry(str(tmp_path / "near"), address=address) as registry:
        push(layout, "app", registry.reference("team/app:1"))
        with Proxy({registry.host: registry.host}) as proxy:
            name = registry.reference("team/app:1")
            port = registry.host.rpartition(":")[2]
            result, judged = pull(name, {**proxy.environment(), "NO_PROXY": without.format(port=port)})
            assert result.changed and judged and proxy.asked == [], result.text
            result, judged = pull(name, {**proxy.environment(), "NO_PROXY": "10.231.78.0/24"})
            assert result.changed and judged and proxy.asked != [], result.text


def test_the_loopback_interface_is_never_asked_through_a_proxy(
    plain: Registry, pull: Callable[..., tuple[ModuleResult, bool]]
) -> None:
    with Proxy({plain.host: plain.host}) as proxy:
        result, judged = pull(plain.reference("team/app:1"), proxy.environment())
        assert result.changed and judged and proxy.asked == []
