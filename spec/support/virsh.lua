-- The rows of lua/guestlua/prompt/virsh.lua, and how the specs run their lines. Each line of each row runs somewhere: `virsh.place` says where.

local guestlua = require("guestlua")

local virsh = {}

local function number_of(version)
  local major, minor = version:match("^(%d+)%.(%d+)")
  return tonumber(major) * 1000 + tonumber(minor)
end

-- Whether a version, as "11.2", is after another one.
function virsh.is_after(version, other)
  return number_of(version) > number_of(other)
end

-- All rows, in their order: {command, preamble, lines, none, since}.
function virsh.rows()
  local rows = {}
  for _, section in ipairs(require("guestlua.prompt.virsh")) do
    for _, row in ipairs({ table.unpack(section, 3) }) do
      rows[#rows + 1] = { command = row[1], preamble = section[2], lines = { table.unpack(row, 2) }, none = row.none, since = row.since }
    end
  end
  return rows
end

-- Rows of a newer virsh with lines that call nothing that libvirt has only since then.
local OF_OLD = { await = true, domthrottlegroupinfo = true, domthrottlegrouplist = true, ["hypervisor-cpu-models"] = true }

-- Whether the libvirt that this was built with is older than what the row's lines call.
function virsh.is_newer(row)
  return row.since ~= nil and not OF_OLD[row.command] and virsh.is_after(row.since, guestlua.version.libvirt_compiled)
end

-- Where lines run that do not run on test:///default. "daemon": a libvirtd without guests, "guest": a guest that runs, "hosts": one of two hosts,
-- "dry": a dry run on test:///default, as this machine would be changed, or has no such device.
local PLACES = {
  daemon = [[
    domxml-to-native domxml-from-native qemu-attach nodememstats node-memory-tune nodesevinfo domcapabilities cpu-compare hypervisor-cpu-models
    hypervisor-cpu-compare hypervisor-cpu-baseline net-update net-desc net-metadata net-port-list net-port-create net-port-dumpxml net-port-delete
    net-dhcp-leases nwfilter-list nwfilter-dumpxml nwfilter-define nwfilter-edit nwfilter-undefine nwfilter-binding-list nwfilter-binding-create
    nwfilter-binding-dumpxml nwfilter-binding-delete pool-create-as pool-start pool-capabilities vol-resize vol-wipe vol-upload vol-download
    nodedev-info secret-event secret-list secret-dumpxml secret-define secret-set-value secret-get-value secret-undefine]],
  guest = [[
    await managedsave-dumpxml managedsave-define managedsave-edit dump dompmsuspend dompmwakeup qemu-monitor-command domlaunchsecinfo
    domsetlaunchsecstate domdisplay-reload domdirtyrate-calc setvcpu guestvcpus attach-device attach-disk attach-interface detach-device
    detach-device-alias detach-disk detach-interface update-device change-media domblkthreshold blkdeviotune domthrottlegroupset
    domthrottlegroupdel domif-setlink blockcommit blockpull blockcopy blockresize blockjob domjobinfo domjobabort migrate-setmaxdowntime
    migrate-getmaxdowntime migrate-setspeed migrate-getspeed migrate-compcache migrate-postcopy qemu-agent-command guest-agent-timeout guestinfo
    domfsinfo get-user-sshkeys set-user-sshkeys backup-begin backup-dumpxml qemu-monitor-event dom-fd-associate]],
  hosts = "migrate",
  dry = "nodesuspend allocpages update-memory-device nodedev-define nodedev-undefine nodedev-start nodedev-autostart nodedev-detach "
    .. "nodedev-reattach nodedev-reset nodedev-update",
}
-- Places for each line of a command.
local MIXED = {
  schedinfo = { "test", "guest" }, domblkstat = { "test", "guest" }, domifaddr = { "test", "guest" },
  ["snapshot-create-as"] = { "test", "guest", "guest" }, ["snapshot-revert"] = { "test", "test", "guest" },
  ["snapshot-delete"] = { "test", "test", "guest" },
}

local place_of = {}
for place, commands in pairs(PLACES) do
  for command in commands:gmatch("[%w-]+") do
    place_of[command] = place
  end
end

function virsh.place(row, index)
  return MIXED[row.command] and MIXED[row.command][index] or place_of[row.command] or "test"
end

local function reversed(text)
  local lines = {}
  for line in text:gmatch("[^\n]+") do
    table.insert(lines, 1, line)
  end
  return lines
end

-- The line after what it needs of what its section begins with: an expression, or statements. nil and the reason if it is not Lua.
function virsh.source(row, line)
  local before, used = "", line
  for _, declaration in ipairs(reversed(row.preamble)) do
    if used:find("%f[%w_]" .. declaration:match("^local (%w+)") .. "%f[^%w_]") then
      before, used = declaration .. "\n" .. before, declaration .. "\n" .. used
    end
  end
  local expression = before .. "return " .. line
  if load(expression, "=" .. line, "t") then
    return expression
  end
  local ok, why = load(before .. line, "=" .. line, "t")
  return ok and before .. line, why
end

-- ---- what there is on test:///default ----

virsh.GUEST = [[
<domain type='test'><name>%s</name><memory>4194304</memory><vcpu>4</vcpu><os><type>hvm</type></os><devices>
  <disk type='file'><source file='/made'/><target dev='vda'/></disk>
  <disk type='file' device='cdrom'><source file='/made.iso'/><target dev='sda' bus='sata'/></disk>
  <interface type='network'><mac address='52:54:00:00:00:01'/><source network='default'/></interface>
  <console type='pty' tty='/dev/pts/3'/><graphics type='vnc' port='5901' autoport='no'/>
</devices></domain>]]
virsh.POOL = "<pool type='dir'><name>%s</name><target><path>/var/tmp/%s</path></target></pool>"
virsh.VOLUME = "<volume><name>%s</name><capacity>1048576</capacity><target><format type='qcow2'/></target></volume>"

-- A Host on a fresh test driver, its guest web1, which runs, and its pool images. A guest with snapshots can have no checkpoint.
function virsh.world(with_checkpoint)
  local host = guestlua.open("test:///default")
  local guest = host:define_xml(virsh.GUEST:format("web1"))
  guest:launch()
  local pool = host:storage_pool_define_xml(virsh.POOL:format("images", "images"))
  pool:create()
  pool:create_xml(virsh.VOLUME:format("web1.qcow2"))
  if with_checkpoint then
    guest:checkpoint_create_xml("<domaincheckpoint><name>monday</name></domaincheckpoint>")
  else
    guest:snapshot_create_xml("<domainsnapshot><name>before</name></domainsnapshot>")
    guest:snapshot_create_xml("<domainsnapshot><name>other</name></domainsnapshot>")
  end
  return host, guest, pool
end

-- Runs a line on a Host. replace: a list of {text, other text}, for names that are different there; values: what is global besides guestlua.
function virsh.run(row, line, host, replace, values)
  local source = assert(virsh.source(row, line))
  for _, pair in ipairs(replace) do
    source = source:gsub((pair[1]:gsub("%p", "%%%0")), (pair[2]:gsub("%%", "%%%%")))
  end
  local environment = {
    guestlua = setmetatable({ open = values.open or function() return host end }, { __index = guestlua }),
    print = values.print or function(first)
      assert(first ~= nil, "it prints nil")
    end,
  }
  setmetatable(environment, { __index = function(_, key)
    return values[key] ~= nil and values[key] or _G[key] or error("no such variable: " .. key, 2)
  end })
  return assert(load(source, "=" .. line, "t", environment))()
end

return virsh
