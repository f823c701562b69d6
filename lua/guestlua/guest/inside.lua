-- What the guest's agent says of the system inside, as tables: libvirt's "fs.0.mountpoint" is list[1].mountpoint.

local core = require("guestlua.core")
local define = require("guestlua.base.define")

-- "disk.0.name" is a name in the first of a list; "disk.count" says how long that is.
local function set(into, path, value)
  local steps = {}
  for step in path:gmatch("[^.]+") do
    steps[#steps + 1] = step
  end
  local last = #steps
  if steps[last] == "count" then -- also of an empty list
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
  return result[prefix] or {}
end

local ROWS = {
  { "os_info", "os", "os", "a table: id, name, pretty_name, version, version_id, kernel_release, kernel_version, machine, variant, variant_id; "
    .. "what the guest does not say is missing", "The operating system in the guest, as its agent says." },
  { "users", "users", "user", "a list of tables: name, domain (of Windows), login_time (milliseconds since 1970)", "Who is logged in in the guest." },
  { "filesystems", "filesystems", "fs", "a list of tables: mountpoint, name, fstype, total_bytes, used_bytes, disk (a list of alias, serial, device)",
    "The file systems that are mounted in the guest." },
  { "disks", "disks", "disk", "a list of tables: name, partition, dependency, alias, guest_alias, guest_bus, serial, device",
    "The disks and partitions as the guest sees them." },
  { "interfaces", "interfaces", "if", "a list of tables: name, hwaddr, addr (a list of type, addr, prefix)",
    "The network interfaces in the guest, with the addresses that they have there." },
}

for _, row in ipairs(ROWS) do
  local name, what, prefix, returns, help = table.unpack(row)
  define(core.Guest, "Guest", {
    name = name,
    method = true,
    help = help .. " By virDomainGetGuestInfo; what a guest says of itself it can make up.",
    result = { "table" },
    returns = returns,
    blocks = true,
    run = function(guest)
      return ask(guest, what, prefix)
    end,
  })
end
