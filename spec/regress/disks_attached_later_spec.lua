-- A disk that was attached to the running guest only was in its backup, and the saved configuration did not have it: no restore made a guest of that
-- backup ("the configuration has no disk 'vdb'"), nor did it boot for verify. Nor could a disk of device='lun' come back, since it becomes a file.

local core = require("guestlua.core")
local domain = require("guestlua.backup.domain")
local guestlua = require("guestlua")
local helper = require("spec.support.helper")
local tiny = require("spec.support.tiny")

local workflow = guestlua.workflow

describe("A restored guest", function()
  local machine = helper.machine()
  helper.leaves_nothing()

  -- The disk that a guest of that name will start with.
  local function configured(name, target)
    local guest <close> = machine.host:guest(name)
    for _, disk in ipairs(guestlua.element(guest:get_xml_desc({ dump_inactive = true })).devices:children("disk")) do
      if disk.target.dev == target then
        return disk
      end
    end
  end

  local function undefine(name)
    local guest <close> = machine.host:guest(name)
    guest:delete_configuration()
  end

  it("has a disk that was attached to the running guest only", function()
    if not core.nbd_copy then
      pending("this was built without libnbd")
      return
    end
    local path, back = machine.dir .. "/later.qcow2", machine.dir .. "/back"
    helper.sh("qemu-img create -q -f qcow2 %s 1M && qemu-io -c 'write -q -P 7 64k 300k' %s && chmod 666 %s && mkdir %s", path, path, path, back)
    machine.guest:attach_device(guestlua.element("disk", { type = "file", device = "disk", driver = { name = "qemu", type = "qcow2" },
      source = { file = path }, target = { dev = "vdb", bus = "virtio" }, serial = { "later" } }), { live = true })
    local saved = workflow.backup(machine.guest, { to = machine.dir .. "/to" })
    local result = workflow.restore(machine.host, { from = saved.directory, name = "back", to = back })
    finally(function() undefine("back") end)
    local disk = configured("back", "vdb")
    assert.equal(back .. "/back-vdb.qcow2", disk.source.file)
    assert.equal("virtio", disk.target.bus)
    assert.equal("later", disk.serial[1])
    assert.is_nil(result.dropped)
    helper.sh("qemu-img compare -U %s %s", path, disk.source.file)
    assert.is_nil(configured(machine.name, "vdb"))
  end)

  -- A configuration as it was saved, with a disk, restored to that target, and defined.
  local function restored(xml, target)
    local saved = tiny.configuration("saved", machine.dir)
    if xml then
      saved.devices:append(guestlua.element(xml))
    end
    local files = { { target = "vda", path = "/images/a", format = "qcow2" }, { target = target, path = "/images/b", format = "raw" } }
    local element, dropped = domain.restored(tostring(saved), { name = "back", uuid = require("guestlua.base.uuid")() }, files, true)
    assert.same({}, dropped)
    local guest <close> = guestlua.Guest.create(element, machine.host) -- luacheck: ignore guest
    local disk = configured("back", target)
    undefine("back")
    return disk
  end

  it("has it also if the saved configuration lacks it", function()
    local disk = restored(nil, "vdb")
    assert.equal("/images/b", disk.source.file)
    assert.equal("raw", disk.driver.type)
    assert.equal("virtio", disk.target.bus)
  end)

  it("has a disk that took commands of SCSI, and what opened its image is forgotten", function()
    local disk = restored([[<disk type='block' device='lun' rawio='yes'><driver name='qemu' type='raw'/><source dev='/dev/sdx'/>
      <target dev='sda' bus='scsi'/></disk>]], "sda")
    assert.equal("disk", disk.device)
    assert.equal("/images/b", disk.source.file)
    disk = restored([[<disk type='network' device='disk'><driver name='qemu' type='raw'/><auth username='a'><secret type='ceph' usage='b'/></auth>
      <source protocol='rbd' name='c/d'><host name='e'/></source><target dev='vdb' bus='virtio'/></disk>]], "vdb")
    assert.is_nil(disk.auth)
  end)
end)
