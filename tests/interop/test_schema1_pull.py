# Copyright (c) 2026, Strata contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Images of Docker's schema 1 that we pull are those that podman makes of them."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from lab.commands import CommandFailed, run
from lab.flaky_registry import Fault, FlakyRegistry
from lab.modules import ModuleResult, run_module
from lab.odd_images import PLAIN, ImageLayout
from lab.schema1_images import SCHEMA1, SCHEMA1_SIGNED, OldImage, blob_of, sha256, tar_of
from lab.static_registry import StaticRegistry
from lab.stores import Store, image_record, pull_error
from lab.trees import describe_tree, differences, snapshot

IMAGES = {
    "signed": OldImage(["a", "b", "c"]),
    "unsigned": OldImage(["a", "b"], signed=False),
    "layers without content": OldImage(["", "a", "", "", "b", ""]),
    "no content at all": OldImage(["", ""]),
    "a blob that stands twice": OldImage(["a", "b", "a", "a"]),
    "a time with an offset": OldImage(["a"], created="2015-07-01T10:00:00.1200000000+00:00"),
}


_HASH = re.compile(r"[0-9a-f]{64}")


@pytest.fixture
def ours(make_store: Callable[[str], Store]) -> Store:
    return make_store("ours")


@pytest.fixture
def theirs(make_store: Callable[[str], Store]) -> Store:
    return make_store("theirs")


@pytest.fixture
def layout(tmp_path: Path) -> ImageLayout:
    return ImageLayout(str(tmp_path / "layout"))


@pytest.fixture
def pull(ours: Store, pull_options: dict[str, Any]) -> Callable[..., ModuleResult]:
    def run_pull(name: object, *, check: bool = False, **options: Any) -> ModuleResult:
        arguments = {**ours.module_options(), **pull_options, "retries": 0, **options, "name": name}
        return run_module("image_pull", arguments, check=check)

    return run_pull


@pytest.fixture(params=IMAGES)
def image(request: pytest.FixtureRequest) -> OldImage:
    return IMAGES[request.param]


def _records(store: Store, kind: str) -> list[dict[str, Any]]:
    path = Path(store.root, f"overlay-{kind}", f"{kind}.json")
    return list(json.loads(path.read_text(encoding="utf-8"))) if path.exists() else []


def _untimed(records: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [{key: value for key, value in record.items() if key != "created"} for record in records]


def _big_data(store: Store, image_id: str) -> dict[str, bytes]:
    directory = Path(store.root, "overlay-images", image_id)
    return {path.name: path.read_bytes() for path in directory.iterdir()}


def _inspected(store: Store, name: str) -> Any:
    """What podman says of an image, but for paths. Unsigned ones it cannot inspect, whoever pulled them."""
    try:
        return image_record(store, name)
    except CommandFailed as error:
        return str(error).partition("Error:")[2]


def _tree(store: Store, name: str) -> dict[str, dict[str, Any]]:
    # The root of the stack has the time of the pull.
    tree = describe_tree(store.podman("image", "mount", name), frozenset({"."}))
    store.podman("image", "umount", name)
    return tree


def test_the_store_is_the_one_that_podman_leaves(
    image: OldImage,
    static_registry: StaticRegistry,
    ours: Store,
    theirs: Store,
    pull: Callable[..., ModuleResult],
) -> None:
    image.serve(static_registry, "app")
    name = static_registry.reference("app:1")
    theirs.podman("pull", "--quiet", "--tls-verify=false", name)
    done = pull(name)
    assert done.changed, done.text
    assert _records(ours, "images") == _records(theirs, "images")
    assert _untimed(_records(ours, "layers")) == _untimed(_records(theirs, "layers"))
    assert _big_data(ours, done["image"]["id"]) == _big_data(theirs, done["image"]["id"])
    assert _inspected(ours, name) == _inspected(theirs, name)
    if done["image"]["layers"]:
        assert "\n".join(differences(_tree(theirs, name), _tree(ours, name))) == ""


def test_podman_creates_saves_and_removes_what_we_pulled(
    static_registry: StaticRegistry, ours: Store, pull: Callable[..., ModuleResult], tmp_path: Path
) -> None:
    image = OldImage(["a", "", "b", "a"])
    image.serve(static_registry, "app")
    name = static_registry.reference("app:1")
    done = pull(name)
    assert pull(f"{static_registry.reference('app')}@{image.payload_digest}").changed
    container = ours.podman("create", "--name", "probe", name, "true")
    mount = Path(ours.podman("mount", container))
    assert (mount / "last").read_bytes() == b"a"
    ours.podman("umount", container)
    ours.podman("rm", "probe")
    options = {**ours.module_options(), "image": name, "name": "ours"}
    assert run_module("container_create", options).changed
    assert ours.podman_json("ps", "-a", "--external", "--format", "json")[0]["Names"] == ["ours"]
    assert run_module("container_create", {**options, "state": "absent"}).changed
    ours.podman("save", "-o", str(tmp_path / "saved.tar"), name)
    run(
        ["skopeo", "--insecure-policy", "copy", "--format", "v2s2", ours.bracket + name]
        + [f"dir:{tmp_path / 'converted'}"]
    )
    assert (tmp_path / "converted" / done["image"]["id"]).exists()
    ours.podman("rmi", done["image"]["id"], "--force")
    assert ours.podman("images", "--quiet") == ""
    assert _records(ours, "layers") == []


def test_check_mode_foretells_it_and_a_second_run_changes_nothing(
    image: OldImage, static_registry: StaticRegistry, ours: Store, pull: Callable[..., ModuleResult]
) -> None:
    image.serve(static_registry, "app")
    name = static_registry.reference("app:1")
    foretold = pull(name, check=True)
    assert foretold.changed and snapshot(ours.root) == {} and snapshot(ours.run_root) == {}
    done = pull(name)
    assert done.changed, done.text
    _compare(foretold["image"], done["image"])
    assert foretold["plan"] == done["plan"] and foretold["plan"]["bytes"] == done["bytes_downloaded"]
    assert done["diff"]["after"] == {name: done["image"]["id"]}
    # What stands in for unknown IDs is no business of anybody.
    assert set(_HASH.findall(foretold.text)) <= set(_HASH.findall(done.text))
    stored = json.dumps([_records(ours, kind) for kind in ("images", "layers")]) + str(static_registry.pages)
    assert set(_HASH.findall(done.text)) <= set(_HASH.findall(stored))
    shown = image.payload_digest if image.has_content else done["image"]["id"]
    assert foretold["diff"]["after"] == {name: shown}
    before = snapshot(ours.root), snapshot(ours.run_root)
    by_digest = f"{static_registry.reference('app')}@{image.payload_digest}"
    for check, policy in ((True, "always"), (False, "newer"), (True, "missing"), (False, "never")):
        again = pull(name, check=check, pull=policy)
        assert not again.failed and not again.changed, again.text
        assert again["image"]["id"] == done["image"]["id"]
        assert again["image"]["platform"] == "linux/amd64"
    assert (snapshot(ours.root), snapshot(ours.run_root)) == before
    assert pull(by_digest, check=True).changed and pull(by_digest).changed
    static_registry.asked.clear()
    assert not pull(by_digest, check=True).changed and not pull(by_digest).changed
    assert static_registry.asked == []


def _compare(foretold: dict[str, Any], done: dict[str, Any]) -> None:
    """What check mode says is what the run says, but for what it does not know."""
    differing = {key for key in done if foretold[key] != done[key]} - {"layers", "bytes_downloaded"}
    assert all(foretold[key] is None for key in differing), differing
    assert differing <= {"id", "top_layer", "size"}
    for one, other in zip(foretold["layers"], done["layers"]):
        differing = {key for key in other if one[key] != other[key]}
        assert all(one[key] is None for key in differing), differing
        assert differing <= {"id", "diff_id", "size", "path"}


def test_check_mode_foretells_what_the_images_before_would_leave(
    static_registry: StaticRegistry, ours: Store, pull: Callable[..., ModuleResult]
) -> None:
    images = [OldImage(["a", "b"]), OldImage(["a", "b", "c"]), OldImage(["a", "b"]), OldImage(["b", "c"], signed=False)]
    for number, image in enumerate(images):
        image.serve(static_registry, "app", str(number))
    names = [static_registry.reference(f"app:{number}") for number in range(len(images))]
    foretold = pull([*names, names[1]], check=True)
    assert snapshot(ours.root) == {}
    done = pull([*names, names[1]])
    actions = [[layer["action"] for layer in image["layers"]] for image in done["images"]]
    assert actions == [["fetch"] * 2, ["keep"] * 2 + ["fetch"], ["keep"] * 2, ["reuse"] * 2, ["keep"] * 3]
    assert [[layer["action"] for layer in image["layers"]] for image in foretold["images"]] == actions
    for one, other in zip(foretold["images"], done["images"]):
        _compare(one, other)
    assert foretold["plan"] == done["plan"]
    blobs = [path for path, _headers in static_registry.asked if "/blobs/" in path]
    # Once in check mode, for the size, and once to be fetched.
    assert sorted(blobs) == sorted([path for path in static_registry.pages if "/blobs/" in path] * 2)


def test_layers_that_the_store_has_in_part_are_not_fetched_again(
    static_registry: StaticRegistry, ours: Store, theirs: Store, pull: Callable[..., ModuleResult], pull_options: Any
) -> None:
    OldImage(["a", "b"]).serve(static_registry, "old")
    OldImage(["a", "c", "b"]).serve(static_registry, "new")
    old, new = static_registry.reference("old:1"), static_registry.reference("new:1")
    theirs.podman("pull", "--quiet", "--tls-verify=false", new)
    ours.podman("pull", "--quiet", "--tls-verify=false", old)
    foretold = pull(new, check=True)["image"]
    done = pull(new)["image"]
    assert [layer["action"] for layer in done["layers"]] == ["keep", "fetch", "reuse"]
    assert [layer["action"] for layer in foretold["layers"]] == ["keep", "fetch", "reuse"]
    assert (
        foretold["layers"][0] == done["layers"][0] and foretold["layers"][2]["diff_id"] == done["layers"][2]["diff_id"]
    )
    assert foretold["plan"]["bytes"] == done["bytes_downloaded"] == len(blob_of("c"))
    assert image_record(ours, new) == image_record(theirs, new)


def test_what_a_failed_attempt_has_unpacked_is_not_fetched_again(
    judges: None, theirs: Store, ours: Store, pull: Callable[..., ModuleResult]
) -> None:
    image = OldImage(["a", "b", "a", "c"])
    with FlakyRegistry() as registry:
        registry.serve(image.pages("app"))
        path = f"/v2/app/blobs/{sha256(blob_of('b'))}"
        registry.fail(path, Fault(status=503, times=2))
        name = registry.reference("app:1")
        failed = pull(name, retries=1, retry_delay=0, max_parallel_downloads=1)
        assert failed.failed and not failed.changed and _records(ours, "images") == []
        registry.served.clear()
        registry.fail(path, Fault(status=503))
        done = pull(name, retries=1, retry_delay=0, max_parallel_downloads=1)
        assert done.changed, done.text
        blobs = {letter: registry.paths().count(f"GET /v2/app/blobs/{sha256(blob_of(letter))}") for letter in "abc"}
        assert blobs == {"a": 1, "b": 2, "c": 1}
        theirs.podman("pull", "--quiet", "--tls-verify=false", name)
    assert _records(ours, "images") == _records(theirs, "images")
    assert not any(Path(ours.root, "overlay").glob("tempdirs/*"))


def test_an_image_without_a_time_has_that_of_its_pull(
    static_registry: StaticRegistry, ours: Store, theirs: Store, pull: Callable[..., ModuleResult]
) -> None:
    OldImage(["a"], created="").serve(static_registry, "app")
    name = static_registry.reference("app:1")
    theirs.podman("pull", "--quiet", "--tls-verify=false", name)
    foretold = pull(name, check=True)
    done = pull(name)
    assert foretold["image"]["created"] is None
    assert _untimed(_records(ours, "images")) == _untimed(_records(theirs, "images"))
    today = time.strftime("%Y-%m-%dT", time.gmtime())
    for store in (ours, theirs):
        assert _records(store, "images")[0]["created"].startswith(today)
    assert done["image"]["created"] == _records(ours, "images")[0]["created"]


def test_content_that_the_store_has_in_another_form_is_found_when_it_is_unpacked(
    static_registry: StaticRegistry,
    layout: ImageLayout,
    ours: Store,
    theirs: Store,
    pull: Callable[..., ModuleResult],
) -> None:
    """The layers are there, from blobs of another compression: what check mode cannot know."""
    layout.add_image("plain", [(tar_of(name), PLAIN) for name in "ab"])
    run(["skopeo", "--insecure-policy", "copy", f"oci:{layout.directory}:plain", f"{ours.bracket}localhost/plain:1"])
    OldImage(["a", "b"]).serve(static_registry, "app")
    name = static_registry.reference("app:1")
    assert pull(name, check=True)["plan"]["fetch"] == 2
    done = pull(name)
    assert done.changed and done["bytes_downloaded"] == sum(len(blob_of(letter)) for letter in "ab"), done.text
    theirs.podman("pull", "--quiet", "--tls-verify=false", name)
    assert image_record(ours, name) == image_record(theirs, name)
    # From then on the image tells, whatever its layers were unpacked from.
    OldImage(["a", "b"]).serve(static_registry, "same")
    again = pull(static_registry.reference("same:1"))
    assert again["plan"] == {"keep": 2, "reuse": 0, "fetch": 0, "bytes": 0} and again["bytes_downloaded"] == 0


class TestFaults:
    @pytest.mark.parametrize("fault", ["other bytes", "cut short", "no gzip"])
    def test_a_damaged_blob_stores_nothing(
        self, static_registry: StaticRegistry, ours: Store, pull: Callable[..., ModuleResult], fault: str
    ) -> None:
        OldImage(["a", "b"]).serve(static_registry, "app")
        (path,) = [path for path, (_type, data) in static_registry.pages.items() if data == blob_of("b")]
        changed = {"other bytes": blob_of("c"), "cut short": blob_of("b")[:-9], "no gzip": b"no"}[fault]
        static_registry.pages[path] = ("application/octet-stream", changed)
        result = pull(static_registry.reference("app:1"))
        assert result.failed and not result.changed
        assert result.code in {"digest_mismatch", "invalid_layer"}, result.text
        assert _records(ours, "images") == _records(ours, "layers") == []

    def test_signatures_that_cover_something_else_are_refused(
        self, static_registry: StaticRegistry, pull: Callable[..., ModuleResult]
    ) -> None:
        raw = OldImage(["a"]).manifest().replace(b"library/app", b"library/xyz")
        static_registry.add_manifest("app", raw, SCHEMA1_SIGNED, "1")
        name = f"{static_registry.reference('app')}@{OldImage(['a']).payload_digest}"
        static_registry.add_manifest("app", raw, SCHEMA1_SIGNED, digest=OldImage(["a"]).payload_digest)
        assert pull(name).code == "digest_mismatch"

    def test_a_history_without_a_config_is_refused_before_a_blob_is_asked_for(
        self, static_registry: StaticRegistry, theirs: Store, pull: Callable[..., ModuleResult]
    ) -> None:
        image = OldImage(["a"], signed=False)
        image.serve(static_registry, "app")
        raw = image.manifest().replace(rb"{\"age\": \"old\"}", b"7")
        assert raw != image.manifest()
        listed = static_registry.add_manifest("app", raw, SCHEMA1, "1")
        name = static_registry.reference("app:1")
        assert pull_error(theirs, name)
        static_registry.asked.clear()
        refused = pull(name)
        assert refused.code == "invalid_manifest" and listed["digest"] in refused["error"]["object"], refused.text
        assert not any("/blobs/" in path for path, _headers in static_registry.asked)

    def test_another_platform_is_refused_unless_allowed(
        self, static_registry: StaticRegistry, ours: Store, theirs: Store, pull: Callable[..., ModuleResult]
    ) -> None:
        OldImage(["a"], architecture="arm").serve(static_registry, "app")
        name = static_registry.reference("app:1")
        refused = pull(name)
        assert refused.code == "no_such_platform" and refused["error"]["found"] == "linux/arm"
        assert static_registry.asked and not any("/blobs/" in path for path, _headers in static_registry.asked)
        assert pull(name, allow_other_platform=True).changed
        theirs.podman("pull", "--quiet", "--tls-verify=false", name)
        assert image_record(ours, name) == image_record(theirs, name)

    def test_a_schema_1_image_in_a_list_is_taken_as_by_podman(
        self, static_registry: StaticRegistry, ours: Store, theirs: Store, pull: Callable[..., ModuleResult]
    ) -> None:
        listed = OldImage(["a", "b"]).serve(static_registry, "app", "")
        kind = "application/vnd.docker.distribution.manifest.list.v2+json"
        entry = {**listed, "platform": {"os": "linux", "architecture": "amd64"}}
        raw = json.dumps({"schemaVersion": 2, "mediaType": kind, "manifests": [entry]}).encode()
        static_registry.add_manifest("app", raw, kind, "list")
        name = static_registry.reference("app:list")
        error = pull_error(theirs, name)
        assert pull(name).changed
        assert not error, error
        assert _records(ours, "images") == _records(theirs, "images")
        assert not pull(name).changed


@pytest.mark.parametrize("filled_by", ["podman", "us"])
def test_image_info_shows_what_podman_shows(
    filled_by: str,
    image: OldImage,
    static_registry: StaticRegistry,
    ours: Store,
    pull: Callable[..., ModuleResult],
) -> None:
    image.serve(static_registry, "app")
    name = static_registry.reference("app:1")
    if filled_by == "us":
        assert pull(name).changed
    else:
        ours.podman("pull", "--quiet", "--tls-verify=false", name)
    options = {**ours.module_options(), "name": [name], "gather": ["config", "history", "manifest"]}
    (found,) = run_module("image_info", options)["images"]
    contents = [layer for layer in image.layers if layer]
    assert [layer["digest"] for layer in found["layers"]] == [sha256(blob_of(layer)) for layer in contents]
    assert [layer["diff_id"] for layer in found["layers"]] == [sha256(tar_of(layer)) for layer in contents]
    assert [layer["compressed_size"] for layer in found["layers"]] == [len(blob_of(layer)) for layer in contents]
    assert [bool(entry.get("empty_layer")) for entry in found["history"]] == [not layer for layer in image.layers]
    assert found["manifest"] == json.loads(image.manifest())
    record = _inspected(ours, name)
    if isinstance(record, str):
        assert not image.signed, record
        return
    assert found["id"] == record["Id"] and found["digest"] == record["Digest"]
    assert found["platform"] == f"{record['Os']}/{record['Architecture']}"
    assert found["size"] == record["Size"]
    assert {key: value for key, value in found["config"].items() if value} == record["Config"]
    assert [entry["created_by"] for entry in found["history"]] == [entry["created_by"] for entry in record["History"]]
