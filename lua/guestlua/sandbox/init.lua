-- What a script that is not trusted may reach. Scripts get globals of their own, in which there is nothing that reads or writes files, starts
-- programs, loads code that is not text, or looks into others; our own modules keep theirs.
--
-- If instructions are limited, whatever C functions do is paid for by its time, and those that could take any time in one call are paid before:
-- costs.lua. What is left is matching bad patterns. Whoever fears that gives the script a process of its own: process.lua.

local core = require("guestlua.core")
local costs = require("guestlua.sandbox.costs")
local define = require("guestlua.base.define")
local guestlua = require("guestlua")
local reach = require("guestlua.base.reach")
local strict = require("guestlua.base.strict")
local undo = require("guestlua.base.undo")

local sandbox = { encloses = false } -- whether it does, in this state

local function copy(from, names)
  local result = {}
  for name in names:gmatch("%S+") do
    result[name] = from[name]
  end
  return result
end

local function refuse(what, why)
  error(core.Error.new({ kind = "not_allowed", op = what, message = ("%s: %s"):format(what, why) }), 0)
end

-- ---- the allow list ----

local function matches(pattern, name)
  return pattern == name or pattern:sub(-1) == "*" and name:sub(1, #pattern - 1) == pattern:sub(1, -2)
end

-- Classes of objects that ask libvirt nothing. Of all others, those that are new too, each method is a right.
local FREE = { Subscription = true, Element = true, Task = true, Signal = true }

-- All that asks libvirt something: { name =, owner =, key = }. close is no right that one could be denied.
function sandbox.rights()
  local list = {}
  local function add(owner, prefix, key)
    if type(owner[key]) == "function" and key:sub(1, 2) ~= "__" and key ~= "close" then
      list[#list + 1] = { name = prefix .. "." .. key, owner = owner, key = key }
    end
  end
  for _, class in ipairs(core.documentation().classes) do
    for key in pairs(not FREE[class.name] and core[class.name] or {}) do
      add(core[class.name], class.name, key)
    end
  end
  for key in pairs(guestlua.workflow) do
    add(guestlua.workflow, "workflow", key)
  end
  for _, key in ipairs({ "open", "embedded", "embedded_uri", "recover" }) do
    add(guestlua, "guestlua", key)
  end
  return list
end

local function set_of(names)
  local set = {}
  for name in names:gmatch("%S+") do
    set[name] = true
  end
  return set
end

-- What reads or writes a file of this machine: a script in a sandbox has it only if its whole name is on the list. So do all workflows but these.
local LOCAL = set_of("StorageVol.download StorageVol.upload Domain.screenshot Host.image_users")
local WITHOUT_FILES = set_of("workflow.attach_with_retry workflow.clean_shutdown workflow.detach_with_retry workflow.drain "
  .. "workflow.ensure_attached workflow.ensure_detached workflow.ensure_running workflow.ensure_stopped workflow.live_migrate "
  .. "workflow.offline_migrate workflow.reboot workflow.resume workflow.suspend")

local function is_local(name)
  return LOCAL[name] or name:find("^workflow%.") and not WITHOUT_FILES[name]
end

-- What is not on the list stays, and says so.
local function restrict(list, enclosed)
  local used, names = {}, {}
  for _, right in ipairs(sandbox.rights()) do
    local allowed = false
    names[#names + 1] = right.name
    for _, pattern in ipairs(list) do
      if matches(pattern, right.name) then
        allowed, used[pattern] = allowed or pattern == right.name or not (enclosed and is_local(right.name)), true
      end
    end
    if not allowed then
      right.owner[right.key] = function()
        refuse(right.name, "this program does not allow it to its scripts")
      end
    end
  end
  for _, pattern in ipairs(list) do
    if not used[pattern] then
      table.sort(names)
      define.bad("allow", pattern, "no such method; there are: " .. table.concat(names, ", "))
    end
  end
end

-- ---- what scripts get in the place of Lua's functions ----

-- Only the program's own connection is opened, and the test driver.
local function may_open(uri)
  return rawequal(uri, nil) or type(uri) == "string" and (uri == guestlua.default_uri or uri == "test:///default")
end

function sandbox.open(uri, options)
  reach.check("open", uri)
  if options ~= nil and type(options) ~= "table" then
    define.bad("open", "options", "table expected, got " .. core.type_name(options))
  end
  local own = {}
  for key, value in next, options or {} do
    own[key] = value
  end
  own.readonly = true
  return guestlua.open(uri, own)
end

local ours = debug.getmetatable -- also if it is protected

-- The metatables that scripts have set: they see and change no others, as our own modules would call what is in those.
local theirs = setmetatable({}, { __mode = "k" })

local function get_metatable(value)
  local metatable = ours(value)
  if metatable == nil then
    return nil
  end
  return theirs[metatable] and getmetatable(value)
end

-- A finalizer runs with no hook, so nothing would stop it.
local function set_metatable(value, metatable)
  local before = ours(value)
  if type(value) == "table" and before and not theirs[before] then
    refuse("setmetatable", "this table's metatable is not the script's own")
  elseif type(metatable) == "table" and rawget(metatable, "__gc") ~= nil then
    refuse("setmetatable", "no finalizers (__gc) in a sandbox; use a to-be-closed variable (__close)")
  end
  local result = setmetatable(value, metatable)
  if metatable then
    theirs[metatable] = true
  end
  return result
end

-- Lua calls the handler while no hook can stop it. Here it is called when the error has come to its end.
local function handled(handler, ok, ...)
  if ok then
    return true, ...
  end
  return false, select(2, core.pcall(handler, (...)))
end

local function xp_call(fn, handler, ...)
  return handled(handler, core.pcall(fn, ...))
end

local function collect_garbage(what)
  if what ~= nil and what ~= "count" and what ~= "collect" and what ~= "step" then
    refuse("collectgarbage", "count, collect and step only")
  elseif what ~= "count" then
    core.charge(math.floor(collectgarbage("count")) * 16)
  end
  return collectgarbage(what)
end

local function loader(env)
  return function(chunk, name, mode, ...)
    if mode == "b" then
      return nil, "attempt to load a binary chunk (mode is 't')"
    end
    -- A chunk that is called like one of our own modules would pass for one.
    name = type(name) == "string" and not name:find("^=guestlua/") and name or "=(load)"
    if select("#", ...) == 0 then
      return load(chunk, name, "t", env)
    end
    return load(chunk, name, "t", (...))
  end
end

-- ---- the globals ----

local function is_metamethod(name)
  return type(name) == "string" and name:sub(1, 2) == "__"
end

-- What a script could change of a table of guestlua's would be called by its own modules, which may do more than it. And a class's metamethods trust
-- what they are called with.
local function own_copy(from, seen)
  seen = seen or {}
  if not seen[from] then
    local result = {}
    seen[from] = result
    for name, value in next, from do
      if not is_metamethod(name) then
        result[name] = type(value) == "table" and own_copy(value, seen) or value
      end
    end
  end
  return seen[from]
end

-- Objects of classes written in Lua find their methods there, and no way to the class itself.
local function hide(class)
  class.__index = function(_, key)
    if not is_metamethod(key) then
      return rawget(class, key)
    end
  end
end

local function public_module()
  local public = own_copy(copy(guestlua, "version Error Host Guest Domain BlockDevice Snapshot Checkpoint Network NetworkPort StoragePool StorageVol "
    .. "NodeDevice Secret Interface NWFilter NWFilterBinding Subscription Stream Element Task Signal Group spawn signal element sleep now alive "
    .. "group map timeout workflow progress power_state job_type block_job_type serve"))
  public.open = sandbox.open
  public.log = copy(guestlua.log, "error warning info debug trace")
  public.device = setmetatable({}, {
    __index = function(_, name)
      return function(fields)
        return core.element(name, fields or {})
      end
    end,
  })
  strict(public.power_state, "guestlua.power_state")
  strict(public.workflow, "guestlua.workflow")
  local kept_back = { "default_uri", "default_readonly", "default_keepalive" } -- these are no misspelt names: a script may ask whether they are there
  for name in next, guestlua do
    kept_back[#kept_back + 1] = public[name] == nil and name or nil
  end
  return strict(public, "guestlua", kept_back)
end

local function globals()
  local env = own_copy(copy(_G, "assert error ipairs next pairs print rawequal rawget rawlen rawset select tonumber tostring type _VERSION "
    .. "coroutine math string table utf8"))
  env._G = env
  env.string.dump = nil
  env.getmetatable, env.setmetatable, env.collectgarbage = get_metatable, set_metatable, collect_garbage
  env.pcall, env.xpcall = core.pcall, xp_call
  env.os = copy(os, "clock date difftime time")
  env.guestlua = public_module()
  env.load = loader(env)
  function env.require(name)
    if name ~= "guestlua" then
      refuse("require", "a sandbox has the module guestlua only")
    end
    return env.guestlua
  end
  return env
end

-- Whatever opens a URI on a script's behalf, here or in libvirt, opens what the script itself could, and no more than that.
local function restrict_uris()
  local migrate = core.Guest.migrate
  reach.restrict(may_open)
  function core.Guest.migrate(guest, destination, ...)
    reach.check("migrate", destination)
    return migrate(guest, destination, ...)
  end
end

local function enclose()
  sandbox.encloses = true
  restrict_uris()
  pcall(require, "dkjson") -- later it would get the script's globals
  rawset(string, "dump", nil) -- ("").dump
  for class in pairs(define.classes) do
    if type(class) == "table" and rawget(class, "__index") then
      hide(class)
    end
  end
  hide(ours(undo.guard(function() end)))
  core.set_globals(globals())
end

-- ---- functions of Lua's that can run for long in one call ----

local LENGTH = { concat = 0, insert = 2, remove = 1, sort = 0, unpack = 0 } -- from so many more arguments on they ask for the table's length

-- The table's length is asked for in C: a __len could say anything.
local function check_length(name, t)
  local metatable = type(t) == "table" and ours(t)
  if metatable and rawget(metatable, "__len") ~= nil then
    refuse("table." .. name, "no table with a metamethod __len where instructions are counted")
  end
end

local function paid(name, cost, fn)
  local from = LENGTH[name:match("^table%.(.*)")]
  return function(...)
    if from and select("#", ...) > from then
      check_length(name:match("%.(.*)"), (...))
    end
    local charge = cost(...)
    if charge > 0 then
      core.charge(charge)
    end
    return fn(...)
  end
end

local function make_pay()
  for name, cost in pairs(costs) do
    if type(cost) == "function" then
      local library, key = name:match("^(%w+)%.(%a+)$")
      library, key = library and _G[library] or _G, key or name
      rawset(library, key, paid(name, cost, library[key]))
    end
  end
  local rep = string.rep
  rawset(string, "rep", function(s, n, separator)
    local nothing = s == "" and (separator == nil or separator == "") and tonumber(n)
    return rep(s, nothing and math.min(nothing, 1) or n, separator) -- Lua would count
  end)
end

local MOST_MEMORY = 1 << 40 -- MiB

-- limits: max_memory (MiB), max_instructions, 0: none; sandbox: whether the globals are replaced, for all chunks that are loaded from now on;
-- allow: a list of names, as in "Guest.get_info", "BlockDevice.*", "guestlua.open"; nil: all, but for
-- what reaches files of this machine.
function sandbox.configure(limits)
  local memory = (limits.max_memory or 0) > 0 and math.floor(math.min(limits.max_memory, MOST_MEMORY) * 2 ^ 20) or nil
  local instructions = (limits.max_instructions or 0) > 0 and limits.max_instructions or nil
  define.load_all() -- later they would get the script's globals
  if limits.allow or limits.sandbox then
    restrict(limits.allow or { "*" }, limits.sandbox)
  end
  if instructions then
    make_pay()
  end
  if limits.sandbox then
    enclose()
  end
  core.limit(memory, instructions)
end

return sandbox
