# Copyright (c) 2026, Strata contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The processes that unpack: none hangs, none outlives its caller, none knows the caller's secrets."""

from __future__ import annotations

import bz2
import gzip
import json
import lzma
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from ansible_collections.strata.containers.plugins.module_utils._errors import StrataError
from ansible_collections.strata.containers.plugins.module_utils._host import zygote
from ansible_collections.strata.containers.plugins.module_utils._host.zygote_client import ZygoteFailed
from ansible_collections.strata.containers.plugins.module_utils._layer.compression import zstd_available
from ansible_collections.strata.containers.plugins.module_utils._report import Reporter
from ansible_collections.strata.containers.plugins.module_utils._storage import unpack_child
from ansible_collections.strata.containers.plugins.module_utils._storage import unpacker as unpacker_file
from ansible_collections.strata.containers.plugins.module_utils._storage.unpacker import (
    Unpacker,
    UnpackFailed,
    unpacking_helper,
)
from lab.odd_images import Entry, make_tar, odd_layers
from security import sealed_worker
from security.unpacking import descendants, unpack, unpack_one, wait_until

_PASSWORD = "correct-horse-battery-staple"

# A module as Ansible runs it: its options, with a secret, come over standard input. It starts a layer and stays there.
_MODULE = """
import json, os, sys
options = json.load(sys.stdin)
from ansible_collections.strata.containers.plugins.module_utils._report import Reporter
from ansible_collections.strata.containers.plugins.module_utils._storage.unpacker import Unpacker
with Unpacker(options["staging"], Reporter()) as unpacker:
    feed = unpacker.start("layer", options["staging"] + "/tar-split")
    feed.write(bytes.fromhex(options["blob"]))
    print("started", flush=True)
    import time
    time.sleep(600)
"""


@contextmanager
def _module(staging: str, blob: bytes) -> Iterator[subprocess.Popen[bytes]]:
    """A process in the middle of unpacking ``blob``."""
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path), "REGISTRY_PASSWORD": _PASSWORD}
    command = [sys.executable, "-c", _MODULE]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=environment) as process:
        assert process.stdin is not None and process.stdout is not None
        options = {"staging": staging, "blob": blob.hex(), "password": _PASSWORD}
        process.stdin.write(json.dumps(options).encode())
        process.stdin.close()
        try:
            assert process.stdout.readline() == b"started\n"
            yield process
        finally:
            process.kill()


def _half_of_a_layer() -> bytes:
    return make_tar([Entry("file", content=bytes(3_000_000))])[:2_000_000]


def test_unpacking_needs_no_import_after_the_change_of_root(staging: str) -> None:
    # Long enough for the second thread of the child.
    plain = make_tar([Entry("directory/file", content=b"content" * 300_000, mode=0o4755)])
    blobs = [blob for blob, _kind in odd_layers()] + [bz2.compress(plain), lzma.compress(plain), b"", bytes(1024)]
    if zstd_available() and shutil.which("zstd"):
        blobs.append(subprocess.run(["zstd", "-q", "-c"], input=plain, stdout=subprocess.PIPE, check=True).stdout)
    with Unpacker(staging, Reporter(), sealed_worker.__name__) as unpacker:
        for number, blob in enumerate(blobs):
            unpack(unpacker, staging, str(number), blob)


def test_nothing_in_the_helper_works_at_each_fork() -> None:
    """CPython's threading renews itself in a forked child, which takes longer than to unpack a small layer's first files."""
    code = (
        f"import sys; sys.path[:] = {sys.path!r}; from {unpack_child.__name__} import prepare; prepare(); "
        "sys.exit('threading' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-I", "-S", "-c", code], check=False).returncode == 0


def test_the_helper_has_no_tools_that_only_look_at_code() -> None:
    """The library dataclasses brings them along: a megabyte that nobody uses in a process that unpacks."""
    code = (
        f"import sys; sys.path[:] = {sys.path!r}; import {zygote.__name__}; "
        f"from {unpack_child.__name__} import prepare; prepare(); "
        "print(*({'dataclasses', 'inspect', 'ast', 'tokenize'} & {*sys.modules}))"
    )
    done = subprocess.run([sys.executable, "-I", "-S", "-c", code], check=True, stdout=subprocess.PIPE, text=True)
    assert done.stdout == "\n"


@pytest.mark.parametrize(
    "blob",
    [
        gzip.compress(b"no tar at all" * 1000, mtime=0),
        gzip.compress(make_tar([Entry("file", content=b"x" * 10_000)]), mtime=0)[:-20],
        b"\x28\xb5\x2f\xfd" + bytes(100),
        b"\xfd7zXZ\x00" + bytes(100),
        b"BZh9" + bytes(100),
        make_tar([Entry("a"), Entry("a")]),
        make_tar([Entry("link", b"1", target="absent")]),
        make_tar([Entry("a"), Entry("a/b")]),
    ],
)
def test_errors_need_no_import_after_the_change_of_root(staging: str, blob: bytes) -> None:
    with Unpacker(staging, Reporter(), sealed_worker.__name__) as unpacker, pytest.raises(StrataError) as caught:
        unpack(unpacker, staging, "layer", blob)
    assert caught.value.code in ("corrupt_layer", "unsafe_layer", "missing_library"), str(caught.value)


def test_many_small_layers_in_four_threads_all_end(staging: str) -> None:
    blobs = [make_tar([Entry(f"file{number}", content=b"x" * number)]) for number in range(61)]
    failures: list[BaseException] = []

    def lane(unpacker: Unpacker, first: int) -> None:
        try:
            for number in range(first, len(blobs), 4):
                unpack(unpacker, staging, str(number), blobs[number])
        except BaseException as error:
            failures.append(error)

    with Unpacker(staging, Reporter()) as unpacker:
        threads = [threading.Thread(target=lane, args=(unpacker, first), daemon=True) for first in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(60)
        assert not any(thread.is_alive() for thread in threads)
    assert failures == []
    assert [os.listdir(os.path.join(staging, str(number))) for number in (0, 60)] == [["file0"], ["file60"]]


def test_an_unpacker_is_not_started_beside_a_thread(staging: str) -> None:
    stop = threading.Event()
    thread = threading.Thread(target=stop.wait)
    thread.start()
    try:
        with pytest.raises(ZygoteFailed, match="before the first thread"), Unpacker(staging, Reporter()):
            pass
    finally:
        stop.set()
        thread.join()


def test_an_unpacker_can_be_started_right_after_a_thread(staging: str) -> None:
    for _round in range(5):
        thread = threading.Thread(target=lambda: None)
        thread.start()
        thread.join()
        with Unpacker(staging, Reporter()):
            pass


def test_nothing_is_left_when_the_caller_is_killed(staging: str) -> None:
    with _module(staging, _half_of_a_layer()) as process:
        helpers = descendants(process.pid)
        assert len(helpers) == 2  # zygote, child
        process.send_signal(signal.SIGKILL)
        process.wait()
        assert wait_until(lambda: not any(os.path.exists(f"/proc/{helper}") for helper in helpers))


def test_the_death_of_the_helper_takes_the_child_along_and_is_an_error(staging: str) -> None:
    with Unpacker(staging, Reporter()) as unpacker:
        feed = unpacker.start("layer", os.path.join(staging, "tar-split"))
        feed.write(_half_of_a_layer())
        os.kill(descendants(os.getpid())[0], signal.SIGKILL)
        with pytest.raises(UnpackFailed, match="helper process is gone"):
            feed.finish()
        feed.abort()
        with pytest.raises(ZygoteFailed):
            unpacker.start("next", os.path.join(staging, "next.gz"))
    assert descendants(os.getpid()) == []


def test_a_killed_child_is_an_error_that_names_the_signal_and_the_next_layer_works(staging: str) -> None:
    with Unpacker(staging, Reporter()) as unpacker:
        feed = unpacker.start("layer", os.path.join(staging, "tar-split"))
        assert wait_until(lambda: len(descendants(os.getpid())) == 2)
        os.kill(descendants(os.getpid())[1], signal.SIGKILL)
        while not feed.gone:
            feed.write(bytes(1 << 20))
        with pytest.raises(UnpackFailed, match="SIGKILL"):
            feed.finish()
        feed.abort()
        assert unpack(unpacker, staging, "next", bytes(1024)).facts.diff_size == 1024


def test_an_aborted_layer_ends_at_once_and_is_not_written_to_any_more(staging: str) -> None:
    # Some 20 GB of zeros in 20 MB: what a child that is only left alone would write for a while.
    head = make_tar([Entry("zeros", pax={"size": str(20 << 30)})])[: 3 * 512]
    bomb = gzip.compress(head) + gzip.compress(bytes(16 << 20)) * 1280
    with Unpacker(staging, Reporter()) as unpacker:
        feed = unpacker.start("layer", os.path.join(staging, "tar-split"))
        feed.write(bomb[: 1 << 20])
        started = time.monotonic()
        feed.abort()
        assert time.monotonic() - started < 2
        assert len(descendants(os.getpid())) == 1
        shutil.rmtree(os.path.join(staging, "layer"))
        feed.abort()


def test_leaving_in_the_middle_ends_every_process(staging: str) -> None:
    with Unpacker(staging, Reporter()) as unpacker:
        feeds = [unpacker.start(str(number), os.path.join(staging, f"{number}.gz")) for number in range(5)]
        for feed in feeds:
            feed.write(_half_of_a_layer())
    assert descendants(os.getpid()) == []
    for feed in feeds:
        feed.abort()


def test_a_helper_can_be_started_before_there_is_a_directory(staging: str) -> None:
    helper = unpacking_helper()
    helper.start()
    with Unpacker(staging, Reporter(), helper=helper) as unpacker:
        unpack(unpacker, staging, "layer", odd_layers()[1][0])
    helper.close()
    assert descendants(os.getpid()) == []


def test_a_helper_that_was_not_needed_ends() -> None:
    before = os.listdir("/proc/self/fd")
    helper = unpacking_helper()
    helper.start()
    assert descendants(os.getpid()) != []
    helper.close()
    assert descendants(os.getpid()) == []
    assert os.listdir("/proc/self/fd") == before


def test_no_descriptor_is_left_open(staging: str) -> None:
    with Unpacker(staging, Reporter()):
        pass
    before = os.listdir("/proc/self/fd")
    with Unpacker(staging, Reporter()) as unpacker:
        unpack(unpacker, staging, "good", odd_layers()[1][0])
        with pytest.raises(StrataError):
            unpack(unpacker, staging, "bad", b"\x1f\x8b\x08 no gzip")
        with pytest.raises(StrataError):
            unpack(unpacker, staging, "good", b"")
        with pytest.raises(StrataError):
            unpacker.start("third", os.path.join(staging, "no", "such", "directory"))
        unpacker.start("fourth", os.path.join(staging, "fourth.gz")).abort()
    assert os.listdir("/proc/self/fd") == before


def test_the_mounts_of_the_helpers_stay_their_own(staging: str) -> None:
    """Not even where mounts are shared, as systemd has it; nobody else mounts anything in this namespace."""
    shared = ["unshare", "--mount", "--propagation", "private", "sh", "-c", 'mount --make-rshared / && exec "$@"', "sh"]
    code = (
        f"import sys; sys.path[:] = {sys.path!r}; from {__name__} import mounts_of_unpacking; "
        f"sys.exit('\\n'.join(mounts_of_unpacking({staging!r})) or None)"
    )
    subprocess.run([*shared, sys.executable, "-c", code], check=True)


def mounts_of_unpacking(staging: str) -> list[str]:
    """The lines of the table of mounts that are new once a layer was unpacked, while the helpers still live."""
    before = Path("/proc/self/mountinfo").read_text(encoding="utf-8").splitlines()
    with Unpacker(staging, Reporter()) as unpacker:
        unpack(unpacker, staging, "layer", b"")
        meanwhile = Path("/proc/self/mountinfo").read_text(encoding="utf-8").splitlines()
        # What a commit does: the tree goes elsewhere.
        os.rename(os.path.join(staging, "layer"), f"{staging}-committed")
    return [line for line in meanwhile if line not in before]


def test_a_secret_of_the_caller_is_in_no_process_that_unpacks(staging: str) -> None:
    with _module(staging, _half_of_a_layer()) as process:
        assert _knows(process.pid), "the search must find what is there"
        helpers = descendants(process.pid)
        assert len(helpers) == 2
        assert [helper for helper in helpers if _knows(helper)] == []


def _knows(process: int) -> bool:
    """Whether the password is anywhere in the memory, the environment or the arguments of ``process``."""
    secret = _PASSWORD.encode()
    for name in ("environ", "cmdline"):
        if secret in Path(f"/proc/{process}/{name}").read_bytes():
            return True
    regions = Path(f"/proc/{process}/maps").read_text().splitlines()
    with open(f"/proc/{process}/mem", "rb", buffering=0) as memory:
        for region in regions:
            span, rights = region.split()[:2]
            first, last = (int(address, 16) for address in span.split("-"))
            if "r" not in rights or region.endswith(("[vvar]", "[vsyscall]", "[vvar_vclock]")):
                continue
            memory.seek(first)
            try:
                if secret in memory.read(last - first):
                    return True
            except OSError:
                continue
    return False


def test_a_layer_of_a_zip_is_unpacked_by_code_from_the_zip(staging: str, tmp_path: Path) -> None:
    """As under Ansible, which ships a module with its files in a zip."""
    depth = unpacker_file.__name__.count(".") + 1
    root = Path(os.path.abspath(unpacker_file.__file__)).parents[depth - 1]
    utils = root.joinpath(*unpacker_file.__name__.split(".")[:-2])
    archive = tmp_path / "module.zip"
    with zipfile.ZipFile(archive, "w") as bundle:
        for path in utils.rglob("*.py"):
            bundle.write(path, path.relative_to(root))
        # Ansible ships an __init__.py for every folder; here those above the rooms have none.
        for folder in utils.relative_to(root).parents[:-1]:
            bundle.writestr(f"{folder}/__init__.py", "")
        bundle.writestr(f"{utils.relative_to(root)}/__init__.py", "")
    code = (
        "import sys; sys.path.insert(0, sys.argv[1])\n"
        "from ansible_collections.strata.containers.plugins.module_utils._storage import unpacker\n"
        "from ansible_collections.strata.containers.plugins.module_utils._report import Reporter\n"
        "assert '.zip' in unpacker.__file__\n"
        "with unpacker.Unpacker(sys.argv[2], Reporter()) as u:\n"
        "    feed = u.start('layer', sys.argv[2] + '/tar-split'); feed.write(bytes(1024)); print(feed.finish().diff_size)\n"
    )
    command = [sys.executable, "-I", "-c", code, str(archive), staging]
    assert subprocess.run(command, stdout=subprocess.PIPE, check=True).stdout == b"1024\n"


def test_the_arguments_of_the_helpers_say_nothing_of_the_layer(staging: str) -> None:
    with Unpacker(staging, Reporter()) as unpacker:
        unpacker.start("layer-of-a-private-image", os.path.join(staging, "tar-split"))
        for helper in descendants(os.getpid()):
            arguments = Path(f"/proc/{helper}/cmdline").read_bytes()
            assert b"private-image" not in arguments and os.fsencode(staging) not in arguments


def test_modes_of_what_is_made_do_not_depend_on_the_umask(staging: str) -> None:
    before = os.umask(0o077)
    try:
        layer = unpack_one(staging, make_tar([Entry("parent/file", content=b"x")]))
    finally:
        os.umask(before)
    modes = [os.stat(path).st_mode & 0o7777 for path in (layer.tree, layer.tar_split, f"{layer.tree}/parent")]
    assert modes == [0o700, 0o600, 0o755]


_DEGRADED = """
import json, sys
from ansible_collections.strata.containers.plugins.module_utils._errors import StrataError
from ansible_collections.strata.containers.plugins.module_utils._report import Reporter
from ansible_collections.strata.containers.plugins.module_utils._storage.unpacker import Unpacker
found = {}
with Unpacker(sys.argv[1], Reporter()) as unpacker:
    for name, blob in json.load(sys.stdin).items():
        feed = unpacker.start(name, f"{sys.argv[1]}/{name}.gz")
        feed.write(bytes.fromhex(blob))
        try:
            found[name] = feed.finish().confinement
        except StrataError as error:
            found[name] = error.code
        finally:
            feed.abort()
print(json.dumps(found))
"""


def test_without_cap_sys_admin_layers_are_unpacked_with_what_is_left_and_no_device_is_made(staging: str) -> None:
    """As in a container of another engine: no namespaces, so no view without devices, so no right to make any."""
    layers = {
        "plain": [
            Entry("d/file", content=b"x", uid=5, mode=0o4755),
            Entry(".wh.gone"),
            Entry("d/link", b"1", target="d/file"),
        ],
        "device": [Entry("null", b"3", device=(1, 3))],
        "opaque": [Entry("d/.wh..wh..opq")],
    }
    found = json.loads(
        subprocess.run(
            ["setpriv", "--bounding-set=-sys_admin", "--inh-caps=-sys_admin", sys.executable, "-c", _DEGRADED, staging],
            input=json.dumps({name: make_tar(entries).hex() for name, entries in layers.items()}).encode(),
            stdout=subprocess.PIPE,
            env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
            check=True,
        ).stdout
    )
    assert (found["device"], found["opaque"]) == ("permission_denied", "permission_denied")
    assert found["plain"]["network_namespace"].startswith("not available")
    assert found["plain"]["nodev"].startswith("not available")
    assert (found["plain"]["root"], found["plain"]["capabilities"]) == ("in force", "in force")
    assert not os.path.exists(os.path.join(staging, "device", "null"))
