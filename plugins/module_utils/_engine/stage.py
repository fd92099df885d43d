# Copyright (c) 2026, Strata contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change in any release.
"""Brings layers into staging directories, several at once: fetched, verified and unpacked, and not yet in the store."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_EXCEPTION, Future, ThreadPoolExecutor, wait
from contextlib import ExitStack
from dataclasses import replace
from types import TracebackType
from typing import Optional

from .._errors import DataError
from .._host.atomic_files import flush_file
from .._layer.verify import BlobVerifier
from .._model.digest import Digest
from .._report import Reporter
from .._storage.catalog import Catalog
from .._storage.commit import StagedLayer
from .._storage.diff import reassemble
from .._storage.layout import Layout
from .._storage.overlay import OverlayDriver
from .._storage.prepare import prepare_store
from .._storage.staging import Staging, open_staging, recover_leftovers
from .._storage.unpacker import LayerFeed, UnpackedLayer, Unpacker
from .._transport.source import ImageSource
from .plan import FETCH, PlannedLayer
from .retry import Retry


class DiffIdMismatch(DataError):
    """A layer unpacks to other content than the config of the image says."""

    code = "diff_id_mismatch"


class Cancelled(Exception):
    """Another layer of the same image failed; never leaves this file."""


class Workshop:
    """The staging area and the confined unpacker that the images of one task share.

    Nothing is made before the first layer is to be staged. Leaving the context ends the unpacker and removes what was
    not committed. Layers are staged from a single thread, which starts the download threads itself.
    """

    def __init__(self, layout: Layout, driver: OverlayDriver, reporter: Reporter, parallel: int) -> None:
        self.layout = layout
        self.driver = driver
        self.bytes_fetched = 0
        self._reporter = reporter
        self._parallel = parallel
        self._resources = ExitStack()
        self._staging: Optional[Staging] = None
        self._unpacker: Optional[Unpacker] = None
        self._supported = False
        self._staged = 0
        self._lock = threading.Lock()

    def __enter__(self) -> Workshop:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._resources.close()

    def open(self) -> None:
        """Makes the store ready to take layers, removes what a killed run left, and starts the unpacker."""
        if self._unpacker is None:
            prepare_store(self.layout)
            recover_leftovers(self.layout)
            self._staging = self._resources.enter_context(open_staging(self.layout))
            # Before the check of the driver, which may start a thread: the unpacker must be older than any.
            self._unpacker = self._resources.enter_context(Unpacker(self._staging.tree, self._reporter))
        if not self._supported:
            self.driver.check_support()
            self._supported = True

    def stage(
        self, layers: Sequence[PlannedLayer], source: ImageSource, catalog: Catalog, retry: Retry
    ) -> list[StagedLayer]:
        """The given layers, unpacked and verified, in the order given; all or none.

        The largest goes first, so that the last one to end is a small one. The first failure stops the others. The store
        is ready to be written to afterwards, even where there was no layer to stage.
        """
        if not layers:
            prepare_store(self.layout)
            return []
        self.open()
        stop = threading.Event()

        def work(layer: PlannedLayer) -> StagedLayer:
            if stop.is_set():
                raise Cancelled
            if layer.action == FETCH:
                return retry.run(str(layer.blob.digest), lambda: self._fetch(layer, source, stop))
            return self._reuse(layer, catalog, stop)

        with ThreadPoolExecutor(max_workers=max(1, min(self._parallel, len(layers)))) as pool:
            by_size = sorted(layers, key=lambda layer: layer.blob.size, reverse=True)
            futures = {layer.layer_id: pool.submit(work, layer) for layer in by_size}
            _wait_for_all(list(futures.values()), stop)
        return [futures[layer.layer_id].result() for layer in layers]

    def _fetch(self, layer: PlannedLayer, source: ImageSource, stop: threading.Event) -> StagedLayer:
        verifier = BlobVerifier(layer.blob.digest, layer.blob.size)
        try:
            staged = self._unpack(layer, source.blob(layer.blob), verifier.update, verifier.finish, stop)
        finally:
            with self._lock:
                self.bytes_fetched += verifier.count
        self._reporter.step(
            "fetched",
            layer.layer_id,
            blob=str(layer.blob.digest),
            bytes=verifier.count,
            diff_id=str(staged.diff_id),
            size=staged.diff_size,
        )
        return staged

    def _reuse(self, layer: PlannedLayer, catalog: Catalog, stop: threading.Event) -> StagedLayer:
        template = catalog.layers_with_diff(layer.diff_id)[0]
        chunks = reassemble(self.layout, catalog, template)
        staged = self._unpack(layer, chunks, lambda _chunk: None, lambda: None, stop)
        self._reporter.step("copied", layer.layer_id, from_layer=template.id, diff_id=str(layer.diff_id))
        # The record tells how the blob of the registry is compressed, and the plain archive of the store cannot know.
        return replace(staged, compression=template.compression)

    def _unpack(
        self,
        layer: PlannedLayer,
        chunks: Iterator[bytes],
        check: Callable[[bytes], None],
        check_end: Callable[[], None],
        stop: threading.Event,
    ) -> StagedLayer:
        """Feeds ``chunks`` to a confined child and returns its tree; ``check`` sees every byte before the child does."""
        name, feed, tar_split = self._start()
        try:
            for chunk in chunks:
                if stop.is_set():
                    raise Cancelled
                check(chunk)
                feed.write(chunk)
            check_end()
            unpacked = feed.finish()
        finally:
            feed.abort()
        _check_diff_id(layer, unpacked.diff_id)
        # Like every file beside the records; here, because nobody waits for it as for the lock of the layers.
        flush_file(tar_split)
        return self._staged_layer(layer, name, tar_split, unpacked)

    def _start(self) -> tuple[str, LayerFeed, str]:
        if self._staging is None or self._unpacker is None:
            raise RuntimeError("the workshop was not opened")
        with self._lock:
            name = str(self._staged)
            self._staged += 1
        tar_split = f"{self._staging.records}/{name}"
        return name, self._unpacker.start(name, tar_split), tar_split

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


def _wait_for_all(futures: list[Future[StagedLayer]], stop: threading.Event) -> None:
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
    if found != layer.diff_id:
        raise DiffIdMismatch(
            "the layer does not match the diff ID of the image config",
            subject=str(layer.blob.digest),
            wanted=str(layer.diff_id),
            found=str(found),
        )
