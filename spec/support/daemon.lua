-- A real guest behind a daemon that outlives the scripts: libvirtd of its own, in namespaces of its own (the script spec/support/daemon).
--
--   local machine <close> = daemon.up()                     nil and the reason if this machine cannot have it
--   local machine, it_ = daemon.machine({ … })              for a describe: it is started before its specs, which are pending without it
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

local daemon = {}

local quoted = helper.quoted

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
  helper.within(seconds, function()
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
    assert(helper.within(60, function() return #self.host:guests({ active = true }) == 0 end), "a guest does not end")
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
  run(("rm -rf %s/* && cp %s/disk.qcow2 %s && ln -f %s/saved %s/save/%s.save"):format( -- libvirt removes its name when it has read it
    self.dir, self.kept, self.dir, self.kept, self.root, self.name))
  self.guest = self.host:write_instance_config(self.configuration)
  launch(self)
end

-- Saves the memory and the disk of the guest for reset; it is off then.
local function save(self)
  self.guest:save_memory_state()
  run(("cp %s %s && ln -f %s/save/%s.save %s/saved"):format(self.disk, self.kept, self.root, self.name, self.kept))
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
function daemon.up(options)
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
  run(("mkdir %s %s && ln -s $PWD/build/tiny/vmlinuz $PWD/build/tiny/initrd %s && cp build/tiny/disk.qcow2 %s"):format(self.dir, self.kept, self.kept,
    self.dir))
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
    run(("cp %s %s && ln %s/saved %s/save/%s.save"):format(self.disk, self.kept, self.kept, self.root, self.name))
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
-- options: those of daemon.up; lacks: a function that gives the reason if the specs cannot run, before it is started; started, each: functions
-- that get it once it is there, and before each spec; fresh: each spec gets a guest that has just started; whole: a function that says after a spec
-- whether the guest is as it was: if not, or if the spec failed, the next gets such a guest; journal: where that of the specs is in the machine's
-- directory, and then each leaves nothing (helper.leaves_nothing). A spec gets the guest as its argument.
function daemon.machine(options)
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
    machine, missing = daemon.up(options)
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

return daemon
