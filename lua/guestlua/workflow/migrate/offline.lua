-- Moves the configuration of a guest that is off to another host. Its disks stay where they are: both hosts have them.

local chain = require("guestlua.workflow.chain")
local core = require("guestlua.core")
local claim = require("guestlua.workflow.claim")
local define = require("guestlua.base.define")
local migration = require("guestlua.workflow.migrate.plan")
local nvram = require("guestlua.workflow.nvram")
local retry = require("guestlua.workflow.retry")
local state = require("guestlua.workflow.state")
local steps = require("guestlua.workflow.steps")

local NAME = "offline_migrate"

local COPY, MOVE = { "offline", "peer2peer", "persist_dest" }, { "offline", "peer2peer", "persist_dest", "undefine_source" }

-- Seconds for a host to say how large an image is.
local IMAGE_FOR = 30

local offline = {}

local function arguments(run, destination)
  if not pcall(core.check_self, destination, "Host", NAME) then
    define.bad(NAME, "destination", "a Host expected: guestlua.open makes one")
  end
  run.destination = destination
  run.uri = migration.uri_of(destination, run.options.destination_uri, NAME, "destination_uri")
end

-- ---- what cannot go ----

-- What the guest has on this host only, and would begin anew on the other; nil: nothing. domain: its configuration, an Element.
local function bound(guest, domain)
  if guest.domain:has_managed_save_image() then
    return "its memory is saved on this host", "guestlua.workflow.resume(guest), and live_migrate"
  end
  local path, why = nvram.path(guest.host, domain)
  if path or why and not domain.os.nvram then -- a volume that the configuration names is where both hosts have it, as disks are
    return path and "its UEFI variables are in a file of this host's" or why, "guestlua.workflow.ensure_running(guest), and live_migrate"
  end
  for _, tpm in ipairs(domain.devices and domain.devices:children("tpm") or {}) do
    if tpm.backend and tpm.backend.type == "emulator" then
      return "its TPM's state is on this host", "guestlua.workflow.ensure_running(guest), and live_migrate"
    end
  end
end

-- Raises if the guest cannot go to that host; returns whether that one has it in its configuration already.
function offline.check(guest, destination)
  local here, there = state.of(guest.host, guest.uuid), state.of(destination, guest.uuid)
  local function refuse(message, hint)
    steps.fail("operation_invalid", guest, { message = message, hint = hint })
  end
  if there.active then
    refuse(("the guest runs on %s"):format(destination.uri), "is that the host that it is on?")
  end
  state.check(guest, { shutoff = true, job = true }, here)
  if here.active then
    refuse(("the guest is not off: it is '%s'"):format(here.word), "guestlua.workflow.live_migrate moves it")
  end
  local why, hint = bound(guest, core.element(guest:get_xml_desc({ dump_inactive = true })))
  if why then
    refuse(why, hint)
  end
  return there.known
end

local function plan(run)
  local was_there = offline.check(run.guest, run.destination)
  run:watch({})
  return { destination = run.destination.uri, was_there = was_there }
end

-- ---- its disks ----

local function size_of(guest, target)
  local device <close> = guest:get_block_device(target)
  return device:get_block_info({ timeout = IMAGE_FOR })
end

-- The disks that the guest starts with, and of which the source host knows the size: { target, image, size }.
local function sized_disks(guest)
  local list = {}
  for _, disk in ipairs(chain.all(guest, { inactive = true })) do
    local source = disk.element.source
    if disk.images[1] and not source.startupPolicy then -- with that the guest may do without
      local ok, size = retry.try(size_of, guest, disk.target)
      list[#list + 1] = ok and { target = disk.target, image = disk.images[1], size = size } or nil
    end
  end
  return list
end

-- Raises if the destination does not have the disks of the guest's copy there, or has other images of these names.
local function check_disks(run, copy, disks)
  for _, disk in ipairs(disks) do
    local ok, size = retry.try(size_of, copy, disk.target)
    local why = not ok and size.message
      or (size.capacity ~= disk.size.capacity or size.physical ~= disk.size.physical)
      and ("%s has another size there, %d bytes (%d in the guest), and here %d (%d)"):format(disk.image, size.physical, size.capacity,
        disk.size.physical, disk.size.capacity)
    if why then
      chain.fail("operation_failed", run.guest, disk.target, {
        message = ("%s does not have the disk: %s"):format(run.destination.uri, why),
        hint = "the disks have to be where both hosts have them; live_migrate with block=true copies those of a guest that runs",
        cause = not ok and size or nil,
      })
    end
  end
end

-- libvirt moves the configuration of a guest that is off whatever its destination lacks. Only a host that has it says whether it has the disks: it
-- gets a copy first. What it had before stays as it is, until the move.
local function try_disks(run)
  local guest, disks = run.guest, sized_disks(run.guest)
  if #disks == 0 or run.data.was_there and not offline.same(guest.host, run.destination, guest.uuid) then
    return
  elseif not run.data.was_there then
    guest:migrate(run.uri, { flags = COPY })
  end
  local copy <close> = run.destination:guest(guest.uuid, { required = true })
  check_disks(run, copy, disks)
end

-- ---- the move ----

-- Where the guest is counts, and not what libvirt said.
local function migrate(run)
  local guest = run.guest
  run.expected = nil -- from here on it is where it is
  if not core.dry_run() then
    try_disks(run)
  end
  local ok, e = retry.try(guest.migrate, guest, run.uri, { flags = MOVE })
  if core.dry_run() then
    return
  end
  local here, there = state.of(guest.host, guest.uuid), state.of(run.destination, guest.uuid)
  if not ok and (here.known or not there.known) then
    error(e, 0)
  elseif here.known or not there.known then
    run:fail("operation_failed", { message = "libvirt says that the guest was moved, and it is " .. (here.known and "here" or "on neither host") })
  end
end

local ON_SOURCE = "undone: the guest is on the source host, as before"
local ON_DESTINATION = "finished: the guest is on the destination"

-- Whether a guest has the same configuration on both hosts, to the last secret: what one of them forgets, the other still knows.
function offline.same(host, destination, uuid)
  local original <close> = host:guest(uuid)
  local copy <close> = destination:guest(uuid)
  local flags = { dump_inactive = true, dump_sensitive = true }
  return original and copy and original:get_xml_desc(flags) == copy:get_xml_desc(flags)
end

-- Leaves the guest on one host, and says on which. If both have it, the destination forgets what this run brought there: it was not there before, is
-- off, and is as it is here. Anything else somebody has defined or started meanwhile.
local function settle(host, destination, uuid, data)
  local here, there = state.of(host, uuid), state.of(destination, uuid)
  if not here.known then
    return there.known and ON_DESTINATION or "the guest is gone from both hosts"
  elseif not there.known or data.was_there then
    return ON_SOURCE
  elseif there.active or not offline.same(host, destination, uuid) then
    return ("%s; on %s is a guest of its UUID that this run did not bring there: it stays"):format(ON_SOURCE, destination.uri)
  end
  local copy <close> = destination:guest(uuid)
  copy:delete_configuration({ keep_nvram = true })
  return ON_SOURCE
end

local function recover(run, host)
  local opened <close> = core.open(run.data.destination, { keepalive = 5 })
  local outcome = settle(host, opened, run.uuid, run.data)
  local arrived <close> = outcome == ON_DESTINATION and opened:guest(run.uuid) or nil
  if arrived and arrived:is_active() then
    claim.clear_mark(arrived, run.id)
  end
  return outcome
end

steps.define({
  name = NAME,
  help = "Moves a guest that is off to another host: it is defined there and here no more. Its disks have to be where both hosts have them: if "
    .. "the other host does not have one, or has another image of its name, the guest stays. A guest is refused that has something only on this "
    .. "host: a saved memory, a file of UEFI variables, a TPM's state, snapshots.",
  fields = {
    { name = "destination", type = "string", help = "the URI of the host that it is now on" },
    { name = "arrived", type = "Guest", help = "the Guest there" },
  },
  params = {
    { name = "guest", type = "Guest", positional = true, required = true, help = "the Guest; it must be off" },
    { name = "destination", type = "Host", positional = true, required = true, help = "the Host to move it to" },
    { name = "destination_uri", type = "string", help = "how the source host's libvirt reaches the destination's, as in \"qemu+tcp://other/system\"; "
      .. "nil: the URI that the destination was opened with" },
  },
  arguments = arguments,
  plan = plan,
  recover = recover,
  { "migrate", run = migrate, change = true, moves = true, undo = function(run)
    return settle(run.guest.host, run.destination, run.guest.uuid, run.data)
  end },
  result = function(run)
    run.arrived = not core.dry_run() and run.destination:guest(run.guest.uuid) or nil
    return { destination = run.destination.uri, arrived = run.arrived }
  end,
})

return offline
