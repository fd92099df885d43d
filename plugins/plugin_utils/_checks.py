# Copyright (c) 2026, Strata contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change in any release.
"""Checks of a configuration before it goes to a host: by JSON schema, and by the engine's own readers."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from ansible.errors import AnsibleFilterError
from ansible_collections.strata.containers.plugins.module_utils._config.paths import ConfigPaths
from ansible_collections.strata.containers.plugins.module_utils._config.registries_d import load_registries_d
from ansible_collections.strata.containers.plugins.module_utils._config.registries_file import parse_registries_file
from ansible_collections.strata.containers.plugins.module_utils._config.storage_conf import (
    StoreSettings,
    load_store_settings,
)
from ansible_collections.strata.containers.plugins.module_utils._config.toml_file import parse_toml
from ansible_collections.strata.containers.plugins.module_utils._errors import StrataError
from ansible_collections.strata.containers.plugins.module_utils._trust.policy import parse_policy


def plain(value: Any) -> Any:
    """``value`` with Ansible's own kinds of text, lists and dictionaries made plain ones."""
    if isinstance(value, Mapping):
        return {str(key): plain(entry) for key, entry in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(entry) for entry in value]
    if isinstance(value, str):
        return str(value)
    return value


def check_schema(value: Any, schema: Mapping[str, Any], what: str) -> None:
    """Raises AnsibleFilterError with the place of the first fault of ``value``, named ``what``, against ``schema``."""
    try:
        import jsonschema
    except ImportError as error:
        raise AnsibleFilterError(
            f"the Python library jsonschema is needed on the controller to check {what}"
        ) from error
    validator = jsonschema.Draft202012Validator(schema)
    fault = jsonschema.exceptions.best_match(validator.iter_errors(value))
    if fault is not None:
        place = "".join(f"[{step!r}]" for step in fault.absolute_path)
        raise AnsibleFilterError(f"{what}{place}: {fault.schema.get('description') or fault.message}")


def check_policy(text: str) -> None:
    """Raises AnsibleFilterError when the engine would not read ``text`` as policy.json."""
    with _engine_errors("policy.json"):
        parse_policy(text.encode(), "policy.json")


def check_registries(text: str) -> None:
    """Raises AnsibleFilterError when the engine would not read ``text`` as registries.conf."""
    with _engine_errors("registries.conf"):
        parse_registries_file(parse_toml(text.encode(), "registries.conf"), "registries.conf")


def check_registries_d(text: str, others: Mapping[str, str]) -> None:
    """Raises AnsibleFilterError when the engine would not read ``text`` as a file of registries.d beside ``others``.

    ``others`` has the texts of the other files by their paths.
    """
    with tempfile.TemporaryDirectory(prefix="strata-") as directory:
        # The reader names files in its order; its errors are given the paths that the user knows.
        known = {}
        for number, (path, content) in enumerate({**others, "registries.d": text}.items()):
            known[os.path.join(directory, f"{number:04}.yaml")] = path
            with open(os.path.join(directory, f"{number:04}.yaml"), "w", encoding="utf-8") as stream:
                stream.write(content)
        try:
            load_registries_d(ConfigPaths("/root", 0), directory)
        except StrataError as error:
            message = str(error)
            for here, path in known.items():
                message = message.replace(here, path)
            raise AnsibleFilterError(message) from error


def store_settings(text: str, home: str = "/root", uid: int = 0) -> StoreSettings:
    """The store that ``text`` as storage.conf of a user names. Raises AnsibleFilterError when the engine would not read it."""
    with _as_file(text) as path, _engine_errors("storage.conf", path):
        return load_store_settings(ConfigPaths(home, uid), storage_conf=path)


@contextmanager
def _engine_errors(what: str, path: str = "") -> Iterator[None]:
    """The engine's errors as the filter's, about ``what`` where they speak of the passing file ``path``."""
    try:
        yield
    except StrataError as error:
        message = str(error).replace(path, what) if path else str(error)
        raise AnsibleFilterError(message) from error


@contextmanager
def _as_file(text: str) -> Iterator[str]:
    with tempfile.TemporaryDirectory(prefix="strata-") as directory:
        path = os.path.join(directory, "file")
        with open(path, "w", encoding="utf-8") as stream:
            stream.write(text)
        yield path
