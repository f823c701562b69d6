#!/usr/bin/python
# Copyright: the guestlua authors
# The licence is that of guestlua: see LICENSE.

from __future__ import absolute_import, division, print_function

__metaclass__ = type

DOCUMENTATION = r"""
module: guest
short_description: Has a guest run, be off, or reboot
description:
  - By the workflows of guestlua, which finish or take back what they have begun.
  - In diff mode C(diff) has the guest's XML before and after.
options:
  name:
    description: The guest's name or UUID.
    type: str
    required: true
  state:
    description: How the guest is to be. V(rebooted) always reboots it.
    type: str
    choices: [running, stopped, rebooted]
    required: true
  options:
    description: Options of the workflow (ensure_running, ensure_stopped, reboot), as force or timeout.
    type: dict
    default: {}
extends_documentation_fragment: guestlua.guestlua.run
author: The guestlua authors (!UNKNOWN)
"""

EXAMPLES = r"""
- guestlua.guestlua.guest:
    name: web
    state: stopped
    options: {timeout: 120, force: true}
"""

RETURN = r"""
workflow: {description: What the workflow gave., type: dict, returned: success}
plan: {description: What a dry run did not do., type: list, returned: always}
recovered: {description: "What was taken back first, of runs that were killed.", type: list, returned: always}
error: {description: "The fields of guestlua's Error.", type: dict, returned: failure}
"""

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.guestlua.guestlua.plugins.module_utils import run as runner

WORKFLOWS = dict(running="ensure_running", stopped="ensure_stopped", rebooted="reboot")


def main():
    module = AnsibleModule(
        argument_spec=dict(
            name=dict(type="str", required=True),
            state=dict(type="str", choices=sorted(WORKFLOWS), required=True),
            options=dict(type="dict", default={}),
            **runner.COMMON
        ),
        supports_check_mode=True,
    )
    params = module.params
    runner.workflow(module, WORKFLOWS[params["state"]], params["name"], params["options"])


if __name__ == "__main__":
    main()
