# Copyright (c) 2026, Strata contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change in any release.
"""Which image was built on which, as podman sees it: by what two configs have in common.

No record says it. The rule is ``areParentAndChild`` in libimage of containers/common: the child's layers begin with those
of the parent, and its history is the parent's with one more entry.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, Optional

from .._model.image_config import ImageConfig
from .._model.times import time_value
from .._storage.records import ImageRecord, LayerRecord

ConfigOf = Callable[[ImageRecord], Optional[ImageConfig]]

_COMPARED = ("created_by", "author", "comment")


class Lineage:
    """Answers who descends from whom. Configs are read once each, and only where the layers leave it open."""

    def __init__(self, config_of: ConfigOf) -> None:
        """``config_of`` gives the config of an image, None where the store has none that can be read."""
        self._config_of = config_of
        self._configs: dict[str, ImageConfig | None] = {}

    def config(self, image: ImageRecord) -> ImageConfig | None:
        """The config of the image, None where the store has none that can be read."""
        if image.id not in self._configs:
            self._configs[image.id] = self._config_of(image)
        return self._configs[image.id]

    def parent(
        self, child: ImageRecord, images: Iterable[ImageRecord], layers: Mapping[str, LayerRecord]
    ) -> ImageRecord | None:
        """The image of ``images`` that ``child`` was built on, None where there is none."""
        near = sorted(
            _near(child, images, _parent_of(child.layer, layers)), key=lambda image: image.layer != child.layer
        )
        return next((image for image in near if self._built_on(image, child)), None)

    def has_children(
        self, parent: ImageRecord, images: Iterable[ImageRecord], layers: Mapping[str, LayerRecord]
    ) -> bool:
        """Whether an image of ``images`` was built on ``parent``."""
        near = (
            image
            for image in images
            if image.id != parent.id
            and _same_kind(image, parent)
            and parent.layer in (image.layer, _parent_of(image.layer, layers))
        )
        return any(self._built_on(parent, image) for image in near)

    def _built_on(self, parent: ImageRecord, child: ImageRecord) -> bool:
        parents, childs = self.config(parent), self.config(child)
        return parents is not None and childs is not None and built_on(parents, childs)


def built_on(parent: ImageConfig, child: ImageConfig) -> bool:
    """Whether the child has the parent's layers and history, and one entry of history more."""
    if child.diff_ids[: len(parent.diff_ids)] != parent.diff_ids:
        return False
    if len(child.history) != len(parent.history) + 1:
        return False
    return all(_same_entry(*pair) for pair in zip(parent.history, child.history))


def _near(child: ImageRecord, images: Iterable[ImageRecord], layer_below: str | None) -> Iterator[ImageRecord]:
    """The images that ``child`` may be built on, by their top layers: its own, or the one below."""
    for image in images:
        if image.id != child.id and _same_kind(image, child) and image.layer in (child.layer, layer_below):
            yield image


def _same_kind(one: ImageRecord, other: ImageRecord) -> bool:
    # podman looks for the relatives of an image without layers among its like only.
    return bool(one.layer) == bool(other.layer)


def _parent_of(layer_id: str, layers: Mapping[str, LayerRecord]) -> str | None:
    layer = layers.get(layer_id)
    return layer.parent if layer else None


def _same_entry(one: Mapping[str, Any], other: Mapping[str, Any]) -> bool:
    if any((one.get(key) or "") != (other.get(key) or "") for key in _COMPARED):
        return False
    return bool(one.get("empty_layer")) == bool(other.get("empty_layer")) and _moment(one) == _moment(other)


def _moment(entry: Mapping[str, Any]) -> Any:
    """The time of an entry so that the same moment in two time zones is equal."""
    created = entry.get("created")
    try:
        return time_value(created) if isinstance(created, str) else None
    except ValueError:
        return created
