# Copyright (c) 2026, Strata contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Runs ansible-test in a copy of the collection, keeping all it makes below .build/, real Pythons first.

    tools/ansible_test.py sanity --local
    tools/ansible_test.py units --venv --python 3.9 --requirements

The status is that of ansible-test, or 1 when it tested nothing at all.
"""

from __future__ import annotations

import configparser
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
BUILD = ROOT / ".build"
# A copy of its own: it lasts as long as the run, whatever else refreshes the other one meanwhile.
COPY = BUILD / "ansible-test"
TREE = COPY / "ansible_collections" / "strata" / "containers"
HOME = BUILD / "home"
# The pip versions that the supported lines of ansible-core ask for.
PIP_VERSIONS = ("23.1.2", "24.2", "25.2")
# What the collection promises on targets, newest last.
TARGET_PYTHONS = ("3.9", "3.10", "3.11", "3.12", "3.13", "3.14")
NOTHING_TESTED = re.compile(r"all targets skipped|no tests (?:applicable|found)", re.IGNORECASE)


def main(arguments: list[str]) -> int:
    """The exit status."""
    if arguments == ["pythons"]:
        print(" ".join(version for version in TARGET_PYTHONS if real_python(version)))
        return 0
    prepare_home()
    subprocess.run([str(ROOT / "tools" / "tree"), str(COPY)], check=True)
    status, output = run([str(ansible_test()), *arguments])
    if status == 0 and NOTHING_TESTED.search(output):
        print("ansible-test ended well because it tested nothing, which is a failure here", file=sys.stderr)
        return 1
    return status


def run(command: list[str]) -> tuple[int, str]:
    """Runs a command in the tree and shows its output while it comes. Its status, and the output."""
    process = subprocess.Popen(
        command,
        cwd=TREE,
        env=environment(),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
    )
    lines = []
    for line in process.stdout or ():
        sys.stdout.write(line)
        sys.stdout.flush()
        lines.append(line)
    return process.wait(), "".join(lines)


def ansible_test() -> Path:
    """The ansible-test beside this interpreter."""
    return Path(sys.prefix) / "bin" / "ansible-test"


def environment() -> dict[str, str]:
    """The environment of ansible-test: its home in .build/, the venv and the real Pythons first on the path."""
    directories = [str(Path(sys.prefix) / "bin")]
    directories += [str(Path(path).parent) for path in map(real_python, TARGET_PYTHONS) if path]
    directories += [path for path in os.environ["PATH"].split(os.pathsep) if "shims" not in path]
    return {**os.environ, "HOME": str(HOME), "PATH": os.pathsep.join(dict.fromkeys(directories))}


def real_python(version: str) -> str | None:
    """The path of the interpreter ``version``, looked through a version manager's shim; None where there is none."""
    if version == "{}.{}".format(*sys.version_info):
        return str(Path(sys.prefix) / "bin" / "python")
    for candidate in candidates(version):
        try:
            done = subprocess.run(
                [candidate, "-c", "import sys; print('{}.{}'.format(*sys.version_info)); print(sys.executable)"],
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                text=True,
                check=False,
            )
        except OSError:
            continue
        lines = done.stdout.splitlines()
        if done.returncode == 0 and lines[0] == version and "shims" not in lines[1]:
            return lines[1]
    return None


def candidates(version: str) -> list[str]:
    """Programs that may be the interpreter ``version``: on the path, and where version managers keep theirs."""
    name = f"python{version}"
    found = shutil.which(name)
    roots = [Path(os.environ.get("PYENV_ROOT") or Path.home() / ".pyenv") / "versions"]
    kept = [str(path) for root in roots for path in sorted(root.glob(f"{version}.*/bin/{name}"))]
    return ([found] if found else []) + kept


def prepare_home() -> None:
    """The home directory for ansible-test: the stand-in for its pip bootstrap, and the user's settings of pip."""
    cache = HOME / ".ansible" / "test" / "cache"
    cache.mkdir(parents=True, exist_ok=True)
    for version in PIP_VERSIONS:
        shutil.copyfile(ROOT / "tools" / "get_pip.py", cache / f"get_pip_{version.replace('.', '_')}.py")
    write_pip_settings(HOME / ".config" / "pip" / "pip.conf")


def write_pip_settings(target: Path) -> None:
    """ansible-test drops pip's variables from the environment, so they and the user's own file go into a file."""
    settings = configparser.RawConfigParser()
    user = Path.home()
    settings.read([user / ".pip" / "pip.conf", user / ".config" / "pip" / "pip.conf"])
    if not settings.has_section("global"):
        settings.add_section("global")
    for name, value in os.environ.items():
        if name.startswith("PIP_") and name != "PIP_CONFIG_FILE":
            settings.set("global", name[len("PIP_") :].lower().replace("_", "-"), value)
    target.parent.mkdir(parents=True, exist_ok=True)
    with target.open("w", encoding="utf-8") as stream:
        settings.write(stream)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
