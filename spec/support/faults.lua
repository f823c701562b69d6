-- Fault injection: runs scripts in their own guestlua, in which calls of libvirt fail, hang or kill the process, and
-- gives them a real guest behind a daemon that outlives them. faults.c says how a fault is written.
--
--   local code, out, err, calls = faults.run(script, { fault = "virDomainBlockCommit#1:operation_timeout", uri = …, args = {…} })
--       script: Lua text, or the path of a script that ends with .lua
--       calls: a list of {index, name, guest, device, fault}; calls.events: the events, alike
--       code: its exit code, 128 + the signal that killed it, or "timeout"
--   local child <close> = faults.start(script, options)     the same while it runs: child.pid, child:calls(), child:has_called(name, times),
--       child:kill(), child:wait()
--   faults.each(script, { only = "virDomain" }, function(k, name, code, out, err, calls) … end)
--       runs it once without a fault, and then once for each call that it made, which fails
--
--   local machine <close> = faults.daemon()                 nil and the reason if this machine cannot have it
--   local machine, it_ = faults.machine({ … })              for a describe: it is started before its specs, which are pending without it
--       machine.uri                          the URI for children; machine.pid is the daemon's
--       machine.host, machine.guest          the same for the spec, without faults; new after reset and restart
--       machine:emulator()                   the process of the guest
--       machine.dir, machine.disk, machine:sh(command), machine:chain()      as in tiny.lua
--       machine:reset()                      only a fresh, just booted guest, whatever happened before
--       machine:restart({ kill = true })     libvirtd ends, by SIGKILL, and is started again; the guest runs on
--       machine:stop({ kill = true }), machine:start()      the two halves of it

local guestlua = require("guestlua")
local helper = require("spec.support.helper")
local saved = require("spec.support.saved")
local tiny = require("spec.support.tiny")

local faults = {}

local quoted = helper.quoted

local LIBRARY = "build/faults.so"

local function run(command)
  local code, out, err = helper.run(command)
  if code ~= 0 then
    error(("%s: %s"):format(command, err), 2)
  end
  return (out:gsub("\n$", ""))
end

local function read(path)
  local file <close> = io.open(path)
  return file and file:read("a")
end

local function write(path, text)
  local file <close> = assert(io.open(path, "w"))
  assert(file:write(text))
end

-- The condition's result, true if it came true in time.
local function await(seconds, condition)
  local deadline = guestlua.now() + seconds
  while true do
    local result = condition()
    if result or guestlua.now() > deadline then
      return result
    end
    guestlua.sleep(0.01)
  end
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
    if not await(self.timeout, function() return is_over(self) end) then
      self:kill()
      await(60, function() return is_over(self) end)
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
  local self = setmetatable({ dir = run("mktemp -d -t guestlua.XXXXXX"), timeout = options.timeout or tiny.TIMEOUT }, Child)
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
  self.pid = await(60, function() return tonumber(read(self.dir .. "/pid")) end)
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

-- ---- the daemon ----

local Daemon = setmetatable({}, { __index = tiny.Machine })
Daemon.__index = Daemon

local function disconnect(self)
  for _, what in ipairs({ "guest", "host" }) do
    if self[what] then
      pcall(self[what].close, self[what])
      self[what] = nil
    end
  end
end

local function connect(self)
  disconnect(self)
  self.pid = tonumber(read(self.root .. "/libvirtd.pid"))
  self.host = guestlua.open(self.uri)
  self.guest = self.host:guest(self.name)
end

function Daemon:__close()
  disconnect(self)
  run("spec/support/daemon down " .. self.root)
end

function Daemon:stop(options)
  disconnect(self)
  run(("spec/support/daemon %s %s"):format(options and options.kill and "kill" or "stop", self.root))
end

-- Right after a restore, or a start of the daemon, the agent is not connected yet.
local function await_answer(self, seconds)
  local answered, failure
  await(seconds, function()
    answered, failure = pcall(self.guest.agent_command, self.guest, '{"execute":"guest-ping"}')
    return answered
  end)
  return answered, failure
end

-- The process of the running guest: the one beside libvirtd in its namespaces.
function Daemon:emulator()
  local first = tonumber(read(self.root .. "/pid"))
  for pid in read(("/proc/%d/task/%d/children"):format(first, first)):gmatch("%d+") do
    if tonumber(pid) ~= self.pid and read(("/proc/%s/cmdline"):format(pid)):find("qemu", 1, true) then
      return tonumber(pid)
    end
  end
end

local function start(self)
  run("spec/support/daemon start " .. self.root)
  connect(self)
end

-- If the guest can answer, it does so by the time this returns.
function Daemon:start()
  start(self)
  if self.guest and self.guest:is_active() and self.guest:get_power_state() == guestlua.power_state.RUNNING then
    await_answer(self, 10)
  end
end

function Daemon:restart(options)
  self:stop(options)
  self:start()
end

-- Ends all guests and undefines them; true if libvirt did so. A killed guest releases whatever libvirt would wait for.
local function clear(self)
  run("spec/support/daemon sweep " .. self.root)
  return pcall(function()
    connect(self)
    assert(await(60, function() return #self.host:guests({ active = true }) == 0 end), "a guest does not end")
    for _, guest in ipairs(self.host:guests()) do
      guest:delete_configuration({ snapshots_metadata = true, checkpoints_metadata = true })
      guest:close()
    end
  end)
end

-- Starts the guest from the saved image.
local function launch(self)
  self.guest:launch()
  local answered, failure = await_answer(self, tiny.TIMEOUT)
  if not answered then
    error(failure, 0)
  end
end

-- The just booted guest comes from a saved image of its memory, which takes a tenth of the time of a boot.
function Daemon:reset()
  if not clear(self) then -- there is no daemon, or something holds the guest
    self:stop({ kill = true })
    start(self)
    local ok, failure = clear(self)
    if not ok then
      error(failure, 0)
    end
  end
  run(("rm -rf %s/* && cp %s/disk.qcow2 %s && cp %s/saved %s/save/%s.save"):format(
    self.dir, self.kept, self.dir, self.kept, self.root, self.name))
  self.guest = self.host:write_instance_config(self.configuration)
  launch(self)
end

-- Saves the memory and the disk of the guest for reset; it is off then.
local function save(self)
  self.guest:save_memory_state()
  run(("cp %s %s && cp %s/save/%s.save %s/saved"):format(self.disk, self.kept, self.root, self.name, self.kept))
end

-- What libvirt says of the guest; nil if it is not one that a spec could begin with.
local function traits(self)
  local guest = self.guest
  local ok, text = pcall(function()
    assert(#self.host:guests() == 1 and guest:get_state() == "running")
    assert(#guest:get_snapshot_names() + #guest:get_checkpoint_names() == 0 and not guest:has_managed_save_image())
    assert(guestlua.job_type[guest:get_job_info().type] == "none" and not guest:get_block_device("vda"):get_job_info())
    assert(not guest:qemu_monitor_command('{"execute":"query-named-block-nodes"}'):find("dirty-bitmaps", 1, true))
    assert(guest:agent_command('{"execute":"guest-fsfreeze-status"}'):find("thawed", 1, true))
    return guest:get_xml_desc() .. guest:get_xml_desc({ dump_inactive = true })
  end)
  return ok and text or nil
end

-- A reset, unless libvirt says the same of the guest as right after the last one: then only files that came beside the disk's are removed.
function Daemon:renew()
  if self.traits and traits(self) == self.traits then
    run(("find %s -mindepth 1 ! -name disk.qcow2 ! -name console.log -delete"):format(self.dir))
  else
    self:reset()
    self.traits = traits(self)
  end
end

-- Guests of later resets are as this one is now.
function Daemon:keep()
  save(self)
  launch(self)
end

local function boot(self)
  do
    local events <close> = self.guest:subscribe("agent_lifecycle")
    self.guest:launch()
    self:await_agent(events)
  end
  save(self)
end

-- options.edit: a function that may change the guest's configuration. options.conf: lines of libvirtd.conf.
function faults.daemon(options)
  local self = setmetatable({ name = "tiny", root = run("mktemp -u -t guestlua.XXXXXX") }, Daemon)
  self.dir, self.kept = self.root .. "/images", self.root .. "/kept"
  self.disk = self.dir .. "/disk.qcow2"
  -- it ends with this process, however that ends: for the shell it is $PPID
  local conf = options and options.conf and "env DAEMON_CONF=" .. quoted(options.conf) or ""
  local code, out, err = helper.run(("%s spec/support/daemon up %s $PPID"):format(conf, self.root))
  if code == 77 then
    return nil, (err:gsub("%s+$", ""))
  elseif code ~= 0 then
    error(err, 0)
  end
  local undo <close> = setmetatable({}, {
    __close = function(_, failure)
      if failure then
        Daemon.__close(self)
      end
    end,
  })
  self.uri = out:gsub("\n$", "")
  run(("mkdir %s %s && cp build/tiny/vmlinuz build/tiny/initrd %s && cp build/tiny/disk.qcow2 %s"):format(self.dir, self.kept, self.kept, self.dir))
  connect(self)
  local domain = tiny.configuration(self.name, self.dir)
  domain.os.kernel, domain.os.initrd = self.kept .. "/vmlinuz", self.kept .. "/initrd"
  if options and options.edit then
    options.edit(domain)
  end
  self.guest = guestlua.Guest.create(domain, self.host)
  self.configuration = self.guest:get_xml_desc({ dump_inactive = true })
  local others = saved.of(domain)
  if others and others:get(self.kept .. "/saved", self.disk, self.guest, domain) then
    run(("cp %s %s && cp %s/saved %s/save/%s.save"):format(self.disk, self.kept, self.kept, self.root, self.name))
  else
    boot(self)
    if others then
      others:put(self.kept .. "/saved", self.kept .. "/disk.qcow2")
    end
  end
  launch(self)
  return self
end

-- Returns the machine, which has nothing before the specs begin, and what takes the place of `it` for specs that need it.
-- options: those of faults.daemon; lacks: a function that gives the reason if the specs cannot run, before it is started; started, each: functions
-- that get it once it is there, and before each spec; fresh: each spec gets a guest that has just started; whole: a function that says after a spec
-- whether the guest is as it was: if not, or if the spec failed, the next gets such a guest; journal: where that of the specs is in the machine's
-- directory, and then each leaves nothing (helper.leaves_nothing). A spec gets the guest as its argument.
function faults.machine(options)
  options = options or {}
  local busted = require("busted")
  local shared, machine, missing, whole = {}, nil, nil, false
  if options.journal then
    helper.leaves_nothing(function()
      if machine then
        guestlua.journal({ dir = machine.root .. "/" .. options.journal })
      end
    end)
  end
  busted.lazy_setup(function()
    missing = options.lacks and options.lacks()
    if missing then
      return
    end
    machine, missing = faults.daemon(options)
    setmetatable(shared, { __index = machine, __newindex = machine })
    if machine and options.started then
      options.started(machine)
    end
  end)
  busted.lazy_teardown(function()
    setmetatable(shared, nil)
    if machine then
      Daemon.__close(machine)
    end
  end)
  return shared, function(name, fn)
    return busted.it(name, function() -- a tail call: the spec's line is that of the caller
      if not machine then
        return busted.pending(missing)
      elseif options.fresh or options.whole and not whole then
        machine:reset()
      end
      whole = false
      if options.each then
        options.each(machine)
      end
      fn(machine.guest)
      whole = options.whole and options.whole(machine)
    end)
  end
end

return faults
