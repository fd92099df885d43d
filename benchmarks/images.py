# Copyright (c) 2026, Strata contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The images that are pulled: made from distribution packages and a seed, once, and kept as OCI layouts.

What matters for the time of a pull is the number of entries, the bytes, how well they compress, and how they are spread
over layers; so the content is that of real packages, and where it is made up it is text and slices of real programs.
"""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import os
import random
import shutil
import subprocess
import sys
import tarfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, BinaryIO

import zstandard

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "tests"))

from lab.commands import run  # noqa: E402
from lab.odd_images import GZIP, ZSTD, ImageLayout  # noqa: E402
from lab.rootfs import rootfs_image  # noqa: E402
from progress import say  # noqa: E402

SEED = 20261128
_WHEN = 1_700_000_000
# The first that the distribution has; names carry versions.
_SOURCES = ("golang-1.19-src", "golang-1.24-src", "libboost1.74-dev", "libboost1.83-dev")
_BINARIES = (
    ("libllvm14", "libllvm19", "libllvm17t64"),
    ("openjdk-17-jre-headless", "openjdk-21-jre-headless", "default-jre-headless"),
)
_MEBIBYTE = 1 << 20

# A layer is written by a function that adds its members to an open archive.
Fill = Callable[[tarfile.TarFile], None]


@dataclass(frozen=True)
class Parts:
    """What the images are made of: directories of unpacked packages, and some of their bytes."""

    base: str
    sources: str
    binaries: str
    pool: bytes


def make_images(cache: str) -> str:
    """The directory of the OCI layout with all images of ``IMAGES``; the first call makes them, which takes some minutes."""
    layout = os.path.join(cache, f"images-{SEED}")
    missing = [name for name in IMAGES if name not in _names(layout)]
    if missing:
        say("making images, once")
        scratch = os.path.join(cache, "parts")
        parts = _make_parts(cache, scratch)
        for name in missing:
            say(f"  {name}")
            _add_image(ImageLayout(layout), name, [(fill(parts), kind) for fill, kind in IMAGES[name].layers])
        shutil.rmtree(scratch)
    return layout


def _names(layout: str) -> set[str]:
    """The images that ``layout`` has: one is listed when all of it is there."""
    path = os.path.join(layout, "index.json")
    if not os.path.exists(path):
        return set()
    with open(path, encoding="utf-8") as stream:
        return {entry["annotations"]["org.opencontainers.image.ref.name"] for entry in json.load(stream)["manifests"]}


# --- What goes into a layer ---


def _base(parts: Parts) -> Fill:
    return lambda archive: archive.add(parts.base, ".")


def _sources(parts: Parts) -> Fill:
    return lambda archive: archive.add(parts.sources, ".")


def _binaries(parts: Parts) -> Fill:
    return lambda archive: archive.add(parts.binaries, ".")


def _small_files(count: int) -> Callable[[Parts], Fill]:
    """``count`` files of a few hundred bytes to some kilobytes in many directories, as package managers of scripts leave."""

    def fill(archive: tarfile.TarFile) -> None:
        dice = random.Random(f"{SEED} small {count}")
        words = [bytes(dice.choices(b"etaoinshrdlcumwfgypbvk", k=dice.randint(2, 9))) for _number in range(4000)]
        for number in range(count):
            directory = f"node/{number // 400:03}/{number // 20 % 20:02}/lib"
            if number % 20 == 0:
                _add(archive, directory, b"", tarfile.DIRTYPE, 0o755)
            size = int(dice.lognormvariate(7.2, 1.0)) % 60_000
            text = b" ".join(dice.choices(words, k=max(1, size // 7)))[:size]
            _add(archive, f"{directory}/module{number:05}.js", text)

    return lambda _parts: fill


def _large_file(size: int) -> Callable[[Parts], Fill]:
    """One file of ``size`` bytes that compresses as programs do."""

    def fill(parts: Parts) -> Fill:
        return lambda archive: _add_stream(archive, "opt/model.bin", size, _slices(parts.pool, size))

    return fill


def _deep(parts: Parts) -> Fill:
    """Directories of 40 levels with files at every level, names of up to 100 characters: long headers and long paths."""
    del parts

    def fill(archive: tarfile.TarFile) -> None:
        for branch in range(60):
            path = f"deep/branch-{branch:02}"
            for level in range(40):
                path = f"{path}/{'level' * (level % 3 + 1)}-{level:02}"
                _add(archive, path, b"", tarfile.DIRTYPE, 0o755)
                _add(archive, f"{path}/note-{'x' * (level * 2)}", f"{branch} {level}\n".encode())

    return fill


def _changes(parts: Parts) -> Fill:
    """What a last layer is like: configuration, a few files removed, a directory made opaque."""
    del parts

    def fill(archive: tarfile.TarFile) -> None:
        for name in ("etc/issue", "usr/share/doc"):
            _add(archive, f"{os.path.dirname(name)}/.wh.{os.path.basename(name)}", b"")
        _add(archive, "var/log", b"", tarfile.DIRTYPE, 0o755)
        _add(archive, "var/log/.wh..wh..opq", b"")
        for number in range(200):
            _add(archive, f"etc/app/conf.d/{number:03}.conf", f"[section {number}]\nvalue = {number}\n".encode() * 20)

    return fill


def _one_of_sixty(number: int) -> Callable[[Parts], Fill]:
    def fill(archive: tarfile.TarFile) -> None:
        dice = random.Random(f"{SEED} sixty {number}")
        for file in range(60):
            _add(archive, f"layers/{number:02}/file{file:02}", dice.randbytes(200) + b"text of a layer " * 150)

    return lambda _parts: fill


@dataclass(frozen=True)
class Recipe:
    """What an image is like, in words, and its layers: what writes each, and the media type."""

    words: str
    layers: list[tuple[Callable[[Parts], Fill], str]]


IMAGES = {
    "mixed": Recipe(
        "a base system, a tree of sources, small files, large binaries, changes; gzip",
        [(layer, GZIP) for layer in (_base, _sources, _small_files(9_000), _binaries, _changes)],
    ),
    "zstd": Recipe(
        "a base system, small files, changes; zstd",
        [(layer, ZSTD) for layer in (_base, _small_files(9_000), _changes)],
    ),
    "base": Recipe("a base system; gzip", [(_base, GZIP)]),
    "small-files": Recipe("20,000 small files; gzip", [(_small_files(20_000), GZIP)]),
    "large-file": Recipe("one file of 500 MiB; gzip", [(_large_file(500 * _MEBIBYTE), GZIP)]),
    "large-file-20": Recipe("one file of 20 MiB; gzip", [(_large_file(20 * _MEBIBYTE), GZIP)]),
    "deep": Recipe("directories of 40 levels, long names; gzip", [(_deep, GZIP)]),
    "sixty": Recipe("60 layers; gzip", [(_one_of_sixty(number), GZIP) for number in range(60)]),
}


# --- Making it ---


def _make_parts(cache: str, scratch: str) -> Parts:
    shutil.rmtree(scratch, ignore_errors=True)
    base, sources, binaries = (os.path.join(scratch, name) for name in ("base", "sources", "binaries"))
    os.makedirs(base)
    run(["tar", "-xzf", _first_layer(rootfs_image(cache)), "--numeric-owner", "-C", base])
    _unpack_packages(scratch, sources, [_available(_SOURCES)])
    _unpack_packages(scratch, binaries, [_available(choices) for choices in _BINARIES])
    return Parts(base, sources, binaries, _pool(binaries))


def _first_layer(layout: str) -> str:
    """The file of the lowest layer of the only image in ``layout``."""

    def blob(digest: str) -> str:
        return os.path.join(layout, "blobs", *digest.split(":"))

    with open(os.path.join(layout, "index.json"), "rb") as index:
        (image,) = json.load(index)["manifests"]
    with open(blob(image["digest"]), "rb") as manifest:
        return blob(json.load(manifest)["layers"][0]["digest"])


def _available(choices: tuple[str, ...]) -> str:
    for package in choices:
        if run(["apt-cache", "pkgnames", package]).split():
            return package
    raise RuntimeError(f"the distribution has none of {', '.join(choices)}")


def _unpack_packages(scratch: str, target: str, packages: list[str]) -> None:
    os.makedirs(target)
    for package in packages:
        subprocess.run(
            ["apt-get", "-o", "APT::Sandbox::User=root", "download", package],
            cwd=scratch,
            check=True,
            capture_output=True,
        )
        (archive,) = (name for name in os.listdir(scratch) if name.endswith(".deb"))
        run(["dpkg-deb", "-x", os.path.join(scratch, archive), target])
        os.unlink(os.path.join(scratch, archive))


def _pool(directory: str) -> bytes:
    """The first megabytes of the largest files."""
    files = [os.path.join(place, name) for place, _directories, names in os.walk(directory) for name in names]
    largest = sorted((path for path in files if not os.path.islink(path)), key=os.path.getsize)[-4:]
    pieces = []
    for path in largest:
        with open(path, "rb") as stream:
            pieces.append(stream.read(16 * _MEBIBYTE))
    return b"".join(pieces)


def _slices(pool: bytes, size: int) -> Iterator[bytes]:
    dice = random.Random(f"{SEED} slices")
    while size > 0:
        length = min(size, dice.randint(4_096, 262_144))
        start = dice.randrange(len(pool) - length)
        yield pool[start : start + length]
        size -= length


def _add(archive: tarfile.TarFile, name: str, data: bytes, kind: bytes = tarfile.REGTYPE, mode: int = 0o644) -> None:
    member = tarfile.TarInfo(name)
    member.type, member.mode, member.mtime, member.size = kind, mode, _WHEN, len(data)
    archive.addfile(member, io.BytesIO(data))


def _add_stream(archive: tarfile.TarFile, name: str, size: int, pieces: Iterator[bytes]) -> None:
    member = tarfile.TarInfo(name)
    member.mode, member.mtime, member.size = 0o644, _WHEN, size
    archive.addfile(member, io.BytesIO(b"".join(pieces)))


class _Blob:
    """A file under the digest of its compressed bytes, and the digest of what went in."""

    def __init__(self, layout: str, kind: str) -> None:
        self._directory = os.path.join(layout, "blobs", "sha256")
        os.makedirs(self._directory, exist_ok=True)
        self._path = os.path.join(self._directory, "new")
        self._file = open(self._path, "wb")  # noqa: SIM115
        self._stored, self._plain = hashlib.sha256(), hashlib.sha256()
        self._size = 0
        self._stream = _compressor(kind, self)

    def write(self, data: bytes) -> int:
        """Takes compressed bytes."""
        self._stored.update(data)
        self._size += len(data)
        return self._file.write(data)

    def flush(self) -> None:
        """Nothing is held back."""

    def add(self, fill: Fill) -> tuple[dict[str, Any], str]:
        """Descriptor and diff ID of the layer that ``fill`` writes."""
        outer = self

        class Plain:
            def write(self, data: bytes) -> int:
                outer._plain.update(data)
                return outer._stream.write(data)

        with tarfile.open(fileobj=Plain(), mode="w|", format=tarfile.GNU_FORMAT, bufsize=_MEBIBYTE) as archive:  # type: ignore[call-overload]
            fill(archive)
        self._stream.close()
        self._file.close()
        os.rename(self._path, os.path.join(self._directory, self._stored.hexdigest()))
        digest = f"sha256:{self._stored.hexdigest()}"
        return {"digest": digest, "size": self._size}, f"sha256:{self._plain.hexdigest()}"


def _compressor(kind: str, target: Any) -> BinaryIO:
    if kind == ZSTD:
        return zstandard.ZstdCompressor(level=3).stream_writer(target, closefd=False)
    return gzip.GzipFile(fileobj=target, mode="wb", compresslevel=6, mtime=0)  # type: ignore[return-value]


def _add_image(layout: ImageLayout, name: str, layers: list[tuple[Fill, str]]) -> None:
    descriptors, diff_ids = [], []
    for fill, kind in layers:
        descriptor, diff_id = _Blob(layout.directory, kind).add(fill)
        descriptors.append({"mediaType": kind, **descriptor})
        diff_ids.append(diff_id)

    def with_layers(manifest: dict[str, Any]) -> None:
        manifest["layers"] = descriptors

    layout.add_image(name, [], diff_ids=diff_ids, manifest_changes=with_layers)


if __name__ == "__main__":
    print(json.dumps({"layout": make_images(sys.argv[1]), "images": sorted(IMAGES)}))
