#!/usr/bin/python
# Copyright: the guestlua authors
# The licence is that of guestlua: see LICENSE.

from __future__ import absolute_import, division, print_function

__metaclass__ = type

DOCUMENTATION = r"""
module: guestlua
short_description: Runs a guestlua script or workflow on a libvirt host
description:
  - Runs a Lua script by C(guestlua), and says what it returned and which calls changed something.
  - In check mode it is a dry run, and C(plan) is what would be done. In diff mode C(diff) has the XML of a workflow's guest before and after.
options:
  script:
    description: Path of a script on the host. One of this, O(source) and O(workflow) is needed.
    type: path
  source:
    description: The script itself.
    type: str
  workflow:
    description: The name of a workflow, as C(snapshot_revert).
    type: str
  guest:
    description: The name or UUID of the workflow's guest. One that is for a host has none.
    type: str
  options:
    description: The workflow's options.
    type: dict
    default: {}
  args:
    description: Arguments of the script, or what the workflow takes between its guest and its options.
    type: list
    elements: str
    default: []
  stdin:
    description: What the script reads from standard input, as for a password. It is never shown.
    type: str
extends_documentation_fragment: guestlua.guestlua.run
author: The guestlua authors (!UNKNOWN)
"""

EXAMPLES = r"""
- guestlua.guestlua.guestlua:
    source: |
      local host <close> = guestlua.open()
      return guestlua.workflow.snapshot_then_commit(host:guest(arg[1], { required = true }))
    args: [web]
    timeout: 3600
- guestlua.guestlua.guestlua:
    workflow: snapshot_revert
    guest: web
    options: {name: before, force: true}
    recover: true
"""

RETURN = r"""
workflow: {description: What the workflow gave., type: dict, returned: if O(workflow) was given and succeeded}
returned: {description: What the script returned., type: list, returned: always}
calls: {description: "The calls that change something, with their outcome.", type: list, returned: always}
workflows: {description: The workflows that ran., type: list, returned: always}
plan: {description: What a dry run did not do., type: list, returned: always}
recovered: {description: "What was taken back first, of runs that were killed.", type: list, returned: always}
error: {description: "The fields of guestlua's Error.", type: dict, returned: failure}
"""

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.guestlua.guestlua.plugins.module_utils import run as runner


def main():
    module = AnsibleModule(
        argument_spec=dict(
            script=dict(type="path"),
            source=dict(type="str"),
            workflow=dict(type="str"),
            guest=dict(type="str"),
            options=dict(type="dict", default={}),
            args=dict(type="list", elements="str", default=[]),
            stdin=dict(type="str", no_log=True),
            **runner.COMMON
        ),
        mutually_exclusive=[("script", "source", "workflow"), ("workflow", "stdin")],
        required_one_of=[("script", "source", "workflow")],
        required_by=dict(guest="workflow"),
        supports_check_mode=True,
    )
    params = module.params
    if params["workflow"] is not None:
        runner.workflow(module, params["workflow"], params["guest"], params["options"], params["args"])
    if params["source"] is not None:
        ended = runner.run_source(module, params["source"], params["args"], params["stdin"])
    else:
        ended = runner.run(module, params["script"], params["args"], params["stdin"])
    runner.finish(module, *ended)


if __name__ == "__main__":
    main()
