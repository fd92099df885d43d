# Copyright (c) 2026, Strata contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change in any release.
"""Has Python compile each file of a zip archive once.

Ansible sends modules and our files as such an archive, without bytecode. Every import asks first for the path of the file, and
for the answer CPython's importer compiles the file and throws the code away, to compile it again when it is run. That is half of
what our imports cost on a target.
"""

from __future__ import annotations

import zipimport
from types import CodeType

_plain_code = zipimport.zipimporter.get_code
_plain_filename = zipimport.zipimporter.get_filename
# Asked for the path of, and not run yet.
_kept: dict[tuple[str, str], CodeType] = {}


def compile_once() -> None:
    """Keeps the code that gave a path for the import that follows, in this process and from now on. May be called again."""
    setattr(zipimport.zipimporter, "get_filename", _filename)  # noqa: B010 - a type checker knows it as a method
    setattr(zipimport.zipimporter, "get_code", _code)  # noqa: B010


def _filename(importer: zipimport.zipimporter, fullname: str) -> str:
    code = _plain_code(importer, fullname)
    if not code.co_filename.startswith(importer.archive):
        # Bytecode, which says where it was compiled.
        return _plain_filename(importer, fullname)
    _kept[importer.archive, fullname] = code
    return code.co_filename


def _code(importer: zipimport.zipimporter, fullname: str) -> CodeType:
    return _kept.pop((importer.archive, fullname), None) or _plain_code(importer, fullname)
