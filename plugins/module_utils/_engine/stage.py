# Copyright (c) 2026, Strata contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change in any release.
"""Brings layers into staging directories, several at once: fetched, verified and unpacked, and not yet in the store."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_EXCEPTION, Future, ThreadPoolExecutor, wait
from contextlib import ExitStack, suppress
from dataclasses import replace
from types import TracebackType
from typing import Any, Optional, TypeVar

from .._errors import DataError
from .._host.atomic_files import flush_file
from .._host.machine import usable_processors
from .._host.zygote_client import Zygote, ZygoteFailed
from .._layer.verify import BlobVerifier
from .._model.digest import Digest
from .._report import Reporter
from .._storage.catalog import Catalog, read_catalog
from .._storage.commit import LayerVanished, StagedLayer
from .._storage.driver import StoreDriver
from .._storage.json_record import StoreDamaged
from .._storage.layout import Layout
from .._storage.leftovers import recover_leftovers
from .._storage.prepare import prepare_store
from .._storage.staging import Staging, open_staging
from .._storage.unpack_tasks import AHEAD, ANY_OWNER, MODE
from .._storage.unpacker import LayerFeed, UnpackedLayer, Unpacker, unpacking_helper, worker_for
from .._transport.source import ImageSource
from .pipelined import pipelined
from .plan import FETCH, PlannedLayer
from .spool import Cancelled, FetchedBlob, Spool

_T = TypeVar("_T")


class DiffIdMismatch(DataError):
    """A layer unpacks to other content than the config of the image says."""

    code = "diff_id_mismatch"


class Workshop:
    """The staging area and the confined unpacker that the images of one task share.

    Nothing is made before the first layer is to be staged. A layer that was staged is kept until a commit takes it, so that
    the next attempt at an image need not fetch it again. Leaving the context ends the unpacker and removes what was not
    committed. Layers are staged from a single thread, which starts the download threads itself.
    """

    def __init__(
        self, layout: Layout, driver: StoreDriver, reporter: Reporter, parallel: int, *, any_owner: bool = False
    ) -> None:
        """``parallel`` is the number of downloads; with ``any_owner`` owners that files cannot have are done without."""
        self.layout = layout
        self.driver = driver
        self.bytes_fetched = 0
        self._reporter = reporter
        self._parallel = parallel
        self._any_owner = any_owner
        self._resources = ExitStack()
        self._staging: Optional[Staging] = None
        self._helper: Optional[Zygote] = None
        self._unpacker: Optional[Unpacker] = None
        self._spool: Optional[Spool] = None
        self._supported = False
        self._staged = 0
        self._kept: dict[str, StagedLayer] = {}
        self._pipelined: frozenset[str] = frozenset()
        self._lock = threading.Lock()

    def __enter__(self) -> Workshop:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._resources.close()

    def foresee_layers(self) -> None:
        """Starts the process that will fork the unpackers, where it is likely that there will be layers to unpack.

        It imports what it needs while the registry is asked; the store is not touched. Where it cannot be started, ``open``
        tries again, and tells why: there may be nothing to unpack.
        """
        if self._helper is None and self._unpacker is None:
            helper = unpacking_helper(worker_for(self.driver.unpack_task))
            with suppress(ZygoteFailed):
                helper.start()
                self._helper = helper
                self._resources.callback(helper.close)

    def open(self) -> None:
        """Makes the store ready to take layers, removes what a killed run left, and starts the unpacker."""
        if self._unpacker is None:
            prepare_store(self.layout)
            recover_leftovers(self.layout)
            self._staging = self._resources.enter_context(open_staging(self.layout))
            self._spool = Spool(self._staging.records, self._count)
            # Before the check of the driver, which may start a thread: the unpacker must be older than any.
            unpacker = Unpacker(
                self._staging.tree,
                self._reporter,
                worker_for(self.driver.unpack_task),
                helper=self._helper,
            )
            self._unpacker = self._resources.enter_context(unpacker)
        if not self._supported:
            self.driver.check_support()
            self._supported = True

    def stage(self, layers: Sequence[PlannedLayer], source: ImageSource, catalog: Catalog) -> list[StagedLayer]:
        """The given layers, unpacked and verified, in the order given.

        The largest goes first, so that the last one to end is a small one. The first failure stops the others; what was
        staged by then, or before, is not fetched by the next call. The store is ready to be written to afterwards, even
        where there was no layer to stage.
        """
        if not layers:
            prepare_store(self.layout)
            return []
        self.open()
        stop = threading.Event()
        missing = [layer for layer in layers if not self._is_kept(layer)]
        self._pipelined = pipelined(missing, at_once=self.layout.stacked, processors=usable_processors())
        if self.layout.stacked:
            self._stage_apart(missing, source, catalog, stop)
        else:
            self._stage_in_order(missing, source, catalog, stop)
        return [self._kept[layer.layer_id] for layer in layers]

    def _stage_apart(
        self, missing: Sequence[PlannedLayer], source: ImageSource, catalog: Catalog, stop: threading.Event
    ) -> None:
        """Unpacks layers while they come, whatever is below them."""

        def work(group: tuple[PlannedLayer, ...]) -> None:
            if stop.is_set():
                raise Cancelled
            try:
                reuse = _is_in_store(group[0], catalog)
                staged = [self._reuse(group[0], catalog, stop)] if reuse else self._fetch(group, source, stop)
            except BaseException:
                # At once, before the thread takes up the next one.
                stop.set()
                raise
            self.take_back(staged)

        with ThreadPoolExecutor(max_workers=max(1, min(self._parallel, len(missing)))) as pool:
            by_size = sorted(_groups(missing, catalog), key=lambda group: group[0].blob.size, reverse=True)
            _wait_for_all([pool.submit(work, group) for group in by_size], stop)

    def _stage_in_order(
        self, missing: Sequence[PlannedLayer], source: ImageSource, catalog: Catalog, stop: threading.Event
    ) -> None:
        """Unpacks each layer onto the tree of the one below, base first, while the blobs of the others come."""
        if self._spool is None:
            raise RuntimeError("the workshop was not opened")
        groups = [group for group in _groups(missing, catalog) if not _is_in_store(group[0], catalog)]
        firsts = {layer.layer_id: group[0] for group in groups for layer in group}
        blobs = {first.blob.digest: first.blob for first in firsts.values()}
        with ThreadPoolExecutor(max_workers=max(1, min(self._parallel, len(blobs)))) as pool:
            coming = {digest: pool.submit(self._spool.fetch, blob, source, stop) for digest, blob in blobs.items()}
            try:
                for layer in missing:
                    first = firsts.get(layer.layer_id)
                    if first is None:
                        staged = self._reuse(layer, catalog, stop)
                    else:
                        staged = self._apply(layer, first, coming[first.blob.digest].result(), stop)
                    self.take_back([staged])
            except Cancelled:
                # The download that failed tells why.
                _wait_for_all(list(coming.values()), stop)
                raise
            finally:
                stop.set()
        for blob in blobs.values():
            self._spool.drop(blob)

    def _apply(self, layer: PlannedLayer, first: PlannedLayer, blob: FetchedBlob, stop: threading.Event) -> StagedLayer:
        """The layer, unpacked from the blob that was fetched for ``first``."""
        staged = self._unpack([layer], blob.chunks(), lambda _chunk: None, lambda: None, stop)[0]
        if layer is first:
            self._tell_fetched(layer, blob.size, staged)
        else:
            self._tell_copied(layer, first, staged)
        return replace(staged, blob_size=blob.size)

    def hand_over(self, layers: Sequence[StagedLayer]) -> None:
        """Forgets the layers, which a commit is about to move away."""
        for layer in layers:
            self._kept.pop(layer.layer_id, None)

    def take_back(self, layers: Sequence[StagedLayer]) -> None:
        """Keeps layers that were handed over and are still where they were."""
        self._kept.update({layer.layer_id: layer for layer in layers})

    def assign(self, staged: Sequence[StagedLayer], layers: Sequence[PlannedLayer]) -> None:
        """Keeps ``staged``, which were staged before their IDs were known, for those of ``layers`` that have their content."""
        self.hand_over(staged)
        left = list(staged)[::-1]
        # From the top down: where one content is there several times each stays on what it was unpacked on.
        for layer in reversed(layers):
            same = next((copy for copy in left if copy.blob_digest == layer.blob.digest), None)
            if same is not None:
                left.remove(same)
                self.take_back([replace(same, layer_id=layer.layer_id, parent=layer.parent)])

    def _count(self, fetched: int) -> None:
        with self._lock:
            self.bytes_fetched += fetched

    def _is_kept(self, layer: PlannedLayer) -> bool:
        # The ID tells the content, and not how the registry has compressed it, which the record tells too.
        kept = self._kept.get(layer.layer_id)
        same = kept is not None and kept.blob_digest == layer.blob.digest
        # And an ID that stands in for another proves nothing.
        return kept is not None and same and (kept.diff_id == layer.diff_id or not layer.diff_known)

    def _fetch(self, layers: Sequence[PlannedLayer], source: ImageSource, stop: threading.Event) -> list[StagedLayer]:
        """The layers, which have one content, unpacked from one download."""
        first = layers[0]
        verifier = BlobVerifier(first.blob.digest, first.blob.known_size)
        try:
            staged = self._unpack(layers, source.blob(first.blob), verifier.update, verifier.finish, stop)
        finally:
            self._count(verifier.count)
        self._tell_fetched(first, verifier.count, staged[0])
        for twin in layers[1:]:
            self._tell_copied(twin, first, staged[0])
        return [replace(layer, blob_size=verifier.count) for layer in staged]

    def _tell_fetched(self, layer: PlannedLayer, size: int, staged: StagedLayer) -> None:
        self._reporter.step(
            "fetched",
            _shown(layer),
            blob=str(layer.blob.digest),
            bytes=size,
            diff_id=str(staged.diff_id),
            size=staged.diff_size,
        )

    def _tell_copied(self, layer: PlannedLayer, first: PlannedLayer, staged: StagedLayer) -> None:
        name = layer.layer_id if layer.diff_known else _shown(first)
        self._reporter.step("copied", name, from_layer=_shown(first), diff_id=str(staged.diff_id))

    def _reuse(self, layer: PlannedLayer, catalog: Catalog, stop: threading.Event) -> StagedLayer:
        # Few pulls copy a layer, and most of what this imports the caller has no other use for.
        from .._storage.diff import reassemble

        template = catalog.layers_with_diff(layer.diff_id)[0]
        chunks = reassemble(self.layout, catalog, template)
        staged = self._unpack([layer], chunks, lambda _chunk: None, lambda: None, stop)[0]
        self._reporter.step("copied", layer.layer_id, from_layer=template.id, diff_id=str(layer.diff_id))
        # The record tells how the blob of the registry is compressed, and the plain archive of the store cannot know.
        return replace(staged, compression=template.compression)

    def _unpack(
        self,
        layers: Sequence[PlannedLayer],
        chunks: Iterator[bytes],
        check: Callable[[bytes], None],
        check_end: Callable[[], None],
        stop: threading.Event,
    ) -> list[StagedLayer]:
        """Feeds ``chunks`` to a confined child for each layer; ``check`` sees every byte before the children do."""
        started = []
        try:
            for layer in layers:
                started.append(self._start(layer))
            for chunk in chunks:
                if stop.is_set():
                    raise Cancelled
                check(chunk)
                for _name, feed, _tar_split in started:
                    feed.write(chunk)
            check_end()
            unpacked = [feed.finish() for _name, feed, _tar_split in started]
        finally:
            for _name, feed, _tar_split in started:
                feed.abort()
        staged = []
        for layer, (name, _feed, tar_split), result in zip(layers, started, unpacked):
            _check_diff_id(layer, result.diff_id)
            # Like every file beside the records; here, because nobody waits for it as for the lock of the layers.
            flush_file(tar_split)
            staged.append(self._staged_layer(layer, name, tar_split, result))
        return staged

    def _start(self, layer: PlannedLayer) -> tuple[str, LayerFeed, str]:
        if self._staging is None or self._unpacker is None:
            raise RuntimeError("the workshop was not opened")
        with self._lock:
            name = str(self._staged)
            self._staged += 1
        tar_split = f"{self._staging.records}/{name}"
        begin = None if self.layout.stacked else lambda tree: self._begin(tree, layer.parent)
        feed = self._unpacker.start(name, tar_split, self.driver.unpack_task, begin, self._options(layer))
        return name, feed, tar_split

    def _options(self, layer: PlannedLayer) -> dict[str, Any]:
        options = {ANY_OWNER: self._any_owner, AHEAD: layer.layer_id in self._pipelined}
        return options if self.driver.unpack_mode is None else {**options, MODE: self.driver.unpack_mode}

    def _begin(self, tree: str, parent: str | None) -> None:
        """Makes ``tree`` what the layer changes: the tree of its parent, which is staged or in the store."""
        below = self._kept.get(parent or "")
        try:
            self.driver.begin_tree(tree, parent, below.tree if below else None)
        except StoreDamaged as error:
            if read_catalog(self.layout).layer(parent or "") is not None:
                raise
            raise LayerVanished("the layer below was deleted meanwhile", subject=parent or "") from error

    def _staged_layer(self, layer: PlannedLayer, name: str, tar_split: str, unpacked: UnpackedLayer) -> StagedLayer:
        if self._staging is None:
            raise RuntimeError("the workshop was not opened")
        return StagedLayer(
            layer_id=layer.layer_id,
            parent=layer.parent,
            blob_digest=layer.blob.digest,
            blob_size=layer.blob.size,
            diff_id=unpacked.diff_id,
            diff_size=unpacked.diff_size,
            compression=unpacked.compression,
            uids=unpacked.uids,
            gids=unpacked.gids,
            tree=f"{self._staging.tree}/{name}",
            tar_split=tar_split,
            root_attributes=unpacked.root_attributes,
        )


def _shown(layer: PlannedLayer) -> str:
    """The layer's name in steps: which layer it becomes is not known before the diff IDs of all below are."""
    return layer.layer_id if layer.diff_known else str(layer.blob.digest)


def _is_in_store(layer: PlannedLayer, catalog: Catalog) -> bool:
    """Whether the content of a layer to be copied lies in the store, and not in a layer that is fetched just now."""
    return layer.action != FETCH and bool(catalog.layers_with_diff(layer.diff_id))


def _groups(layers: Sequence[PlannedLayer], catalog: Catalog) -> list[tuple[PlannedLayer, ...]]:
    """The layers, those of one content that is not in the store together."""
    groups: dict[object, list[PlannedLayer]] = {}
    for layer in layers:
        key = layer.layer_id if _is_in_store(layer, catalog) else layer.diff_id
        groups.setdefault(key, []).append(layer)
    return [tuple(group) for group in groups.values()]


def _wait_for_all(futures: Sequence[Future[_T]], stop: threading.Event) -> None:
    """Returns when every layer is staged; raises the first failure after all threads have ended."""
    try:
        wait(futures, return_when=FIRST_EXCEPTION)
    finally:
        stop.set()
    failures = [future.exception() for future in futures]
    for failure in failures:
        if failure is not None and not isinstance(failure, Cancelled):
            raise failure


def _check_diff_id(layer: PlannedLayer, found: Digest) -> None:
    if layer.diff_known and found != layer.diff_id:
        raise DiffIdMismatch(
            "the layer does not match the diff ID of the image config",
            subject=str(layer.blob.digest),
            wanted=str(layer.diff_id),
            found=str(found),
        )
