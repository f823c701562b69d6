-- A disk that cannot be read any more while it is saved: QEMU's own failure is no conflict with somebody else.

local core = require("guestlua.core")
local guestlua = require("guestlua")
local helper = require("spec.support.helper")

local sh = helper.sh
local workflow = guestlua.workflow

describe("A backup of a disk that fails", function()
  local reason = not core.nbd_copy and "this was built without libnbd" or nil

  -- The second disk is based on what a server has, which the spec can end.
  local SERVE = "cd %s && qemu-nbd -f raw --persistent --shared=4 --socket=$PWD/served --fork --pid-file=$PWD/served.pid base.img && "
    .. "chmod 777 served"
  local OVERLAY = "qemu-img create -q -f qcow2 -F raw -b 'nbd+unix:///?socket=%s/served' %s/over.qcow2 16M && chmod 666 %s/over.qcow2"
  local machine = helper.machine({
    prepare = function(new)
      assert(os.execute(("cd %s && qemu-img create -q -f raw base.img 16M && qemu-io -f raw -c 'write -q -P 5 0 16M' base.img"):format(new.dir)))
      assert(os.execute(SERVE:format(new.dir)))
      assert(os.execute(OVERLAY:format(new.dir, new.dir, new.dir)))
      new.cleanup = function()
        os.execute(("kill -KILL $(cat %s/served.pid) 2>/dev/null"):format(new.dir))
      end
    end,
    edit = function(domain)
      domain.devices:append(guestlua.element(([[<disk type='file' device='disk'><driver name='qemu' type='qcow2'/><source file='%s/over.qcow2'/>
        <target dev='vdb' bus='virtio'/></disk>]]):format(domain.devices.disk.source.file:match("^(.*)/"))))
    end,
  })

  helper.leaves_nothing()

  it("is undone, names the disk, and is no conflict; the other disks are saved without it", function()
    if reason then
      pending(reason)
      return
    end
    local to = machine.dir .. "/to"
    local whole = workflow.backup(machine.guest, { to = to })
    sh("qemu-img compare -f qcow2 -F raw %s/%s.vdb.qcow2 %s/base.img", whole.directory, whole.id, machine.dir)
    local before = workflow.backups(whole.directory)
    local ended = false
    local e = helper.failure(workflow.backup, machine.guest, { to = to, level = "full", bandwidth = 4, on_progress = function(progress)
      if not ended and progress.read > 0 then
        ended = true
        sh("kill -KILL $(cat %s/served.pid)", machine.dir)
      end
    end })
    assert.is_true(ended)
    assert.is_truthy(e.kind == "io_error" or e.kind == "nbd_error", e.kind) -- QEMU's server ends the connection, or says that it cannot read
    assert.same({ "vdb", "copy" }, { e.device, e.step }, e.message)
    assert.is_nil(e.found)
    assert.matches("undone", e.outcome)
    assert.same(before, workflow.backups(whole.directory))
    assert.same({ whole.checkpoint }, machine.guest:get_checkpoint_names())
    assert.is_nil(machine.guest:get_backup_xml())
    assert.equal("running", machine.guest:get_info().domain_state)
    assert.equal("incremental", workflow.backup(machine.guest, { to = to, exclude = { "vdb" } }).level_used)
    workflow.verify(whole.directory, { all = true })
  end)
end)
