# Copyright (c) 2026, Strata contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A real distribution root file system as an image of three layers, made once and kept.

debootstrap makes the first layer from the distribution's own package mirror, as apt knows it. Two more layers delete and
replace files of the first. Beside what the packages bring (setuid programs, symbolic and hard links) it gets a file with a
capability and a hard link across directories.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import sys
import tempfile

from .commands import run
from .stores import Store

_SETTINGS = "/etc/os-release"


def rootfs_image(cache: str) -> str:
    """The directory of an OCI layout that holds the image under the name ``rootfs``; made on the first call.

    ``cache`` is a directory that survives between runs. Takes about a minute when nothing is there; a second process that
    wants it meanwhile waits.
    """
    layout = os.path.join(cache, "rootfs.oci")
    os.makedirs(cache, exist_ok=True)
    with open(os.path.join(cache, "lock"), "w", encoding="utf-8") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not os.path.exists(os.path.join(layout, "index.json")):
            _make(cache, layout)
    return layout


def _make(cache: str, layout: str) -> None:
    with tempfile.TemporaryDirectory(dir=cache) as scratch:
        tree = os.path.join(scratch, "tree")
        _bootstrap(tree)
        _add_oddities(tree)
        _commit_layers(scratch, tree, os.path.join(scratch, "oci"))
        shutil.rmtree(layout, ignore_errors=True)
        os.rename(os.path.join(scratch, "oci"), layout)


def _bootstrap(tree: str) -> None:
    suite = _codename()
    run(["debootstrap", "--variant=minbase", suite, tree, _mirror(suite)])
    for left_over in ("var/cache/apt/archives", "var/lib/apt/lists"):
        shutil.rmtree(os.path.join(tree, left_over), ignore_errors=True)
        os.makedirs(os.path.join(tree, left_over), mode=0o755, exist_ok=True)


def _codename() -> str:
    with open(_SETTINGS, encoding="utf-8") as lines:
        values = dict(line.rstrip("\n").split("=", 1) for line in lines if "=" in line)
    return values["VERSION_CODENAME"].strip('"')


def _mirror(suite: str) -> str:
    """The address from which apt of this machine takes the packages of ``suite``."""
    table = run(["apt-get", "indextargets", "--format", "$(REPO_URI) $(CODENAME)", "Created-By: Packages"])
    for line in table.splitlines():
        address, codename = line.split()
        if codename == suite:
            return address
    raise RuntimeError(f"apt knows no mirror of {suite}")


def _add_oddities(tree: str) -> None:
    probe = os.path.join(tree, "usr/bin/netprobe")
    shutil.copy(os.path.join(tree, "bin/dd"), probe)
    run(["setcap", "cap_net_raw+ep", probe])
    os.link(os.path.join(tree, "etc/debian_version"), os.path.join(tree, "usr/lib/debian_version.hard"))


def _commit_layers(scratch: str, tree: str, layout: str) -> None:
    store = Store(os.path.join(scratch, "store"))
    try:
        container = store.buildah("from", "scratch")
        _fill(store, container, ["cp", "-a", f"{tree}/.", "{mount}/"])
        store.buildah("config", "--cmd", "/bin/bash", "--label", "org.example.purpose=tests", container)
        store.buildah("commit", container, "layer1")
        container = store.buildah("from", "localhost/layer1")
        _fill(store, container, ["rm", "-r", "{mount}/usr/share/doc", "{mount}/etc/motd"])
        store.buildah("commit", container, "layer2")
        container = store.buildah("from", "localhost/layer2")
        script = (
            "cd '{mount}' && rm etc/issue && echo second > etc/issue && rm -r usr/share/info && mkdir usr/share/info"
            " && echo new > usr/share/info/new && chmod 2755 var/local && chown 7:8 var/opt && ln -sfn issue etc/issue.link"
        )
        _fill(store, container, ["sh", "-c", script])
        store.buildah("commit", container, "layer3")
        run(["skopeo", "copy", f"{store.bracket}localhost/layer3", f"oci:{layout}:rootfs"])
    finally:
        store.destroy()


def _fill(store: Store, container: str, command: list[str]) -> None:
    mount = store.buildah("mount", container)
    run([part.replace("{mount}", mount) for part in command])
    store.buildah("umount", container)


if __name__ == "__main__":
    print(rootfs_image(sys.argv[1]))
