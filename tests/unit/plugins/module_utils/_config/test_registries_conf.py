# Copyright (c) 2026, Strata contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""registries.conf: which files, which table a name falls under, and where its image is then asked for."""

from __future__ import annotations

from pathlib import Path

import pytest
from ansible_collections.strata.containers.plugins.module_utils._config.registries_conf import (
    PullSource,
    RegistryBlocked,
    load_registries_conf,
)
from ansible_collections.strata.containers.plugins.module_utils._config.toml_file import InvalidConfig
from ansible_collections.strata.containers.plugins.module_utils._model.reference import parse_reference
from ansible_collections.strata.containers.tests.unit.plugins.module_utils._config.config_host import FakeHost

DIGEST = "sha256:" + "0123456789abcdef" * 4
MAIN = "/etc/containers/registries.conf"


@pytest.fixture
def host(tmp_path: Path) -> FakeHost:
    return FakeHost(tmp_path)


def sources(host: FakeHost, content: str, name: str) -> list[str]:
    """The places for ``name``; those with ``insecure`` end in an exclamation mark."""
    host.write(MAIN, content)
    found = load_registries_conf(host.paths()).pull_sources(parse_reference(name))
    return [f"{source.reference}{'!' if source.insecure else ''}" for source in found]


def table(*lines: str) -> str:
    return "\n".join(["[[registry]]", *lines, ""])


def test_without_any_file_a_name_is_asked_for_where_it_says(host: FakeHost) -> None:
    reference = parse_reference("quay.io/ns/app:1")
    wanted = PullSource(reference, insecure=False, location="quay.io")
    assert load_registries_conf(host.paths()).pull_sources(reference) == (wanted,)


@pytest.mark.parametrize(
    ("content", "name", "wanted"),
    [
        (table('location="quay.io"'), "quay.io/ns/app:1", ["quay.io/ns/app:1"]),
        (table('location="quay.io"', "insecure=true"), "quay.io/ns/app:1", ["quay.io/ns/app:1!"]),
        (table('prefix="quay.io"', 'location="m.test"'), "quay.io/ns/app:1", ["m.test/ns/app:1"]),
        (table('prefix="quay.io"', 'location="m.test/quay"'), "quay.io/ns/app:1", ["m.test/quay/ns/app:1"]),
        (table('prefix="quay.io/ns"', 'location="m.test/x"'), f"quay.io/ns/app@{DIGEST}", [f"m.test/x/app@{DIGEST}"]),
        (table('prefix="quay.io/ns"', 'location="m.test"'), "quay.io/nsx/app:1", ["quay.io/nsx/app:1"]),
        (table('prefix="quay.io/ns/app"', 'location="m.test/x"'), "quay.io/ns/app:1", ["m.test/x:1"]),
        # A quirk that configurations rely on: the port is what remains of the name, and stays.
        (table('prefix="example.com"', 'location="m.test"'), "example.com:5000/a:1", ["m.test:5000/a:1"]),
        (table('prefix="docker.io/library"', 'location="m.test/hub"'), "busybox", ["m.test/hub/busybox"]),
        (table('prefix="*.example.com"', 'location="m.test"'), "a.b.example.com/app:1", ["m.test/app:1"]),
        (table('prefix="*.example.com"', 'location="m.test"'), "example.com/app:1", ["example.com/app:1"]),
        (table('prefix="*.example.com"', 'location="m.test"'), "a.example.community/x:1", ["a.example.community/x:1"]),
        (
            table('prefix="*.example.com"', 'location="m.test"'),
            "quay.io/a.example.com/x:1",
            ["quay.io/a.example.com/x:1"],
        ),
        (table('prefix="*.example.com"', "insecure=true"), "a.example.com/app:1", ["a.example.com/app:1!"]),
        (table('prefix="/"', 'location="quay.io"', "insecure=true"), "quay.io/app:1", ["quay.io/app:1"]),
    ],
)
def test_a_name_is_rewritten_by_the_table_of_its_prefix(
    host: FakeHost, content: str, name: str, wanted: list[str]
) -> None:
    assert sources(host, content, name) == wanted


def test_the_longest_prefix_wins(host: FakeHost) -> None:
    prefixes = {"reg.example.com": "one", "reg.example.com/ns": "two", "*.example.com": "three", "*.com": "four"}
    content = "".join(table(f'prefix="{prefix}"', f'location="m.test/{path}"') for prefix, path in prefixes.items())
    assert sources(host, content, "reg.example.com/ns/app:1") == ["m.test/two/app:1"]
    assert sources(host, content, "reg.example.com/app:1") == ["m.test/one/app:1"]
    assert sources(host, content, "b.example.com/app:1") == ["m.test/three/app:1"]
    assert sources(host, content, "example.com/app:1") == ["m.test/four/app:1"]


def test_of_prefixes_of_one_length_the_wildcard_wins_as_in_the_go_library(host: FakeHost) -> None:
    content = table('prefix="a.example.com"', 'location="m.test/host"')
    content += table('prefix="*.example.com"', 'location="m.test/wildcard"')
    assert sources(host, content, "a.example.com/app:1") == ["m.test/wildcard/app:1"]


MIRRORS = """
[[registry]]
location = "quay.io"
[[registry.mirror]]
location = "d.test"
pull-from-mirror = "digest-only"
[[registry.mirror]]
location = "t.test/quay/"
pull-from-mirror = "tag-only"
[[registry.mirror]]
location = "a.test"
insecure = true
"""


def test_mirrors_come_first_in_their_order_for_the_names_that_they_serve(host: FakeHost) -> None:
    assert sources(host, MIRRORS, "quay.io/app:1") == ["t.test/quay/app:1", "a.test/app:1!", "quay.io/app:1"]
    name = f"quay.io/app@{DIGEST}"
    assert sources(host, MIRRORS, name) == [f"d.test/app@{DIGEST}", f"a.test/app@{DIGEST}!", name]


def test_all_mirrors_can_be_for_digests_alone(host: FakeHost) -> None:
    content = '[[registry]]\nlocation="quay.io"\nmirror-by-digest-only=true\n[[registry.mirror]]\nlocation="m.test"'
    assert sources(host, content, "quay.io/app:1") == ["quay.io/app:1"]
    assert sources(host, content, f"quay.io/app@{DIGEST}") == [f"m.test/app@{DIGEST}", f"quay.io/app@{DIGEST}"]


def test_a_blocked_registry_is_refused_with_prefix_and_file(host: FakeHost) -> None:
    with pytest.raises(RegistryBlocked) as caught:
        sources(host, table('location="quay.io/evil"', "blocked=true"), "quay.io/evil/app:1")
    assert f"registry quay.io/evil is blocked in {host.path(MAIN)}" in str(caught.value)
    assert caught.value.code == "registry_blocked"


def test_a_blocked_registry_with_mirrors_is_mirrors_alone(host: FakeHost) -> None:
    content = '[[registry]]\nlocation="quay.io"\nblocked=true\n[[registry.mirror]]\nlocation="m.test"'
    assert sources(host, content, "quay.io/app:1") == ["m.test/app:1"]


def test_what_is_blocked_is_the_place_and_not_the_name(host: FakeHost) -> None:
    moved = table('prefix="quay.io"', 'location="m.test"', "blocked=true")
    assert sources(host, moved, "quay.io/app:1") == ["m.test/app:1"]
    both = moved + table('location="m.test"', "blocked=true")
    with pytest.raises(RegistryBlocked, match=r"registry m\.test is blocked"):
        sources(host, both, "quay.io/app:1")


def test_rewriting_to_no_name_is_an_error_of_the_file(host: FakeHost) -> None:
    with pytest.raises(InvalidConfig, match=r"docker\.io/app"):
        sources(host, table('prefix="quay.io/library"', 'location="docker.io"'), "quay.io/library/app:1")


@pytest.mark.parametrize(
    ("present", "environment", "wanted"),
    [
        ([MAIN], {}, [MAIN]),
        (["/usr/share/containers/registries.conf"], {}, []),
        (
            [
                MAIN,
                f"{MAIN}.d/b.conf",
                f"{MAIN}.d/a.conf",
                f"{MAIN}.d/c.txt",
                "~/.config/containers/registries.conf.d/a.conf",
            ],
            {},
            [MAIN, f"{MAIN}.d/a.conf", f"{MAIN}.d/b.conf", "~/.config/containers/registries.conf.d/a.conf"],
        ),
        (
            [MAIN, f"{MAIN}.d/a.conf", "~/.config/containers/registries.conf"],
            {},
            ["~/.config/containers/registries.conf"],
        ),
        ([MAIN, "~/xdg/containers/registries.conf"], {"XDG_CONFIG_HOME": "~/xdg"}, [MAIN]),
        ([MAIN, "/x.conf"], {"CONTAINERS_REGISTRIES_CONF": "/x.conf"}, ["/x.conf"]),
        ([MAIN, "/x.conf"], {"REGISTRIES_CONFIG_PATH": "/x.conf"}, ["/x.conf"]),
        (
            ["/x.conf", "/y.conf"],
            {"REGISTRIES_CONFIG_PATH": "/y.conf", "CONTAINERS_REGISTRIES_CONF": "/x.conf"},
            ["/x.conf"],
        ),
        (["/x.conf", f"{MAIN}.d/a.conf"], {"CONTAINERS_REGISTRIES_CONF": "/x.conf"}, ["/x.conf", f"{MAIN}.d/a.conf"]),
    ],
)
def test_the_files_that_are_read(
    host: FakeHost, present: list[str], environment: dict[str, str], wanted: list[str]
) -> None:
    for number, name in enumerate(present):
        host.write(name, table(f'location="r{number}.test"'))
    conf = load_registries_conf(host.paths(0, {name: host.path(value) for name, value in environment.items()}))
    assert sorted(registry.origin for registry in conf.registries) == sorted(host.path(name) for name in wanted)


def test_a_later_file_replaces_a_registry_entirely(host: FakeHost) -> None:
    host.write(f"{MAIN}.d/a.conf", table('location="quay.io"', "insecure=true"))
    assert sources(host, MIRRORS, "quay.io/app:1") == ["quay.io/app:1!"]


def test_a_directory_among_the_drop_ins_is_none(host: FakeHost) -> None:
    host.write(f"{MAIN}.d/dir.conf/x.conf", "x")
    assert load_registries_conf(host.paths()).registries == ()


def test_a_file_that_was_named_must_exist(host: FakeHost) -> None:
    with pytest.raises(InvalidConfig, match="/missing"):
        load_registries_conf(host.paths(), "/missing")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("x", "not TOML"),
        (table('location="https://a.b"'), "invalid location 'https://a.b': URI schemes are not supported"),
        (
            table('location="a.b"', 'prefix="http://a.b/"'),
            "invalid location 'http://a.b/': URI schemes are not supported",
        ),
        (table("insecure=true"), "invalid condition: both location and prefix are unset"),
        (table('prefix="a.b"'), "location is unset and prefix is not in the format: *.example.com"),
        (table('prefix="*.a.b:5000"'), "Wildcarded prefix should be in the format: *.example.com"),
        (table('prefix="*.a.b/c"', 'location="x.y"'), "Wildcarded prefix should be in the format: *.example.com"),
        (table('location="a.b"', "[[registry.mirror]]", "insecure=true"), "mirror location is unset"),
        (table('location="a.b"', 'pull-from-mirror="all"'), 'must not be set for a non-mirror registry "a.b"'),
        (
            table('location="a.b"', "mirror-by-digest-only=true", "[[registry.mirror]]", 'location="m"')
            + 'pull-from-mirror="all"',
            "cannot set mirror usage mirror-by-digest-only",
        ),
        (
            table('location="a.b"', "[[registry.mirror]]", 'location="m"', 'pull-from-mirror="x"'),
            'unsupported pull-from-mirror value "x" for mirror "m"',
        ),
        (
            table('location="a.b"', "insecure=true") + table('location="a.b"', 'prefix="c.d"'),
            "registry 'a.b' is defined multiple times with conflicting 'insecure' setting",
        ),
        (
            table('location="a.b"', "blocked=true") + table('location="a.b"', 'prefix="c.d"'),
            "registry 'a.b' is defined multiple times with conflicting 'blocked' setting",
        ),
        ('unqualified-search-registries=["a_b"]', 'Invalid unqualified-search-registries entry "a_b"'),
        ('unqualified-search-registries=["a.b/ns"]', 'Invalid unqualified-search-registries entry "a.b/ns"'),
        ('unqualified-search-registries=[""]', 'Invalid unqualified-search-registries entry ""'),
        (
            'unqualified-search-registries=["https://a.b"]',
            "invalid location 'https://a.b': URI schemes are not supported",
        ),
        ('credential-helpers="x"', "credential-helpers: wrong type"),
        ('short-name-mode="Enforcing"', 'invalid short-name mode: "Enforcing"'),
        (table('location="a.b"', 'insecure="true"'), "registry[0].insecure: wrong type"),
        (table('location="a.b"', "[[registry.mirror]]", "location=1"), "registry[0].mirror[0].location: wrong type"),
    ],
)
def test_a_bad_file_is_refused_with_the_words_of_the_go_library(host: FakeHost, content: str, message: str) -> None:
    with pytest.raises(InvalidConfig) as caught:
        sources(host, content, "quay.io/app:1")
    assert str(caught.value).startswith(host.path(MAIN)) and message in str(caught.value)


def test_what_is_unknown_or_empty_is_fine(host: FakeHost) -> None:
    content = 'x=1\nunqualified-search-registries=["a.b", "c:5000/"]\n[registries.block]\nregistries=[]\n[[registry]]\nlocation="a.b"\ny=2'
    assert sources(host, content, "quay.io/app:1") == ["quay.io/app:1"]


V1 = """
[registries.search]
registries = ["a.test", "docker.io"]
[registries.insecure]
registries = ["plain.test:5000/", "both.test"]
[registries.block]
registries = ["both.test", "evil.test"]
"""


def test_version_1_of_the_main_file_says_the_same_in_other_words(host: FakeHost) -> None:
    assert sources(host, V1, "plain.test:5000/app:1") == ["plain.test:5000/app:1!"]
    conf = load_registries_conf(host.paths())
    assert [(registry.prefix, registry.insecure, registry.blocked) for registry in conf.registries] == [
        ("both.test", True, True),
        ("evil.test", False, True),
        ("plain.test:5000", True, False),
    ]
    assert (conf.search, conf.search_origin) == (("a.test", "docker.io"), host.path(MAIN))
    with pytest.raises(RegistryBlocked, match=r"registry evil\.test is blocked"):
        conf.pull_sources(parse_reference("evil.test/app:1"))


@pytest.mark.parametrize(
    "more",
    [
        table('location="a.b"'),
        'unqualified-search-registries=["a.b"]',
        'short-name-mode="disabled"',
        'credential-helpers=["x"]',
        '[aliases]\na="b.c/a"',
    ],
)
def test_the_two_versions_are_not_mixed(host: FakeHost, more: str) -> None:
    with pytest.raises(InvalidConfig, match="mixing sysregistry v1/v2 is not supported"):
        sources(host, more + "\n" + V1, "quay.io/app:1")
    # What is empty says nothing.
    sources(host, "unqualified-search-registries=[]\ncredential-helpers=[]\n[aliases]\n" + V1, "quay.io/app:1")


def test_a_drop_in_is_of_version_2(host: FakeHost) -> None:
    host.write(f"{MAIN}.d/a.conf", V1)
    with pytest.raises(InvalidConfig, match="registry must be in v2 format but is in v1"):
        load_registries_conf(host.paths())


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ('[registries.insecure]\nregistries=["https://a.b"]', "URI schemes are not supported"),
        ('[registries.insecure]\nregistries=["/"]', "both location and prefix are unset"),
        ('[registries.search]\nregistries=["a_b"]', 'Invalid unqualified-search-registries entry "a_b"'),
        ('[registries.block]\nregistries="a.b"', "wrong type"),
        ('registries=["a.b"]', "wrong type"),
    ],
)
def test_version_1_is_checked_as_version_2_is(host: FakeHost, content: str, message: str) -> None:
    with pytest.raises(InvalidConfig, match=message):
        sources(host, content, "quay.io/app:1")


@pytest.mark.parametrize(
    ("main", "drop_in", "search", "origin"),
    [
        (None, None, (), ""),
        ("", None, (), MAIN),
        ("", "x=1", (), MAIN),
        ('unqualified-search-registries=["a.b"]', "x=1", ("a.b",), MAIN),
        (
            'unqualified-search-registries=["a.b"]',
            'unqualified-search-registries=["c.d", "e"]',
            ("c.d", "e"),
            f"{MAIN}.d/x.conf",
        ),
        # An empty list is an answer as well.
        ('unqualified-search-registries=["a.b"]', "unqualified-search-registries=[]", (), f"{MAIN}.d/x.conf"),
        (None, "x=1", (), ""),
        (None, 'unqualified-search-registries=["c.d"]', ("c.d",), f"{MAIN}.d/x.conf"),
    ],
)
def test_the_search_list_is_that_of_the_last_file_that_has_one(
    host: FakeHost, main: str | None, drop_in: str | None, search: tuple[str, ...], origin: str
) -> None:
    for name, content in ((MAIN, main), (f"{MAIN}.d/x.conf", drop_in)):
        if content is not None:
            host.write(name, content)
    conf = load_registries_conf(host.paths())
    assert (conf.search, conf.search_origin) == (search, origin and host.path(origin))


@pytest.mark.parametrize(
    ("main", "drop_in", "mode", "helpers"),
    [
        ("", "", "permissive", ("containers-auth.json",)),
        ('short-name-mode="enforcing"', "", "enforcing", ("containers-auth.json",)),
        ('short-name-mode="enforcing"', 'short-name-mode="disabled"', "disabled", ("containers-auth.json",)),
        ('short-name-mode="enforcing"', 'short-name-mode=""', "enforcing", ("containers-auth.json",)),
        ('credential-helpers=["a", "containers-auth.json"]', "", "permissive", ("a", "containers-auth.json")),
        ('credential-helpers=["a"]', 'credential-helpers=["b"]', "permissive", ("b",)),
        ('credential-helpers=["a"]', "credential-helpers=[]", "permissive", ("containers-auth.json",)),
    ],
)
def test_a_later_file_has_the_last_word(
    host: FakeHost, main: str, drop_in: str, mode: str, helpers: tuple[str, ...]
) -> None:
    host.write(MAIN, main)
    host.write(f"{MAIN}.d/x.conf", drop_in)
    conf = load_registries_conf(host.paths())
    assert (conf.short_name_mode, conf.credential_helpers) == (mode, helpers)


def test_a_link_in_place_of_the_drop_in_directory_is_not_followed(host: FakeHost) -> None:
    host.write("/elsewhere/x.conf", table('location="a.b"'))
    host.write(MAIN)
    Path(host.path(f"{MAIN}.d")).symlink_to(host.path("/elsewhere"))
    assert load_registries_conf(host.paths()).registries == ()


def test_the_first_variable_that_is_set_names_the_file_even_when_it_is_empty(host: FakeHost) -> None:
    host.write("/x.conf", table('location="a.b"'))
    environment = {"CONTAINERS_REGISTRIES_CONF": "", "REGISTRIES_CONFIG_PATH": host.path("/x.conf")}
    assert load_registries_conf(host.paths(0, environment)).registries == ()
