# Copyright: the guestlua authors
# The licence is that of guestlua: see LICENSE.

from __future__ import absolute_import, division, print_function

__metaclass__ = type

DOCUMENTATION = r"""
name: guests
short_description: Libvirt hosts and their guests
description:
  - The guests of libvirt hosts, and the hosts themselves, as C(guestlua) sees them from this machine. One process asks all hosts, beside each other.
  - The name of the configuration ends in C(guestlua.yml) or C(guestlua.yaml).
  - Groups are C(guests), C(hypervisors), C(state_running) and so on by libvirt's word for the state, C(host_NAME) by the host, and C(tag_NAME) by each tag
    in the guest's metadata.
  - Guests have C(guestlua_name), C(guestlua_uuid), C(guestlua_host), C(guestlua_uri) of that host, C(guestlua_state), C(guestlua_active),
    C(guestlua_persistent), C(guestlua_tags), C(guestlua_title), C(guestlua_description), C(guestlua_vcpus), C(guestlua_memory_kib),
    C(guestlua_addresses), and C(ansible_host) if they have an address. Hypervisors have C(guestlua_uri) and what the URI says of how to get there.
  - A host that does not answer is a warning that names it, and the others go on.
extends_documentation_fragment:
  - constructed
  - inventory_cache
options:
  plugin:
    description: This plugin's name.
    type: str
    required: true
    choices: [guestlua.guestlua.guests]
  hosts:
    description:
      - A list of libvirt's URIs, or of C(name) and C(uri).
      - Or the path of a file with NAME URI, or a URI alone, on each line; it is relative to the configuration.
    type: raw
    required: true
  addresses:
    description: Who is asked for a guest's addresses, until one knows some. The agent and the leases that are asked are of running guests.
    type: list
    elements: str
    choices: [agent, lease, arp]
    default: [agent, lease]
  inventory_hostname:
    description:
      - What guests are called here.
      - If several hosts have a guest of that name, it is the one that runs. If that says nothing it is the first one. A warning names them.
      - V(qualified) is the host's name, C(_), and the guest's name.
    type: str
    choices: [name, uuid, qualified]
    default: name
  tags_uri:
    description: The namespace of the element with the tags in a guest's metadata. Each of its children C(tag) has one.
    type: str
    default: urn:guestlua:tags
  timeout:
    description: Seconds that each host has to connect, and again for its answer.
    type: float
    default: 30
  strict:
    description: Whether a host that does not answer, a guest that cannot be listed and a template that fails are an error, and no warning.
    type: bool
    default: false
  executable:
    description: The program.
    type: str
    default: guestlua
author: The guestlua authors (!UNKNOWN)
"""

EXAMPLES = r"""
# hosts.guestlua.yml; virsh metadata web urn:guestlua:tags --key tags --set '<tags><tag>shop</tag></tags>' tags a guest
plugin: guestlua.guestlua.guests
hosts:
  - qemu+ssh://root@one/system
  - {name: two, uri: qemu+ssh://root@192.0.2.2/system}
keyed_groups:
  - {key: guestlua_persistent | ternary('kept', 'transient'), separator: ""}
groups:
  big: guestlua_memory_kib > 4194304
compose:
  ansible_user: "'admin'"
"""

import ipaddress
import json
import os
import re
import subprocess
import tempfile

from ansible.errors import AnsibleParserError
from ansible.module_utils.common.text.converters import to_bytes, to_text
from ansible.plugins.inventory import BaseInventoryPlugin, Cacheable, Constructable
from ansible.utils.unsafe_proxy import wrap_var

SCRIPT = r"""
local wanted = require("dkjson").decode(io.read("a"))
local fleet <close> = guestlua.fleet(wanted.hosts, { readonly = not wanted.agent, connect_timeout = wanted.timeout })

local function words(e)
  return e.message or e -- a text has no message
end

local function has_agent(devices)
  for _, channel in ipairs(devices:children("channel")) do
    if channel.target and channel.target.name == "org.qemu.guest_agent.0" and channel.target.state == "connected" then
      return true
    end
  end
end

-- Those of its own interfaces: what else there is in the guest, as bridges of containers, is reached by nobody.
local function addresses_of(guest, devices)
  local own = {}
  for _, interface in ipairs(devices:children("interface")) do
    own[interface.mac and interface.mac.address or ""] = true
  end
  for _, source in ipairs(next(own) and wanted.addresses or {}) do
    local found, ok, interfaces = {}, true, {}
    if source ~= "agent" or has_agent(devices) then
      ok, interfaces = pcall(guest.interface_addresses, guest, { source = source, timeout = 10 })
    end
    if not ok and (interfaces.kind == "cancelled" or interfaces.kind == "interrupted") then
      error(interfaces, 0)
    end
    for _, interface in ipairs(ok and interfaces or {}) do
      for _, one in ipairs(own[interface.hwaddr] and interface.addrs or {}) do
        found[#found + 1] = { interface = interface.name, mac = interface.hwaddr, address = one.addr, prefix = one.prefix, source = source }
      end
    end
    if #found > 0 then
      return found
    end
  end
  return {}
end

local function describe(guest)
  local info, xml, tags = guest:get_info(), guest:get_xml_desc(), {}
  local domain = guestlua.element(xml)
  local kept = xml:find(wanted.tags_uri, 1, true) and guest:get_metadata({ uri = wanted.tags_uri })
  for _, tag in ipairs(kept and kept:children("tag") or {}) do
    tags[#tags + 1] = tag[1]
  end
  return {
    name = guest.name, uuid = guest.uuid, state = info.domain_state, active = info.id ~= -1, tags = tags,
    persistent = guest:has_persistent_configuration(), vcpus = info.num_cpu, memory_kib = info.mem_kb,
    title = domain.title and domain.title[1] or "", description = domain.description and domain.description[1] or "",
    addresses = info.id ~= -1 and domain.devices and addresses_of(guest, domain.devices) or {},
  }
end

local function guests_of(host)
  local found, problems = {}, {}
  guestlua.map(host:guests(), function(guest)
    local open <close> = guest
    local ok, one = pcall(describe, open)
    if ok then
      found[#found + 1] = one
    elseif one.kind == "cancelled" or one.kind == "interrupted" then
      error(one, 0)
    elseif one.kind ~= "no_domain" then -- it went while this looked
      problems[#problems + 1] = ("guest %s: %s"):format(open.name, words(one))
    end
  end, { limit = 4 })
  table.sort(found, function(a, b) return a.name < b.name end)
  return { guests = found, problems = problems }
end

local uris, answer = {}, {}
for _, one in ipairs(fleet.hosts) do
  uris[one.name] = one.uri
end
for i, row in ipairs(fleet:each(guests_of, { host_timeout = wanted.timeout })) do
  local value = row.value or {}
  answer[i] = { name = row.host, uri = uris[row.host], error = not row.ok and words(row.error) or nil, guests = value.guests or {},
    problems = value.problems or {} }
end
return answer
"""

# What a URI says of the way to its host.
REMOTE = re.compile(r"^[\w.]+(?:\+\w+)?://(?:([^@/]+)@)?(\[[^\]/]+\]|[^:/?]+)(?::(\d+))?(?:[/?]|$)")


def usable(address):
    """Whether this is an address at which a guest can be reached: its agent may say anything."""
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return False
    return not (parsed.is_loopback or parsed.is_link_local or parsed.is_multicast or parsed.is_unspecified)


def best(addresses):
    """The first IPv4 address, or else the first one."""
    good = [one["address"] for one in addresses if usable(one["address"])]
    return next((address for address in good if ":" not in address), good[0] if good else None)


def misleads(name):
    """ssh would take it for an option, Ansible for a template, wherever a template has the name, for a group, or for this machine."""
    return name.startswith("-") or re.search("[{}]", name) or name in ("all", "ungrouped", "guests", "hypervisors", "localhost", "127.0.0.1", "::1")


def untrusted(value):
    """What others wrote is no template, whatever it looks like."""
    if isinstance(value, dict):
        return dict((key, untrusted(one)) for key, one in value.items())
    if isinstance(value, list):
        return [untrusted(one) for one in value]
    if isinstance(value, str) and re.search("[{}]", value):
        return wrap_var(value)
    return value


def way_to(uri):
    """Variables with which Ansible connects to a hypervisor."""
    found = REMOTE.match(uri)
    if not found or uri.startswith("test:") or "+unix:" in uri:
        return dict(ansible_connection="local")
    user, host, port = found.groups()
    more = dict(ansible_host=host.strip("[]"))
    if "ssh" in uri.split(":", 1)[0]:
        more.update(dict((key, value) for key, value in (("ansible_user", user), ("ansible_port", int(port) if port else None)) if value))
    return more


class InventoryModule(BaseInventoryPlugin, Constructable, Cacheable):
    NAME = "guestlua.guestlua.guests"

    def verify_file(self, path):
        return super(InventoryModule, self).verify_file(path) and path.endswith(("guestlua.yml", "guestlua.yaml"))

    def parse(self, inventory, loader, path, cache=True):
        super(InventoryModule, self).parse(inventory, loader, path, cache)
        self._read_config_data(path)
        key, kept = self.get_cache_key(path), self.get_option("cache")
        hosts = self._cache.get(key) if kept and cache else None
        if hosts is None:
            hosts = self._ask(path)
            if kept:
                self._cache[key] = hosts
        for group in ("hypervisors", "guests"):
            inventory.add_group(group)
        for host in hosts:
            self._add_hypervisor(host)
        self._add_guests(hosts)

    def _problem(self, message):
        if self.get_option("strict"):
            raise AnsibleParserError(message)
        self.display.warning(message)

    def _ask(self, path):
        hosts = self.get_option("hosts")
        if isinstance(hosts, str):
            hosts = os.path.join(os.path.dirname(os.path.abspath(path)), os.path.expanduser(hosts))
        asked = self.get_option("addresses")
        wanted = dict(hosts=hosts, addresses=asked, agent="agent" in asked, timeout=self.get_option("timeout"), tags_uri=self.get_option("tags_uri"))
        program = os.path.expanduser(self.get_option("executable"))
        handle, script = tempfile.mkstemp(prefix="guestlua.", suffix=".lua")
        try:
            with os.fdopen(handle, "w") as file:
                file.write(SCRIPT)
            child = subprocess.Popen([program, "-q", "--result", "-", script], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
            out, err = child.communicate(to_bytes(json.dumps(wanted)))
        except OSError as e:
            raise AnsibleParserError("cannot run %s: %s" % (program, e))
        finally:
            os.unlink(script)
        try:
            document = json.loads(to_text(out).splitlines()[-1])
        except (IndexError, ValueError):
            raise AnsibleParserError("%s gave no result: %s" % (program, to_text(err).strip() or "exit code %d" % child.returncode))
        if not document.get("ok"):
            raise AnsibleParserError("guestlua: %s" % (document.get("error") or {}).get("text"))
        for warning in document.get("warnings", []):
            self.display.warning(warning["message"])
        return document["results"][0]

    def _add_hypervisor(self, host):
        for problem in ([host["error"]] if host.get("error") else []) + host["problems"]:
            self._problem(problem if problem.startswith(host["name"] + ":") else "%s: %s" % (host["name"], problem))
        if not host.get("uri"):
            return  # a line of the configuration that names none
        name = self.inventory.add_host(host["name"], group="hypervisors")
        for key, value in dict(way_to(host["uri"]), guestlua_uri=host["uri"]).items():
            self.inventory.set_variable(name, key, value)
        self._construct(name)

    def _add_guests(self, hosts):
        found, hypervisors = {}, [host["name"] for host in hosts]
        for host in hosts:
            for guest in host["guests"]:
                found.setdefault(self._name_of(host, guest), []).append((host, guest))
        for name, several in found.items():
            running = [one for one in several if one[1]["active"]]
            host, guest = (running or several)[0]
            if name in hypervisors:
                self._problem("%s: the guest %s is left out: a host has that name" % (host["name"], name))
                continue
            if len(several) > 1:
                self._problem("several hosts have a guest %s: %s; here it is that of %s" % (name, ", ".join(one[0]["name"] for one in several), host["name"]))
            self._add_guest(name, host, guest)

    def _name_of(self, host, guest):
        how = self.get_option("inventory_hostname")
        name = guest["uuid"] if how == "uuid" else guest["name"]
        name = "%s_%s" % (host["name"], name) if how == "qualified" else name
        return guest["uuid"] if misleads(name) else name

    def _add_guest(self, name, host, guest):
        groups = ["guests", "state_" + guest["state"], "host_" + host["name"]] + ["tag_" + tag for tag in guest["tags"]]
        self.inventory.add_host(name)
        for group in groups:
            self.inventory.add_child(self.inventory.add_group(self._sanitize_group_name(re.sub("[{}]", "_", group))), name)
        variables = dict(("guestlua_" + key, untrusted(value)) for key, value in guest.items())
        variables.update(guestlua_host=host["name"], guestlua_uri=host["uri"])
        address = best(guest["addresses"])
        if address:
            variables["ansible_host"] = address
        for key, value in variables.items():
            self.inventory.set_variable(name, key, value)
        self._construct(name)

    def _construct(self, name):
        strict, variables = self.get_option("strict"), self.inventory.get_host(name).get_vars()
        self._set_composite_vars(self.get_option("compose"), variables, name, strict=strict)
        self._add_host_to_composed_groups(self.get_option("groups"), variables, name, strict=strict)
        self._add_host_to_keyed_groups(self.get_option("keyed_groups"), variables, name, strict=strict)
