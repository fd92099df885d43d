# Copyright (c) 2026, Strata contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change in any release.
"""Runs one verb as an Ansible module: parameters in, the verb's outcome or error out."""

from __future__ import annotations

import gc
import signal
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NoReturn

from ansible.module_utils.basic import AnsibleModule, missing_required_lib

from .._config.paths import ConfigPaths
from .._engine.outcome import Outcome
from .._errors import MissingLibraryError, StrataError
from .._report import Reporter
from .specs import Spec

# Ansible's -vvv: the verbosity from which a result carries the steps that were taken.
_VERBOSITY_OF_STEPS = 3


@dataclass(frozen=True)
class Task:
    """What a verb may know of the task that runs it."""

    params: dict[str, Any]
    paths: ConfigPaths
    reporter: Reporter
    check_mode: bool


def run_verb(options: Spec, verb: Callable[[Task], Outcome], **constraints: Any) -> NoReturn:
    """Runs ``verb`` with the module's parameters and leaves the process with its result.

    ``constraints`` go to AnsibleModule (``required_if`` and the like). Every module supports check mode and diff mode.
    """
    _die_of_interrupts_at_once()
    _keep_from_collector()
    module = AnsibleModule(argument_spec=options, supports_check_mode=True, **constraints)
    reporter = Reporter()
    try:
        task = Task(module.params, ConfigPaths.of_this_user(), reporter, module.check_mode)
        outcome = verb(task)
    except StrataError as error:
        _fail(module, reporter, error, {"changed": False})
    except Exception as error:  # a defect of the engine; the traceback goes where Ansible shows it at -vvv only
        module.fail_json(
            msg=f"unexpected {type(error).__name__}: {error}; this is a defect of strata.containers, please report it",
            exception=traceback.format_exc(),
            changed=False,
            error={"code": "internal", "message": str(error), "object": "", "wanted": "", "found": ""},
        )
    result = {"changed": outcome.changed, **outcome.facts}
    if module._diff:
        result["diff"] = {"before": outcome.before, "after": outcome.after}
    if outcome.failure is not None:
        _fail(module, reporter, outcome.failure, result)
    _speak(module, reporter, result)
    _keep_from_collector()
    module.exit_json(**result)
    raise AssertionError("exit_json returned")


def _die_of_interrupts_at_once() -> None:
    """Makes SIGINT end the process as SIGTERM does: the store survives every kill, and the next run takes the rest away.

    The exception that Python raises for it would wait for downloads, for as long as their registry is silent.
    """
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        signal.signal(signal.SIGINT, signal.SIG_DFL)


def _keep_from_collector() -> None:
    """Tells Python's collector of cyclic garbage to look no more at the objects that there are.

    Before the verb these are those of the imports, which stay to the end. After it they are the records of a store too, by
    the ten thousand, which the collector would walk through twice while the process ends, and take apart one by one.
    Meanwhile it works as ever: a pull may take hours, and what errors and connections leave in cycles has to go.
    """
    gc.freeze()


def _fail(module: AnsibleModule, reporter: Reporter, error: StrataError, result: dict[str, Any]) -> NoReturn:
    message = str(error)
    if isinstance(error, MissingLibraryError):
        message = missing_required_lib(error.library, reason=error.reason)
    _speak(module, reporter, result)
    _keep_from_collector()
    module.fail_json(msg=message, error=error.facts(), **result)
    raise AssertionError("fail_json returned")


def _speak(module: AnsibleModule, reporter: Reporter, result: dict[str, Any]) -> None:
    for warning in reporter.warnings:
        module.warn(warning)
    if module._verbosity >= _VERBOSITY_OF_STEPS:
        result["steps"] = reporter.steps
