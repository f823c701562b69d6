-- Methods written in Lua are rows like those written in C: a name, a help text, a list of parameters, and the function. The arguments are checked
-- against the list, so that Lua and C answer bad input in the same words; the manual and help() are made from the same rows.

local core = require("guestlua.core")
local spelling = require("guestlua.base.spelling")

local rows = {} -- { owner = "BlockDevice", … }
local classes = {} -- written in Lua: { name =, help = }
local lazies = {} -- classes and modules with functions that are not loaded yet

local function bad(method, argument, message, hint)
  error(core.Error.new({
    kind = "bad_argument",
    op = method,
    argument = argument,
    message = ("bad argument '%s' to '%s' (%s)"):format(argument, method, message),
    hint = hint,
  }), 0)
end

-- The type of each value, by that of the list.
local ONE = { ["list of strings"] = "string", ["list of values"] = "any" }

-- What type() says of a value; what is not here is the name of a class, or says so itself.
local LUA = { ["XML text"] = "string", integer = "number", ["list of strings"] = "table", ["list of values"] = "table" }

-- A param's type, read once: its alternatives, and the list among them.
local types = setmetatable({}, { __index = function(all, text)
  local one = {}
  for word in (text .. " or "):gmatch("(.-) or ") do
    one[#one + 1] = { name = word, lua = LUA[word] or word, class = word:find("^%u%l%w*$") ~= nil, xml = word == "XML text" }
    one.list = one.list or ONE[word] and word
  end
  all[text] = one
  return one
end })

-- A closed object still has its class: each call on it says that it is closed.
local function is_of(value, class)
  local ok, e = pcall(core.check_self, value, class, "matches")
  return ok or e.kind == "closed"
end

local function matches(value, wanted)
  local kind = type(value)
  for _, one in ipairs(types[wanted]) do
    if one.lua == kind or one.lua == "any" or one.class and is_of(value, one.name) then
      return not one.xml or value:find("<", 1, true) ~= nil
    end
  end
  return false
end

local check

-- The name of a table's key, for people. A metamethod of the script's is not called.
local function name_of(key)
  return type(key) == "table" and "table" or type(key) == "userdata" and "userdata" or tostring(key)
end

-- Raises for a table that is no list, or one with a gap, of which # and ipairs see a part only; and for a value that does not fit. Gives a plain
-- copy: what a metatable says was not checked.
local function check_list(method, param, list, kind)
  local copy, count = {}, 0
  for key, value in next, list do
    if math.type(key) ~= "integer" then
      bad(method, param.name, ("%s expected, got a table with the key '%s'"):format(kind, name_of(key)))
    end
    copy[key], count = value, count + 1
  end
  for i = 1, count do
    if copy[i] == nil then
      bad(method, param.name, ("%s expected, got a table with gaps"):format(kind))
    end
    copy[i] = check(method, { name = ("%s[%d]"):format(param.name, i), type = ONE[kind], required = true, binary = param.binary }, copy[i])
  end
  return copy
end

-- What helps who gave no such value: what it is.
local function hint_of(param, value)
  local one = types[param.type]
  if value == nil and #one == 1 and one[1].class and param.type ~= "Host" then
    return "a lookup that finds nothing gives nil; with { required = true } it raises an error that names what is missing"
  end
  return param.help and ("%s (%s): %s"):format(param.name, param.type, param.help)
end

-- Raises for a bad value. Gives what the function is called with: an integer for 2.0^20 as well.
function check(method, param, value)
  if param.name == "..." then
    return value
  elseif value == nil then
    if param.required then
      bad(method, param.name, param.type .. " expected, got nil", hint_of(param, nil))
    end
    return nil
  elseif not matches(value, param.type) then
    local no_xml = type(value) == "string" and param.type:find("XML text", 1, true)
    bad(method, param.name, ("%s expected, got %s"):format(param.type, no_xml and "a text without XML in it" or core.type_name(value)),
      no_xml and "a file is read first, as by io.open(path):read(\"a\")" or hint_of(param, value))
  elseif param.type == "integer" and not math.tointeger(value) then
    bad(method, param.name, "the number has no integer value")
  elseif (param.type == "number" or param.type == "integer") and (value < 0 and not param.signed or value ~= value) then
    bad(method, param.name, "cannot be negative")
  elseif param.least and value < param.least then
    bad(method, param.name, ("from %d up"):format(param.least))
  elseif param.most and value > param.most then -- in C's words
    bad(method, param.name, ("cannot be more than %d"):format(param.most))
  elseif param.most and value < -param.most then
    bad(method, param.name, ("cannot be less than %d"):format(-param.most))
  elseif type(value) == "string" and param.type ~= "any" and not param.binary and value:find("\0", 1, true) then
    bad(method, param.name, "the string has a NUL byte in it")
  elseif type(value) == "table" and types[param.type].list then
    return check_list(method, param, value, types[param.type].list)
  end
  return param.type == "integer" and math.tointeger(value) or value
end

-- The options among the parameters: a list of their names, and each by its name.
local function options_of(params)
  local known = {}
  for _, param in ipairs(params) do
    if not param.positional then
      known[#known + 1] = param.name
      known[param.name] = param
    end
  end
  return known
end

-- Returns them as a plain table: what a metatable says was not checked.
local function check_options(method, known, options)
  local checked = {}
  for key, value in next, options do
    if not known[key] or type(key) ~= "string" then
      local near = type(key) == "string" and spelling.nearest(key, known)
      bad(method, name_of(key), "no such option; the options are: " .. table.concat(known, ", ") .. (near and ("; is %s meant?"):format(near) or ""))
    end
    checked[key] = check(method, known[key], value)
  end
  for _, name in ipairs(known) do
    if checked[name] == nil and known[name].required then
      check(method, known[name], nil)
    end
  end
  return checked
end

-- Describes a class with its functions in the table `class`. fields: those of its objects, like a row's fields for its result.
local function describe(class, name, help, fields)
  for _, field in ipairs(fields or {}) do
    field.result = { field.type }
  end
  classes[#classes + 1] = { name = name, help = help, fields = fields or {} }
  classes[class] = name
end

-- A class written in Lua.
local function class_of(name, help)
  local class = { __name = name }
  class.__index = class
  describe(class, name, help)
  return class
end

-- Functions of a class that come from modules, each loaded when it is first needed: `modules` has the names that each makes, in the class or in what
-- the module returns; `prefix` begins the modules' own names, except full ones. pairs() loads them all, so code that lists a class uses pairs().
local function lazy(class, prefix, modules)
  local module_of = {}
  for module, names in pairs(modules) do
    for _, name in ipairs(names) do
      module_of[name] = module:find("^guestlua%.") and module or prefix .. module
    end
  end
  local function find(name)
    local made = require(module_of[name])
    if rawget(class, name) == nil then
      rawset(class, name, made[name])
    end
    return rawget(class, name)
  end
  lazies[#lazies + 1] = class
  return setmetatable(class, {
    modules = modules,
    __index = function(_, name)
      return module_of[name] and find(name)
    end,
    __pairs = function()
      for name in pairs(module_of) do
        find(name)
      end
      return next, class, nil
    end,
  })
end

-- Loads the lazy modules.
local function load_all()
  for _, class in ipairs(lazies) do
    pairs(class)
  end
end

local function check_self(class, owner, method, self)
  if not classes[class] then
    core.check_self(self, owner, method)
  elseif getmetatable(self) ~= class then
    bad(method, "self", ("%s expected, got %s; methods are called with a colon, as in object:%s(…)"):format(owner, core.type_name(self), method))
  end
end

-- The index of early options, or nil: a non-empty table as the last argument, if only optional arguments are left.
local function early_options(params, positional, first, arguments, count)
  local i = count - first + 1
  if i < 1 or i > positional or type(arguments[count]) ~= "table" or next(arguments[count]) == nil or getmetatable(arguments[count]) then
    return nil
  end
  for at = i, positional do
    local wanted = params[at].type
    if params[at].required or wanted:find("table", 1, true) or wanted:find("list of ", 1, true) or wanted == "any" then
      return nil
    end
  end
  return count
end

local TIMEOUT = {
  name = "timeout",
  type = "number",
  help = "seconds; after that an error of kind \"timeout\" is raised, which says whether the call still runs in libvirt",
}

local define = { rows = rows, classes = classes, class = class_of, describe = describe, lazy = lazy, load_all = load_all, bad = bad, check = check,
  name_of = name_of }

-- define.limit(seconds, fn, ...) calls fn within that time. It is guestlua.timeout, which needs rows itself, so guestlua/init.lua sets it here.

-- Adds the row's function to `class`, a table of methods that the documentation calls `owner`. row.method: called with a colon, its self is checked.
-- row.result: a LuaCATS type for each returned value, optionally with its name, as in "Guest?" or { "integer code", "string output" };
-- row.returns explains it. row.fields: the fields of the returned table, or of each in the list with the result "table[]", as a list of
-- { name, type, help }. param.type: a type of Lua, the name of a class, "XML text", "list of strings", "list of values", or "a or b" of
-- these. param.binary: a string of any bytes. param.signed: a number that may be below 0. param.most: no number above that, or below its negative.
-- param.least: none below that. row.blocks: it makes calls that can block, and so has the option timeout.
return setmetatable(define, {
  __call = function(_, class, owner, row)
    row.owner = owner
    row.result = row.fields and { row.result or "table" } or type(row.result) == "string" and { row.result } or row.result
    row.params = row.params or {}
    rows[#rows + 1] = row
    local params, run, first = row.params, row.run, row.method and 2 or 1
    if row.blocks then
      params[#params + 1] = TIMEOUT
    end
    local positional, rest = 0, false
    for _, param in ipairs(params) do
      rest = rest or param.name == "..."
      positional = positional + (param.positional and param.name ~= "..." and 1 or 0)
    end
    local options_at = positional < #params and not rest and first + positional or nil
    local total, known = options_at or first + positional - 1, nil -- known: from the first call on

    class[row.name] = function(...)
      local arguments, count = { ... }, select("#", ...)
      while count > total and arguments[count] == nil do -- as in C
        count = count - 1
      end
      if row.method then
        check_self(class, owner, row.name, arguments[1])
      end
      local early = options_at and early_options(params, positional, first, arguments, count)
      if early then
        arguments[early], arguments[options_at], count = nil, arguments[early], options_at
      end
      for i = 1, positional do
        arguments[first + i - 1] = check(row.name, params[i], arguments[first + i - 1])
      end
      if options_at then
        local options = arguments[options_at]
        if options ~= nil and type(options) ~= "table" then
          bad(row.name, "options", "table expected, got " .. core.type_name(options),
            "options are named, in a table; they are: " .. table.concat(options_of(params), ", "))
        end
        known = known or options_of(params)
        arguments[options_at] = check_options(row.name, known, options or {})
      end
      if rest then
        return run(...)
      elseif count > total then
        bad(row.name, "...", ("%d argument(s) too many"):format(count - total))
      elseif row.blocks and arguments[options_at].timeout then
        return define.limit(arguments[options_at].timeout, run, table.unpack(arguments, 1, total))
      end
      return run(table.unpack(arguments, 1, total))
    end
  end,
})
