-- An image belonged to whoever named it in a call, whoever else had it.
--
--   Two guests were on one base: volume_snapshot_delete merged what the one had written into it, and the other had a broken disk.
--   swap_volume with reuse_ext wrote over the disk of a guest that was off, over the content of a snapshot, and over a template with overlays that
--   no guest had at the moment.
--   volume_snapshot_create put another guest's disk on top of the guest's, or an image based on nothing: the guest started again without data.
--   A guest that was off went on from saved memory with an image that its configuration had not, or had one as UEFI variables or by an argument of
--   QEMU's: the image was removed.
--   A revert put a guest on an image that another guest wrote to as a volume of a pool, and removed one with snapshots that qemu-img had made inside.
--   Two disks had one serial: the first was taken for the volume.

local faults = require("spec.support.faults")
local guestlua = require("guestlua")
local helper = require("spec.support.helper")
local image = require("guestlua.disk.image")

local workflow = guestlua.workflow
local sh = helper.sh

describe("An image that somebody else needs", function()
  local machine, it_ = faults.machine({ journal = "journal", each = function(machine)
    machine:reset()
  end })

  local function path(name)
    return machine.dir .. "/" .. name
  end

  -- A guest that is off, with that image as its disk.
  local function theirs(file, source)
    machine.host:write_instance_config(([[<domain type='qemu'><name>theirs</name><memory>65536</memory><os><type>hvm</type></os><devices>%s
      <driver name='qemu' type='qcow2'/><target dev='vda' bus='virtio'/></disk></devices></domain>]])
      :format(source or ("<disk type='file' device='disk'><source file='%s'/>"):format(file))):close()
    return setmetatable({}, { __close = function()
      local guest <close> = machine.host:guest("theirs")
      guest:delete_configuration()
    end })
  end

  local function make(name, base)
    sh("cd %s && rm -f %s && qemu-img create -q -f qcow2 %s %s && chmod 666 %s", machine.dir, name,
      base and ("-F qcow2 -b " .. base) or "", name .. (base and "" or " 64M"), name)
  end

  local function sum(name)
    return sh("sha256sum <%s", path(name))
  end

  local function refused(pattern, fn, ...)
    local was = machine:chain()
    local e = helper.failure(fn, ...)
    assert.same({ "operation_invalid", "look" }, { e.kind, e.step }, tostring(e))
    assert.matches(pattern, e.message)
    assert.same(was, machine:chain())
    return e
  end

  local function swap(name)
    return workflow.swap_volume, machine.guest, "vda", ("<disk type='file'><driver name='qemu' type='qcow2'/><source file='%s'/></disk>")
      :format(path(name)), { reuse_ext = true }
  end

  it_("below its own is not merged into", function()
    for _, name in ipairs({ "one", "two" }) do
      make(name, name == "one" and machine.disk or path("one"))
      workflow.volume_snapshot_create(machine.guest, "vda", { new_file = name, quiesce = false })
      machine:sh("echo new >/data/new; sync")
    end
    make("linked", machine.disk)
    local options = { file_to_merge = "one", merge_target_file = "disk.qcow2" }
    do
      local other <close> = theirs(path("linked"))
      local before = sum("disk.qcow2")
      refused("disk.qcow2: guest 'theirs' needs it as it is", workflow.volume_snapshot_delete, machine.guest, "vda", options)
      assert.equal(before, sum("disk.qcow2"))
    end
    workflow.volume_snapshot_delete(machine.guest, "vda", options)
    assert.same({ path("two"), machine.disk }, machine:chain())
  end)

  it_("is a snapshot's content, and is not merged into", function()
    for _, name in ipairs({ "one", "two", "three" }) do
      machine.guest:snapshot(([[<domainsnapshot><name>%s</name><disks><disk name='vda' snapshot='external'><source file='%s'/></disk></disks>
        </domainsnapshot>]]):format(name, path(name)), { disk_only = true, no_metadata = name == "two" })
    end
    local function merge(top, base)
      return workflow.volume_snapshot_delete, machine.guest, "vda", { file_to_merge = top, merge_target_file = base }
    end
    refused("disk.qcow2: snapshot 'one' needs it as it is", merge("one", "disk.qcow2"))
    refused("disk.qcow2: snapshot 'one' needs it as it is", merge("two", "disk.qcow2"))
    workflow.volume_snapshot_delete(select(2, merge("two", "one"))) -- "three" has its content in "two", which has all of that still
    refused("disk.qcow2: snapshot 'one' needs it as it is", merge("one", "disk.qcow2"))
  end)

  it_("is not written over by a swap of volumes", function()
    make("volume")
    sh("ln -sf volume %s", path("link"))
    for _, name in ipairs({ "volume", "link" }) do
      local other <close> = theirs(path("volume"))
      local before = sum("volume")
      refused(name .. " is somebody else's: guest 'theirs': .*volume is in use", swap(name))
      assert.equal(before, sum("volume"))
    end
    local process = sh("cd %s && qemu-nbd -f qcow2 -t -k $PWD/sock --fork --pid-file=pid volume; cat pid", machine.dir)
    local e = refused("volume is somebody else's: a QEMU program has it open", swap("volume"))
    assert.matches("name another", e.hint)
    sh("kill %d; while kill -0 %d 2>/dev/null; do sleep 0.02; done", process, process)
    make("linked", path("volume"))
    local before = sum("volume")
    refused("volume is somebody else's: .*linked is based on it", swap("volume")) -- no guest has that at the moment
    assert.equal(before, sum("volume"))
    sh("rm %s", path("linked"))
    workflow.swap_volume(select(2, swap("volume")))
    assert.same({ path("volume") }, machine:chain())
    machine.guest:snapshot_create_as("ours", { disk_only = true, disks = { vda = path("ours") } })
    make("another")
    workflow.swap_volume(select(2, swap("another")))
    refused("volume is somebody else's: guest 'tiny': .*volume is in use", swap("volume")) -- the snapshot has its content there
  end)

  it_("does not become a volume's snapshot, and neither does one that is based on nothing", function()
    make("new", machine.disk)
    do
      local other <close> = theirs(path("new"))
      refused("new is somebody else's: guest 'theirs'", workflow.volume_snapshot_create, machine.guest, "vda", { new_file = "new" })
    end
    make("empty")
    refused("empty is based on nothing, and not on the disk's image", workflow.volume_snapshot_create, machine.guest, "vda",
      { new_file = "empty" })
    workflow.volume_snapshot_create(machine.guest, "vda", { new_file = "new" })
    assert.same({ path("new"), machine.disk }, machine:chain())
  end)

  it_("is not removed if only saved memory goes on with it, or a part of the configuration that is no disk", function()
    make("new")
    machine.guest:attach_device(([[<disk type='file'><driver name='qemu' type='qcow2'/><source file='%s'/><target dev='vdb' bus='virtio'/></disk>]])
      :format(path("new")), { live = true })
    local file = image.known(machine.guest, path("new"))
    workflow.suspend(machine.guest)
    local function stays()
      local gone, why = image.remove(machine.guest, file)
      assert.same({ false, ("guest 'tiny': %s is in use"):format(path("new")) }, { gone, why })
    end
    stays()
    workflow.resume(machine.guest)
    assert.matches("vdb", machine.guest:get_xml_desc())
    machine.guest:poweroff()
    local was = guestlua.element(machine.guest:get_xml_desc({ dump_inactive = true }))
    for _, part in ipairs({
      "<os><type machine='q35'>hvm</type><loader readonly='yes' type='pflash'>/x</loader><nvram>%s</nvram></os>",
      "<commandline xmlns='http://libvirt.org/schemas/domain/qemu/1.0'><arg value='-drive'/><arg value='if=none,file=%s,format=raw'/></commandline>",
    }) do
      local now = guestlua.element(tostring(was))
      local element = guestlua.element(part:format(path("new")))
      if now:child(element:tag()) then
        now:child(element:tag()):remove()
      end
      now:append(element)
      machine.host:write_instance_config(now):close()
      stays()
    end
    machine.host:write_instance_config(was):close()
    assert.is_true(image.remove(machine.guest, file))
  end)

  it_("keeps a revert from it, as a volume of a pool, and stays if it has snapshots inside", function()
    machine.guest:snapshot_create_as("ours", { disk_only = true, disks = { vda = path("ours") } })
    machine.guest:poweroff()
    local pool <close> = machine.host:storage_pool_create_xml(
      ("<pool type='dir'><name>images</name><target><path>%s</path></target></pool>"):format(machine.dir))
    do
      local other <close> = theirs(machine.disk, "<disk type='volume' device='disk'><source pool='images' volume='disk.qcow2'/>")
      refused("guest 'theirs' has it as its disk vda", workflow.snapshot_revert, machine.guest, { name = "ours" })
    end
    pool:destroy()
    sh("qemu-img snapshot -c by-hand %s", path("ours"))
    assert.same({ { path = path("ours"), why = "it has snapshots inside" } },
      workflow.snapshot_revert(machine.guest, { name = "ours", start = false }).left)
    assert.matches("by%-hand", sh("qemu-img snapshot -l %s", path("ours")))
  end)

  it_("is a volume's by its serial, if one disk has that", function()
    for _, target in ipairs({ "vdb", "vdc" }) do
      sh("qemu-img create -q -f qcow2 %s 4M && chmod 666 %s", path(target), path(target))
      machine.guest:attach_device(("<disk type='file'><driver name='qemu' type='qcow2'/><source file='%s'/><target dev='%s' bus='virtio'/>"
        .. "<serial>twin</serial></disk>"):format(path(target), target), { live = true })
    end
    make("on-vdc", path("vdc"))
    local e = helper.failure(workflow.volume_snapshot_create, machine.guest, "twin", { new_file = "on-vdc", quiesce = false })
    assert.same({ "device_ambiguous", { "vdb", "vdc" } }, { e.kind, e.candidates }, tostring(e))
    assert.equal("vdc", workflow.volume_snapshot_create(machine.guest, "vdc", { new_file = "on-vdc", quiesce = false }).disk)
  end)
end)
