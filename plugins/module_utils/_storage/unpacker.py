# Copyright (c) 2026, Strata contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change in any release.
"""The caller's side of unpacking: feeds blobs to confined children and takes their results.

A child has read bytes from outside and may have been taken over by them. So nothing in its answer is believed but what can do
no harm: types and ranges are checked, and the digest of the blob is the caller's own.
"""

from __future__ import annotations

import base64
import binascii
import json
import os
import threading
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from types import TracebackType
from typing import TYPE_CHECKING, Any

from .._errors import DataError, HostError
from .._host.error_document import revive_error
from .._host.os_errors import NoSpace, reporting
from .._host.pipes import enlarge, write_all
from .._host.zygote_client import Child, Zygote
from .._layer.compression import Compression
from .._model.digest import Digest
from .._report import Reporter
from .unpack_tasks import FINISH, KEEP, MASK, UNPACK

if TYPE_CHECKING:
    # Ansible sends along what is imported anywhere. The helper process alone runs it, and this one need not even compile it.
    from . import unpack_child, unpack_child_kept  # noqa: F401  # pylint: disable=unused-import

# Not by __package__, which Python 3.9 sets too late in a file of a zip archive.
_WORKER = f"{__name__.rpartition('.')[0]}.unpack_child"
# With more to load, for tasks that few stores have.
_WORKERS = {KEEP: f"{_WORKER}_kept", MASK: f"{_WORKER}_kept"}
# An honest answer has some hundred bytes, and more only where owners or attributes are many.
_LONGEST_ANSWER = 64 * 1024 * 1024
_LARGEST_ID = 0xFFFFFFFF
_LARGEST_SIZE = (1 << 63) - 1


class UnpackFailed(HostError):
    """The process that unpacked a layer died, or talked nonsense."""

    code = "unpack_failed"


@dataclass(frozen=True)
class UnpackedLayer:
    """What a child made of one blob.

    ``diff_id`` is the digest of the uncompressed archive and ``diff_size`` its length in bytes; ``compression`` is the number
    of the layer record; ``uids`` and ``gids`` are the sorted owners in the headers; ``root_attributes`` tells that the root
    has its mode and owner from the archive. ``confinement`` says which measures were in force.
    """

    diff_id: Digest
    diff_size: int
    compression: int
    uids: tuple[int, ...]
    gids: tuple[int, ...]
    root_attributes: bool
    confinement: dict[str, str] = field(default_factory=dict)


def worker_for(task: str) -> str:
    """The worker of an Unpacker that can do ``task``, and all that an ordinary one can."""
    return _WORKERS.get(task, _WORKER)


def unpacking_helper(worker: str = _WORKER) -> Zygote:
    """The helper process of an Unpacker, not started yet."""
    return Zygote(worker)


class Unpacker:
    """Unpacks layers into directories of ``staging``, each in a confined process of its own.

    Must be entered before the process has a second thread; ``start`` may then be called from any. Leaving the context ends
    whatever still runs, and returns when nothing is written to ``staging`` any more. A ``helper`` that was started before
    saves the time that it takes to start.
    """

    def __init__(
        self,
        staging: str,
        reporter: Reporter,
        worker: str = _WORKER,
        helper: Zygote | None = None,
    ) -> None:
        self._staging = staging
        self._reporter = reporter
        self._started = helper is not None
        self._zygote = helper or unpacking_helper(worker)
        self._lock = threading.Lock()
        self._reported = False

    def __enter__(self) -> Unpacker:
        """Starts the helper process if need be, and does not wait for it. Raises ZygoteFailed."""
        if not self._started:
            self._zygote.start()
        self._zygote.enter(self._staging)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._zygote.close()

    def start(
        self,
        name: str,
        tar_split_path: str,
        task: str = UNPACK,
        begin: Callable[[str], None] | None = None,
        options: Mapping[str, Any] | None = None,
    ) -> LayerFeed:
        """A feed to a new child that unpacks into the new directory ``name`` of the staging area.

        ``task`` is the way to do that, with its ``options`` (see ``unpack_tasks``); ``begin`` puts into the directory what the
        layer is applied to. The tar-split data go to the new file ``tar_split_path``. Raises HostError, and what ``begin``
        raises.
        """
        tree = self.tree(name)
        with reporting("make the directory", tree):
            os.mkdir(tree, 0o700)
            os.chmod(tree, 0o700)
        if begin is not None:
            begin(tree)
        with reporting("make the file", tar_split_path):
            tar_split = os.open(tar_split_path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        try:
            os.fchmod(tar_split, 0o600)
            child, blob = self._spawn(task, name, [tar_split], options)
        finally:
            os.close(tar_split)
        return LayerFeed(self, name, child, blob)

    def tree(self, name: str) -> str:
        """The path of the directory ``name`` of the staging area."""
        return f"{self._staging}/{name}"

    def set_deferred(self, name: str, entries: list[list[str]]) -> None:
        """Has a child with more rights, which sees no archive, set extended attributes in the directory ``name``."""
        child, feed = self._spawn(FINISH, name, [])
        # A child that is gone tells why in its answer.
        with suppress(BrokenPipeError):
            write_all(feed, json.dumps(entries).encode())
        os.close(feed)
        _answer(child, self.tree(name))

    def report(self, confinement: dict[str, str]) -> None:
        """Puts the measures that are in force into the steps, once: they are the same for every child."""
        with self._lock:
            if not self._reported:
                self._reported = True
                self._reporter.step("confined", "unpacking processes", **confinement)

    def _spawn(
        self, task: str, name: str, descriptors: list[int], options: Mapping[str, Any] | None = None
    ) -> tuple[Child, int]:
        """A child that works in the directory ``name``, and the pipe from which it reads before ``descriptors``."""
        with reporting("make a pipe for", name):
            reading, writing = os.pipe2(os.O_CLOEXEC)
        enlarge(writing)
        try:
            return self._zygote.spawn(task, name, [reading, *descriptors], options), writing
        except BaseException:
            os.close(writing)
            raise
        finally:
            # Only the child may hold it: then the end of the pipe is its end, or ours.
            os.close(reading)


class LayerFeed:
    """One layer on its way into a child: ``write`` its blob, then ``finish``; ``abort`` in any case at the end."""

    def __init__(self, unpacker: Unpacker, name: str, child: Child, blob: int) -> None:
        self._unpacker = unpacker
        self._name = name
        self._child = child
        self._blob = blob
        self._gone = False

    @property
    def gone(self) -> bool:
        """Whether the child has stopped reading: ``finish`` will tell why, and further bytes are for nothing."""
        return self._gone

    def write(self, data: bytes) -> None:
        """Hands the next bytes of the blob to the child, and blocks while it is busy; to one that is gone, nothing.

        Raises HostError where the helper process could not start, so that there never was a child.
        """
        if self._gone:
            return
        try:
            write_all(self._blob, data)
        except BrokenPipeError:
            self._gone = True
            self._child.ensure_begun()

    def finish(self) -> UnpackedLayer:
        """The result, when the whole blob was written and found to be the right one.

        Raises the child's error (DataError, HostError, MissingLibraryError), or UnpackFailed when it died.
        """
        self._close_blob()
        layer, deferred = _checked(_answer(self._child, self._unpacker.tree(self._name)))
        if deferred:
            self._unpacker.set_deferred(self._name, deferred)
        self._unpacker.report(layer.confinement)
        return layer

    def abort(self) -> None:
        """Ends the child, if it has not ended; nothing is written to its directory afterwards. May be called again."""
        self._close_blob()
        self._child.kill()

    def _close_blob(self) -> None:
        if self._blob >= 0:
            os.close(self._blob)
            self._blob = -1


def _answer(child: Child, tree: str) -> dict[str, Any]:
    """What the child said. Raises its error, and UnpackFailed where it died or did not speak JSON.

    It works in ``tree``, of which it sees no more than the inside: who has to make room needs the path outside.
    """
    outcome = child.outcome(_LONGEST_ANSWER)
    if outcome.end or not outcome.document:
        raise UnpackFailed(f"the process that unpacked the layer ended early: {outcome.end or 'it said nothing'}")
    try:
        document = json.loads(outcome.document)
    except (ValueError, RecursionError) as error:
        raise _nonsense() from error
    if not isinstance(document, dict):
        raise _nonsense()
    error_facts = document.get("error")
    if error_facts is not None:
        failure = revive_error(error_facts if isinstance(error_facts, dict) else {})
        if failure.code == NoSpace.code:
            raise NoSpace(
                failure.message, subject=f"{tree}/{failure.subject}", wanted=failure.wanted, found=failure.found
            )
        raise failure
    return document


def _checked(document: dict[str, Any]) -> tuple[UnpackedLayer, list[list[str]]]:
    """The layer and the deferred attributes of an answer. Raises UnpackFailed."""
    try:
        layer = UnpackedLayer(
            diff_id=Digest.parse(document["diff_id"]),
            diff_size=_integer(document["diff_size"], _LARGEST_SIZE),
            compression=Compression(document["compression"]).value,
            uids=tuple(_integer(value, _LARGEST_ID) for value in document["uids"]),
            gids=tuple(_integer(value, _LARGEST_ID) for value in document["gids"]),
            root_attributes=document["root_attributes"] is True,
            confinement={str(key): str(value) for key, value in document["confinement"].items()},
        )
        deferred = [[path, name, value] for path, name, value in document["deferred"]]
        for entry in deferred:
            for part in entry:
                base64.b64decode(part, validate=True)
    except (KeyError, TypeError, ValueError, AttributeError, binascii.Error, DataError) as error:
        raise _nonsense() from error
    return layer, deferred


def _integer(value: object, largest: int) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value <= largest:
        raise ValueError
    return value


def _nonsense() -> UnpackFailed:
    return UnpackFailed("the process that unpacked the layer gave an answer that makes no sense")
