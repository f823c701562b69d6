-- Recovery of killed runs that attach, detach or suspend took a device for what the run had left, or still had to do, by its description alone:
--
--   The guest was restarted since, so that what the run had attached to it was gone, and somebody attached the same device: it was detached.
--   A detach was killed when the device was gone from the configuration; somebody attached it again: it was detached.
--   A suspend was killed, the guest restarted, and the disk taken out of its configuration, to be given to another guest: it was attached again.
--   Another disk in the place of the one to be detached by a suspend was detached.

local faults = require("spec.support.faults")
local foreign = require("spec.support.foreign")
local guestlua = require("guestlua")
local helper = require("spec.support.helper")

local CHILD = [[
  require("guestlua.core").watchdog = error
  guestlua.journal({ dir = os.getenv("JOURNAL") })
  local host <close> = guestlua.open()
  local guest = host:guest("tiny")
  local workflow, dir = guestlua.workflow, ...
  local DEVICE = ("<disk type='file'><source file='%%s/device'/><target dev='vdb' bus='virtio'/></disk>"):format(dir)
  %s
]]

local ATTACH = "virsh attach-disk tiny $D/device vdb --live"
local RESTART = "virsh destroy tiny && virsh start tiny && "

describe("A device that somebody attached after a run was killed", function()
  local machine, it_ = faults.machine({ journal = "journal" })
  local others = foreign.new(machine)

  -- The run is killed after that call; then others do what they do.
  local function kill(run, fault, act)
    local code, _, err = faults.run(CHILD:format(run), { uri = machine.uri, args = { machine.dir }, fault = fault .. ":kill:after",
      env = { JOURNAL = machine.root .. "/journal" } })
    assert.equal(128 + 9, code, err)
    local said
    code, said = others:act(act)
    assert.equal(0, code, said)
  end

  local function recovered()
    local results = guestlua.recover(machine.host)
    assert.equal(1, #results)
    assert.same({}, guestlua.recover(machine.host))
    return results[1].outcome
  end

  local function stays(what, run, fault, act, outcome)
    it_(what, function()
      machine:reset()
      others.whole = false
      assert.equal(0, (helper.run(("truncate -s 1M %s/device %s/theirs"):format(machine.dir, machine.dir))))
      if run:find("detach", 1, true) then
        local code, said = others:act(ATTACH .. " --persistent")
        assert.equal(0, code, said)
        machine:sh("until [ -e /dev/vdb ]; do sleep 0.05; done")
      end
      kill(run, fault, act)
      assert.matches(outcome, recovered())
      local disk = machine.guest:get_disk("vdb")
      assert.is_not_nil(disk)
      assert.equal(machine.dir .. "/device", disk.source.file)
    end)
  end

  stays("stays if the run was the guard attached", "local attached <close> = guest:attached(DEVICE)", "virDomainAttachDeviceFlags#1",
    RESTART .. ATTACH, "somebody else")
  stays("stays if the run was attach_with_retry", "workflow.attach_with_retry(guest, DEVICE)", "virDomainAttachDeviceFlags#1",
    RESTART .. ATTACH, "somebody else")
  stays("stays if the run was ensure_attached", "workflow.ensure_attached(guest, DEVICE)", "virDomainAttachDeviceFlags#1",
    RESTART .. ATTACH, "somebody else")
  stays("stays if the run was detach_with_retry", "workflow.detach_with_retry(guest, 'vdb')", "virDomainDetachDeviceFlags#1",
    RESTART .. ATTACH, "somebody else")
  stays("stays if the run was ensure_detached", "workflow.ensure_detached(guest, DEVICE)", "virDomainDetachDeviceFlags#2",
    RESTART .. ATTACH .. " --persistent", "somebody else")

  it_("is not one that it had before, which a killed suspend gives back to a guest that does not have it any more", function()
    machine:reset()
    assert.equal(0, (helper.run(("truncate -s 1M %s/device"):format(machine.dir))))
    assert.equal(0, (others:act(ATTACH .. " --persistent")))
    machine:sh("until [ -e /dev/vdb ]; do sleep 0.05; done")
    kill("workflow.suspend(guest, { detach = { 'vdb' } })", "virDomainDetachDeviceFlags#1",
      "virsh detach-disk tiny vdb --config && virsh destroy tiny && virsh start tiny")
    assert.matches("the guest was started again", recovered())
    assert.is_nil(machine.guest:get_disk("vdb"))
  end)

  -- A guest with the disk vdb, and a run of that name, at a moment of which others put theirs in its place.
  local function swap(moment, run)
    others:reset()
    assert.equal(0, (helper.run(("truncate -s 1M %s/device %s/theirs"):format(machine.dir, machine.dir))))
    assert.equal(0, (others:act(ATTACH .. " --persistent")))
    machine:sh("until [ -e /dev/vdb ]; do sleep 0.05; done")
    others.whole = false
    local how = others:during(moment, function()
      others:act("virsh detach-disk tiny vdb --live")
      helper.await(function() return not machine.guest:get_disk("vdb", { from_persistent_config = false }) end, "vdb to be gone")
      local code, said = others:act("virsh attach-disk tiny $D/theirs vdb --live")
      assert.equal(0, code, said)
      machine:sh("until [ -e /dev/vdb ]; do sleep 0.05; done")
    end, run)
    local disk = machine.guest:get_disk("vdb", { from_persistent_config = false })
    assert.equal(machine.dir .. "/theirs", disk and disk.source.file, tostring(how.error))
    return how
  end

  for _, name in ipairs({ "detach_with_retry", "ensure_detached" }) do
    it_(("stays if it takes the place of the one that %s is about to detach, or has detached"):format(name), function()
      local function run()
        return guestlua.workflow[name](machine.guest, "vdb", { timeout = 5 })
      end
      local how = swap("write_file:after#2", run)
      assert.is_true(how.ok and name == "ensure_detached" or how.error.kind == "device_not_found", tostring(how.error))
      how = swap("detach_device:after#2", run)
      assert.is_true(how.ok, tostring(how.error))
    end)
  end

  it_("is not the one that a suspend was to detach, if it is in its place", function()
    others:reset()
    assert.equal(0, (helper.run(("truncate -s 1M %s/device %s/theirs"):format(machine.dir, machine.dir))))
    assert.equal(0, (others:act(ATTACH .. " --persistent")))
    machine:sh("until [ -e /dev/vdb ]; do sleep 0.05; done")
    others.whole = false
    local how = others:during("write_file:after#1", function()
      local code, said = others:act("virsh detach-disk tiny vdb --live")
      assert.equal(0, code, said)
      machine:sh("while [ -e /dev/vdb ]; do sleep 0.05; done")
      code, said = others:act("virsh attach-disk tiny $D/theirs vdb --live")
      assert.equal(0, code, said)
      machine:sh("until [ -e /dev/vdb ]; do sleep 0.05; done")
    end, function()
      return guestlua.workflow.suspend(machine.guest, { detach = { "vdb" } })
    end)
    assert.same({ 0, true }, { how.code, how.ok }, tostring(how.said) .. tostring(how.error))
    local _, saved = others:act("virsh managedsave-dumpxml tiny")
    assert.matches(machine.dir .. "/theirs", saved, 1, true)
  end)
end)
