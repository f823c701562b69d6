-- How far a call goes through the C code: `make path` prints how many functions, files, changes of file and allocations that are, from Lua to libvirt
-- and back; `make path WAY=1` each of them. A job's first start on a connection registers for its events too: the second one shows what each costs.

local guestlua = require("guestlua")
local tiny = require("spec.support.tiny")

local path = assert(package.loadlib("build/path/path.so", "luaopen_path"))()
local every = arg[1] == "1"

-- Where these addresses of the program are: a list of {name, file}.
local function places(steps)
  local addresses = {}
  for i, step in ipairs(steps) do
    addresses[i] = ("0x%x"):format(step.at)
  end
  local code, out, errors = guestlua.run("addr2line", { args = { "-f", "-e", "build/path/guestlua", table.unpack(addresses) } })
  assert(code == 0, errors)
  local found = {}
  for name, file in out:gmatch("(%S+)\n[^\n]-([^\n/]+/[^\n/:]+):[^\n]*\n") do
    found[#found + 1] = { name = name, file = file }
  end
  assert(#found == #steps)
  return found
end

-- A change of file is counted in each thread by itself: how they take turns is not the code's. What is inline, in a header, is in the file that
-- calls it.
local function report(title, steps)
  local where, last, functions, changes, count, seen, allocated = places(steps), {}, 0, 0, 0, {}, {}
  for i, step in ipairs(steps) do
    local place = where[i]
    if step.what == "enter" then
      functions = functions + 1
      if not place.file:find("%.h$") then
        changes = changes + (last[step.thread] and last[step.thread] ~= place.file and 1 or 0)
        count = count + (seen[place.file] and 0 or 1)
        seen[place.file], last[step.thread] = true, place.file
      end
    else
      allocated[#allocated + 1] = place.name
    end
    if every then
      print(("  %d %-28s %s%s"):format(step.thread, place.file, place.name, step.what == "enter" and "" or ": " .. step.what))
    end
  end
  print(("%-12s %3d functions  %2d files  %2d changes of file  %d allocations  %s"):format(title, functions, count, changes, #allocated,
    table.concat(allocated, ", ")))
end

local function measure(title, call)
  path.begin()
  local ok, why = pcall(call)
  local steps = path.stop()
  assert(ok, why)
  report(title, steps)
end

local host <close> = guestlua.open("test:///default")
local guest = host:guest("test")
measure("is_active", function()
  guest:is_active()
end)

-- On a guest that does not run, and with so much to merge that the job is under way meanwhile, or its event would be counted too.
local machine <close> = tiny.boot({ launch = false })
local overlays, below = {}, machine.disk
for i = 1, 2 do
  overlays[i] = ("%s/overlay%d"):format(machine.dir, i)
  local make = "qemu-img create -q -f qcow2 -F qcow2 -b %s %s && qemu-io -c 'write -q 0 16M' %s && chmod 666 %s"
  assert(os.execute(make:format(below, overlays[i], overlays[i], overlays[i])))
  below = overlays[i]
end
machine.guest:launch({ pause = true })
for i, file in ipairs(overlays) do
  machine.guest:snapshot(guestlua.element("domainsnapshot", { disks = { disk = { name = "vda", snapshot = "external", source = { file = file } } } }),
    { disk_only = true, no_metadata = true, reuse_ext = true })
  local disk = machine.guest:get_block_device("vda")
  measure(i == 1 and "first commit" or "commit", function()
    disk:commit(nil, nil, { active = true, shallow = true, bandwidth = 1, timeout = 60 })
  end)
  disk:abort_job()
end
