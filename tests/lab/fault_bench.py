# Copyright (c) 2026, Strata contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""One pull of a scripted registry into a scratch store, as a process, and what must be true after it failed."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Optional

import pytest

from .modules import ModuleResult, run_module
from .refusals import check_refusal
from .scripted_registry import ScriptedRegistry
from .stores import Store

RETRIES = 2
# How often the request that decides is sent: once, or once in each of the whole copies.
ONCE = 1
EACH_COPY = RETRIES + 1
# A registry that says 429 is asked five times for each copy.
PATIENTLY = 5


def row(number: int, name: str, *values: Any) -> Any:
    """The parameters of a test, with the number of the fault's row in their id."""
    return pytest.param(*values, id=f"row_{number:02}_{name}")


@dataclass(frozen=True)
class FaultBench:
    """A scripted registry over http, an empty store, and options by which nothing of the machine takes part."""

    registry: ScriptedRegistry
    store: Store
    directory: Path
    options: Mapping[str, Any]

    def arguments(self, **more: Any) -> dict[str, Any]:
        """The options of the pull; ``more`` replaces some of them, and takes those away that are None."""
        options = {**self.store.module_options(), **self.options, "name": self.registry.reference(), **more}
        return {name: value for name, value in options.items() if value is not None}

    def pull(self, *, env: Optional[Mapping[str, str]] = None, prefix: Sequence[str] = (), **more: Any) -> ModuleResult:
        """The result of image_pull with steps."""
        return run_module("image_pull", self.arguments(**more), env={**self.environment, **(env or {})}, prefix=prefix)

    @property
    def environment(self) -> dict[str, str]:
        """Without the caller's home and proxies."""
        proxies = (f"{scheme}_proxy" for scheme in ("http", "https", "no", "all"))
        return {"HOME": str(self.directory), **dict.fromkeys(proxies, ""), "HTTPS_PROXY": "", "HTTP_PROXY": ""}

    def refused(self, result: ModuleResult, code: str, *words: str) -> None:
        """Fails unless ``result`` is the error ``code`` and left nothing behind."""
        check_refusal(result, self.store, code, *words)

    def write(self, name: str, text: str) -> str:
        """The path of a new file."""
        path = self.directory / name
        path.write_text(text, encoding="utf-8")
        return str(path)


def repeated(result: ModuleResult) -> int:
    """How often the engine began again, as its steps tell; for faults where no server can count."""
    return [step["action"] for step in result["steps"]].count("retrying")


@contextmanager
def fault_bench(store: Store, policy_file: str, directory: Path) -> Iterator[FaultBench]:
    """A fault bench; leaving it fails where the registry was asked for something that no step expects."""
    registries, auth = directory / "registries.conf", directory / "auth.json"
    registries.write_text("", encoding="utf-8")
    auth.write_text(json.dumps({"auths": {}}), encoding="utf-8")
    options = {
        "signature_policy": policy_file,
        "registries_conf": str(registries),
        "authfile": str(auth),
        "validate_certs": False,
        "retries": RETRIES,
        "retry_delay": 0.01,
        "timeout": 10,
    }
    with ScriptedRegistry() as registry:
        yield FaultBench(registry, store, directory, options)
