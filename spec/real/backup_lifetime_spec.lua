-- A guest's life between its backups: each next one has what the guest has, as an increment if the guest's images still know what changed.

local core = require("guestlua.core")
local guestlua = require("guestlua")
local helper = require("spec.support.helper")
local tiny = require("spec.support.tiny")

local sh = helper.sh
local workflow = guestlua.workflow

describe("A backup of a guest that lives on", function()
  local machine = helper.machine({
    prepare = function(new)
      assert(os.execute(("qemu-img create -q -f raw %s/second.img 8M && chmod 666 %s/second.img"):format(new.dir, new.dir)))
    end,
    edit = function(domain)
      domain.devices:append(guestlua.element(([[<disk type='file' device='disk'><driver name='qemu' type='raw'/><source file='%s/second.img'/>
        <target dev='vdb' bus='virtio'/></disk>]]):format(domain.devices.disk.source.file:match("^(.*)/"))))
    end,
  })

  helper.leaves_nothing()

  it("has what the guest has after it was off, destroyed, resized and defined again, raw disks too", function()
    if not core.nbd_copy then
      pending("this was built without libnbd")
      return
    end
    local to = machine.dir .. "/to"
    local size = machine.guest:get_block_device("vda"):get_block_info().capacity
    local function compared(level, reason)
      machine:sh("dd if=/dev/urandom of=/data/r bs=64k count=3 2>/dev/null; dd if=/dev/urandom of=/dev/vdb bs=64k count=2 2>/dev/null; sync")
      machine.guest:pause()
      local result = workflow.backup(machine.guest, { to = to, quiesce = false })
      sh("qemu-img compare -U %s %s/%s.vda.qcow2", machine.disk, result.directory, result.id)
      sh("qemu-img compare -U -f raw -F qcow2 %s/second.img %s/%s.vdb.qcow2", machine.dir, result.directory, result.id)
      machine.guest:resume()
      assert.equal(level, result.disks[1].level_used)
      assert.matches(reason or "", result.disks[1].because or "")
    end
    local function again()
      machine.guest:poweroff()
      machine.guest:launch()
      guestlua.await_agent(machine.guest, { timeout = tiny.TIMEOUT })
    end
    compared("full")
    again() -- bitmaps survive that
    compared("incremental")
    machine.guest:get_block_device("vda"):resize(size + (2 << 20))
    compared("full", "had %d+ bytes, and has")
    compared("incremental")
    again()
    compared("incremental")
    -- libvirt forgets the checkpoint, and the image has its bitmap still
    local configuration = machine.guest:get_xml_desc({ dump_inactive = true })
    machine.guest:poweroff()
    machine.guest:delete_configuration({ checkpoints_metadata = true })
    machine.guest:close()
    getmetatable(machine).__index.guest = machine.host:write_instance_config(configuration)
    machine.guest:launch()
    guestlua.await_agent(machine.guest, { timeout = tiny.TIMEOUT })
    compared("full", "checkpoint of the last backup is gone")
    compared("incremental")
    workflow.verify(to .. "/" .. machine.name, { all = true })
    -- and that has been removed from it
    local last = machine.guest:get_checkpoint_names()
    machine.guest:poweroff()
    local bitmaps = {}
    for name in sh("qemu-img info %s", machine.disk):gmatch("name: (guestlua%S+)") do
      bitmaps[#bitmaps + 1] = name
    end
    machine.guest:launch({ pause = true }) -- libvirt forgets the checkpoints of one that runs
    assert.same(last, bitmaps)
  end)
end)
