# Copyright (c) 2026, Strata contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The table of faults, connections: who cannot be reached, cannot prove who it is, or sends us elsewhere."""

from __future__ import annotations

import ssl
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from lab.fault_bench import EACH_COPY, ONCE, RETRIES, FaultBench, repeated, row
from lab.registry import free_port, make_certificates
from lab.scripted_registry import REPOSITORY, ScriptedRegistry, ScriptedServer, make_image, small_layer

LAYER = small_layer()
IMAGE = make_image([LAYER])
MANIFEST_PATH = "/v2/team/app/manifests/1"
ELSEWHERE = "registry.invalid/team/app:1"


class TestUnreachable:
    def test_row_27_nobody_listens(self, bench: FaultBench) -> None:
        host = f"127.0.0.1:{free_port()}"
        result = bench.pull(name=f"{host}/{REPOSITORY}:1")
        bench.refused(result, "registry_unreachable", host, "refused")
        assert repeated(result) == RETRIES

    @pytest.mark.parametrize(
        ("path", "fault", "asked"),
        [
            row(27, "a_reset_of_the_ping", "/v2/", {"reset": True}, EACH_COPY),
            row(27, "no_answer_to_the_ping", "/v2/", {"raw": b""}, EACH_COPY),
            # The first goes out on the connection of the ping, which the server may have closed before: it is sent anew.
            row(27, "a_reset_of_a_request", MANIFEST_PATH, {"reset": True}, EACH_COPY + 1),
            row(27, "no_answer_to_a_request", MANIFEST_PATH, {"raw": b""}, EACH_COPY + 1),
        ],
    )
    def test_a_connection_that_breaks_before_the_answer(
        self, bench: FaultBench, path: str, fault: dict[str, Any], asked: int
    ) -> None:
        bench.registry.expect("GET", path, times=None, **fault)
        bench.registry.serve(IMAGE)
        bench.refused(bench.pull(), "registry_unreachable", bench.registry.host)
        assert bench.registry.asked(path) == asked

    def test_row_27_silence(self, bench: FaultBench) -> None:
        bench.registry.expect("GET", "/v2/", gate=threading.Event(), times=None)
        result = bench.pull(timeout=1, retries=1)
        bench.refused(result, "registry_unreachable", bench.registry.host, "within 1 seconds")
        assert bench.registry.asked("/v2/") == 2

    def test_row_27_an_unreachable_registry_that_comes_back_is_retried(self, bench: FaultBench) -> None:
        bench.registry.expect("GET", "/v2/", reset=True, times=RETRIES)
        bench.registry.serve(IMAGE)
        assert bench.pull().changed
        assert bench.registry.asked("/v2/") == EACH_COPY

    @pytest.mark.parametrize(
        ("hosts", "retries"),
        [
            row(28, "no_such_name", "files", 0),
            row(28, "a_name_server_that_is_away", "dns", RETRIES),
        ],
    )
    def test_a_name_that_is_not_found(self, bench: FaultBench, hosts: str, retries: int) -> None:
        """The machine's own name service takes no part: within a mount name space files of the test lie over its own."""
        switch = bench.write("nsswitch.conf", f"hosts: {hosts}\n")
        # An address of loopback where nobody listens, so that the answer is at once that there is none.
        resolver = bench.write("resolv.conf", "nameserver 127.9.9.9\noptions timeout:1 attempts:1\n")
        script = 'mount --bind "$0" /etc/nsswitch.conf && mount --bind "$1" /etc/resolv.conf && shift && exec "$@"'
        result = bench.pull(name=ELSEWHERE, prefix=["unshare", "-m", "sh", "-c", script, switch, resolver])
        bench.refused(result, "registry_unreachable", "registry.invalid", "not found")
        assert repeated(result) == retries

    def test_row_09_mirrors_are_asked_again_in_order_in_each_copy(self, bench: FaultBench) -> None:
        with ScriptedRegistry() as mirror:
            for server in (mirror, bench.registry):
                server.ping()
                server.expect("GET", MANIFEST_PATH, status=503, times=None)
            conf = (
                f'[[registry]]\nlocation = "{bench.registry.host}"\n[[registry.mirror]]\nlocation = "{mirror.host}"\n'
            )
            bench.refused(bench.pull(registries_conf=bench.write("mirror.conf", conf)), "registry_error", mirror.host)
            asked = [
                (request.moment, name)
                for name, server in (("mirror", mirror), ("registry", bench.registry))
                for request in server.requests
                if request.path == MANIFEST_PATH
            ]
        assert [name for _moment, name in sorted(asked)] == ["mirror", "registry"] * EACH_COPY


@pytest.fixture
def secure(tmp_path: Path) -> Callable[..., tuple[ScriptedRegistry, str]]:
    """Makes a registry that speaks https, and the directory with the authority of its certificate."""

    def make(**certificate: Any) -> tuple[ScriptedRegistry, str]:
        for name in ("certificates", "trusted"):
            (tmp_path / name).mkdir()
        authority, chain, key = make_certificates(str(tmp_path / "certificates"), **certificate)
        (tmp_path / "trusted" / "tests.crt").write_bytes(Path(authority).read_bytes())
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(chain, key)
        return ScriptedRegistry(context), str(tmp_path / "trusted")

    return make


class TestTls:
    @pytest.mark.parametrize(
        ("certificate", "trusted", "words"),
        [
            row(29, "an_unknown_authority", {}, False, ["not trusted"]),
            row(29, "another_name", {"names": "DNS:other.example.com"}, True, ["127.0.0.1"]),
            row(29, "expired", {"days": -1}, True, ["expired"]),
        ],
    )
    def test_a_server_that_does_not_prove_who_it_is(
        self,
        bench: FaultBench,
        secure: Callable[..., tuple[ScriptedRegistry, str]],
        certificate: dict[str, Any],
        trusted: bool,
        words: list[str],
    ) -> None:
        registry, directory = secure(**certificate)
        with registry:
            options = {"cert_dir": directory} if trusted else {}
            result = bench.pull(name=registry.reference(), validate_certs=None, **options)
            bench.refused(result, "tls_failed", registry.host, *words)
            assert (registry.connections, registry.requests) == (ONCE, [])

    @pytest.mark.parametrize(
        "validate_certs", [row(30, "as_registries_conf_has_it", None), row(30, "as_the_task_wants_it", True)]
    )
    def test_plain_http_where_https_is_wanted(self, bench: FaultBench, validate_certs: Any) -> None:
        result = bench.pull(validate_certs=validate_certs)
        bench.refused(result, "tls_failed", bench.registry.host, "plain http")
        assert (bench.registry.connections, bench.registry.requests) == (ONCE, [])

    @pytest.mark.parametrize(
        ("file", "words"),
        [
            row(31, "without_its_key", "client.cert", ["missing key client.key for client certificate client.cert"]),
            row(31, "key_without_certificate", "client.key", ["client.cert"]),
            row(31, "an_authority_that_is_none", "authority.crt", ["authority.crt"]),
        ],
    )
    def test_certificate_files_that_cannot_be_used(
        self, bench: FaultBench, tmp_path: Path, file: str, words: list[str]
    ) -> None:
        directory = tmp_path / "certs"
        directory.mkdir()
        (directory / file).write_text("no certificate", encoding="utf-8")
        result = bench.pull(cert_dir=str(directory), validate_certs=True)
        bench.refused(result, "invalid_config", str(directory), *words)
        assert bench.registry.connections == 0


class TestRedirects:
    @pytest.mark.parametrize(
        "path", [row(32, "of_a_manifest", MANIFEST_PATH), row(32, "of_a_blob", ScriptedRegistry.blob_path(LAYER))]
    )
    def test_a_loop(self, bench: FaultBench, path: str) -> None:
        bench.registry.expect("GET", path, status=307, headers={"Location": path}, times=None)
        bench.registry.serve(IMAGE)
        bench.refused(bench.pull(), "unsafe_redirect", "stopped after 10 redirects")
        assert bench.registry.asked(path) == 11

    @pytest.mark.parametrize(
        ("location", "code"),
        [
            row(33, "ftp", "ftp://{host}/file", "bad_address"),
            row(33, "a_file", "file:///etc/passwd", "bad_address"),
            row(33, "another_user", "http://user:secret-of-the-server@{host}/file", "bad_address"),
            row(33, "nowhere", "http://[", "bad_address"),
        ],
    )
    def test_an_address_that_is_not_gone_to(self, bench: FaultBench, location: str, code: str) -> None:
        path = bench.registry.blob_path(LAYER)
        target = location.format(host=bench.registry.host)
        bench.registry.expect("GET", path, status=307, headers={"Location": target}, times=None)
        bench.registry.serve(IMAGE)
        result = bench.pull()
        bench.refused(result, code)
        assert "secret-of-the-server" not in result.text
        assert bench.registry.asked(path) == ONCE

    def test_row_33_https_does_not_become_http(
        self, bench: FaultBench, secure: Callable[..., tuple[ScriptedRegistry, str]]
    ) -> None:
        registry, trusted = secure()
        with registry:
            path = registry.blob_path(LAYER)
            target = f"{bench.registry.url}/file?X-Signature=secret-of-the-server"
            registry.expect("GET", path, status=307, headers={"Location": target})
            registry.serve(IMAGE)
            options = {"name": registry.reference(), "cert_dir": trusted, "validate_certs": True}
            result = bench.pull(**options)
            bench.refused(result, "unsafe_redirect", bench.registry.host)
            assert "secret-of-the-server" not in result.text
            assert (registry.asked(path), bench.registry.connections) == (ONCE, 0)
            # The same registry without the redirect is one that can be pulled from.
            assert bench.pull(**options).changed


class TestProxies:
    @pytest.mark.parametrize(
        "status", [row(34, "a_gateway", 502), row(34, "another_user", 407), row(34, "nobody", 403)]
    )
    def test_a_proxy_that_refuses(self, bench: FaultBench, status: int) -> None:
        with ScriptedServer() as proxy:
            proxy.expect("CONNECT", "registry.invalid:443", status=status, body=b"no")
            address = f"http://user:secret-of-the-proxy@{proxy.host}"
            result = bench.pull(name=ELSEWHERE, validate_certs=True, env={"https_proxy": address})
            bench.refused(result, "registry_unreachable", "registry.invalid", "proxy", str(status))
            assert "secret-of-the-proxy" not in result.text
            assert len(proxy.requests) == ONCE

    def test_row_34_a_proxy_that_is_away_may_come_back(self, bench: FaultBench) -> None:
        address = f"http://user:secret-of-the-proxy@127.0.0.1:{free_port()}"
        result = bench.pull(name=ELSEWHERE, validate_certs=True, env={"https_proxy": address})
        bench.refused(result, "registry_unreachable", "refused")
        assert "secret-of-the-proxy" not in result.text
        assert repeated(result) == RETRIES


def test_row_35_a_blocked_registry_is_not_asked(bench: FaultBench) -> None:
    conf = bench.write("blocked.conf", f'[[registry]]\nlocation = "{bench.registry.host}"\nblocked = true\n')
    bench.refused(bench.pull(registries_conf=conf), "registry_blocked", bench.registry.host, conf)
    assert bench.registry.connections == 0
