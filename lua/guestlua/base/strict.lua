-- Tables with known names: a misspelt one is an error that suggests the right one, as with the fields of Guest, and not nil.
-- rawget(table, name) asks whether there is one.

local core = require("guestlua.core")
local spelling = require("guestlua.base.spelling")

local function nearest(t, optional, name)
  local names = {}
  for key in pairs(optional) do
    names[#names + 1] = key
  end
  for key in next, t do -- without loading the lazy modules, as pairs() would
    names[#names + 1] = type(key) == "string" and key or nil
  end
  table.sort(names)
  return spelling.nearest(name, names)
end

-- Makes the table strict, and returns it. what: its name for people. optional: names that may be unset, in a list. The table's own __index is
-- asked first.
return function(t, what, optional)
  local metatable, may = getmetatable(t) or {}, {}
  for _, name in ipairs(optional or {}) do
    may[name] = true
  end
  local inner = metatable.__index
  local function fail(name, near)
    error(core.Error.new({
      kind = "bad_argument",
      op = what,
      argument = name,
      message = ("bad argument '%s' to '%s' (%s has nothing of this name; %s)"):format(name, what, what,
        near and ("is %s meant?"):format(near) or ("help(%s) lists what it has"):format(what)),
    }), 0)
  end
  metatable.__index = function(self, name)
    local value = inner and inner(self, name)
    if value ~= nil or type(name) ~= "string" or may[name] or name:find("^_") then
      return value
    end
    fail(name, nearest(t, may, name))
  end
  metatable.__newindex = function(self, name, value)
    local near = type(name) == "string" and not may[name] and nearest(t, may, name)
    if near then
      fail(name, near)
    end
    rawset(self, name, value)
  end
  return setmetatable(t, metatable)
end
