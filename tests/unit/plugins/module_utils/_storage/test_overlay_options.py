# Copyright (c) 2026, Strata contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest
from ansible_collections.strata.containers.plugins.module_utils._errors import HostError
from ansible_collections.strata.containers.plugins.module_utils._storage.overlay_options import (
    InvalidDriverOption,
    OverlayOptions,
    parse_options,
)


# Spellings that podman 4.3.1 accepts with --storage-opt.
@pytest.mark.parametrize(
    "option",
    ["overlay.mountopt=nodev", "overlay2.mountopt=nodev", ".mountopt=nodev", "mountopt=nodev"]
    + ["OVERLAY.mountopt=nodev", " overlay.MountOpt = nodev"],
)
def test_a_key_may_have_the_drivers_name_or_not(option: str) -> None:
    assert parse_options([option]) == OverlayOptions(mount_options=("nodev",))


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ([], OverlayOptions()),
        (["mountopt=nodev,metacopy=on"], OverlayOptions(mount_options=("nodev", "metacopy=on"))),
        (["mountopt="], OverlayOptions()),
        (["mountopt=nodev", "mountopt=nosuid"], OverlayOptions(mount_options=("nosuid",))),
        (["imagestore=/a,/b/", "additionalimagestores=/c"], OverlayOptions(image_stores=("/a", "/b", "/c"))),
        (["additionalimagestore=/a"], OverlayOptions(image_stores=("/a",))),
        (["skip_mount_home=true"], OverlayOptions(skip_mount_home=True)),
        (["skip_mount_home=1", "skip_mount_home=F"], OverlayOptions()),
        (["ignore_chown_errors=true"], OverlayOptions()),
        (["override_kernel_check=true"], OverlayOptions()),
        (["sync=filesystem"], OverlayOptions(sync=True)),
        (["sync=none"], OverlayOptions()),
        (["use_composefs=false", "mount_program="], OverlayOptions()),
        (["overlay.mount_program=/usr/bin/fuse"], OverlayOptions(mount_program="/usr/bin/fuse")),
        (["mount_program=/usr/bin/fuse", "mount_program="], OverlayOptions()),
        (["force_mask=shared"], OverlayOptions(force_mask=0o755)),
        (["force_mask=shared", "overlay.force_mask=private"], OverlayOptions(force_mask=0o700)),
        (["force_mask=0750"], OverlayOptions(force_mask=0o750)),
        (["size=0", "size=0.9", "inodes=0"], OverlayOptions()),
        (["size=0", "overlay.size=1", "size=2"], OverlayOptions(limit="overlay.size=1")),
        (["inodes=18446744073709551615"], OverlayOptions(limit="inodes=18446744073709551615")),
    ],
)
def test_options_become_values(options: list[str], expected: OverlayOptions) -> None:
    assert parse_options(options) == expected


@pytest.mark.parametrize(
    "option",
    [
        "use_composefs=true",
        "additionallayerstore=/a:ref",
    ],
)
def test_what_cannot_be_done_is_noted_as_it_was_given(option: str) -> None:
    assert parse_options(["mountopt=nodev", option, "use_composefs=1"]).unsupported == option


# What podman 4.3.1 takes and refuses.
@pytest.mark.parametrize("value", ["1", "10G", "10 g", "1.5GiB", "7kb", "3B", "2tib", ".5p", "1."])
def test_sizes_of_all_spellings_are_limits(value: str) -> None:
    assert parse_options([f"size={value}"]).limit == f"size={value}"


# podman 4.3.1 refuses all but "skip_mount_home=yes", and what it does not know: use_composefs and sync.
@pytest.mark.parametrize(
    "option",
    ["overlay.foo=bar", "foo=bar", "vfs.mountopt=nodev", "overlay.mountopt", "ignore_chown_errors=maybe"]
    + ["skip_mount_home=yes", "use_composefs=", "imagestore=relative/path", "sync=always", "", "="]
    + ["size=", "size=x", "size=-1", "size=1x", "size=1kib b", "size=1 gb2", "inodes=", "inodes=-1", "inodes=1k"]
    + ["inodes=18446744073709551616", "force_mask=", "force_mask=bogus", "force_mask=9"],
)
def test_a_wrong_option_is_named(option: str) -> None:
    with pytest.raises(InvalidDriverOption) as raised:
        parse_options([option])
    assert isinstance(raised.value, HostError)
    assert raised.value.code == "invalid_config"
    assert raised.value.subject == option
