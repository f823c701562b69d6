-- External snapshots of a real guest, which are reverted to and deleted: what was written when is what is there.

local core = require("guestlua.core")
local faults = require("spec.support.faults")
local guestlua = require("guestlua")
local helper = require("spec.support.helper")
local qemu_img = require("guestlua.disk.qemu_img")
local reverted = require("spec.support.reverted")

local workflow = guestlua.workflow

describe("External snapshots", function()
  local guest
  local machine, on_daemon = faults.machine({ journal = "journal", fresh = true,
    each = function(machine)
      guest = machine.guest
    end,
    whole = function(machine)
      assert.same({}, guestlua.recover(machine.host))
    end })

  local function path(name)
    return machine.dir .. "/" .. name
  end

  local function sh(command)
    assert(os.execute(("cd %s && %s"):format(machine.dir, command)))
  end

  -- Writes a word in the guest, and takes a snapshot of that name, with the overlay of that name.
  local function take(name, memory)
    if guest:is_active() then
      reverted.write(machine, name)
    end
    local disks = {}
    for i, disk in ipairs(core.element(guest:get_xml_desc()).devices:children("disk")) do
      disks[i] = disk.target.dev == "vda" and { name = "vda", snapshot = "external", source = { file = path(name) } }
        or { name = disk.target.dev, snapshot = "no" }
    end
    guest:snapshot(core.element("domainsnapshot", { name = { name }, memory = memory and { snapshot = "external", file = path(name .. ".memory") },
      disks = { disk = disks } }), { disk_only = not memory })
    local info = guest:snapshot_lookup_by_name(name):get_info()
    assert.same({ true, "external", memory and "external" or nil }, { info.external, info.disks.vda, info.memory })
  end

  local function word()
    guestlua.await_agent(guest, { timeout = 120 })
    return machine:sh("echo 3 >/proc/sys/vm/drop_caches; cat /data/word")
  end

  -- The same from its image, without waiting until it has booted.
  local function word_on_disk()
    return reverted.word(machine)
  end

  local function boot()
    guest:launch()
    return word()
  end

  -- The snapshots, each with its parent, its base and its overlay.
  local function snapshots()
    local list = {}
    for i, one in ipairs(require("guestlua.workflow.snapshot.tree").read(guest)) do
      local disk = one.disks[1]
      list[i] = ("%s%s after %s: %s on %s"):format(one.name, one.current and "*" or "", one.parent or "none",
        (disk.overlay or disk.kind):match("[^/]*$"), disk.base:match("[^/]*$"))
    end
    return list
  end

  local function files()
    local names = {}
    for _, name in ipairs(core.list_directory(machine.dir)) do
      names[#names + 1] = name ~= "console.log" and name:gsub("guestlua%-.*", "new") or nil
    end
    table.sort(names)
    return table.concat(names, " ")
  end

  local function chain()
    local names = {}
    for i, image in ipairs(machine:chain()) do
      names[i] = image:match("[^/]*$"):gsub("guestlua%-.*", "new")
    end
    return table.concat(names, " ")
  end

  -- Refuses, and changes nothing.
  local function refuses(message, hint, name, ...)
    local function all()
      return { snapshots(), files(), (guest:get_xml_desc():gsub("%s*<metadata/>", "")), guest:get_xml_desc({ dump_inactive = true }) }
    end
    local before = all()
    local e = helper.failure(workflow[name], guest, ...)
    assert.matches(message, e.message)
    if hint then
      assert.matches(hint, e.hint)
    end
    assert.equal("look", e.step)
    assert.same(before, all())
    return e
  end

  -- ---- revert ----

  on_daemon("have the guest as it was, again and again", function()
    take("one")
    take("two")
    machine:sh("echo lost >/data/word; sync")
    refuses("the guest runs: what it has written", "force=true", "snapshot_revert", { name = "one" })
    local done = workflow.snapshot_revert(guest, { name = "two", force = true })
    assert.same({ "two", true, false }, { done.snapshot, done.running, done.memory })
    assert.same({ target = "vda", image = machine:chain()[1], base = path("one") }, done.disks[1])
    assert.is_nil(done.left) -- nobody has the image with what was lost
    assert.equal("two", word_on_disk())
    assert.equal("one.new one disk.qcow2", chain())
    assert.same({ "one after none: one on disk.qcow2", "two* after one: " .. done.disks[1].image:match("[^/]*$") .. " on one" }, snapshots())
    done = workflow.snapshot_revert(guest, { name = "one", force = true })
    assert.equal(path("one"), done.left[2].path) -- the content of "two" is in it
    assert.equal("one", word())
    assert.equal("disk.new disk.qcow2", chain())
    assert.equal("disk.new disk.qcow2 one one.new", files())
    machine:sh("echo lost >/data/word; sync")
    assert.is_nil(workflow.snapshot_revert(guest, { name = "two", force = true }).left) -- disk.qcow2 is below on this branch too
    assert.equal("two", word())
    take("three")
    workflow.snapshot_revert(guest, { name = "one", force = true, start = false })
    assert.is_false(guest:is_active())
    guest:launch()
    assert.equal("one", word_on_disk())
  end)

  on_daemon("have the configuration of then", function()
    take("one")
    guest:poweroff()
    local before = guest:get_xml_desc({ dump_inactive = true })
    local config = core.element(before)
    config.description = { "later" }
    machine.host:write_instance_config(config):close()
    local done = workflow.snapshot_revert(guest, { name = "one" })
    assert.is_false(done.running)
    local now = core.element(guest:get_xml_desc({ dump_inactive = true }))
    assert.is_nil(now.description)
    assert.same({ done.disks[1].image, "qcow2" }, { now.devices.disk.source.file, now.devices.disk.driver.type })
    assert.is_nil(tostring(now):find("urn:guestlua", 1, true))
  end)

  on_daemon("have the memory of then", function()
    machine:sh("echo kept >/tmp/word")
    take("one", true)
    machine:sh("echo lost >/tmp/word; echo lost >/data/word; sync")
    local done = workflow.snapshot_revert(guest, { name = "one", force = true })
    assert.is_true(done.memory)
    assert.equal("one", word())
    assert.equal("kept", machine:sh("cat /tmp/word"))
    done = workflow.snapshot_revert(guest, { name = "one", force = true, memory = false })
    assert.is_false(done.memory)
    assert.equal("one", word())
    assert.not_equal("kept", select(2, pcall(machine.sh, machine, "cat /tmp/word")))
    os.remove(path("one.memory"))
    refuses("memory cannot be restored", "memory=false", "snapshot_revert", { name = "one", force = true })
    sh("truncate -s 1M device; chmod 666 device")
    workflow.ensure_attached(guest, ("<disk type='file'><source file='%s'/><target dev='vdb' bus='virtio'/></disk>"):format(path("device")))
    take("two", true) -- without vdb
    local e = refuses("memory of which does not fit what is on it now", "memory=false", "snapshot_revert", { name = "two", force = true })
    assert.equal("vdb", e.device)
  end)

  on_daemon("have the guest run on if an overlay cannot be made", function()
    take("one")
    local id, overlay = guest.id, qemu_img.overlay
    local back <close> = setmetatable({}, { __close = function() qemu_img.overlay = overlay end }) -- luacheck: ignore
    qemu_img.overlay = function() error("no", 0) end
    local e = helper.failure(workflow.snapshot_revert, guest, { name = "one", force = true })
    assert.same({ "make", "undone", id, "disk.qcow2 one" }, { e.step, e.outcome, guest.id, files() })
  end)

  on_daemon("leave what somebody else has on top, and what that needs", function()
    take("one")
    sh("mkdir -m 777 elsewhere")
    local theirs = path("elsewhere/theirs")
    guest:snapshot(core.element("domainsnapshot", { disks = { disk = { name = "vda", snapshot = "external", source = { file = theirs } } } }),
      { disk_only = true, no_metadata = true })
    local done = workflow.snapshot_revert(guest, { name = "one", force = true })
    assert.same({ { path = theirs, why = "it was made by no snapshot that libvirt remembers" }, { path = path("one"), why = theirs .. " is on it" } },
      done.left)
    assert.equal("one", word_on_disk())
    assert.is_nil(workflow.snapshot_revert(guest, { name = "one", force = true }).left) -- what the disk has below is not left
    assert.equal("disk.new disk.qcow2 elsewhere one", files())
  end)

  -- Merges by libvirt alone, which has no part of the workflows' care.
  local function merge(base, top)
    local disk = guest:get_block_device("vda")
    disk:commit(base, top, { active = not top })
    if not top then
      assert.equal("ready", (disk:await_job({ timeout = 60 })))
      disk:abort_job({ pivot = true })
    end
    assert.equal("completed", (disk:await_job({ timeout = 60 })))
  end

  on_daemon("with content that may be gone are refused", function()
    local gone = "may have lost the content of snapshot '%s': "
    take("one")
    take("two")
    merge(path("one"))
    refuses(gone:format("two") .. "guest 'tiny' has it as its disk vda", "merged", "snapshot_revert", { name = "two", force = true })
    take("three")
    refuses(gone:format("two") .. "the guest had .*/one on top when snapshot 'three'", nil, "snapshot_revert", { name = "two", force = true })
    take("four")
    merge(path("one"), path("three"))
    refuses(gone:format("three") .. ".*/four is based on .*/one, and was based on .*/three", nil, "snapshot_revert", { name = "three", force = true })
  end)

  on_daemon("with content that may have changed below are refused", function()
    take("one")
    take("two")
    merge(machine.disk)
    refuses("content of snapshot 'two': guest 'tiny' has .*/disk.qcow2 as its disk vda", nil, "snapshot_revert", { name = "two", force = true })
    take("three")
    refuses("content of snapshot 'two': the guest had .*/disk.qcow2 on top when", nil, "snapshot_revert", { name = "two", force = true })
  end)

  on_daemon("with images that are gone are refused", function()
    take("one")
    sh("mv one away")
    refuses("one is gone", nil, "snapshot_revert", { name = "one", force = true })
    sh("qemu-img create -q -f qcow2 one 4M")
    refuses("one is not based on it", nil, "snapshot_revert", { name = "one", force = true })
    sh("mv away one")
  end)

  on_daemon("of another guest's disk, with other disks, or of another kind are refused", function()
    take("one")
    local other <close> = guestlua.Guest.create(([[<domain type='qemu'><name>other</name><memory unit='MiB'>64</memory><os><type>hvm</type></os>
      <devices><disk type='file'><driver name='qemu' type='qcow2'/><source file='%s'/><target dev='vda' bus='virtio'/></disk></devices>
      </domain>]]):format(machine.disk), machine.host)
    refuses("guest 'other' has it as its disk vda", nil, "snapshot_revert", { name = "one", force = true })
    refuses("guest 'other' needs", nil, "snapshot_delete", { name = "one" })
    other:delete_configuration()
    refuses("no snapshot 'none'", "it has: one", "snapshot_revert", { name = "none" })
    sh("truncate -s 1M device; chmod 666 device")
    workflow.ensure_attached(guest, ("<disk type='file'><source file='%s'/><target dev='vdb' bus='virtio'/></disk>"):format(path("device")))
    take("two")
    workflow.ensure_detached(guest, "vdb")
    local e = refuses("was on .*/device then, and is not now", nil, "snapshot_revert", { name = "two", force = true })
    assert.equal("vdb", e.device)
    workflow.snapshot_delete(guest, { name = "one", children = true })
    guest:snapshot("<domainsnapshot><name>inside</name></domainsnapshot>")
    refuses("is no external one", "revert and delete", "snapshot_revert", { name = "inside", force = true })
    refuses("is no external one", "revert and delete", "snapshot_delete", { name = "inside" })
    take("three")
    guest:snapshot("<domainsnapshot><name>above</name></domainsnapshot>")
    refuses("three cannot be merged: it has snapshots inside", nil, "snapshot_delete", { name = "three" })
  end)

  on_daemon("of a guest with saved memory are refused", function()
    take("one")
    workflow.suspend(guest, {})
    refuses("memory is saved", "resume", "snapshot_revert", { name = "one" })
    refuses("memory is saved", "resume", "snapshot_delete", { name = "one" })
  end)

  -- ---- delete ----

  on_daemon("are merged while the guest runs, from wherever they are in the chain", function()
    for _, name in ipairs({ "one", "two", "three", "four" }) do
      take(name)
    end
    reverted.write(machine, "last")
    local done = workflow.snapshot_delete(guest, { name = "two" })
    assert.same({ "two" }, done.snapshots)
    assert.is_nil(done.left)
    assert.same({ "one after none: one on disk.qcow2", "three after one: three on one", "four* after three: four on three" }, snapshots())
    assert.equal("four three one disk.qcow2", chain())
    assert.equal("disk.qcow2 four one three", files())
    workflow.snapshot_delete(guest, { name = "four" })
    assert.same({ "one after none: one on disk.qcow2", "three* after one: three on one" }, snapshots())
    assert.equal("three one disk.qcow2", chain())
    assert.equal(path("three"), core.element(guest:get_xml_desc({ dump_inactive = true })).devices.disk.source.file)
    assert.equal("last", word())
    workflow.snapshot_revert(guest, { name = "three", force = true })
    assert.equal("three", word_on_disk())
    done = workflow.snapshot_delete(guest, { name = "one", children = true })
    assert.same({ "three", "one" }, done.snapshots)
    assert.same({ target = "vda", images = { machine.disk } }, done.disks[1])
    assert.same({}, snapshots())
    assert.equal("disk.qcow2", files())
    assert.equal("three", word_on_disk())
    guest:poweroff()
    assert.equal("three", boot())
  end)

  on_daemon("are merged while the guest is off", function()
    for _, name in ipairs({ "one", "two", "three" }) do
      take(name)
    end
    reverted.write(machine, "last")
    guest:poweroff()
    workflow.snapshot_delete(guest, { name = "two" })
    assert.same({ "one after none: one on disk.qcow2", "three* after one: three on one" }, snapshots())
    assert.equal("disk.qcow2 one three", files())
    guest:launch()
    assert.equal("last", word_on_disk())
    assert.equal("three one disk.qcow2", chain())
    guest:poweroff()
    workflow.snapshot_delete(guest, { name = "three" })
    workflow.snapshot_delete(guest, { name = "one" })
    assert.equal("disk.qcow2", files())
    assert.equal("last", boot())
    assert.equal("disk.qcow2", chain())
  end)

  on_daemon("are merged from the oldest on, which leaves those after it without a parent", function()
    for _, name in ipairs({ "one", "two", "three" }) do
      take(name)
    end
    workflow.snapshot_delete(guest, { name = "one" })
    assert.same({ "two after none: two on disk.qcow2", "three* after two: three on two" }, snapshots())
    assert.equal("three two disk.qcow2", chain())
    guest:poweroff()
    workflow.snapshot_delete(guest, { name = "two" })
    assert.same({ "three* after none: three on disk.qcow2" }, snapshots())
  end)

  on_daemon("of a guest that is off are taken, reverted to and deleted", function()
    guest:poweroff()
    take("one")
    local done = workflow.snapshot_revert(guest, { name = "one", start = true })
    assert.is_true(done.running)
    guestlua.await_agent(guest, { timeout = 120 })
    workflow.snapshot_delete(guest, { name = "one" })
    assert.equal("disk.qcow2", files())
  end)

  on_daemon("that others are based on are not merged", function()
    take("one")
    take("two")
    workflow.snapshot_revert(guest, { name = "one", force = true }) -- its image has a branch on it now, with the content of "two"
    assert.equal("one", word_on_disk())
    refuses("snapshot 'two' needs .*/one", "children=true", "snapshot_delete", { name = "one" })
    sh("qemu-img create -q -f qcow2 -F qcow2 -b one theirs")
    local done = workflow.snapshot_delete(guest, { name = "two" })
    assert.is_nil(done.left)
    assert.equal("disk.new disk.qcow2 one theirs", files())
    refuses("theirs needs .*/one", nil, "snapshot_delete", { name = "one" })
    sh("rm theirs; qemu-img create -q -f qcow2 -F qcow2 -b disk.qcow2 theirs")
    refuses("theirs needs .*/disk.qcow2", nil, "snapshot_delete", { name = "one" })
    sh("mkdir elsewhere; mv theirs elsewhere/theirs; qemu-img rebase -q -u -F qcow2 -b ../disk.qcow2 elsewhere/theirs")
    local before = guest:get_xml_desc({ dump_inactive = true })
    local config = core.element(before)
    config.devices.disk.source.file = path("elsewhere/theirs")
    machine.host:write_instance_config(config):close()
    refuses("disk vda of the guest's configuration needs .*/disk.qcow2", nil, "snapshot_delete", { name = "one" })
    machine.host:write_instance_config(before):close()
    sh("rm -r elsewhere")
    workflow.snapshot_delete(guest, { name = "one" })
    assert.equal("disk.qcow2", files())
    assert.equal("one", word_on_disk())
  end)

  on_daemon("of another branch go without a merge", function()
    take("one")
    take("two")
    take("three")
    workflow.snapshot_revert(guest, { name = "one", force = true })
    refuses("snapshot 'three' needs its image .*/two", "children=true", "snapshot_delete", { name = "two" })
    local done = workflow.snapshot_delete(guest, { name = "two", children = true })
    assert.same({ "three", "two" }, done.snapshots)
    assert.equal("disk.new disk.qcow2 one", files())
    assert.equal("disk.new disk.qcow2", chain())
    assert.equal("one", word_on_disk())
  end)

  on_daemon("that are whole again if the merge does not begin are finished if it does", function()
    take("one")
    take("two")
    local before = snapshots()
    local commit = guestlua.BlockDevice.commit
    local back <close> = setmetatable({}, { __close = function() guestlua.BlockDevice.commit = commit end }) -- luacheck: ignore
    guestlua.BlockDevice.commit = function() error("no", 0) end
    local e = helper.failure(workflow.snapshot_delete, guest, { name = "one", children = true })
    assert.same({ "commit", "undone: the snapshots are as they were" }, { e.step, e.outcome })
    assert.same(before, snapshots())
    local calls = 0
    guestlua.BlockDevice.commit = function(...)
      calls = calls + 1
      if calls == 2 then
        error("no", 0)
      end
      return commit(...)
    end
    e = helper.failure(workflow.snapshot_delete, guest, { name = "one", children = true })
    assert.same({ "commit", "finished: the snapshots are deleted" }, { e.step, e.outcome })
    assert.equal("disk.qcow2", files())
    assert.equal("two", word())
  end)
end)
