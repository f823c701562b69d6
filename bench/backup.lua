-- Backups of a running guest's disk of 1 GiB, all of it and 5 % of it, against virtnbdbackup, qemu-img convert and nbdcopy, each once:
--   build/guestlua bench/backup.lua [MIB]
-- It needs root. qemu-img and nbdcopy read the image while nobody writes to it: they are the floor, not another way.

package.path = "./?.lua;" .. package.path

local faults = require("spec.support.faults")
local helper = require("spec.support.helper")

local mib = tonumber((...)) or 1024
local machine <close>, why = faults.daemon({
  edit = function(domain)
    local directory = domain.devices.disk.source.file:match("^(.*)/")
    os.execute(("qemu-img create -q -f qcow2 %s/data.qcow2 %dM && chmod 666 %s/data.qcow2"):format(directory, mib, directory))
    domain.devices:append(guestlua.element("disk", { type = "file", device = "disk", driver = { name = "qemu", type = "qcow2" },
      source = { file = directory .. "/data.qcow2" }, target = { dev = "vdb", bus = "virtio" } }))
  end,
})
if not machine then
  error(why, 0)
end

local image, to = machine.dir .. "/data.qcow2", machine.root .. "/to"

local function sh(command, ...)
  command = command:format(...)
  local code, out, err = helper.run("sh -c " .. helper.quoted(command))
  if code ~= 0 then
    error(command .. ": " .. err, 0)
  end
  return out
end

-- What the directory takes, in MiB.
local function size_of(path)
  return tonumber(sh("du -sm %s", path):match("%d+"))
end

local before = 0
local function row(who, what, fn)
  sh("sync")
  local began = guestlua.now()
  local note = fn()
  local seconds, now = guestlua.now() - began, size_of(to)
  print(("%-14s %-10s %6.1f s  %5d MiB more  %s"):format(who, what, seconds, now - before, note or ""))
  before = now
end

-- One MiB of each 20 changes.
local function change()
  machine:sh(("i=0; while [ $i -lt %d ]; do dd if=/dev/urandom of=/dev/vdb bs=1M count=1 seek=$i oflag=direct 2>/dev/null; i=$((i + 20)); done")
    :format(mib))
end

local function guestlua_does(what, level)
  row("guestlua", what, function()
    local done = guestlua.workflow.backup(machine.guest, { to = to .. "/guestlua", disks = { "vdb" }, level = level })
    assert(done.level_used == level, done.disks[1].because)
    return ("frozen %.3f s, read %d MiB"):format(done.frozen_seconds or 0, done.disks[1].read >> 20)
  end)
end

local function virtnbdbackup_does(what, level)
  row("virtnbdbackup", what, function()
    -- it asks for a name and a password if the URI has a transport, and libvirt does not
    sh("virtnbdbackup -n -U '%s' --user none --password none -d tiny -i vdb -l %s -o %s/virtnbdbackup >%s/log 2>&1 || { cat %s/log >&2; false; }",
      machine.uri, level, to, machine.root, machine.root)
  end)
end

sh("mkdir %s", to)
machine.guest:poweroff()
sh("cd %s && head -c %dM /dev/urandom >raw && qemu-img convert -f raw -O qcow2 raw %s && rm raw", machine.root, mib, image)
row("qemu-img", "all", function() sh("qemu-img convert -f qcow2 -O qcow2 %s %s/converted", image, to) end)
row("nbdcopy", "all", function()
  sh("qemu-img create -q -f qcow2 %s/copied %dM && nbdcopy --flush -- [ qemu-nbd -r -f qcow2 %s ] [ qemu-nbd -f qcow2 %s/copied ]", to, mib,
    image, to)
end)
sh("rm %s/converted %s/copied", to, to)
before = size_of(to)
machine.guest:launch()
guestlua.await_agent(machine.guest, { timeout = 300 })
guestlua_does("all", "full")
change()
guestlua_does("5 %", "incremental")
for _, name in ipairs(machine.guest:get_checkpoint_names()) do
  machine.guest:delete_checkpoint(name)
end
if os.execute("command -v virtnbdbackup >/dev/null") then
  virtnbdbackup_does("all", "full")
  change()
  virtnbdbackup_does("5 %", "inc")
else
  print("virtnbdbackup is missing")
end
sh("rm -rf %s", to)
