-- The tiny real guest: boots a fresh one on libvirt's embedded QEMU driver, waits for its agent, and leaves nothing behind.
--
--   local machine <close> = tiny.boot()
--   machine.guest, machine.host, machine.disk (the path of its disk's image), machine.dir
--   machine:sh("echo hello > /data/x")      → the command's output; an error if it failed

local guestlua = require("guestlua")
local saved = require("spec.support.saved")

local tiny = {}

local IMAGES = "build/tiny" -- made by spec/support/tiny-guest

-- Limits for the slowest case: emulated, under valgrind, on a busy machine.
tiny.TIMEOUT = 180

local function run(command)
  local pipe = assert(io.popen(command .. " 2>&1"))
  local output = pipe:read("a")
  if not pipe:close() then
    error(("%s: %s"):format(command, output), 2)
  end
  return (output:gsub("\n$", ""))
end

local function quoted(text)
  return "'" .. text:gsub("'", "'\\''") .. "'"
end

-- The embedded driver has one directory per process; busted loads this module again for each file, so the registry keeps it. The guest's emulator may
-- run as another user, and needs access to it.
local registry = debug.getregistry()
local function root()
  if not registry[IMAGES] then
    local dir = run("mktemp -d -t guestlua.XXXXXX")
    registry[IMAGES] = setmetatable({ dir = dir, machines = 0 }, {
      __gc = function()
        os.execute("rm -rf " .. quoted(dir))
      end,
    })
    run("chmod 755 " .. dir)
  end
  return registry[IMAGES]
end

-- What libvirt finds out about QEMU, by starting it three times, is kept in build/saved for all drivers of this kind; it knows itself what is out of
-- date. A user has a directory of his own.
local function share_capabilities(dir)
  run(([[kept=$PWD/build/saved/capabilities-embed-$(id -u); mkdir -p "$kept" %s/cache/qemu && ln -s "$kept" %s/cache/qemu/capabilities]]):format(
    quoted(dir), quoted(dir)))
end

-- One Host serves all machines of the process.
function tiny.host()
  local kept = root()
  if not kept.host then
    local uri = guestlua.embedded_uri(kept.dir)
    if not os.execute("[ / -ef /proc/1/root ]") then -- in a chroot libvirt makes the emulators' devices outside, because setns leaves the chroot
      run(("echo 'namespaces = []' >>%s/etc/qemu.conf"):format(quoted(kept.dir)))
    end
    share_capabilities(kept.dir)
    run(("cat spec/support/qemu.conf >>%s/etc/qemu.conf"):format(quoted(kept.dir)))
    kept.host = guestlua.open(uri)
  end
  return kept.host
end

-- The number of hosts opened for that, for code that counts hosts.
function tiny.hosts()
  return registry[IMAGES] and registry[IMAGES].host and 1 or 0
end

local template
-- The configuration of a tiny guest with its files in dir.
function tiny.configuration(name, dir)
  if not template then
    local file <close> = assert(io.open("spec/support/tiny-guest.xml"))
    template = file:read("a")
  end
  local domain = guestlua.element(template)
  domain.name = name
  domain.os.kernel = dir .. "/vmlinuz"
  domain.os.initrd = dir .. "/initrd"
  domain.devices.disk.source.file = dir .. "/disk.qcow2"
  domain.devices.serial.source.path = dir .. "/console.log"
  return domain
end

-- One more disk, with an empty image beside that of the first: TARGET.FORMAT.
function tiny.add_disk(domain, target, format, size)
  local path = ("%s/%s.%s"):format(domain.devices.disk.source.file:match("^(.*)/"), target, format)
  assert(os.execute(("qemu-img create -q -f %s %s %d && chmod 666 %s"):format(format, path, size, path)))
  domain.devices:append(guestlua.element("disk", { type = "file", device = "disk", driver = { name = "qemu", type = format },
    source = { file = path }, target = { dev = target, bus = "virtio" } }))
end

local Machine = {}
Machine.__index = Machine
tiny.Machine = Machine

function Machine:__close()
  local guest <close> = self.host:guest(self.name)
  if guest then
    local active = guest:is_active()
    if guest:has_persistent_configuration() then
      guest:delete_configuration() -- while it runs, so that libvirt forgets its snapshots as well
    end
    if active then
      guest:poweroff()
    end
  end
  if self.guest then
    self.guest:close()
  end
  if self.cleanup then
    self.cleanup()
  end
  os.execute("rm -rf " .. quoted(self.dir))
end

function Machine:sh(command, options)
  options = options or {}
  local code, out, err = self.guest:exec("/bin/sh", { args = { "-c", command }, timeout = options.timeout or tiny.TIMEOUT })
  if code ~= 0 then
    error(("in the guest: %s: exit code %d: %s"):format(command, code, err), 2)
  end
  return (out:gsub("\n$", ""))
end

-- Has the guest run a command that silences its agent: a moment later, when that has answered. Nobody waits for it. It has no quotes.
function Machine:later(command)
  local script = ("(sleep 1; %s) </dev/null >/dev/null 2>&1 &"):format(command)
  self.guest:agent_command(('{"execute":"guest-exec","arguments":{"path":"/bin/sh","arg":["-c","%s"]}}'):format(script),
    { agent_timeout = tiny.TIMEOUT })
end

-- The images of the disk, topmost first, as libvirt sees the chain.
function Machine:chain(target)
  local images = {}
  for _, disk in ipairs(guestlua.element(self.guest:get_xml_desc()).devices:children("disk")) do
    if disk.target.dev == (target or "vda") then
      local layer = disk
      while layer and layer.source do
        images[#images + 1] = layer.source.file
        layer = layer.backingStore
      end
    end
  end
  return images
end

-- Waits until the guest's agent answers; the machine must be launched.
function Machine:await_agent(events)
  local deadline = guestlua.now() + tiny.TIMEOUT
  repeat
    local event = events:next(math.max(deadline - guestlua.now(), 0))
    if not event then
      local console <close> = io.open(self.dir .. "/console.log")
      error(("the agent of the tiny guest did not answer within %d s; its console: %s"):format(tiny.TIMEOUT, console and console:read("a")))
    end
  until event.state == "connected"
  self.guest:agent_command('{"execute":"guest-ping"}', { agent_timeout = tiny.TIMEOUT })
end

-- Launches the guest and waits for its agent; with options.pause it is paused first.
function Machine:launch(options)
  local events <close> = self.guest:subscribe("agent_lifecycle")
  self.guest:launch(options)
  if options and options.pause then
    assert(self.guest:get_power_state() == guestlua.power_state.PAUSED)
    self.guest:resume()
  end
  self:await_agent(events)
end

local snapshots = 0

-- A <domainsnapshot> of the disk with a new file; fields: what else is in it.
function Machine:external(fields)
  snapshots = snapshots + 1
  fields = fields or {}
  fields.disks = { disk = { name = "vda", snapshot = "external", source = { file = ("%s/top%d"):format(self.dir, snapshots) } } }
  return guestlua.element("domainsnapshot", fields)
end

-- Waits until the agent answers a guest that went on from its saved memory.
local function await_answer(machine)
  local deadline = guestlua.now() + tiny.TIMEOUT
  while true do
    local ok, e = pcall(machine.guest.agent_command, machine.guest, '{"execute":"guest-ping"}', { agent_timeout = tiny.TIMEOUT })
    if ok then
      return
    elseif guestlua.now() > deadline then
      error(e, 0)
    end
    guestlua.sleep(0.02)
  end
end

-- Where a machine's directory is for this process: a host with directories of its own may call it otherwise.
local function outside(machine, name)
  return ("%s/%s"):format(machine.outside or machine.dir, name)
end

-- Lets the guest go on from the file `saved` in its directory; false if it cannot.
local function restore(machine)
  local ok = pcall(machine.host.restore, machine.host, machine.dir .. "/saved")
  os.remove(outside(machine, "saved"))
  if ok then
    machine.guest:close() -- another one knows its new id
    machine.guest = machine.host:guest(machine.name)
    await_answer(machine)
  end
  return ok
end

-- Whether the guest could go on from what is kept of another one.
local function go_on(machine, kept, domain)
  local disk = outside(machine, "disk.qcow2")
  if not kept:get(outside(machine, "saved"), disk, machine.guest, domain) then
    return false
  elseif restore(machine) then
    return true
  end
  run(("cp %s/disk.qcow2 %s"):format(IMAGES, disk))
  return false
end

-- Keeps it for others.
local function keep(machine, kept)
  machine.guest:save(machine.dir .. "/saved")
  kept:put(outside(machine, "saved"), outside(machine, "disk.qcow2"))
  assert(restore(machine), "a guest that was just saved does not go on")
end

-- Starts a guest, which is defined as domain says, and waits for its agent. It goes on from what is kept of another one, if its configuration is no
-- other (saved.lua). machine: what a Machine has, and `outside` if its directory is another one for this process.
function tiny.start(machine, domain)
  setmetatable(machine, Machine)
  local kept = saved.of(domain)
  if kept and go_on(machine, kept, domain) then
    return
  end
  machine:launch()
  if kept then
    keep(machine, kept)
  end
end

-- A guest that is waited for is started as above.
-- options.prepare: a function that gets the machine before its guest is defined; it may set machine.cleanup, which runs when the guest is gone.
-- options.launch = false: defined only. options.await = false: do not wait for its agent. options.edit: a function that may change its configuration.
function tiny.boot(options)
  options = options or {}
  root().machines = root().machines + 1
  local machine = setmetatable({ name = "tiny" .. root().machines, host = tiny.host() }, Machine)
  machine.dir = ("%s/%s"):format(root().dir, machine.name)
  local undo <close> = setmetatable({}, {
    __close = function(_, failure)
      if failure then
        Machine.__close(machine)
      end
    end,
  })
  machine.disk = machine.dir .. "/disk.qcow2"
  run(("mkdir %s && cp %s/* %s && chmod 777 %s && chmod 666 %s"):format(machine.dir, IMAGES, machine.dir, machine.dir, machine.disk))
  if options.prepare then
    options.prepare(machine)
  end
  local domain = tiny.configuration(machine.name, machine.dir)
  if options.edit then
    options.edit(domain)
  end
  machine.guest = guestlua.Guest.create(domain, machine.host)
  if options.launch ~= false and options.await ~= false and not options.prepare then
    tiny.start(machine, domain)
  elseif options.launch ~= false and options.await ~= false then
    machine:launch()
  elseif options.launch ~= false then
    machine.guest:launch()
  end
  return machine
end

return tiny
