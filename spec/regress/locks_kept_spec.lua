-- A step failed while a lock was held, and kept it for the rest of the process: a mark of another machine that could not be removed while it was
-- adopted, and a guard's entry for which the journal's file system had no room, which was left there empty.

local faults = require("spec.support.faults")
local helper = require("spec.support.helper")

local ADOPT = [[
  local core = require("guestlua.core")
  local host <close> = guestlua.open("test:///default")
  local guest <close> = host:guest("test", { required = true })
  guest:set_metadata(guestlua.element("run", { run = "20260101-000000-00000001", workflow = "live_snapshot", machine = "far", machine_id = "1",
    boot = "2", lock = "/run/x.lock", directory = "1:2" }), { key = "guestlua", uri = "urn:guestlua:run:20260101-000000-00000001", live = true })
  local ok, e = pcall(guestlua.recover, host, { adopt = true })
  print(ok or e.kind, core.lock(guestlua.journal() .. "/" .. guest.uuid .. ".lock") ~= nil)
]]

local FREEZE = [[
  local core = require("guestlua.core")
  guestlua.journal({ dir = ... })
  local host <close> = guestlua.open("test:///default")
  local guest <close> = host:guest("test", { required = true })
  local ok, e = pcall(guest.frozen, guest)
  print(ok or e.message:match("No space left on device"), table.concat(core.list_directory(guestlua.journal()), " "))
]]

describe("A lock", function()
  local small = helper.small(1)
  local directory
  setup(function()
    directory = helper.scratch()
  end)
  helper.leaves_nothing()

  it("is given back if a mark cannot be removed that is adopted", function()
    local code, out, err = faults.run(ADOPT, { fault = "virDomainSetMetadata#2:operation_failed", env = { XDG_STATE_HOME = directory } })
    assert.same({ 0, "operation_failed\ttrue\n" }, { code, out }, err)
  end)

  it("of a guard goes with its entry if there is no room for that", function()
    if not small.path then
      return pending("only root can mount a file system")
    end
    helper.sh("cd %s && mkdir -m 700 journal; dd if=/dev/zero of=%s/theirs bs=1k count=2000 2>/dev/null || true", small.path, small.path)
    local code, out, err, calls = faults.run(FREEZE, { args = { small.path .. "/journal" } })
    assert.same({ 0, "No space left on device\t\n" }, { code, out }, err)
    for _, call in ipairs(calls) do
      assert.is_nil(call.name:find("Freeze", 1, true))
    end
  end)
end)
