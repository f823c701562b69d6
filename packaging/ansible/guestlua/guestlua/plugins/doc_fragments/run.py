# Copyright: the guestlua authors
# The licence is that of guestlua: see LICENSE.

from __future__ import absolute_import, division, print_function

__metaclass__ = type


class ModuleDocFragment(object):
    # The options that each module has: COMMON in module_utils/run.py.
    DOCUMENTATION = r"""
options:
  uri:
    description: The connection, as C(guestlua -c).
    type: str
  timeout:
    description: Seconds. What is under way then is taken back.
    type: float
  recover:
    description: Takes back first what killed runs have left on the host.
    type: bool
    default: false
  executable:
    description: The program.
    type: path
    default: guestlua
"""
