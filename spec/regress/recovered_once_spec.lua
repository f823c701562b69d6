-- A recovery had settled an entry and removed it, and lost its connection before it had removed the run's mark from the guest. It was tried again,
-- found the entry gone, and took it for one that somebody else had recovered: its result said nothing of it.

local faults = require("spec.support.faults")
local helper = require("spec.support.helper")

local SCRIPT = [[
  local journal = require("guestlua.base.journal")
  local host <close> = guestlua.open("test:///default")
  local guest <close> = host:guest("test", { required = true })
  local id = journal.new_id()
  journal.begin(id, "paused", guest, id .. ".lock"):write({ step = "paused", data = { id = guest.id } })
  local results = guestlua.recover(host)
  print(#results, results[1] and results[1].outcome, #journal.entries())
]]

describe("An entry that is recovered", function()
  local directory
  setup(function()
    directory = helper.scratch()
  end)
  helper.leaves_nothing()

  it("is in the result, if removing the guest's mark has to be tried again", function()
    local code, out, err = faults.run(SCRIPT, { fault = "virDomainSetMetadata#2:operation_failed", env = { XDG_STATE_HOME = directory } })
    assert.same({ 0, "1\tthe guest is not paused\t0\n" }, { code, out }, err)
  end)
end)
