-- Backups of a running guest's disk of 1 GiB, all of it and 5 % of it, against virtnbdbackup, qemu-img convert and nbdcopy, each once:
--   build/guestlua bench/backup.lua [MIB]
-- It needs root. nbdcopy reads the image while nobody writes to it, between two qemu-nbd as well: it is the floor, not another way. qemu-img
-- copies within one process.

package.path = "./?.lua;" .. package.path

local core = require("guestlua.core")
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

-- ---- rows ----

local rows, before = {}, 0

-- fn: what is measured; it gives what it read and wrote, in MiB, how long the guest's file systems were frozen, and its peak of memory, if it knows.
local function row(who, what, fn)
  sh("sync")
  local began = guestlua.now()
  local found = fn() or {}
  local seconds, now = guestlua.now() - began, size_of(to)
  found.who, found.what, found.seconds, found.written = who, what, seconds, found.written or now - before
  before = now
  rows[#rows + 1], rows[who .. " " .. what] = found, found
  print(("%-16s %-5s %6.1f s  %5s MiB read  %5d MiB written  frozen %s  memory %s"):format(who, what, seconds,
    found.read and ("%d"):format(found.read) or "-", found.written, found.frozen and ("%.3f s"):format(found.frozen) or "-",
    found.memory and ("%d MiB"):format(found.memory) or "-"))
end

-- ---- memory ----

local function peak_of(pid)
  local file <close> = io.open(("/proc/%s/status"):format(pid))
  return file and tonumber(file:read("a"):match("VmHWM:%s*(%d+)")) or 0
end

-- The most that this process and its children have had, in MiB, while fn(sample) ran, which calls sample often.
local function peak(fn)
  local peaks = {}
  local reset <close> = assert(io.open("/proc/self/clear_refs", "w"))
  assert(reset:write("5"):flush())
  fn(function()
    for _, thread in ipairs(core.list_directory("/proc/self/task")) do
      local file <close> = io.open(("/proc/self/task/%s/children"):format(thread))
      for pid in (file and file:read("a") or ""):gmatch("%d+") do
        local now = peak_of(pid)
        peaks[pid] = now > 0 and now or peaks[pid]
      end
    end
  end)
  local sum = peak_of("self")
  for _, kib in pairs(peaks) do
    sum = sum + kib
  end
  return sum >> 10
end

-- One MiB of each 20 changes.
local function change()
  machine:sh(("i=0; while [ $i -lt %d ]; do dd if=/dev/urandom of=/dev/vdb bs=1M count=1 seek=$i oflag=direct 2>/dev/null; i=$((i + 20)); done")
    :format(mib))
end

local function guestlua_does(who, what, level, options)
  row(who, what, function()
    local done
    local memory = peak(function(sample)
      local all = { to = to .. "/" .. who, disks = { "vdb" }, level = level, on_progress = sample }
      for key, value in pairs(options or {}) do
        all[key] = value
      end
      done = guestlua.workflow.backup(machine.guest, all)
    end)
    assert(done.level_used == level, done.disks[1].because)
    return { read = done.disks[1].read >> 20, written = done.disks[1].bytes >> 20, frozen = done.frozen_seconds, memory = memory }
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
guestlua_does("guestlua", "all", "full")
change()
guestlua_does("guestlua", "5 %", "incremental")
guestlua_does("guestlua, push", "all", "full", { mode = "push" })
change()
guestlua_does("guestlua, push", "5 %", "incremental", { mode = "push" })
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

-- ---- what is to be so ----

local function goal(what, value, most)
  print(("%-60s %8.3f  at most %.2f: %s"):format(what, value, most, value <= most and "met" or "missed"))
end

local all, some, peer = rows["guestlua all"], rows["guestlua 5 %"], { all = rows["virtnbdbackup all"], some = rows["virtnbdbackup 5 %"] }
local dirty = (mib + 19) // 20
print()
goal("all: MiB read, of those of the disk", all.read / mib, 1.05)
goal("all: MiB written, of those of the disk", all.written / mib, 1.05)
goal("5 %: MiB read, of those that changed", some.read / dirty, 1.05)
goal("5 %: MiB written, of those that changed", some.written / dirty, 1.05)
goal("all: time, of nbdcopy's", all.seconds / rows["nbdcopy all"].seconds, 1.2)
if peer.all then
  goal("all: time, of virtnbdbackup's", all.seconds / peer.all.seconds, 1)
  goal("5 %: time, of virtnbdbackup's", some.seconds / peer.some.seconds, 1)
end
goal("seconds that the file systems were frozen", math.max(all.frozen or 0, some.frozen or 0), 0.2)
goal("memory with qemu-nbd's, MiB", math.max(all.memory, some.memory), 64)
