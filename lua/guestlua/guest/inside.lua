-- The agent's information on the system in the guest, as tables: libvirt's "fs.0.mountpoint" is list[1].mountpoint.

local core = require("guestlua.core")
local define = require("guestlua.base.define")

-- "disk.0.name" is a name in the first item of a list; "disk.count" is its length.
local function set(into, path, value)
  local steps = {}
  for step in path:gmatch("[^.]+") do
    steps[#steps + 1] = step
  end
  local last = #steps
  if steps[last] == "count" then -- even for an empty list
    last, value = last - 1, nil
  end
  for i = 1, last do
    local key = tonumber(steps[i]) and tonumber(steps[i]) + 1 or steps[i]:gsub("%-", "_")
    if i == last and value ~= nil then
      into[key] = value
    else
      into[key] = type(into[key]) == "table" and into[key] or {}
      into = into[key]
    end
  end
end

local function ask(guest, what, prefix)
  local result = {}
  for name, value in pairs(guest:get_guest_info({ [what] = true })) do
    set(result, name, value)
  end
  return type(result[prefix]) == "table" and result[prefix] or {}
end

-- Fields that are all of one type and need no explanation.
local function strings(...)
  local fields = {}
  for i, name in ipairs({ ... }) do
    fields[i] = { name = name, type = "string?", help = "by the agent's name" }
  end
  return fields
end

local ROWS = {
  { "os_info", "os", "os", "table", "The operating system in the guest, according to its agent. Unknown fields are nil.",
    strings("id", "name", "pretty_name", "version", "version_id", "kernel_release", "kernel_version", "machine", "variant", "variant_id") },
  { "users", "users", "user", "table[]", "Who is logged in in the guest.", {
    { name = "name", type = "string", help = "the user's name" },
    { name = "domain", type = "string?", help = "the user's domain, on Windows" },
    { name = "login_time", type = "integer", help = "milliseconds since 1970" },
  } },
  { "filesystems", "filesystems", "fs", "table[]", "The file systems that are mounted in the guest.", {
    { name = "mountpoint", type = "string", help = "its mount point" },
    { name = "name", type = "string", help = "its device in the guest" },
    { name = "fstype", type = "string", help = "for example \"ext4\"" },
    { name = "total_bytes", type = "integer?", help = "its size" },
    { name = "used_bytes", type = "integer?", help = "its used size" },
    { name = "disk", type = "table[]", help = "the disks that it is on: alias, serial, device" },
  } },
  { "disks", "disks", "disk", "table[]", "The disks and partitions as the guest sees them.", {
    { name = "name", type = "string", help = "its device in the guest" },
    { name = "partition", type = "boolean", help = "whether it is a partition" },
    { name = "dependency", type = "table[]?", help = "the devices that it is made of: name" },
    { name = "alias", type = "string?", help = "the alias of the device in the guest's configuration" },
    { name = "guest_alias", type = "string?", help = "the guest's other name for it" },
    { name = "guest_bus", type = "string?", help = "its bus in the guest" },
    { name = "serial", type = "string?", help = "its serial number" },
    { name = "device", type = "string?", help = "its device node, for example on S390" },
  } },
  { "interfaces", "interfaces", "if", "table[]", "The network interfaces in the guest, with their addresses.", {
    { name = "name", type = "string", help = "for example \"eth0\"" },
    { name = "hwaddr", type = "string?", help = "the MAC address" },
    { name = "addr", type = "table[]?", help = "the addresses: type (\"ipv4\" or \"ipv6\"), addr, prefix" },
  } },
}

for _, row in ipairs(ROWS) do
  local name, what, prefix, result, help, fields = table.unpack(row)
  define(core.Guest, "Guest", {
    name = name,
    method = true,
    help = help .. " By virDomainGetGuestInfo; the guest can make up its answers.",
    result = result,
    fields = fields,
    blocks = true,
    run = function(guest)
      return ask(guest, what, prefix)
    end,
  })
end
