# Copyright (c) 2026, Strata contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Credentials: which files, which entry of a file, and what is never shown."""

from __future__ import annotations

import base64
import json
import traceback
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.strata.containers.plugins.module_utils._config.credentials import find_credentials
from ansible_collections.strata.containers.plugins.module_utils._config.toml_file import InvalidConfig
from ansible_collections.strata.containers.plugins.module_utils._model.credentials import Credentials
from ansible_collections.strata.containers.plugins.module_utils._model.reference import parse_reference
from ansible_collections.strata.containers.tests.unit.plugins.module_utils._config.config_host import FakeHost

RUN = "/run/containers/0/auth.json"
SECRET = "s3cr3t"


@pytest.fixture
def host(tmp_path: Path) -> FakeHost:
    return FakeHost(tmp_path)


def auth(user: str, password: str = SECRET) -> str:
    return base64.b64encode(f"{user}:{password}".encode()).decode()


def auths(**users: str) -> str:
    """A file with these users; in keys ``__`` stands for a slash and ``_`` for a dot."""
    entries = {key.replace("__", "/").replace("_", "."): {"auth": auth(user)} for key, user in users.items()}
    return json.dumps({"auths": entries})


def found(
    host: FakeHost, name: str, *, environment: dict[str, str] | None = None, authfile: str | None = None
) -> str | None:
    credentials = find_credentials(host.paths(0, environment), parse_reference(name), authfile=authfile)
    return credentials.username if credentials else None


@pytest.mark.parametrize(
    ("name", "wanted"),
    [
        ("quay.io/ns/sub/app:1", "app"),
        ("quay.io/ns/sub/other", "ns"),
        ("quay.io/nsx/app", "host"),
        ("quay.io/x", "host"),
        ("other.io/x", None),
        ("quay.io:443/x", None),
    ],
)
def test_the_most_specific_key_wins_by_whole_components(host: FakeHost, name: str, wanted: str | None) -> None:
    host.write(RUN, auths(quay_io="host", quay_io__ns="ns", quay_io__ns__sub__app="app"))
    assert found(host, name) == wanted


@pytest.mark.parametrize(
    ("key", "name", "wanted"),
    [
        ("https://quay.io", "quay.io/x", True),
        ("http://quay.io/v1/", "quay.io/x", True),
        ("https://index.docker.io/v1/", "busybox", True),
        ("index.docker.io", "busybox", True),
        ("registry-1.docker.io", "busybox", True),
        ("docker.io", "busybox", True),
        ("https://quay.io/v1/", "other.io/x", False),
        ("https://quay.io:5000/v1/", "quay.io/x", False),
        # Credentials of a namespace are for it alone.
        ("quay.io/ns", "quay.io/other", False),
    ],
)
def test_hosts_are_compared_without_scheme_and_path(host: FakeHost, key: str, name: str, wanted: bool) -> None:
    host.write(RUN, json.dumps({"auths": {key: {"auth": auth("u")}}}))
    assert found(host, name) == ("u" if wanted else None)


@pytest.mark.parametrize(
    ("present", "environment", "wanted"),
    [
        ([RUN, "~/.config/containers/auth.json", "~/.docker/config.json"], {}, RUN),
        (["~/.config/containers/auth.json", "~/.docker/config.json"], {}, "~/.config/containers/auth.json"),
        (["~/.docker/config.json"], {}, "~/.docker/config.json"),
        ([], {}, None),
        ([RUN, "/rt/containers/auth.json"], {"XDG_RUNTIME_DIR": "/rt"}, "/rt/containers/auth.json"),
        ([RUN], {"XDG_RUNTIME_DIR": "/rt"}, None),
        (["/xdg/containers/auth.json"], {"XDG_CONFIG_HOME": "/xdg"}, "/xdg/containers/auth.json"),
        ([RUN, "/named.json"], {"REGISTRY_AUTH_FILE": "/named.json"}, "/named.json"),
        ([RUN], {"REGISTRY_AUTH_FILE": "/named.json"}, None),
        ([RUN, "/docker/config.json"], {"DOCKER_CONFIG": "/docker"}, "/docker/config.json"),
        ([RUN], {"DOCKER_CONFIG": "/docker"}, None),
        (
            ["/named.json", "/docker/config.json"],
            {"REGISTRY_AUTH_FILE": "/named.json", "DOCKER_CONFIG": "/docker"},
            "/named.json",
        ),
    ],
)
def test_the_first_file_with_credentials_wins(
    host: FakeHost, present: list[str], environment: dict[str, str], wanted: str | None
) -> None:
    for name in present:
        host.write(name, auths(quay_io=name))
    environment = {name: host.path(value) for name, value in environment.items()}
    paths = host.paths(0, environment)
    credentials = find_credentials(paths, parse_reference("quay.io/x"), authfile=None)
    assert credentials == (Credentials(wanted, SECRET, origin=host.path(wanted)) if wanted else None)


def test_the_option_goes_before_the_variables_and_is_the_only_file(host: FakeHost) -> None:
    host.write(RUN, auths(quay_io="run", other_io="run"))
    environment = {"REGISTRY_AUTH_FILE": host.write("/env.json", auths(quay_io="env"))}
    option = host.write("/option.json", auths(quay_io="option"))
    assert found(host, "quay.io/x", environment=environment, authfile=option) == "option"
    assert found(host, "other.io/x", environment=environment, authfile=option) is None


def test_a_file_that_was_given_must_exist(host: FakeHost) -> None:
    with pytest.raises(InvalidConfig, match="/missing"):
        found(host, "quay.io/x", authfile="/missing.json")


def test_the_oldest_file_of_docker_is_a_map_of_hosts(host: FakeHost) -> None:
    host.write("~/.dockercfg", json.dumps({"https://quay.io/v1/": {"auth": auth("u")}, "credHelpers": {}}))
    assert found(host, "quay.io/ns/x") == "u"
    host.write("~/.dockercfg", json.dumps({"quay.io": {"auth": auth("u")}, "quay.io/ns": {"auth": auth("v")}}))
    assert found(host, "quay.io/ns/x") == "u"


@pytest.mark.parametrize(
    ("entry", "wanted"),
    [
        ({"auth": auth("u", "a:b")}, Credentials("u", "a:b")),
        ({"auth": auth("u", "p\0\0")}, Credentials("u", "p")),
        ({"auth": auth("u", "pass\u00e4")}, Credentials("u", "pass\u00e4")),
        ({"auth": auth("u"), "identitytoken": "t"}, Credentials("u", SECRET, "t")),
        ({"auth": auth("", ""), "identitytoken": "t"}, Credentials("", "", "t")),
        ({"identitytoken": "t"}, Credentials("", "", "t")),
        ({}, None),
        ({"auth": None}, None),
        ({"auth": ""}, None),
        ({"auth": base64.b64encode(b"nocolon").decode()}, None),
        ({"auth": auth("", "")}, None),
        ({"auth": auth("u", "")}, Credentials("u", "")),
        ({"auth": auth("", "p")}, Credentials("", "p")),
        ({"auth": base64.b64encode(b"nocolon").decode(), "identitytoken": "t"}, Credentials("", "", "t")),
        # docker reads these (cli, config/configfile), containers/image does not.
        ({"username": "u", "password": "p"}, Credentials("u", "p")),
        ({"auth": "", "username": "u", "password": "p"}, Credentials("u", "p")),
        ({"auth": auth("v"), "username": "u", "password": "p"}, Credentials("v", SECRET)),
        ({"username": "u"}, None),
    ],
)
def test_an_entry_is_user_and_password_or_a_token(
    host: FakeHost, entry: dict[str, Any], wanted: Credentials | None
) -> None:
    path = host.write(RUN, json.dumps({"auths": {"quay.io": entry}}))
    credentials = find_credentials(host.paths(), parse_reference("quay.io/x"), authfile=None)
    if wanted is not None:
        wanted = Credentials(wanted.username, wanted.password, wanted.identity_token, origin=path)
    assert credentials == wanted


def test_an_entry_without_credentials_leaves_the_question_to_the_next_file(host: FakeHost) -> None:
    host.write(RUN, json.dumps({"auths": {"quay.io": {}}}))
    host.write("~/.docker/config.json", auths(quay_io="docker"))
    assert found(host, "quay.io/x") == "docker"


@pytest.mark.parametrize(
    "content",
    [
        "",
        "x",
        "[]",
        '{"auths": []}',
        '{"auths": {"quay.io": "x"}}',
        '{"auths": {"quay.io": {"auth": 1}}}',
        '{"auths": {"quay.io": {"auth": "not base64!"}}}',
        '{"auths": {"quay.io": {"auth": "/w=="}}}',
        '{"auths": {"quay.io": {"identitytoken": []}}}',
        '{"credHelpers": {"quay.io": 1}}',
    ],
)
def test_a_bad_file_is_an_error_that_names_it(host: FakeHost, content: str) -> None:
    path = host.write(RUN, content)
    with pytest.raises(InvalidConfig) as caught:
        found(host, "quay.io/x")
    assert str(caught.value).startswith(path)


@pytest.mark.parametrize(
    "entry",
    [
        {"auth": auth("u") + "!"},
        {"auth": [auth("u")]},
        {"auth": base64.b64encode(b"\xff" + SECRET.encode()).decode()},
        {"identitytoken": {"a": SECRET}},
    ],
)
def test_no_error_shows_what_the_file_holds(host: FakeHost, entry: dict[str, Any]) -> None:
    host.write(RUN, json.dumps({"auths": {"quay.io": entry}}))
    with pytest.raises(InvalidConfig) as caught:
        found(host, "quay.io/x")
    shown = "".join(traceback.format_exception(type(caught.value), caught.value, caught.value.__traceback__))
    shown += repr(caught.value.facts())
    assert SECRET not in shown and auth("u") not in shown
    assert caught.value.__context__ is None or SECRET.encode() not in repr(caught.value.__context__.args).encode()


def test_no_credentials_are_shown(host: FakeHost) -> None:
    host.write(RUN, auths(quay_io="u"))
    credentials = find_credentials(host.paths(), parse_reference("quay.io/x"), authfile=None)
    assert SECRET not in repr(credentials) and SECRET not in str(credentials)
