-- Temporary states of a guest: frozen, paused; attached is in workflow/device/attached.lua. Each is a to-be-closed value that takes the change back
-- however its scope ends, and a journal entry, with which guestlua.recover does that for a killed process.

local core = require("guestlua.core")
local define = require("guestlua.base.define")
local freeze = require("guestlua.guest.freeze")
local journal = require("guestlua.base.journal")
local turn = require("guestlua.guest.turn")
local undo = require("guestlua.base.undo")
local watchdog = require("guestlua.guest.watchdog")

-- Seconds that a cancelled guard waits for its own call.
local CALL_FOR = 20

local is_gone, thaw = freeze.is_gone, freeze.thaw

-- The id of the guest as it runs now. guest.id can be an old one, if it was restarted through another object: it is looked up.
local function id_of(guest)
  local now <close> = guest.host:guest(guest.uuid)
  return now and now.id
end

-- ---- the journal ----

-- Writes an entry for the change about to be made. Returns a function that removes it.
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
  end
end

-- Makes a guard and then the change: if that fails, it is taken back at once. begin: writes the record of it, and returns the function that ends the
-- record. A signal may come at any moment, so the guard is made first. guest: the guard's own, so that nothing stays frozen or paused if the script
-- closes its Guest before the guard, as a function does that returns the guard.
local function begun(guest, begin, take_back, fn)
  local forget
  local result = undo.guard(function(failure)
    local own <close> = guest -- luacheck: ignore own
    if forget then
      take_back(failure)
      forget()
    end
  end, function()
    local own <close> = guest -- luacheck: ignore own
    forget()
  end)
  local guard <close> = undo.guard(function(failure)
    if failure then
      undo.close(result, failure)
    end
  end)
  core.shield(function()
    forget = begin()
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
    local id, asked = id_of(guest), false
    guest = core.another(guest)
    return begun(guest, function()
      local forget = record("frozen", guest, { id = id })
      local dog = watchdog.start(guest)
      return function()
        forget()
        if dog then
          dog:release()
        end
      end
    end, function()
      if asked then
        thaw(guest)
      end
    end, function()
      freeze.check_agent(guest, options.timeout) -- somebody else may have frozen it meanwhile
      asked = true
      freeze.freeze(guest, options.timeout)
    end)
  end,
})

journal.recoverers.frozen = function(_, guest, entry)
  if not guest then
    return "the guest is gone: if somebody has moved it to another host it is frozen there, until guest:thaw_filesystems()"
  elseif not guest:is_active() then
    return "the guest is off: nothing is frozen"
  elseif guest.id ~= entry.data.id then
    return "the guest was restarted since: what is frozen by now is somebody else's doing"
  end
  thaw(guest)
  return "thawed"
end

-- ---- paused ----

define(core.Guest, "Guest", {
  name = "paused",
  method = true,
  help = "Pauses the guest for a scope: local paused <close> = guest:paused(). It runs again however the scope ends; a guest that was paused before "
    .. "stays paused.",
  result = "Guard",
  blocks = true,
  run = function(guest)
    local was = guest:get_info().domain_state == "paused"
    local id = id_of(guest)
    guest = core.another(guest)
    return begun(guest, function()
      return was and function() end or record("paused", guest, { id = id })
    end, function(failure)
      local ok, e = pcall(function()
        turn.await_abandoned(guest, failure, CALL_FOR)
        if not was and guest:get_info().domain_state == "paused" and id_of(guest) == id then
          guest:resume()
        end
      end)
      if not ok and not is_gone(guest, e) then
        error(e, 0)
      end
    end, function()
      if not was then
        guest:pause()
      end
    end)
  end,
})

journal.recoverers.paused = function(_, guest, entry)
  if not guest then
    return "the guest is gone"
  elseif guest:get_info().domain_state ~= "paused" then
    return "the guest is not paused"
  elseif guest.id ~= entry.data.id then
    return "the guest was restarted since: that it is paused is somebody else's doing"
  end
  guest:resume()
  return "the guest runs again"
end

return { begun = begun, record = record, id_of = id_of, CALL_FOR = CALL_FOR }
