# Copyright (c) 2026, Strata contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The role host_config: what it writes, what it refuses, and that podman and skopeo take it."""

from __future__ import annotations

import json
import os
import pwd
import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest
from lab.commands import run
from lab.config_host import EXPLICIT, ScratchHost
from lab.long_run import only_long
from lab.playbook import PlaybookRunner, PlayResult
from lab.trees import snapshot

FILES = ["policy.json", "registries.conf", "storage.conf"]
USER = "strata-role-test"


class Role:
    """The role on a scratch directory."""

    def __init__(self, play: PlaybookRunner, directory: Path) -> None:
        self._play = play
        self.directory = directory

    def __call__(self, *, check: bool = False, **variables: Any) -> PlayResult:
        settings = {"directory": str(self.directory), **variables}
        named = {f"host_config_{key}": value for key, value in settings.items()}
        task = {
            "name": "Role",
            "ansible.builtin.include_role": {"name": "strata.containers.host_config"},
            "vars": named,
        }
        return self._play([task], check=check, diff=True)

    def text(self, name: str) -> str:
        return (self.directory / name).read_text(encoding="utf-8")

    def files(self) -> list[str]:
        return sorted(path.name for path in self.directory.iterdir()) if self.directory.exists() else []


@pytest.fixture
def role(run_playbook: PlaybookRunner, tmp_path: Path) -> Role:
    return Role(run_playbook, tmp_path / "etc" / "containers")


@pytest.fixture
def short_path() -> Iterator[Path]:
    """A scratch directory with a short name: podman refuses a run root of more than 50 characters."""
    with tempfile.TemporaryDirectory(prefix="strata-", dir="/var/tmp") as directory:
        yield Path(directory)


@pytest.fixture
def other_user(judges: None, tmp_path: Path) -> Iterator[pwd.struct_passwd]:
    """An account without rights, with a home directory of its own."""
    home = Path("/var/tmp") / USER
    subprocess.run(["userdel", "--remove", USER], stderr=subprocess.DEVNULL, check=False)
    run(["useradd", "--create-home", "--home-dir", str(home), USER])
    yield pwd.getpwnam(USER)
    run(["userdel", "--remove", "--force", USER])


IMAGES = ({"id": "0" * 64, "layer": "1" * 64},)


def _store_with_an_image(
    role: Role, root: Path, *, driver: str = "overlay", named: bool = True, images: Sequence[Mapping[str, str]] = IMAGES
) -> None:
    """A storage.conf that names the store ``root``, and records in it."""
    role.directory.mkdir(parents=True)
    line = f'driver = "{driver}"\n' if named else ""
    (role.directory / "storage.conf").write_text(f'[storage]\n{line}graphroot = "{root}"\n', encoding="utf-8")
    records = root / f"{driver}-images"
    records.mkdir(parents=True)
    (records / "images.json").write_text(json.dumps(list(images)), encoding="utf-8")


class TestAnEmptyHost:
    """Row F01."""

    def test_all_files_are_installed_and_a_second_run_changes_nothing(self, role: Role) -> None:
        predicted = role(check=True)
        assert predicted.rc == 0, predicted.stdout
        assert predicted.changed and not role.directory.exists()

        old = os.umask(0o077)
        try:
            done = role()
        finally:
            os.umask(old)
        assert done.rc == 0, done.stdout
        assert done.changed and role.files() == FILES
        assert role.directory.stat().st_mode & 0o777 == 0o755
        assert {(role.directory / name).stat().st_mode & 0o777 for name in FILES} == {0o644}
        # What upstream ships.
        accept = [{"type": "insecureAcceptAnything"}]
        policy = {"default": accept, "transports": {"docker-daemon": {"": accept}}}
        assert json.loads(role.text("policy.json")) == policy
        for name in FILES:
            assert {f"+{line}" for line in role.text(name).splitlines()} <= set(predicted.stdout.splitlines())

        before = snapshot(str(role.directory))
        for check in (True, False):
            again = role(check=check)
            assert again.rc == 0, again.stdout
            assert not again.changed, again.changed_tasks
        assert snapshot(str(role.directory)) == before

    def test_only_the_files_asked_for_are_installed(self, role: Role) -> None:
        role(files=["policy"])
        assert role.files() == ["policy.json"]


class TestAFileThatWasThere:
    def test_it_survives_as_a_backup(self, role: Role) -> None:
        role.directory.mkdir(parents=True)
        old = "# a comment\n[storage]\nunknown = 1\n"
        (role.directory / "storage.conf").write_text(old, encoding="utf-8")
        assert role(files=["storage"]).rc == 0
        backups = [name for name in role.files() if name.startswith("storage.conf.")]
        assert len(backups) == 1 and role.text(backups[0]) == old
        assert "comment" not in role.text("storage.conf")

    def test_the_difference_is_shown_and_nothing_is_written_in_check_mode(self, role: Role) -> None:
        role.directory.mkdir(parents=True)
        (role.directory / "registries.conf").write_text(
            'unqualified-search-registries = ["docker.io"]\n', encoding="utf-8"
        )
        before = snapshot(str(role.directory))
        changed = role(check=True, registries_search=["registry.example.com"])
        assert changed.changed
        assert '-unqualified-search-registries = ["docker.io"]' in changed.stdout
        assert '+unqualified-search-registries = ["registry.example.com"]' in changed.stdout
        assert snapshot(str(role.directory)) == before


REGISTRIES: dict[str, dict[str, Any]] = {
    "alias only": {"registries_search": [], "registries_aliases": {"tool": "registry.example.com/team/tool"}},
    "top level and tables": {
        "registries_search": ["docker.io", "registry.example.com:5000"],
        "registries_short_name_mode": "enforcing",
        "registries": [
            {"location": "localhost:5000", "insecure": True},
            {"prefix": "docker.io/library", "location": "registry.example.com/hub"},
            {"prefix": "*.bad.example.com", "blocked": True},
        ],
        "registries_aliases": {"a": "registry.example.com/a", "b.c": "registry.example.com/b"},
    },
}


class TestTheToolsTakeIt:
    """Row F02."""

    @pytest.mark.parametrize("name", REGISTRIES)
    def test_podman_reads_registries_conf(self, judges: None, role: Role, short_path: Path, name: str) -> None:
        done = role(files=["registries"], **REGISTRIES[name])
        assert done.rc == 0, done.stdout
        info = self._podman_info(role, short_path)
        assert info["registries"].get("search", []) == REGISTRIES[name]["registries_search"]
        tables = {prefix: entry for prefix, entry in info["registries"].items() if isinstance(entry, dict)}
        wanted = REGISTRIES[name].get("registries", [])
        assert set(tables) == {entry.get("prefix") or entry["location"] for entry in wanted}
        assert [prefix for prefix, entry in tables.items() if entry["Blocked"]] == ["*.bad.example.com"] * bool(wanted)
        assert [prefix for prefix, entry in tables.items() if entry["Insecure"]] == ["localhost:5000"] * bool(wanted)

    def test_podman_resolves_short_names_by_it(self, judges: None, role: Role, short_path: Path) -> None:
        host = ScratchHost(short_path / "host")
        for name, variables in REGISTRIES.items():
            assert role(files=["registries"], **variables).rc == 0
            host.write(EXPLICIT, (role.directory / "registries.conf").read_text(encoding="utf-8"))
            for alias, full in variables["registries_aliases"].items():
                assert host.podman(f"{alias}:1", explicit=True).candidates == [f"{full}:1"], name
        # The mode of the second.
        assert "short-name resolution enforced" in host.podman("other", explicit=True).error

    def test_podman_reads_storage_conf(self, judges: None, role: Role, short_path: Path) -> None:
        role(
            files=["storage"],
            storage_graphroot=str(short_path / "graph"),
            storage_runroot=str(short_path / "run"),
            storage_additional_image_stores=[str(short_path / "other")],
            storage_options={"pull_options": {"use_hard_links": "false"}, "overlay": {"skip_mount_home": "true"}},
        )
        (short_path / "other").mkdir()
        store = self._podman_info(role, short_path)["store"]
        assert (store["graphRoot"], store["runRoot"]) == (str(short_path / "graph"), str(short_path / "run"))
        assert store["graphDriverName"] == "overlay"
        assert store["graphOptions"]["overlay.mountopt"] == "nodev"
        assert store["graphOptions"]["overlay.imagestore"] == str(short_path / "other")

    # What is written is a matter of the filter's own tests.
    @only_long
    def test_podman_warns_of_nothing_where_the_driver_mounts_nothing(
        self, judges: None, role: Role, short_path: Path
    ) -> None:
        roots = {"storage_graphroot": str(short_path / "graph"), "storage_runroot": str(short_path / "run")}
        role(files=["storage"], storage_driver="vfs", **roots)
        told = subprocess.run(
            ["podman", "info", "--format", "{{.Store.GraphDriverName}}"],
            env={**os.environ, "CONTAINERS_STORAGE_CONF": str(role.directory / "storage.conf")},
            capture_output=True,
            text=True,
            check=True,
        )
        assert (told.stdout.strip(), told.stderr) == ("vfs", "")

    def test_skopeo_obeys_the_policy(self, judges: None, role: Role, tmp_path: Path) -> None:
        image = tmp_path / "image"
        image.mkdir()
        (image / "manifest.json").write_text(_empty_image(image), encoding="utf-8")
        (image / "version").write_text("Directory Transport Version: 1.1\n", encoding="utf-8")
        scopes = {"dir": {str(image): [{"type": "insecureAcceptAnything"}]}}
        role(files=["policy"], policy={"default": [{"type": "reject"}], "transports": scopes})
        policy = str(role.directory / "policy.json")
        run(["skopeo", "--policy", policy, "copy", f"dir:{image}", f"dir:{tmp_path / 'copy'}"])
        moved = shutil.copytree(image, tmp_path / "elsewhere")
        refused = subprocess.run(
            ["skopeo", "--policy", policy, "copy", f"dir:{moved}", f"dir:{tmp_path / 'no'}"],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            check=False,
        )
        assert refused.returncode != 0 and b"rejected by policy" in refused.stdout

    @staticmethod
    def _podman_info(role: Role, short_path: Path) -> dict[str, Any]:
        """What podman makes of the files; without a storage.conf, on a scratch store."""
        options: list[str] = []
        env = {"CONTAINERS_STORAGE_CONF": str(role.directory / "storage.conf")}
        if not os.path.exists(env["CONTAINERS_STORAGE_CONF"]):
            env = {"CONTAINERS_REGISTRIES_CONF": str(role.directory / "registries.conf")}
            options = ["--root", str(short_path / "graph"), "--runroot", str(short_path / "run")]
        info: dict[str, Any] = json.loads(run(["podman", *options, "info", "--format", "json"], env=env))
        return info


def _empty_image(directory: Path) -> str:
    """An image without layers in ``directory``; its manifest."""
    import hashlib

    config = json.dumps({"architecture": "amd64", "os": "linux", "rootfs": {"type": "layers", "diff_ids": []}}).encode()
    digest = hashlib.sha256(config).hexdigest()
    (directory / digest).write_bytes(config)
    media_type = "application/vnd.oci.image.{}.v1+json"
    descriptor = {"mediaType": media_type.format("config"), "digest": f"sha256:{digest}", "size": len(config)}
    manifest = {"schemaVersion": 2, "mediaType": media_type.format("manifest"), "config": descriptor, "layers": []}
    return json.dumps(manifest)


# A few that show that the filters' errors reach the user; the table of faults is with the filters' unit tests.
WRONG: dict[str, tuple[dict[str, Any], str, bool]] = {
    "policy type": ({"policy": {"default": [{"type": "signedByMagic"}]}}, "signedByMagic", False),
    "policy type in check mode": ({"policy": {"default": [{"type": "signedByMagic"}]}}, "signedByMagic", True),
    "registry": ({"registries": [{"location": "https://registry.example.com"}]}, "URI schemes", False),
    "driver": ({"storage_driver": "floppy"}, "floppy", False),
}


class TestWrongInput:
    """Row F03: refused before anything is written."""

    @pytest.mark.parametrize("name", WRONG)
    def test_it_is_refused_and_every_file_stays_as_it_was(self, role: Role, name: str) -> None:
        role.directory.mkdir(parents=True)
        (role.directory / "registries.conf").write_text("# old\n", encoding="utf-8")
        before = snapshot(str(role.directory))
        variables, word, check = WRONG[name]
        refused = role(check=check, **variables)
        assert refused.rc != 0 and not refused.changed and word in refused.stdout, refused.stdout
        assert "Traceback" not in refused.stdout
        assert snapshot(str(role.directory)) == before


class TestAStoreThatIsNotEmpty:
    @pytest.mark.parametrize("check", [False, True], ids=["do", "check"])
    def test_its_root_is_not_changed(self, role: Role, tmp_path: Path, check: bool) -> None:
        old, new = tmp_path / "old", tmp_path / "new"
        _store_with_an_image(role, old)
        before = snapshot(str(role.directory))
        refused = role(check=check, storage_graphroot=str(new))
        assert refused.rc != 0 and not refused.changed
        assert "not empty" in refused.message and str(old) in refused.message and str(new) in refused.message
        assert snapshot(str(role.directory)) == before

    def test_its_driver_is_not_changed(self, role: Role, tmp_path: Path) -> None:
        _store_with_an_image(role, tmp_path / "old")
        refused = role(files=["storage"], storage_graphroot=str(tmp_path / "old"), storage_driver="vfs")
        assert refused.rc != 0 and "driver vfs" in refused.message and "driver overlay" in refused.message

    def test_a_driver_that_no_file_named_counts_too(self, role: Role, tmp_path: Path) -> None:
        _store_with_an_image(role, tmp_path / "old", driver="vfs", named=False)
        assert role(files=["storage"], storage_graphroot=str(tmp_path / "old")).rc != 0

    def test_other_settings_may_change(self, role: Role, tmp_path: Path) -> None:
        _store_with_an_image(role, tmp_path / "old")
        done = role(files=["storage"], storage_graphroot=str(tmp_path / "old"), storage_mountopt="nodev,metacopy=on")
        assert done.rc == 0 and done.changed, done.stdout

    def test_an_empty_store_may_move(self, role: Role, tmp_path: Path) -> None:
        _store_with_an_image(role, tmp_path / "old", images=())
        done = role(files=["storage"], storage_graphroot=str(tmp_path / "new"))
        assert done.rc == 0 and done.changed, done.stdout


class TestAUser:
    """Row F05."""

    def test_files_are_the_users_own(self, run_playbook: PlaybookRunner, other_user: pwd.struct_passwd) -> None:
        role = {"name": "strata.containers.host_config"}
        task = {"name": "Role", "ansible.builtin.include_role": role, "vars": {"host_config_scope": "user"}}
        play = {"become": True, "become_user": USER, "become_method": "ansible.builtin.su"}
        # The user may not look into the directory where the tests' own Python lies.
        variables = {"ansible_python_interpreter": "/usr/bin/python3"}

        for check in (True, False, False):
            done = run_playbook([task], check=check, diff=True, extra_vars=variables, play=play)
            assert done.rc == 0, done.stdout
        assert not done.changed, done.changed_tasks

        directory = Path(other_user.pw_dir) / ".config" / "containers"
        assert sorted(path.name for path in directory.iterdir()) == FILES
        for path in (directory, *directory.iterdir()):
            assert (path.stat().st_uid, path.stat().st_gid) == (other_user.pw_uid, other_user.pw_gid)
            assert path.stat().st_mode & 0o777 == (0o755 if path.is_dir() else 0o644)
        assert "root" not in (directory / "storage.conf").read_text(encoding="utf-8")
