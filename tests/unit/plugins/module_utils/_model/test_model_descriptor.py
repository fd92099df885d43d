# Copyright (c) 2026, Strata contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.strata.containers.plugins.module_utils._model.descriptor import (
    AmbiguousDescriptor,
    Descriptor,
    InvalidDescriptor,
)
from ansible_collections.strata.containers.plugins.module_utils._model.digest import Digest
from ansible_collections.strata.containers.plugins.module_utils._model.platform import Platform

HEX = "5b0bcabd1ed22e9fb1310cf6c2dec7cdef19f0ad69efa1f392e94a4333501270"
# The example of the OCI image-spec, descriptor.md.
EXAMPLE = {
    "mediaType": "application/vnd.oci.image.manifest.v1+json",
    "size": 7682,
    "digest": f"sha256:{HEX}",
    "urls": ["https://example.com/example-manifest"],
}


def changed(**changes: Any) -> dict[str, Any]:
    return {**EXAMPLE, **changes}


def test_the_example_of_the_specification_is_read() -> None:
    descriptor = Descriptor.from_json(EXAMPLE, "config")
    assert descriptor.media_type == "application/vnd.oci.image.manifest.v1+json"
    assert descriptor.digest == Digest("sha256", HEX)
    assert descriptor.size == 7682
    assert descriptor.urls == ("https://example.com/example-manifest",)
    assert descriptor.annotations == {}
    assert descriptor.platform is None


def test_unknown_fields_are_kept() -> None:
    value = changed(data="e30=", artifactType="application/x", annotations={"a": "b"}, **{"x-new": [1]})
    descriptor = Descriptor.from_json(value, "config")
    assert descriptor.fields == value
    assert descriptor.annotations == {"a": "b"}


def test_a_platform_is_kept_as_spelt() -> None:
    platform = {"os": "linux", "architecture": "aarch64", "variant": "v8", "os.version": "1", "features": ["x"]}
    assert Descriptor.from_json(changed(platform=platform), "m").platform == Platform("linux", "aarch64", "v8")
    assert Descriptor.from_json(changed(platform={}), "m").platform == Platform("", "")
    assert Descriptor.from_json(changed(platform=None), "m").platform is None


def test_descriptors_can_be_members_of_a_set() -> None:
    value = changed(annotations={"a": "b"})
    assert len({Descriptor.from_json(value, "a"), Descriptor.from_json(dict(value), "b")}) == 1


REFUSED = {
    "no object": ([], "layers[3]"),
    "nothing": (None, "layers[3]"),
    "no media type": (changed(mediaType=None), "layers[3]: mediaType"),
    "a media type that is no text": (changed(mediaType=1), "layers[3]: mediaType"),
    "no digest": (changed(digest=None), "layers[3]: digest"),
    "a digest that cannot be verified": (changed(digest="md5:" + "a" * 32), "layers[3]: digest"),
    "a digest in capitals": (changed(digest="sha256:" + "A" * 64), "layers[3]: digest"),
    "a digest that is a path": (changed(digest="sha256:../../../etc/shadow"), "layers[3]: digest"),
    "no size": ({key: EXAMPLE[key] for key in ("mediaType", "digest")}, "layers[3]: size"),
    "a negative size": (changed(size=-1), "layers[3]: size"),
    "a size of more than 64 bits": (changed(size=1 << 63), "layers[3]: size"),
    "a size that is a fraction": (changed(size=1.0), "layers[3]: size"),
    "a size that is a truth": (changed(size=True), "layers[3]: size"),
    "a size that is text": (changed(size="1"), "layers[3]: size"),
    "one URL for a list": (changed(urls="https://example.com"), "layers[3]: urls"),
    "an URL that is no text": (changed(urls=[1]), "layers[3]: urls[0]"),
    "annotations that are no map": (changed(annotations=[]), "layers[3]: annotations"),
    "an annotation that is no text": (changed(annotations={"a": 1}), "layers[3]: annotations.a"),
    "a platform that is text": (changed(platform="linux/amd64"), "layers[3]: platform"),
    "an architecture that is no text": (changed(platform={"architecture": 0}), "layers[3]: platform: architecture"),
}


@pytest.mark.parametrize("case", sorted(REFUSED))
def test_a_wrong_descriptor_is_refused_with_its_place(case: str) -> None:
    value, subject = REFUSED[case]
    with pytest.raises(InvalidDescriptor) as caught:
        Descriptor.from_json(value, "layers[3]")
    assert caught.value.subject == subject
    assert caught.value.code == "invalid_manifest"


@pytest.mark.parametrize(
    "value",
    [
        changed(Digest="sha256:" + "b" * 64),
        changed(mediatype="application/x"),
        changed(SIZE=1),
        changed(platform={"os": "linux", "OS": "windows"}),
    ],
)
def test_a_descriptor_with_two_meanings_is_refused(value: object) -> None:
    with pytest.raises(AmbiguousDescriptor) as caught:
        Descriptor.from_json(value, "layers[3]")
    assert caught.value.code == "ambiguous_manifest"
