-- Scripts in the sandbox. The input chooses a program: statements, expressions, metatables, coroutines and tasks, over what there is in a sandbox.
-- Each ends within its limits and gets hold of nothing of the program's (sandbox.c looks); the state outside goes on as before.

local native = ...
local guestlua = require("guestlua")
local input = require("spec.fuzz.input")

local byte, pick, finding = input.byte, input.pick, input.finding

local MAX_STATEMENTS, MAX_DEPTH = 120, 4

-- What a script begins with.
local HEAD = [[
V = { {}, function(...) return ... end, guestlua.open(), "x", guestlua.element('<a b="c"><d/></a>'), 1.5, guestlua.group(), guestlua.signal(),
  coroutine.create(function(...) coroutine.yield(...) end), setmetatable({}, { __index = function(_, key) return key end }) }
V[11] = V[3]:guest("test")
]]

-- ---- names ----

-- The path of each function that a script finds by name.
local found, text = native.run([[
  local list, seen = {}, {}
  local function look(t, path)
    if not seen[t] then
      seen[t] = true
      for key, value in next, t do
        if type(value) == "function" then
          list[#list + 1] = path .. key
        elseif type(value) == "table" and value ~= _G then
          look(value, path .. key .. ".")
        end
      end
    end
  end
  look(_G, "")
  for _ in pairs(guestlua.workflow) do end
  look(guestlua.workflow, "guestlua.workflow.")
  table.sort(list)
  return table.concat(list, " ")
]])
assert(found, text)
local functions, methods = {}, {}
for path in text:gmatch("%S+") do
  local name = path:match("[^.]+$")
  if path ~= "guestlua.progress" and path ~= "guestlua.serve" then -- these write on standard error
    functions[#functions + 1] = path
  end
  if path:find("%u%l+%.%l") and not name:find("^__") then
    methods[#methods + 1] = name
  end
end
assert(#functions > 200 and #methods > 100)

-- Those that all else is made of come more often.
local base = {}
for name in ([[setmetatable getmetatable pcall xpcall select error next rawset rawget load string.rep string.format string.gsub string.byte
  string.char string.pack string.unpack table.concat table.insert table.sort table.unpack table.move coroutine.wrap coroutine.create coroutine.resume
  coroutine.close coroutine.yield guestlua.element guestlua.spawn guestlua.group guestlua.map guestlua.signal guestlua.timeout guestlua.open tostring
  tonumber collectgarbage math.random utf8.char os.date require]]):gmatch("%S+") do
  base[#base + 1] = name
end
local string_methods = { "rep", "format", "byte", "sub", "upper", "len", "gsub", "find", "gmatch", "dump", "pack", "reverse" }
local events = { "__index", "__newindex", "__call", "__len", "__close", "__gc", "__eq", "__lt", "__le", "__concat", "__add", "__unm", "__pairs",
  "__tostring", "__name", "__metatable", "__mode", "__idiv", "__band" }
local keys = { "__index", "__metatable", "_G", "guestlua", "string", "name", "x", "1", "__class", "host", "domain", "error", "kind", "__gc", "upper" }
local constants = {
  "nil", "true", "false", "0", "1", "-1", "2", "7", "255", "1e3", "1e9", "2^53", "0/0", "1/0", "math.maxinteger", "math.mininteger", "0.5",
  "''", "'x'", "'%s%d%99.9f'", "'%1'", "'__index'", "'k'", "'b'", "'test'", "'return _G'", "'return ...'", "'\\27Lua'", "'<a><b/><b/></a>'",
  "'a\\0b'", "'=guestlua/core'", "('x'):rep(1000)", "'test:///default'", "'count'", "'lifecycle'", "_G", "_ENV", "...",
}
local operators = { "+", "-", "*", "/", "//", "%", "^", "..", "==", "<", "<=", "and", "or", "&", "|", "~", "<<", ">>" }

-- ---- grammar ----

local expression, block

local function variable()
  return ("V[%d]"):format(byte() % 12 + 1)
end

local function list(depth)
  local parts = {}
  for i = 1, byte() % 4 do
    parts[i] = expression(depth)
  end
  return table.concat(parts, ", ")
end

local function a_function(depth)
  return ("function(...) %s return %s end"):format(block(depth + 1, byte() % 3), list(depth + 1))
end

local expressions = {
  variable,
  function()
    return pick(constants)
  end,
  function()
    return byte() % 2 == 0 and pick(base) or pick(functions)
  end,
  function(depth) -- the most frequent
    return ("%s(%s)"):format(byte() % 4 > 0 and pick(base) or pick(functions), list(depth))
  end,
  function(depth)
    return ("%s(%s)"):format(variable(), list(depth))
  end,
  function(depth)
    return ("%s:%s(%s)"):format(variable(), byte() % 3 == 0 and pick(string_methods) or pick(methods), list(depth))
  end,
  function(depth)
    return ("(%s):%s(%s)"):format(expression(depth), pick(string_methods), list(depth))
  end,
  function(depth)
    return ("(%s %s %s)"):format(expression(depth), pick(operators), expression(depth))
  end,
  function(depth)
    return ("(%s %s)"):format(pick({ "#", "-", "not", "~" }), expression(depth))
  end,
  function(depth)
    return ("{ %s, %s = %s }"):format(expression(depth), "x", expression(depth))
  end,
  a_function,
  function(depth)
    return ("setmetatable({}, { %s = %s })"):format(pick(events), byte() % 2 == 0 and a_function(depth) or expression(depth))
  end,
  function()
    return ("%s[%q]"):format(variable(), pick(keys))
  end,
  function(depth)
    return ("%s[%s]"):format(variable(), expression(depth))
  end,
}

function expression(depth)
  if depth > MAX_DEPTH or input.is_over() then
    return byte() % 2 == 0 and variable() or pick(constants)
  end
  return pick(expressions)(depth + 1)
end

local statements = {
  function(depth)
    return ("%s = %s"):format(variable(), expression(depth))
  end,
  function(depth)
    return ("pcall(function(...) %s = %s end)"):format(variable(), expression(depth))
  end,
  function(depth)
    return ("pcall(function(...) %s[%s] = %s end)"):format(variable(), expression(depth), expression(depth))
  end,
  function(depth)
    return ("pcall(%s)"):format(a_function(depth))
  end,
  function(depth)
    return ("for i = 1, %s do %s end"):format(pick({ "2", "2", "3", "3", "10", "10", "1e3", "1e9" }), block(depth + 1, 2))
  end,
  function(depth)
    return ("while %s do %s %s end"):format(expression(depth), block(depth + 1, 2), pick({ "break", "break", "break", "" }))
  end,
  function(depth)
    return ("for k, x in %s do V[1], V[2] = k, x %s end"):format(expression(depth), block(depth + 1, 1))
  end,
  function(depth)
    return ("do local c <close> = setmetatable({}, { __close = %s }) %s end"):format(a_function(depth), block(depth + 1, 2))
  end,
  function(depth)
    return ("coroutine.wrap(%s)(%s)"):format(a_function(depth), list(depth))
  end,
  function(depth)
    return ("guestlua.spawn(%s)"):format(a_function(depth))
  end,
  function(depth)
    return ("if %s then %s else %s end"):format(expression(depth), block(depth + 1, 1), block(depth + 1, 1))
  end,
  function(depth)
    return ("xpcall(%s, %s)"):format(a_function(depth), a_function(depth))
  end,
  function()
    return pick({ "coroutine.yield()", "guestlua.sleep(0)", "V[3] = guestlua.open()", "V[11] = V[3]:guest('test')", "collectgarbage()",
      "V[5] = guestlua.element('<a b=\"c\"/>')", "V[6] = coroutine.running()" })
  end,
}

local left -- statements

function block(depth, count)
  local parts = {}
  for i = 1, count do
    left = left - 1
    if left < 0 or depth > MAX_DEPTH or input.is_over() then
      break
    end
    parts[i] = pick(statements)(depth)
  end
  return table.concat(parts, "\n")
end

-- ---- the state outside ----

local function works()
  return tostring(guestlua.element("a", { b = "c" })) == '<a b="c"/>' and ("x"):rep(3) == "xxx" and getmetatable("").__index == string
    and string.dump and os.execute and io.open("/dev/null"):close()
end

return function(bytes)
  input.begin(bytes)
  left = MAX_STATEMENTS
  local script = { HEAD }
  while left > 0 and not input.is_over() do
    script[#script + 1] = ("pcall(function(...) %s end)"):format(block(0, 1))
  end
  local program = table.concat(script, "\n")
  local valid, why = load(program, "=script", "t")
  if not valid then
    finding("the script is not valid: %s\n%s", why, program)
  end
  local ok, result = native.run(program)
  if type(result) ~= "string" then
    finding("a script has neither a result nor an error: %s", tostring(ok))
  elseif not works() then
    finding("the state outside is not as it was")
  end
end
