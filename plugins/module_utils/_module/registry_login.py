# Copyright (c) 2026, Strata contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change in any release.
"""The module registry_login: its options, and the verb it runs."""

from __future__ import annotations

from .._config.registries_conf import RegistriesConf, load_registries_conf
from .._engine.connect import connection_options
from .._engine.login import LoginKeeper
from .._engine.outcome import Outcome
from .._engine.retry import Retry
from .._errors import UsageError
from .._model.credentials import Credentials
from .._model.login_name import LoginName, parse_login_name
from .._model.reference import Reference
from .._registry.login import check_login
from .run import Task
from .specs import REGISTRY, merged

PRESENT, ABSENT = "present", "absent"

OPTIONS = merged(
    {
        **REGISTRY,
        "authfile": {"type": "path", "aliases": ["auth_file", "config_path"]},
        "cert_dir": {"type": "path", "aliases": ["ca_cert_dir", "certdir"]},
    },
    {
        "registry": {"type": "str", "aliases": ["registry_url", "url"]},
        "state": {"type": "str", "choices": [PRESENT, ABSENT], "default": PRESENT},
        "all": {"type": "bool", "default": False},
    },
)

CONSTRAINTS = {
    "required_together": [("username", "password")],
    "required_if": [("state", PRESENT, ("registry", "username", "password")), ("all", False, ("registry",))],
}


class AllAndMore(UsageError):
    """``all`` is for a logout, and names everything."""

    code = "usage"


def verb(task: Task) -> Outcome:
    """The login as the task wants it, present or absent."""
    params = task.params
    if params["all"] and (params["state"] == PRESENT or params["registry"] is not None):
        raise AllAndMore("the option all goes with state absent, and with no registry")
    name = None if params["all"] else parse_login_name(params["registry"])
    conf = load_registries_conf(task.paths, params["registries_conf"])
    keeper = LoginKeeper(
        task.paths,
        task.reporter,
        authfile=params["authfile"],
        helpers=conf.credential_helpers,
        timeout=float(params["timeout"]),
        check_mode=task.check_mode,
    )
    if name is None:
        return keeper.log_out_everywhere()
    if params["state"] == ABSENT:
        return keeper.log_out(name)
    return keeper.log_in(
        name, params["username"], params["password"], lambda credentials: _verify(task, conf, name, credentials)
    )


def _verify(task: Task, conf: RegistriesConf, name: LoginName, credentials: Credentials) -> None:
    """Asks the registry itself, never a mirror. Raises RegistryBlocked, and what check_login raises."""
    params = task.params
    options = connection_options(
        task.paths,
        name.host,
        insecure=conf.pull_sources(Reference(name.host, "login"))[-1].insecure,
        validate_certs=params["validate_certs"],
        cert_dir=params["cert_dir"],
        timeout=float(params["timeout"]),
    )
    retry = Retry(params["retries"], params["retry_delay"], task.reporter)
    retry.run(name.host, lambda: check_login(name.host, credentials, options, warn=task.reporter.warn))
