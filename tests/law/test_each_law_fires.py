# Copyright (c) 2026, Strata contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Each law fires on a small file that breaks it, and stays silent on the neighbour that keeps it."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple, Union

import pytest
from law.form_laws import HEADER, LINES, PRIVATE_NOTE
from law.import_laws import LOCAL_MODULES
from law.laws import LAWS
from law.source_tree import UTILS, SourceTree

HEAD = "\n".join(HEADER) + "\n"
UTIL = f'{HEAD}\n{PRIVATE_NOTE}\n"""Subject."""\n\nfrom __future__ import annotations\n\n'
MODULE = f"#!/usr/bin/python\n{HEAD}\nfrom __future__ import annotations\n\n"
ENGINE = "ansible_collections.strata.containers.plugins.module_utils"

# A tree that keeps every law.
LAWFUL = {
    f"{UTILS}/_errors.py": UTIL,
    f"{UTILS}/_model/__init__.py": "",
    f"{UTILS}/_model/digest.py": UTIL + "from .._errors import StrataError\n",
    f"{UTILS}/_host/__init__.py": "",
    f"{UTILS}/_host/locks.py": UTIL + "import fcntl\n",
    f"{UTILS}/_host/zygote.py": UTIL + "import socket\n\nPAIR = socket.socketpair(socket.AF_UNIX)\n",
    f"{UTILS}/_config/__init__.py": "",
    f"{UTILS}/_config/paths.py": UTIL + "import os\n\nHOME = os.environ.get('HOME')\n",
    f"{UTILS}/_registry/__init__.py": "",
    f"{UTILS}/_registry/http.py": UTIL + "import urllib3\nimport socket\n",
    f"{UTILS}/_storage/__init__.py": "",
    f"{UTILS}/_storage/layout.py": UTIL + "LAYERS = 'overlay-layers/layers.json'\n",
    f"{UTILS}/_transport/__init__.py": "",
    f"{UTILS}/_transport/source.py": UTIL,
    f"{UTILS}/_transport/docker.py": UTIL + "from .._registry import http\n",
    f"{UTILS}/_engine/__init__.py": "",
    f"{UTILS}/_engine/pull.py": UTIL + "def f():\n    from .._transport.docker import Docker\n",
    f"{UTILS}/_module/__init__.py": "",
    f"{UTILS}/_module/image_pull.py": UTIL + "from .._engine.pull import pull\n",
    f"{UTILS}/_module/registry_tags_info.py": UTIL + "from .._transport.docker import Docker\n",
    f"{UTILS}/_module/image_info.py": UTIL + "from .._storage.layout import LAYERS\nmodule.exit_json()\n",
    f"{UTILS}/_module/trust_policy.py": UTIL + "from .._model.digest import Digest\n",
    "plugins/modules/trust_policy.py": MODULE + f"from {ENGINE}._module.trust_policy import verb\n",
    "plugins/modules/registry_tags_info.py": MODULE + f"from {ENGINE}._module.registry_tags_info import verb\n",
    **{
        f"plugins/modules/{name}.py": MODULE + f"from {ENGINE}._module.image_info import verb\n"
        for name in LOCAL_MODULES
    },
    "plugins/modules/image_pull.py": MODULE + f"from {ENGINE}._module.image_pull import verb\n",
}


class Breaking(NamedTuple):
    """A file that breaks the law ``law``, and a word of what is said about it."""

    law: str
    path: str
    code: str
    says: str


class Keeping(NamedTuple):
    """A file that comes near the law ``law`` and keeps it."""

    law: str
    path: str
    code: str


BREAKING = [
    Breaking("floors", "_model/up.py", "from .._layer.tar import Tar\n", "up: _model is on floor 1, _layer on floor 2"),
    Breaking("floors", "_model/up.py", "def f():\n    from .._host import locks\n", "up"),
    Breaking("floors", "_model/up.py", f"import {ENGINE}._host.locks\n", "up"),
    Breaking("floors", "_model/up.py", f"from {ENGINE} import _host\n", "up"),
    Breaking("floors", "_model/up.py", "from .. import _engine\n", "up"),
    Breaking("floors", "_model/up.py", "if TYPE_CHECKING:\n    from .._host.locks import Lock\n", "up"),
    Breaking("floors", "_storage/side.py", "from .._registry.http import get\n", "sideways"),
    Breaking("floors", "_registry/side.py", "from .._trust.judge import judge\n", "sideways"),
    Breaking("floors", "_trust/side.py", "from .._storage.layout import LAYERS\n", "sideways"),
    Breaking("floors", "_shed/tool.py", "", "no room of the house"),
    Breaking("floors", "helpers.py", "", "no room of the house"),
    Breaking("floors", "_engine/use.py", "from .._shed.tool import x\n", "lies in no room"),
    Breaking("no_cycles", "_errors.py", "from ._model.digest import Digest\n", "_model/digest.py"),
    Breaking("no_cycles", "_errors.py", "def f():\n    from ._model import digest\n", "_model/digest.py"),
    Breaking(
        "modules_are_thin", "/modules/image_tag.py", f"from {ENGINE}._engine.pull import pull\n", "through _module"
    ),
    Breaking("imports_exist", "_engine/lost.py", "def f():\n    from .._model.nothing import x\n", "does not exist"),
    Breaking(
        "ansible_only_in_module", "_engine/a.py", "from ansible.module_utils.basic import AnsibleModule\n", "Ansible"
    ),
    Breaking("libraries_have_their_file", "_storage/edit.py", "import fcntl\n", "fcntl"),
    Breaking("libraries_have_their_file", "_storage/edit.py", "def f():\n    from fcntl import flock\n", "fcntl"),
    Breaking("libraries_have_their_file", "_registry/client.py", "import urllib3\n", "urllib3"),
    Breaking("libraries_have_their_file", "_registry/client.py", "from urllib3.util import X\n", "urllib3"),
    Breaking("libraries_have_their_file", "_registry/client.py", "import requests\n", "nobody"),
    Breaking("libraries_have_their_file", "_trust/x509_chain.py", "from cryptography import x509\n", "cryptography"),
    Breaking("libraries_have_their_file", "_trust/asymmetric.py", "def f():\n    import nacl.secret\n", "nacl"),
    Breaking("libraries_have_their_file", "_registry/client.py", "import http.client\n", "http.client"),
    Breaking("libraries_have_their_file", "_registry/client.py", "from http import client\n", "http.client"),
    Breaking("libraries_have_their_file", "_registry/client.py", "from urllib import request\n", "urllib.request"),
    Breaking("libraries_have_their_file", "_host/confine.py", "import socket\n", "socket"),
    Breaking("libraries_have_their_file", "_host/confine.py", "import _socket\n", "nobody"),
    Breaking("libraries_have_their_file", "/modules/image_tag.py", "import urllib3\n", "urllib3"),
    Breaking("packages_by_name", "_storage/a.py", "WORKER = f'{__package__}.work'\n", "__name__"),
    Breaking("zygote_socket_is_local", "_host/zygote.py", "import socket\nsocket.AF_INET\n", "AF_INET"),
    Breaking(
        "zygote_socket_is_local", "_host/zygote.py", "import socket as s\ns.create_connection()\n", "create_connection"
    ),
    Breaking("zygote_socket_is_local", "_host/zygote.py", "from socket import getaddrinfo\n", "getaddrinfo"),
    Breaking(
        "reading_ships_no_pulling", "_storage/layout.py", "from .._registry import http\n", "layout.py -> plugins"
    ),
    Breaking(
        "reading_ships_no_pulling", "_module/image_info.py", "def f():\n    from .._registry.http import g\n", "http"
    ),
    Breaking("heavy_parts_load_when_needed", "_engine/pull.py", "from .._transport.docker import D\n", "docker.py"),
    Breaking(
        "heavy_parts_load_when_needed",
        "_engine/pull.py",
        "try:\n    import x\nexcept E:\n    from .._registry import http\n",
        "http",
    ),
    Breaking(
        "heavy_parts_load_when_needed", "_module/image_info.py", "from .._storage.fuse_state import S\n", "fuse_state"
    ),
    Breaking("heavy_parts_load_when_needed", "_engine/pull.py", "class A:\n    from .._registry import http\n", "http"),
    Breaking(
        "heavy_parts_load_when_needed",
        "_engine/pull.py",
        "if TYPE_CHECKING:\n    import x\nelse:\n    from .._registry import http\n",
        "http",
    ),
    Breaking(
        "heavy_parts_load_when_needed", "_module/image_info.py", "from .._config.short_names import S\n", "short_names"
    ),
    Breaking(
        "asking_ships_no_store", "_module/registry_tags_info.py", "from .._storage.layout import LAYERS\n", "layout.py"
    ),
    Breaking(
        "asking_ships_no_store", "/lookup/image_digest.py", f"from {ENGINE}._trust.policy import parse\n", "policy.py"
    ),
    Breaking("reading_ships_no_pulling", "/modules/layer_info.py", f"import {ENGINE}._trust.judge\n", "layer_info.py"),
    Breaking(
        "judging_ships_no_images", "_module/trust_policy.py", "from .._storage.layout import LAYERS\n", "layout.py"
    ),
    Breaking("judging_ships_no_images", "_module/trust_policy.py", "from .._transport import docker\n", "http.py"),
    Breaking("verbs_import_their_transports", "_storage/layout.py", "from .._transport.docker import D\n", "docker"),
    Breaking("verbs_import_their_transports", "_engine/pull.py", "from .._transport import oci\n", "oci"),
    Breaking("no_files_in_pure_rooms", "_model/a.py", "open('x')\n", "open"),
    Breaking("no_files_in_pure_rooms", "_model/a.py", "reader = open\n", "open"),
    Breaking("no_files_in_pure_rooms", "_layer/a.py", "import os\nos.stat('x')\n", "os.stat"),
    Breaking("no_files_in_pure_rooms", "_layer/a.py", "import os as o\no.stat('x')\n", "os.stat"),
    Breaking("no_files_in_pure_rooms", "_layer/a.py", "from os import rename as r\n", "os.rename"),
    Breaking("no_files_in_pure_rooms", "_layer/a.py", "import os\nos.path.exists('x')\n", "os.path.exists"),
    Breaking("no_files_in_pure_rooms", "_layer/a.py", "from os import path\npath.exists('x')\n", "os.path.exists"),
    Breaking("no_files_in_pure_rooms", "_layer/a.py", "import os.path as p\np.isdir('x')\n", "os.path.isdir"),
    Breaking("no_files_in_pure_rooms", "_layer/a.py", "import gzip\ngzip.open('x')\n", "open"),
    Breaking("no_files_in_pure_rooms", "_trust/a.py", "from pathlib import Path\n", "pathlib"),
    Breaking("environment_only_in_paths", "_host/a.py", "import os\nos.environ['X']\n", "os.environ"),
    Breaking("environment_only_in_paths", "_host/a.py", "from os import getenv\n", "os.getenv"),
    Breaking("environment_only_in_paths", "_host/a.py", "import os\nos.path.expanduser('~')\n", "expanduser"),
    Breaking("environment_only_in_paths", "/filter/a.py", "import os\nos.environ.get('X')\n", "os.environ"),
    Breaking("endings_only_in_module", "_engine/a.py", "def f(m):\n    m.fail_json(msg='x')\n", "fail_json"),
    Breaking("endings_only_in_module", "/modules/image_tag.py", "module.exit_json()\n", "exit_json"),
    Breaking("store_paths_only_in_layout", "_storage/a.py", "x = 'layers.json'\n", "layers.json"),
    Breaking("store_paths_only_in_layout", "_storage/a.py", "x = b'/overlay-images/images.lock'\n", "images.lock"),
    Breaking("store_paths_only_in_layout", "_storage/a.py", "x = f'{root}/{driver}-containers'\n", "{}-containers"),
    Breaking("store_paths_only_in_layout", "_storage/a.py", "x = driver + '-layers'\n", "-layers"),
    Breaking("store_paths_only_in_layout", "_storage/a.py", "x = f'{layer}/diff'\n", "/diff"),
    Breaking("store_paths_only_in_layout", "_storage/a.py", "import os\nx = os.path.join(a, 'merged')\n", "merged"),
    Breaking("store_paths_only_in_layout", "_storage/a.py", "import os\nos.mkdir('work', dir_fd=fd)\n", "work"),
    Breaking("store_paths_only_in_layout", "_storage/a.py", "x = base / 'userdata'\n", "userdata"),
    Breaking("store_paths_only_in_layout", "_storage/a.py", "x = f'{layer}.tar-split.gz'\n", "tar-split.gz"),
    Breaking("store_paths_only_in_layout", "_engine/a.py", "x = 'tempdirs'\n", "tempdirs"),
    Breaking("files_have_their_header", "_model/a.py#raw", HEAD + "\nx = 1\n", "Private"),
    Breaking("files_have_their_header", "_model/a.py#raw", "x = 1\n", "copyright"),
    Breaking("annotations_are_not_evaluated", "_model/a.py#raw", f"{HEAD}\n{PRIVATE_NOTE}\nx = 1\n", "annotations"),
    Breaking("files_are_short", "_model/a.py", "x = 1\n" * LINES, "two files"),
    Breaking("rooms_have_an_empty_init", "_model/__init__.py", "x = 1\n", "is not empty"),
    Breaking("rooms_have_an_empty_init", "_engine/deep/a.py", "", "has no __init__.py"),
    Breaking("modules_are_in_their_groups", "/modules/odd.py", "DOCUMENTATION = 'x'\n", "odd is missing from all"),
    Breaking(
        "modules_are_in_their_groups",
        "/modules/odd.py",
        "x = 'strata.containers._store'\n",
        "odd is missing from store",
    ),
    Breaking("no_sanity_ignores", "tests/sanity/ignore-2.19.txt#raw", "plugins/a.py pylint\n", "excuses"),
]

KEEPING = [
    Keeping("floors", "_model/a.py", "from .digest import Digest\nfrom .._errors import StrataError\n"),
    Keeping("floors", "_report.py", "from ._errors import StrataError\n"),
    Keeping("heavy_parts_load_when_needed", "_engine/pull.py", "if TYPE_CHECKING:\n    from .._registry import http\n"),
    Keeping("heavy_parts_load_when_needed", "_engine/pull.py", "def f():\n    from .._registry import http\n"),
    Keeping(
        "heavy_parts_load_when_needed", "_module/image_info.py", "def f():\n    from .._config import short_names\n"
    ),
    Keeping("libraries_have_their_file", "_registry/a.py", "from http import HTTPStatus\nimport urllib.parse\n"),
    Keeping("no_files_in_pure_rooms", "_layer/a.py", "import os\nos.fsdecode(b'x')\nos.path.join('a', 'b')\n"),
    Keeping("no_files_in_pure_rooms", "_host/a.py", "open('x')\n"),
    Keeping("store_paths_only_in_layout", "_storage/a.py", '"""Reads layers.json."""\nx = "layers.json is damaged"\n'),
    Keeping("store_paths_only_in_layout", "_storage/a.py", "x = {'diff': 1, 'layers': 2, 'work': 3}\n"),
    Keeping("store_paths_only_in_layout", "_storage/a.py", "x = ','.join(('diff', 'work'))\n"),
    Keeping("files_are_short", "_model/a.py", "x = 1\n" * (LINES - UTIL.count("\n"))),
]

Example = Union[Breaking, Keeping]


def build(root: Path, example: Example) -> SourceTree:
    """The lawful tree with the example's file in the place of the file of that name, if there is one."""
    name, _hash, raw = example.path.partition("#")
    if name.startswith("/"):
        path, head = f"plugins{name}", MODULE
    elif name.startswith("tests/"):
        path, head = name, ""
    else:
        path, head = f"{UTILS}/{name}", UTIL
    text = example.code if raw or name.endswith("__init__.py") else head + example.code
    for file, content in {**LAWFUL, path: text}.items():
        (root / file).parent.mkdir(parents=True, exist_ok=True)
        (root / file).write_text(content, encoding="utf-8")
    return SourceTree(root)


def identify(example: Example) -> str:
    return f"{example.law}-{example.path.partition('#')[0]}"


@pytest.mark.parametrize("example", BREAKING, ids=identify)
def test_a_file_that_breaks_a_law_is_found(tmp_path: Path, example: Breaking) -> None:
    breaches = [str(breach) for breach in LAWS[example.law](build(tmp_path, example))]
    assert any(example.says in breach for breach in breaches), breaches


@pytest.mark.parametrize("example", KEEPING, ids=identify)
def test_a_file_that_keeps_a_law_is_left_alone(tmp_path: Path, example: Keeping) -> None:
    assert not list(LAWS[example.law](build(tmp_path, example)))


@pytest.mark.parametrize("law", LAWS)
def test_the_lawful_tree_keeps_every_law(tmp_path: Path, law: str) -> None:
    tree = build(tmp_path, Keeping(law, "_errors.py", ""))
    assert not [str(breach) for breach in LAWS[law](tree)]


@pytest.mark.parametrize("law", LAWS)
def test_every_law_has_a_file_that_breaks_it(law: str) -> None:
    assert law in {example.law for example in BREAKING}
