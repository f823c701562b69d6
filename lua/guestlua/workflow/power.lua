-- Power: shut down, rebooted, suspended and resumed as far as libvirt says that the guest is. A call that was made is not yet what it is for: each
-- waits, by the guest's events, and looks.

local core = require("guestlua.core")
local define = require("guestlua.define")
local frame = require("guestlua.workflow.frame")
local journal = require("guestlua.journal")
local state = require("guestlua.workflow.state")
local undo = require("guestlua.undo")
local workflow = require("guestlua.workflow")

-- The reference's: seconds that a clean shutdown may take, and between two requests; that a reboot's may.
local SHUTDOWN_FOR, RETRY_INTERVAL, REBOOT_FOR = 60, 10, 120

-- Seconds until a guest whose processors run, or whose plug was pulled, is told as such.
local START_FOR, POWEROFF_FOR = 60, 30

-- A guest that was asked to shut down may be about to when nobody waits any more: how long that is waited for before it is left alone, in seconds.
local GOING_DOWN = 30

-- Seconds that the guest's agent gets to be there again before the clock is given up.
local AGENT_FOR = 15

local is = core.Error.is

local function look(guest)
  return state.of(guest.host, guest.uuid)
end

local function is_off(now)
  return not now.active
end

-- ---- off ----

-- What no second request would change.
local FINAL = { access_denied = true, no_support = true, operation_denied = true }

-- Asks the guest to shut down, again each `interval`, until it is off, starts anew or the time is over. Gives what happened, "off", "restarted" or
-- "late", and a table: asked (how often), detail (why it stopped), rebooted (it came up again in the same process), refusal (libvirt's last).
local function ask_down(guest, before, options)
  local timeout = options.timeout or SHUTDOWN_FOR
  local deadline, interval = core.now() + timeout, math.max(options.retry_interval or RETRY_INTERVAL, 1)
  local told, due, tries = { asked = 0 }, core.now(), 0
  local events <close> = guest:subscribe({ "lifecycle", "reboot" })
  local function on_event(event)
    if event.event == "reboot" then
      told.rebooted = true
    elseif event.type == "stopped" then
      told.detail = event.detail
    end
  end
  local function is_over(now)
    return is_off(now) or now.id ~= before.id or options.reboots and told.rebooted
  end
  while true do
    local over = state.await(guest, events, math.min(due, deadline), is_over, on_event)
    if over then
      state.hear(events, on_event, function()
        return over.active or told.detail
      end)
      return is_off(over) and "off" or "restarted", told
    elseif tries > 0 and core.now() >= deadline then
      return "late", told
    end
    due, tries = core.now() + interval, tries + 1
    local ok, e = state.try(guest.shutdown, guest, { timeout = math.max(math.min(interval, deadline - core.now()), 1) })
    if ok or e.kind ~= "timeout" or e.still_running then -- it is not asked while the request before is still under way
      told.asked = told.asked + 1
    end
    told.refusal = not ok and e or nil
    if core.dry_run() then
      return "off", told
    elseif not ok and FINAL[e.kind] then
      error(e, 0)
    end
  end
end

-- Pulls the plug. An answer that was lost is no failure, and no success: the guest is.
local function pull_plug(guest)
  local events <close> = guest:subscribe("lifecycle")
  local deadline, failure = core.now() + POWEROFF_FOR, nil
  repeat
    local ok, e = state.try(guest.poweroff, guest, { timeout = POWEROFF_FOR })
    if core.dry_run() then
      return
    end
    failure = not ok and e or failure
    local off = state.await(guest, events, ok and deadline or core.now() + 1, is_off)
    if off then
      return
    end
  until core.now() >= deadline or failure and FINAL[failure.kind]
  error(failure or core.Error.new({
    kind = "timeout",
    guest = guest.name,
    message = ("the guest still runs %g s after libvirt stopped it"):format(POWEROFF_FOR),
  }), 0)
end

local function too_late(guest, told, options)
  local refusal = told.refusal
  frame.fail("timeout", guest, {
    message = ("the guest has not shut down within %g s, asked %d time%s%s%s"):format(options.timeout or SHUTDOWN_FOR, told.asked,
      told.asked == 1 and "" or "s", told.rebooted and "; it came up again instead" or "",
      refusal and "; libvirt's last answer: " .. refusal.message or ""),
    hint = "force=true powers it off then",
    cause = refusal,
  })
end

-- What cannot hear that it should shut down.
local function is_deaf(now)
  return now.active and not state.runs(now) and now.word ~= "shutdown"
end

-- Off, asked for nicely and then, with force, by pulling the plug. Gives what the workflow returns.
local function bring_down(run, guest, before, options)
  local what, told = nil, { asked = 0 }
  local deaf, hurry = is_deaf(before), options.force and options.timeout == 0
  if deaf and not options.force then
    frame.fail("operation_invalid", guest, {
      message = ("the guest is '%s' and cannot hear that it should shut down"):format(before.word),
      hint = "let it run, as with guestlua.workflow.ensure_running(guest), or force=true: it is powered off",
    })
  elseif not deaf and not hurry then
    what, told = run:step("shutdown", ask_down, guest, before, options)
  end
  local result = { asked = told.asked, reason = told.detail, forced = false, changed = true }
  if what == "restarted" then
    if options.reboots then
      result.restarted = true
      return result
    end
    frame.fail("operation_failed", guest, { message = "the guest was off and runs again: somebody started it" })
  elseif what ~= "off" then
    if not options.force then
      too_late(guest, told, options)
    end
    result.forced = true
    run:step("poweroff", pull_plug, guest)
  end
  return result
end

-- How a run that failed left the guest, for its error.
local function left_guard(run, guest)
  return undo.guard(function(failure)
    if failure then
      run:left("it is not known whether the guest is off")
      run:left(("the guest is '%s'"):format(look(guest).word))
    end
  end)
end

local function stop(name, guest, options)
  core.check_self(guest, "Guest", name)
  return frame.run(name, guest, function(run)
    local before = run:step("look", look, guest)
    if is_off(before) then
      return { asked = 0, forced = false, changed = false }
    end
    local guard <close> = left_guard(run, guest)
    local result = bring_down(run, guest, before, options)
    guard:keep()
    return result
  end)
end

local GUEST = { name = "guest", type = "userdata", positional = true, required = true, help = "the Guest" }

local DOWN_PARAMS = {
  GUEST,
  { name = "timeout", type = "number", help = "seconds that the guest gets; 60 where nothing is said" },
  { name = "retry_interval", type = "number", help = "seconds after which it is asked again; 10 where nothing is said, at least 1" },
  { name = "force", type = "boolean", help = "power it off where it has not shut down by then; with timeout=0 at once" },
}

local DOWN_RETURNS = "a table: workflow, guest, steps, seconds, changed (false: it was off before), asked (how often), forced (it was powered off) "
  .. "and reason, libvirt's word for why it stopped, where that was heard"

define(workflow, "workflow", {
  name = "clean_shutdown",
  help = "Asks the guest to shut down and waits, by its events, until it is off. A guest that does not in time is an error of kind \"timeout\" and "
    .. "goes on, unless force=true.",
  returns = DOWN_RETURNS,
  params = DOWN_PARAMS,
  run = function(guest, options)
    return stop("clean_shutdown", guest, options)
  end,
})

define(workflow, "workflow", {
  name = "ensure_stopped",
  help = "Sees to it that the guest is off, as clean_shutdown does. One that is off, or gone, is left alone.",
  returns = DOWN_RETURNS,
  params = { table.unpack(DOWN_PARAMS) },
  run = function(guest, options)
    return stop("ensure_stopped", guest, options)
  end,
})

-- ---- on ----

-- Launches it. What counts is whether it runs then: the answer may be lost, and somebody else may have been faster.
local function launch(guest)
  local ok, e = state.try(guest.launch, guest)
  if not ok and not look(guest).active then
    error(e, 0)
  end
end

-- Waits until the guest runs; a guest that was saved while it was paused is paused again. Gives what it then is.
local function await_running(guest, events, timeout, on_event)
  local deadline = core.now() + (timeout or START_FOR)
  local resumed = false
  while not core.dry_run() do
    local now, late = state.await(guest, events, deadline, function(now)
      return state.runs(now) or is_off(now) or now.word == "paused" and not resumed
    end, on_event)
    if now and state.runs(now) then
      return now
    elseif now and is_off(now) then
      frame.fail("operation_failed", guest, { message = "the guest stopped again at once", hint = "libvirt's log of the guest says why" })
    elseif not now then
      frame.fail("timeout", guest, {
        message = ("the guest is '%s', and does not run within %g s"):format(late.word, timeout or START_FOR),
        hint = late.word == "paused" and "does a disk of it fail? guest:get_disk_errors()" or nil,
      })
    end
    resumed = true
    guest:resume()
  end
end

-- Makes the guest run: gives what was done for it: "launched", "restored", "unpaused" or "running", where nothing was.
local function bring_up(run, guest, options)
  local before = run:step("look", look, guest)
  if state.runs(before) then
    return "running"
  elseif not before.known then
    frame.fail("no_domain", guest, { message = "the host does not know the guest (any more)" })
  elseif before.active and before.word ~= "paused" then
    frame.fail("operation_invalid", guest, {
      message = ("the guest is '%s'"):format(before.word),
      hint = before.word == "crashed" and "guestlua.workflow.ensure_stopped(guest, {force=true}) makes it ready to be started" or nil,
    })
  end
  local how, started = before.active and "unpaused" or "launched", before.active or core.dry_run()
  local events <close> = guest:subscribe("lifecycle")
  local function on_event(event)
    if event.type == "started" then
      started = true
      how = event.detail == "restored" and "restored" or how
    end
  end
  if before.active then
    run:change("resume", function()
      local ok, e = state.try(guest.resume, guest)
      if not ok and not state.runs(look(guest)) then
        error(e, 0)
      end
    end)
  else
    run:change("launch", launch, guest)
  end
  run:step("wait", await_running, guest, events, options.timeout, on_event)
  state.hear(events, on_event, function()
    return started
  end)
  return how
end

define(workflow, "workflow", {
  name = "ensure_running",
  help = "Sees to it that the guest runs: starts it, or lets it go on where it is paused, and waits until it runs. One that runs is left alone.",
  returns = "a table: workflow, guest, steps, seconds, changed (false: it ran before), how: \"launched\", \"restored\" (it had been suspended), "
    .. "\"unpaused\" or \"running\"",
  params = { GUEST, { name = "timeout", type = "number", help = "seconds until it has to run; 60 where nothing is said" } },
  run = function(guest, options)
    core.check_self(guest, "Guest", "ensure_running")
    return frame.run("ensure_running", guest, function(run)
      local guard <close> = left_guard(run, guest)
      local how = bring_up(run, guest, options)
      guard:keep()
      return { how = how, changed = how ~= "running" }
    end)
  end,
})

-- ---- reboot ----

-- The guest running again, or as before where it did not shut down: gives which. Can be called again. waits: it was asked, and may be going down.
local function up_again(guest, id, waits)
  local now = look(guest)
  if now.active and now.id == id and waits then
    local events <close> = guest:subscribe("lifecycle")
    local off, still = state.await(guest, events, core.now() + GOING_DOWN, function(then_)
      return is_off(then_) or then_.id ~= id
    end)
    now = off or still
  end
  if now.active and now.id == id then
    return waits and "the guest runs as before; it was asked to shut down, and may do so yet" or "the guest runs as before"
  elseif now.active then
    return "finished: the guest runs again"
  elseif not now.known then
    frame.fail("no_domain", guest, { message = "the host does not know the guest any more" })
  end
  launch(guest)
  return "the guest was started again"
end

journal.recoverers.reboot = function(_, guest, entry)
  if not guest then
    return "the guest is gone"
  end
  return up_again(guest, entry.id, true)
end

define(workflow, "workflow", {
  name = "reboot",
  help = "Shuts the guest down, as clean_shutdown does, and starts it again, with its configuration as it is by then. One that comes up again by "
    .. "itself is not started. Where a step fails after the guest went down, it is started all the same before the error is raised.",
  returns = "a table: workflow, guest, steps, seconds, asked, forced, reason as of clean_shutdown, and restarted: true where it came up by itself",
  params = {
    { name = "guest", type = "userdata", positional = true, required = true, help = "the Guest; it must run, and have a persistent configuration" },
    { name = "timeout", type = "number", help = "seconds that the guest gets to shut down; 120 where nothing is said" },
    { name = "retry_interval", type = "number", help = "seconds after which it is asked again; 10 where nothing is said, at least 1" },
    { name = "force", type = "boolean", help = "power it off where it has not shut down by then; with timeout=0 at once" },
  },
  run = function(guest, options)
    core.check_self(guest, "Guest", "reboot")
    return frame.run("reboot", guest, function(run)
      local before = run:step("look", look, guest)
      if not before.active then
        frame.fail("operation_invalid", guest, {
          message = "the guest does not run",
          hint = "guestlua.workflow.ensure_running(guest) starts it",
        })
      elseif not before.persistent then
        frame.fail("operation_invalid", guest, {
          message = "the guest is transient: once it is off libvirt has forgotten it",
          hint = "define it first: host:write_instance_config(guest:get_xml_desc{dump_inactive=true, dump_sensitive=true})",
        })
      end
      local down = { timeout = options.timeout or REBOOT_FOR, retry_interval = options.retry_interval, force = options.force, reboots = true }
      local ignored = is_deaf(before) and not options.force
      run:record({ step = "shutdown", id = before.id })
      local guard <close> = undo.guard(function(failure)
        if not failure then
          return
        end
        run:left("the guest may be off; the journal knows: guestlua.recover(host)")
        run:left(frame.insist(guest, function()
          return up_again(guest, before.id, not ignored and not is(failure, "timeout"))
        end))
        run:forget()
      end)
      local result = bring_down(run, guest, before, down)
      local events <close> = guest:subscribe("lifecycle")
      if not result.restarted then
        run:record({ step = "launch" })
        run:change("launch", launch, guest)
      end
      run:step("wait", await_running, guest, events)
      guard:keep()
      result.changed = nil
      return result
    end)
  end,
})

-- ---- suspend and resume ----

-- Seconds that a save gets that goes on when nobody waits any more, and the guest to go on after one that failed.
local SAVE_FOR, GO_ON_FOR = 600, 10

local UNDER_WAY = { [1] = true, [2] = true } -- of get_job_info().type: BOUNDED, UNBOUNDED

-- Devices of the host that a saved guest cannot keep.
local function is_of_the_host(device)
  return device:tag() == "hostdev" and (device.type == "pci" or device.type == "mdev") or device:tag() == "interface" and device.type == "hostdev"
end

-- What a device is found again by when it was taken away and came back; nil where there is nothing.
local function mark_of(device)
  local alias, target, source = device.alias and device.alias.name, device.target and device.target.dev, device.source
  if alias and alias:find("^ua%-") then
    return alias
  elseif device:tag() == "disk" then
    return target
  elseif device.type == "mdev" then
    return source and source.address and source.address.uuid
  end
end

-- The running guest's device that is this one, or nil.
local function find(guest, device)
  local mark = mark_of(device)
  if not mark then
    return guest:get_interface_by_cfg(device, { from_persistent_config = false })
  end
  for _, candidate in ipairs(guest:get_all_devices(device:tag(), { from_persistent_config = false })) do
    if mark_of(candidate) == mark then
      return candidate
    end
  end
end

-- The running guest's devices that have to go: those of the host, and those that are named.
local function to_take_away(guest, names)
  local wanted, found = {}, {}
  for _, name in ipairs(names or {}) do
    wanted[name] = true
  end
  for _, device in ipairs(guest:get_all_devices(nil, { from_persistent_config = false })) do
    local alias, target = device.alias and device.alias.name or "", device.target and device.target.dev or ""
    local named = wanted[alias] and alias or wanted[target] and target or nil
    if named or is_of_the_host(device) then
      if not mark_of(device) and device:tag() ~= "interface" and device.type ~= "pci" then
        frame.fail("argument_unsupported", guest, { device = named, message = "the device could not be told from others when it came back",
          hint = "give it an alias of its own: <alias name=\"ua-…\"/>" })
      end
      wanted[named or ""] = nil
      found[#found + 1] = device
    end
  end
  local missing = next(wanted)
  if missing then
    frame.fail("device_not_found", guest, { device = missing, message = "the running guest has no such device" })
  end
  return found
end

-- As it can be attached again: an alias that libvirt gave is not one to ask for.
local function xml_of(device)
  local alias = device.alias
  if alias and not (alias.name or ""):find("^ua%-") then
    alias:remove()
  end
  return tostring(device)
end

-- Devices as XML, those that the guest lacks. Can be called again.
local function give_back(guest, devices)
  for _, xml in ipairs(devices) do
    local device = core.element(xml)
    if not find(guest, device) then
      workflow.attach_with_retry(guest, device, { live = true, persistent = false })
    end
  end
end

-- Waits until the guest has no job; one that does not end in time is an error.
local function await_no_job(guest, seconds)
  local deadline = core.now() + seconds
  while UNDER_WAY[guest:get_job_info().type] do
    if core.now() >= deadline then
      frame.fail("job_unknown", guest, { message = ("the guest's job is not over after %g s"):format(seconds) })
    end
    core.sleep(0.2)
  end
end

-- The guest as it was before it was to be suspended, unless its memory was saved all the same: gives which. Can be called again.
local function unsuspend(guest, was, devices, seconds)
  await_no_job(guest, seconds)
  local now = look(guest)
  if not now.active then
    return now.known and "the guest is off, its memory saved unless somebody else stopped it: guestlua.workflow.resume(guest)" or "the guest is gone"
  end
  if was == "running" and not state.runs(now) then
    local events <close> = guest:subscribe("lifecycle") -- libvirt lets it go on by itself, in a moment
    if not state.await(guest, events, core.now() + GO_ON_FOR, state.runs) then
      guest:resume()
    end
  end
  give_back(guest, devices)
  return ("undone: the guest is '%s', and has its devices"):format(look(guest).word)
end

journal.recoverers.suspend = function(_, guest, entry)
  if not guest then
    return "the guest is gone"
  end
  return unsuspend(guest, entry.was, entry.devices, SAVE_FOR)
end

-- Saves the memory. Where the answer was lost, libvirt's word that it stopped because it was saved counts.
local function save(guest)
  local events <close> = guest:subscribe("lifecycle")
  local ok, e = state.try(guest.save_memory_state, guest)
  if core.dry_run() then
    return
  end
  local saved = false
  local function on_event(event)
    saved = saved or event.type == "stopped" and event.detail == "saved"
  end
  local off = state.await(guest, events, core.now() + (ok and POWEROFF_FOR or 1), is_off, on_event)
  state.hear(events, on_event, function()
    return saved or ok or not off
  end)
  if not ok and not (off and saved) then
    error(e, 0)
  elseif not off then
    frame.fail("operation_failed", guest, { message = "libvirt saved the guest's memory, and the guest runs" })
  end
end

define(workflow, "workflow", {
  name = "suspend",
  help = "Saves the guest's memory on its host and stops it; resume lets it go on from there. PCI devices of the host and mediated devices cannot be "
    .. "saved: they are detached from the running guest before. Where a step fails the guest goes on and has its devices again.",
  returns = "a table: workflow, guest, steps, seconds, devices: the XML of those that were detached, in a list for resume",
  params = {
    { name = "guest", type = "userdata", positional = true, required = true, help = "the Guest; it must run, and have a persistent configuration" },
    { name = "detach", type = "table", help = "aliases or disks' targets of more devices to detach before" },
  },
  run = function(guest, options)
    core.check_self(guest, "Guest", "suspend")
    return frame.run("suspend", guest, function(run)
      local before, devices
      run:step("look", function()
        before = look(guest)
        if not before.active or not before.persistent then
          frame.fail("operation_invalid", guest, {
            message = before.active and "the guest is transient: libvirt keeps no memory of such" or "the guest does not run",
          })
        end
        devices = to_take_away(guest, options.detach)
      end)
      local was, xml = state.runs(before) and "running" or before.word, {}
      for i, device in ipairs(devices) do
        xml[i] = xml_of(device)
      end
      run:record({ step = "detach", was = was, devices = xml })
      local guard <close> = undo.guard(function(failure)
        if not failure then
          return
        end
        run:left("the guest may lack devices, or be paused; the journal knows: guestlua.recover(host)")
        run:left(frame.insist(guest, function()
          return unsuspend(guest, was, xml, START_FOR)
        end))
        run:forget()
      end)
      if #devices > 0 then
        run:step("detach", function()
          for _, text in ipairs(xml) do
            workflow.detach_with_retry(guest, function(persistent)
              return not persistent and find(guest, core.element(text)) or nil
            end)
          end
        end)
      end
      run:record({ step = "save" })
      run:step("save", save, guest)
      guard:keep()
      return { devices = xml }
    end)
  end,
})

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

-- Sets the guest's clock. Its agent, where it has one, may need a moment to be there again. Gives whether, and why not.
local function set_clock(guest)
  local deadline = core.now() + AGENT_FOR
  while true do
    local ok, e = guest:sync_guest_time()
    if ok or core.dry_run() then
      return true
    elseif e.kind ~= "agent_unresponsive" or core.now() >= deadline then
      return false, e.message
    end
    core.sleep(0.2)
  end
end

define(workflow, "workflow", {
  name = "resume",
  help = "Lets a guest go on that was suspended or paused: starts it from its saved memory, waits until it runs, attaches the host's devices that it "
    .. "lacks, and sets its clock. One that was off and not saved is started; `how` says so. One that runs is left alone.",
  returns = "a table: workflow, guest, steps, seconds, changed, how (as of ensure_running), clock: whether the guest's clock was set, and "
    .. "clock_error: why not",
  params = {
    GUEST,
    { name = "devices", type = "table", help = "what suspend gave as `devices`; nil: those of the host that its configuration has" },
    { name = "timeout", type = "number", help = "seconds until it has to run; 60 where nothing is said" },
  },
  run = function(guest, options)
    core.check_self(guest, "Guest", "resume")
    return frame.run("resume", guest, function(run)
      local guard <close> = left_guard(run, guest)
      local how = bring_up(run, guest, options)
      local result = { how = how, changed = how ~= "running" }
      if result.changed then
        run:step("attach", give_back, guest, options.devices or lacking(guest))
        result.clock, result.clock_error = run:step("clock", set_clock, guest)
      end
      guard:keep()
      return result
    end)
  end,
})
