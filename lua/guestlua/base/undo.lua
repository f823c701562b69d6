-- Undo: to-be-closed values that take back what was done, on every way out of a scope.
--
--   local undo <close> = undo.guard(function(failure) … end)     failure: the error that leaves the scope, or nil
--   undo:keep()                                                  lets go: nothing is taken back
--
-- The function runs shielded from being cancelled. An error in it never hides the one that left the scope: that one is raised, and tells of both.

local core = require("guestlua.core")
local define = require("guestlua.base.define")

local undo = {}

-- The error to raise where `first` left a scope and `second` came while undoing; first may be nil. One may tell of the other already.
function undo.both(first, second)
  if first == nil or core.Error.is(second) and second.value == first then
    return second
  elseif first == second then
    return first
  elseif not core.Error.is(first) then
    first = core.Error.new({ kind = "script", message = tostring(first), value = first })
  end
  first.undoing = first.undoing or {}
  table.insert(first.undoing, second)
  return first
end

local Guard = define.class("Guard", "Holds something for a scope, as guest:frozen(), guest:paused() and guest:attached(device) do: "
  .. "local frozen <close> = guest:frozen(). It is taken back on every way out of the scope.")

function Guard:__close(failure)
  local take_back = self.take_back
  self.take_back = nil
  if not take_back then
    return
  end
  local ok, e = pcall(core.shield, take_back, failure)
  if not ok then
    error(undo.both(failure, e), 0)
  end
end

define(Guard, "Guard", {
  name = "close",
  method = true,
  help = "Takes back now. A second time it does nothing. Errors: as the call that takes it back has them.",
  run = function(guard)
    Guard.__close(guard)
  end,
})

define(Guard, "Guard", {
  name = "keep",
  method = true,
  help = "Lets go of what is held: nothing is taken back when the scope ends, nor by recover.",
  result = "Guard",
  run = function(guard)
    local kept = guard.take_back and guard.kept
    guard.take_back = nil
    if kept then
      kept()
    end
    return guard
  end,
})

-- Closes the guard as the end of its scope does. failure: the error that leaves it.
undo.Guard, undo.close = Guard, Guard.__close

-- kept: called when the guard is kept; may be nil.
function undo.guard(take_back, kept)
  return setmetatable({ take_back = take_back, kept = kept }, Guard)
end

return undo
