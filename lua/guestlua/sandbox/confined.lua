-- What the process of a confined script does: the sandbox's globals, in which all that asks libvirt something asks the parent instead (process.lua).
-- It waits for each answer, and so do its tasks.

local confined = require("guestlua.program.confined")
local core = require("guestlua.core")
local define = require("guestlua.base.define")
local guestlua = require("guestlua")
local sandbox = require("guestlua.sandbox")
local strict = require("guestlua.base.strict")
local wire = require("guestlua.sandbox.wire")

local move, pack, unpack = table.move, table.pack, table.unpack -- as in wire.lua
local to_bytes, from_bytes = string.pack, string.unpack

local function refuse(what, why)
  error(core.Error.new({ kind = "not_allowed", op = what, message = ("%s: %s"):format(what, why) }), 0)
end

-- ---- objects ----

local records = setmetatable({}, { __mode = "k" }) -- object -> { id =, class =, count = }: how often it came
local known = setmetatable({}, { __mode = "v" }) -- id -> object
local released = {} -- id, count, id, count …: what was collected; it goes with the next request
local live = 0
local classes = {} -- name -> methods
local metatables = {}

-- So many more, and garbage is collected: Lua does not see what they hold.
local MORE = 1000
local collect_at = MORE

local function outgoing(value)
  if records[value] then
    return "O" .. to_bytes("<I4", records[value].id)
  elseif core.Error.is(value) then
    local fields = {}
    for key, field in next, value do
      fields[key] = field
    end
    return "E", fields
  elseif type(value) == "table" then
    return "", value
  elseif type(value) == "userdata" and pcall(core.check_self, value, "Element", "process") then
    return "X" .. to_bytes("<s4", tostring(value))
  end
  refuse("process", ("a %s cannot be handed over: this script has a process of its own"):format(type(value)))
end

local incoming = {
  X = function(text, at)
    local xml
    xml, at = from_bytes("<s4", text, at)
    return core.element(xml), at
  end,
  E = function(_, at, read_table)
    local fields
    fields, at = read_table(at)
    return core.Error.new(fields), at
  end,
}

local function request(...)
  local gone = released
  released = {}
  local ok, text = pcall(wire.encode, outgoing, (...), gone, select(2, ...))
  if not ok or #text > wire.MOST_ASKED then
    move(gone, 1, #gone, #released + 1, released) -- they go with the next one
    error(not ok and text
      or core.Error.new({ kind = "limit", op = "process", message = ("a call with %d bytes is more than %d"):format(#text, wire.MOST_ASKED) }), 0)
  end
  return wire.decode(incoming, confined.ask(text))
end

local function ask(...)
  if live >= collect_at then
    live = 0
    collectgarbage()
    for _ in next, known do
      live = live + 1
    end
    collect_at = live + MORE
  end
  local answer = request(...)
  if answer[1] then
    return unpack(answer, 2, answer.n)
  end
  error(answer[2], 0)
end

local function metatable_of(class)
  local methods = classes[class] or {}
  local metatable = {
    __name = class,
    __metatable = false,
    __index = function(object, key)
      if methods[key] then
        return methods[key]
      elseif type(key) == "string" and class ~= "Guard" then
        return ask("get", object, key)
      end
    end,
    __tostring = function(object)
      return ask("text", object)
    end,
    __close = function(object)
      ask("call", class, "close", object)
    end,
    __gc = function(object)
      local record = records[object]
      released[#released + 1], released[#released + 2] = record.id, record.count
    end,
  }
  metatables[class] = metatable
  return metatable
end

function incoming.O(text, at)
  local id, class
  id, class, at = from_bytes("<I4s1", text, at)
  local object = known[id]
  if not object then
    object = setmetatable({}, metatables[class] or metatable_of(class))
    known[id], records[object] = object, { id = id, class = class, count = 0 }
    live = live + 1
  end
  records[object].count = records[object].count + 1
  return object, at
end

-- ---- the module ----

local function caller(class, key)
  return function(...)
    return ask("call", class, key, ...)
  end
end

local function add_methods(methods, class, from)
  for key in next, from do
    if key:sub(1, 2) ~= "__" then
      methods[key] = caller(class, key)
    end
  end
end

local LOCAL = { Subscription = true, Element = true, Task = true, Signal = true }

local function make_classes()
  for _, class in ipairs(core.documentation().classes) do
    if not LOCAL[class.name] then
      local methods = {}
      add_methods(methods, class.name, class.inherits and core[class.inherits] or {})
      add_methods(methods, class.name, core[class.name])
      classes[class.name] = methods
    end
  end
  classes.Guard = { close = caller("Guard", "close"), keep = caller("Guard", "keep") }
end

-- The script's own module, with the parent behind it. What it changes there changes no object's methods.
local function connect(public)
  for name, methods in next, classes do
    if rawget(public, name) then
      local own = {}
      for key, method in next, methods do
        own[key] = method
      end
      public[name] = own
    end
  end
  local workflow = {}
  add_methods(workflow, "workflow", guestlua.workflow)
  public.workflow = strict(workflow, "guestlua.workflow")
  public.open = caller("guestlua", "open")
  function public.serve()
    refuse("serve", "a script that has a process of its own has no events")
  end
end

-- ---- the script ----

local function compile(text, name)
  local chunk, message = load((text:gsub("^\xef\xbb\xbf", ""):gsub("^#[^\n]*", "")), name, "t")
  return chunk or error(message, 0)
end

-- What can go to the parent: else its text.
local function portable(value)
  if pcall(wire.encode, outgoing, value) then
    return value
  end
  local ok, text = pcall(tostring, value)
  return ok and text or "a value that has no text"
end

local function report(op, ...)
  local values = pack(...)
  for i = 1, values.n do
    values[i] = portable(values[i])
  end
  io.stdout:flush()
  request(op, unpack(values, 1, values.n))
end

-- Runs the script; returns the function to call when all of its tasks are over, which reports that to the parent: in no task, as there is none any
-- more if the script has used up its instructions.
return function()
  local settings = ask("hello", core.version.guestlua)
  guestlua.log.configure({ level = settings.level })
  guestlua.Progress.configure({ quiet = settings.quiet })
  define.load_all()
  make_classes()
  function core.Element.validate()
    refuse("validate", "a script that has a process of its own cannot read libvirt's schemas")
  end
  sandbox.configure({ sandbox = true, max_memory = settings.memory / 2 ^ 20, max_instructions = settings.instructions })
  connect(load("return guestlua")())
  local script = pack(ask("ready", confined.confine(settings.memory, settings.seconds)))
  local results = pack(pcall(function()
    load("arg = ...")({ [0] = script[2]:sub(2), unpack(script, 3, script.n) })
    return compile(script[1], script[2])(unpack(script, 3, script.n))
  end))
  return function()
    local _, e = pcall(report, results[1] and "done" or "failed", unpack(results, 2, results.n)) -- it returns only if it cannot
    report("failed", e)
  end
end
