# Copyright (c) 2026, Strata contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The options that say how registries are reached; the spec is _module/specs.REGISTRY."""

from __future__ import annotations


class ModuleDocFragment:
    DOCUMENTATION = r"""
options:
  authfile:
    description:
      - File with registry credentials, in the format of C(auth.json). No other file is read then.
      - >-
        When unset, E(REGISTRY_AUTH_FILE), else C(config.json) in E(DOCKER_CONFIG) is that file. When these are unset too, the files of the
        user who runs the module (with C(become), of the user become) are read where podman looks, and the first that has credentials
        counts. Those are C(containers/auth.json) in E(XDG_RUNTIME_DIR) and in C(~/.config), C(~/.docker/config.json) and C(~/.dockercfg).
      - >-
        A directory that a variable such as E(XDG_RUNTIME_DIR) names does not count when it belongs to another user, since C(become)
        may keep the environment of the user who logged in.
      - >-
        Credential helpers are asked that C(credHelpers) in a file or C(credential-helpers) in C(registries.conf) names. Other than
        podman, this also asks the C(credsStore) of docker and takes C(username) and C(password) from an entry in plain text.
    type: path
    aliases: [auth_file]
  username:
    description:
      - User name for the registry. Needs O(password), and goes before every file.
      - It is not shown to a mirror on another host.
    type: str
  password:
    description: Password or token for O(username).
    type: str
  validate_certs:
    description:
      - Whether the registry's certificate must be valid.
      - When unset, C(registries.conf) decides for each endpoint (C(insecure)).
      - V(false) also allows http where https is not spoken, as podman's C(--tls-verify=false) does. V(true) overrides C(insecure).
    type: bool
    aliases: [tls_verify, tlsverify]
  cert_dir:
    description:
      - Directory with CA certificates (C(*.crt)) that are trusted beside the system's, and client certificates (C(*.cert) with C(*.key)).
      - >-
        When unset, the directory named after the registry in C(~/.config/containers/certs.d), C(/etc/containers/certs.d) or
        C(/etc/docker/certs.d), the first that exists.
    type: path
    aliases: [ca_cert_dir]
  registries_conf:
    description:
      - The C(registries.conf) to read in place of the host's main file. Drop-ins (C(registries.conf.d)) of the system and of the user are
        read after it.
      - >-
        When unset, it is found where podman finds it: E(CONTAINERS_REGISTRIES_CONF) on the target, the user's
        C(~/.config/containers/registries.conf) with the drop-ins beside it, or C(/etc/containers/registries.conf) with the drop-ins of the
        system and of the user.
      - >-
        Mirrors, blocked and insecure registries, rewriting, wildcards, aliases of short names, search registries and credential helpers
        hold as for podman. A main file of version 1 is understood. A file that podman would refuse is an error that names it.
    type: path
  timeout:
    description: Seconds without a byte from the registry after which a request has failed, or the rest of a layer is asked for anew.
    type: int
    default: 60
  retries:
    description:
      - How often the copy of an image is repeated after a failure that may pass, such as a lost connection or an overloaded gateway.
      - What was fetched by then is not fetched again. Wrong credentials, wrong digests and failures of TLS are not repeated.
    type: int
    default: 3
    aliases: [retry]
  retry_delay:
    description: Seconds before the first repetition. The pause doubles each time, up to a minute.
    type: float
    default: 1.0
requirements:
  - urllib3 on targets
  - tomli on targets whose Python is older than 3.11, when there is a C(registries.conf)
"""
