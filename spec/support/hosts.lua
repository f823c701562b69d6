-- Two hosts for the specs of migration, each with its own libvirtd, on this machine: see two-hosts.
--
--   local hosts <close> = hosts.up()     nil and the reason if this machine cannot have them
--   local hosts, on_both = hosts.of_specs(begin)   for all specs of a file: see there
--   hosts.a, hosts.b                     each a Host
--   hosts.address.a, hosts.address.b     the address at which one reaches the other; nobody else does
--   hosts.dir                            a directory that both see; "own" in it is a different one on each
--   hosts:answer(name)                   one of them does afterwards, though its libvirtd died or stood still
--   hosts:boot(name, dir)                the tiny guest on a, with its disk in one of those directories

local guestlua = require("guestlua")
local helper = require("spec.support.helper")
local tiny = require("spec.support.tiny")

local hosts = {}

local function run(command)
  local code, out, err = helper.run(command)
  if code ~= 0 then
    error(("%s: %s"):format(command, err), 2)
  end
  return (out:gsub("\n$", ""))
end

local Hosts = {}
Hosts.__index = Hosts

function Hosts:__close()
  for _, name in ipairs({ "a", "b" }) do
    if self[name] then
      self[name]:close()
    end
  end
  run("spec/support/two-hosts down " .. self.dir)
end

-- A host's path as seen from outside: paths below "own" differ.
function Hosts:outside(name, path)
  return (path:gsub("^" .. self.dir:gsub("%p", "%%%0") .. "/own", self.dir .. "/" .. name .. "/own"))
end

-- The calls to libvirt on a host: each line that contains the text.
function Hosts:calls(name, text)
  local found = {}
  for line in io.lines(("%s/%s/log"):format(self.dir, name)) do
    if line:find(text, 1, true) then
      found[#found + 1] = line
    end
  end
  return found
end

-- The process of a host that has the name, as we call it; nil if there is none.
local function process(self, host, name)
  local function read(path)
    local file <close> = assert(io.open(path))
    return file:read("a")
  end
  local pid = tonumber(read(("%s/%s/pid"):format(self.dir, host)))
  for child in read(("/proc/%d/task/%d/children"):format(pid, pid)):gmatch("%d+") do
    if read("/proc/" .. child .. "/comm"):find(name, 1, true) then
      return tonumber(child)
    end
  end
end

-- The same, which has to be there.
function Hosts:process_of(host, name)
  return process(self, host, name) or error(("host %s has no %s"):format(host, name))
end

-- Has a host answer, whatever became of its libvirtd: where none is left one is started, as systemd would. Not only specs end it: once it had died of
-- its own after it stood still in the middle of a migration.
function Hosts:answer(name)
  helper.await(function()
    if not process(self, name, "libvirtd") then
      os.execute(("spec/support/two-hosts in %s %s libvirtd --listen -d >/dev/null 2>&1"):format(self.dir, name))
    end
    return (pcall(self[name].reconnect, self[name]))
  end, "libvirtd does not answer")
end

function Hosts:boot(name, dir)
  local there = self:outside("a", dir)
  run(("mkdir -p %s && cp build/tiny/* %s"):format(there, there))
  local domain = tiny.configuration(name, dir)
  local machine = { name = name, host = self.a, guest = guestlua.Guest.create(domain, self.a), dir = dir, outside = there }
  tiny.start(machine, domain)
  machine.guest:close()
end

function hosts.up()
  local self = setmetatable({ address = {}, dir = run("mktemp -u -t guestlua.XXXXXX") }, Hosts)
  -- they end with this process, however that ends: for the shell it is $PPID
  local code, out, err = helper.run(("spec/support/two-hosts up %s $PPID"):format(self.dir))
  if code == 77 then
    return nil, (err:gsub("%s+$", ""))
  elseif code ~= 0 then
    error(err, 0)
  end
  local undo <close> = setmetatable({}, {
    __close = function(_, failure)
      if failure then
        Hosts.__close(self)
      end
    end,
  })
  for name, address, uri in out:gmatch("(%S+) (%S+) (%S+)\n") do
    self.address[name], self[name] = address, guestlua.open(uri)
  end
  return self
end

-- Up before the first spec of a file, when begin(hosts) adds what they need, and down after the last one. Returns the hosts, and an `it` for specs on
-- them, which is pending where this machine cannot have them.
function hosts.of_specs(begin)
  local busted = require("busted")
  local shared, up, missing = {}, nil, nil
  busted.lazy_setup(function()
    up, missing = hosts.up()
    if up then
      setmetatable(shared, { __index = up })
      begin(shared)
    end
  end)
  busted.lazy_teardown(function()
    if up then
      Hosts.__close(up)
    end
  end)
  return shared, function(what, fn)
    busted.it(what, function()
      if not up then
        busted.pending(missing)
      end
      fn()
    end)
  end
end

return hosts
