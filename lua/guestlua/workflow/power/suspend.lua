-- Suspends a guest to disk, and resumes it from there. Host devices cannot be saved: they are detached before, and attached again after.

local attach = require("guestlua.workflow.device.attach")
local calls = require("guestlua.log.calls")
local core = require("guestlua.core")
local define = require("guestlua.base.define")
local detach = require("guestlua.workflow.device.detach")
local retry = require("guestlua.workflow.retry")
local situation = require("guestlua.workflow.situation")
local state = require("guestlua.workflow.state")
local steps = require("guestlua.workflow.steps")
local up = require("guestlua.workflow.power.up")

-- Seconds for a save that continues although nobody waits any more, for a guest to resume by itself after a failed save, and to be reported as off
-- after a successful one.
local SAVE_FOR, GO_ON_FOR, OFF_FOR = 600, 10, 30

-- Seconds for the guest's agent to be back before setting the clock is given up.
local AGENT_FOR = 15

-- Devices of the host that a saved guest cannot keep.
local function is_of_the_host(device)
  return device:tag() == "hostdev" and (device.type == "pci" or device.type == "mdev") or device:tag() == "interface" and device.type == "hostdev"
end

-- The key by which a device is found again after it was detached and attached; nil if there is none.
local function mark_of(device)
  local alias, target, source = device.alias and device.alias.name, device.target and device.target.dev, device.source
  if alias and alias:find("^ua%-") then
    return alias
  elseif device:tag() == "disk" then
    return ("%s=%s"):format(target, situation.image_of(device)) -- somebody may have attached another under that name
  elseif device.type == "mdev" then
    return source and source.address and source.address.uuid
  end
end

-- Whether find knows the device from the guest's others. That of a PCI device of the host, and of an interface, is more than one key.
local function is_known(device)
  return mark_of(device) ~= nil or device:tag() == "interface" or device:tag() == "hostdev" and device.type == "pci"
end

-- The running guest's device (persistent: that of its configuration) that is this one, or nil.
local function find(guest, device, persistent)
  local mark, options = mark_of(device), { from_persistent_config = persistent or false }
  if not mark then
    return guest:get_interface_by_cfg(device, options)
  end
  for _, candidate in ipairs(guest:get_all_devices(device:tag(), options)) do
    if mark_of(candidate) == mark then
      return candidate
    end
  end
end

-- Raises for a device that would not come back as it was.
local function check_comes_back(guest, device, name)
  if not is_known(device) then
    steps.fail("argument_unsupported", guest, { device = name, message = "the device could not be distinguished from others when it came back",
      hint = "give it an alias of its own: <alias name=\"ua-…\"/>" })
  elseif device.passwd or device.source and device.source.cookies then -- they would be in the result, and in the journal
    steps.fail("argument_unsupported", guest, { device = name, message = "the device has a password or cookies, and would come back without them",
      hint = "guestlua.workflow.detach_with_retry before, and attach_with_retry when the guest has been resumed" })
  end
end

-- The running guest's devices to detach: those of the host, and those that are named.
local function to_take_away(guest, names)
  local wanted, found = {}, {}
  local domain = core.element(guest:get_xml_desc({ dump_sensitive = names ~= nil and not core.dry_run() }))
  for _, name in ipairs(names or {}) do
    wanted[name] = true
  end
  for _, device in ipairs(domain.devices:children()) do
    local alias, target = device.alias and device.alias.name or "", device.target and device.target.dev or ""
    local named = wanted[alias] and alias or wanted[target] and target or nil
    if named or is_of_the_host(device) then
      check_comes_back(guest, device, named)
      wanted[alias], wanted[target] = nil, nil -- it may have been given by both
      found[#found + 1] = device
    end
  end
  local missing = next(wanted)
  if missing then
    steps.fail("device_not_found", guest, { device = missing, message = "the running guest has no such device" })
  end
  return found
end

-- A copy fit to be attached again: libvirt's own aliases cannot be requested.
local function xml_of(device)
  local alias = device.alias
  if alias and not (alias.name or ""):find("^ua%-") then
    alias:remove()
  end
  return tostring(device)
end

-- Attaches those of the devices, given as XML, that the guest lacks; returns how many. configured: only those that its configuration has. Can be
-- called again.
local function give_back(guest, devices, configured)
  local count = 0
  for _, xml in ipairs(devices) do
    local device = core.element(xml)
    if not find(guest, device) and (not configured or find(guest, device, true)) then
      attach.live_now(guest, device)
      count = count + 1
    end
  end
  return count
end

-- Waits until the guest has no job; a job that does not end in time is an error.
local function await_no_job(guest, seconds)
  local deadline = core.now() + seconds
  while state.has_job(guest) do
    if core.now() >= deadline then
      steps.fail("job_unknown", guest, { message = ("the guest's job is not over after %g s"):format(seconds) })
    end
    core.sleep(0.2)
  end
end

-- Whether libvirt has saved memory, with which the guest goes on when it is started.
local function has_saved(guest)
  return retry.insist(guest, nil, function()
    local ok, has = retry.try(guest.domain.has_managed_save_image, guest.domain)
    if not ok and not core.Error.is(has, "no_support") then
      error(has, 0)
    end
    return not ok or has
  end)
end

-- Puts the guest back as it was, unless its memory was saved after all: returns which. Can be called again. Somebody may have started it again, from
-- its memory, which lacks the devices, or from its configuration, as that was by then.
local function unsuspend(guest, data, seconds)
  local was, devices = data.was, data.devices
  await_no_job(guest, seconds)
  local now = state.look(guest)
  if not now.active then
    return not now.known and "the guest is gone" or has_saved(guest) and "the guest is off, its memory saved: guestlua.workflow.resume(guest)"
      or "the guest is off, and libvirt has no saved memory of it: somebody else has stopped it, or removed that"
  end
  local restarted = now.id ~= data.id
  local word, reason = guest:get_state()
  if was == "running" and word == "paused" and reason == "user" then
    give_back(guest, devices, restarted)
    return "undone: the guest has its devices; somebody else has paused it"
  elseif was == "running" and not state.runs(now) then
    local events <close> = guest:subscribe("lifecycle") -- libvirt resumes it by itself, in a moment
    if not state.await(guest, events, core.now() + GO_ON_FOR, state.runs) then
      guest:resume()
    end
  end
  give_back(guest, devices, restarted)
  return restarted and ("the guest was started again, and is '%s'"):format(state.look(guest).word)
    or ("undone: the guest is '%s', and has its devices"):format(state.look(guest).word)
end

-- Saves the memory. If the answer is lost, libvirt's event that the guest stopped because it was saved counts, if libvirt has the memory: somebody
-- else may have saved it to a file of his own.
local function save_memory(run)
  local guest = run.guest
  local events <close> = guest:subscribe("lifecycle")
  local ok, e = retry.try(guest.save_memory_state, guest)
  if core.dry_run() then
    return calls.waits(guest, ("the guest to be off, its memory saved, %g s at most"):format(OFF_FOR))
  end
  local saved = false
  local function on_event(event)
    saved = saved or event.type == "stopped" and event.detail == "saved"
  end
  local off = state.await(guest, events, core.now() + (ok and OFF_FOR or 1), state.is_off, on_event)
  state.hear(events, on_event, function()
    return saved or ok or not off
  end)
  if not ok and not (off and saved) then
    error(e, 0)
  elseif not off then
    steps.fail("operation_failed", guest, { message = "libvirt saved the guest's memory, and the guest runs" })
  elseif not has_saved(guest) then
    run:interfered("it is off, and libvirt has no saved memory of it", not ok and e or nil)
  end
end

-- ---- suspend ----

local function check_names(run)
  for i, name in ipairs(run.options.detach or {}) do
    if name == "" then
      define.bad("suspend", ("detach[%d]"):format(i), "an alias or a disk's target expected: it is empty")
    end
  end
end

local function plan(run)
  local guest = run.guest
  local before = state.look(guest)
  state.check(guest, nil, before)
  if not run:watch({}).persistent then
    run:fail("operation_invalid", { message = "the guest is transient: libvirt keeps no memory of such" })
  end
  local xml = {}
  for i, device in ipairs(to_take_away(guest, run.options.detach)) do
    xml[i] = xml_of(device)
  end
  return { was = state.runs(before) and "running" or before.word, id = before.id, devices = xml }
end

local function take_away(run)
  for _, text in ipairs(run.data.devices) do
    detach.now(run.guest, function(persistent)
      return not persistent and find(run.guest, core.element(text)) or nil
    end, {})
  end
end

-- The run's mark would be saved with the guest.
local function save(run)
  if run.claim then
    run.claim:unmark(run.guest)
  end
  save_memory(run)
end

local function undo(run)
  return unsuspend(run.guest, run.data, run.recovering and SAVE_FOR or GO_ON_FOR)
end

steps.define({
  name = "suspend",
  help = "Saves the guest's memory on its host and stops it; resume continues it from there. PCI devices of the host and mediated devices cannot be "
    .. "saved: they are detached from the running guest before. If a step fails the guest runs on and has its devices again.",
  fields = {
    { name = "devices", type = "string[]", help = "the XML of the detached devices, for resume" },
  },
  params = {
    { name = "guest", type = "Guest", positional = true, required = true, help = "the Guest; it must run, and have a persistent configuration" },
    { name = "detach", type = "list of strings", help = "aliases or disks' targets of further devices to detach before" },
  },
  arguments = check_names,
  plan = plan,
  { "detach", run = take_away, undo = undo },
  { "save", run = save, recorded = true, moves = true },
  result = function(run)
    return { devices = run.data.devices }
  end,
})

-- ---- resume ----

-- The host's devices that the guest's configuration has and the running guest lacks.
local function lacking(guest)
  local list = {}
  for _, device in ipairs(guest:get_all_devices(nil, { from_persistent_config = true })) do
    if is_of_the_host(device) then
      list[#list + 1] = xml_of(device)
    end
  end
  return list
end

-- Sets the guest's clock. Its agent, if it has one, may need a moment to be back. Returns whether it was set, and why not.
local function set_clock(guest)
  local deadline = core.now() + AGENT_FOR
  while true do
    local ok, e = guest:sync_guest_time()
    if core.dry_run() then
      calls.waits(guest, ("the guest's agent, %g s at most"):format(AGENT_FOR))
      return true
    elseif ok then
      return true
    elseif e.kind ~= "agent_unresponsive" or core.now() >= deadline then
      return false, e.message
    end
    core.sleep(0.2)
  end
end

-- A guest that runs already may have been started by somebody else, or by a resume that failed after that.
local function come_back(run)
  local guest, devices = run.guest, run.options.devices
  run.how = up.bring_up(run, guest, run.options)
  run.changed = run.how ~= "running"
  if run.changed or devices then
    local count = run:part("attach", give_back, guest, devices or lacking(guest))
    run.changed = run.changed or count > 0
  end
  if run.how ~= "running" then
    run.clock, run.clock_error = run:part("clock", set_clock, guest)
  end
end

-- What cannot be attached is refused before the guest is started.
local function check_devices(run)
  for i, xml in ipairs(run.options.devices or {}) do
    local ok, device = pcall(core.element, xml)
    local problem = not ok and (core.Error.is(device) and device.message or tostring(device))
      or not is_known(device) and ("a device as suspend returns it expected, got a <%s> that could be any"):format(device:tag())
    if problem then
      define.bad("resume", ("devices[%d]"):format(i), problem)
    end
  end
end

steps.define({
  name = "resume",
  help = "Resumes a suspended or paused guest: starts it from its saved memory, waits until it runs, attaches the host devices that it "
    .. "lacks, and sets its clock. A guest that was off and not saved is started; `how` says so. A running guest gets those of `devices` that it "
    .. "lacks, and is otherwise left alone.",
  fields = {
    { name = "clock", type = "boolean", help = "whether the guest's clock was set" },
    { name = "clock_error", type = "string?", help = "why not" },
    table.unpack(up.FIELDS),
  },
  params = {
    { name = "guest", type = "Guest", positional = true, required = true, help = "the Guest" },
    { name = "devices", type = "list of strings", help = "the `devices` that suspend returned; default: the host devices in its configuration" },
    { name = "timeout", type = "number", help = "seconds until it has to run; default 60" },
  },
  own_timeout = true,
  arguments = check_devices,
  plan = function() end,
  left = state.left,
  { "start", run = come_back, parts = true },
  result = function(run)
    return { how = run.how, changed = run.changed, clock = run.clock, clock_error = run.clock_error }
  end,
})
