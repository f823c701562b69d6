-- The plan of a live migration: its flags, disks and time limits.

local chain = require("guestlua.workflow.chain")
local claim = require("guestlua.workflow.claim")
local core = require("guestlua.core")
local define = require("guestlua.base.define")
local names = require("guestlua.disk.names")
local reach = require("guestlua.base.reach")
local state = require("guestlua.workflow.state")
local steps = require("guestlua.workflow.steps")

local NAME = "live_migrate"

-- The reference's: the maximum downtime in ms, its steps, and the seconds per GiB between two steps.
local DOWNTIME, STEPS, DELAY = 500, 10, 75

local plan = {}

-- QEMU's limit of the downtime in ms; and more steps than a migration has time for, as they are counted each time that it is looked at.
plan.MOST_DOWNTIME, plan.MOST_STEPS = 2000 * 1000, 1000

-- ---- numbers ----

-- The size that the limits are counted by, in GiB: the memory and each disk count as 2 at least.
function plan.data_gb(memory_bytes, disk_bytes, disks)
  local gb = math.max(2, memory_bytes / 2^30)
  return disks > 0 and gb + math.max(2 * disks, disk_bytes / 2^30) or gb
end

-- The steps of the maximum downtime: a list of { after (seconds), ms }.
function plan.downtime_steps(gb, longest, count, delay)
  longest, count, delay = longest or DOWNTIME, count or STEPS, math.floor((delay or DELAY) * gb)
  local first, list = longest / count, {}
  for i = 0, count do
    list[#list + 1] = { after = delay * i, ms = math.floor(first + (longest - first) / count * i) }
  end
  return list
end

-- The step that is due; nil: none yet.
function plan.downtime_at(list, elapsed)
  local ms
  for _, step in ipairs(list) do
    ms = elapsed > step.after and step.ms or ms
  end
  return ms
end

-- ---- flags ----

local BITS = {
  live = 1, peer2peer = 2, tunnelled = 4, persist_dest = 8, undefine_source = 16, non_shared_disk = 64, non_shared_inc = 128,
  unsafe = 512, auto_converge = 8192, postcopy = 32768, tls = 65536, parallel = 131072,
}

-- Flags as guest:migrate takes them, an integer or a list of names.
local function has(flags, name)
  if math.type(flags) == "integer" then
    return flags & BITS[name] ~= 0
  end
  for _, flag in ipairs(flags) do
    if flag == name then
      return true
    end
  end
  return false
end

local function with(flags, name)
  if has(flags, name) then
    return flags
  elseif math.type(flags) == "integer" then
    return flags | BITS[name]
  end
  return table.move(flags, 1, #flags, 2, { name })
end

local SWITCHES = { "tunnelled", "tls", "postcopy", "auto_converge", "unsafe" }

local function flags_of(options, persistent)
  local flags = options.flags or (persistent and { "live", "peer2peer", "persist_dest", "undefine_source" } or { "live", "peer2peer" })
  if type(flags) ~= "table" and math.type(flags) ~= "integer" then
    define.bad(NAME, "flags", "an integer or a list of names expected, got " .. core.type_name(flags))
  end
  for _, name in ipairs(SWITCHES) do
    flags = options[name] and with(flags, name) or flags
  end
  flags = options.parallel and options.parallel > 1 and with(flags, "parallel") or flags
  return (options.block or options.migrate_disks and #options.migrate_disks > 0) and with(flags, "non_shared_inc") or flags
end

-- ---- the plan ----

-- The targets of the disks that the destination cannot have already. all: those that libvirt copies if it is to copy all, on whatever storage.
local function disks_to_copy(guest, all)
  local targets = {}
  for _, disk in ipairs(guest:get_all_devices("disk", { from_persistent_config = false })) do
    local writable = not disk.readonly and not disk.shareable and (disk.device == "disk" or disk.device == "lun" or not disk.device)
    if writable and (all or disk.type == "file" or disk.type == "block") and disk.source then
      targets[#targets + 1] = disk.target.dev
    end
  end
  return targets
end

-- The disks go over a connection that is encrypted only with tls. Returns the targets of encrypted disks that are sent unencrypted, as asked for.
local function check_encrypted(guest, disks, flags, options)
  local run = { guest = guest, options = options }
  for _, disk in ipairs(has(flags, "tls") and {} or chain.disks(guest, disks)) do
    chain.check_plain(run, disk, "a connection that is not: tls=true encrypts it")
  end
  return run.plain
end

-- The URI by which libvirt at the source reaches the destination's, a Host, or the URI that one is opened by. uri: as the caller said it, in the
-- option of that name.
function plan.uri_of(destination, uri, method, option)
  if uri then
    reach.check(method, uri)
    return uri
  end
  local own = type(destination) == "string" and destination or reach.of(destination)
  if not own:find("^[%w+.-]+://[^/?]") then
    define.bad(method, option, ("the destination was opened as %s, which means another machine on the source host: say how libvirt there "
      .. "reaches it, as in \"qemu+tcp://other/system\""):format(own))
  end
  return own
end

-- What happens if the time is over.
function plan.action_of(method, options)
  local action = options.timeout_action or "abort"
  if action ~= "abort" and action ~= "force_complete" then
    define.bad(method, "timeout_action", "no such choice '" .. action .. "'; there are: abort, force_complete")
  end
  return action
end

local function configuration(guest, options)
  local xml = options.destination_xml
  if type(xml) ~= "function" then
    return xml
  end
  local domain = core.element(guest:get_xml_desc({ dump_migratable = true, dump_sensitive = not core.dry_run() }))
  claim.clear_configuration(domain)
  return xml(domain) or domain
end

local function refuse(guest, message, hint)
  steps.fail("operation_invalid", guest, { message = message, hint = hint })
end

-- Refuses to copy a disk over an image that another guest of the destination has: libvirt writes to what is there under that name. xml: the guest's
-- configuration there, if it is another one.
local function check_overwrites(guest, destination, disks, xml)
  local domain, wanted = core.element(tostring(xml or guest:get_xml_desc())), {}
  for _, disk in ipairs(chain.disks(guest, disks, { domain = domain })) do
    wanted[disk.type == "volume" and names.of_volume(destination, disk.element.source) or disk.images[1] or ""] = disk.target
  end
  for _, other in ipairs(destination:guests()) do
    local one <close> = other
    for name in pairs(one.uuid ~= guest.uuid and names.of(one) or {}) do
      if wanted[name] then
        chain.fail("operation_invalid", guest, wanted[name], {
          message = ("on %s the guest '%s' has %s, which the disk's copy would overwrite"):format(destination.uri, one.name, name),
          hint = "destination_xml gives the disk another name there",
        })
      end
    end
  end
end

-- What is copied: disks, their targets, or nil; listed, what libvirt gets of them, nil if it copies all by itself; left_out and plain: as in the
-- result.
local function copies_of(guest, destination, flags, options, xml)
  local some = has(flags, "non_shared_inc")
  if not some and not has(flags, "non_shared_disk") then
    return {}
  end
  local given = options.migrate_disks and #options.migrate_disks > 0 and options.migrate_disks or nil
  local disks = given or disks_to_copy(guest, not some)
  local listed = given or some and disks or nil
  if listed and has(flags, "tunnelled") then
    steps.fail("argument_unsupported", guest, {
      message = "libvirt copies no listed disks through a tunnel",
      hint = "tls=true encrypts the data as well",
    })
  elseif #disks == 0 then
    steps.fail("device_not_found", guest, { message = "the guest has no disk that could be copied" })
  end
  local plain = check_encrypted(guest, disks, flags, options)
  check_overwrites(guest, destination, disks, xml)
  return { disks = disks, listed = listed, plain = plain,
    left_out = not given and chain.left_out(core.element(guest:get_xml_desc()), disks) or nil }
end

function plan.make(guest, destination, uri, options)
  local here = state.of(guest.host, guest.uuid)
  local there = state.of(destination, guest.uuid)
  state.check(guest, { job = true }, here)
  if there.active then
    refuse(guest, ("the guest runs on %s already"):format(destination.uri), "is that the host that it is on, or does another copy of it run there?")
  end
  state.check(guest, nil, here)
  local persistent = guest:has_persistent_configuration()
  local flags, destination_xml = flags_of(options, persistent), configuration(guest, options)
  local copies = copies_of(guest, destination, flags, options, destination_xml)
  local memory = core.element(guest:get_xml_desc()).memory
  return {
    uri = uri,
    was = here.word == "paused" and "paused" or "running",
    persistent = persistent,
    flags = flags,
    postcopy = has(flags, "postcopy") and here.word ~= "paused",
    undefines = has(flags, "undefine_source"),
    persists = has(flags, "persist_dest"),
    disks = copies.disks or {},
    left_out = copies.left_out,
    plain = copies.plain,
    memory_bytes = math.tointeger(tonumber(memory[1])) * 1024,
    call = {
      flags = flags,
      migrate_uri = options.migrate_uri,
      migrate_disks = copies.listed,
      destination_xml = destination_xml,
      bandwidth = options.bandwidth,
      parallel = options.parallel,
    },
  }
end

return plan
