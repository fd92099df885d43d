# Copyright (c) 2026, Strata contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Logins to registries: by our module, and as podman and skopeo see them."""

from __future__ import annotations

import base64
import gzip
import json
import os
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Optional

from .commands import run
from .modules import run_module
from .odd_images import GZIP, Entry, ImageLayout, make_tar
from .playbook import PlaybookRunner
from .registry import Login, Registry
from .trees import snapshot


def push_private(registry: Registry, directory: Path, login: Login) -> None:
    """Pushes the image ``private/app:1``; ``directory`` is for its layout."""
    layout = ImageLayout(str(directory))
    layout.add_image("app", [(gzip.compress(make_tar([Entry("file", content=b"x")]), mtime=0), GZIP)])
    credentials = directory.parent / "push.json"
    credentials.write_text(json.dumps(auths_of(registry.host, login)), encoding="utf-8")
    run(
        ["skopeo", "--insecure-policy", "copy", "--dest-tls-verify=false", "--dest-authfile", str(credentials)]
        + [f"oci:{directory}:app", f"docker://{registry.reference('private/app:1')}"]
    )


def auths_of(key: str, login: Login) -> dict[str, Any]:
    """The content of an auth.json."""
    return {"auths": {key: {"auth": base64.b64encode(f"{login.username}:{login.password}".encode()).decode()}}}


@dataclass(frozen=True)
class Done:
    """The result of one task, and everything that was printed on the way."""

    data: dict[str, Any]
    text: str

    @property
    def failed(self) -> bool:
        return bool(self.data.get("failed")) or self.data.get("_status") == "failed"

    @property
    def changed(self) -> bool:
        return bool(self.data.get("changed"))

    @property
    def code(self) -> str:
        return str((self.data.get("error") or {}).get("code", ""))

    @property
    def message(self) -> str:
        return str(self.data.get("msg", ""))


class Desk:
    """Logs in and out with the logins in ``authfile``: through ansible-playbook with ``play``, else by the module alone."""

    def __init__(self, directory: Path, play: Optional[PlaybookRunner] = None) -> None:
        self._play = play
        self.directory = directory
        self.authfile = directory / "auth.json"

    def write(self, content: Any) -> None:
        """Makes the file hold ``content``."""
        self.directory.mkdir(exist_ok=True)
        self.authfile.write_text(json.dumps(content), encoding="utf-8")

    def __call__(
        self,
        registry: Optional[str] = None,
        login: Optional[Login] = None,
        *,
        check: bool = False,
        environment: Optional[dict[str, str]] = None,
        **options: Any,
    ) -> Done:
        arguments: dict[str, Any] = {"authfile": str(self.authfile), "validate_certs": False, **options}
        if registry:
            arguments["registry"] = registry
        if login:
            arguments.update(username=login.username, password=login.password)
        if self._play is None:
            result = run_module("registry_login", arguments, check=check, env=environment)
            return Done(result.data, result.text)
        task = {"name": "task", "strata.containers.registry_login": arguments, "environment": environment or {}}
        played = self._play([task], check=check, diff=True, verbosity=4)
        done = Done(played.result("task"), played.stdout)
        assert (played.rc != 0) is done.failed, played.stdout
        return done

    def four_ways(self, registry: Optional[str], login: Optional[Login], **options: Any) -> dict[str, Any]:
        """Check (predicts, writes nothing), do (changed), check again, do again (nothing written). The result of the do."""
        untouched = snapshot(str(self.directory))
        predicted = self(registry, login, check=True, **options)
        assert predicted.changed and not predicted.failed, predicted.text
        assert snapshot(str(self.directory)) == untouched
        done = self(registry, login, **options)
        assert done.changed and not done.failed, done.text
        assert predicted.data["diff"] == done.data["diff"]
        assert set(predicted.data) == set(done.data)
        settled = snapshot(str(self.directory))
        for check in (True, False):
            again = self(registry, login, check=check, **options)
            assert not again.changed and not again.failed, again.text
            assert snapshot(str(self.directory)) == settled
        return done.data


def podman_login(
    authfile: Path, registry: str, login: Optional[Login] = None, env: Optional[dict[str, str]] = None
) -> Optional[str]:
    """The user that podman finds for ``registry``; with ``login`` it logs in first."""
    command = ["podman", "login", "--tls-verify=false", "--authfile", str(authfile)]
    if login:
        user = [*command, "--username", login.username, "--password-stdin", registry]
        run(user, stdin=login.password.encode(), env=env)
    done = subprocess.run(
        [*command, "--get-login", registry], capture_output=True, check=False, env={**os.environ, **(env or {})}
    )
    return done.stdout.decode().strip() if done.returncode == 0 else None


def skopeo_reads(authfile: Path, registry: Registry, env: Optional[dict[str, str]] = None) -> bool:
    """Whether skopeo gets at the private image."""
    image = f"docker://{registry.reference('private/app:1')}"
    command = ["skopeo", "inspect", "--tls-verify=false", "--authfile", str(authfile), image]
    return subprocess.run(command, capture_output=True, check=False, env={**os.environ, **(env or {})}).returncode == 0
