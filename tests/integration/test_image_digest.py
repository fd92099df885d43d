# Copyright (c) 2026, Strata contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The lookup image_digest and the filters of references in plays: a tag resolved once, and pulled by digest everywhere."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from lab.commands import run
from lab.fixtures import push
from lab.odd_images import ImageLayout
from lab.playbook import PlaybookRunner, PlayResult
from lab.registry import Login, Registry, running_registry
from lab.stores import Store

LOGIN = Login("user", "hunter2 & p\u00e4ss")
LOOKUP = "strata.containers.image_digest"
DIGEST = "sha256:" + "d" * 64


@pytest.fixture
def show(run_playbook: PlaybookRunner) -> Callable[..., PlayResult]:
    """Evaluates expressions, each in a task of its own (``0``, ``1`` and so on), with further variables."""

    def show(*expressions: str, **variables: Any) -> PlayResult:
        tasks = [
            {"name": str(number), "ansible.builtin.set_fact": {"value": f"{{{{ {expression} }}}}"}}
            for number, expression in enumerate(expressions)
        ]
        return run_playbook(tasks, extra_vars=variables, verbosity=3)

    return show


def _values(result: PlayResult) -> list[Any]:
    assert result.rc == 0, result.stdout
    return [task["ansible_facts"]["value"] for task in result.results]


def _digest(name: str) -> str:
    command = ["skopeo", "inspect", "--no-tags", "--tls-verify=false", "--format", "{{.Digest}}"]
    return run([*command, f"docker://{name}"]).strip()


class TestImageDigest:
    def test_it_gives_the_digest_that_skopeo_gives(self, show: Callable[..., PlayResult], registry: Registry) -> None:
        odd, multi = registry.reference("odd:1"), registry.reference("multi:1")
        call = f"'{LOOKUP}', '{odd}', 'docker://{multi}', validate_certs=false"
        before = len(registry.requests())
        digests, references, text = _values(
            show(f"query({call})", f"query({call}, result='reference')", f"lookup({call})")
        )
        asked = registry.requests()[before:]
        wanted = [_digest(odd), _digest(multi)]
        assert digests == wanted
        assert references == [f"{registry.host}/odd@{wanted[0]}", f"{registry.host}/multi@{wanted[1]}"]
        assert text == ",".join(wanted)
        assert {request.partition(" ")[0] for request in asked if "/manifests/" in request} == {"HEAD"}

    def test_an_image_is_asked_for_once_in_a_task(self, show: Callable[..., PlayResult], registry: Registry) -> None:
        name = registry.reference("odd:1")
        before = len(registry.requests())
        (value,) = _values(show("[app, app, app]", app=f"{{{{ lookup('{LOOKUP}', '{name}', tls_verify=false) }}}}"))
        assert value == [_digest(name)] * 3
        asked = [request for request in registry.requests()[before:] if request.startswith("HEAD")]
        assert asked == ["HEAD /v2/odd/manifests/1"]

    def test_a_digest_in_the_name_is_returned_without_a_question(self, show: Callable[..., PlayResult]) -> None:
        values = _values(
            show(
                f"lookup('{LOOKUP}', 'registry.invalid/app@{DIGEST}')",
                f"lookup('{LOOKUP}', 'registry.invalid/app:1@{DIGEST}', result='reference')",
            )
        )
        assert values == [DIGEST, f"registry.invalid/app@{DIGEST}"]

    def test_a_mirror_of_registries_conf_answers(
        self, show: Callable[..., PlayResult], registry: Registry, tmp_path: Path
    ) -> None:
        conf = tmp_path / "registries.conf"
        conf.write_text(
            f'[[registry]]\nlocation="registry.invalid"\n[[registry.mirror]]\nlocation="{registry.host}"\ninsecure=true\n',
            encoding="utf-8",
        )
        (value,) = _values(
            show(f"lookup('{LOOKUP}', 'registry.invalid/odd:1', registries_conf='{conf}', result='reference')")
        )
        assert value == f"registry.invalid/odd@{_digest(registry.reference('odd:1'))}"

    def test_credentials_are_sent_and_never_shown(
        self, show: Callable[..., PlayResult], private: Registry, tmp_path: Path
    ) -> None:
        name = private.reference("app:1")
        authfile = tmp_path / "auth.json"
        login = ["--username", LOGIN.username, "--password", LOGIN.password, "--tls-verify=false"]
        run(["skopeo", "login", "--authfile", str(authfile), *login, private.host])
        typed = f"lookup('{LOOKUP}', '{name}', username=user, password=secret, validate_certs=false)"
        result = show(
            typed,
            f"lookup('{LOOKUP}', '{name}', authfile='{authfile}', validate_certs=false)",
            user=LOGIN.username,
            secret=LOGIN.password,
        )
        first, second = _values(result)
        assert first == second and first.startswith("sha256:")
        assert LOGIN.password not in result.stdout
        refused = show(typed, user=LOGIN.username, secret="not the password")
        assert refused.rc != 0 and "(unauthorized)" in refused.stdout
        assert "not the password" not in refused.stdout

    @pytest.mark.parametrize(
        ("name", "options", "says"),
        [
            ("odd:none", "", r"odd:none: manifest unknown.* \(manifest_unknown\)"),
            ("no/such:1", "", r"\((manifest|name)_unknown\)"),
            ("Upper/case", "", r"repository name must be lowercase.*\(invalid_reference\)"),
            ("odd:1", ", username='user'", "username and password go together"),
            ("odd:1", ", registries_conf='/no/such/file'", r"/no/such/file: there is no such file.*\(invalid_config\)"),
        ],
    )
    def test_errors_are_the_engines(
        self, show: Callable[..., PlayResult], registry: Registry, name: str, options: str, says: str
    ) -> None:
        result = show(f"lookup('{LOOKUP}', '{registry.reference(name)}', validate_certs=false{options})")
        assert result.rc != 0
        assert re.search(says, " ".join(result.message.split())), result.message
        assert "Traceback" not in result.stdout

    def test_one_build_is_pulled_by_digest_although_the_tag_moves(
        self,
        run_playbook: PlaybookRunner,
        registry: Registry,
        make_store: Callable[[str], Store],
        pull_options: dict[str, Any],
        tmp_path: Path,
    ) -> None:
        layout = ImageLayout(str(tmp_path / "layout"))
        name = registry.reference("moving:stable")
        for build in ("first", "second"):
            layout.add_image(build, [], config={"Labels": {"build": build}})
        push(layout, "first", name)
        store = make_store("store")
        resolve = {
            "name": "resolve",
            "ansible.builtin.set_fact": {
                "app": f"{{{{ lookup('{LOOKUP}', '{name}', validate_certs=false, result='reference') }}}}"
            },
            "run_once": True,
        }
        move = ["skopeo", "--insecure-policy", "copy", "--dest-tls-verify=false"]
        tasks = [
            resolve,
            {
                "name": "move",
                "ansible.builtin.command": {"argv": [*move, f"oci:{layout.directory}:second", f"docker://{name}"]},
            },
            {
                "name": "pull",
                "strata.containers.image_pull": {
                    "name": "{{ app }}",
                    "pull": "missing",
                    **store.module_options(),
                    **pull_options,
                },
            },
        ]
        result = run_playbook(tasks)
        assert result.rc == 0, result.stdout
        image = result.result("pull")["image"]
        assert image["names"] == [f"{registry.host}/moving@{image['digest']}"]
        assert store.podman("image", "inspect", "--format", "{{.Labels.build}}", image["id"]) == "first"
        assert _digest(name) != image["digest"]


class TestReferenceFilters:
    def test_they_work_in_templates(self, show: Callable[..., PlayResult]) -> None:
        values = _values(
            show(
                "names | map('strata.containers.normalize_reference') | list",
                "(names[1] | strata.containers.parse_reference).domain",
                "names | map('strata.containers.parse_reference') | map(attribute='tag') | list",
                names=["busybox", "localhost:5000/app:v1", f"quay.io/app@{DIGEST}"],
            )
        )
        assert values[0] == ["docker.io/library/busybox:latest", "localhost:5000/app:v1", f"quay.io/app@{DIGEST}"]
        assert values[1] == "localhost:5000"
        assert values[2] == [None, "v1", None]

    @pytest.mark.parametrize("filter_name", ["normalize_reference", "parse_reference"])
    def test_their_errors_are_the_engines(self, show: Callable[..., PlayResult], filter_name: str) -> None:
        result = show(f"'host_x.tld/a' | strata.containers.{filter_name}")
        assert result.rc != 0
        assert "invalid reference format" in result.message and "Traceback" not in result.stdout


@pytest.fixture(scope="module")
def private(judges: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Registry]:
    """A registry that asks for LOGIN, with the image ``app:1``."""
    directory = tmp_path_factory.mktemp("private")
    layout = ImageLayout(str(directory / "layout"))
    layout.add_image("app", [])
    with running_registry(str(directory), LOGIN) as registry:
        auth = ["--dest-username", LOGIN.username, "--dest-password", LOGIN.password, "--dest-tls-verify=false"]
        destination = f"docker://{registry.reference('app:1')}"
        run(["skopeo", "--insecure-policy", "copy", *auth, f"oci:{layout.directory}:app", destination])
        yield registry
