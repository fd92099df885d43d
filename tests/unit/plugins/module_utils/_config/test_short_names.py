# Copyright (c) 2026, Strata contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Short names: aliases of all files, the search list, and what each mode makes of several candidates."""

from __future__ import annotations

from pathlib import Path

import pytest
from ansible_collections.strata.containers.plugins.module_utils._config.short_names import (
    ShortNameEnforced,
    ShortNameUnresolved,
    load_short_names,
)
from ansible_collections.strata.containers.plugins.module_utils._config.toml_file import InvalidConfig
from ansible_collections.strata.containers.plugins.module_utils._model.short_name import ShortName, parse_short_name
from ansible_collections.strata.containers.tests.unit.plugins.module_utils._config.config_host import FakeHost

DIGEST = "sha256:" + "0123456789abcdef" * 4
MAIN = "/etc/containers/registries.conf"
DROP_IN = f"{MAIN}.d/shortnames.conf"
CACHE = "/var/cache/containers/short-name-aliases.conf"

# The two lists of most of the tests below.
SEARCH = 'unqualified-search-registries=["a.test", "docker.io", "b.test:5000"]'


@pytest.fixture
def host(tmp_path: Path) -> FakeHost:
    return FakeHost(tmp_path)


def short(text: str) -> ShortName:
    name = parse_short_name(text)
    assert name is not None
    return name


def candidates(host: FakeHost, text: str) -> tuple[list[str], str]:
    found = load_short_names(host.paths()).pull_candidates(short(text))
    return [str(name) for name in found.names], found.origin


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("app", ["a.test/app:latest", "docker.io/library/app:latest", "b.test:5000/app:latest"]),
        ("app:1", ["a.test/app:1", "docker.io/library/app:1", "b.test:5000/app:1"]),
        ("team/app", ["a.test/team/app:latest", "docker.io/team/app:latest", "b.test:5000/team/app:latest"]),
        (f"app@{DIGEST}", [f"a.test/app@{DIGEST}", f"docker.io/library/app@{DIGEST}", f"b.test:5000/app@{DIGEST}"]),
        (f"app:1@{DIGEST}", [f"a.test/app@{DIGEST}", f"docker.io/library/app@{DIGEST}", f"b.test:5000/app@{DIGEST}"]),
    ],
)
def test_a_name_without_an_alias_may_be_in_each_search_registry(host: FakeHost, text: str, names: list[str]) -> None:
    host.write(MAIN, SEARCH)
    assert candidates(host, text) == (names, host.path(MAIN))


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("app", "c.test/x/app:latest"),
        ("app:1", "c.test/x/app:1"),
        (f"app:1@{DIGEST}", f"c.test/x/app@{DIGEST}"),
        ("hub", "docker.io/library/hub:latest"),
        ("team/app", "c.test/team:latest"),
    ],
)
def test_an_alias_is_the_only_candidate(host: FakeHost, text: str, name: str) -> None:
    host.write(MAIN, SEARCH)
    host.write(DROP_IN, '[aliases]\napp="c.test/x/app"\nhub="docker.io/hub"\n"team/app"="c.test/team"')
    assert candidates(host, text) == ([name], host.path(DROP_IN))


def test_aliases_of_several_files_are_merged_key_by_key_and_an_empty_one_takes_one_away(host: FakeHost) -> None:
    host.write(MAIN, SEARCH + '\n[aliases]\na="c.test/a"\nb="c.test/b"\nc="c.test/c"')
    host.write(DROP_IN, '[aliases]\nb="d.test/b"\nc=""')
    assert candidates(host, "a") == (["c.test/a:latest"], host.path(MAIN))
    assert candidates(host, "b") == (["d.test/b:latest"], host.path(DROP_IN))
    assert len(candidates(host, "c")[0]) == 3


@pytest.mark.parametrize(
    ("uid", "environment", "path"),
    [
        (0, {}, CACHE),
        (0, {"XDG_CACHE_HOME": "~/xdg"}, CACHE),
        (1000, {}, "~/.cache/containers/short-name-aliases.conf"),
        (1000, {"XDG_CACHE_HOME": "~/xdg"}, "~/xdg/containers/short-name-aliases.conf"),
    ],
)
def test_what_a_person_chose_before_goes_first(
    host: FakeHost, uid: int, environment: dict[str, str], path: str
) -> None:
    host.write(MAIN, SEARCH + '\n[aliases]\na="c.test/a"\nb="c.test/b"')
    host.write(path, '[aliases]\na="e.test/a"\nb=""')
    names = load_short_names(host.paths(uid, {name: host.path(value) for name, value in environment.items()}))
    assert [str(name) for name in names.pull_candidates(short("a")).names] == ["e.test/a:latest"]
    # An alias that is taken away here is not looked for elsewhere.
    assert len(names.pull_candidates(short("b")).names) == 3


@pytest.mark.parametrize("mode", ["permissive", "disabled"])
def test_several_candidates_are_tried_without_a_question(host: FakeHost, mode: str) -> None:
    host.write(MAIN, f'{SEARCH}\nshort-name-mode="{mode}"')
    assert len(candidates(host, "app")[0]) == 3


def test_enforcing_wants_a_person_for_several_candidates_only(host: FakeHost) -> None:
    enforcing = 'short-name-mode="enforcing"\n'
    host.write(MAIN, enforcing + SEARCH + '\n[aliases]\na="c.test/a"')
    assert candidates(host, "a")[0] == ["c.test/a:latest"]
    with pytest.raises(ShortNameEnforced) as caught:
        candidates(host, "app")
    assert caught.value.code == "short_name_enforced"
    assert "short-name resolution enforced but cannot prompt" in str(caught.value)
    assert host.path(MAIN) in str(caught.value) and "b.test:5000/app:latest" in caught.value.found
    host.write(MAIN, enforcing + 'unqualified-search-registries=["a.test"]')
    assert candidates(host, "app")[0] == ["a.test/app:latest"]


def test_a_name_that_nothing_resolves_is_never_docker_hubs(host: FakeHost) -> None:
    with pytest.raises(ShortNameUnresolved) as caught:
        candidates(host, "app:1")
    assert caught.value.code == "short_name_unresolved"
    words = 'short-name "app:1" did not resolve to an alias and no'
    assert f"{words} containers-registries.conf(5) was found" in str(caught.value)
    host.write(MAIN, '[aliases]\nother="c.test/other"')
    with pytest.raises(ShortNameUnresolved) as caught:
        candidates(host, "app:1")
    assert f'{words} unqualified-search registries are defined in "{host.path(MAIN)}"' in str(caught.value)
    assert "write the full name, such as docker.io/library/app:1" in str(caught.value)


def test_the_store_is_searched_under_the_alias_localhost_the_search_list_and_docker_hub(host: FakeHost) -> None:
    host.write(MAIN, 'unqualified-search-registries=["a.test"]\n[aliases]\napp="c.test/x/app"')
    names = load_short_names(host.paths())
    assert [str(name) for name in names.local_candidates(short("app:1"))] == [
        "c.test/x/app:1",
        "localhost/app:1",
        "a.test/app:1",
        "docker.io/library/app:1",
    ]
    assert [str(name) for name in names.local_candidates(short("team/app"))] == [
        "localhost/team/app:latest",
        "a.test/team/app:latest",
        "docker.io/team/app:latest",
    ]


@pytest.mark.parametrize(
    ("alias", "message"),
    [
        ('"a:1"="c.test/a"', 'invalid short name "a:1": must not contain tag'),
        (f'"a@{DIGEST}"="c.test/a"', "must not contain digest"),
        ('"q.io/a"="c.test/a"', 'invalid short name "q.io/a": must not contain registry'),
        ('"localhost/a"="c.test/a"', "must not contain registry"),
        ('"A"="c.test/a"', 'invalid short name "A"'),
        ('"a/"="c.test/a"', 'invalid short name "a/"'),
        ('""="c.test/a"', 'invalid short name ""'),
        ('a="c.test/a:1"', 'invalid alias "c.test/a:1": must not contain tag'),
        (f'a="c.test/a@{DIGEST}"', "must not contain digest"),
        ('a="b/c"', 'invalid alias "b/c": must contain registry and repository'),
        ('a="c.test"', 'invalid alias "c.test": must contain registry and repository'),
        ('a="c.test/a/"', 'parsing alias "c.test/a/": invalid reference format'),
        ("a=1", "aliases.a: wrong type"),
    ],
)
@pytest.mark.parametrize("file", [MAIN, DROP_IN, CACHE])
def test_a_bad_alias_is_refused_with_the_words_of_the_go_library(
    host: FakeHost, alias: str, message: str, file: str
) -> None:
    host.write(file, f"[aliases]\n{alias}")
    with pytest.raises(InvalidConfig) as caught:
        load_short_names(host.paths())
    assert str(caught.value).startswith(host.path(file)) and message in str(caught.value)


@pytest.mark.parametrize("name", ["localhost", "q.io", "A/b", "h-H/b_c", "a" * 64, "foo_bar/x"])
def test_a_key_is_any_name_without_a_registry(host: FakeHost, name: str) -> None:
    host.write(MAIN, f'[aliases]\n"{name}"="localhost/c"')
    (alias,) = load_short_names(host.paths()).conf.aliases.items()
    assert (alias[0], str(alias[1].repository)) == (name, "localhost/c")
