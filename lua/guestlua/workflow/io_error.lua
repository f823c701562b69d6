-- A guest that libvirt pauses because a disk failed, for example for lack of space: reported at once, resumed when there may be room again, and never
-- part of a success.

local core = require("guestlua.core")
local log = require("guestlua.log.log").log
local retry = require("guestlua.workflow.retry")

local io_error = {}

-- Seconds between two tries to resume it; how long it must then run until its disks count as sound, because failed writes are retried meanwhile; and
-- for how long it is tried before a run fails for it.
local PAUSE, SOUND, LAST = 3, 3, 15

-- The disks that failed, "vda: no space"; nil: the guest is not paused for that. A disk's error outlasts its cause, and somebody else may have paused
-- the guest since, so libvirt's reason decides.
function io_error.trouble(guest)
  local ok, state, reason = retry.try(guest.get_state, guest)
  if not ok or state ~= "paused" or reason ~= "ioerror" then
    return nil
  end
  local known, errors = retry.try(guest.get_disk_errors, guest)
  local parts = {}
  for target, what in pairs(known and errors or {}) do
    parts[#parts + 1] = ("%s: %s"):format(target, what)
  end
  table.sort(parts)
  return #parts > 0 and table.concat(parts, ", ") or nil
end

-- Resumes the guest; it is soon paused again if there is no room yet.
local function resume(run)
  retry.try(run.guest.resume, run.guest)
  run.trouble_at = core.now()
  core.sleep(0.2)
end

-- The next event after which the guest may be paused. A failed disk is noted even if the guest is running again by now.
local function await_event(run, events)
  local event
  repeat
    event = events:next()
    if event and event.event == "io_error" then
      run.trouble_at = core.now()
    end
  until not event or event.event ~= "lifecycle" or event.type == "suspended"
end

-- A task's loop, until it is cancelled.
local function watch(run, guest)
  local events <close> = guest:subscribe({ "lifecycle", "io_error" })
  local known
  while true do
    local now = io_error.trouble(guest)
    if now and now ~= known then
      run.io_errors = (run.io_errors or 0) + 1
      log.warning("the guest is paused: a disk failed; it goes on when that is over", { guest = guest.name, workflow = run.workflow, disks = now })
    elseif known and not now then
      log.warning("the guest goes on", { guest = guest.name, workflow = run.workflow })
    end
    known = now
    if now then
      resume(run)
      core.sleep(PAUSE)
    else
      await_event(run, events)
      core.sleep(0.1) -- libvirt reports before it has paused the guest
    end
  end
end

-- Starts the watch for a run, in the task group that ends with the run. run.before: how its plan found the guest, from state.ask.
function io_error.watch(run, group)
  run.was_paused = run.before.word == "paused"
  group:spawn(function()
    local ok_, e = pcall(watch, run, run.guest)
    if retry.stops(e) then
      error(e, 0)
    elseif not ok_ then
      log.debug("the guest's I/O errors are not watched", { guest = run.guest_name, reason = e })
    end
  end)
end

-- disks: as returned by io_error.trouble.
function io_error.fail(guest, disks)
  error(core.Error.new({
    kind = "io_error",
    guest = guest.name,
    message = ("the guest is paused: a disk failed (%s)"):format(disks),
    hint = "make room, or repair what failed, then guestlua.workflow.ensure_running(guest)",
  }), 0)
end

-- Raises if the guest is paused for an I/O error, or may be in a moment, after it was given time to resume.
function io_error.check(run)
  local deadline = core.now() + LAST
  local now = not run.was_paused and io_error.trouble(run.guest)
  while now or run.trouble_at and core.now() < run.trouble_at + SOUND do
    if core.now() >= deadline then
      io_error.fail(run.guest, now or "it goes on, and may be paused again in a moment")
    elseif now then
      resume(run)
    end
    core.sleep(0.2)
    now = io_error.trouble(run.guest)
  end
end

-- Raises if a guest that was resumed after a disk failure is paused for it again: only resuming tries the disk again.
function io_error.check_goes_on(guest)
  local deadline, now = core.now() + SOUND, nil
  while not core.dry_run() and not now and core.now() < deadline do
    core.sleep(0.1)
    now = io_error.trouble(guest)
  end
  if now then
    io_error.fail(guest, now)
  end
end

return io_error
