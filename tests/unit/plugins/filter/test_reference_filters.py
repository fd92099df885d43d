# Copyright (c) 2026, Strata contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The filters that read names of images, called directly and through Ansible's templates."""

from __future__ import annotations

from typing import Any

import pytest
from ansible.errors import AnsibleFilterError
from ansible_collections.strata.containers.plugins.filter.normalize_reference import normalize_reference
from ansible_collections.strata.containers.plugins.filter.parse_reference import parse_reference

HEX = "a" * 64
DIGEST = f"sha256:{HEX}"

# What skopeo and docker make of these names (distribution/reference, its tests of ParseNormalizedNamed).
FULL_NAMES = {
    "busybox": "docker.io/library/busybox:latest",
    "busybox:1.36": "docker.io/library/busybox:1.36",
    "index.docker.io/busybox": "docker.io/library/busybox:latest",
    "user/app": "docker.io/user/app:latest",
    "localhost:5000/app:v1": "localhost:5000/app:v1",
    "localhost": "docker.io/library/localhost:latest",
    "myhost/app": "docker.io/myhost/app:latest",
    "EXAMPLE.com/app": "EXAMPLE.com/app:latest",
    "host.tld/a/b/c/d:tag": "host.tld/a/b/c/d:tag",
    f"busybox@{DIGEST}": f"docker.io/library/busybox@{DIGEST}",
    f"busybox:1@{DIGEST}": f"docker.io/library/busybox:1@{DIGEST}",
    "quay.io:5000": "docker.io/library/quay.io:5000",
    "a:1/b": "a:1/b:latest",
    "docker://quay.io/podman/hello": "quay.io/podman/hello:latest",
}

WRONG_NAMES: dict[str, tuple[Any, str]] = {
    "upper case": ("Example/app", "repository name must be lowercase"),
    "image ID": (HEX, "cannot specify 64-byte hexadecimal strings"),
    "empty": ("", "invalid reference format"),
    "scheme": ("https://quay.io/a", "invalid reference format"),
    "another transport": ("oci:directory:name:tag", "invalid reference format"),
    "line end": ("busybox\n", "invalid reference format"),
    "digest cut short": (f"busybox@{DIGEST[:-1]}", "invalid checksum digest length"),
    "unknown algorithm": (f"busybox@md5:{'a' * 32}", "unsupported digest algorithm"),
    "too long": ("a" * 238, "must not be more than 255 characters"),
    "number": (5, "must be text"),
    "nothing": (None, "must be text"),
    "list": (["busybox"], "must be text"),
}


@pytest.mark.parametrize("name", FULL_NAMES)
def test_a_name_is_completed_as_the_other_tools_do(name: str) -> None:
    assert normalize_reference(name) == FULL_NAMES[name]
    assert normalize_reference(FULL_NAMES[name]) == FULL_NAMES[name]


@pytest.mark.parametrize("case", WRONG_NAMES)
@pytest.mark.parametrize("read", [normalize_reference, parse_reference])
def test_what_is_no_name_is_refused_in_the_engines_words(case: str, read: Any) -> None:
    value, says = WRONG_NAMES[case]
    with pytest.raises(AnsibleFilterError, match=says) as raised:
        read(value)
    assert str(raised.value).startswith(read.__name__)


def test_the_parts_of_a_name_have_no_default_tag() -> None:
    assert parse_reference("busybox") == {
        "reference": "docker.io/library/busybox",
        "name": "docker.io/library/busybox",
        "domain": "docker.io",
        "path": "library/busybox",
        "tag": None,
        "digest": None,
        "familiar": "busybox",
    }


def test_tag_and_digest_are_both_kept_apart() -> None:
    parts = parse_reference(f"docker://registry.example.com:5000/team/app:1.2@{DIGEST}")
    assert parts == {
        "reference": f"registry.example.com:5000/team/app:1.2@{DIGEST}",
        "name": "registry.example.com:5000/team/app",
        "domain": "registry.example.com:5000",
        "path": "team/app",
        "tag": "1.2",
        "digest": DIGEST,
        "familiar": f"registry.example.com:5000/team/app:1.2@{DIGEST}",
    }
