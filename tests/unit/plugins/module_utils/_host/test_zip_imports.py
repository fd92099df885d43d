# Copyright (c) 2026, Strata contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Imports from a zip archive, in processes of their own, by what Python tells of its compiling."""

from __future__ import annotations

import inspect
import json
import py_compile
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.strata.containers.plugins.module_utils._host import zip_imports

_PROGRAM = """
import json, sys
compiled = []
sys.addaudithook(lambda event, facts: compiled.append(str(facts[1])) if event == "compile" else None)
sys.path.insert(0, sys.argv[1])
{prepare}
import package.part, alone
try:
    import package.missing
except ImportError as error:
    missing = error.name
try:
    alone.fail()
except ZeroDivisionError as error:
    place = error.__traceback__.tb_next.tb_frame.f_code.co_filename
modules = (package, package.part, alone)
print(json.dumps({{
    "compiled": {{module.__name__: compiled.count(module.__file__) for module in modules}},
    "files": [module.__file__ for module in modules], "specs": [module.__spec__.origin for module in modules],
    "values": [package.part.VALUE, alone.__loader__.get_code("alone").co_filename], "missing": missing, "place": place,
    "package": list(package.__path__),
}}))
"""
_SOURCES = {"package/__init__.py": "", "package/part.py": "VALUE = 1\n", "alone.py": "def fail():\n    return 1 / 0\n"}


def told(archive: Path, prepare: str) -> dict[str, Any]:
    program = _PROGRAM.format(prepare=prepare)
    done = subprocess.run([sys.executable, "-I", "-c", program, str(archive)], stdout=subprocess.PIPE, check=True)
    found: dict[str, Any] = json.loads(done.stdout)
    return found


@pytest.fixture
def once(tmp_path: Path) -> str:
    """The statements that begin it, without the collection: what runs them is a bare Python."""
    source = Path(inspect.getfile(zip_imports)).read_text(encoding="utf-8")
    (tmp_path / "zip_imports.py").write_text(source, encoding="utf-8")
    return f"sys.path.insert(0, {str(tmp_path)!r}); import zip_imports; zip_imports.compile_once(); zip_imports.compile_once()"


def test_a_file_is_compiled_once_and_is_the_same_module(tmp_path: Path, once: str) -> None:
    archive = tmp_path / "bundle.zip"
    with zipfile.ZipFile(archive, "w") as bundle:
        for name, text in _SOURCES.items():
            bundle.writestr(name, text)
    plain, ours = told(archive, ""), told(archive, once)
    before, after = plain.pop("compiled"), ours.pop("compiled")
    assert ours == plain
    # Before 3.10 the importer had its own way to the code, and nothing changes.
    if sys.version_info >= (3, 10):
        assert after == {"package": 1, "package.part": 1, "alone": 1}
        assert all(count > after[name] for name, count in before.items()), "Python does this itself now"


def test_bytecode_in_an_archive_has_the_path_that_python_gives_it(tmp_path: Path, once: str) -> None:
    archive = tmp_path / "bundle.zip"
    with zipfile.ZipFile(archive, "w") as bundle:
        for name, text in _SOURCES.items():
            source, target = tmp_path / "source.py", tmp_path / "source.pyc"
            source.write_text(text, encoding="utf-8")
            py_compile.compile(str(source), str(target), dfile="elsewhere.py", doraise=True)
            bundle.write(target, name + "c")
    plain = told(archive, "")
    assert told(archive, once) == plain
    assert plain["files"][0].startswith(str(archive))
