-- Waiting for block jobs. commit, rebase and copy (src/virt/disk/start.c) subscribe to the job's events before they start it, so that none is missed.

local calls = require("guestlua.log.calls")
local core = require("guestlua.core")
local define = require("guestlua.base.define")
local stops = require("guestlua.base.stops")

-- Seconds between two questions to libvirt while no event comes: a safety net for lost events, and, with on_progress, the interval of its calls.
local POLL, PROGRESS = 5, 0.5

-- Seconds that the event of a job's end may come later than libvirt says that there is no job: on a busy host it can be more than one.
local LATE = 5

-- Seconds that an event has which is under way, before libvirt is asked at all.
local SOON = 0.05

-- Seconds for ending a job that nobody waits for any more.
local ABORT_FOR = 5

-- Events name a disk by its target. A BlockDevice may have been made with the path of its source, which a pivot changes.
local function targets_of(disk)
  local targets = { [disk.name] = true }
  if disk.name:find("/", 1, true) then
    for _, element in ipairs(core.element(disk.guest:get_xml_desc()).devices:children("disk")) do
      local source = element.source
      if source and (source.file == disk.name or source.dev == disk.name) then
        targets[element.target.dev] = true
      end
    end
  end
  return targets
end

-- Whether libvirt has heard that the disk's job is ready. It knows that itself, while it has to ask QEMU how far a job is, and waits for the answer.
local function is_ready(disk, targets)
  local devices = core.element(disk.guest:get_xml_desc()).devices
  for _, element in ipairs(devices and devices:children("disk") or {}) do
    if targets[element.target.dev] then
      local mirror = element.mirror
      return mirror ~= nil and mirror.ready == "yes"
    end
  end
  return false
end

-- The last event of the disk that comes within so many seconds: it makes those before it obsolete; and whether any came.
local function latest(events, targets, seconds)
  local found
  local event = events:next(seconds)
  local came = event ~= nil
  while event do
    found = event.event == "block_job_2" and targets[event.disk] and event or found
    event = events:next(0)
  end
  return found, came
end

-- Whether an event reports the present state of the awaited job. "ready" may date from before a pivot that is over by now: then there is no job any
-- more. A final event may be an earlier job's, still under way when this one began: then there is a job. libvirt may also be about to clear away
-- the job that the event reports, so it gets a moment.
local function concerns(disk, event, targets)
  if event.status == "ready" then
    return is_ready(disk, targets)
  end
  for _ = 1, 10 do
    if not disk:get_job_info() then
      return true
    end
    core.sleep(0.1)
  end
  return false
end

local function explain(disk, status, last)
  local how_far = last and (" at %d of %d bytes"):format(last.cur, last.end_) or ""
  if status == "canceled" then
    return "the job was aborted" .. how_far
  elseif status == "failed" then
    local trouble = disk.guest:is_active() and disk.guest:get_disk_errors()[disk.name]
    return "libvirt says that the job failed" .. how_far .. (trouble and "; the disk's error is " .. trouble or "")
  end
end

-- Asks libvirt: the outcome, as far as it is known without an event, the reason, and the job's progress.
local function look(disk, targets, known, on_progress)
  local ready = is_ready(disk, targets)
  if ready and not on_progress then
    return "ready"
  end
  local info = disk:get_job_info()
  if not info then
    return "unknown", known and "the job is gone, and no event said how it ended" or "there is no job on this disk, and no event named one"
  end
  if on_progress then
    on_progress(info)
  end
  return ready and "ready" or nil, nil, info
end

local function timed_out(disk, seconds)
  error(core.Error.new({
    kind = "timeout",
    op = "await_job",
    guest = disk.guest.name,
    device = disk.name,
    device_type = "disk",
    still_running = true,
    message = ("await_job: not over after %g s; the job goes on"):format(seconds),
    hint = "wait again with disk:await_job(), or end the job with disk:abort_job()",
  }), 0)
end

-- soon: how long an event may take that is under way.
local function await(disk, events, targets, soon, options)
  local deadline = options.timeout and core.now() + options.timeout
  local event, last = (latest(events, targets, math.min(soon, options.timeout or soon))), nil
  while true do
    if event and concerns(disk, event, targets) then
      local now = event.status == "ready" and options.on_progress and disk:get_job_info()
      if now then
        options.on_progress(now)
      end
      return event.status, explain(disk, event.status, last)
    end
    local outcome, reason, info = look(disk, targets, last, options.on_progress)
    last = info or last
    if outcome == "ready" then
      return outcome
    end
    -- "unknown" is final only when no event can come any more.
    local pause = outcome == "unknown" and LATE or options.on_progress and PROGRESS or POLL
    if deadline then
      pause = math.min(pause, math.max(deadline - core.now(), 0))
    end
    local came
    event, came = latest(events, targets, pause)
    if not came and outcome then
      return outcome, reason
    elseif not event and deadline and core.now() >= deadline then
      timed_out(disk, options.timeout)
    end
  end
end

-- Ends a job, a disk's or a guest's, that nobody waits for any more because the script has to stop: it must not be left running by accident.
--
-- libvirt may have been about to begin the job when it is asked to end it, and then says that there is none: it is asked again, for as long as the
-- abandoned call may still begin. A host that does not answer is not waited for.
local function abort(owner, method, e)
  local deadline = core.now() + ABORT_FOR
  repeat
    local ok, failure = pcall(owner[method], owner)
    if ok then
      e.still_running = false
      e.message = e.kind .. "; the job was aborted"
      return true
    elseif not e.still_running or failure.kind ~= "operation_invalid" then
      return -- it has ended by itself, or cannot be aborted any more
    end
    local known, active = pcall(owner.is_active, owner)
    if not known or not active then
      return
    end
    core.sleep(0.1)
  until core.now() >= deadline
end

local function abort_shielded(owner, method, e)
  return core.within(core.now() + ABORT_FOR, 0, core.shield, abort, owner, method, e)
end

-- Waits for the last event of a job that was ended: a later wait must not take it for its own.
local function await_last(events, targets)
  local deadline = core.now() + POLL
  repeat
    local event = events:next(math.max(deadline - core.now(), 0))
  until not event or targets[event.disk] and event.status ~= "ready"
end

local abort_when_cancelled = {
  __close = function(self, e)
    if stops(e) then
      local aborted = abort_shielded(self.owner, "abort_job", e)
      if aborted and self.events then
        core.shield(await_last, self.events, self.targets)
      end
    end
  end,
}

define(core.BlockDevice, "BlockDevice", {
  name = "await_job",
  method = true,
  help = "Waits until the job on the disk has ended, or is ready for abort_job{pivot=true}. Driven by libvirt's events; libvirt is asked now and "
    .. "then, in case one was lost. An unknown end is reported as \"unknown\", never as success. If the wait is interrupted (Ctrl-C) or "
    .. "cancelled the job is aborted; after a timeout it goes on.",
  result = { [["completed"|"ready"|"failed"|"canceled"|"unknown" outcome]], "string? reason" },
  returns = "\"completed\", \"ready\", \"failed\", \"canceled\" or \"unknown\", and then the reason if there is one",
  params = {
    { name = "timeout", type = "number", help = "seconds; after that an error of kind \"timeout\" is raised, and the job goes on" },
    { name = "on_progress", type = "function", help = "called with get_job_info() every half second, and when the job is ready" },
  },
  run = function(disk, options)
    local instead = calls.outcome(disk)
    if instead then
      return instead
    end
    local events = disk:job_events()
    local own <close> = not events and disk.guest:subscribe("block_job_2") or nil -- a job that somebody else started
    local targets = targets_of(disk)
    local guard <close> = setmetatable({ owner = disk, events = events or own, targets = targets }, abort_when_cancelled)
    local outcome, reason = await(disk, events or own, targets, own and 0 or SOON, options)
    if events and outcome ~= "ready" then -- a job that is ready has not ended yet
      events:close()
    end
    return outcome, reason
  end,
})

return { abort_shielded = abort_shielded }
