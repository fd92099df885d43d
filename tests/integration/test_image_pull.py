# Copyright (c) 2026, Strata contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""image_pull of what the store does not have, through ansible-playbook: check, do, check again, do again.

All rows are played together by the fixture ``rows``; each test looks at one of them. Registries are docker-registry's own.
Rows that differ from another one in the way in only are not played again after the first do. The rows of THROUGH_ANSIBLE are
its tasks, one for each thing that Ansible hands to a module; the others are done by the module alone.
"""

from __future__ import annotations

import base64
import gzip
import json
import shutil
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from lab.commands import run
from lab.fixtures import ACCEPT_ALL, push, scratch_stores
from lab.odd_images import GZIP, Entry, ImageLayout, make_tar
from lab.playbook import PlaybookRunner
from lab.proxy import Proxy
from lab.registry import Login, Registry, free_port, running_registry
from lab.scenario_rows import FourWays
from lab.token_service import running_token_registry

LOGIN = Login("user", "hunter2 & p\u00e4ss")
PROXY_LOGIN = Login("proxy", "pr0xy:p@ss")
IDENTITY = "identity+of/the tests"
WRONG = "wr0ng-passw0rd"
# The proxy knows where it is, and nobody else.
BEHIND = "registry.tests.invalid:5000"
THROUGH_ANSIBLE = {
    *("by tag", "tag twice", "unknown tag", "rejected", "zstd without library", "gzip without zstd"),
    *("right password", "wrong password", "token by identity", "behind a proxy"),
}
ZSTD_MISSING = "raise ImportError('not installed')\n"


class Lab:
    """The registries, and the rows that pull from them; ``digest`` is that of the image of them all."""

    def __init__(self, directory: Path, registry: Registry, stack: ExitStack) -> None:
        self.directory = directory
        self.registry = registry
        self.stack = stack
        self.layout = ImageLayout(str(directory / "layout"))
        content = gzip.compress(make_tar([Entry("file", content=b"content" * 5000)]), mtime=0)
        self.digest = str(self.layout.add_image("app", [(content, GZIP)])["digest"])
        policy = self.write("policy.json", ACCEPT_ALL)
        play = PlaybookRunner(directory / "ansible")
        self.plays = FourWays(play, {"signature_policy": policy, "validate_certs": False, "retries": 0})
        self.mirror = stack.enter_context(
            running_registry(str(directory / "mirror"), mirror_of=f"http://{registry.host}")
        )
        self.proxy = stack.enter_context(Proxy({BEHIND: registry.host}, PROXY_LOGIN))
        self._make_store = stack.enter_context(scratch_stores())

    def write(self, name: str, content: Any) -> str:
        path = self.directory / name
        path.write_text(content if isinstance(content, str) else json.dumps(content), encoding="utf-8")
        return str(path)

    def add(self, row: str, name: str, **options: Any) -> None:
        self.plays.add(row, self._make_store(row), name=name, alone=row not in THROUGH_ANSIBLE, **options)

    def repository(self, name: str) -> str:
        """A repository of its own in the common registry, so that its requests can be told apart."""
        push(self.layout, "app", self.registry.reference(f"{name}:1"))
        return self.registry.reference(name)

    def gets(self, name: str) -> list[str]:
        """The paths of a repository that were fetched from the common registry; a push only asks with HEAD."""
        # The registry writes its log a moment after it answered.
        time.sleep(0.2)
        return [line.partition(" ")[2] for line in self.registry.requests() if line.startswith(f"GET /v2/{name}/")]


@pytest.fixture(scope="module")
def lab(registry: Registry, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    with ExitStack() as stack:
        yield Lab(tmp_path_factory.mktemp("pull"), registry, stack)


@pytest.fixture(scope="module")
def rows(lab: Lab) -> FourWays:
    """Every row of this file, played."""
    _add_names(lab)
    _add_images(lab)
    _add_credentials(lab)
    _add_tokens(lab)
    _add_certificates(lab)
    _add_detours(lab)
    lab.plays.play()
    return lab.plays


def _add_names(lab: Lab) -> None:
    lab.add("by tag", lab.repository("p01") + ":1")
    lab.add("tag as option", lab.repository("p01"), tag="1", plays=2)
    lab.add("by digest", f"{lab.repository('p04')}@{lab.digest}")
    lab.add("by tag and digest", f"docker://{lab.repository('p06')}:1@{lab.digest}")
    lab.add("tag twice", f"{lab.registry.host}/p07:1", tag="1", refused=True)
    lab.add("invalid tag", f"{lab.registry.host}/p11", tag="foo/bar", refused=True)
    lab.add("invalid tag in the name", f"{lab.registry.host}/p11:foo/bar", refused=True)
    lab.add("unknown tag", lab.repository("p12") + ":none", refused=True)
    lab.add("unknown repository", f"{lab.registry.host}/p12/nothing:1", refused=True)


def _add_images(lab: Lab) -> None:
    lab.add("other platform", lab.repository("p18") + ":1", platform="linux/arm64", refused=True)
    lab.add(
        "other platform allowed",
        lab.repository("p18") + ":1",
        platform="linux/arm64",
        allow_other_platform=True,
        plays=2,
    )
    lab.add("never, absent", lab.repository("p23") + ":1", pull="never", refused=True)
    without = lab.directory / "without-zstandard" / "zstandard"
    without.mkdir(parents=True)
    (without / "__init__.py").write_text(ZSTD_MISSING, encoding="utf-8")
    environment = {"PYTHONPATH": str(without.parent)}
    zstd, plain = lab.registry.reference("zstd:1"), lab.repository("p35") + ":1"
    lab.add("zstd without library", zstd, environment=environment, refused=True)
    lab.add("gzip without zstd", plain, environment=environment, plays=2)
    scopes = {f"{lab.registry.host}/p30": [{"type": "reject"}]}
    policy = lab.write("strict.json", {**ACCEPT_ALL, "transports": {"docker": scopes}})
    lab.add("rejected", lab.repository("p30") + ":1", signature_policy=policy, refused=True)
    lab.add("accepted beside the rejected", lab.repository("p30-other") + ":1", signature_policy=policy, plays=2)


def _add_credentials(lab: Lab) -> None:
    private = lab.stack.enter_context(running_registry(str(lab.directory / "private"), LOGIN))
    name = _push_as(lab, private, "team/app")
    lab.add("wrong password", name, username=LOGIN.username, password=WRONG, refused=True)
    lab.add("no password", name, refused=True)
    lab.add("right password", name, username=LOGIN.username, password=LOGIN.password, plays=2)
    lab.add("empty auth file", lab.repository("p14") + ":1", authfile=lab.write("empty.json", {}))
    pair = base64.b64encode(f"{LOGIN.username}:{LOGIN.password}".encode()).decode()
    for row, key in (("host", private.host), ("prefix", f"{private.host}/team")):
        path = lab.write(f"auth-{row}.json", {"auths": {key: {"auth": pair}}})
        lab.add(f"auth file by {row}", name, authfile=path, plays=2 if row == "host" else 4)
    path = lab.write("auth-other.json", {"auths": {f"{private.host}/other": {"auth": pair}}})
    lab.add("auth file for others", name, authfile=path, refused=True)


def _add_tokens(lab: Lab) -> None:
    tokens, service = lab.stack.enter_context(running_token_registry(str(lab.directory / "tokens"), LOGIN))
    service.identity_token = IDENTITY
    name = _push_as(lab, tokens, "team/app")
    lab.add("token by password", name, username=LOGIN.username, password=LOGIN.password, plays=2)
    lab.add("token by wrong password", name, username=LOGIN.username, password=WRONG, refused=True)
    pair = base64.b64encode(b"nobody:").decode()
    path = lab.write("identity.json", {"auths": {tokens.host: {"auth": pair, "identitytoken": IDENTITY}}})
    lab.add("token by identity", name, authfile=path)


def _add_certificates(lab: Lab) -> None:
    secure = lab.stack.enter_context(running_registry(str(lab.directory / "secure"), tls=True))
    name = _push_as(lab, secure, "team/app")
    trusted = lab.directory / "trusted"
    trusted.mkdir()
    assert secure.ca_file is not None
    shutil.copy(secure.ca_file, trusted / "authority.crt")
    lab.add("authority", name, cert_dir=str(trusted), validate_certs=True)
    lab.add("verification off", name, plays=2)
    lab.add("verification on", name, validate_certs=True, refused=True)
    # Unset, registries.conf decides; an empty one says nothing, and nothing means on.
    lab.add("verification unset", name, validate_certs=None, registries_conf=lab.write("none.conf", ""), refused=True)
    conf = f'[[registry]]\nlocation = "{secure.host}"\ninsecure = true\n'
    path = lab.write("insecure.conf", conf)
    lab.add("insecure by registries.conf", name, validate_certs=None, registries_conf=path, plays=2)


def _add_detours(lab: Lab) -> None:
    origin = lab.repository("p31")
    for row, host in (("mirror", lab.mirror.host), ("mirror down", f"127.0.0.1:{free_port()}")):
        conf = f'[[registry]]\nlocation = "{lab.registry.host}"\n[[registry.mirror]]\nlocation = "{host}"\n'
        lab.add(row, f"{origin}:1", registries_conf=lab.write(f"{row}.conf".replace(" ", "-"), conf))
    lab.repository("p34")
    lab.add("behind a proxy", f"{BEHIND}/p34:1", environment=lab.proxy.environment(PROXY_LOGIN))
    lab.add("behind a proxy, not named", f"{BEHIND}/p34:1", refused=True)


def _push_as(lab: Lab, registry: Registry, repository: str) -> str:
    """The name of the image after LOGIN has pushed it."""
    name = registry.reference(f"{repository}:1")
    run(
        ["skopeo", "--insecure-policy", "copy", "--dest-tls-verify=false"]
        + [f"--dest-creds={LOGIN.username}:{LOGIN.password}", f"oci:{lab.layout.directory}:app", f"docker://{name}"]
    )
    return name


PULLED = [
    "by tag",
    "tag as option",
    "by digest",
    "by tag and digest",
    "other platform allowed",
    "gzip without zstd",
    "accepted beside the rejected",
    "right password",
    "empty auth file",
    "auth file by host",
    "auth file by prefix",
    "token by password",
    "token by identity",
    "authority",
    "verification off",
    "insecure by registries.conf",
    "mirror",
    "mirror down",
    "behind a proxy",
]


@pytest.mark.parametrize("row", PULLED)
def test_it_is_predicted_pulled_and_then_left_alone(rows: FourWays, lab: Lab, row: str) -> None:
    played = rows[row]
    played.check_pulled_once()
    predicted, image = played.results[0]["image"], played.done["image"]
    assert predicted["digest"] == image["digest"] == lab.digest
    assert predicted["id"] == image["id"] and predicted["names"] == image["names"]
    (record,) = played.store.podman_json("image", "inspect", image["id"])
    assert record["Digest"] == image["digest"]
    assert record["RepoTags"] + record["RepoDigests"], record


@pytest.mark.parametrize(
    ("row", "code", "words"),
    [
        ("tag twice", "tag_given_twice", ["p07:1"]),
        ("invalid tag", "invalid_reference", ["foo/bar"]),
        ("invalid tag in the name", "invalid_reference", ["foo/bar"]),
        ("unknown tag", "manifest_unknown", ["p12:none"]),
        ("unknown repository", "manifest_unknown", ["p12/nothing:1"]),
        ("other platform", "no_such_platform", ["linux/arm64", "linux/amd64", "allow_other_platform"]),
        ("never, absent", "not_present", ["p23:1"]),
        ("rejected", "policy_refused", ["p30:1", "reject"]),
        ("wrong password", "unauthorized", ["team/app:1", "user"]),
        ("no password", "unauthorized", ["team/app:1", "without credentials"]),
        ("auth file for others", "unauthorized", ["without credentials"]),
        ("token by wrong password", "unauthorized", ["incorrect username or password"]),
        ("verification on", "tls_failed", ["not trusted"]),
        ("verification unset", "tls_failed", ["not trusted"]),
        ("behind a proxy, not named", "registry_unreachable", ["registry.tests.invalid"]),
    ],
)
def test_it_is_refused_in_every_mode_with_a_reason(rows: FourWays, row: str, code: str, words: list[str]) -> None:
    rows[row].check_refused(code, *words)


@pytest.mark.parametrize("row", ["unknown tag", "unknown repository"])
def test_what_is_not_there_has_its_status_in_the_result(rows: FourWays, row: str) -> None:
    assert [result["error"]["status"] for result in rows[row].results] == [404, 404]


def test_a_zstd_layer_without_the_library_names_it_and_stores_nothing(rows: FourWays) -> None:
    """Check mode cannot tell: how a layer is compressed is seen by its first bytes, not by its media type."""
    failed = rows["zstd without library"].results[1]
    assert failed["_status"] == "failed" and not failed["changed"]
    assert failed["error"]["code"] == "missing_library" and "zstandard" in failed["msg"]
    store = rows["zstd without library"].store
    assert store.podman("images", "--all", "--quiet") == "" and store.containers_storage("layers") == ""


@pytest.mark.parametrize("repository", ["p07", "p11"])
def test_a_name_that_cannot_be_is_refused_before_any_request(rows: FourWays, lab: Lab, repository: str) -> None:
    assert [line for line in lab.registry.requests() if repository in line] == []


def test_the_second_run_fetches_no_blob(rows: FourWays, lab: Lab) -> None:
    """Config and layer once for the prediction (which needs the config alone) and the pull; then a HEAD tells enough."""
    blobs = [path for path in lab.gets("p01") if "/blobs/" in path and path.rpartition("/")[2] in _layers(rows)]
    assert len(blobs) == 2, "once for each of the two rows of this repository"


def _layers(rows: FourWays) -> list[str]:
    return [layer["digest"] for layer in rows["by tag"].done["image"]["layers"]]


def test_what_a_digest_names_is_not_asked_for_again(rows: FourWays, lab: Lab) -> None:
    for repository in ("p04", "p06"):
        manifests = [path for path in lab.gets(repository) if "/manifests/" in path]
        assert manifests == [f"/v2/{repository}/manifests/{lab.digest}"] * 2, "one prediction, one pull"


def test_a_name_with_tag_and_digest_is_one_image(rows: FourWays) -> None:
    assert len(rows["by tag and digest"].store.podman("images", "--quiet").splitlines()) == 1


def test_a_rejected_image_is_not_fetched_at_all(rows: FourWays, lab: Lab) -> None:
    assert [path for path in lab.gets("p30") if "/blobs/" in path] == []


def test_the_endpoint_that_served_is_named(rows: FourWays, lab: Lab) -> None:
    assert lab.mirror.host in rows["mirror"].done["image"]["source"]
    assert lab.registry.host in rows["mirror down"].done["image"]["source"]
    assert f"{lab.registry.host}/p31:1" in rows["mirror"].done["image"]["names"]


def test_the_proxy_was_the_only_way(rows: FourWays, lab: Lab) -> None:
    assert rows["behind a proxy"].changed[1]
    fetched = [line for line in lab.proxy.requests() if line.startswith(f"GET http://{BEHIND}/v2/p34/blobs/")]
    assert fetched, lab.proxy.requests()


def test_no_play_shows_a_password(rows: FourWays) -> None:
    assert rows["right password"].changed[1] and rows["wrong password"].failed[1]
    for secret in (LOGIN.password, WRONG, IDENTITY, PROXY_LOGIN.password):
        assert secret not in rows.output and json.dumps(secret)[1:-1] not in rows.output
