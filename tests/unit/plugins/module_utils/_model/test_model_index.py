# Copyright (c) 2026, Strata contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest
from ansible_collections.strata.containers.plugins.module_utils._model.descriptor import Descriptor
from ansible_collections.strata.containers.plugins.module_utils._model.digest import Digest
from ansible_collections.strata.containers.plugins.module_utils._model.index import Index, no_such_platform
from ansible_collections.strata.containers.plugins.module_utils._model.platform import Platform
from hypothesis import given
from hypothesis import strategies as st

OCI = "application/vnd.oci.image.index.v1+json"
DOCKER = "application/vnd.docker.distribution.manifest.list.v2+json"
ZSTD = {"io.github.containers.compression.zstd": "true"}


def instance(name: str, platform: str | None, zstd: bool = False) -> Descriptor:
    """An entry called ``name`` (its letter fills the digest) for ``platform`` (``os/arch[/variant]``)."""
    return Descriptor(
        "application/vnd.oci.image.manifest.v1+json",
        Digest("sha256", name * 64),
        7,
        annotations=ZSTD if zstd else {},
        platform=None if platform is None else Platform(*platform.split("/")),
    )


def index(*instances: Descriptor, media_type: str = OCI) -> Index:
    return Index(b"{}", media_type, instances)


def chosen(index_: Index, wanted: str, prefer_gzip: bool = False) -> str | None:
    candidates = index_.candidates(Platform(*wanted.split("/")), prefer_gzip=prefer_gzip)
    return candidates[0].digest.hex[0] if candidates else None


# name: entries, wanted platform, the entry chosen in an OCI index, the entry chosen in a Docker list
A, B, C = "a", "b", "c"
CHOICES = {
    "the one that fits": ([(A, "linux/arm64"), (B, "linux/amd64")], "linux/amd64", B, B),
    "the first of two that fit": ([(A, "linux/amd64"), (B, "linux/amd64")], "linux/amd64", A, A),
    "another system is no fit": ([(A, "windows/amd64"), (B, "linux/amd64")], "linux/amd64", B, B),
    "the best variant, not the first": ([(A, "linux/arm/v5"), (B, "linux/arm/v7")], "linux/arm/v7", B, B),
    "a lesser variant": ([(A, "linux/arm/v8"), (B, "linux/arm/v6")], "linux/arm/v7", B, B),
    "no variant after the lesser ones": ([(A, "linux/arm"), (B, "linux/arm/v5")], "linux/arm/v7", B, B),
    "no variant as the last way": ([(A, "linux/arm/v8"), (B, "linux/arm")], "linux/arm/v7", B, B),
    "no variant first when none is wanted": ([(A, "linux/arm64/v8"), (B, "linux/arm64")], "linux/arm64", B, B),
    "any variant when none is wanted": ([(A, "linux/arm64/v8")], "linux/arm64", A, A),
    "an unknown variant itself": ([(A, "linux/amd64"), (B, "linux/amd64/v3")], "linux/amd64/v3", B, B),
    "none for an unknown variant": ([(A, "linux/amd64/v2"), (B, "linux/amd64")], "linux/amd64/v3", B, B),
    "no attestation": ([(A, "unknown/unknown"), (B, "linux/amd64")], "linux/amd64", B, B),
    "an entry without a platform, last": ([(A, None), (B, "linux/amd64")], "linux/amd64", B, B),
    "an entry without a platform": ([(A, "linux/s390x"), (B, None), (C, None)], "linux/amd64", B, None),
    "an empty platform is none of ours": ([(A, "/")], "linux/amd64", None, None),
    "nothing that fits": ([(A, "linux/arm64")], "linux/amd64", None, None),
    "nothing at all": ([], "linux/amd64", None, None),
}


@pytest.mark.parametrize("case", sorted(CHOICES))
@pytest.mark.parametrize("media_type", [OCI, DOCKER])
def test_the_instance_is_the_one_that_podman_takes(case: str, media_type: str) -> None:
    entries, wanted, of_index, of_list = CHOICES[case]
    listed = index(*(instance(name, platform) for name, platform in entries), media_type=media_type)
    expected = of_index if media_type == OCI else of_list
    assert chosen(listed, wanted) == expected


def test_zstd_goes_before_gzip_for_the_same_platform_only() -> None:
    same = index(instance("a", "linux/amd64"), instance("b", "linux/amd64", zstd=True))
    assert chosen(same, "linux/amd64") == "b"
    assert chosen(same, "linux/amd64", prefer_gzip=True) == "a"
    better = index(instance("a", "linux/arm/v7"), instance("b", "linux/arm/v6", zstd=True))
    assert chosen(better, "linux/arm/v7") == "a"
    only = index(instance("a", "linux/amd64", zstd=True))
    assert chosen(only, "linux/amd64", prefer_gzip=True) == "a"


def test_a_docker_list_has_no_opinion_on_compression() -> None:
    entries = (instance("a", "linux/amd64"), instance("b", "linux/amd64", zstd=True))
    assert chosen(index(*entries, media_type=DOCKER), "linux/amd64") == "a"
    assert chosen(index(*reversed(entries), media_type=DOCKER), "linux/amd64", prefer_gzip=True) == "b"


def test_the_others_follow_in_the_order_in_which_they_fit() -> None:
    entries = [(A, None), (B, "linux/arm/v5"), (C, "linux/arm/v7"), ("d", "linux/s390x"), ("e", None)]
    listed = index(*(instance(name, platform) for name, platform in entries))
    candidates = listed.candidates(Platform("linux", "arm", "v7"))
    assert [entry.digest.hex[0] for entry in candidates] == [C, B, A, "e"]


def test_the_error_lists_what_is_there() -> None:
    listed = index(instance("a", "linux/s390x"), instance("b", "linux/arm/v7"), instance("c", "linux/arm/v7"))
    error = no_such_platform(Platform("linux", "amd64", "v2"), listed)
    assert error.code == "no_such_platform"
    assert error.wanted == "linux/amd64/v2"
    assert error.found == "linux/arm/v7, linux/s390x"
    assert str(listed.digest) in error.subject


PLATFORMS = st.sampled_from(["linux/amd64", "linux/arm64", "linux/arm64/v8", "linux/arm/v7", "linux/arm", None])


@given(st.lists(st.tuples(PLATFORMS, st.booleans()), max_size=6), st.booleans())
def test_no_entry_is_better_than_the_chosen_one(entries: list[tuple[str | None, bool]], prefer_gzip: bool) -> None:
    wanted = Platform("linux", "arm", "v7")
    listed = index(*(instance("abcdef"[n], platform, zstd) for n, (platform, zstd) in enumerate(entries)))
    # The rule of choice said another way: for each acceptable platform in order, then for none at all, first the entries
    # of the preferred compression.
    for platform in (*wanted.acceptable(), None):
        for zstd in (not prefer_gzip, prefer_gzip):
            for entry in listed.manifests:
                if entry.platform == platform and bool(entry.annotations) == zstd:
                    assert listed.candidates(wanted, prefer_gzip=prefer_gzip)[0] is entry
                    return
    assert listed.candidates(wanted, prefer_gzip=prefer_gzip) == ()
