# Copyright (c) 2026, Strata contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Laws about who may import whom."""

from __future__ import annotations

from collections.abc import Iterator

from .source_tree import UTILS, Breach, Import, SourceFile, SourceTree

FLOORS = {
    "_errors": 0,
    "_report": 0,
    "_model": 1,
    "_layer": 2,
    "_host": 3,
    "_config": 4,
    "_registry": 5,
    "_trust": 5,
    "_storage": 5,
    "_transport": 6,
    "_engine": 7,
    "_module": 8,
}

# Modules that work on what is in the store: neither the network nor a policy belongs to them.
LOCAL_MODULES = (
    "container_info",
    "image_info",
    "image_mount",
    "image_prune",
    "image_remove",
    "image_tag",
    "layer_info",
    "store_check",
)
ROOMS_OF_PULLING = ("_registry", "_trust")

# The contract of sources and sinks, which any verb may speak.
TRANSPORT_CONTRACT = ("__init__", "source", "sink")
# The transports that a module's verb needs; a module that is not named needs none.
TRANSPORTS_OF_MODULES = {
    "image_pull": {"docker"},
    "image_verify": {"docker"},
    "registry_image_info": {"docker"},
    "registry_tags_info": {"docker"},
}

# What asks registries and keeps nothing: neither a store nor a policy belongs to it.
REGISTRY_ONLY_PLUGINS = (
    "plugins/lookup/image_digest.py",
    "plugins/modules/registry_image_info.py",
    "plugins/modules/registry_tags_info.py",
)
ROOMS_OF_STORING = ("_storage", "_trust")

# What knows the policy alone: it touches no image, neither in a registry nor in a store.
POLICY_ONLY_PLUGINS = ("plugins/filter/policy_json.py", "plugins/modules/trust_policy.py")
ROOMS_OF_IMAGES = ("_layer", "_registry", "_storage", "_transport")

# What a module loads when it turns out to be needed, and not before: by module, the beginnings of paths in module_utils.
# Ansible's bundle has no bytecode, so whatever is loaded is compiled each time.
LOADED_WHEN_NEEDED = {
    "image_pull": (
        *(
            "_registry/",
            "_transport/",
            "_trust/",
            "_layer/",
            "_config/registries",
            "_config/credential",
            "_host/zygote",
        ),
        *(
            "_engine/stage",
            "_engine/resolve",
            "_storage/overlay.",
            "_storage/commit",
            "_storage/unpack",
            "_model/schema1_",
        ),
    ),
    "image_info": ("_config/registries", "_config/short_names", "_engine/schema1", "_model/schema1_", "_storage/fuse"),
    **dict.fromkeys(
        ("container_create", "image_mount", "image_remove", "image_tag"),
        ("_config/registries", "_config/short", "_storage/fuse"),
    ),
    **dict.fromkeys(("container_mount", "store_check", "store_info"), ("_storage/fuse", "_storage/check_masked")),
}

# A library that opens connections, or may be missing on a target -> the only files that may import it. The zygote
# talks to its children through a socket pair of the local machine (docs/adr/0001).
LIBRARIES_OF_FILES = {
    "fcntl": ("_host/locks.py",),
    "requests": (),
    "urllib3": ("_registry/http.py",),
    "urllib.request": ("_registry/http.py",),
    "http.client": ("_registry/http.py",),
    "ssl": ("_registry/http.py", "_registry/tls.py"),
    "socket": ("_registry/http.py", "_host/zygote.py"),
    "_socket": (),
    "multiprocessing": (),
    "asyncio": (),
    "cryptography": ("_trust/asymmetric.py", "_trust/x509_certificate.py"),
    "nacl": ("_trust/private_key.py",),
}

# What the zygote's socket pair needs, and nothing with which a host could be reached.
LOCAL_SOCKET_MEMBERS = {
    *("socketpair", "socket", "AF_UNIX", "SOCK_SEQPACKET", "SOCK_STREAM", "SOCK_CLOEXEC", "SOL_SOCKET", "SCM_RIGHTS"),
    *("CMSG_LEN", "CMSG_SPACE", "MSG_DONTWAIT", "MSG_CMSG_CLOEXEC", "SO_PEERCRED", "send_fds", "recv_fds", "error"),
    *("MSG_CTRUNC", "MSG_TRUNC", "MSG_NOSIGNAL", "SHUT_RDWR", "SHUT_WR", "SHUT_RD"),
}


def floors(tree: SourceTree) -> Iterator[Breach]:
    """An import goes to a lower floor or stays in its folder."""
    for file in tree.utils():
        if file.path == f"{UTILS}/__init__.py":
            continue
        if file.room not in FLOORS:
            yield Breach(file.path, 1, f"{file.room} is no room of the house")
            continue
        for found in tree.imports(file):
            yield from _climb(file, found.target, found.line)


def _climb(file: SourceFile, target: str, line: int) -> Iterator[Breach]:
    room = SourceFile(target, "").room
    if room not in FLOORS:
        yield Breach(file.path, line, f"imports {target}, which lies in no room of the house")
        return
    own, other = FLOORS[file.room], FLOORS[room]
    if room == file.room or other < own or own == other == 0:
        return
    direction = "sideways" if own == other else "up"
    yield Breach(
        file.path, line, f"imports {target}, {direction}: {file.room} is on floor {own}, {room} on floor {other}"
    )


def no_cycles(tree: SourceTree) -> Iterator[Breach]:
    """No file of the engine reaches itself again through its imports."""
    reported: set[str] = set()
    for file in tree.utils():
        importer = tree.shipped(file.path)
        for target in sorted(importer):
            if target in reported or file.path in reported:
                continue
            back = [found for found in _imports_of(tree, target) if found.target == file.path]
            if back:
                reported.update({file.path, *_chain(importer, target)})
                chain = " -> ".join([file.path, *_chain(importer, target), file.path])
                yield Breach(target, back[0].line, f"closes a circle of imports: {chain}")


def modules_are_thin(tree: SourceTree) -> Iterator[Breach]:
    """A module imports nothing of the engine but its part of ``_module``."""
    for file in tree.plugins():
        if not file.path.startswith("plugins/modules/"):
            continue
        for found in tree.imports(file):
            if not found.target.startswith(f"{UTILS}/_module/"):
                yield Breach(file.path, found.line, f"imports {found.target}; a module goes through _module")


def imports_exist(tree: SourceTree) -> Iterator[Breach]:
    """What a plugin imports of the engine is there: Ansible forgives a missing file that is imported in a function."""
    for file in tree.plugins():
        for found in tree.imports(file):
            if found.target not in tree.files:
                yield Breach(file.path, found.line, f"imports {found.target}, which does not exist")


def ansible_only_in_module(tree: SourceTree) -> Iterator[Breach]:
    """Below ``_module`` nothing of the engine knows Ansible."""
    for file in tree.utils():
        if file.room == "_module":
            continue
        for name, node in file.libraries():
            if name.split(".")[0] == "ansible":
                yield file.breach(node, f"imports {name}; only _module knows Ansible")


def libraries_have_their_file(tree: SourceTree) -> Iterator[Breach]:
    """``fcntl``, ``requests``, ``socket`` and what else opens connections: each in its own file only."""
    for file in tree.plugins():
        seen = set()
        for name, node in file.libraries():
            for library, homes in LIBRARIES_OF_FILES.items():
                if name != library and not name.startswith(library + "."):
                    continue
                if file.path in [f"{UTILS}/{home}" for home in homes] or (library, node) in seen:
                    continue
                seen.add((library, node))
                yield file.breach(node, f"imports {library}, which only {' and '.join(homes) or 'nobody'} may")


def zygote_socket_is_local(tree: SourceTree) -> Iterator[Breach]:
    """The zygote's use of ``socket`` is a pair of connected local sockets, which reaches no host."""
    file = tree.files.get(f"{UTILS}/_host/zygote.py")
    if file is None:
        return
    for member, node in file.uses("socket"):
        if member not in LOCAL_SOCKET_MEMBERS:
            yield file.breach(node, f"uses socket.{member}; the zygote's socket pair does not need it")


def reading_ships_no_pulling(tree: SourceTree) -> Iterator[Breach]:
    """What image_info and the other modules of the store alone ship reaches neither ``_registry`` nor ``_trust``."""
    for name in LOCAL_MODULES:
        module = f"plugins/modules/{name}.py"
        if module not in tree.files:
            yield Breach(module, 1, "does not exist")
            continue
        importer = tree.shipped(module)
        for target in sorted(importer):
            if SourceFile(target, "").room in ROOMS_OF_PULLING:
                chain = " -> ".join([module, *_chain(importer, target)])
                yield Breach(module, 1, f"ships {target}: {chain}")


def heavy_parts_load_when_needed(tree: SourceTree) -> Iterator[Breach]:
    """Modules that mostly find nothing to do load the heavy parts of the engine when there is something, and not before."""
    for name, places in LOADED_WHEN_NEEDED.items():
        module = f"plugins/modules/{name}.py"
        importer = tree.loaded(module)
        for target in sorted(importer):
            if target.startswith(tuple(f"{UTILS}/{place}" for place in places)):
                chain = " -> ".join([module, *_chain(importer, target)])
                yield Breach(module, 1, f"loads {target} at once: {chain}")


def asking_ships_no_store(tree: SourceTree) -> Iterator[Breach]:
    """What only asks registries ships neither ``_storage`` nor ``_trust``."""
    for path in REGISTRY_ONLY_PLUGINS:
        importer = tree.shipped(path)
        for target in sorted(importer):
            if SourceFile(target, "").room in ROOMS_OF_STORING:
                chain = " -> ".join([path, *_chain(importer, target)])
                yield Breach(path, 1, f"ships {target}: {chain}")


def judging_ships_no_images(tree: SourceTree) -> Iterator[Breach]:
    """What edits or checks a policy ships nothing that could fetch, unpack or store an image."""
    for path in POLICY_ONLY_PLUGINS:
        importer = tree.shipped(path)
        for target in sorted(importer):
            if SourceFile(target, "").room in ROOMS_OF_IMAGES:
                chain = " -> ".join([path, *_chain(importer, target)])
                yield Breach(path, 1, f"ships {target}: {chain}")


def verbs_import_their_transports(tree: SourceTree) -> Iterator[Breach]:
    """A module ships the transports that its verb needs, and no other."""
    for file in tree.plugins():
        if not file.path.startswith("plugins/modules/") or file.path.endswith("/__init__.py"):
            continue
        name = file.path.rpartition("/")[2][: -len(".py")]
        importer = tree.shipped(file.path)
        for target in sorted(importer):
            transport = target.rpartition("/")[2][: -len(".py")].partition("_")[0]
            if SourceFile(target, "").room != "_transport" or transport in TRANSPORT_CONTRACT:
                continue
            if transport not in TRANSPORTS_OF_MODULES.get(name, set()):
                chain = " -> ".join([file.path, *_chain(importer, target)])
                yield Breach(file.path, 1, f"ships the transport {transport}, which it does not need: {chain}")


def _imports_of(tree: SourceTree, path: str) -> list[Import]:
    return tree.imports(tree.files[path]) if path in tree.files else []


def _chain(importer: dict[str, str], target: str) -> list[str]:
    """The way by which ``target`` came in, without its beginning."""
    chain = [target]
    while importer.get(chain[0]) in importer:
        chain.insert(0, importer[chain[0]])
    return chain
