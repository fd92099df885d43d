# Copyright (c) 2026, Strata contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest
from ansible_collections.strata.containers.plugins.module_utils._host.mounts import (
    MS_NOATIME,
    MS_NODEV,
    MS_NOEXEC,
    MS_NOSUID,
    MS_RDONLY,
    MS_RELATIME,
)
from ansible_collections.strata.containers.plugins.module_utils._storage.overlay_data import (
    OverlayStack,
    effective_options,
    mount_arguments,
    wants_read_only,
)

WRITABLE = OverlayStack(("/l/A", "/l/B"), "/c/diff", "/c/work")
READ_ONLY = OverlayStack(("/c/diff", "/l/A", "/l/B"))


class TestArguments:
    def test_a_writable_mount_has_upper_and_work(self) -> None:
        assert mount_arguments(WRITABLE, (), "") == ("lowerdir=/l/A:/l/B,upperdir=/c/diff,workdir=/c/work", 0)

    def test_a_read_only_mount_has_lowers_only(self) -> None:
        assert mount_arguments(READ_ONLY, (), "") == ("lowerdir=/c/diff:/l/A:/l/B", MS_RDONLY)

    def test_a_mount_without_upper_is_read_only_whatever_the_options_say(self) -> None:
        assert mount_arguments(READ_ONLY, ("rw",), "")[1] == MS_RDONLY

    @pytest.mark.parametrize(
        ("options", "words", "flags"),
        [
            (("nodev",), "", MS_NODEV),
            (("nodev", "nosuid", "noexec"), "", MS_NODEV | MS_NOSUID | MS_NOEXEC),
            (("nodev", "dev"), "", 0),
            (("noatime", "relatime"), "", MS_NOATIME | MS_RELATIME),
            (("defaults",), "", 0),
            (("metacopy=on", "nodev", "redirect_dir=off"), ",metacopy=on,redirect_dir=off", MS_NODEV),
            (("volatile",), ",volatile", 0),
        ],
    )
    def test_words_become_flags_or_data(self, options: tuple[str, ...], words: str, flags: int) -> None:
        data = "lowerdir=/l/A:/l/B,upperdir=/c/diff,workdir=/c/work" + words
        assert mount_arguments(WRITABLE, options, "") == (data, flags)

    def test_a_label_comes_last_and_in_quotes(self) -> None:
        data, _flags = mount_arguments(READ_ONLY, ("metacopy=on",), "system_u:object_r:container_file_t:s0:c1,c2")
        assert data.endswith(',metacopy=on,context="system_u:object_r:container_file_t:s0:c1,c2"')

    def test_characters_that_would_end_a_path_are_escaped(self) -> None:
        stack = OverlayStack(("/a:b,c\\d",), "/a:b,c\\d", "/w")
        data, _flags = mount_arguments(stack, (), "")
        # A colon separates the lower directories only.
        assert data == "lowerdir=/a\\:b\\,c\\\\d,upperdir=/a:b\\,c\\\\d,workdir=/w"


class TestOptions:
    @pytest.mark.parametrize(
        ("own", "configured", "metacopy", "expected"),
        [
            ((), ("nodev",), True, ("nodev",)),
            (("nosuid",), ("nodev",), True, ("nosuid",)),
            ((), (), True, ()),
            (("nosuid",), ("nodev", "metacopy=on"), True, ("nosuid", "metacopy=on")),
            (("nosuid", "metacopy=on"), ("metacopy=on",), True, ("nosuid", "metacopy=on")),
            ((), ("metacopy=on", "nodev"), False, ("nodev",)),
            (("metacopy=on", "nodev"), (), False, ("nodev",)),
        ],
    )
    def test_a_containers_options_replace_those_of_the_store(
        self, own: tuple[str, ...], configured: tuple[str, ...], metacopy: bool, expected: tuple[str, ...]
    ) -> None:
        assert effective_options(own, configured, metacopy) == expected

    @pytest.mark.parametrize(
        ("options", "expected"),
        [((), False), (("ro",), True), (("ro", "rw"), False), (("rw", "ro", "nodev"), True), (("robust",), False)],
    )
    def test_options_may_ask_for_a_read_only_mount(self, options: tuple[str, ...], expected: bool) -> None:
        assert wants_read_only(options) is expected
