-- Undo: to-be-closed values that take back a change, however their scope ends.
--
--   local undo <close> = undo.guard(function(failure) … end)     failure: the error that leaves the scope, or nil
--   undo:keep()                                                  nothing is taken back
--
-- The function is shielded from cancellation. An error in it never hides the one that left the scope: that one is raised, and reports both.

local as_error = require("guestlua.base.as_error")
local core = require("guestlua.core")
local define = require("guestlua.base.define")

local undo = {}

-- The error to raise if `first` left a scope and `second` came while undoing; first may be nil. One may report the other already.
function undo.both(first, second)
  if first == nil or core.Error.is(second) and second.value == first then
    return second
  elseif first == second then
    return first
  end
  first = as_error(first)
  first.undoing = first.undoing or {}
  table.insert(first.undoing, second)
  return first
end

local Guard = define.class("Guard", "A change for a scope, as made by guest:frozen(), guest:paused() and guest:attached(device): "
  .. "local frozen <close> = guest:frozen(). It is taken back however the scope ends.")

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
  help = "Takes the change back now. A second call does nothing. Errors: those of the call that takes it back.",
  run = function(guard)
    Guard.__close(guard)
  end,
})

define(Guard, "Guard", {
  name = "keep",
  method = true,
  help = "Keeps the change: it is not taken back when the scope ends, nor by recover.",
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

-- Closes the guard like the end of its scope. failure: the error that leaves it.
undo.Guard, undo.close = Guard, Guard.__close

-- kept: called when the guard is kept; may be nil.
function undo.guard(take_back, kept)
  return setmetatable({ take_back = take_back, kept = kept }, Guard)
end

return undo
