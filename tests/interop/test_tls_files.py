# Copyright (c) 2026, Strata contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""skopeo and we trust the same registries over TLS by the files of certs.d, and show the same client certificate."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Optional

import pytest
from ansible_collections.strata.containers.plugins.module_utils._config.paths import ConfigPaths
from ansible_collections.strata.containers.plugins.module_utils._engine.connect import connection_options
from ansible_collections.strata.containers.plugins.module_utils._errors import StrataError
from ansible_collections.strata.containers.plugins.module_utils._model.credentials import Credentials
from ansible_collections.strata.containers.plugins.module_utils._registry.login import check_login
from lab.registry import Registry, make_certificates, running_registry

USERS = ".config/containers/certs.d"


@pytest.fixture(scope="module")
def mutual(judges: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Registry]:
    """A registry over TLS that wants a certificate of its own authority from its clients."""
    directory = tmp_path_factory.mktemp("mutual")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("REGISTRY_HTTP_TLS_CLIENTCAS", f'["{directory}/ca.crt"]')
        with running_registry(str(directory), tls=True) as registry:
            yield registry


@pytest.fixture(scope="module")
def secure(judges: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Registry]:
    with running_registry(str(tmp_path_factory.mktemp("secure")), tls=True) as registry:
        yield registry


@pytest.fixture
def system_directories(secure: Registry) -> Iterator[list[Path]]:
    """The directories of ``secure`` in the machine's own certs.d, which skopeo cannot be told to look for elsewhere."""
    directories = [Path(parent) / secure.host for parent in ("/etc/containers/certs.d", "/etc/docker/certs.d")]
    made = [parent for directory in directories for parent in _missing(directory.parent)]
    yield directories
    for directory in directories:
        shutil.rmtree(directory, ignore_errors=True)
    for parent in reversed(made):
        if parent.exists():
            parent.rmdir()


def _missing(directory: Path) -> list[Path]:
    return [part for part in (*reversed(directory.parents), directory) if not part.exists()]


def skopeo_says(host: str, home: Path, cert_dir: Optional[Path] = None) -> str:
    """Empty where skopeo gets an answer of the registry, else its complaint."""
    options = ["--cert-dir", str(cert_dir)] if cert_dir else []
    command = ["skopeo", "login", "--tls-verify=true", "--authfile", str(home / "auth.json"), *options]
    command += ["--username", "u", "--password-stdin", host]
    env = {"PATH": os.environ["PATH"], "HOME": str(home)}
    done = subprocess.run(command, input=b"p", capture_output=True, env=env, check=False)
    return "" if done.returncode == 0 else done.stderr.decode()


def we_say(host: str, home: Path, cert_dir: Optional[Path] = None) -> str:
    """Empty where we do, else the code word and the message."""
    try:
        options = connection_options(
            ConfigPaths(str(home), 0),
            host,
            insecure=False,
            validate_certs=None,
            cert_dir=str(cert_dir) if cert_dir else None,
            timeout=10,
        )
        check_login(host, Credentials("u", "p"), options)
    except StrataError as error:
        return f"{error.code}: {error.message}"
    return ""


def fill(directory: Path, registry: Registry, *names: str) -> Path:
    """``ca.crt`` is the authority of ``registry``, ``other.crt`` one of nobody; ``x.cert`` and ``x.key`` are signed by the former."""
    directory.mkdir(parents=True, exist_ok=True)
    assert registry.ca_file is not None
    origin = Path(registry.ca_file).parent
    for name in names:
        if name == "other.crt":
            (directory / "made").mkdir()
            shutil.copy(make_certificates(str(directory / "made"))[0], directory / name)
            continue
        source = {"ca.crt": "ca.crt", "x.cert": "server.crt", "x.key": "server.key"}.get(name)
        if source:
            shutil.copy(origin / source, directory / name)
        else:
            (directory / name).write_text("read me", encoding="utf-8")
    return directory


@pytest.mark.parametrize(
    ("names", "wanted"),
    [
        (["ca.crt"], ""),
        (["ca.crt", "other.crt", "readme"], ""),
        ([], "tls_failed"),
        (["other.crt"], "tls_failed"),
        (["x.cert", "x.key"], "tls_failed"),
        (["ca.crt", "x.cert"], "invalid_config"),
        (["ca.crt", "x.key"], "invalid_config"),
    ],
)
@pytest.mark.parametrize("explicit", [False, True])
def test_both_trust_by_the_same_files(
    secure: Registry, tmp_path: Path, names: list[str], wanted: str, explicit: bool
) -> None:
    directory = fill(tmp_path / ("given" if explicit else f"{USERS}/{secure.host}"), secure, *names)
    given = directory if explicit else None
    theirs, ours = skopeo_says(secure.host, tmp_path, given), we_say(secure.host, tmp_path, given)
    assert ours.partition(":")[0] == wanted, ours
    assert bool(theirs) is bool(ours), theirs
    if wanted == "invalid_config":
        # "missing key x.key for client certificate x.cert", row 31 of the table of faults.
        assert ours.partition(": ")[2].partition(" (")[0] in theirs


@pytest.mark.parametrize("names", [["ca.crt"], ["ca.crt", "x.cert", "x.key"]])
def test_both_show_the_client_certificate(mutual: Registry, tmp_path: Path, names: list[str]) -> None:
    fill(tmp_path / USERS / mutual.host, mutual, *names)
    theirs, ours = skopeo_says(mutual.host, tmp_path), we_say(mutual.host, tmp_path)
    assert bool(theirs) is bool(ours) is ("x.cert" not in names), f"{theirs} {ours}"


@pytest.mark.parametrize(
    ("trusting", "hiding", "wanted"),
    [
        (["user"], [], True),
        (["containers"], [], True),
        (["docker"], [], True),
        # The first directory that exists is the only one, even an empty one.
        (["containers"], ["user"], False),
        (["docker"], ["containers"], False),
        (["user"], ["containers", "docker"], True),
    ],
)
def test_both_look_in_the_same_directories_in_the_same_order(
    secure: Registry,
    system_directories: list[Path],
    tmp_path: Path,
    trusting: list[str],
    hiding: list[str],
    wanted: bool,
) -> None:
    containers, docker = system_directories
    places = {"user": tmp_path / USERS / secure.host, "containers": containers, "docker": docker}
    for name in trusting:
        fill(places[name], secure, "ca.crt")
    for name in hiding:
        places[name].mkdir(parents=True)
    theirs, ours = skopeo_says(secure.host, tmp_path), we_say(secure.host, tmp_path)
    assert (not theirs, not ours) == (wanted, wanted), f"{theirs} {ours}"
