-- An overlay was moved to another disk, with a link in its place: snapshot_delete looked at the link before, and at the file in the end, and said
-- that somebody else had put another file there, each time anew.

local guestlua = require("guestlua")
local helper = require("spec.support.helper")
local tiny = require("spec.support.tiny")

describe("An overlay behind a link", function()
  local machine = helper.machine({ await = false, edit = function(domain)
    tiny.add_disk(domain, "vdb", "qcow2", 64 << 20)
  end })
  helper.leaves_nothing()

  for _, off in ipairs({ false, true }) do
    it(("is merged if the guest %s, and its files are left, and named"):format(off and "is off" or "runs"), function()
      local dir, guest = machine.dir, machine.guest
      helper.sh("cd %s && mkdir -p other && chmod 777 other && rm -f top && qemu-img create -q -f qcow2 -b %s/vdb.qcow2 -F qcow2 other/top && "
        .. "chmod 666 other/top && ln -s other/top top", dir, dir)
      guest:snapshot(([[<domainsnapshot><name>ours</name><disks><disk name='vda' snapshot='no'/><disk name='vdb' snapshot='external'>
        <source file='%s/top'/></disk></disks></domainsnapshot>]]):format(dir), { disk_only = true, reuse_ext = true })
      if off then
        guest:poweroff()
      end
      local result = guestlua.workflow.snapshot_delete(guest, { name = "ours" })
      assert.same({}, guest:get_snapshot_names())
      assert.equal(dir .. "/vdb.qcow2", guest:get_disk("vdb", { from_persistent_config = true }).source.file)
      assert.same({ { path = dir .. "/top", why = "it is a link or a device, and stays with what it leads to" } }, result.left)
      helper.sh("cd %s && test -L top && test -f other/top", dir)
    end)
  end
end)
