-- A guest on one of two hosts, for specs that move it: "shared", with its disk where both hosts have it.
--
--   local move = moving.up()            nil and the reason if this machine cannot have two hosts
--   move.two, move.journal              the hosts (hosts.lua), and the journal of those who move it
--   move.settle                         seconds for the hosts to agree, in its scripts: less than the default
--   move:find()                         the guest, the host that has it, and the other one
--   move:start(options, extra, fault)   a script that moves it to the other host, in a guestlua of its own
--   move:reset()                        only a fresh guest on host a, whatever happened before; needs move:keep()
--   move:machine()                      the guest where it is active, as a machine of tiny.lua

local assert = require("luassert")
local faults = require("spec.support.faults")
local guestlua = require("guestlua")
local helper = require("spec.support.helper")
local hosts = require("spec.support.hosts")
local tiny = require("spec.support.tiny")

local moving = {}

-- Bounds what is waited for; nothing here should take as long, on however busy a machine.
moving.LONG = 120

local LONG = moving.LONG

local Move = {}
Move.__index = Move

function Move:uri(name)
  return ("qemu+tcp://%s/system"):format(self.two.address[name])
end

-- Where the guest is: "running" on one host and unknown on the other, as a string of both: "running gone".
function Move:where(name)
  local words = {}
  for _, host in ipairs({ "a", "b" }) do
    local guest <close> = self.two[host]:guest(name or self.uuid)
    words[#words + 1] = guest and guest:get_info().domain_state or "gone"
  end
  return table.concat(words, " ")
end

-- The guest, where it is, and where it is not.
function Move:find(name)
  local here = self:where(name):find("^gone") and "b" or "a"
  return self.two[here]:guest(name or self.uuid), here, here == "a" and "b" or "a"
end

function Move:stays(here, word)
  assert.equal(here == "a" and (word or "running") .. " gone" or "gone " .. (word or "running"), self:where())
  local guest <close> = self.two[here]:guest(self.uuid)
  assert.is_true(guest:has_persistent_configuration())
  assert.is_nil((guest:get_xml_desc() .. guest:get_xml_desc({ dump_inactive = true })):find("urn:guestlua", 1, true), "a mark is left")
  local job = guestlua.job_type[guest:get_job_info().type]
  assert.is_false(job == "BOUNDED" or job == "UNBOUNDED", job)
end

function Move:entries()
  local pipe <close> = io.popen("ls " .. helper.quoted(self.journal) .. " 2>/dev/null")
  return pipe:read("a")
end

-- A script that does it, in a guestlua of its own.
function Move:start(options, extra, fault)
  local _, here, there = self:find()
  return faults.start(([[
    guestlua.journal{dir=%q}
    require("guestlua.workflow.migrate.settle").SECONDS = %d
    local source <close> = guestlua.open(%q)
    local destination <close> = guestlua.open(%q)
    guestlua.workflow.live_migrate(source:guest("shared"), destination, { destination_uri = %q, unsafe = true, %s })
    %s
  ]]):format(self.journal, self.settle, self.two[here].uri, self.two[there].uri, self:uri(there), options, extra or ""),
    { timeout = LONG, fault = fault }), here, there
end

function Move:run(options, extra, fault)
  local child <close>, here, there = self:start(options, extra, fault)
  local code, _, err = child:wait()
  return code, err, here, there
end

-- Waits until the child has seen its migration on the way.
function moving.await_progress(child)
  local deadline = guestlua.now() + LONG
  repeat
    assert.is_true(guestlua.now() < deadline)
    guestlua.sleep(0.02)
  until child:has_called("virDomainGetJobStats", 4)
end

local function shell(command, ...)
  local code, out, err = helper.run("bash -c " .. helper.quoted(command:format(...)))
  if code ~= 0 then
    error(("%s: %s%s"):format(command, out, err), 2)
  end
end

-- Saves the guest's memory and its disk, for reset.
function Move:keep()
  local guest <close>, here = self:find()
  self.configuration = guest:get_xml_desc({ dump_inactive = true })
  shell("virsh -q -c '%s' save shared %s/kept && cp %s/disk.qcow2 %s/kept.qcow2", self.two[here].uri, self.two.dir, self.dir, self.two.dir)
  self:reset()
end

function Move:reset()
  self.two:answer("a")
  self.two:answer("b")
  for _, name in ipairs({ "a", "b" }) do
    local guest <close> = self.two[name]:guest(self.uuid) -- it may have another name
    local defined = guest and guest:has_persistent_configuration()
    if guest and guest:is_active() then
      guest:poweroff()
    end
    if defined then
      guest:delete_configuration({ snapshots_metadata = true, checkpoints_metadata = true })
    end
  end
  shell("rm -rf %s && cd %s && rm -f $(ls | grep -v -e vmlinuz -e initrd) && cp %s/kept.qcow2 disk.qcow2", self.journal, self.dir, self.two.dir)
  self.two.a:write_instance_config(self.configuration):close()
  shell("virsh -q -c '%s' restore %s/kept", self.two.a.uri, self.two.dir)
end

function Move:machine()
  local host = self.two[self:where():find("^running") and "a" or self:where():find("running$") and "b" or select(2, self:find())]
  return setmetatable({
    name = "shared",
    uri = host.uri,
    host = host,
    guest = host:guest(self.uuid), -- nil if it is gone
    dir = self.dir,
    disk = self.dir .. "/disk.qcow2",
  }, { __index = tiny.Machine })
end

function Move:__close()
  getmetatable(self.two).__close(self.two)
end

function moving.up()
  local two, missing = hosts.up()
  if not two then
    return nil, missing
  end
  local self = setmetatable({ two = two, journal = two.dir .. "/journal", dir = two.dir .. "/shared", settle = 8 }, Move)
  local undo <close> = setmetatable({}, {
    __close = function(_, failure)
      if failure then
        Move.__close(self)
      end
    end,
  })
  two:boot("shared", self.dir)
  local guest <close> = two.a:guest("shared")
  self.uuid = guest.uuid
  guestlua.journal({ dir = self.journal })
  return self
end

return moving
