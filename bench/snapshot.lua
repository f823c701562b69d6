-- guestlua's side of bench/snapshot: snapshot.lua URI GUEST DISK MODE ARGUMENT. By MODE:
--   once MIB          snapshot and commit; between the two the guest writes MIB of data. Prints the ns that this writing took, which nobody counts,
--                     and the ns that the rest took once the connection was open
--   serve PATH        the same whenever somebody writes MIB to the pipe PATH.in, until it is nothing; the numbers go to PATH.out
--   write MIB         only writes, for the other contenders
--   boot DIRECTORY    starts the guest, with its files in DIRECTORY

package.path = "./?.lua;" .. package.path

local uri, name, target, mode, argument = ...
local host <close> = guestlua.open(uri)

local function ns(seconds)
  return ("%.0f"):format(seconds * 1e9)
end

local function boot(directory)
  local tiny = require("spec.support.tiny")
  local domain = tiny.configuration(name, directory)
  domain.devices:append(guestlua.element("disk", {
    type = "file", device = "disk",
    driver = { name = "qemu", type = "qcow2" },
    source = { file = directory .. "/data.qcow2" },
    target = { dev = target, bus = "virtio" },
  }))
  local machine = setmetatable({ guest = guestlua.Guest.create(domain, host) }, { __index = tiny.Machine })
  local events <close> = machine.guest:subscribe("agent_lifecycle")
  machine.guest:launch()
  machine:await_agent(events)
end

-- How long it took. Direct: by the emulated processor as little as can be, and nothing stays in the guest's memory.
local function write(guest, mib)
  local began = guestlua.now()
  if mib > 0 then
    local code, _, message = guest:exec("dd", { args = { "if=/dev/zero", "of=/dev/" .. target, "bs=16M", "count=" .. mib // 16, "oflag=direct" } })
    assert(code == 0, message)
  end
  return guestlua.now() - began
end

local function once(guest, mib)
  local writing
  local began = guestlua.now()
  guestlua.workflow.snapshot_then_commit(guest, {
    disks = { target },
    during = function()
      writing = write(guest, mib)
    end,
  })
  return ns(writing) .. " " .. ns(guestlua.now() - began - writing)
end

local function serve(path)
  local guest = host:guest(name)
  while true do
    local input = assert(io.open(path .. ".in"))
    local mib = input:read("n")
    input:close()
    if not mib then
      return
    end
    local output = assert(io.open(path .. ".out", "w"))
    output:write(once(guest, mib), "\n")
    output:close()
  end
end

if mode == "boot" then
  boot(argument)
elseif mode == "serve" then
  serve(argument)
elseif mode == "write" then
  print(ns(write(host:guest(name), tonumber(argument))))
else
  print(once(host:guest(name), tonumber(argument)))
end
