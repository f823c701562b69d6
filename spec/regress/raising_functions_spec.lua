-- A function of the script's raised an error whenever it was called, and was called by the undo too: the guest stayed on its overlay. An error that
-- was no text, or that raised one itself when it was looked at, ended the undo; one that was nil was no error, and nothing was undone. And a log's
-- handler that raised made whatever was logged fail.

local guestlua = require("guestlua")
local helper = require("spec.support.helper")

local workflow = guestlua.workflow

local RAISED = {
  text = "no", number = 5, table = {},
  ["table that cannot be shown"] = setmetatable({}, { __tostring = function() error("no text") end }),
  ["table that cannot be indexed"] = setmetatable({}, { __index = function() error("no index") end }),
}

describe("A function that raises", function()
  local machine = helper.machine()
  helper.leaves_nothing()

  local function is_undone(outcome, fn)
    for what, value in pairs(RAISED) do
      local e = helper.failure(fn, function()
        error(value, 0)
      end)
      assert.same({ "script", value, outcome }, { e.kind, e.value or value, e.outcome }, what .. ": " .. tostring(e))
      assert.same({ machine.disk }, machine:chain(), what)
      assert.same({}, guestlua.recover(machine.host))
    end
    for _, none in ipairs({ "nil", "boolean" }) do -- a scope that is left by it looks like one that has reached its end
      local e = helper.failure(fn, function()
        error(none == "boolean" and false or nil, 0)
      end)
      assert.same({ "script", outcome }, { e.kind, e.outcome }, none)
      assert.same({ machine.disk }, machine:chain(), none)
      assert.same({}, guestlua.recover(machine.host))
    end
  end

  local UNDONE = "undone: the disks have the images they had, with all that the guest wrote"

  it("whenever it hears of the progress of a merge does not keep that from being done", function()
    is_undone(UNDONE, function(raise)
      return workflow.snapshot_then_commit(machine.guest, { on_progress = raise })
    end)
    is_undone("finished: the snapshots are deleted", function(raise)
      machine.guest:snapshot_create_as("ours", { disk_only = true, disks = { vda = ("%s/ours-%d"):format(machine.dir, math.random(1 << 40)) } })
      return workflow.snapshot_delete(machine.guest, { name = "ours", on_progress = raise })
    end)
  end)

  it("while the overlay is there does not keep it from being merged", function()
    is_undone(UNDONE, function(raise)
      return workflow.snapshot_then_commit(machine.guest, { during = raise })
    end)
  end)

  it("whenever something is logged is reported, and all is done", function()
    local code, out, err = helper.guestlua("-e " .. helper.quoted([[
      local log, lines = guestlua.log, 0
      log.configure({ level = "trace", handler = function() lines = lines + 1; error(setmetatable({}, { __tostring = error })) end })
      local host <close> = guestlua.open("test:///default")
      print(host:guest("test"):is_active(), lines > 0)]]))
    assert.same({ 0, "true\ttrue\n" }, { code, out }, err)
    assert.matches("guestlua: the log's handler failed: an error without a text: a table", err, 1, true)
  end)
end)
