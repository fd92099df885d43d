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
      - File with registry credentials, in the format of C(auth.json). Nothing else is read then.
      - When unset, the places where podman looks are searched in its order.
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
      - When unset, C(certs.d) of the target applies.
    type: path
    aliases: [ca_cert_dir]
  registries_conf:
    description:
      - The C(registries.conf) to read. When unset, it is found where podman finds it.
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
  - requests on targets
  - tomli on targets whose Python is older than 3.11, when there is a C(registries.conf)
"""
