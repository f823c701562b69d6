-- Each workflow on a guest that is migrated, on its source and on its destination: it refuses at once, with the call that helps, or ends the job.
--
-- Seen: libvirt kept the mark of the run waiting; each workflow failed with a "timeout" after 15 s, which said nothing of a migration.

local guestlua = require("guestlua")
local helper = require("spec.support.helper")
local hosts = require("spec.support.hosts")

local workflow = guestlua.workflow

local NIC = "<interface type='user'><mac address='52:54:00:ab:cd:01'/><model type='virtio'/></interface>"

local ROWS = {
  { "ensure_attached", function(m) workflow.ensure_attached(m.guest, NIC) end },
  { "detach_with_retry", function(m) workflow.detach_with_retry(m.guest, "vda") end },
  { "snapshot_then_commit", function(m) workflow.snapshot_then_commit(m.guest) end },
  { "live_snapshot", function(m) workflow.live_snapshot(m.guest, "vda", "/copy") end },
  { "volume_snapshot_create", function(m) workflow.volume_snapshot_create(m.guest, "vda", { new_file = "made" }) end },
  { "volume_snapshot_delete", function(m) workflow.volume_snapshot_delete(m.guest, "vda") end },
  { "swap_volume", function(m) workflow.swap_volume(m.guest, "vda", "<disk type='file'><source file='/volume'/></disk>") end },
  { "clean_shutdown", function(m) workflow.clean_shutdown(m.guest) end },
  { "ensure_stopped", function(m) workflow.ensure_stopped(m.guest) end },
  { "reboot", function(m) workflow.reboot(m.guest) end },
  { "suspend", function(m) workflow.suspend(m.guest) end },
  { "live_migrate", function(m) workflow.live_migrate(m.guest, m.elsewhere, { destination_uri = "test://x/default" }) end },
}

describe("A guest that is migrated", function()
  local two, missing, elsewhere
  helper.leaves_nothing()

  lazy_setup(function()
    two, missing = hosts.up()
    if two then
      two:boot("moving", two.dir .. "/shared")
      local guest <close> = two.a:guest("moving", { required = true })
      guest:exec("/bin/sh", { args = { "-c",
        "(while :; do dd if=/dev/urandom of=/tmp/x bs=1M count=8; sleep 1; done) >/dev/null 2>&1 </dev/null &" } })
      guestlua.journal({ dir = two.dir .. "/journal" })
      elsewhere = guestlua.open("test:///default")
    end
  end)
  lazy_teardown(function()
    if two then
      elsewhere:close()
      getmetatable(two).__close(two)
    end
  end)

  -- So slowly that it does not come to its end: the guest writes more in its memory than that.
  local function begin(group, guest)
    local task = group:spawn(function()
      return pcall(guest.migrate, guest, ("qemu+tcp://%s/system"):format(two.address.b),
        { flags = { "live", "peer2peer", "unsafe" }, bandwidth = 1 })
    end)
    local deadline = guestlua.now() + 60
    repeat
      guestlua.sleep(0.1)
      assert(guestlua.now() < deadline and task:status() == "running", "the migration does not begin")
    until guest:get_job_info().memory_processed > 0
    return task
  end

  it("is left alone, on both hosts, by all that libvirt would keep waiting", function()
    if not two then
      pending(missing)
      return
    end
    local here <close> = two.a:guest("moving", { required = true })
    local group <close> = guestlua.group()
    local task = begin(group, here)
    assert.equal("migration_out", here:get_job_info().operation)
    local there <close> = two.b:guest("moving", { required = true })
    for operation, guest in pairs({ migration_out = here, migration_in = there }) do
      local machine = { guest = guest, elsewhere = elsewhere }
      for _, one in ipairs(ROWS) do
        local e = helper.failure(one[2], machine)
        assert.equal("operation_invalid", e.kind, one[1] .. ": " .. tostring(e))
        assert.matches("the guest has a job: " .. operation, e.message)
        assert.matches("get_job_info.*abort_job", e.hint)
      end
    end
    assert.same({ "operation_invalid" }, { helper.failure(workflow.ensure_running, there).kind })
    assert.is_false(workflow.ensure_running(here).changed)
    assert.equal("running", task:status())
    assert.is_true(workflow.ensure_stopped(here, { force = true, timeout = 0 }).forced)
    assert.is_false((task:wait()))
  end)
end)
