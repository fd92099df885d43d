# Copyright (c) 2026, Strata contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""registry_login through Ansible: check, do, check again, do again; podman and skopeo read what it wrote, and the reverse."""

from __future__ import annotations

import base64
import json
import os
import pwd
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Optional

import pytest
import urllib3
from lab.commands import missing_judges, run
from lab.credential_helper import install_helper
from lab.logins import Desk, Done, auths_of, podman_login, push_private, skopeo_reads
from lab.modules import run_module
from lab.playbook import PlaybookRunner, PlayResult
from lab.processes import watching_processes
from lab.registry import Login, Registry, running_registry
from lab.token_service import running_token_registry
from lab.trees import snapshot

LOGIN = Login("user", "hunter2 & p\u00e4ss:w\u00f6rd")
SECRET = "mArKeD-p4ssw0rd"
MARKED = Login("marked", SECRET)
CONTROL = "c0ntr0l-w0rd"
USER = "strata-login-test"


@pytest.fixture(scope="module")
def tools(judges: None) -> None:
    missing = missing_judges(["openssl", "htpasswd"])
    if missing and os.environ.get("CI"):
        pytest.fail(f"missing: {', '.join(missing)}")
    if missing:
        pytest.skip(f"missing: {', '.join(missing)}")


@pytest.fixture(scope="module")
def basic(tools: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Registry]:
    """A registry that asks for a password, with the image ``private/app:1``."""
    directory = tmp_path_factory.mktemp("basic")
    with running_registry(str(directory), login=LOGIN) as registry:
        push_private(registry, directory / "layout", LOGIN)
        yield registry


@pytest.fixture(scope="module")
def tokens(tools: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Registry]:
    """A registry that asks for tokens, with the image ``private/app:1``."""
    directory = tmp_path_factory.mktemp("tokens")
    with running_token_registry(str(directory), LOGIN) as (registry, _service):
        push_private(registry, directory / "layout", LOGIN)
        yield registry


@pytest.fixture(params=["basic", "tokens"])
def asking(request: pytest.FixtureRequest) -> Registry:
    """Each of the two ways of asking."""
    registry: Registry = request.getfixturevalue(request.param)
    return registry


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    """For what has been seen through Ansible: a play takes seconds."""
    return Desk(tmp_path / "logins")


@pytest.fixture
def played(run_playbook: PlaybookRunner, tmp_path: Path) -> Desk:
    return Desk(tmp_path / "logins", run_playbook)


HALF_REQUESTS: list[tuple[dict[str, Any], str]] = [
    ({"registry": "quay.io", "username": "u"}, "only a user: required together"),
    ({"registry": "quay.io", "password": "p"}, "only a password: required together"),
    ({"registry": "quay.io"}, "neither: state is present but all of the following are missing"),
    ({"state": "absent"}, "no registry: all is False but all of the following are missing: registry"),
    ({"all": True, "username": "u", "password": "p", "registry": "quay.io"}, "all present: state absent"),
    ({"all": True, "state": "absent", "registry": "quay.io"}, "all and one: with no registry"),
    ({"registry": "https://quay.io", "state": "absent"}, "scheme: without a scheme"),
    ({"registry": "quay.io/ns:1", "state": "absent"}, "tag: not for a tag"),
]


class TestLogin:
    """Rows G01 to G03."""

    def test_wrong_then_right_then_again(self, played: Desk, basic: Registry) -> None:
        for check in (True, False):
            refused = played(basic.host, Login(LOGIN.username, "wrong"), check=check)
            assert refused.failed and not refused.changed and refused.code == "unauthorized"
            assert not played.directory.exists()
        played.four_ways(basic.host, LOGIN)
        assert podman_login(played.authfile, basic.host) == LOGIN.username

    def test_a_login_is_kept_where_podman_and_skopeo_find_it(self, desk: Desk, asking: Registry) -> None:
        result = desk.four_ways(asking.host, LOGIN)
        assert result["registry"] == asking.host and result["username"] == LOGIN.username
        assert result["authfile"] == result["credentials"] == str(desk.authfile)
        assert podman_login(desk.authfile, asking.host) == LOGIN.username
        assert skopeo_reads(desk.authfile, asking)
        modes = [path.stat().st_mode & 0o777 for path in (desk.authfile, desk.directory)]
        assert modes == [0o600, 0o700]
        written = desk.authfile.read_bytes()
        # podman writes the same file for the same login.
        podman = desk.directory / "podman.json"
        podman_login(podman, asking.host, LOGIN)
        assert podman.read_bytes() == written

    def test_a_wrong_password_is_refused_in_check_mode_too_and_nothing_is_written(
        self, desk: Desk, asking: Registry
    ) -> None:
        for check in (True, False):
            refused = desk(asking.host, Login(LOGIN.username, "wrong"), check=check)
            assert refused.failed and not refused.changed
            assert refused.code == "unauthorized" and refused.data["error"]["status"] == 401
            assert not desk.directory.exists()
        desk(asking.host, LOGIN)
        before = snapshot(str(desk.directory))
        assert desk(asking.host, Login(LOGIN.username, "wrong")).failed
        assert snapshot(str(desk.directory)) == before

    def test_what_podman_wrote_is_ours(self, desk: Desk, basic: Registry) -> None:
        desk.directory.mkdir()
        namespace = f"{basic.host}/private"
        for key in (basic.host, namespace):
            assert podman_login(desk.authfile, key, LOGIN) == LOGIN.username
        before = snapshot(str(desk.directory))
        for key in (basic.host, namespace):
            assert not desk(key, LOGIN).changed
        assert snapshot(str(desk.directory)) == before
        desk.four_ways(basic.host, None, state="absent")
        assert podman_login(desk.authfile, basic.host) is None
        assert podman_login(desk.authfile, namespace) == LOGIN.username and skopeo_reads(desk.authfile, basic)
        assert desk(namespace, state="absent").changed
        assert podman_login(desk.authfile, namespace) is None and not skopeo_reads(desk.authfile, basic)

    def test_a_namespace_is_for_its_repositories_alone(self, desk: Desk, basic: Registry) -> None:
        desk.four_ways(f"{basic.host}/other", LOGIN)
        assert not skopeo_reads(desk.authfile, basic)
        assert desk(f"{basic.host}/private", LOGIN).changed
        assert skopeo_reads(desk.authfile, basic)

    def test_other_entries_stay_and_the_mode_is_corrected(self, desk: Desk, basic: Registry) -> None:
        content = {**auths_of("other.io", LOGIN), "HttpHeaders": {"X": "y"}}
        desk.write(content)
        desk.authfile.chmod(0o644)
        desk(basic.host, LOGIN)
        found = json.loads(desk.authfile.read_text(encoding="utf-8"))
        assert found == {**content, "auths": {**content["auths"], **auths_of(basic.host, LOGIN)["auths"]}}
        written = desk.authfile.read_bytes()
        desk.authfile.chmod(0o644)
        assert desk.four_ways(basic.host, LOGIN)["diff"]["before"][str(desk.authfile)]["mode"] == "0644"
        assert desk.authfile.stat().st_mode & 0o777 == 0o600 and desk.authfile.read_bytes() == written

    def test_half_a_request_is_refused(self, run_playbook: PlaybookRunner) -> None:
        tasks = [
            {"name": words, "strata.containers.registry_login": options, "ignore_errors": True}
            for options, words in HALF_REQUESTS
        ]
        refused = run_playbook(tasks)
        for _options, words in HALF_REQUESTS:
            result = refused.result(words)
            assert result["_status"] == "failed" and not result.get("changed")
            assert words.partition(": ")[2] in result["msg"]

    def test_a_bad_file_is_an_error_that_names_it(self, desk: Desk, basic: Registry) -> None:
        desk.directory.mkdir()
        for content in ("", "{", "[]"):
            desk.authfile.write_text(content, encoding="utf-8")
            refused = desk(basic.host, LOGIN)
            assert refused.code == "invalid_config"
            assert str(desk.authfile) in refused.message and desk.authfile.read_text(encoding="utf-8") == content


class TestLogout:
    """Row G04."""

    def test_of_an_unknown_registry_of_one_and_of_all(
        self, played: Desk, desk: Desk, basic: Registry, tokens: Registry
    ) -> None:
        for check in (True, False):
            assert not desk("unknown.io", state="absent", check=check).changed
            assert not desk(all=True, state="absent", check=check).changed
        assert not desk.directory.exists()
        for registry in (basic, tokens):
            desk(registry.host, LOGIN)
        assert not played("unknown.io", state="absent").changed
        played.four_ways(basic.host, None, state="absent")
        assert podman_login(desk.authfile, basic.host) is None
        assert podman_login(desk.authfile, tokens.host) == LOGIN.username
        desk(basic.host, LOGIN)
        played.four_ways(None, None, all=True, state="absent")
        assert podman_login(desk.authfile, tokens.host) is None
        assert json.loads(desk.authfile.read_text(encoding="utf-8")) == {"auths": {}}


class TestDocker:
    def test_its_file_is_read_by_skopeo_and_has_no_namespaces(self, desk: Desk, basic: Registry) -> None:
        desk.authfile = desk.directory / "config.json"
        desk.four_ways(basic.host, LOGIN)
        assert skopeo_reads(desk.authfile, basic)
        refused = desk(f"{basic.host}/private", LOGIN)
        assert refused.code == "namespace_unsupported"


class TestHelpers:
    def test_the_helper_of_the_file_is_shared_with_podman_and_skopeo(
        self, desk: Desk, basic: Registry, tmp_path: Path
    ) -> None:
        helper = install_helper(tmp_path / "bin", "lab")
        desk.write({"credHelpers": {basic.host: "lab"}})
        before = desk.authfile.read_bytes()
        result = desk.four_ways(basic.host, LOGIN, environment=helper.environment)
        assert result["credentials"] == f"docker-credential-lab ({desk.authfile})"
        assert helper.logins() == {basic.host: (LOGIN.username, LOGIN.password)}
        assert desk.authfile.read_bytes() == before
        assert podman_login(desk.authfile, basic.host, env=helper.environment) == LOGIN.username
        assert skopeo_reads(desk.authfile, basic, env=helper.environment)
        desk.four_ways(basic.host, None, state="absent", environment=helper.environment)
        assert helper.logins() == {}
        podman_login(desk.authfile, basic.host, LOGIN, env=helper.environment)
        assert not desk(basic.host, LOGIN, environment=helper.environment).changed
        # The input of a call is nobody's to see.
        assert set(helper.calls()) == {"get", "store", "erase"}

    @pytest.mark.parametrize("place", ["credHelpers", "credsStore"])
    def test_a_pull_asks_the_helper(
        self, desk: Desk, basic: Registry, tmp_path: Path, make_store: Any, pull_options: dict[str, Any], place: str
    ) -> None:
        helper = install_helper(tmp_path / "bin", "lab")
        name = basic.reference("private/app:1")
        options = {**make_store("store").module_options(), **pull_options, "authfile": str(desk.authfile), "name": name}
        desk.write({place: {basic.host: "lab"} if place == "credHelpers" else "lab"})
        for login in (None, LOGIN):
            if login:
                stored = {"ServerURL": basic.host, "Username": login.username, "Secret": login.password}
                run([str(helper.directory / helper.program), "store"], stdin=json.dumps(stored).encode())
            pulled = run_module("image_pull", options, check=True, env=helper.environment)
            assert pulled.code == ("" if login else "unauthorized"), pulled.text
            assert pulled.changed is bool(login) and LOGIN.password not in pulled.text

    @pytest.mark.parametrize(
        ("complaint", "code"), [(None, "credential_helper_missing"), ("locked", "credential_helper_failed")]
    )
    def test_one_that_fails_or_is_missing_fails_the_task(
        self, desk: Desk, basic: Registry, tmp_path: Path, complaint: Optional[str], code: str
    ) -> None:
        helper = install_helper(tmp_path / "bin", "broken", complaint=complaint)
        if complaint is None:
            (helper.directory / helper.program).unlink()
        desk.write({"credHelpers": {basic.host: "broken"}})
        before = snapshot(str(desk.directory))
        refused = desk(basic.host, LOGIN, environment=helper.environment)
        assert refused.failed and refused.code == code
        assert "docker-credential-broken" in refused.message and LOGIN.password not in refused.message
        assert snapshot(str(desk.directory)) == before


class TestAnotherUser:
    """With become the files are those of the user become, whatever the environment of the user who logged in says."""

    @pytest.fixture
    def account(self, tools: None) -> Iterator[pwd.struct_passwd]:
        home = Path("/var/tmp") / USER
        subprocess.run(["userdel", "--remove", USER], stderr=subprocess.DEVNULL, check=False)
        run(["useradd", "--create-home", "--home-dir", str(home), USER])
        account = pwd.getpwnam(USER)
        yield account
        run(["userdel", "--remove", "--force", USER])
        shutil.rmtree(f"/tmp/podman-run-{account.pw_uid}", ignore_errors=True)

    def test_the_login_is_theirs_and_podman_run_by_them_finds_it(
        self, account: pwd.struct_passwd, basic: Registry, run_playbook: PlaybookRunner
    ) -> None:
        options = {"registry": basic.host, "validate_certs": False}
        login = {"username": LOGIN.username, "password": LOGIN.password}
        wanted = Path(f"/tmp/podman-run-{account.pw_uid}/containers/auth.json")

        def play(**more: Any) -> PlayResult:
            task = {"name": "task", "strata.containers.registry_login": {**options, **more}}
            return run_playbook(
                [{**task, "environment": {"PYTHONPATH": _libraries_for(account)}}],
                extra_vars={"ansible_python_interpreter": "/usr/bin/python3"},
                play={"become": True, "become_user": USER, "become_method": "ansible.builtin.su"},
                # What root's session would hand down by su.
                env={"XDG_RUNTIME_DIR": "/run", "XDG_CONFIG_HOME": "/root/.config"},
            )

        for expected in (True, False):
            done = play(**login)
            assert done.rc == 0 and done.changed is expected, done.stdout
        assert done.result("task")["authfile"] == str(wanted)
        owners = {(path.stat().st_uid, path.stat().st_mode & 0o777) for path in (wanted.parent, wanted)}
        assert owners == {(account.pw_uid, 0o700), (account.pw_uid, 0o600)}
        podman = f"cd && env -u XDG_RUNTIME_DIR podman login --get-login {basic.host}"
        assert run(["su", USER, "-c", podman]).strip() == LOGIN.username
        assert play(state="absent").changed
        assert not Path(account.pw_dir, ".config/containers").exists()

    def test_root_keeps_the_owner_of_their_file(self, account: pwd.struct_passwd, desk: Desk, basic: Registry) -> None:
        desk.authfile = Path(account.pw_dir) / "auth.json"
        desk.authfile.write_text("{}", encoding="utf-8")
        os.chown(desk.authfile, account.pw_uid, account.pw_gid)
        assert desk(basic.host, LOGIN).changed
        status = desk.authfile.stat()
        assert (status.st_uid, status.st_gid, status.st_mode & 0o777) == (account.pw_uid, account.pw_gid, 0o600)


def _libraries_for(account: pwd.struct_passwd) -> str:
    """The libraries of the tests' own Python, in a directory that the user may look into."""
    target = Path(account.pw_dir) / "libraries"
    if not target.exists():
        shutil.copytree(os.path.dirname(urllib3.__file__), target / "urllib3")
    return str(target)


class TestNoSecret:
    """A password that can be recognised is in no result, no output, no difference, no process that others can see."""

    def test_nothing_shows_it(self, desk: Desk, tmp_path: Path, tools: None) -> None:
        played = Desk(desk.directory, PlaybookRunner(tmp_path / "ansible", own_process=True))
        encoded = base64.b64encode(f"{MARKED.username}:{SECRET}".encode()).decode()
        words = [SECRET, encoded]
        with running_registry(str(tmp_path / "marked"), login=MARKED) as registry:
            with watching_processes([*words, CONTROL]) as watch:
                for ways in (self._ways(played, registry, tmp_path), self._failures(desk, registry, tmp_path)):
                    for done in ways:
                        shown = done.text + json.dumps(done.data)
                        assert not [word for word in words if word in shown], shown
                # The watch does see what is to be seen.
                run(["sleep", "0.5"], env={"CONTROL": CONTROL})
                run(["sh", "-c", f": {CONTROL}; sleep 0.5"])
        assert {place.partition(" ")[0] for place in watch.found} == {"environment", "arguments"}
        assert all("sleep" in place for place in watch.found)
        for program in ("docker-credential-slow", "ansible-playbook"):
            assert any(word.endswith(f"/{program}") for word in watch.seen)

    @staticmethod
    def _ways(desk: Desk, registry: Registry, tmp_path: Path) -> Iterator[Done]:
        """Through Ansible: the ways on which the password should travel."""
        yield desk(registry.host, MARKED, check=True)
        yield desk(registry.host, MARKED)
        assert podman_login(desk.authfile, registry.host) == MARKED.username
        yield desk(registry.host, Login("somebody", SECRET))
        yield desk(registry.host, state="absent")
        helper = install_helper(tmp_path / "slow", "slow", pause=0.3)
        desk.write({"credHelpers": {registry.host: "slow"}})
        yield desk(registry.host, MARKED, environment=helper.environment)
        assert helper.logins() == {registry.host: (MARKED.username, SECRET)}

    @staticmethod
    def _failures(desk: Desk, registry: Registry, tmp_path: Path) -> Iterator[Done]:
        """What else can go wrong while the password is at hand."""
        helper = install_helper(tmp_path / "loud", "loud", complaint="cannot keep this:")
        desk.write({"credHelpers": {registry.host: "loud"}})
        failures = [desk(registry.host, MARKED, environment=helper.environment)]
        desk.authfile.write_text(f'{{"auths": {{"{registry.host}": {{"auth": "!{SECRET}"}}}}}}', encoding="utf-8")
        failures.append(desk(registry.host, MARKED))
        desk.authfile = desk.authfile / "below a file"
        failures.append(desk(registry.host, MARKED))
        for done in failures:
            assert done.failed
            yield done
