# Copyright (c) 2026, Strata contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Looking at images in registries: what is asked, what is asked again, and what is said of what fails."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.strata.containers.plugins.module_utils._engine.outcome import Outcome, joint_failure
from ansible_collections.strata.containers.plugins.module_utils._engine.platform_choice import PlatformChoice
from ansible_collections.strata.containers.plugins.module_utils._engine.registry_names import registry_image
from ansible_collections.strata.containers.plugins.module_utils._engine.remote import (
    inspect_remote_images,
    remote_digest,
)
from ansible_collections.strata.containers.plugins.module_utils._engine.retry import Retry
from ansible_collections.strata.containers.plugins.module_utils._engine.sources import RegistryAccess
from ansible_collections.strata.containers.plugins.module_utils._errors import RemoteError, UsageError
from ansible_collections.strata.containers.plugins.module_utils._model.digest import Digest
from ansible_collections.strata.containers.plugins.module_utils._model.platform import Platform
from ansible_collections.strata.containers.plugins.module_utils._report import Reporter
from ansible_collections.strata.containers.tests.unit.plugins.module_utils._config.config_host import FakeHost
from ansible_collections.strata.containers.tests.unit.plugins.module_utils._registry.registry_script import error_body
from ansible_collections.strata.containers.tests.unit.plugins.module_utils._registry.scripted_server import (
    ScriptedServer,
)

OCI = "application/vnd.oci.image.manifest.v1+json"
AMD64 = PlatformChoice(Platform("linux", "amd64"))
CONFIG = json.dumps(
    {
        "created": "2026-11-03T10:31:07.123456789Z",
        "architecture": "amd64",
        "os": "linux",
        "config": {"Cmd": ["/bin/sh"], "Labels": {"purpose": "tests"}},
        "rootfs": {"type": "layers", "diff_ids": ["sha256:" + "d" * 64]},
        "history": [{"created_by": "a hand"}],
    }
).encode()
CONFIG_PATH = f"/v2/team/app/blobs/{Digest.of(CONFIG)}"
MANIFEST = json.dumps(
    {
        "schemaVersion": 2,
        "mediaType": OCI,
        "config": {
            "mediaType": "application/vnd.oci.image.config.v1+json",
            "digest": str(Digest.of(CONFIG)),
            "size": len(CONFIG),
        },
        "layers": [
            {"mediaType": "application/vnd.oci.image.layer.v1.tar", "digest": "sha256:" + "e" * 64, "size": 1 << 40}
        ],
    }
).encode()
DIGEST = Digest.of(MANIFEST)
LATEST = "/v2/team/app/manifests/latest"


@pytest.fixture
def server() -> Iterator[ScriptedServer]:
    with ScriptedServer() as server:
        server.expect("GET", "/v2/", times=None)
        yield server


@pytest.fixture
def host(tmp_path: Path) -> FakeHost:
    return FakeHost(tmp_path)


@pytest.fixture
def access(host: FakeHost) -> RegistryAccess:
    return RegistryAccess(paths=host.paths(), reporter=Reporter(), validate_certs=False, timeout=5)


def _retry(access: RegistryAccess, retries: int = 0) -> Retry:
    return Retry(retries, 1, access.reporter, sleep=lambda _seconds: None)


def _digest(access: RegistryAccess, name: str, retries: int = 0) -> Digest:
    return remote_digest(access, registry_image(name), _retry(access, retries))


def _inspect(access: RegistryAccess, *names: str, retries: int = 0, gather: tuple[str, ...] = ("config",)) -> Outcome:
    references = [registry_image(name) for name in names]
    return inspect_remote_images(access, references, AMD64, gather, _retry(access, retries))


def _offer(server: ScriptedServer, **answer: Any) -> None:
    server.expect("GET", LATEST, body=MANIFEST, headers={"Content-Type": OCI}, **answer)


class TestDigest:
    def test_the_registrys_word_is_taken_without_the_manifest(
        self, server: ScriptedServer, access: RegistryAccess
    ) -> None:
        server.expect("HEAD", LATEST, headers={"Docker-Content-Digest": str(DIGEST)})
        assert _digest(access, f"{server.host}/team/app") == DIGEST

    @pytest.mark.parametrize(
        "answer", [{}, {"status": 405}, {"status": 401}, {"headers": {"Docker-Content-Digest": "sha256:abc"}}]
    )
    def test_without_a_word_the_manifest_tells(
        self, server: ScriptedServer, access: RegistryAccess, answer: dict[str, Any]
    ) -> None:
        server.expect("HEAD", LATEST, **answer)
        _offer(server)
        assert _digest(access, f"{server.host}/team/app") == DIGEST

    def test_a_digest_in_the_name_is_asked_of_nobody(self, access: RegistryAccess) -> None:
        assert _digest(access, f"registry.invalid/team/app:1@{DIGEST}") == DIGEST

    def test_a_refusal_is_explained_by_the_registry(self, server: ScriptedServer, access: RegistryAccess) -> None:
        server.expect("HEAD", LATEST, status=404)
        server.expect("GET", LATEST, status=404, body=error_body("NAME_UNKNOWN", "no such thing"))
        with pytest.raises(RemoteError, match="no such thing") as raised:
            _digest(access, f"{server.host}/team/app", retries=3)
        assert raised.value.code == "name_unknown"

    def test_what_may_pass_is_tried_again(self, server: ScriptedServer, access: RegistryAccess) -> None:
        server.expect("HEAD", LATEST, status=503)
        server.expect("GET", LATEST, status=503)
        server.expect("HEAD", LATEST, headers={"Docker-Content-Digest": str(DIGEST)})
        assert _digest(access, f"{server.host}/team/app", retries=1) == DIGEST

    def test_a_mirror_that_lacks_it_gives_way_to_the_registry(
        self, server: ScriptedServer, host: FakeHost, access: RegistryAccess
    ) -> None:
        with ScriptedServer() as mirror:
            mirror.expect("GET", "/v2/")
            mirror.expect("HEAD", LATEST, status=404)
            mirror.expect("GET", LATEST, status=404)
            _offer(server)
            host.write(
                "/etc/containers/registries.conf",
                f'[[registry]]\nlocation="{server.host}"\n[[registry.mirror]]\nlocation="{mirror.host}"\n',
            )
            assert _digest(access, f"{server.host}/team/app") == DIGEST


class TestInspect:
    def test_the_facts_are_those_of_manifest_and_config(self, server: ScriptedServer, access: RegistryAccess) -> None:
        _offer(server)
        server.expect("GET", CONFIG_PATH, body=CONFIG)
        outcome = _inspect(access, f"docker://{server.host}/team/app", gather=("config", "history", "manifest"))
        assert outcome.failure is None and not outcome.changed
        assert outcome.facts["image"] == {
            "name": f"{server.host}/team/app:latest",
            "digest": str(DIGEST),
            "media_type": OCI,
            "manifest_digest": str(DIGEST),
            "platform": "linux/amd64",
            "platforms": [{"platform": "linux/amd64", "digest": str(DIGEST), "media_type": OCI, "size": len(MANIFEST)}],
            "id": Digest.of(CONFIG).hex,
            "created": "2026-11-03T10:31:07.123456789Z",
            "labels": {"purpose": "tests"},
            "layers": [
                {
                    "digest": "sha256:" + "e" * 64,
                    "diff_id": "sha256:" + "d" * 64,
                    "media_type": "application/vnd.oci.image.layer.v1.tar",
                    "size": 1 << 40,
                }
            ],
            "size": 1 << 40,
            "config": {"Cmd": ["/bin/sh"], "Labels": {"purpose": "tests"}},
            "history": [{"created_by": "a hand"}],
            "manifest": json.loads(MANIFEST),
            "source": f"{server.host}/team/app",
            "credentials": None,
            "error": None,
        }

    def test_a_config_of_other_bytes_is_an_error(self, server: ScriptedServer, access: RegistryAccess) -> None:
        _offer(server)
        server.expect("GET", CONFIG_PATH, body=CONFIG.replace(b"tests", b"lies!"))
        outcome = _inspect(access, f"{server.host}/team/app", retries=3)
        assert outcome.failure is not None and outcome.failure.code == "digest_mismatch"
        image = outcome.facts["image"]
        assert image["error"]["code"] == "digest_mismatch"
        assert image["config"] is None and image["layers"] == []

    def test_an_image_is_tried_again_as_a_whole_and_no_oftener_than_allowed(
        self, server: ScriptedServer, access: RegistryAccess
    ) -> None:
        _offer(server, times=3)
        server.expect("GET", CONFIG_PATH, status=503, times=3)
        outcome = _inspect(access, f"{server.host}/team/app", retries=2)
        assert outcome.facts["image"]["error"]["status"] == 503
        _offer(server, times=2)
        server.expect("GET", CONFIG_PATH, status=503)
        server.expect("GET", CONFIG_PATH, body=CONFIG)
        assert _inspect(access, f"{server.host}/team/app", retries=2).failure is None

    def test_one_of_several_that_fails_has_its_entry(self, server: ScriptedServer, access: RegistryAccess) -> None:
        server.expect("GET", LATEST, status=403)
        server.expect("GET", "/v2/team/app/manifests/2", body=MANIFEST, headers={"Content-Type": OCI})
        names = [f"{server.host}/team/app", f"{server.host}/team/app:2"]
        outcome = _inspect(access, *names, gather=())
        assert [image["name"] for image in outcome.facts["images"]] == [f"{names[0]}:latest", names[1]]
        failed, found = outcome.facts["images"]
        assert failed["error"]["code"] == "denied" and found["error"] is None
        assert set(failed) == set(found)
        assert outcome.failure is not None and outcome.failure.code == "denied"
        assert "1 of 2 images could not be inspected" in str(outcome.failure)
        assert "image" not in outcome.facts


def test_the_failure_of_several_names_all_and_is_that_of_the_first() -> None:
    first = RemoteError("one", code="first", wanted="x", found="y", status=404)
    second = UsageError("two", subject="b.test/app:2")
    failures = [("a.test/app:1", first), ("b.test/app:2", second)]
    assert joint_failure([], 3, "done") is None
    assert joint_failure(failures[:1], 1, "done") is first
    joint = joint_failure(failures, 3, "done")
    message = "2 of 3 images could not be done: a.test/app:1: one (wanted x, found y); b.test/app:2: two"
    assert joint is not None and str(joint) == message
    assert joint.facts() == {**first.facts(), "message": message, "object": "a.test/app:1"}
    other_way = joint_failure(failures[::-1], 2, "done")
    assert other_way is not None and other_way.facts()["object"] == "b.test/app:2" and "status" not in other_way.facts()
