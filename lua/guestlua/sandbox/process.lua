-- A script in a process of its own, which can open, start and reach nothing (src/program/confine.c), and is killed when its time is over. What it
-- asks of libvirt it asks of this process, over a socket pair, and gets if a sandbox's script may have it. This is the parent's side; the other one
-- is confined.lua.
--
-- Whoever writes on the other end of the socket is an enemy: what is no proper request ends the script.

local core = require("guestlua.core")
local define = require("guestlua.base.define")
local guestlua = require("guestlua")
local sandbox = require("guestlua.sandbox")
local wire = require("guestlua.sandbox.wire")

local process = { SECONDS = 60, MEMORY = 256 << 20 } -- the limits if none are given; 0: none

-- Objects that the script may have at a time, and arguments of a call.
local MOST_OBJECTS, MOST_ARGUMENTS = 10000, 200

local LONGEST = 1 << 30 -- seconds, for alarm(2)

local SIGALRM, SIGXCPU = 14, 24
local TOO_LONG = "the script was not over within %g seconds" -- whether its parent saw that or the kernel

local function fail(kind, message, ...)
  error(core.Error.new({ kind = kind, op = "process", message = message:format(...) }), 0)
end

-- ---- what it may ask for ----

-- Why it does without what makes something that works in this process only: a row with such a result.
local function why_not(row)
  for _, result in ipairs(row.result or {}) do
    for _, kind in ipairs({ "fun(", "Subscription", "file*" }) do
      if result:find(kind, 1, true) then
        return "it gives what does not leave this program"
      end
    end
  end
end

local reach -- "Guest.pause" -> { owner =, key =, why_not = }; made when it is first needed
local parents = {} -- class -> the one that it inherits from

local function add(class, owner, key)
  reach[class .. "." .. key] = { owner = owner, key = key }
end

local function note(class, row)
  local right = reach[class .. "." .. row.name]
  if right then
    right.why_not = why_not(row)
  end
end

local function make_reach()
  reach = {}
  for _, right in ipairs(sandbox.rights()) do
    if not right.name:find("^guestlua%.") then
      reach[right.name] = right
    end
  end
  add("guestlua", sandbox, "open")
  add("Guard", guestlua.Guard, "close")
  add("Guard", guestlua.Guard, "keep")
  for _, class in ipairs(core.documentation().classes) do
    parents[class.name] = class.inherits
    if reach[class.name .. ".close"] == nil and core[class.name].close then
      add(class.name, core[class.name], "close")
    end
    for _, row in ipairs(class.methods) do
      note(class.name, row)
    end
  end
  for _, row in ipairs(define.rows) do
    note(row.owner, row)
  end
  reach["Stream.expect"].why_not = "a bad pattern would hold up this program: read, and look in the script"
end

local function find(class, key)
  if type(class) ~= "string" or type(key) ~= "string" then
    return nil
  end
  return reach[class .. "." .. key] or parents[class] and reach[parents[class] .. "." .. key]
end

-- ---- values ----

-- The class of an object that the script gets a number for.
local function class_of(value)
  if type(value) == "userdata" then
    local metatable = debug.getmetatable(value)
    local name = metatable and rawget(metatable, "__name")
    return name and reach[name .. ".close"] and name
  end
  return getmetatable(value) == guestlua.Guard and "Guard"
end

local Served = {}
Served.__index = Served

-- The number of an object: how often it was sent is counted, as it may be sent again while the script gives the last one back.
function Served:number(value, class)
  local id = self.ids[value]
  if not id then
    if self.count >= MOST_OBJECTS then
      fail("limit", "the script has %d objects: it cannot have more at a time", MOST_OBJECTS)
    end
    id = self.next
    self.next, self.count = id + 1, self.count + 1
    self.ids[value], self.objects[id] = id, { value = value, class = class, sent = 0 }
  end
  self.objects[id].sent = self.objects[id].sent + 1
  self.given[#self.given + 1] = id
  return string.pack("<I4s1", id, class)
end

function Served:release(list)
  for i = 1, #list, 2 do
    local id, count = list[i], list[i + 1]
    local object = self.objects[id]
    if not object or math.type(count) ~= "integer" or count < 1 or count > object.sent then
      error("gives back what it does not have", 0)
    end
    object.sent = object.sent - count
    if object.sent == 0 and not (object.class == "Guard" and object.value.take_back) then -- that one is closed when the script is over
      self.objects[id], self.ids[object.value] = nil, nil
      self.count = self.count - 1
    end
  end
end

-- Takes back all but the first so many numbers of an answer: the script never gets them.
function Served:take_back(count)
  for i = #self.given, count + 1, -1 do
    self:release({ self.given[i], 1 })
    self.given[i] = nil
  end
end

-- The fields of an error: what cannot go is a text.
function Served:portable(foreign, e)
  local fields = {}
  for key, value in next, e do
    local count = #self.given
    local can_go = pcall(wire.encode, foreign, value)
    self:take_back(count)
    if can_go then
      fields[key] = value
    else
      fields[key] = tostring(value)
    end
  end
  return fields
end

function Served:make_foreign()
  local function outgoing(value)
    local class = (type(value) == "userdata" or type(value) == "table") and class_of(value)
    if class then
      return "O" .. self:number(value, class)
    elseif core.Error.is(value) then
      return "E", self:portable(outgoing, value)
    elseif type(value) == "table" then
      return "", value
    elseif type(value) == "userdata" and pcall(core.check_self, value, "Element", "process") then
      return "X" .. string.pack("<s4", tostring(value))
    end
    fail("not_allowed", "a %s cannot be handed to a script that has a process of its own", type(value))
  end
  self.outgoing = outgoing
  self.incoming = {
    O = function(text, at)
      local id
      id, at = string.unpack("<I4", text, at)
      return assert(self.objects[id], "no such object").value, at
    end,
    X = function(text, at)
      local xml
      xml, at = string.unpack("<s4", text, at)
      return core.element(xml), at
    end,
    E = function(_, at, read_table)
      local fields
      fields, at = read_table(at)
      assert(type(fields.kind) == "string", "an error without a kind")
      return core.Error.new(fields), at
    end,
  }
end

-- ---- answering ----

local answers = {}

function answers.hello(self, version)
  if version ~= core.version.guestlua then
    fail("bad_argument", "the program '%s' is not guestlua %s", self.program, core.version.guestlua)
  end
  return self.settings
end

function answers.ready(self, missing)
  local text = type(missing) == "table" and table.concat(missing, ", ") or ""
  if text ~= "" and self.require then
    fail("no_support", "this machine's kernel cannot confine the script's process: it has no %s", text)
  elseif text ~= "" then
    guestlua.log[text:find("seccomp", 1, true) and "warning" or "info"]("the script's process is confined without " .. text)
  end
  self.missing = text
  return self.text, self.name, table.unpack(self.arguments, 1, self.arguments.n)
end

function answers.call(_, class, key, ...)
  local right = find(class, key)
  if not right then
    fail("not_allowed", "a script that has a process of its own has no '%s.%s'", tostring(class), tostring(key))
  elseif right.why_not then
    fail("not_allowed", "%s.%s: a script that has a process of its own does without: %s", class, key, right.why_not)
  elseif select("#", ...) > MOST_ARGUMENTS then
    fail("bad_argument", "%s.%s: more than %d arguments", class, key, MOST_ARGUMENTS)
  end
  return right.owner[right.key](...)
end

function answers.get(_, object, key)
  if type(object) ~= "userdata" or not class_of(object) or type(key) ~= "string" or key:sub(1, 2) == "__" then
    error("no field of an object", 0)
  end
  return object[key]
end

function answers.text(_, object)
  return tostring(object)
end

-- Not those that were sent: what ended this call ends the script.
local function is_end(e)
  return core.Error.is(e, "cancelled") or core.Error.is(e, "interrupted")
end

function Served:reply(ok, ...)
  self.given = {}
  local encoded, text = pcall(wire.encode, self.outgoing, ok, ...)
  if encoded and #text > wire.MOST_ANSWERED then
    encoded, text = pcall(fail, "limit", "an answer of %d bytes is more than %d", #text, wire.MOST_ANSWERED)
  end
  if not encoded then
    self:take_back(0)
    text = wire.encode(self.outgoing, false, core.Error.is(text) and text or tostring(text))
  end
  if not self.peer:write(text) then
    error("asks before it has read the last answer", 0)
  end
end

-- ---- its life ----

-- Raises how the process has ended, which it should not have.
function Served:post_mortem(wrong)
  self.peer:kill()
  local code, signal = self.peer:wait()
  if wrong then
    fail("script_ended", "the script's process was ended: %s", wrong)
  elseif signal == SIGXCPU or signal == SIGALRM then
    fail("limit", TOO_LONG, self.settings.seconds)
  elseif signal ~= 0 then
    error(core.Error.new({ kind = "script_ended", op = "process", signal = signal,
      message = ("the script's process was ended by signal %d"):format(signal) }), 0)
  end
  fail("script_ended", "the script's process has ended with exit code %d", code)
end

-- One request; the outcome, if it is the last.
function Served:serve(request)
  local op, released = request[1], request[2]
  self:release(type(released) == "table" and released or {})
  if self.expected and op ~= self.expected then
    error("is not what it should be", 0)
  elseif op == "done" then
    return table.pack(table.unpack(request, 3, request.n))
  elseif op == "failed" then
    error({ script = request[3] })
  end
  self.expected = op == "hello" and "ready" or nil
  local answer = type(op) == "string" and answers[op]
  if not answer or not self.expected and (op == "hello" or op == "ready" and self.missing) then
    error("asks for nothing that there is", 0)
  end
  local results = table.pack(pcall(answer, self, table.unpack(request, 3, request.n)))
  if not results[1] and (is_end(results[2]) or not self.missing) then
    error({ script = results[2] })
  end
  self:reply(table.unpack(results, 1, results.n))
end

-- Returns the script's results.
function Served:run()
  while true do
    local message, wrong = self.peer:read(wire.MOST_ASKED)
    if not message then
      return self:post_mortem(wrong)
    end
    local ok, result = pcall(function()
      return self:serve(wire.decode(self.incoming, message))
    end)
    if ok and result then
      return table.unpack(result, 1, result.n)
    elseif not ok and type(result) == "table" and not core.Error.is(result) then
      error(result.script, 0)
    elseif not ok then
      return self:post_mortem("a request that is none: " .. tostring(result))
    end
  end
end

-- What the script changed for a scope is taken back.
function Served:__close()
  self.peer:kill()
  local guards = {}
  for id, object in pairs(self.objects) do
    guards[#guards + 1] = object.class == "Guard" and id or nil
  end
  table.sort(guards, function(a, b)
    return a > b
  end)
  for _, id in ipairs(guards) do
    local ok, e = pcall(guestlua.Guard.close, self.objects[id].value)
    if not ok then
      guestlua.log.error("what the script left cannot be taken back", { error = tostring(e) })
    end
  end
end

-- Of this process's environment: what is needed to load programs and Lua's modules, and how texts and times are written.
local VARIABLES = "PATH LD_LIBRARY_PATH LD_PRELOAD LUA_PATH LUA_PATH_5_4 LUA_CPATH LUA_CPATH_5_4 LANG LC_ALL LC_CTYPE LC_TIME TZ "
  .. "ASAN_OPTIONS UBSAN_OPTIONS TSAN_OPTIONS"

local function environment()
  local list = {}
  for name in VARIABLES:gmatch("%S+") do
    local value = os.getenv(name)
    list[#list + 1] = value and name .. "=" .. value or nil
  end
  return list
end

-- options: seconds, memory (bytes; 0: no limit), instructions, program (the guestlua command), require (all that confines it has to be there), quiet,
-- level (of the log). Runs the script's text with the arguments, and returns its results; raises its error.
function process.run(options, text, name, ...)
  if not sandbox.encloses then
    fail("bad_argument", "a script gets a process of its own from a state that is a sandbox")
  elseif not reach then
    make_reach()
  end
  local seconds = math.min(options.seconds or process.SECONDS, LONGEST)
  local program = options.program or core.command()
  local peer <close>, why = core.peer({ program, name }, environment())
  if not peer then
    fail("no_program", "the script's process cannot be started: %s: %s", program, why)
  end
  local served <close> = setmetatable({
    peer = peer, program = program, require = options.require, text = text, name = name, arguments = table.pack(...), expected = "hello",
    ids = {}, objects = {}, given = {}, next = 1, count = 0,
    settings = { seconds = math.ceil(seconds), memory = options.memory or process.MEMORY, instructions = options.instructions, quiet = options.quiet,
      level = options.level },
  }, Served)
  served:make_foreign()
  if seconds == 0 then
    return served:run()
  end
  local in_time, results = pcall(guestlua.timeout, seconds, function()
    local results = table.pack(pcall(served.run, served))
    return (results[1] or not is_end(results[2])) and results or error(results[2], 0)
  end)
  if in_time and results[1] then
    return table.unpack(results, 2, results.n)
  elseif in_time then
    error(results[2], 0)
  elseif core.Error.is(results, "timeout") then
    fail("limit", TOO_LONG, seconds)
  end
  error(results, 0)
end

-- For guestlua_sandbox_process: the function that runs it with its arguments.
function process.bound(options, text, name)
  return function(...)
    return process.run(options, text, name, ...)
  end
end

return process
