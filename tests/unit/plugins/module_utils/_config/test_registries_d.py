# Copyright (c) 2026, Strata contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Where signatures are kept, by the files of registries.d; the order of scopes is that of containers-registries.d(5)."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest
from ansible_collections.strata.containers.plugins.module_utils._config.registries_d import (
    RegistriesD,
    SignaturePlace,
    load_registries_d,
)
from ansible_collections.strata.containers.plugins.module_utils._config.toml_file import InvalidConfig
from ansible_collections.strata.containers.plugins.module_utils._errors import HostError, MissingLibraryError
from ansible_collections.strata.containers.tests.unit.plugins.module_utils._config.config_host import FakeHost

# What a policy and registries.d look at for reg.test:5000/ns/app:v1, in that order.
SCOPES = ("reg.test:5000/ns/app:v1", "reg.test:5000/ns/app", "reg.test:5000/ns", "reg.test:5000", "*.test", "")
ETC = "/etc/containers/registries.d"


@pytest.fixture
def host(tmp_path: Path) -> FakeHost:
    return FakeHost(tmp_path)


def load(host: FakeHost, explicit: str | None = None, **files: str) -> RegistriesD:
    for name, text in files.items():
        host.write(f"{ETC}/{name}.yaml", text)
    return load_registries_d(host.paths(), explicit)


class TestDefault:
    def test_of_root_it_is_the_directory_of_the_system(self, tmp_path: Path) -> None:
        found = load_registries_d(FakeHost(tmp_path).paths())
        assert found.place(SCOPES) == SignaturePlace(f"file://{tmp_path}/var/lib/containers/sigstore", False)

    def test_of_others_it_is_below_their_home(self, host: FakeHost) -> None:
        found = load_registries_d(host.paths(uid=1000))
        assert found.place(SCOPES).lookaside == f"file://{host.home}/.local/share/containers/sigstore"

    def test_the_user_before_a_change_of_user_counts(self, host: FakeHost) -> None:
        paths = host.paths(environment={"_CONTAINERS_ROOTLESS_UID": "1000"})
        assert load_registries_d(paths).fallback == f"file://{host.home}/.local/share/containers/sigstore"

    def test_a_home_of_odd_name_is_escaped(self, tmp_path: Path) -> None:
        found = load_registries_d(FakeHost(tmp_path / "a b#c").paths(uid=1))
        assert found.fallback == f"file://{tmp_path}/a%20b%23c/home/.local/share/containers/sigstore"

    def test_a_home_that_is_no_text_is_escaped_by_its_bytes(self, tmp_path: Path) -> None:
        found = load_registries_d(FakeHost(tmp_path / os.fsdecode(b"\xfc")).paths(uid=1))
        assert found.fallback == f"file://{tmp_path}/%FC/home/.local/share/containers/sigstore"


class TestFiles:
    def test_the_directory_of_the_user_hides_that_of_the_system(self, host: FakeHost) -> None:
        host.write("~/.config/containers/registries.d/a.yaml", "default-docker: {lookaside: 'file:///user'}")
        found = load(
            host, a="default-docker: {lookaside: 'file:///system'}\ndocker: {reg.test:5000: {lookaside: 'x:y'}}"
        )
        assert found.place(SCOPES).lookaside == "file:///user"

    def test_a_directory_that_a_task_names_hides_both(self, host: FakeHost) -> None:
        host.write("~/.config/containers/registries.d/a.yaml", "default-docker: {lookaside: 'file:///user'}")
        named = os.path.dirname(host.write("/srv/d/a.yaml", "default-docker: {lookaside: 'file:///named'}"))
        assert load(host, named).place(SCOPES).lookaside == "file:///named"
        assert load(host, host.path("/srv/none")).place(SCOPES).lookaside.endswith("/var/lib/containers/sigstore")

    def test_other_endings_are_not_read(self, host: FakeHost) -> None:
        for name in ("a.yml", "b.yaml.bak", "c.json"):
            host.write(f"{ETC}/{name}", "] no yaml")
        assert load(host).docker == {}

    def test_a_dangling_link_is_passed_over(self, host: FakeHost) -> None:
        load(host, a="docker: {reg.test:5000: {lookaside: 'file:///a'}}")
        os.symlink("nowhere", host.path(f"{ETC}/b.yaml"))
        assert load(host).place(SCOPES).lookaside == "file:///a"

    def test_a_file_that_cannot_be_read_is_an_error(self, host: FakeHost) -> None:
        os.makedirs(host.path(f"{ETC}/a.yaml"))
        with pytest.raises(HostError, match="a directory"):
            load(host)

    def test_a_directory_that_is_none_is_an_error(self, host: FakeHost) -> None:
        host.write(ETC)
        with pytest.raises(HostError, match="cannot read"):
            load(host)

    def test_without_the_library_files_are_an_error_and_no_files_are_none(
        self, host: FakeHost, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setitem(sys.modules, "yaml", None)
        assert load(host).docker == {}
        with pytest.raises(MissingLibraryError, match="PyYAML"):
            load(host, a="docker: {}")


class TestSections:
    @pytest.mark.parametrize("place", range(5))
    def test_the_narrowest_scope_counts(self, host: FakeHost, place: int) -> None:
        sections = "".join(
            f"  '{scope}': {{lookaside: 'file:///{n}'}}\n" for n, scope in enumerate(SCOPES) if n >= place
        )
        assert load(host, a=f"docker:\n{sections}").place(SCOPES).lookaside == f"file:///{place}"

    def test_the_empty_scope_means_nothing(self, host: FakeHost) -> None:
        assert load(host, a="docker: {'': {lookaside: 'file:///all'}}").place(SCOPES).lookaside.endswith("sigstore")

    def test_each_key_comes_from_the_narrowest_section_that_has_it(self, host: FakeHost) -> None:
        found = load(
            host,
            a="default-docker: {lookaside: 'https://default', use-sigstore-attachments: false}",
            b="docker: {reg.test:5000: {use-sigstore-attachments: true}, reg.test:5000/ns/app: {lookaside: 'https://app'}}",
            c="docker: {reg.test:5000/ns: {lookaside-staging: 'file:///staging'}}",
        )
        assert found.place(SCOPES) == SignaturePlace("https://app", True)
        assert found.place(SCOPES[2:]) == SignaturePlace("https://default", True)
        assert found.place(("other.test",)) == SignaturePlace("https://default", False)
        # For reading, what is for writing counts for nothing.
        assert found.staging(SCOPES[2:]) == "file:///staging"
        assert found.staging(("other.test",)) == "https://default"

    def test_a_narrower_no_hides_a_wider_yes(self, host: FakeHost) -> None:
        text = "docker: {reg.test:5000: {use-sigstore-attachments: true}, reg.test:5000/ns: {use-sigstore-attachments: no}}"
        assert not load(host, a=text).place(SCOPES).attachments

    def test_the_old_names_count_where_the_new_ones_are_not_there(self, host: FakeHost) -> None:
        old = "sigstore: 'file:///old', sigstore-staging: 'file:///old-staging'"
        found = load(host, a=f"docker: {{one: {{{old}}}, two: {{{old}, lookaside: 'file:///new'}}}}")
        assert found.place(("one",)).lookaside == "file:///old"
        assert found.place(("two",)).lookaside == "file:///new"
        assert found.staging(("one",)) == "file:///old-staging"

    @pytest.mark.parametrize(
        "text", ["", "# nothing\n", "docker:\n", "default-docker: ~\n", "docker: {reg.test:5000: ~}"]
    )
    def test_what_is_empty_says_nothing(self, host: FakeHost, text: str) -> None:
        assert load(host, a=text, b="default-docker: {lookaside: 'file:///b'}").place(SCOPES).lookaside == "file:///b"

    def test_unknown_keys_are_passed_over(self, host: FakeHost) -> None:
        assert (
            load(host, a="x: [1]\ndefault-docker: {lookaside: 'file:///a', y: {z: 1}}").place(()).lookaside
            == "file:///a"
        )

    def test_only_the_first_document_counts(self, host: FakeHost) -> None:
        assert load(host, a="docker: {}\n---\ndefault-docker: {lookaside: 'file:///a'}").default is None


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("docker: [", "not YAML"),
        ("docker: {a: {lookaside: 'x'}, a: {lookaside: 'y'}}", "line 1: the key a stands twice"),
        ("docker: {}\ndocker: {}", "line 2: the key docker stands twice"),
        ("docker:\n  a: {lookaside: x, lookaside: y}", "the key lookaside stands twice"),
        ("docker: {a: {<<: {lookaside: x}}}", "merged"),
        ("docker: {[a]: {}}", "a key must be text"),
        ("- docker", "does not hold a table"),
        ("docker: [a]", "wrong type"),
        ("docker: {a: b}", "wrong type"),
        ("default-docker: [a]", "wrong type"),
        ("docker: {a: {lookaside: [b]}}", "wrong type"),
        ("docker: {a: {use-sigstore-attachments: 'maybe'}}", "wrong type"),
        ("docker: " + "[" * 5000, "nested too deeply"),
        ("docker: {a: {lookaside: !!python/object/apply:os.getcwd []}}", "not YAML"),
    ],
)
def test_a_broken_file_is_an_error_that_names_it(host: FakeHost, text: str, words: str) -> None:
    with pytest.raises(InvalidConfig, match=words) as caught:
        load(host, good="docker: {}", zbad=text)
    assert caught.value.subject.startswith(host.path(f"{ETC}/zbad.yaml"))


@pytest.mark.parametrize(
    "text", ["default-docker: {lookaside: 'file:///a'}", "docker: {reg.test: {use-sigstore-attachments: true}}"]
)
def test_two_files_that_speak_of_the_same_are_an_error(host: FakeHost, text: str) -> None:
    with pytest.raises(InvalidConfig, match=r"is defined in .*/a\.yaml too"):
        load(host, a=text, b=text)
