-- Snapshots as workflows, on a real guest: overlays that are merged back, and copies.

local guestlua = require("guestlua")
local helper = require("spec.support.helper")
local intact = require("spec.support.intact")

local workflow, steps = guestlua.workflow, intact.steps

describe("A workflow", function()
  local machine = helper.machine()
  helper.leaves_nothing(function()
    guestlua.journal({ dir = machine.dir .. "/journal" })
  end)

  local guest
  before_each(function()
    guest = machine.guest
  end)

  local function leaves_no_trace(fn)
    intact.after(machine, fn)
  end

  local function checksum(path)
    return machine:sh("sync; echo 3 >/proc/sys/vm/drop_caches; sha256sum " .. path):match("^%x+")
  end

  describe("snapshot_then_commit", function()
    it("gives the guest an overlay for a while, and merges it back", function()
      leaves_no_trace(function()
        local seen, sum = nil, nil
        local result = workflow.snapshot_then_commit(guest, {
          quiesce = true,
          timeout = 120,
          during = function(disks)
            seen = disks[1]
            assert.same({ seen.overlay, machine.disk }, machine:chain())
            machine:sh("dd if=/dev/urandom of=/data/x bs=1M count=2")
            sum = checksum("/data/x")
            return "backed up"
          end,
        })
        assert.same({ "vda", machine.disk }, { seen.target, seen.base })
        assert.same({ "snapshot_then_commit", guest.name, "backed up" }, { result.workflow, result.guest, result.during })
        assert.same({ { target = "vda", images = { machine.disk } } }, result.disks)
        assert.equal("look make snapshot during commit verify", steps(result))
        assert.is_nil(result.left)
        assert.equal(sum, checksum("/data/x"))
        machine:sh("rm /data/x")
      end)
    end)

    it("asks libvirt no more than it has to: each question is a round trip", function()
      local calls = {}
      guestlua.log.configure({ level = "trace", handler = function(level, line)
        calls[#calls + 1] = level == "trace" and line:match("vir%u%w+") or nil
      end })
      local ok, e = pcall(workflow.snapshot_then_commit, guest, { disks = { "vda" } })
      guestlua.log.configure({ level = "warning", file = "/dev/stderr" })
      assert.is_true(ok, e)
      assert.is_true(#calls > 20 and #calls <= 46, ("%d calls:\n%s"):format(#calls, table.concat(calls, "\n"))) -- 41; more if an event is late
    end)

    it("merges back where `during` fails, and says so", function()
      leaves_no_trace(function()
        local e = helper.failure(workflow.snapshot_then_commit, guest, {
          disks = { "vda" },
          during = function()
            machine:sh("echo kept >/data/kept; sync")
            error({ "mine" })
          end,
        })
        assert.same({ "snapshot_then_commit", "during", "script", guest.name }, { e.workflow, e.step, e.kind, e.guest })
        assert.same({ "mine" }, e.value)
        assert.matches("^undone", e.outcome)
        assert.equal("kept", machine:sh("cat /data/kept && rm /data/kept"))
      end)
    end)

    it("rolls back where `during` fails and the caller wants that", function()
      machine:sh("echo old >/data/x; sync")
      leaves_no_trace(function()
        local events <close> = guest:subscribe("agent_lifecycle")
        local e = helper.failure(workflow.snapshot_then_commit, guest, {
          on_failure = "rollback",
          during = function()
            machine:sh("echo new >/data/x; sync")
            error("the upgrade failed", 0)
          end,
        })
        assert.same({ "during", "the upgrade failed" }, { e.step, e.message })
        assert.matches("^rolled back", e.outcome)
        machine:await_agent(events)
        assert.equal("old", machine:sh("cat /data/x"))
        machine:sh("rm /data/x")
      end)
    end)

    it("is undone where it is cancelled or its time is over", function()
      leaves_no_trace(function()
        local group <close> = guestlua.group()
        local task
        task = group:spawn(workflow.snapshot_then_commit, guest, { during = function()
          task:cancel()
          guestlua.sleep(600)
        end })
        local e = helper.failure(task.wait, task)
        assert.same({ "during", "cancelled" }, { e.step, e.kind })
        assert.matches("^undone", e.outcome)
      end)
      leaves_no_trace(function()
        local e = helper.failure(workflow.snapshot_then_commit, guest, {
          timeout = 0.001,
          bandwidth = 1,
          during = function() machine:sh("dd if=/dev/urandom of=/data/x bs=1M count=4; sync; rm /data/x") end,
        })
        assert.same({ "commit", "timeout" }, { e.step, e.kind })
        assert.matches("^undone", e.outcome)
      end)
    end)

    it("refuses what it cannot do before it has done anything", function()
      leaves_no_trace(function()
        local disk = guest:get_block_device("vda")
        local e = helper.failure(workflow.snapshot_then_commit, guest, { disks = { "vdz" } })
        assert.same({ "device_not_found", "vdz", "look" }, { e.kind, e.device, e.step })
        e = helper.failure(workflow.snapshot_then_commit, guest, { on_failure = "ignore" })
        assert.same({ "bad_argument", "on_failure" }, { e.kind, e.argument })
        local copy = guestlua.element("disk", { type = "file", source = { file = machine.dir .. "/copy" }, driver = { type = "qcow2" } })
        disk:copy(copy, { transient = true })
        e = helper.failure(workflow.snapshot_then_commit, guest)
        assert.same({ "block_copy_active", "vda", "look" }, { e.kind, e.device, e.step })
        disk:abort_job()
        os.remove(machine.dir .. "/copy")
      end)
    end)
  end)

  describe("live_snapshot", function()
    local out
    before_each(function()
      out = machine.dir .. "/out"
    end)
    after_each(function()
      os.remove(out)
    end)

    -- What the copy has in a file, looked at as a second disk of the guest: it needs no other image.
    local function in_copy(path, format)
      local attached <close> = guest:attached(guestlua.device.disk({ -- luacheck: ignore attached
        type = "file",
        device = "disk",
        driver = { name = "qemu", type = format },
        source = { file = out },
        target = { dev = "vdb", bus = "virtio" },
        alias = { name = "ua-copy" },
      }), { live = true })
      return machine:sh("until [ -e /dev/vdb ]; do sleep 0.05; done; mkdir -p /tmp/m; mount -r -t ext4 /dev/vdb /tmp/m && cat /tmp/m/" .. path
        .. "; umount /tmp/m")
    end

    it("is a file that needs no other, and the guest goes on as it was", function()
      machine:sh("echo mine >/data/mine; sync")
      leaves_no_trace(function()
        local calls = 0
        local result = workflow.live_snapshot(guest, "vda", out, { quiesce = true, timeout = 120, on_progress = function() calls = calls + 1 end })
        assert.same({ "live_snapshot", "vda", out, { machine.disk } }, { result.workflow, result.disk, result.path, result.images })
        assert.equal("look make copy ready finish verify", steps(result))
        assert.is_true(result.frozen_seconds >= 0 and calls > 0)
        assert.equal("mine", in_copy("mine", "qcow2"))
        assert.is_true(os.remove(out))
      end)
      machine:sh("rm /data/mine")
    end)

    it("can be of another format", function()
      leaves_no_trace(function()
        assert.is_nil(workflow.live_snapshot(guest, "vda", out, { format = "raw" }).frozen_seconds)
        local file <close> = io.open(out)
        assert.not_equal("QFI", file:read(3))
        os.remove(out)
      end)
    end)

    it("leaves no file where a step fails", function()
      leaves_no_trace(function()
        machine:sh("dd if=/dev/urandom of=/data/x bs=1M count=4; sync")
        local e = helper.failure(workflow.live_snapshot, guest, "vda", out, { bandwidth = 1, timeout = 0.1 })
        assert.same({ "ready", "timeout" }, { e.step, e.kind })
        assert.equal("undone: there is no copy", e.outcome)
        e = helper.failure(workflow.live_snapshot, guest, "vda", out, { on_progress = function() error("no", 0) end })
        assert.same({ "ready", "undone: there is no copy" }, { e.step, e.outcome })
        e = helper.failure(guestlua.timeout, 1.5, workflow.live_snapshot, guest, "vda", out, { bandwidth = 1 })
        assert.same({ "timeout", "ready" }, { e.kind, e.cause.step })
        machine:sh("rm /data/x")
      end)
    end)

    it("has no name that libvirt's XML would not keep, or that is another file to libvirt", function()
      for _, name in ipairs({ "copy", "", out .. "\n", out .. "\tx" }) do
        local e = helper.failure(workflow.live_snapshot, guest, "vda", name)
        assert.same({ "bad_argument", "out_path" }, { e.kind, e.argument })
        e = helper.failure(workflow.swap_volume, guest, "vda", guestlua.element("disk", { type = "file", source = { file = name } }))
        assert.same({ "bad_argument", "conf" }, { e.kind, e.argument })
      end
      assert.equal("new_file", helper.failure(workflow.volume_snapshot_create, guest, "vda", { new_file = "a\nb" }).argument)
    end)

    it("overwrites no file", function()
      os.execute("echo precious >" .. out)
      leaves_no_trace(function()
        local e = helper.failure(workflow.live_snapshot, guest, "vda", out)
        assert.same({ "look", "operation_invalid" }, { e.step, e.kind })
      end)
      local file <close> = io.open(out)
      assert.equal("precious\n", file:read("a"))
    end)
  end)
end)
