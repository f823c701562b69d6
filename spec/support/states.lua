-- A tiny guest in each state that libvirt knows: machine:enter("crashed") brings it there, from any state.

local core = require("guestlua.core")
local guestlua = require("guestlua")
local tiny = require("spec.support.tiny")

local states = {}

local QEMU = "http://libvirt.org/schemas/domain/qemu/1.0"

-- The guest's emulator reads its monitor's commands from a FIFO: libvirt has no call that makes a guest panic.
local function edit(machine)
  return function(domain)
    local devices = domain.devices
    for i = 7, 12 do
      devices:append(guestlua.device.controller({ type = "pci", index = i, model = "pcie-root-port" }))
    end
    devices:append(guestlua.element("<panic model='isa'/>"))
    devices:append(guestlua.device.disk({
      type = "file", device = "disk", driver = { name = "qemu", type = "raw" }, source = { file = machine.small .. "/disk.raw" },
      target = { dev = "vdb", bus = "virtio" },
    }))
    domain.on_crash = { "preserve" }
    domain["xmlns:qemu"] = QEMU
    domain["qemu:commandline"] = { ["qemu:arg"] = {
      { value = "-chardev" }, { value = ("pipe,id=words,path=%s/words"):format(machine.dir) }, { value = "-mon" },
      { value = "chardev=words,mode=readline" },
    } }
  end
end

local function prepare(machine)
  machine.small = machine.dir .. "/small"
  assert(os.execute(("cd %s && mkfifo words.in words.out && chmod 666 words.in words.out && mkdir small"):format(machine.dir)))
  machine.has_mount = core.user() == 0 and os.execute(("mount -t tmpfs -o size=1m,mode=777 tmpfs %s"):format(machine.small)) or false
  machine.cleanup = function()
    if machine.has_mount then
      os.execute("umount -l " .. machine.small)
    end
  end
  assert(os.execute(("cd %s/small && truncate -s 16M disk.raw && chmod 666 disk.raw"):format(machine.dir)))
end

local function await(guest, wanted, reason)
  local deadline = guestlua.now() + tiny.TIMEOUT
  local word, why
  repeat
    word, why = guest:get_state()
    if word == wanted and (not reason or why == reason) then
      return
    end
    guestlua.sleep(0.05)
  until guestlua.now() > deadline
  error(("the guest is '%s' (%s), not '%s' (%s)"):format(word, why, wanted, reason), 2)
end

local function is_saved(machine)
  for _, guest in ipairs(machine.host:guests({ managed_save = true })) do
    if guest.name == machine.name then
      return true
    end
  end
  return false
end

local function off(machine)
  if machine.guest:is_active() then
    machine.guest:poweroff()
  elseif is_saved(machine) then
    machine.guest:launch({ force_boot = true, pause = true }) -- drops the saved memory
    machine.guest:poweroff()
  end
end

local function answers(guest)
  return guest:get_state() == "running" and pcall(guest.agent_command, guest, '{"execute":"guest-ping"}', { agent_timeout = 10 })
end

local ENTER = {}

-- By the shortest way: a guest that was saved while it ran continues.
function ENTER.running(machine)
  local guest = machine.guest
  if answers(guest) then
    return
  elseif not is_saved(machine) then
    off(machine)
  end
  guest:launch()
  if guest:get_state() ~= "running" then -- it was saved in another state
    off(machine)
    guest:launch()
  end
  guestlua.await_agent(guest, { timeout = tiny.TIMEOUT })
end

function ENTER.paused(machine)
  ENTER.running(machine)
  machine.guest:pause()
end

function ENTER.ioerror(machine)
  ENTER.running(machine)
  machine:later("dd if=/dev/urandom of=/dev/vdb bs=64k count=64; sync")
  await(machine.guest, "paused", "ioerror")
end

function ENTER.pmsuspended(machine)
  ENTER.running(machine)
  machine:later("echo mem >/sys/power/state")
  await(machine.guest, "pmsuspended")
end

function ENTER.crashed(machine)
  ENTER.running(machine)
  local words <close> = assert(io.open(machine.dir .. "/words.in", "w"))
  assert(words:write("o /b 0x505 1\n"))
  words:close()
  await(machine.guest, "crashed")
end

-- Its system is up and its agent is connected, but does not answer.
function ENTER.mute(machine)
  ENTER.running(machine)
  machine:later("killall -STOP qemu-ga")
  local deadline = guestlua.now() + tiny.TIMEOUT
  repeat
    guestlua.sleep(0.2)
    assert(guestlua.now() < deadline, "the agent still answers")
  until not pcall(machine.guest.agent_command, machine.guest, '{"execute":"guest-ping"}', { agent_timeout = 1 })
end

function ENTER.shutoff(machine)
  off(machine)
end

function ENTER.saved(machine)
  ENTER.running(machine)
  machine.guest:save_memory_state()
end

states.NAMES = { "running", "paused", "ioerror", "pmsuspended", "mute", "crashed", "shutoff", "saved" }

-- Whether this machine can have that state, or why not.
function states.can(name)
  if name == "ioerror" and core.user() ~= 0 then
    return false, "a disk without space needs root: a file system of its own"
  end
  return true
end

-- Whether the guest is still in that state.
function states.is_in(machine, name)
  local word, reason = machine.guest:get_state()
  return machine.state == name and (word == name or name == "ioerror" and reason == "ioerror" or name == "saved" and is_saved(machine)
    or name == "mute" and word == "running")
end

function states.enter(machine, name)
  ENTER[name](machine)
  machine.state = name
end

-- Its guest is off at first.
function states.machine()
  local new
  return tiny.boot({
    launch = false,
    prepare = function(machine)
      new = machine
      prepare(machine)
    end,
    edit = function(domain)
      edit(new)(domain)
    end,
  })
end

return states
