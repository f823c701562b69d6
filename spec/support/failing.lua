-- Workflows that fail: every call of libvirt's that they make does so once.
--
--   local machine, it_, try = failing.machine()    for a describe: see faults.machine
--       try.start(script, options)              runs it in a guestlua of its own, with `guest`, `workflow` and `dir`, the directory of the images
--       try.each(script, before, check)         once for each call; check(done, where): what is so then, done: whether it ended well
--       try.judge(where, code, err, check)      the same for one run, by its exit code and standard error
--       try.is_whole(where, images, booting)    fails unless the guest runs with these images and nothing is left; booting: its agent is not asked

local assert = require("luassert")
local faults = require("spec.support.faults")
local guestlua = require("guestlua")

local failing = {}

local CHILD = [[
  local host <close> = guestlua.open()
  local guest = host:guest("tiny")
  local workflow = guestlua.workflow
  local dir = ...
  io.stderr:write("begin\n")
  %s
]]

-- Those that change something.
local CHANGES = { "virDomainSnapshotCreateXML", "virDomainBlockCommit", "virDomainBlockRebase", "virDomainBlockCopy", "virDomainBlockJobAbort",
  "virDomainBlockResize", "virDomainFSFreeze", "virDomainFSThaw", "virDomainAttachDeviceFlags", "virDomainDetachDeviceFlags",
  "virDomainSnapshotDelete", "virDomainDestroy", "virDomainDefineXML", "virDomainCreateWithFlags" }

function failing.machine()
  local machine, it_ = faults.machine({ journal = "state/guestlua/journal", whole = function(machine)
    return #machine:chain() == 1 and machine:chain()[1] == machine.disk and not machine.guest:get_disk("vdb")
  end })
  local try = {}

  local function options(more)
    local all = { uri = machine.uri, args = { machine.dir }, env = { XDG_STATE_HOME = machine.root .. "/state" } }
    for key, value in pairs(more or {}) do
      all[key] = value
    end
    return all
  end

  function try.start(script, more)
    return faults.start(CHILD:format(script), options(more))
  end

  -- The guest runs with these images, from its configuration too; nothing is frozen, no job and no journal is left.
  function try.is_whole(where, images, booting)
    assert.same(images, machine:chain(), where)
    assert.equal(images[1], guestlua.element(machine.guest:get_xml_desc({ dump_inactive = true })).devices.disk.source.file, where)
    assert.equal(guestlua.power_state.RUNNING, machine.guest:get_power_state(), where)
    assert.is_nil(machine.guest:get_block_device("vda"):get_job_info(), where)
    assert.matches('"thawed"', booting and '"thawed"' or machine.guest:agent_command('{"execute":"guest-fsfreeze-status"}'), where)
    assert.same({}, guestlua.recover(machine.host), where)
  end

  -- A run with a fault ends well or names its step.
  function try.judge(where, code, err, check)
    local begun = err:find("^begin\n") ~= nil
    if code ~= 0 then
      assert.equal(1, code, where .. ": " .. err)
      assert.equal(begun, err:find("%l_%l+: step '%l+'") ~= nil, where .. ": " .. err)
    end
    check(code == 0, ("%s: %s"):format(where, err))
  end

  -- Once for each call, which is not made; and for each that changes something once more: it is made, and its answer is lost.
  function try.each(script, before, check)
    local function go(what, only)
      faults.each(CHILD:format(script), options({ what = what, only = only, before = before }), function(k, name, code, _, err)
        try.judge(("%s, call %d, %s"):format(name, k, what), code, err, check)
      end)
    end
    go("internal_error", "^virDomain")
    go("internal_error:after", CHANGES)
  end

  return machine, it_, try
end

return failing
