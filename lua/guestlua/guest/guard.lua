-- Temporary states of a guest: frozen, paused; attached is in workflow/device/attached.lua. Each is a to-be-closed value that takes the change back
-- however its scope ends, and a journal entry, with which guestlua.recover does that for a killed process.
--
-- Several scopes may want one state of one guest, also in other processes: their entries in the journal are the count of them, and the last one that
-- lives takes the state back. Who looks at the count, and changes the state by it, does so alone.

local core = require("guestlua.core")
local define = require("guestlua.base.define")
local elsewhere = require("guestlua.guest.elsewhere")
local freeze = require("guestlua.guest.freeze")
local journal = require("guestlua.base.journal")
local try = require("guestlua.base.try")
local turn = require("guestlua.guest.turn")
local undo = require("guestlua.base.undo")
local watchdog = require("guestlua.guest.watchdog")

-- Seconds that a cancelled guard waits for its own call, and the end of a scope for its turn; a recovery for that; and between two tries to have it.
local CALL_FOR, RECOVERY_FOR, PAUSE = 20, 2, 0.05

local is_gone, thaw = freeze.is_gone, freeze.thaw

-- The id of the guest as it runs now. guest.id can be an old one, if it was restarted through another object: it is looked up.
local function id_of(guest)
  local now <close> = guest.host:guest(guest.uuid)
  return now and now.id
end

-- ---- others ----

-- Waits until no other scope begins or ends this state of the guest; while the Lock that is returned is held, none does. nil: not within so many
-- seconds, or a dry run.
local function alone(guest, name, seconds)
  if core.dry_run() then
    return nil
  end
  local path, deadline = ("%s/%s-%s.lock"):format(journal.directory(), guest.uuid, name), core.now() + (seconds or math.huge)
  local lock = core.lock(path)
  while not lock and core.now() < deadline do
    core.sleep(PAUSE)
    lock = core.lock(path)
  end
  return lock
end

-- The entries of other scopes of this state of this instance of the guest: of living ones, and of all. own: the id of the scope's own entry.
local function others(name, guest, data, own)
  local living, all = {}, {}
  for _, entry in ipairs(core.dry_run() and {} or journal.entries()) do
    local fields = entry.fields
    local theirs = fields and fields.workflow == name and fields.uuid == guest.uuid and entry.id ~= own and fields.data
    if theirs and theirs.id == data.id and theirs.device == data.device then
      all[#all + 1] = entry
      living[#living + 1] = journal.lives(entry) and entry or nil
    end
  end
  return living, all
end

-- Whether another scope that lives wants the state, too: that takes it back. What cannot be seen is nobody.
local function is_wanted(name, guest, data, own)
  local known, living = try(others, name, guest, data, own)
  return known and #living > 0
end

-- Makes a recoverer of an entry's workflow from one that knows of no others. A journal that takes no lock, as it is full or read-only, gives no turn:
-- the guest is recovered all the same, unless another scope can be seen.
local function recoverer(name, lock_of, fn)
  journal.recoverers[name] = function(_, guest, entry)
    if not guest then
      return fn(nil, entry)
    end
    local known, turn_ = try(alone, guest, lock_of and lock_of(entry.data) or name, RECOVERY_FOR)
    local held <close> = known and turn_ or nil
    if not is_wanted(name, guest, entry.data, entry.id) then
      return fn(guest, entry)
    elseif not held then
      error(core.Error.new({ kind = "busy", guest = guest.name, message = "another such scope begins or ends" }), 0)
    end
    return "another scope that goes on wants that, too, and takes it back at its end"
  end
end

-- ---- the journal ----

-- Writes an entry for the change about to be made. Returns a function that removes it, and the entry's id.
local function record(name, guest, data)
  if core.dry_run() then
    return function() end
  end
  local id = journal.new_id()
  local path = ("%s/%s.lock"):format(journal.directory(), id)
  local lock
  repeat -- a recovery may hold it for a moment
    lock = core.lock(path)
  until lock
  local entry
  local ok, e = pcall(function()
    entry = journal.begin(id, name, guest, id .. ".lock")
    entry:write({ step = name, data = data })
  end)
  if not ok then
    pcall(entry and entry.remove, entry)
    lock:release()
    error(e, 0)
  end
  return function()
    entry:remove()
    lock:release()
  end, id
end

-- Makes a guard and then the change: if that fails, it is taken back at once. scope: its name, its data in the journal; turn: a Lock that alone has
-- given, held until this returns; lock: the Lock's name, if it is not the scope's; begin: writes the record, and returns the function that ends
-- it, and its id; lasts: a guest that is moved or saved keeps the state. take_back then gets what elsewhere.listen gives, and may return the error to
-- raise in the end. A signal may come at any moment, so the guard is made first. guest: the guard's own, so that nothing stays frozen or paused if
-- the script closes its Guest before the guard, as a function does that returns the guard.
local function begun(guest, scope, take_back, fn)
  local forget, id
  local held, ears = scope.turn, scope.lasts and not core.dry_run() and elsewhere.listen(guest) or nil
  local result = undo.guard(function(failure)
    local own <close> = guest -- luacheck: ignore own
    local heard <close> = ears
    if forget then
      local known, turn_ = true, held
      if not held then
        known, turn_ = try(alone, guest, scope.lock or scope.name, CALL_FOR)
      end
      local released <close> = known and turn_ or nil
      local left = not (released and is_wanted(scope.name, guest, scope.data, id)) and take_back(failure, heard) or nil
      forget()
      if left then
        error(left, 0)
      end
    end
  end, function()
    local own <close> = guest -- luacheck: ignore own
    local heard <close> = ears -- luacheck: ignore heard
    forget()
  end)
  local guard <close> = undo.guard(function(failure)
    if failure then
      undo.close(result, failure)
    end
    held = nil
  end)
  core.shield(function()
    forget, id = scope.begin()
  end)
  fn()
  return result
end

-- ---- frozen ----

define(core.Guest, "Guest", {
  name = "frozen",
  method = true,
  help = "Freezes the guest's file systems for a scope: local frozen <close> = guest:frozen(). They are thawed however the scope ends, even if the "
    .. "freeze itself fails half-way, and if this process dies. frozen:close() thaws earlier, frozen:keep() leaves them frozen. If the agent "
    .. "does not answer, it raises before anything is frozen.",
  result = "Guard",
  params = {
    { name = "timeout", type = "number", help = "seconds that the freeze may take; then the guest is thawed, and an error of kind "
      .. "\"timeout\" is raised" },
  },
  run = function(guest, options)
    freeze.check_agent(guest, options.timeout)
    local turn_ <close> = alone(guest, "frozen")
    local data, asked = { id = id_of(guest) }, false
    guest = core.another(guest)
    return begun(guest, { name = "frozen", data = data, turn = turn_, lasts = true, begin = function()
      local forget, id = record("frozen", guest, data)
      local dog = watchdog.start(guest)
      return function()
        forget()
        if dog then
          dog:release()
        end
      end, id
    end }, function(_, ears)
      if asked and not thaw(guest) then
        return elsewhere.failure(ears, guest, "frozen", "thaw_filesystems")
      end
    end, function()
      freeze.check_agent(guest, options.timeout) -- somebody else may have frozen it meanwhile
      asked = true
      freeze.freeze(guest, options.timeout)
    end)
  end,
})

recoverer("frozen", nil, function(guest, entry)
  if not guest then
    return "the guest is gone: if somebody has moved it to another host it is frozen there, until guest:thaw_filesystems()"
  elseif not guest:is_active() then
    return elsewhere.text(guest, "frozen", "thaw_filesystems") or "the guest is off: nothing is frozen"
  elseif guest.id ~= entry.data.id then
    return "the guest was restarted since: what is frozen by now is somebody else's doing"
  end
  thaw(guest)
  return "thawed"
end)

-- ---- paused ----

define(core.Guest, "Guest", {
  name = "paused",
  method = true,
  help = "Pauses the guest for a scope: local paused <close> = guest:paused(). It runs again however the scope ends, when the last of several such "
    .. "scopes is over, if they have one journal; a guest that was paused before stays paused.",
  result = "Guard",
  blocks = true,
  run = function(guest)
    local turn_ <close> = alone(guest, "paused")
    local data = { id = id_of(guest) }
    local is_paused = guest:get_info().domain_state == "paused"
    local was = is_paused and #select(2, others("paused", guest, data)) == 0
    guest = core.another(guest)
    return begun(guest, { name = "paused", data = data, turn = turn_, lasts = true, begin = function()
      if was then
        return function() end
      end
      return record("paused", guest, data)
    end }, function(failure, ears)
      local ok, e = pcall(function()
        turn.await_abandoned(guest, failure, CALL_FOR)
        local word = not was and guest:get_info().domain_state
        if word == "paused" and id_of(guest) == data.id then
          guest:resume()
        end
        return word == "shutoff"
      end)
      if not ok and not is_gone(guest, e) then
        error(e, 0)
      end
      return not was and (not ok or e) and elsewhere.failure(ears, guest, "paused", "resume") or nil
    end, function()
      if not is_paused then
        guest:pause()
      end
    end)
  end,
})

recoverer("paused", nil, function(guest, entry)
  if not guest then
    return "the guest is gone: if somebody has moved it to another host it is paused there, until guest:resume()"
  elseif guest:get_info().domain_state ~= "paused" then
    return elsewhere.text(guest, "paused", "resume") or "the guest is not paused"
  elseif guest.id ~= entry.data.id then
    return "the guest was restarted since: that it is paused is somebody else's doing"
  end
  guest:resume()
  return "the guest runs again"
end)

return { alone = alone, begun = begun, record = record, recoverer = recoverer, id_of = id_of, CALL_FOR = CALL_FOR }
