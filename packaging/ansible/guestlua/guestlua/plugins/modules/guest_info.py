#!/usr/bin/python
# Copyright: the guestlua authors
# The licence is that of guestlua: see LICENSE.

from __future__ import absolute_import, division, print_function

__metaclass__ = type

DOCUMENTATION = r"""
module: guest_info
short_description: Says what guests a libvirt host has
description: Names, UUIDs, states and statistics of guests. Nothing is changed.
options:
  names:
    description: Only these guests; default all.
    type: list
    elements: str
extends_documentation_fragment: guestlua.guestlua.run
author: The guestlua authors (!UNKNOWN)
"""

EXAMPLES = r"""
- guestlua.guestlua.guest_info:
  register: found
- debug: msg="{{ found.guests.web.state }}"
"""

RETURN = r"""
recovered: {description: "What was taken back first, of runs that were killed.", type: list, returned: always}
guests: {description: "By name: uuid, active, state, stats.", type: dict, returned: success}
"""

import json

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.guestlua.guestlua.plugins.module_utils import run as runner

SCRIPT = r"""
local wanted = require("dkjson").decode(io.read("a"))
local host <close> = guestlua.open(nil, { readonly = true })
local stats, guests = host:stats({ guests = wanted.names, nowait = true }), {}
local function look(name, one)
  local guest <close> = host:guest(name, { required = true })
  return { uuid = guest.uuid, active = guest:is_active(), state = guest:get_info().domain_state, stats = one }
end
for name, one in pairs(stats) do
  local ok, found = pcall(look, name, one)
  if ok then
    guests[name] = found
  elseif not guestlua.Error.is(found, "no_domain") then -- it went while this looked
    error(found, 0)
  end
end
return guests
"""


def main():
    module = AnsibleModule(
        argument_spec=dict(names=dict(type="list", elements="str"), **runner.COMMON),
        supports_check_mode=True,
    )
    document, code, out, err = runner.run_source(module, SCRIPT, data=json.dumps(dict(names=module.params["names"])))
    results = document.get("results") or [{}]
    runner.finish(module, document, code, out, err, own=True, guests=results[0] or {})


if __name__ == "__main__":
    main()
