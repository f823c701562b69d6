-- One run of a workflow: its journal, the files it leaves, the state it expects of the guest, and its steps. The steps of workflows call these.

local core = require("guestlua.core")
local journal = require("guestlua.base.journal")
local retry = require("guestlua.workflow.retry")
local situation = require("guestlua.workflow.situation")

-- Seconds that the calls of a step get even after the workflow's time limit, so that it can end well.
local GRACE = 5

-- Seconds for one call of a workflow with its own time limit: the default, and the minimum.
local CALL, SHORTEST_CALL = 60, 15

local Run = {}
Run.__index = Run

-- Raises an error of the workflow itself.
function Run:fail(kind, fields)
  fields.kind, fields.guest = kind, self.guest_name
  error(core.Error.new(fields), 0)
end

-- ---- the journal ----

-- Begins to write the run's journal, and returns its entry, which has to be settled before the action that it describes; nil in a dry run. A recovery
-- takes back the steps up to the one that the run had reached.
function Run:begin_record(name)
  if core.dry_run() then
    return nil
  end
  self.entry = self.entry or journal.begin(self.id, self.workflow, self.guest, self.guest.uuid .. ".lock")
  self.entry:begin({ step = not self.recovering and name or nil, data = self.data })
  return self.entry
end

-- Writes the run's journal, always before the action that it describes. An undo goes on without it: what is taken back then needs no recovery.
function Run:record(name)
  local ok, e = retry.try(function()
    local entry = self:begin_record(name)
    if entry then
      entry:settle()
    end
  end)
  if not ok and not self.taking_back then
    error(e, 0)
  end
end

-- Nothing is left to recover.
function Run:forget()
  if self.entry then
    self.entry:remove()
  end
end

-- ---- held values ----

-- Closes a value when the run is over, after its undos.
function Run:hold(value)
  self.held[#self.held + 1] = value
end

function Run:let_go()
  for i = #self.held, 1, -1 do
    local value <close> = self.held[i] -- luacheck: ignore value
    self.held[i] = nil
  end
end

-- ---- files that stay ----

-- Notes a file that stays, and why.
function Run:leave(path, why)
  self.left[#self.left + 1] = { path = path, why = why }
end

-- A text, followed by the files that stay.
function Run:with_left(text)
  local parts = { text }
  for _, one in ipairs(self.left) do
    parts[#parts + 1] = ("left: %s (%s)"):format(one.path, one.why)
  end
  return table.concat(parts, "; ")
end

-- ---- others ----

-- QEMU 7.2 crashes if it is asked for a disk's size while a job on that disk ends: a disk with a job is not asked about. any_size: nor is another,
-- because QEMU takes its time for that answer.
local function look_at_job(guest, target, disk, any_size)
  local device = guest:get_block_device(target)
  disk.job = device:get_job_info() ~= nil
  if not disk.job and not any_size then
    local ok, info = retry.try(device.get_block_info, device)
    disk.capacity = ok and info.capacity or nil
  end
end

local function look(run, domain, any_size)
  local now = situation.look(run.guest, run.watched, domain)
  for target, disk in pairs(now.id and now.disks or {}) do
    look_at_job(run.guest, target, disk, any_size)
  end
  return now
end

-- Reads the guest's description again: before run:watch, if the guest is not as it was claimed, or need not be.
function Run:look()
  self.seen = core.element(self.guest:get_xml_desc())
  return self.seen
end

-- The description when the guest was claimed, or when it was compared last, an Element. A plan and the first comparison go by the same one.
function Run:domain()
  self.seen = self.seen or self.claim and self.claim.domain
  return self.seen or self:look()
end

-- From the claim on, unexpected changes of the guest and of the disks with these targets are noticed. images: those that the run makes. Returns how
-- the guest is: see situation.look; each disk also has `job`, whether it has one.
function Run:watch(targets, images)
  self.watched, self.own_images = targets, images or {}
  local now = look(self, self:domain())
  self.expected = not core.dry_run() and now or nil
  return now
end

-- Records the run's own change of a disk.
function Run:expect(target, fields)
  local disk = self.expected and self.expected.disks[target]
  for key, value in pairs(disk and fields or {}) do
    disk[key] = value or nil
  end
end

local function conflict(run, found, cause)
  run:fail("conflict", {
    message = "somebody else has changed the guest: " .. table.concat(found, "; "),
    found = found,
    cause = cause,
    hint = "what is the run's own is taken back as far as that is safe; look at the guest before you try again",
  })
end

-- Raises if the guest is not as the run left it. any_size: its disks may have another size.
function Run:check_unchanged(any_size)
  if not self.expected then
    return
  end
  local ok, now = pcall(function()
    return look(self, self:look(), any_size)
  end)
  if not ok and core.Error.is(now, "no_domain") then
    conflict(self, { "the host does not know it any more" })
  elseif not ok then
    error(now, 0)
  end
  local found = situation.differences(self.expected, now)
  if #found > 0 then
    conflict(self, found)
  end
end

-- Seconds for the look after a failed call, and the errors after which there is none: no answer would come, or somebody else's change is known.
local LOOK = 10
local NO_LOOK = { conflict = true, timeout = true, disconnected = true, closed = true, io_error = true }

-- Calls fn(…), which changes the guest. If it fails and somebody else has changed the guest, the error is a "conflict" with libvirt's as its cause.
function Run:blaming_others(fn, ...)
  local results = table.pack(pcall(fn, ...))
  local e = results[2]
  if results[1] then
    return table.unpack(results, 2, results.n)
  elseif self.expected and core.Error.is(e) and not NO_LOOK[e.kind] and not e.still_running and not retry.stops(e) then
    local ok, now = retry.try(core.within, core.now() + LOOK, 0, function()
      return situation.look(self.guest, self.watched, core.element(self.guest:get_xml_desc()))
    end)
    local found = ok and situation.of_others(self.expected, now, self.own_images)
      or core.Error.is(now, "no_domain") and { "the host does not know it any more" } or {}
    if #found > 0 then
      conflict(self, found, e)
    end
  end
  error(e, 0)
end

-- A job that somebody else ended. cause: the error that this was noticed by, if there is one.
function Run:interfered(text, cause)
  conflict(self, { text }, cause)
end

-- ---- steps ----

-- Seconds that are left of the option timeout; nil: no limit.
function Run:time_left()
  return self.deadline and math.max(self.deadline - core.now(), 0)
end

-- The deadline of a step's calls, and the limit of each call: see core.within.
local function limits(run, step)
  if run.spec.own_timeout then
    return 0, math.max(run.options.timeout or CALL, SHORTEST_CALL)
  elseif run.deadline and not step.unlimited then
    return math.max(run.deadline, core.now() + GRACE), 0
  end
  return 0, 0
end

-- Calls fn as the step of that name, and records how long it took.
function Run:step(name, step, fn, ...)
  self.at = name
  local began = core.now()
  local ends, each = limits(self, step)
  local results = table.pack(core.within(ends, each, fn, ...))
  self.steps[#self.steps + 1] = { name = name, seconds = core.now() - began }
  if step.unlimited and self.deadline then
    self.deadline = self.deadline + core.now() - began
  end
  return table.unpack(results, 1, results.n)
end

-- Calls fn; being cancelled waits until it is over.
local function shielded(fn, ...)
  local results = table.pack(core.shield(fn, ...))
  core.check()
  return table.unpack(results, 1, results.n)
end

local PART = {}

-- Parts of a step that are reported as steps; change: as for a step.
function Run:part(name, fn, ...)
  return self:step(name, PART, fn, ...)
end

function Run:change(name, fn, ...)
  return self:step(name, PART, shielded, fn, ...)
end

-- A step of a workflow's list, as it is.
function Run:perform(step)
  if step.parts then
    step.run(self)
  elseif step.change then
    self:step(step[1], step, shielded, step.run, self)
  else
    self:step(step[1], step, step.run, self)
  end
end

-- The run of a workflow's specification on a guest, which may be gone: { name } then.
function Run.new(spec, guest, options)
  return setmetatable({
    spec = spec,
    id = journal.new_id(),
    workflow = spec.name,
    guest = guest,
    guest_name = guest.name,
    options = options,
    args = {},
    steps = {},
    left = {},
    held = {},
    reached = 0,
    began = core.now(),
  }, Run)
end

return Run
