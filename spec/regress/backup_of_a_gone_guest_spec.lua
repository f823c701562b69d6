-- A backup was killed, and its guest undefined, or replaced by another of its name. The recovery failed with an error of Lua's, each time, and what
-- the backup had made stayed.

local core = require("guestlua.core")
local faults = require("spec.support.faults")
local foreign = require("spec.support.foreign")
local guestlua = require("guestlua")
local helper = require("spec.support.helper")

local CHILD = [[
  require("guestlua.core").watchdog = error
  guestlua.journal({ dir = os.getenv("JOURNAL") })
  local host <close> = guestlua.open()
  guestlua.workflow.backup(host:guest("tiny"), { to = ... })
]]

describe("A killed backup of a guest that is gone", function()
  local machine, it_ = faults.machine({ journal = "journal" })
  local others = foreign.new(machine)

  it_("is recovered, and another guest of its name stays as it is", function()
    if not core.nbd_copy then
      return pending("this was built without libnbd")
    end
    machine:reset()
    local to = machine.root .. "/backup"
    local code, _, err = faults.run(CHILD, { uri = machine.uri, args = { to }, fault = "virDomainBackupBegin#1:kill:after",
      env = { JOURNAL = machine.root .. "/journal" } })
    assert.equal(128 + 9, code, err)
    local said
    code, said = others:act("virsh dumpxml tiny --inactive | sed /uuid/d >$D/x.xml; virsh destroy tiny; virsh undefine tiny --checkpoints-metadata; "
      .. "virsh define $D/x.xml; virsh start tiny --paused")
    assert.equal(0, code, said)
    local result = guestlua.recover(machine.host)[1]
    assert.equal("undone: there is no such backup; the guest is gone", result.outcome)
    assert.same({}, guestlua.recover(machine.host))
    assert.equal("target", helper.sh("ls %s/tiny | grep -v lock", to):match("%S+"))
    assert.equal("", helper.sh("ls %s | grep guestlua- || :", machine.dir))
    local other <close> = machine.host:guest("tiny", { required = true })
    assert.equal("paused", other:get_info().domain_state)
    other:poweroff()
    other:delete_configuration()
  end)
end)
