-- One run per guest. A run claims its guest twice: with a lock on a file beside the journal, which ends with its owner however that dies, and with a
-- mark in the running guest's metadata, for runs on other machines and with other users' journals.
--
--   local claimed = claim.take(guest, { id=, workflow= }, { wait= })      raises "busy"; becomes run.claim as soon as there is one
--   claimed:release(guest)                                                the guest as it then is: it may have moved
--   claimed.domain                                                        its description right after it was claimed, an Element; nil: it has none
--
-- The mark also proves that the guest is the same running instance: it disappears when the guest stops.

local core = require("guestlua.core")
local decoded = require("guestlua.base.decoded")
local journal = require("guestlua.base.journal")
local json_for = require("guestlua.base.json")
local log = require("guestlua.log.log").log
local state = require("guestlua.workflow.state")
local turn = require("guestlua.guest.turn")
local undo = require("guestlua.base.undo")

local claim = {}

local URI, KEY = "urn:guestlua:run:", "guestlua" -- of a run's mark: the run's id follows
local PAUSE = 0.1 -- seconds between two tries
local PEEKS = 3 -- tries before a lock counts as taken: a mere look holds it for a moment

-- ---- the holder ----

-- A holder's description of itself; nothing in it is taken for granted.
local function described(text)
  local holder = decoded(text, "workflow", "the claims of workflows")
  return type(holder) == "table" and holder or {}
end

local function word(value)
  return type(value) == "string" and value ~= "" and value or "unknown"
end

local function busy(guest, holder, why)
  local message = ("it has a run of %s already: process %s on %s, since %s"):format(word(holder.workflow), word(holder.process),
    word(holder.machine), word(holder.since))
  error(core.Error.new({
    kind = "busy",
    guest = guest.name,
    message = why and ("%s; %s"):format(message, why) or message,
    holder = { workflow = word(holder.workflow), process = word(holder.process), machine = word(holder.machine), since = word(holder.since),
      run = word(holder.run) },
    hint = why and "if that run is over for good: guestlua.recover(host, {adopt=true})" or "wait=SECONDS waits until it is over",
  }), 0)
end

-- ---- marks ----

-- Whether the call succeeds, and its result. A driver without metadata, or a guest that has just stopped, means no mark; other failures are raised.
local function unless_unmarked(fn, ...)
  local ok, result = pcall(fn, ...)
  if not ok and not (core.Error.is(result) and turn.NO_METADATA[result.kind]) then
    error(result, 0)
  end
  return ok, result
end

-- The marks of a running guest, in the order in which they were made: a list of tables; and the guest's description, an Element, with its `id`, the
-- number that libvirt gave it when it started. Each is an element in its own namespace, so that no run replaces another's mark, however many set one
-- at once. None of that if the guest is known by its UUID alone: it is gone.
local function read_marks(guest)
  local known, xml = false, nil
  if guest.get_xml_desc then
    known, xml = unless_unmarked(guest.get_xml_desc, guest)
  end
  local domain = known and core.element(xml)
  local metadata, marks = domain and domain.metadata, {}
  for _, element in ipairs(metadata and metadata:children("run") or {}) do
    local mark = {}
    for _, key in ipairs({ "run", "workflow", "machine", "machine_id", "boot", "process", "since", "lock", "directory", "instance" }) do
      mark[key] = element:attribute(key)
    end
    if mark.run and tostring(element):find(('xmlns:%s="%s%s"'):format(KEY, URI, mark.run), 1, true) then
      marks[#marks + 1] = mark
    end
  end
  return marks, domain or nil
end

-- False if the guest cannot have marks.
local function write_mark(guest, mark)
  return (unless_unmarked(guest.set_metadata, guest, core.element("run", mark), { key = KEY, uri = URI .. mark.run, live = true }))
end

local function remove_mark(guest, id)
  unless_unmarked(guest.set_metadata, guest, nil, { key = KEY, uri = URI .. id, live = true })
end

local function directory_id(dir)
  local there = core.identify(dir)
  return there and ("%d:%d"):format(there.dev, there.ino)
end

-- Whether a mark names this very lock, by whatever path.
local function is_lock_of(mark, path)
  return mark.directory == directory_id(path:match("^(.*)/")) and (mark.lock or ""):match("[^/]*$") == path:match("[^/]*$")
end

-- Whether the run that left a mark is alive: true, false, or nil and why that cannot be seen from here. path: the guest's lock, which we hold.
local function lives(mark, path)
  local where = journal.where({ id = mark.machine_id, boot = mark.boot })
  if where == "before" then
    return false
  elseif where == "elsewhere" then
    return nil, "that is another machine, and its runs cannot be seen from here"
  elseif is_lock_of(mark, path) then
    return false
  end
  local dir = (mark.lock or ""):match("^(.*)/")
  if not dir or directory_id(dir) ~= mark.directory then -- the same path is another file in a container
    return nil, "its lock cannot be seen from here"
  end
  local held, why = core.lock_holder(mark.lock)
  if held == nil and why ~= "missing" then
    return nil, ("its lock cannot be seen from here (%s)"):format(why)
  end
  return held or false
end

-- The first mark of another run that is or may be alive, and why that is not certain. options.adopt: uncertain ones do not count.
local function foreign_mark(marks, path, options)
  for _, mark in ipairs(marks) do
    local alive, why = lives(mark, path)
    if alive or alive == nil and not options.adopt then
      return mark, why
    end
  end
end

local function without(marks, id)
  local rest = {}
  for _, mark in ipairs(marks) do
    rest[#rest + 1] = mark.run ~= id and mark or nil
  end
  return rest
end

-- The marks made before the run's own.
local function before(marks, id)
  local earlier = {}
  for _, mark in ipairs(marks) do
    if mark.run == id then
      break
    end
    earlier[#earlier + 1] = mark
  end
  return earlier
end

-- Whether the guest is the running instance that the run of that id had. A mark comes back if somebody defined the guest from its running
-- configuration.
function claim.is_same_instance(guest, id)
  local marks, domain = read_marks(guest)
  for _, mark in ipairs(marks) do
    if mark.run == id then
      return mark.instance == domain.id
    end
  end
  return false
end

-- ---- the claim ----

-- A guest that is gone is not running; one known by its UUID alone is gone.
local function runs(guest)
  local ok, active = pcall(function()
    return guest.is_active and guest:is_active()
  end)
  if not ok and not core.Error.is(active, "no_domain") then
    error(active, 0)
  end
  return ok and active
end

local Claim = {}
Claim.__index = Claim

local function try_lock(path)
  local lock, holder = core.lock(path)
  for _ = 2, PEEKS do
    if lock then
      break
    end
    core.sleep(0.01)
    lock, holder = core.lock(path)
  end
  return lock, holder
end

local function mark_of(self)
  return {
    run = self.about.run,
    workflow = self.about.workflow,
    machine = self.about.machine,
    machine_id = journal.machine().id,
    boot = journal.machine().boot,
    process = self.about.process,
    since = self.about.since,
    lock = self.path,
    directory = directory_id(self.path:match("^(.*)/")),
  }
end

-- Removes the marks of finished runs that kept their journal here: they have no entry any more. path: the guest's lock, which was held when the marks
-- were read, and is: no run has begun since.
local function sweep_marks(guest, path, marks)
  local here = directory_id(path:match("^(.*)/"))
  for _, mark in ipairs(marks) do
    if mark.directory == here and is_lock_of(mark, path) and not journal.has(mark.run) then
      remove_mark(guest, mark.run)
    end
  end
end

-- Adds the run's mark for the running guest of that number, and keeps those of dead runs, which their recovery needs.
function Claim:mark(guest, instance)
  local own = mark_of(self)
  own.instance = instance
  self.marked = true -- before it is: a signal may come at any moment
  self.marked = write_mark(guest, own)
end

-- Removes the run's mark, for example before the guest's memory is saved with it.
function Claim:unmark(guest)
  if self.marked then
    remove_mark(guest, self.about.run)
    self.marked = false
  end
end

-- Kinds of failure after which no mark can be left.
local NEVER_MADE = { no_domain = true, operation_denied = true, access_denied = true }

-- Ends the claim. guest: nil if it is gone. A mark that stays belongs to no living run: it is reported, and is no failure.
function Claim:release(guest)
  local ok, e = pcall(function()
    if guest then
      self:unmark(guest)
    end
  end)
  self.lock:release()
  if not ok and not NEVER_MADE[e.kind] then
    log.warning("the mark of a run that is over stays in the guest's metadata", { guest = self.guest_name, run = self.about.run, reason = e })
  end
end

local function begin(guest, run, lock, path)
  local machine = journal.machine()
  local self = setmetatable({
    lock = lock,
    path = path,
    guest_name = guest.name,
    about = {
      run = run.id,
      workflow = run.workflow,
      machine = machine.name,
      process = journal.process(),
      since = os.date("!%Y-%m-%dT%H:%M:%SZ"),
    },
  }, Claim)
  lock:write(json_for("workflow", "the claims of workflows").encode(self.about))
  return self
end

local function lock_path(guest)
  return ("%s/%s.lock"):format(journal.directory(), guest.uuid)
end

-- One try: the claim, or nil, the holder, and why that is not certain.
local function try(guest, run, options)
  local path = lock_path(guest)
  local lock, text = try_lock(path)
  if not lock then
    return nil, described(text)
  end
  local self = begin(guest, run, lock, path)
  local ok, mark, why = pcall(function()
    local marks, domain = read_marks(guest)
    self.domain = domain
    if not domain or not domain.id then
      return nil
    end
    local other, unsure = foreign_mark(without(marks, run.id), path, options)
    if other or options.recovers then
      return other, unsure
    end
    if state.is_held(guest) then -- libvirt would delay a mark until it is over; the run's plan then refuses, unless it ends the job
      return nil
    end
    sweep_marks(guest, path, marks)
    self:mark(guest, domain.id)
    marks, self.domain = read_marks(guest)
    return foreign_mark(before(marks, run.id), path, options) -- somebody may have been faster
  end)
  if ok and not mark then
    run.claim = self
    return self
  end
  self:release(guest)
  if not ok then
    error(mark, 0)
  end
  return nil, mark, why
end

-- Claims the guest for a run: {id, workflow}. options.wait: seconds to wait for another run to end. options.recovers: the run that is taken over
-- has its mark there. options.adopt: a run that cannot be seen from here counts as dead. guest may be the {uuid, name} of one that is gone.
function claim.take(guest, run, options)
  local deadline = core.now() + (options.wait or 0)
  while true do
    local claimed, holder, why = core.shield(try, guest, run, options)
    if claimed then
      return claimed
    elseif core.now() >= deadline then
      busy(guest, holder, why)
    end
    core.sleep(math.min(PAUSE, math.max(deadline - core.now(), 0.01)))
  end
end

-- Returns when the calls that a dead run may have left under way are over. A job of the guest itself, such as a migration, is not waited for: the
-- recoverer ends it.
function claim.await_turn(guest)
  if runs(guest) and not state.has_job(guest) then
    turn.await(guest)
  end
end

-- Removes all marks from a configuration, an Element: they belong to the guest that runs now, not to the one that starts with it.
function claim.clear_configuration(domain)
  for _, element in ipairs(domain.metadata and domain.metadata:children("run") or {}) do
    if tostring(element):find(('xmlns:%s="%s'):format(KEY, URI), 1, true) then
      element:remove()
    end
  end
end

-- Removes the mark of a recovered run.
function claim.clear_mark(guest, id)
  remove_mark(guest, id)
end

-- Removes the marks of dead runs that had nothing to take back. A guest that a run has claimed is left alone: that run does it.
function claim.sweep(guest)
  if #read_marks(guest) == 0 then
    return
  end
  local path = lock_path(guest)
  local lock = try_lock(path)
  if lock then
    local ok, e = pcall(function()
      sweep_marks(guest, path, (read_marks(guest)))
    end)
    lock:release()
    if not ok then
      error(e, 0)
    end
  end
end

-- Removes the marks of runs that cannot be seen from here, and returns them: a list of {run, workflow, machine}.
function claim.adopt(guest)
  local path, adopted = lock_path(guest), {}
  for _, mark in ipairs(read_marks(guest)) do
    if lives(mark, path) == nil then
      adopted[#adopted + 1] = { run = mark.run, workflow = word(mark.workflow), machine = word(mark.machine) }
    end
  end
  if #adopted > 0 then
    local claimed = claim.take(guest, { id = journal.new_id(), workflow = "recover" }, { recovers = true, adopt = true })
    local released <close> = undo.guard(function() claimed:release(nil) end) -- luacheck: ignore released
    for _, mark in ipairs(adopted) do
      remove_mark(guest, mark.run)
    end
  end
  return adopted
end

return claim
