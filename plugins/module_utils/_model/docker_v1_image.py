# Copyright (c) 2026, Strata contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change in any release.
"""The config that Docker kept with a layer before version 1.8.3, written anew with every field of later versions.

Go reads it into its structs and writes these, so unknown fields go, and missing ones come with their zero values. The
fields, their order and what is left out when empty are those of containers/image (Schema2V1Image, Schema2Config).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from .json_object import JsonObject
from .json_text import go_json
from .manifest_errors import AmbiguousManifest, InvalidManifest
from .times import go_time

_Reader = Callable[[JsonObject, str], Any]


def _text(parts: JsonObject, key: str) -> str:
    return parts.optional_text(key)


def _flag(parts: JsonObject, key: str) -> bool:
    value = parts.value.get(key)
    if value is not None and not isinstance(value, bool):
        raise InvalidManifest("wrong type of value", subject=parts.place(key), wanted="a boolean")
    return bool(value)


def _number(parts: JsonObject, key: str) -> int | None:
    value = parts.value.get(key)
    if value is not None and (not isinstance(value, int) or isinstance(value, bool)):
        raise InvalidManifest("wrong type of value", subject=parts.place(key), wanted="an integer")
    return value


def _texts(parts: JsonObject, key: str) -> list[str] | None:
    return None if parts.value.get(key) is None else list(parts.texts(key))


def _words(parts: JsonObject, key: str) -> list[str] | None:
    """A command, for which Docker also took a single text."""
    value = parts.value.get(key)
    return [value] if isinstance(value, str) else _texts(parts, key)


def _keys(parts: JsonObject, key: str) -> dict[str, dict[str, Any]] | None:
    """A set, which Go keeps as a map to nothing."""
    if parts.value.get(key) is None:
        return None
    members = parts.mapping(key)
    for name, value in members.items():
        if not isinstance(value, (dict, type(None))):
            raise InvalidManifest("wrong type of value", subject=parts.place(f"{key}.{name[:60]}"), wanted="an object")
    return {name: {} for name in sorted(members)}


def _labels(parts: JsonObject, key: str) -> dict[str, str] | None:
    return None if parts.value.get(key) is None else dict(sorted(parts.text_map(key).items()))


def _health(parts: JsonObject, key: str) -> dict[str, Any] | None:
    if parts.value.get(key) is None:
        return None
    check = JsonObject(parts.mapping(key), parts.place(key), InvalidManifest)
    return _written(check, _HEALTH)


# Key, how to read it, and whether Go leaves it out when it is empty.
_HEALTH: tuple[tuple[str, _Reader, bool], ...] = (
    ("Test", _texts, True),
    ("StartPeriod", _number, True),
    ("Interval", _number, True),
    ("Timeout", _number, True),
    ("Retries", _number, True),
)
_CONFIG: tuple[tuple[str, _Reader, bool], ...] = (
    ("Hostname", _text, False),
    ("Domainname", _text, False),
    ("User", _text, False),
    ("AttachStdin", _flag, False),
    ("AttachStdout", _flag, False),
    ("AttachStderr", _flag, False),
    ("ExposedPorts", _keys, True),
    ("Tty", _flag, False),
    ("OpenStdin", _flag, False),
    ("StdinOnce", _flag, False),
    ("Env", _texts, False),
    ("Cmd", _words, False),
    ("Healthcheck", _health, True),
    ("ArgsEscaped", _flag, True),
    ("Image", _text, False),
    ("Volumes", _keys, False),
    ("WorkingDir", _text, False),
    ("Entrypoint", _words, False),
    ("NetworkDisabled", _flag, True),
    ("MacAddress", _text, True),
    ("OnBuild", _texts, False),
    ("Labels", _labels, False),
    ("StopSignal", _text, True),
    ("StopTimeout", _number, True),
    ("Shell", _words, True),
)
# In Go these two are pointers, which are left out when they point nowhere, and written even when they point at nothing.
_POINTERS = ("Healthcheck", "StopTimeout")


def _config(parts: JsonObject, key: str) -> dict[str, Any]:
    config = JsonObject(parts.mapping(key), parts.place(key), InvalidManifest)
    config.refuse_look_alikes(tuple(name for name, _reader, _omitted in _CONFIG), AmbiguousManifest)
    return _written(config, _CONFIG)


def _optional_config(parts: JsonObject, key: str) -> dict[str, Any] | None:
    return None if parts.value.get(key) is None else _config(parts, key)


_IMAGE: tuple[tuple[str, _Reader, bool], ...] = (
    ("comment", _text, True),
    ("container", _text, True),
    ("container_config", _config, False),
    ("docker_version", _text, True),
    ("author", _text, True),
    ("config", _optional_config, True),
    ("architecture", _text, True),
    ("variant", _text, True),
    ("os", _text, True),
)


def rewritten_v1_image(facts: Mapping[str, Any], where: str) -> str:
    """The JSON text of the image config ``facts``; ``where`` names it in errors. What names the layer itself is left out.

    Raises InvalidManifest for a value of another type than Docker's, and AmbiguousManifest for keys that readers may take
    for others.
    """
    parts = JsonObject(facts, where, InvalidManifest)
    return go_json({"created": go_time(parts.optional_text("created")), **_written(parts, _IMAGE)})


def _written(parts: JsonObject, fields: tuple[tuple[str, _Reader, bool], ...]) -> dict[str, Any]:
    values = {}
    for key, read, omitted in fields:
        value = read(parts, key)
        kept = value is not None if key in _POINTERS else bool(value)
        if kept or not omitted:
            values[key] = value
    return values
