# Copyright (c) 2026, Strata contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change in any release.
"""What the confined children do: unpack one layer from a pipe, or set the attributes that unpacking had to leave.

The worker of the zygote (see ``_host/zygote``). Results go back as one JSON document; names in it are base64, for they are
bytes.
"""

from __future__ import annotations

import base64
import hashlib
import json
import zlib
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from .._host import confine
from .._host.allocator import give_back_freed_memory, keep_freed_memory
from .._host.machine import in_user_namespace
from .._host.pipes import read_chunks, write_all
from .._host.zygote import Task
from .._layer.compression import decompressed, preload
from .._layer.hashing import Hashed
from .._layer.read_ahead import read_ahead
from .._layer.tar_reader import TarReader
from .._layer.tar_split import GzipWriter, TarSplitWriter
from .unpack import DeferredAttribute, Unpacked, Unpacking, set_deferred, unpack
from .unpack_tasks import AHEAD, ANY_OWNER, APPLY, FINISH, UNPACK
from .unpack_whole import unpack_whole

# Pieces of up to 256 KiB that a second thread makes ahead of the one that writes files; both let go of the interpreter
# while they work.
_READ_AHEAD = 2


def prepare() -> None:
    """First uses of what needs files of the system, which are out of reach later, and settings that children inherit."""
    preload()
    keep_freed_memory()
    # OpenSSL reads its configuration, and may load a provider.
    hashlib.sha256(b"").hexdigest()
    zlib.compressobj()
    if in_user_namespace():
        from .unpack_as_user import know_owners

        know_owners()
    give_back_freed_memory()


def _unpack(descriptors: Sequence[int], options: Mapping[str, Any]) -> dict[str, Any]:
    """Unpacks a layer into an empty directory."""
    return unpack_layer(descriptors, options, unpack)


def _apply(descriptors: Sequence[int], options: Mapping[str, Any]) -> dict[str, Any]:
    """Unpacks a layer onto a copy of the tree below it."""
    return unpack_layer(descriptors, options, unpack_whole)


def unpack_layer(
    descriptors: Sequence[int], options: Mapping[str, Any], way: Callable[[TarReader], Unpacked]
) -> dict[str, Any]:
    """Unpacks the blob that the first descriptor gives, and writes the tar-split data to the second."""
    blob, tar_split = descriptors
    if options.get(ANY_OWNER) and in_user_namespace():
        from .unpack_as_user import know_owners

        Unpacking.owners = know_owners()
    compression, plain = decompressed(read_chunks(blob))
    hashed = Hashed(plain, hashlib.sha256())
    compressor = GzipWriter(lambda data: write_all(tar_split, data))
    pieces = read_ahead(hashed, _READ_AHEAD) if options.get(AHEAD) else hashed
    reader = TarReader(pieces, TarSplitWriter(compressor.write))
    unpacked = way(reader)
    reader.drain()
    compressor.close()
    return {
        "diff_id": f"sha256:{hashed.hexdigest()}",
        "diff_size": hashed.count,
        "compression": int(compression),
        **_facts(unpacked),
    }


def _finish(descriptors: Sequence[int], _options: Mapping[str, Any]) -> dict[str, Any]:
    """Sets the attributes that the first descriptor lists."""
    entries = json.loads(b"".join(read_chunks(descriptors[0])))
    set_deferred(DeferredAttribute(*map(base64.b64decode, entry)) for entry in entries)
    return {}


CAPABILITIES = frozenset(
    {
        confine.CAP_CHOWN,
        confine.CAP_DAC_OVERRIDE,
        confine.CAP_FOWNER,
        confine.CAP_FSETID,
        confine.CAP_SETFCAP,
        confine.CAP_MKNOD,
    }
)

TASKS = {
    UNPACK: Task(_unpack, CAPABILITIES),
    APPLY: Task(_apply, CAPABILITIES),
    # Reads nothing but the list: what it may do the reader of an archive must not.
    FINISH: Task(_finish, frozenset({confine.CAP_SYS_ADMIN, confine.CAP_DAC_READ_SEARCH})),
}


def _facts(unpacked: Unpacked) -> dict[str, Any]:
    return {
        "uids": sorted(unpacked.uids),
        "gids": sorted(unpacked.gids),
        "root_attributes": unpacked.root_attributes,
        "deferred": [
            [base64.b64encode(part).decode("ascii") for part in (entry.path, entry.name, entry.value)]
            for entry in unpacked.deferred
        ],
    }
