# Copyright (c) 2026, Strata contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest
from ansible_collections.strata.containers.plugins.module_utils._model.platform import (
    InvalidPlatform,
    Platform,
    host_platform,
    parse_platform,
)
from hypothesis import given
from hypothesis import strategies as st

SPELLINGS = [
    ("linux/amd64", "linux/amd64"),
    ("linux/x86_64", "linux/amd64"),
    ("linux/x86-64", "linux/amd64"),
    ("Linux/AMD64", "linux/amd64"),
    ("linux/amd64/v1", "linux/amd64"),
    ("linux/amd64/v3", "linux/amd64/v3"),
    ("linux/aarch64", "linux/arm64"),
    ("linux/arm64/v8", "linux/arm64"),
    ("linux/arm64/8", "linux/arm64"),
    ("linux/arm64/v9", "linux/arm64/v9"),
    ("linux/i386", "linux/386"),
    ("linux/i686", "linux/386"),
    ("linux/armhf", "linux/arm/v7"),
    ("linux/armel", "linux/arm/v6"),
    ("linux/arm", "linux/arm/v7"),
    ("linux/arm/v5", "linux/arm/v5"),
    ("linux/arm/7", "linux/arm/v7"),
    ("macos/arm64", "darwin/arm64"),
    ("linux/ppc64le", "linux/ppc64le"),
    ("windows/amd64", "windows/amd64"),
]


@pytest.mark.parametrize(("text", "expected"), SPELLINGS)
def test_other_spellings_become_those_of_go(text: str, expected: str) -> None:
    assert str(parse_platform(text)) == expected


@pytest.mark.parametrize(
    "text",
    ["", "linux", "linux/", "/amd64", "linux//v7", "linux/arm/v7/x", "linux/am d64", "linux/amd64\n", "a/\u00e9"],
)
def test_what_is_no_platform_is_refused(text: str) -> None:
    with pytest.raises(InvalidPlatform) as caught:
        parse_platform(text)
    assert caught.value.code == "invalid_platform"
    assert caught.value.wanted == "os/architecture[/variant]"


@given(st.text(alphabet="linuxarmdv0123456789/_.-", max_size=30))
def test_a_parsed_platform_is_spelt_in_the_one_way_that_is_read_back(text: str) -> None:
    try:
        platform = parse_platform(text)
    except InvalidPlatform:
        return
    assert parse_platform(str(platform)) == platform


# The lists that containers/image's WantedPlatforms gives.
ACCEPTABLE = [
    (Platform("linux", "amd64"), [""]),
    (Platform("linux", "amd64", "v3"), ["v3", ""]),
    (Platform("linux", "s390x"), [""]),
    (Platform("linux", "arm64"), ["", "v8"]),
    (Platform("linux", "arm64", "v8"), ["v8", ""]),
    (Platform("linux", "arm64", "v9"), ["v9", ""]),
    (Platform("linux", "arm"), ["", "v8", "v7", "v6", "v5"]),
    (Platform("linux", "arm", "v8"), ["v8", "v7", "v6", "v5", ""]),
    (Platform("linux", "arm", "v7"), ["v7", "v6", "v5", ""]),
    (Platform("linux", "arm", "v5"), ["v5", ""]),
    (Platform("linux", "arm", "v4"), ["v4", ""]),
]


@pytest.mark.parametrize(("wanted", "variants"), ACCEPTABLE, ids=str)
def test_a_platform_accepts_its_lesser_variants_in_order(wanted: Platform, variants: list[str]) -> None:
    accepted = wanted.acceptable()
    assert [platform.variant for platform in accepted] == variants
    assert {(platform.os, platform.architecture) for platform in accepted} == {(wanted.os, wanted.architecture)}


# /proc/cpuinfo of these boards, cut to the lines that matter.
RASPBERRY_PI_1 = """processor\t: 0
model name\t: ARMv6-compatible processor rev 7 (v6l)
BogoMIPS\t: 697.95
CPU implementer\t: 0x41
CPU architecture: 7
"""
BEAGLEBONE = """processor\t: 0
model name\t: ARMv7 Processor rev 2 (v7l)
CPU architecture: 7
"""
RASPBERRY_PI_4 = """processor\t: 0
BogoMIPS\t: 108.00
CPU implementer\t: 0x41
CPU architecture: 8
CPU variant\t: 0x0

processor\t: 1
CPU architecture: 7
"""
SHEEVAPLUG = """Processor\t: Feroceon 88FR131 rev 1 (v5l)
CPU architecture: 5TE
"""
X86 = """processor\t: 0
vendor_id\t: GenuineIntel
flags\t\t: fpu vme de pse sse sse2 avx avx2
"""


@pytest.mark.parametrize(
    ("machine", "cpuinfo", "expected"),
    [
        ("x86_64", X86, "linux/amd64"),
        ("i686", X86, "linux/386"),
        ("aarch64", RASPBERRY_PI_4, "linux/arm64/v8"),
        ("arm64", RASPBERRY_PI_4, "linux/arm64/v8"),
        ("aarch64", "", "linux/arm64"),
        ("armv8l", RASPBERRY_PI_4, "linux/arm/v8"),
        ("armv7l", BEAGLEBONE, "linux/arm/v7"),
        ("armv7l", "CPU architecture: ?(15)", "linux/arm/v7"),
        ("armv6l", RASPBERRY_PI_1, "linux/arm/v6"),
        ("armv5tel", SHEEVAPLUG, "linux/arm/v5"),
        ("armv4tl", "CPU architecture: 4T", "linux/arm/v4"),
        ("armv7l", "CPU architecture: something new", "linux/arm"),
        ("ppc64le", "", "linux/ppc64le"),
        ("s390x", "", "linux/s390x"),
        ("riscv64", "", "linux/riscv64"),
        ("loongarch64", "", "linux/loong64"),
    ],
)
def test_a_host_knows_its_platform(machine: str, cpuinfo: str, expected: str) -> None:
    assert str(host_platform(machine, cpuinfo)) == expected


@given(st.text(max_size=20), st.text(max_size=200))
def test_no_cpuinfo_breaks_the_detection(machine: str, cpuinfo: str) -> None:
    assert host_platform(machine, cpuinfo).os == "linux"
