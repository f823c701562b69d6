-- Fault injection: runs scripts in their own guestlua, in which calls of libvirt fail, hang or kill the process;
-- they find a real guest behind a daemon that outlives them (daemon.lua). faults.c says how a fault is written.
--
--   local code, out, err, calls = faults.run(script, { fault = "virDomainBlockCommit#1:operation_timeout", uri = …, args = {…} })
--       script: Lua text, or the path of a script that ends with .lua
--       calls: a list of {index, name, guest, device, fault}; calls.events: the events, alike
--       code: its exit code, 128 + the signal that killed it, or "timeout"
--   local child <close> = faults.start(script, options)     the same while it runs: child.pid, child:calls(), child:has_called(name, times),
--       child:kill(), child:wait()
--   faults.each(script, { only = "virDomain" }, function(k, name, code, out, err, calls) … end)
--       runs it once without a fault, and then once for each call that it made, which fails

local daemon = require("spec.support.daemon")
local guestlua = require("guestlua")
local helper = require("spec.support.helper")
local tiny = require("spec.support.tiny")

local faults = { daemon = daemon.up, machine = daemon.machine }

local quoted = helper.quoted

local LIBRARY = "build/faults.so"

local function read(path)
  local file <close> = io.open(path)
  return file and file:read("a")
end

local function write(path, text)
  local file <close> = assert(io.open(path, "w"))
  assert(file:write(text))
end

-- ---- children ----

local Child = {}
Child.__index = Child

-- The child's calls so far.
function Child:calls()
  local calls = { events = {} }
  for line in (read(self.dir .. "/log") or ""):gmatch("[^\n]+") do
    local index, name, guest, device, fault = line:match("^(%d+)\t([^\t]*)\t([^\t]*)\t([^\t]*)\t([^\t]*)$")
    assert(index, "not a line of the log: " .. line)
    local event = name:match("^event:(.*)")
    local list = event and calls.events or calls
    list[#list + 1] = {
      index = not event and tonumber(index) or nil,
      name = event or name,
      guest = guest ~= "" and guest or nil,
      device = device ~= "" and device or nil,
      fault = fault ~= "" and fault or nil,
    }
  end
  table.sort(calls, function(a, b) return a.index < b.index end)
  return calls
end

local function is_over(self)
  self.code = self.code or tonumber(read(self.dir .. "/code"))
  return self.code
end

function Child:kill(signal)
  if not is_over(self) then
    os.execute(("kill -%s %d 2>/dev/null"):format(signal or "KILL", self.pid))
  end
end

-- Whether it has made that many calls of that name by now.
function Child:has_called(name, times)
  local count = 0
  for _, call in ipairs(self:calls()) do
    count = count + (call.name == name and 1 or 0)
  end
  return count >= (times or 1)
end

-- Waits for its end: its exit code, standard output, standard error and calls. Other tasks run meanwhile.
function Child:wait()
  if not self.result then
    if not helper.within(self.timeout, function() return is_over(self) end) then
      self:kill()
      helper.within(60, function() return is_over(self) end)
      self.code = "timeout"
    end
    self.result = table.pack(self.code, read(self.dir .. "/out"), read(self.dir .. "/err"), self:calls())
  end
  return table.unpack(self.result)
end

function Child:__close()
  self:kill()
  self:wait()
  os.execute("rm -rf " .. quoted(self.dir))
end

-- options.fault: one, several with commas between them, or a list of them. options.env: variables. options.args: the script's arguments.
-- options.uri: the connection that guestlua.open() makes. options.timeout: seconds until it is killed.
function faults.start(script, options)
  options = options or {}
  local self = setmetatable({ dir = helper.sh("mktemp -d -t guestlua.XXXXXX"):gsub("\n$", ""), timeout = options.timeout or tiny.TIMEOUT }, Child)
  if not script:find("^[^\n]+%.lua$") then
    write(self.dir .. "/script.lua", script)
    script = self.dir .. "/script.lua"
  end
  local fault = options.fault or ""
  if type(fault) == "table" then
    fault = table.concat(fault, ",")
  end
  local env = {
    LD_PRELOAD = LIBRARY,
    GUESTLUA_FAULT = fault,
    GUESTLUA_FAULT_LOG = self.dir .. "/log",
    -- the sanitizer has to be loaded first, to know all memory; faults.so allocates none before that
    ASAN_OPTIONS = (os.getenv("ASAN_OPTIONS") or "") .. ":verify_asan_link_order=0",
  }
  for name, value in pairs(options.env or {}) do
    env[name] = value
  end
  -- for the program itself: the processes in between must not load the library
  local words = { "exec", "env" }
  for name, value in pairs(env) do
    words[#words + 1] = quoted(name .. "=" .. value)
  end
  words[#words + 1] = helper.interpreter
  if options.uri then
    words[#words + 1] = "-c " .. quoted(options.uri)
  end
  words[#words + 1] = quoted(script)
  for _, value in ipairs(options.args or {}) do
    words[#words + 1] = quoted(value)
  end
  write(self.dir .. "/run", ("echo $$ >%s/pid\n%s >%s/out 2>%s/err\n"):format(self.dir, table.concat(words, " "), self.dir, self.dir))
  -- it ends if this process dies
  os.execute(("(timeout -s KILL %d sh %s/run; echo $? >%s/code) </dev/null >/dev/null 2>&1 &"):format(
    math.ceil(self.timeout) + 120, self.dir, self.dir))
  self.pid = helper.within(60, function() return tonumber(read(self.dir .. "/pid")) end)
  assert(self.pid, "the child did not start")
  return self
end

function faults.run(script, options)
  local child <close> = faults.start(script, options)
  return child:wait()
end

-- options.only: which calls fail: a pattern of their names, a list of names, or a function that gets the call. options.what: their
-- fault, default "internal_error". options.before: a function that runs before each run, and gets the call, nil at first.
-- Calls are found again by name and number: a script that polls may poll less often this time; then no call in calls has
-- a fault, and fn has to handle that. Returns the number of runs with a fault.
function faults.each(script, options, fn)
  local only = options.only
  local names = {}
  for _, name in ipairs(type(only) == "table" and only or {}) do
    names[name] = true
  end
  local function is_wanted(call)
    if type(only) == "function" then
      return only(call)
    end
    return not only or names[call.name] or type(only) == "string" and call.name:find(only) ~= nil
  end
  local function go(call, fault)
    if options.before then
      options.before(call)
    end
    local with = setmetatable({ fault = fault }, { __index = options })
    return faults.run(script, with)
  end
  local code, _, err, calls = go()
  if code ~= 0 then
    error(("without any fault the script ends with %s: %s"):format(code, err), 2)
  end
  local times, runs = {}, 0
  for k, call in ipairs(calls) do
    times[call.name] = (times[call.name] or 0) + 1
    if is_wanted(call) then
      runs = runs + 1
      fn(k, call.name, go(call, ("%s#%d:%s"):format(call.name, times[call.name], options.what or "internal_error")))
    end
  end
  return runs
end

return faults
