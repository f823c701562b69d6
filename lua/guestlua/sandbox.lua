-- What a script that is not trusted may reach. Scripts get globals of their own, in which there is nothing that reads or writes files, starts
-- programs, loads code that is not text, or looks into others; our own modules keep theirs.
--
-- A script can still hold its thread for long inside one call of a C function of Lua's (a bad pattern on a long string): who fears that gives
-- the state a process of its own, which it can end.

local core = require("guestlua.core")
local guestlua = require("guestlua")

local sandbox = {}

local function copy(from, names)
  local result = {}
  for name in names:gmatch("%S+") do
    result[name] = from[name]
  end
  return result
end

local function refuse(what, why)
  error(core.Error.new({ kind = "not_allowed", message = ("%s: %s"):format(what, why) }), 0)
end

-- ---- the allow list ----

local function allows(list, name)
  if not list then
    return true
  end
  for _, pattern in ipairs(list) do
    if pattern == name or pattern:sub(-1) == "*" and name:sub(1, #pattern - 1) == pattern:sub(1, -2) then
      return true
    end
  end
  return false
end

local CLASSES = { "Host", "Guest", "BlockDevice", "Subscription", "Element", "Task", "Signal", "Group" }

-- Methods that are not on the list stay, and say so; close is no right that one could be denied.
local function restrict(list)
  for _, class in ipairs(CLASSES) do
    local methods = guestlua[class]
    for method, fn in pairs(methods) do
      local name = class .. "." .. method
      if type(fn) == "function" and method:sub(1, 2) ~= "__" and method ~= "close" and not allows(list, name) then
        methods[method] = function()
          refuse(name, "this program does not allow it to its scripts")
        end
      end
    end
  end
end

-- ---- the globals ----

-- A URI may name a program that libvirt starts (command=, netcat=): only the program's own is opened, and libvirt's test driver.
local function open(uri, options)
  if uri ~= nil and uri ~= guestlua.default_uri and not (type(uri) == "string" and uri:find("^test:///[%w_]*$")) then
    refuse("open", "a script in a sandbox opens no connection but the one that it was given, and test:///default")
  end
  local own = {}
  for key, value in pairs(options or {}) do
    own[key] = value
  end
  own.readonly = true
  return guestlua.open(uri, own)
end

-- A finalizer runs with no hook, so nothing would stop it.
local function set_metatable(value, metatable)
  if type(metatable) == "table" and rawget(metatable, "__gc") ~= nil then
    refuse("setmetatable", "no finalizers (__gc) in a sandbox; use a to-be-closed variable (__close)")
  end
  return setmetatable(value, metatable)
end

-- What a script could change of a table of ours would be called by our own modules, which may do more than it.
local function own_copy(from, seen)
  seen = seen or {}
  if not seen[from] then
    local result = {}
    seen[from] = result
    for name, value in next, from do
      result[name] = type(value) == "table" and own_copy(value, seen) or value
    end
  end
  return seen[from]
end

local function public_module(list)
  local public = own_copy(copy(guestlua, "version Error Host Guest BlockDevice Subscription Element Task Signal Group spawn signal element sleep now "
    .. "alive group map timeout device workflow progress power_state job_type block_job_type"))
  public.open = open
  public.log = copy(guestlua.log, "error warning info debug trace")
  for name, value in pairs(public) do
    if type(value) == "function" and not allows(list, "guestlua." .. name) then
      public[name] = function()
        refuse("guestlua." .. name, "this program does not allow it to its scripts")
      end
    end
  end
  return public
end

local function globals(list)
  rawset(string, "dump", nil) -- ("").dump
  getmetatable("").__metatable = false
  local env = own_copy(copy(_G, "assert error getmetatable ipairs next pairs pcall print rawequal rawget rawlen rawset select tonumber tostring type "
    .. "xpcall _VERSION coroutine math string table utf8"))
  env._G = env
  env.setmetatable = set_metatable
  env.os = copy(os, "clock date difftime time")
  env.guestlua = public_module(list)
  function env.load(chunk, _, _, own)
    if type(chunk) ~= "string" and type(chunk) ~= "function" then
      return load(chunk)
    end
    return load(chunk, "=(load)", "t", own == nil and env or own)
  end
  function env.require(name)
    if name ~= "guestlua" then
      refuse("require", "a sandbox has the module guestlua only")
    end
    return env.guestlua
  end
  function env.collectgarbage(what)
    if what ~= nil and what ~= "count" and what ~= "collect" and what ~= "step" then
      refuse("collectgarbage", "count, collect and step only")
    end
    return collectgarbage(what)
  end
  return env
end

-- limits: max_memory (MiB), max_instructions; sandbox: whether the globals are replaced, for all chunks that are loaded from now on; allow: a list of
-- names, as in "Guest.get_info", "BlockDevice.*", "guestlua.open"; nil: all.
function sandbox.configure(limits)
  if limits.allow then
    restrict(limits.allow)
  end
  if limits.sandbox then
    for _ in pairs(guestlua.workflow) do end -- loads them
    core.set_globals(globals(limits.allow))
  end
  core.limit(limits.max_memory and math.floor(limits.max_memory * 2 ^ 20), limits.max_instructions)
end

return sandbox
