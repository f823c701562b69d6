-- Methods written in Lua are rows like those written in C: a name, a help text, a list of parameters, and the function. The arguments are checked
-- against the list, so that Lua and C answer bad input in the same words; the manual and help() are made of the same rows.

local core = require("guestlua.core")

local rows = {} -- { owner = "BlockDevice", … }

local function bad(method, argument, message)
  error(core.Error.new({
    kind = "bad_argument",
    op = method,
    argument = argument,
    message = ("bad argument '%s' to '%s' (%s)"):format(argument, method, message),
  }), 0)
end

local function matches(value, wanted)
  if wanted == "integer" then
    return math.type(value) == "integer"
  end
  return wanted == "any" or type(value) == wanted
end

local function check(method, param, value)
  if value == nil then
    if param.required then
      bad(method, param.name, param.type .. " expected, got nil")
    end
  elseif not matches(value, param.type) then
    bad(method, param.name, ("%s expected, got %s"):format(param.type, type(value)))
  elseif param.type == "number" and (value < 0 or value ~= value) then
    bad(method, param.name, "cannot be negative")
  end
end

local function check_options(method, params, options)
  local known = {}
  for _, param in ipairs(params) do
    if not param.positional then
      known[#known + 1] = param.name
      known[param.name] = param
    end
  end
  for key, value in pairs(options) do
    if not known[key] or type(key) ~= "string" then
      bad(method, tostring(key), "no such option; the options are: " .. table.concat(known, ", "))
    end
    check(method, known[key], value)
  end
end

-- Adds the row's function to `class`, a table of methods that the documentation calls `owner`. row.method: called with a colon, its self is checked.
return setmetatable({ rows = rows }, {
  __call = function(_, class, owner, row)
    row.owner = owner
    rows[#rows + 1] = row
    local params, run, first = row.params or {}, row.run, row.method and 2 or 1
    local positional = 0
    for _, param in ipairs(params) do
      positional = positional + (param.positional and 1 or 0)
    end
    local options_at = positional < #params and first + positional or nil
    local total = first + #params - 1
    if options_at then
      total = options_at
    end

    class[row.name] = function(...)
      local arguments, count = { ... }, select("#", ...)
      if row.method then
        core.check_self(arguments[1], owner, row.name)
      end
      for i = 1, positional do
        check(row.name, params[i], arguments[first + i - 1])
      end
      if options_at then
        local options = arguments[options_at]
        if options ~= nil and type(options) ~= "table" then
          bad(row.name, "options", "table expected, got " .. type(options))
        end
        arguments[options_at] = options or {}
        check_options(row.name, params, arguments[options_at])
      end
      if count > total then
        bad(row.name, "...", ("%d argument(s) too many"):format(count - total))
      end
      return run(table.unpack(arguments, 1, total))
    end
  end,
})
