-- While snapshot_then_commit has an overlay on a disk the image below does not change, and somebody put an image of his own on top of it, such as a
-- clone: the merge wrote what the guest had into the image below both, and the clone was broken without a word.

local faults = require("spec.support.faults")
local guestlua = require("guestlua")
local helper = require("spec.support.helper")

local workflow = guestlua.workflow
local sh = helper.sh

describe("An image that somebody has put on top of the one below an overlay", function()
  local machine, it_ = faults.machine({ journal = "journal", each = function(machine)
    machine:reset()
  end })

  local function clone(path, base)
    sh("mkdir -p $(dirname %s) && qemu-img create -q -f qcow2 -F qcow2 -b %s %s && chmod 666 %s", path, base, path, path)
  end

  -- What the image has all in all.
  local function sum(path)
    return sh("qemu-img convert -U -O raw %s %s.raw && sha256sum <%s.raw && rm %s.raw", path, path, path, path)
  end

  local function define(path)
    machine.host:write_instance_config(([[<domain type='qemu'><name>theirs</name><memory>65536</memory><os><type>hvm</type></os><devices>
      <disk type='file' device='disk'><driver name='qemu' type='qcow2'/><source file='%s'/><target dev='vda' bus='virtio'/></disk>
      </devices></domain>]]):format(path)):close()
  end

  -- Makes it while the overlay is there, and lets go of it again.
  local function stays(path, make, remove)
    local before
    local e = helper.failure(workflow.snapshot_then_commit, machine.guest, { during = function(disks)
      make(disks[1].base)
      before = sum(path)
      machine:sh("dd if=/dev/urandom of=/data/new bs=64k count=8 2>/dev/null; sync")
    end })
    assert.same({ "conflict", "commit" }, { e.kind, e.step }, tostring(e))
    assert.matches(path, e.message, 1, true)
    assert.matches("^not taken back: .*the journal knows", e.outcome)
    assert.equal(2, #machine:chain())
    local again = helper.failure(guestlua.recover, machine.host)
    assert.same({ "conflict", "vda" }, { again.kind, again.device }, tostring(again))
    assert.equal(before, sum(path))
    remove()
    assert.matches("^undone: the disks have the images they had, with all", guestlua.recover(machine.host)[1].outcome)
    assert.same({ machine.disk }, machine:chain())
  end

  it_("keeps the overlay from being merged, if a guest that is off has it", function()
    local path = machine.dir .. "/elsewhere/clone"
    stays(path, function(base)
      clone(path, base)
      define(path)
    end, function()
      local guest <close> = machine.host:guest("theirs")
      guest:delete_configuration()
    end)
  end)

  it_("keeps the overlay from being merged, if it is beside the one below", function()
    local path = machine.dir .. "/clone"
    stays(path, function(base)
      clone(path, base)
    end, function()
      os.remove(path)
    end)
  end)

  it_("is no hindrance if it was there before: what it had is lost by then", function()
    clone(machine.dir .. "/clone", machine.disk)
    assert.is_nil(workflow.snapshot_then_commit(machine.guest).left)
    assert.same({ machine.disk }, machine:chain())
  end)
end)
