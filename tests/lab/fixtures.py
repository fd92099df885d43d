# Copyright (c) 2026, Strata contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Pytest fixtures that the interop and integration tests share: judges, a registry with images, scratch stores, a policy."""

from __future__ import annotations

import json
import os
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from .btrfs import btrfs_disk, missing_for_btrfs
from .commands import missing_judges, run
from .modules import warm_modules
from .odd_images import ImageLayout, odd_layers, zstd_layers
from .registry import Registry, running_registry
from .rootfs import rootfs_image
from .stores import Store

if TYPE_CHECKING:
    from .static_registry import StaticRegistry

JUDGES = ("podman", "buildah", "skopeo", "containers-storage", "docker-registry", "zstd")

ACCEPT_ALL = {"default": [{"type": "insecureAcceptAnything"}]}


@pytest.fixture(scope="session")
def judges() -> None:
    """The distribution's tools; a missing one is a failure in CI, and a skip on a developer's machine without them."""
    _require(missing_judges(JUDGES) + (["root rights"] if os.geteuid() != 0 else []))


def _require(missing: list[str]) -> None:
    if not missing:
        return
    text = f"missing: {', '.join(missing)}"
    if os.environ.get("CI"):
        pytest.fail(text)
    pytest.skip(text)


@pytest.fixture(scope="session", autouse=True)
def warm() -> None:
    """Judges have their settings from the lab; modules are forked from a process that has imported their libraries.

    In the long run each is started as Ansible does.
    """
    os.environ["CONTAINERS_CONF"] = os.path.join(os.path.dirname(os.path.abspath(__file__)), "containers.conf")
    if not os.environ.get("STRATA_TEST_LONG"):
        warm_modules()


@pytest.fixture(scope="session")
def registry(judges: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Registry]:
    """A registry over plain http with the images ``base:1`` (a distribution), ``odd:1``, ``zstd:1`` and ``multi:1``."""
    directory = tmp_path_factory.mktemp("registry")
    with running_registry(str(directory)) as registry:
        _push_rootfs(registry)
        layout = ImageLayout(str(directory / "layout"))
        layout.add_image("odd", odd_layers())
        layout.add_image("zstd", zstd_layers(_zstd_frame))
        _add_multi(layout)
        for name in ("odd", "zstd", "multi"):
            push(layout, name, registry.reference(f"{name}:1"))
        yield registry


@pytest.fixture
def make_store(judges: None) -> Iterator[Callable[[str], Store]]:
    """Makes scratch stores by name, and takes them away at the end."""
    with scratch_stores() as make:
        yield make


@contextmanager
def scratch_stores(driver: str = "overlay") -> Iterator[Callable[[str], Store]]:
    """The same for a fixture that lives longer than a test, or for stores of another driver; those of btrfs share a disk."""
    stores: list[Store] = []
    if driver == "btrfs":
        _require(missing_for_btrfs())
    # podman refuses a run root whose path is longer than 50 characters, which pytest's own directories exceed.
    base = tempfile.mkdtemp(prefix="st-")
    disk = btrfs_disk(base) if driver == "btrfs" else nullcontext()

    def make(name: str) -> Store:
        store = Store(os.path.join(base, name), driver=driver)
        os.makedirs(store.base, exist_ok=True)
        stores.append(store)
        return store

    try:
        with disk:
            try:
                yield make
            finally:
                for store in stores:
                    store.destroy()
    finally:
        os.rmdir(base)


@pytest.fixture
def static_registry(judges: None) -> Iterator[StaticRegistry]:
    """A registry that serves whatever a test puts into it."""
    # Not above: it imports the collection, which can be found only after the file conftest.py was read.
    from .static_registry import StaticRegistry

    with StaticRegistry() as registry:
        yield registry


@pytest.fixture
def policy_file(tmp_path: Path) -> str:
    """A policy that accepts everything."""
    path = tmp_path / "policy.json"
    path.write_text(json.dumps(ACCEPT_ALL), encoding="utf-8")
    return str(path)


@pytest.fixture
def pull_options(policy_file: str) -> dict[str, Any]:
    """Options of image_pull for a registry on loopback that speaks http."""
    return {"signature_policy": policy_file, "validate_certs": False}


def push(layout: ImageLayout, name: str, reference: str) -> None:
    """Pushes one image of a layout (all of it, for an index) as it is."""
    run(
        ["skopeo", "--insecure-policy", "copy", "--all", "--dest-tls-verify=false"]
        + [f"oci:{layout.directory}:{name}", f"docker://{reference}"]
    )


def _push_rootfs(registry: Registry) -> None:
    cache = os.environ.get("STRATA_TEST_CACHE") or os.path.join(os.getcwd(), ".build", "cache")
    layout = rootfs_image(cache)
    destination = f"docker://{registry.reference('base:1')}"
    run(["skopeo", "--insecure-policy", "copy", "--dest-tls-verify=false", f"oci:{layout}:rootfs", destination])


def _add_multi(layout: ImageLayout) -> None:
    """An index with an image for each of three platforms."""
    import gzip

    from .odd_images import GZIP, Entry, make_tar

    entries = []
    for architecture, variant in (("amd64", ""), ("arm64", "v8"), ("s390x", "")):
        data = gzip.compress(make_tar([Entry("architecture", content=architecture.encode())]), mtime=0)
        descriptor = layout.add_image(f"multi-{architecture}", [(data, GZIP)], architecture=architecture)
        platform = {"os": "linux", "architecture": architecture, **({"variant": variant} if variant else {})}
        entries.append({**descriptor, "platform": platform})
    layout.add_index("multi", entries)


def _zstd_frame(data: bytes) -> bytes:
    return subprocess.run(["zstd", "-q", "-c"], input=data, stdout=subprocess.PIPE, check=True).stdout
