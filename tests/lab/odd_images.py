# Copyright (c) 2026, Strata contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Small images made by code, with every odd entry that a layer may carry, in a form that skopeo can push anywhere.

Layers are tar streams of Python's own tarfile; the expectation about what they unpack to comes from podman, never from us.
"""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import os
import tarfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Optional

_WHEN = 1_700_000_000

GZIP = "application/vnd.oci.image.layer.v1.tar+gzip"
PLAIN = "application/vnd.oci.image.layer.v1.tar"
ZSTD = "application/vnd.oci.image.layer.v1.tar+zstd"


@dataclass(frozen=True)
class Entry:
    """One member of a layer. ``kind`` is a type flag of tar; ``pax`` holds further PAX records."""

    name: str
    kind: bytes = tarfile.REGTYPE
    content: bytes = b""
    mode: int = 0o644
    uid: int = 0
    gid: int = 0
    mtime: float = _WHEN
    target: str = ""
    device: tuple[int, int] = (0, 0)
    pax: dict[str, str] = field(default_factory=dict)


def make_tar(entries: Sequence[Entry], form: int = tarfile.PAX_FORMAT) -> bytes:
    """The uncompressed tar of ``entries`` in the given format."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=form) as archive:
        for entry in entries:
            member = tarfile.TarInfo(entry.name)
            member.type = entry.kind
            member.mode, member.uid, member.gid, member.mtime = entry.mode, entry.uid, entry.gid, entry.mtime
            member.linkname = entry.target
            member.devmajor, member.devminor = entry.device
            member.pax_headers = dict(entry.pax)
            member.size = len(entry.content) if entry.kind == tarfile.REGTYPE else 0
            archive.addfile(member, io.BytesIO(entry.content))
    return buffer.getvalue()


def xattr(name: str, value: bytes) -> dict[str, str]:
    """The PAX record of an extended attribute."""
    return {f"SCHILY.xattr.{name}": value.decode("utf-8", "surrogateescape")}


# CAP_NET_RAW, permitted and effective, in the second revision of the format (linux/capability.h).
CAPABILITY = bytes.fromhex("0100000200200000000000000000000000000000")


def odd_layers() -> list[tuple[bytes, str]]:
    """Layers with every kind of entry and name that storage knows, and the media type under which each is to be sent."""
    long_name = "very/" + "long-directory-name/" * 12 + "file-with-a-long-name-" + "x" * 90
    base = [
        Entry("./", tarfile.DIRTYPE, mode=0o700),
        Entry("bin/", tarfile.DIRTYPE, mode=0o755),
        Entry("bin/setuid", content=b"#!/bin/sh\n", mode=0o4755),
        Entry("bin/setgid", content=b"#!/bin/sh\n", mode=0o2755, gid=8),
        Entry("bin/capable", content=b"capable", mode=0o755, pax=xattr("security.capability", CAPABILITY)),
        # Its header says nothing of the attribute that the file has.
        Entry("bin/capable-too", tarfile.LNKTYPE, target="bin/capable", mode=0o755),
        Entry("bin/linked", tarfile.LNKTYPE, target="bin/setuid", mode=0o4755),
        Entry("absolute", tarfile.SYMTYPE, target="/bin/setuid", mode=0o777),
        Entry("climbing", tarfile.SYMTYPE, target="../../../../bin/setuid", mode=0o777),
        Entry("dangling", tarfile.SYMTYPE, target="no/such/file", mode=0o777),
        Entry("sticky/", tarfile.DIRTYPE, mode=0o1777),
        Entry("shared/", tarfile.DIRTYPE, mode=0o2775, uid=7, gid=8),
        Entry("fifo", tarfile.FIFOTYPE, mode=0o600),
        Entry("char", tarfile.CHRTYPE, device=(1, 3), mode=0o666),
        Entry("block", tarfile.BLKTYPE, device=(7, 1), mode=0o660, gid=6),
        Entry("no/parents/named/file", content=b"orphan", uid=12, gid=13),
        Entry("times/nanoseconds", content=b"t", pax={"mtime": "1600000000.123456789", "atime": "1600000001.5"}),
        Entry("times/before1970", content=b"t", pax={"mtime": "-5"}),
        Entry("owners/large", content=b"o", uid=4_000_000, gid=3_000_000),
        Entry(long_name, content=b"long"),
        Entry("umlaut-\u00e4\u00f6\u00fc", content=b"unicode"),
        Entry("spaces and <html> & \u2028", content=b"escapes"),
        Entry("attributes", content=b"x", pax=xattr("user.strata", b"value") | xattr("user.empty", b"")),
        Entry("attributes.d/", tarfile.DIRTYPE, mode=0o750, pax=xattr("user.directory", b"yes")),
        Entry("empty", content=b""),
        Entry("big", content=bytes(range(256)) * 2048),
        Entry("doomed/one", content=b"1"),
        Entry("doomed/two", content=b"2"),
        Entry("hidden/old", content=b"old"),
        Entry("hidden/sub/older", content=b"older"),
        Entry("file-to-directory", content=b"file"),
        Entry("directory-to-file/", tarfile.DIRTYPE, mode=0o755),
        Entry("directory-to-file/inside", content=b"inside"),
        Entry("link-to-directory", tarfile.SYMTYPE, target="sticky", mode=0o777),
    ]
    changes = [
        Entry("doomed/.wh.one"),
        Entry(".wh.dangling"),
        Entry("hidden/", tarfile.DIRTYPE, mode=0o755),
        Entry("hidden/.wh..wh..opq"),
        Entry("hidden/new", content=b"new"),
        Entry("file-to-directory/", tarfile.DIRTYPE, mode=0o711),
        Entry("file-to-directory/inside", content=b"now a directory"),
        Entry(".wh.directory-to-file"),
        Entry("bin/setuid", content=b"replaced", mode=0o755),
    ]
    gnu = [
        Entry("gnu/", tarfile.DIRTYPE, mode=0o755),
        Entry("gnu/" + "n" * 180, content=b"gnu long name"),
        Entry("gnu/" + "l" * 30, tarfile.SYMTYPE, target="t" * 180, mode=0o777),
        Entry("gnu/owner", content=b"base-256", uid=3_000_000, gid=2_500_000),
    ]
    ustar = [
        Entry("ustar/", tarfile.DIRTYPE, mode=0o755),
        Entry("ustar/" + "p" * 90 + "/" + "q" * 80, content=b"prefix field"),
    ]
    root_entry = [Entry("/", tarfile.DIRTYPE, mode=0o751, uid=3, gid=4), Entry("after", content=b"root entry")]
    return [
        (gzip.compress(make_tar(base), mtime=0), GZIP),
        (_in_members(make_tar(changes)), GZIP),
        (make_tar(gnu, tarfile.GNU_FORMAT), PLAIN),
        (gzip.compress(make_tar(ustar, tarfile.USTAR_FORMAT), mtime=0), GZIP),
        (gzip.compress(make_tar(root_entry), mtime=0), GZIP),
        (gzip.compress(bytes(1024), mtime=0), GZIP),
    ]


def _in_members(data: bytes) -> bytes:
    """``data`` as several gzip members, as pigz and eStargz write it."""
    third = len(data) // 3
    return b"".join(gzip.compress(part, mtime=0) for part in (data[:third], data[third : 2 * third], data[2 * third :]))


def zstd_layers(compress: Callable[[bytes], bytes]) -> list[tuple[bytes, str]]:
    """Two layers of several zstd frames each; ``compress`` makes one frame."""
    layers = []
    for number in (1, 2):
        tar = make_tar([Entry(f"zstd/file{number}", content=bytes([number]) * 100_000)])
        half = len(tar) // 2
        layers.append((compress(tar[:half]) + compress(tar[half:]), ZSTD))
    return layers


@dataclass(frozen=True)
class ImageLayout:
    """An OCI layout directory in the making; images are added to it by name."""

    directory: str

    def add_blob(self, data: bytes) -> dict[str, Any]:
        """Stores ``data`` and returns the digest and size of its descriptor."""
        digest = hashlib.sha256(data).hexdigest()
        path = os.path.join(self.directory, "blobs", "sha256", digest)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "wb") as stream:
            stream.write(data)
        return {"digest": f"sha256:{digest}", "size": len(data)}

    def add_image(
        self,
        name: str,
        layers: Sequence[tuple[bytes, str]],
        *,
        diff_ids: Optional[Sequence[str]] = None,
        architecture: str = "amd64",
        variant: str = "",
        config: Optional[dict[str, Any]] = None,
        history: Optional[Sequence[dict[str, Any]]] = None,
        manifest_changes: Callable[[dict[str, Any]], None] = lambda manifest: None,
    ) -> dict[str, Any]:
        """Adds an image of ``layers`` (bytes and media type) and returns the descriptor of its manifest.

        ``diff_ids`` are computed unless given; ``manifest_changes`` may spoil the manifest before it is stored.
        """
        from .decompress import decompress

        ids = diff_ids or ["sha256:" + hashlib.sha256(decompress(data)).hexdigest() for data, _type in layers]
        image_config = {
            "created": "2026-11-03T10:31:07.5Z",
            "architecture": architecture,
            **({"variant": variant} if variant else {}),
            "os": "linux",
            "config": config or {"Cmd": ["/bin/sh"], "Labels": {"org.example.purpose": "tests"}},
            "rootfs": {"type": "layers", "diff_ids": list(ids)},
            "history": history or [{"created_by": f"layer {number}"} for number in range(len(layers))],
        }
        manifest: dict[str, Any] = {
            "schemaVersion": 2,
            "mediaType": "application/vnd.oci.image.manifest.v1+json",
            "config": {
                "mediaType": "application/vnd.oci.image.config.v1+json",
                **self.add_blob(json.dumps(image_config).encode()),
            },
            "layers": [{"mediaType": kind, **self.add_blob(data)} for data, kind in layers],
        }
        manifest_changes(manifest)
        descriptor = {"mediaType": manifest["mediaType"], **self.add_blob(json.dumps(manifest).encode())}
        self._publish(name, descriptor)
        return descriptor

    def add_index(self, name: str, entries: Sequence[dict[str, Any]]) -> dict[str, Any]:
        """Adds an index of ``entries`` (descriptors with a platform each) and returns its descriptor."""
        kind = "application/vnd.oci.image.index.v1+json"
        data = json.dumps({"schemaVersion": 2, "mediaType": kind, "manifests": list(entries)}).encode()
        descriptor = {"mediaType": kind, **self.add_blob(data)}
        self._publish(name, descriptor)
        return descriptor

    def _publish(self, name: str, descriptor: dict[str, Any]) -> None:
        with open(os.path.join(self.directory, "oci-layout"), "w", encoding="utf-8") as stream:
            stream.write('{"imageLayoutVersion": "1.0.0"}')
        path = os.path.join(self.directory, "index.json")
        index: dict[str, Any] = {"schemaVersion": 2, "manifests": []}
        if os.path.exists(path):
            with open(path, encoding="utf-8") as stream:
                index = json.load(stream)
        annotations = {"org.opencontainers.image.ref.name": name}
        index["manifests"].append({**descriptor, "annotations": annotations})
        with open(path, "w", encoding="utf-8") as stream:
            json.dump(index, stream)
