-- Each example does what it says, on a real guest, and undoes what it began where a step fails.

local guestlua = require("guestlua")
local helper = require("spec.support.helper")

describe("examples/snapshot_then_commit.lua", function()
  local machine = helper.machine()
  helper.leaves_nothing()

  local printed
  before_each(function()
    guestlua.default_uri = machine.host.uri
    printed = {}
  end)
  after_each(function()
    guestlua.default_uri = nil
  end)

  -- Runs the example in this process, where the embedded driver is; what it prints is kept.
  local function run(...)
    local out = {
      write = function(_, ...)
        printed[#printed + 1] = table.concat({ ... })
      end,
      flush = function() end,
    }
    local environment = setmetatable({
      io = setmetatable({ stdout = out, stderr = out }, { __index = io }),
      guestlua = setmetatable({ isatty = function() return false end }, { __index = guestlua }),
    }, { __index = _G })
    local chunk = assert(loadfile("examples/snapshot_then_commit.lua", "t", environment))
    local ok, failure = pcall(chunk, ...)
    return ok, failure, table.concat(printed)
  end

  local function files()
    local pipe <close> = io.popen("ls " .. machine.dir)
    return pipe:read("a")
  end

  it("leaves one image, both checksums right, and no overlay", function()
    local chain, before = machine:chain(), files()
    local ok, failure, out = run(machine.guest.name)
    assert.is_true(ok, tostring(failure))
    assert.matches("snapshot, with its file systems frozen", out)
    assert.matches("commit: 100 %%", out)
    assert.matches("one image again", out)
    assert.matches("both checksums hold", out)
    assert.same(chain, machine:chain())
    assert.equal(before, files())
    assert.is_nil(machine.guest:get_block_device("vda"):get_job_info())
  end)

  it("puts the chain back where a step after the snapshot fails", function()
    local chain, before = machine:chain(), files()
    local exec, calls = guestlua.Guest.exec, 0
    finally(function()
      guestlua.Guest.exec = exec
    end)
    -- The fault: the guest stops answering after the snapshot.
    guestlua.Guest.exec = function(...)
      calls = calls + 1
      if calls > 3 then
        error("the agent is gone", 0)
      end
      return exec(...)
    end
    local ok, failure, out = run(machine.guest.name, "vda")
    assert.is_false(ok)
    assert.equal("the agent is gone", failure)
    assert.matches("putting the chain back", out)
    assert.matches("the chain is as it was", out)
    assert.same(chain, machine:chain())
    assert.equal(before, files())
  end)

  it("says which guest or which disk is missing", function()
    local _, failure = run("nobody")
    assert.matches("there is no guest 'nobody' on qemu:///embed", failure)
    _, failure = run(machine.guest.name, "vdz")
    assert.matches("has no disk 'vdz'", failure)
    _, failure = run()
    assert.matches("^usage: ", failure)
  end)
end)
