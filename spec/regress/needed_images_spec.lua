-- Who needs an image was asked of what files look like, and of libvirt's list of a pool's volumes.
--
--   A guest wrote the header of a qcow2 to its raw disk, as anybody may who has root in there: that was taken for an image on top of others. If the
--   header was damaged nothing was removed any more on the whole host, snapshots of other guests could not be deleted, and image_users failed.
--   An image that keeps its data in another file (data_file) was said to need only itself.
--   The image of a guest that is a volume of a pool was nobody's if it had come since the pool was refreshed last.

local faults = require("spec.support.faults")
local guestlua = require("guestlua")
local helper = require("spec.support.helper")

local workflow = guestlua.workflow
local sh = helper.sh

-- The header of a qcow2, version 3, the backing file of which has a name of 64 KiB.
local DAMAGED = [[QFI\373\0\0\0\3\0\0\0\0\0\0\0\100\0\1\0\0]]

describe("An image", function()
  local machine, it_ = faults.machine({ journal = "journal", each = function(machine)
    machine:reset()
  end })

  local function path(name)
    return machine.dir .. "/" .. name
  end

  -- A raw disk on which a guest has written that.
  local function write_raw(name, bytes)
    sh("mkdir -p $(dirname %s) && printf '%s' >%s && truncate -s 4M %s && chmod 666 %s", path(name), bytes, path(name), path(name), path(name))
  end

  local function disk_xml(source, format, target)
    return ("<disk type='%s' device='disk'><driver name='qemu' type='%s'/><source %s/><target dev='%s' bus='virtio'/></disk>"):format(
      source:find("pool=", 1, true) and "volume" or "file", format, source, target)
  end

  local function file(name)
    return ("file='%s'"):format(path(name))
  end

  -- A guest that is off, with that as its disk.
  local function theirs(name, source, format)
    machine.host:write_instance_config(([[<domain type='qemu'><name>%s</name><memory>65536</memory><os><type>hvm</type></os>
      <devices>%s</devices></domain>]]):format(name, disk_xml(source, format, "vda"))):close()
    return setmetatable({}, { __close = function()
      local guest <close> = machine.host:guest(name)
      guest:delete_configuration()
    end })
  end

  local function users(name)
    return machine.host:image_users({ path(name) })[path(name)]
  end

  local function take(name)
    machine.guest:snapshot_create_as(name, { disk_only = true, disks = { vda = path(name) } })
  end

  it_("is not needed by a guest that has written the header of one to its raw disk", function()
    write_raw("elsewhere/raw", DAMAGED)
    write_raw("raw", DAMAGED)
    local one <close> = theirs("one", file("elsewhere/raw"), "raw") -- luacheck: ignore
    local other <close> = theirs("other", file("raw"), "raw") -- luacheck: ignore
    assert.is_nil(workflow.snapshot_then_commit(machine.guest).left)
    assert.same({ machine.name }, users("disk.qcow2"))
    take("ours")
    assert.is_nil(workflow.snapshot_delete(machine.guest, { name = "ours" }).left)
    assert.same({ machine.disk }, machine:chain())
  end)

  it_("is not needed by its own guest's raw disk, on which there are snapshots", function()
    write_raw("raw", DAMAGED)
    machine.guest:attach_device(disk_xml(file("raw"), "raw", "vdb"), { live = true, persistent = true })
    for _, off in ipairs({ false, true }) do
      machine.guest:snapshot_create_as("ours", { disk_only = true, disks = { vda = path("ours"), vdb = path("ours-b") } })
      if off then
        machine.guest:poweroff()
      end
      assert.is_nil(workflow.snapshot_delete(machine.guest, { name = "ours" }).left)
      assert.same({ machine.name }, users("raw"))
      assert.equal(path("raw"), machine.guest:get_disk("vdb").source.file)
    end
  end)

  it_("is needed by a guest that has it as an image with others below, whoever has it as a raw disk", function()
    write_raw("raw", DAMAGED)
    local one <close> = theirs("one", file("raw"), "raw") -- luacheck: ignore
    local other <close> = theirs("other", file("raw"), "qcow2") -- luacheck: ignore
    assert.matches("header is damaged", helper.failure(users, "disk.qcow2").message)
    assert.matches("header is damaged", workflow.snapshot_then_commit(machine.guest).left[1].why)
  end)

  it_("has its data in a file that is needed, too", function()
    sh("cd %s && qemu-img create -q -f qcow2 -o data_file=data.raw,data_file_raw=on image 4M && qemu-img create -q -f qcow2 -b image -F qcow2 top",
      machine.dir)
    local swap = ("<disk type='file'><driver name='qemu' type='raw'/><source %s/></disk>"):format(file("data.raw"))
    local function refused(pattern)
      local e = helper.failure(workflow.swap_volume, machine.guest, "vda", swap, { reuse_ext = true })
      assert.same({ "operation_invalid", "look" }, { e.kind, e.step }, tostring(e))
      assert.matches(pattern, e.message)
    end
    refused("image is based on it")
    local one <close> = theirs("one", file("top"), "qcow2") -- luacheck: ignore
    assert.same({ "one" }, users("data.raw"))
    refused("guest 'one': .*data.raw is in use")
  end)

  it_("is needed as a volume that the pool does not know yet", function()
    local pool <close> = machine.host:storage_pool_create_xml(
      ("<pool type='dir'><name>images</name><target><path>%s</path></target></pool>"):format(machine.dir))
    sh("qemu-img create -q -f qcow2 %s 4M", path("new"))
    local one <close> = theirs("one", "pool='images' volume='new'", "qcow2") -- luacheck: ignore
    assert.same({ "one" }, users("new"))
    pool:refresh()
    assert.same({ "one" }, users("new"))
    pool:destroy()
  end)
end)
