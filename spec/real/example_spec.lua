-- Each example does what it says, on a real guest, and undoes what it began where a step fails.

local guestlua = require("guestlua")
local helper = require("spec.support.helper")

describe("examples/", function()
  local machine = helper.machine()
  helper.leaves_nothing(function()
    guestlua.default_uri = machine.host.uri
    guestlua.journal({ dir = machine.dir .. "/journal" })
  end, function()
    guestlua.default_uri = nil
  end)

  -- Runs the example in this process, where the embedded driver is: whether it ended well, its error, and what it printed.
  local function run(name, ...)
    local printed = {}
    local out = {
      write = function(_, ...)
        printed[#printed + 1] = table.concat({ ... })
      end,
      flush = function() end,
    }
    local environment = setmetatable({
      io = setmetatable({ stdout = out, stderr = out }, { __index = io }),
      print = function(text) out:write(text, "\n") end,
      guestlua = setmetatable({ isatty = function() return false end }, { __index = guestlua }),
    }, { __index = _G })
    local chunk = assert(loadfile(("examples/%s.lua"):format(name), "t", environment))
    local ok, failure = pcall(chunk, ...)
    return ok, failure, table.concat(printed)
  end

  local function files()
    local pipe <close> = io.popen("ls " .. machine.dir .. " | grep -v journal")
    return pipe:read("a")
  end

  -- Runs it where it should do well: what it printed.
  local function succeeds(...)
    local ok, failure, out = run(...)
    assert.is_true(ok, tostring(failure))
    return out
  end

  describe("snapshot_then_commit.lua", function()
    it("leaves one image, both checksums right, and no overlay", function()
      local chain, before = machine:chain(), files()
      local out = succeeds("snapshot_then_commit", machine.guest.name)
      assert.matches("snapshot, with its file systems frozen: vda is .* <%- " .. machine.disk:gsub("%p", "%%%0"), out)
      assert.matches("commit: 100 %%", out)
      assert.matches("one image again: vda is ", out)
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
      local ok, failure = run("snapshot_then_commit", machine.guest.name, "vda")
      assert.is_false(ok)
      assert.same({ "the agent is gone", "during" }, { failure.message, failure.step })
      assert.matches("^undone", failure.outcome)
      assert.same(chain, machine:chain())
      assert.equal(before, files())
    end)

    it("says which guest or which disk is missing", function()
      local _, failure = run("snapshot_then_commit", "nobody")
      assert.matches("there is no guest 'nobody'", failure)
      _, failure = run("snapshot_then_commit", machine.guest.name, "vdz")
      assert.same({ "device_not_found", "vdz" }, { failure.kind, failure.device })
      _, failure = run("snapshot_then_commit")
      assert.matches("^usage: ", failure)
    end)
  end)

  it("live_snapshot.lua makes a file that needs no other", function()
    local path = machine.dir .. "/copy"
    local out = succeeds("live_snapshot", machine.guest.name, "vda", path)
    assert.matches("copied %d+ of %d+ bytes\n", out)
    assert.matches("frozen for ", out)
    assert.is_true(os.remove(path))
    assert.matches("^usage: ", select(2, run("live_snapshot", "x")))
  end)

  it("swap_volume.lua moves a disk", function()
    local old, new = machine.disk, machine.dir .. "/moved"
    assert.matches(("vda of %s is %s"):format(machine.guest.name, new), succeeds("swap_volume", machine.guest.name, "vda", new, "64"), 1, true)
    assert.same({ new }, machine:chain())
    os.remove(old)
    succeeds("swap_volume", machine.guest.name, "vda", old)
    assert.is_true(os.remove(new))
    assert.matches("^usage: ", select(2, run("swap_volume", "x")))
  end)

  it("attach_with_retry.lua and detach_with_retry.lua give a disk and take it", function()
    local path = machine.dir .. "/second"
    assert(os.execute(("truncate -s 4M %s && chmod 666 %s"):format(path, path)))
    assert.matches("has vdb\n$", succeeds("attach_with_retry", machine.guest.name, path, "vdb"))
    machine:sh("until [ -e /dev/vdb ]; do sleep 0.05; done")
    assert.matches("has released ua%-vdb", succeeds("detach_with_retry", machine.guest.name, "ua-vdb"))
    assert.is_nil(machine.guest:get_disk("vdb"))
    assert.matches("has no ua%-vdb", succeeds("detach_with_retry", machine.guest.name, "ua-vdb"))
    assert.matches("^usage: ", select(2, run("attach_with_retry")))
    assert.matches("^usage: ", select(2, run("detach_with_retry")))
    os.remove(path)
  end)

  it("recover.lua says what it did, and there is nothing more to do", function()
    local dir = machine.dir .. "/journal"
    local overlay = machine.dir .. "/overlay"
    machine.guest:snapshot(guestlua.element("domainsnapshot", {
      disks = { disk = { name = "vda", snapshot = "external", source = { file = overlay } } },
    }), { disk_only = true, no_metadata = true })
    os.execute("mkdir -p " .. dir)
    local file <close> = io.open(dir .. "/x.json", "w")
    file:write(([[{"format": 2, "id": "x", "workflow": "snapshot_then_commit", "guest": "%s", "uuid": "%s", "host": "%s", "step": "snapshot",
      "machine": {"name": "m", "id": "%s", "boot": "of long ago"}, "lock": "%s.lock",
      "process": "1", "since": "2026-01-01T00:00:00Z", "data": {"disks": [{"target": "vda", "base": "%s", "overlay": {"path": "%s"}}]}}]]):format(
      machine.guest.name, machine.guest.uuid, machine.host.uri, io.open("/etc/machine-id"):read("l"), machine.guest.uuid,
      machine.disk, overlay))
    file:flush()
    local out = succeeds("recover", dir)
    assert.matches(("^snapshot_then_commit of %s, killed at 'snapshot': undone: "):format(machine.guest.name), out)
    assert.matches("; left: " .. overlay:gsub("%p", "%%%0") .. " %(guestlua did not make it%)\n$", out)
    assert.same({ machine.disk }, machine:chain())
    assert.equal("", succeeds("recover", dir))
  end)
end)
