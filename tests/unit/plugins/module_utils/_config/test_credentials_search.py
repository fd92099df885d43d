# Copyright (c) 2026, Strata contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The search for credentials: files, what a file says of helpers, and the helpers of registries.conf."""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import Any, Optional

import pytest
from ansible_collections.strata.containers.plugins.module_utils._config.credential_helper import (
    HelperFailed,
    HelperMissing,
)
from ansible_collections.strata.containers.plugins.module_utils._config.credentials import find_credentials
from ansible_collections.strata.containers.plugins.module_utils._config.toml_file import InvalidConfig
from ansible_collections.strata.containers.plugins.module_utils._host.commands import Finished
from ansible_collections.strata.containers.plugins.module_utils._model.credentials import Credentials
from ansible_collections.strata.containers.plugins.module_utils._model.reference import parse_reference
from ansible_collections.strata.containers.tests.unit.plugins.module_utils._config.config_host import FakeHost
from ansible_collections.strata.containers.tests.unit.plugins.module_utils._config.fake_helpers import FakeHelpers

RUN = "/run/containers/0/auth.json"
DOCKER = "~/.docker/config.json"
HUB = "https://index.docker.io/v1/"
LOCKED = Finished(1, b"locked")


@pytest.fixture
def host(tmp_path: Path) -> FakeHost:
    return FakeHost(tmp_path)


def entry(user: str) -> dict[str, str]:
    return {"auth": base64.b64encode(f"{user}:p".encode()).decode()}


class Search:
    """Looks for the credentials of ``quay.io/ns/app`` on ``host`` with the helpers of ``run``."""

    def __init__(self, host: FakeHost, **helpers: Any) -> None:
        self.host = host
        self.run = FakeHelpers(helpers)
        self.warnings: list[str] = []

    def found(self, name: str = "quay.io/ns/app", **options: Any) -> Optional[Credentials]:
        return find_credentials(
            self.host.paths(),
            parse_reference(name),
            authfile=options.pop("authfile", None),
            run=self.run,
            warn=self.warnings.append,
            **options,
        )

    def user(self, name: str = "quay.io/ns/app", **options: Any) -> Optional[str]:
        found = self.found(name, **options)
        return found.username if found else None


class TestCredHelpers:
    def test_the_helper_of_the_host_goes_before_every_entry(self, host: FakeHost) -> None:
        content = {"credHelpers": {"quay.io": "fake"}, "auths": {"quay.io/ns/app": entry("file")}}
        path = host.write(RUN, json.dumps(content))
        search = Search(host, fake={"quay.io": ("helped", "p")})
        assert search.found() == Credentials("helped", "p", origin=f"docker-credential-fake ({path})")
        assert search.run.asked == [("docker-credential-fake get", "quay.io")]

    def test_its_answer_is_final_for_the_file_even_none(self, host: FakeHost) -> None:
        content = {"credHelpers": {"quay.io": "fake"}, "auths": {"quay.io": entry("file")}}
        host.write(RUN, json.dumps(content))
        assert Search(host, fake={}).user() is None
        host.write(DOCKER, json.dumps({"auths": {"quay.io": entry("docker")}}))
        assert Search(host, fake={}).user() == "docker"

    @pytest.mark.parametrize("key", ["other.io", "quay.io:443", "quay.io/ns"])
    def test_one_for_another_host_is_not_asked(self, host: FakeHost, key: str) -> None:
        host.write(RUN, json.dumps({"credHelpers": {key: "fake"}, "auths": {"quay.io": entry("file")}}))
        search = Search(host, fake={})
        assert search.user() == "file" and search.run.asked == []

    @pytest.mark.parametrize("key", ["docker.io", "index.docker.io", HUB])
    def test_docker_hub_goes_by_its_names(self, host: FakeHost, key: str) -> None:
        host.write(RUN, json.dumps({"credHelpers": {key: "fake"}}))
        assert Search(host, fake={key: ("u", "p")}).user("busybox") == "u"

    def test_a_helper_that_fails_is_an_error(self, host: FakeHost) -> None:
        host.write(RUN, json.dumps({"credHelpers": {"quay.io": "fake", "gone.io": "gone"}}))
        host.write(DOCKER, json.dumps({"auths": {"quay.io": entry("docker")}}))
        with pytest.raises(HelperFailed, match="locked"):
            Search(host, fake=LOCKED).user()
        with pytest.raises(HelperMissing, match="auth.json"):
            Search(host).user("gone.io/x")


class TestCredsStore:
    """An extension: containers/image does not read it, docker puts everything there."""

    def test_it_is_asked_after_the_entries_of_its_file(self, host: FakeHost) -> None:
        path = host.write(DOCKER, json.dumps({"credsStore": "fake", "auths": {"a.io": entry("file"), "quay.io": {}}}))
        search = Search(host, fake={"quay.io": ("stored", "p"), "a.io": ("stored", "p")})
        assert search.found() == Credentials("stored", "p", origin=f"docker-credential-fake ({path})")
        assert search.user("a.io/x") == "file"

    def test_docker_hub_has_dockers_address_there(self, host: FakeHost) -> None:
        host.write(DOCKER, json.dumps({"credsStore": "fake"}))
        assert Search(host, fake={HUB: ("u", "p")}).user("busybox") == "u"

    def test_a_helper_of_the_host_goes_before_it(self, host: FakeHost) -> None:
        host.write(DOCKER, json.dumps({"credsStore": "fake", "credHelpers": {"quay.io": "own"}}))
        assert Search(host, fake={"quay.io": ("store", "p")}, own={"quay.io": ("own", "p")}).user() == "own"
        assert Search(host, fake={"quay.io": ("store", "p")}, own={}).user() is None

    @pytest.mark.parametrize("helpers", [{}, {"fake": LOCKED}])
    def test_a_failure_is_an_error_only_where_it_keeps_something(
        self, host: FakeHost, helpers: dict[str, Finished]
    ) -> None:
        host.write(DOCKER, json.dumps({"credsStore": "fake", "auths": {"quay.io": {}}}))
        with pytest.raises((HelperMissing, HelperFailed)):
            Search(host, **helpers).user()
        # podman pulls public images beside such a file; so do we.
        search = Search(host, **helpers)
        assert search.user("public.io/x") is None
        assert len(search.warnings) == 1 and "docker-credential-fake" in search.warnings[0]


class TestGlobalHelpers:
    """``credential-helpers`` of registries.conf, in its order."""

    @pytest.mark.parametrize(
        ("helpers", "wanted"),
        [
            (("fake", "containers-auth.json"), "helped"),
            (("containers-auth.json", "fake"), "file"),
            (("containers-auth.json",), "file"),
            (("fake",), "helped"),
            (("other", "containers-auth.json"), "file"),
            (("other",), None),
            ((), None),
        ],
    )
    def test_the_first_with_credentials_wins(
        self, host: FakeHost, helpers: tuple[str, ...], wanted: Optional[str]
    ) -> None:
        host.write(RUN, json.dumps({"auths": {"quay.io/ns": entry("file")}}))
        search = Search(host, fake={"quay.io": ("helped", "p")}, other={})
        assert search.user(helpers=helpers) == wanted

    def test_they_are_asked_for_the_host_alone_and_named_by_registries_conf(self, host: FakeHost) -> None:
        search = Search(host, fake={"docker.io": ("u", "p")})
        found = search.found("busybox", helpers=("fake",))
        assert found is not None and "docker-credential-fake" in found.origin and "registries.conf" in found.origin
        assert search.run.asked == [("docker-credential-fake get", "docker.io")]

    def test_failures_are_told_only_when_nothing_was_found(self, host: FakeHost) -> None:
        everything = ("gone", "locked", "containers-auth.json")
        with pytest.raises(HelperMissing, match="docker-credential-gone"):
            Search(host, fake={}).user(helpers=("gone", "fake"))
        with pytest.raises(Exception, match="docker-credential-gone.*also.*docker-credential-locked") as caught:
            Search(host, locked=LOCKED).user(helpers=everything)
        assert getattr(caught.value, "code", "") == "credential_helper_missing"
        host.write(RUN, json.dumps({"auths": {"quay.io": entry("file")}}))
        assert Search(host, locked=LOCKED).user(helpers=everything) == "file"

    def test_a_bad_file_counts_as_a_failure_of_the_files(self, host: FakeHost) -> None:
        path = host.write(RUN, "")
        host.write(DOCKER, json.dumps({"auths": {"quay.io": entry("docker")}}))
        with pytest.raises(InvalidConfig) as caught:
            Search(host, fake={}).user(helpers=("containers-auth.json", "fake"))
        assert caught.value.subject == path
        search = Search(host, fake={"quay.io": ("helped", "p")})
        assert search.user(helpers=("containers-auth.json", "fake")) == "helped"


def test_the_oldest_file_of_docker_names_no_helper(host: FakeHost) -> None:
    host.write("~/.dockercfg", json.dumps({"credsStore": {}, "credHelpers": {}, "quay.io": entry("old")}))
    search = Search(host, fake={"quay.io": ("helped", "p")})
    assert search.user() == "old" and search.run.asked == []
