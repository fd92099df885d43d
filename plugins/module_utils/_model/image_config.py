# Copyright (c) 2026, Strata contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change in any release.
"""The config of an image: platform, diff IDs and what to run (OCI image-spec, config.md)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from .._errors import DataError
from .digest import Digest, InvalidDigest
from .json_object import JsonObject, shown
from .json_text import parse_json
from .platform import Platform
from .times import valid_time

_KEYS = ("os", "architecture", "variant", "created", "config", "rootfs", "history")


class InvalidImageConfig(DataError):
    """The config blob is not the config of an image."""

    code = "invalid_image_config"


@dataclass(frozen=True)
class ImageConfig:
    """A parsed config beside the bytes it came in.

    ``created`` is the RFC 3339 text of the config, empty where there is none. ``config`` is what a runtime needs (Cmd, Env,
    Labels ...), ``history`` how the image was made; both as received, as are ``labels``.
    """

    raw: bytes
    platform: Platform
    created: str
    diff_ids: tuple[Digest, ...]
    labels: Mapping[str, str] = field(hash=False)
    history: tuple[Mapping[str, Any], ...] = field(hash=False)
    config: Mapping[str, Any] = field(hash=False)


def parse_image_config(raw: bytes) -> ImageConfig:
    """The config in ``raw``, which must be JSON that Go reads as an image config. Raises BadJson and InvalidImageConfig.

    Whether there are as many diff IDs as layers is for the caller, who has the manifest.
    """
    where = f"image config {Digest.of(raw)}"
    body = JsonObject(parse_json(raw, where), where, InvalidImageConfig)
    body.refuse_look_alikes(_KEYS, InvalidImageConfig)
    config = JsonObject(body.mapping("config"), body.place("config"), InvalidImageConfig)
    return ImageConfig(
        raw=raw,
        platform=Platform(body.optional_text("os"), body.optional_text("architecture"), body.optional_text("variant")),
        created=_created(body),
        diff_ids=_diff_ids(body),
        labels=config.text_map("Labels"),
        history=_history(body),
        config=config.value,
    )


def _created(body: JsonObject) -> str:
    created = body.optional_text("created")
    # A time that Go cannot read would make the record of the image unreadable for podman.
    if body.value.get("created") is not None and not valid_time(created):
        raise InvalidImageConfig("this is no RFC 3339 time", subject=body.place("created"), found=repr(shown(created)))
    return created


def _diff_ids(body: JsonObject) -> tuple[Digest, ...]:
    rootfs = JsonObject(body.mapping("rootfs"), body.place("rootfs"), InvalidImageConfig)
    rootfs.refuse_look_alikes(("diff_ids",), InvalidImageConfig)
    diff_ids = []
    for position, text in enumerate(rootfs.texts("diff_ids")):
        try:
            diff_ids.append(Digest.parse(text))
        except InvalidDigest as error:
            place = rootfs.place(f"diff_ids[{position}]")
            raise InvalidImageConfig(error.message, subject=place, found=repr(shown(text))) from error  # pylint: disable=bad-exception-cause
    return tuple(diff_ids)


def _history(body: JsonObject) -> tuple[Mapping[str, Any], ...]:
    entries = body.array("history")
    for position, entry in enumerate(entries):
        JsonObject(entry, body.place(f"history[{position}]"), InvalidImageConfig)
    return tuple(entries)
