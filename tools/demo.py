# Copyright (c) 2026, Strata contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Runs playbooks/quickstart.yml on a scratch store, with podman's view of the same store beside ours.

Without an image it serves one from a docker-registry on loopback: a real distribution root file system, made here, or a small
image where the user is not root. Such a user needs subordinate IDs, and the programs have to be installed. Everything lives
below one directory; the machine's own store and configuration are neither read nor written.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
from contextlib import ExitStack

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "tests"))

from lab.commands import run  # noqa: E402
from lab.odd_images import ImageLayout  # noqa: E402
from lab.registry import running_registry  # noqa: E402
from lab.rootfs import rootfs_image  # noqa: E402
from lab.shell_image import shell_layer  # noqa: E402
from lab.stores import Store  # noqa: E402

# podman refuses a longer path.
_LONGEST_RUN_ROOT = 50
# A run that was broken off may have left something mounted.
_REMOVE = 'grep -o " $1/[^ ]*" /proc/self/mountinfo | sort -r | xargs -r umount --lazy; rm -rf "$@"'
_ARCHITECTURES = {"x86_64": "amd64", "aarch64": "arm64"}
POLICY = {"default": [{"type": "insecureAcceptAnything"}]}


def main() -> int:
    """The exit status of the playbook."""
    options = _arguments()
    base = os.path.abspath(options.directory)
    store = _store(base)
    _remove(store)
    os.makedirs(store.base)
    with ExitStack() as running:
        image, insecure = options.image, False
        if not image:
            image, insecure = _serve_image(running, base, options.cache), True
        variables = {
            "quickstart_image": image,
            "quickstart_store": store.module_options() | {"storage_conf": _storage_conf(base, store)},
            "quickstart_pull_options": {
                "signature_policy": _write(base, "policy.json", json.dumps(POLICY)),
                "registries_conf": _registries_conf(base, image, insecure),
            },
            "quickstart_podman": store.podman_command(),
        }
        playbook = _write(base, "variables.json", json.dumps(variables))
        try:
            return _play(playbook)
        finally:
            print(f"\nThe store stays in {store.root}; to look at it:\n  {' '.join(store.podman_command('images'))}")


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--directory", default=".build/demo", help="where everything lives")
    parser.add_argument("--cache", default=".build/cache", help="where the root file system is kept between runs")
    parser.add_argument("--image", default="", help="an image of a registry on the internet instead")
    return parser.parse_args()


def _store(base: str) -> Store:
    """The scratch store; its run root lies in /run where the path of the checkout is too long for podman."""
    store = Store(os.path.join(base, "store"))
    if len(store.run_root) <= _LONGEST_RUN_ROOT:
        return store
    runtime = "/run" if os.geteuid() == 0 else os.environ.get("XDG_RUNTIME_DIR") or "/tmp"
    return Store(store.base, f"{runtime}/strata-demo-{hashlib.sha256(base.encode()).hexdigest()[:8]}")


def _remove(store: Store) -> None:
    """Removes the store of the last run. Without root rights its files belong to subordinate IDs."""
    if os.geteuid() and os.path.isdir(store.base):
        run(["podman", "unshare", "sh", "-c", _REMOVE, "sh", store.base, store.run_root])
    store.destroy()


def _serve_image(running: ExitStack, base: str, cache: str) -> str:
    """The name of the image in a registry that runs until the end."""
    layout = _layout(base, os.path.abspath(cache))
    registry = running.enter_context(running_registry(os.path.join(base, "registry")))
    image = registry.reference("demo/rootfs:1")
    run(
        # Without a session the files of logins may lie where root alone can look.
        ["skopeo", "--insecure-policy", "copy", "--quiet", "--dest-tls-verify=false", "--dest-no-creds"]
        + [f"oci:{layout}:rootfs", f"docker://{image}"]
    )
    return image


def _layout(base: str, cache: str) -> str:
    """The directory of an OCI layout with the image ``rootfs``: a distribution, or what a user can make without root rights."""
    if os.geteuid() == 0 or os.path.exists(os.path.join(cache, "rootfs.oci", "index.json")):
        print(
            "A distribution root file system is made (a minute, the first time) and served on loopback ...", flush=True
        )
        return rootfs_image(cache)
    print(
        "An image with the shell of this machine is made and served on loopback; root gets a distribution ...",
        flush=True,
    )
    layout = ImageLayout(tempfile.mkdtemp(dir=base))
    machine = os.uname().machine
    layout.add_image("rootfs", [shell_layer()], architecture=_ARCHITECTURES.get(machine, machine))
    return layout.directory


def _storage_conf(base: str, store: Store) -> str:
    text = f'[storage]\ndriver = "overlay"\ngraphroot = "{store.root}"\nrunroot = "{store.run_root}"\n'
    return _write(base, "storage.conf", text)


def _registries_conf(base: str, image: str, insecure: bool) -> str:
    host = image.partition("/")[0]
    text = f'[[registry]]\nlocation = "{host}"\ninsecure = true\n' if insecure else ""
    return _write(base, "registries.conf", text)


def _write(base: str, name: str, text: str) -> str:
    path = os.path.join(base, name)
    with open(path, "w", encoding="utf-8") as stream:
        stream.write(text)
    return path


def _play(variables: str) -> int:
    program = shutil.which("ansible-playbook", path=os.path.dirname(sys.executable) + os.pathsep + os.environ["PATH"])
    if program is None:
        sys.exit("ansible-playbook is not installed")
    command = [program, "strata.containers.quickstart", "--inventory", "localhost,", "--connection", "local"]
    command += ["--extra-vars", f"@{variables}", "--extra-vars", f"ansible_python_interpreter={sys.executable}"]
    environment = {"ANSIBLE_STDOUT_CALLBACK": "ansible.builtin.default", "ANSIBLE_CALLBACK_RESULT_FORMAT": "yaml"}
    # It asks for nothing; and Ansible refuses an input that does not block, as some hand on.
    return subprocess.run(command, stdin=subprocess.DEVNULL, env={**os.environ, **environment}, check=False).returncode


if __name__ == "__main__":
    sys.exit(main())
