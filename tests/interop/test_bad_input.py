# Copyright (c) 2026, Strata contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Bad input gives one clear error: a code word, the object, nothing changed, nothing left in the store, no traceback."""

from __future__ import annotations

import gzip
import json
import os
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from lab.collection import collections_root
from lab.commands import run
from lab.fixtures import push
from lab.modules import ModuleResult, run_module
from lab.odd_images import GZIP, PLAIN, ZSTD, Entry, ImageLayout, make_tar
from lab.refusals import check_refusal, store_leftovers
from lab.registry import Login, Registry, free_port, running_registry
from lab.stores import Store, mounts_below

_TAR = make_tar([Entry("file", content=b"content" * 5000)])


@pytest.fixture
def store(make_store: Callable[[str], Store]) -> Store:
    return make_store("store")


@pytest.fixture
def layout(tmp_path: Path) -> ImageLayout:
    return ImageLayout(str(tmp_path / "layout"))


def _pull(store: Store, options: dict[str, Any], name: str, **more: Any) -> ModuleResult:
    return run_module("image_pull", {**store.module_options(), "retries": 0, **options, "name": name, **more})


class TestNames:
    @pytest.mark.parametrize(
        ("name", "code"),
        [
            ("docker.io/library/UPPER", "invalid_reference"),
            ("registry.example.com/a//b", "invalid_reference"),
            ("", "invalid_reference"),
            ("a" * 64, "image_id_not_a_name"),
            ("registry.example.com/app@sha256:abc", "invalid_reference"),
        ],
    )
    def test_a_malformed_reference(self, store: Store, pull_options: dict[str, Any], name: str, code: str) -> None:
        check_refusal(_pull(store, pull_options, name), store, code)

    def test_a_tag_given_twice(self, store: Store, pull_options: dict[str, Any]) -> None:
        result = _pull(store, pull_options, "registry.example.com/app:1", tag="2")
        check_refusal(result, store, "tag_given_twice", "registry.example.com/app:1")

    def test_an_unknown_container(self, store: Store) -> None:
        result = run_module("container_mount", {**store.module_options(), "name": "nobody"})
        check_refusal(result, store, "unknown_container", "nobody")
        gone = run_module("container_mount", {**store.module_options(), "name": "nobody", "state": "unmounted"})
        assert not gone.failed and not gone.changed

    def test_an_unknown_image(self, store: Store) -> None:
        result = run_module("container_create", {**store.module_options(), "image": "nothing", "name": "x"})
        check_refusal(result, store, "unknown_image", "nothing")

    def test_an_absent_image_that_must_not_be_pulled(self, store: Store, pull_options: dict[str, Any]) -> None:
        result = _pull(store, pull_options, "registry.example.com/app:1", pull="never")
        check_refusal(result, store, "not_present", "registry.example.com/app:1")


class TestServers:
    def test_an_unknown_host(self, store: Store, pull_options: dict[str, Any]) -> None:
        result = _pull(store, pull_options, "no-such-host.invalid/app:1")
        check_refusal(result, store, "registry_unreachable", "no-such-host.invalid")

    def test_an_unreachable_server(self, store: Store, pull_options: dict[str, Any]) -> None:
        host = f"127.0.0.1:{free_port()}"
        check_refusal(_pull(store, pull_options, f"{host}/app:1"), store, "registry_unreachable", host)

    def test_a_server_that_is_no_registry(self, store: Store, pull_options: dict[str, Any], web_server: str) -> None:
        check_refusal(_pull(store, pull_options, f"{web_server}/app:1"), store, "not_a_registry", web_server)

    def test_a_missing_tag_and_a_missing_repository(
        self, registry: Registry, store: Store, pull_options: dict[str, Any]
    ) -> None:
        result = _pull(store, pull_options, registry.reference("odd:none"))
        check_refusal(result, store, "manifest_unknown", "odd:none")
        assert result["error"]["status"] == 404
        result = _pull(store, pull_options, registry.reference("nothing/here:1"))
        check_refusal(result, store, "manifest_unknown", "nothing/here:1")

    def test_https_is_not_given_up_for_http(self, registry: Registry, store: Store, policy_file: str) -> None:
        result = _pull(store, {"signature_policy": policy_file}, registry.reference("odd:1"))
        check_refusal(result, store, result.code)
        assert result.code in ("tls_failed", "registry_unreachable")

    def test_wrong_credentials(
        self, store: Store, pull_options: dict[str, Any], layout: ImageLayout, tmp_path: Path
    ) -> None:
        with running_registry(str(tmp_path / "private"), Login("user", "right-password")) as private:
            layout.add_image("app", [(gzip.compress(_TAR), GZIP)])
            run(
                ["skopeo", "--insecure-policy", "copy", "--dest-tls-verify=false", "--dest-creds=user:right-password"]
                + [f"oci:{layout.directory}:app", f"docker://{private.reference('app:1')}"]
            )
            name = private.reference("app:1")
            result = _pull(store, pull_options, name, username="user", password="wrong-password")
            check_refusal(result, store, "unauthorized", "app:1")
            assert "wrong-password" not in result.text
            check_refusal(_pull(store, pull_options, name), store, "unauthorized", "app:1")
            served = _pull(store, pull_options, name, username="user", password="right-password")
            assert served.changed and "right-password" not in served.text

    def test_a_certificate_of_an_unknown_authority(
        self, store: Store, policy_file: str, tmp_path: Path, layout: ImageLayout
    ) -> None:
        with running_registry(str(tmp_path / "tls"), tls=True) as secure:
            layout.add_image("app", [(gzip.compress(_TAR), GZIP)])
            push(layout, "app", secure.reference("app:1"))
            options = {"signature_policy": policy_file}
            name = secure.reference("app:1")
            check_refusal(_pull(store, options, name), store, "tls_failed", secure.host)
            assert secure.ca_file is not None
            trusted = tmp_path / "trusted"
            trusted.mkdir()
            (trusted / "tests.crt").write_bytes(Path(secure.ca_file).read_bytes())
            assert _pull(store, options, name, cert_dir=str(trusted), validate_certs=True).changed


@pytest.fixture
def web_server() -> Iterator[str]:
    """A web server that knows nothing of registries."""
    listener = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        while True:
            try:
                connection, _address = listener.accept()
            except OSError:
                return
            with connection:
                connection.recv(65536)
                connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: 6\r\n\r\n<html>")

    thread = threading.Thread(target=serve)
    thread.start()
    host, port = listener.getsockname()
    yield f"{host}:{port}"
    listener.shutdown(socket.SHUT_RDWR)
    thread.join()
    listener.close()


class TestImages:
    def test_a_platform_that_is_not_there(self, registry: Registry, store: Store, pull_options: dict[str, Any]) -> None:
        result = _pull(store, pull_options, registry.reference("multi:1"), platform="linux/riscv64")
        check_refusal(result, store, "no_such_platform", "linux/riscv64", "linux/s390x")
        result = _pull(store, pull_options, registry.reference("odd:1"), platform="linux/arm64")
        check_refusal(result, store, "no_such_platform", "linux/arm64", "linux/amd64")

    def test_a_platform_that_is_none(self, store: Store, pull_options: dict[str, Any]) -> None:
        result = _pull(store, pull_options, "registry.example.com/app:1", platform="amd64")
        check_refusal(result, store, "invalid_platform", "amd64")

    def test_a_blob_whose_digest_is_wrong(
        self, spoilt: Callable[[Callable[[bytes], bytes]], str], store: Store, pull_options: dict[str, Any]
    ) -> None:
        name = spoilt(lambda blob: blob[:-9] + bytes([blob[-9] ^ 1]) + blob[-8:])
        check_refusal(_pull(store, pull_options, name), store, "digest_mismatch", "sha256:")

    def test_a_truncated_blob(
        self, spoilt: Callable[[Callable[[bytes], bytes]], str], store: Store, pull_options: dict[str, Any]
    ) -> None:
        name = spoilt(lambda blob: blob[: len(blob) // 2])
        check_refusal(_pull(store, pull_options, name), store, "size_mismatch", "sha256:")

    def test_a_blob_that_is_too_long(
        self, spoilt: Callable[[Callable[[bytes], bytes]], str], store: Store, pull_options: dict[str, Any]
    ) -> None:
        name = spoilt(lambda blob: blob + b"more")
        check_refusal(_pull(store, pull_options, name), store, "size_mismatch", "sha256:")

    def test_a_wrong_diff_id(
        self, registry: Registry, layout: ImageLayout, store: Store, pull_options: dict[str, Any]
    ) -> None:
        layers = [(gzip.compress(_TAR), GZIP)]
        layout.add_image("wrong", layers, diff_ids=["sha256:" + "0" * 64])
        push(layout, "wrong", registry.reference("bad/diffid:1"))
        result = _pull(store, pull_options, registry.reference("bad/diffid:1"))
        check_refusal(result, store, "diff_id_mismatch", "0" * 64)

    @pytest.mark.parametrize(
        ("case", "data", "kind"),
        [
            ("gzip", gzip.compress(_TAR)[:-400] + bytes(400), GZIP),
            ("truncated-gzip", gzip.compress(_TAR)[:-20], GZIP),
            ("garbage-after-gzip", gzip.compress(_TAR) + b"garbage", GZIP),
            ("zstd", bytes.fromhex("28b52ffd") + b"\xff" * 300, ZSTD),
            ("no-tar", gzip.compress(b"no tar at all" * 100), GZIP),
            ("cut-tar", _TAR[:700], PLAIN),
        ],
        # The bytes of gzip carry the time, and two workers must have the same names.
        ids=["gzip", "truncated-gzip", "garbage-after-gzip", "zstd", "no-tar", "cut-tar"],
    )
    def test_a_layer_that_is_corrupt_though_its_digest_is_right(
        self,
        registry: Registry,
        layout: ImageLayout,
        store: Store,
        pull_options: dict[str, Any],
        case: str,
        data: bytes,
        kind: str,
    ) -> None:
        layout.add_image(case, [(data, kind)], diff_ids=["sha256:" + "1" * 64])
        push(layout, case, registry.reference(f"bad/{case}:1"))
        result = _pull(store, pull_options, registry.reference(f"bad/{case}:1"))
        check_refusal(result, store, "corrupt_layer")

    def test_a_finished_layer_does_not_stay_when_another_fails(
        self, registry: Registry, layout: ImageLayout, store: Store, pull_options: dict[str, Any]
    ) -> None:
        good = (gzip.compress(make_tar([Entry("good", content=b"good")])), GZIP)
        layout.add_image("half", [good, (gzip.compress(_TAR)[:-20], GZIP)], diff_ids=["sha256:" + "1" * 64] * 2)
        push(layout, "half", registry.reference("bad/half:1"))
        assert _pull(store, pull_options, registry.reference("bad/half:1")).failed
        assert store_leftovers(store) == []


@pytest.fixture
def spoilt(
    registry: Registry, layout: ImageLayout, request: pytest.FixtureRequest
) -> Callable[[Callable[[bytes], bytes]], str]:
    """Pushes an image and then changes the bytes of its layer in the registry's own storage."""

    def spoil(change: Callable[[bytes], bytes]) -> str:
        unique = f"{request.node.name}-{os.getpid()}".encode()
        data = gzip.compress(make_tar([Entry("file", content=unique * 3000)]))
        descriptor_name = registry.reference(f"bad/{request.node.name.replace('_', '-')}:1")
        layout.add_image("spoilt", [(data, GZIP)])
        push(layout, "spoilt", descriptor_name)
        import hashlib

        digest = hashlib.sha256(data).hexdigest()
        path = Path(registry.storage, "docker/registry/v2/blobs/sha256", digest[:2], digest, "data")
        path.write_bytes(change(path.read_bytes()))
        return descriptor_name

    return spoil


class TestHosts:
    def test_an_unwritable_root(self, registry: Registry, pull_options: dict[str, Any], tmp_path: Path) -> None:
        blocked = tmp_path / "blocked"
        blocked.write_text("a file where a directory should be", encoding="utf-8")
        options = {"root": str(blocked / "root"), "runroot": str(tmp_path / "run"), **pull_options}
        result = run_module("image_pull", {**options, "name": registry.reference("odd:1")})
        assert result.failed and not result.changed and "Traceback" not in result.text
        assert str(blocked) in result["msg"]

    def test_a_file_system_without_overlay_support(
        self, registry: Registry, pull_options: dict[str, Any], tmp_path: Path
    ) -> None:
        """An overlay cannot be the upper layer of another one, and no mount program is found that could do it."""
        for name in ("lower", "upper", "work", "merged"):
            (tmp_path / name).mkdir()
        layers = ",".join(f"{name}dir={tmp_path / name}" for name in ("lower", "upper", "work"))
        merged = str(tmp_path / "merged")
        run(["mount", "-t", "overlay", "overlay", "-o", layers, merged])
        try:
            options = {**Store(merged).module_options(), **pull_options, "name": registry.reference("odd:1")}
            result = run_module("image_pull", options, env={"PATH": str(tmp_path)})
            assert result.code == "overlay_unsupported", result.text
            assert not result.changed and "Traceback" not in result.text
            for point in mounts_below(merged)[:-1]:
                pytest.fail(f"{point} is still mounted")
        finally:
            subprocess.run(["umount", "-l", merged], check=False)

    def test_no_root_rights(self, registry: Registry, store: Store, pull_options: dict[str, Any]) -> None:
        os.chmod(store.base, 0o777)
        result = _as_nobody(
            "image_pull", {**store.module_options(), **pull_options, "name": registry.reference("odd:1")}
        )
        assert result["failed"] and result["error"]["code"] == "not_root", result

    def test_no_policy(self, registry: Registry, store: Store, tmp_path: Path) -> None:
        options = {"signature_policy": str(tmp_path / "none.json"), "validate_certs": False}
        check_refusal(_pull(store, options, registry.reference("odd:1")), store, "no_policy", "none.json")

    @pytest.mark.parametrize(
        ("policy", "code"),
        [
            ({"default": [{"type": "reject"}]}, "policy_refused"),
            ({"default": [{"type": "signedBy", "keyType": "GPGKeys", "keyPath": "/k"}]}, "signature_missing"),
            ({"default": [{"type": "sigstoreSigned", "keyPath": "/k"}]}, "signature_missing"),
            ({"default": []}, "invalid_policy"),
            ({"default": [{"type": "insecureAcceptAnything"}], "extra": 1}, "invalid_policy"),
        ],
    )
    def test_a_policy_that_does_not_say_yes(
        self, registry: Registry, store: Store, tmp_path: Path, policy: dict[str, Any], code: str
    ) -> None:
        path = tmp_path / "strict.json"
        path.write_text(json.dumps(policy), encoding="utf-8")
        before = len(registry.requests())
        result = _pull(store, {"signature_policy": str(path), "validate_certs": False}, registry.reference("odd:1"))
        check_refusal(result, store, code)
        assert [line for line in registry.requests()[before:] if "/blobs/" in line] == []

    def test_a_blocked_registry(
        self, registry: Registry, store: Store, pull_options: dict[str, Any], tmp_path: Path
    ) -> None:
        path = tmp_path / "registries.conf"
        path.write_text(f'[[registry]]\nlocation = "{registry.host}"\nblocked = true\n', encoding="utf-8")
        result = _pull(store, {**pull_options, "registries_conf": str(path)}, registry.reference("odd:1"))
        check_refusal(result, store, "registry_blocked", registry.host, str(path))

    def test_a_missing_python_library(self, registry: Registry, store: Store, pull_options: dict[str, Any]) -> None:
        """A virtual environment without the library: urllib3 for a pull at all, zstandard for zstd layers only."""
        arguments = {**store.module_options(), **pull_options, "name": registry.reference("odd:1")}
        result = _without("urllib3", arguments)
        assert result["error"]["code"] == "missing_library" and "urllib3" in result["msg"], result
        zstd = {**arguments, "name": registry.reference("zstd:1")}
        result = _without("zstandard", zstd)
        assert result["error"]["code"] == "missing_library" and "zstandard" in result["msg"], result
        assert _without("zstandard", arguments)["changed"] is True


def _module_script(name: str) -> tuple[str, str]:
    root = collections_root()
    return root, os.path.join(root, "ansible_collections/strata/containers/plugins/modules", f"{name}.py")


def _without(library: str, arguments: dict[str, Any]) -> dict[str, Any]:
    """The result of image_pull where ``library`` cannot be imported, neither by the module nor by its helper process."""
    root, script = _module_script("image_pull")
    with_out = Path(os.environ.get("TMPDIR", "/tmp")) / f"strata-without-{library}-{os.getpid()}"
    (with_out / library).mkdir(parents=True, exist_ok=True)
    (with_out / library / "__init__.py").write_text("raise ImportError('not installed')\n", encoding="utf-8")
    try:
        return _run_script(script, arguments, [str(with_out), root], [])
    finally:
        (with_out / library / "__init__.py").unlink()
        (with_out / library).rmdir()
        with_out.rmdir()


def _as_nobody(name: str, arguments: dict[str, Any]) -> dict[str, Any]:
    root, script = _module_script(name)
    return _run_script(script, arguments, [root], ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"])


def _run_script(script: str, arguments: dict[str, Any], first: list[str], prefix: list[str]) -> dict[str, Any]:
    paths = [*first, *(path for path in sys.path if path.endswith("-packages"))]
    payload = {"ANSIBLE_MODULE_ARGS": {**arguments, "_ansible_remote_tmp": "/tmp", "_ansible_keep_remote_files": False}}
    done = subprocess.run(
        [*prefix, sys.executable, script],
        input=json.dumps(payload).encode(),
        capture_output=True,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(paths), "HOME": "/nonexistent"},
        check=False,
    )
    assert done.stdout, done.stderr.decode()
    return dict(json.loads(done.stdout))
