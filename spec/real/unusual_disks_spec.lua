-- Disks that are not as most are: attached to the running guest only, shareable, transient, and as many as the guest has places for.
--
-- Seen: one disk that was attached to the running guest only, and snapshot_then_commit said that the guest had no such disk; one shareable disk, and
-- "all disks" failed; a shareable disk was moved to another volume, and the other guests stayed on the old one.

local guestlua = require("guestlua")
local helper = require("spec.support.helper")

local workflow = guestlua.workflow

describe("A disk", function()
  local machine = helper.machine()
  helper.leaves_nothing()

  local function path(name)
    return machine.dir .. "/" .. name
  end

  local function attach(target, format, more, name, persistent)
    local image = path(name or target)
    assert(os.execute(("qemu-img create -q -f %s %s 4M && chmod 666 %s"):format(format, image, image)))
    local disk = "<disk type='file'><driver name='qemu' type='%s'/><source file='%s'/><target dev='%s' bus='virtio'/>%s</disk>"
    machine.guest:attach_device(disk:format(format, image, target, more or ""), { live = not persistent, persistent = persistent })
  end

  after_each(function()
    for _, disk in ipairs(machine.guest:get_all_disks()) do
      if disk.target.dev ~= "vda" then
        workflow.ensure_detached(machine.guest, disk.target.dev)
      end
    end
    assert(os.execute(("cd %s && rm -rf vd? volume other backup*"):format(machine.dir)))
  end)

  local function is_refused(pattern, fn, ...)
    local e = helper.failure(fn, ...)
    assert.equal("argument_unsupported", e.kind, tostring(e))
    assert.matches(pattern, e.message)
    assert.is_truthy(e.hint)
  end

  it("that the running guest has alone is one of all, and moves", function()
    attach("vdb", "qcow2")
    local disks = workflow.snapshot_then_commit(machine.guest, { during = function(disks)
      return #disks
    end })
    assert.equal(2, disks.during)
    local e = helper.failure(workflow.snapshot_then_commit, machine.guest, { on_failure = "rollback", during = function() end })
    assert.same({ "operation_invalid", "vdb" }, { e.kind, e.device })
    assert.matches("would start without", e.message)
    workflow.swap_volume(machine.guest, "vdb", ("<disk type='file'><driver type='qcow2'/><source file='%s'/></disk>"):format(path("volume")))
    assert.is_truthy(machine.guest:get_xml_desc():find(path("volume"), 1, true))
    assert.is_nil(machine.guest:get_xml_desc({ dump_inactive = true }):find("vdb", 1, true))
  end)

  it("that the running guest has alone keeps its overlay if the guest is turned off, with all that was written to it", function()
    attach("vdb", "qcow2")
    local overlay
    local e = helper.failure(workflow.snapshot_then_commit, machine.guest, { disks = { "vdb" }, during = function(disks)
      overlay = disks[1].overlay
      machine:sh("until [ -e /dev/vdb ]; do sleep 0.1; done; echo written >/dev/vdb; sync")
      machine.guest:poweroff()
    end })
    assert.matches("its configuration does not have the disk", e.outcome)
    assert.is_truthy(e.outcome:find(overlay, 1, true))
    local results = helper.failure(guestlua.recover, machine.host).results
    assert.matches("qemu%-img commit", results[1].error.hint)
    assert(os.execute("qemu-img commit -q " .. overlay .. " && grep -q written " .. path("vdb")))
    assert.same({ 0 }, { (helper.run(("%s -c test:///default recover --journal %s --forget %s"):format(helper.interpreter, guestlua.journal(),
      results[1].id))) })
    os.remove(overlay)
    local events <close> = machine.guest:subscribe("agent_lifecycle")
    machine.guest:launch()
    machine:await_agent(events)
  end)

  it("with another image at its target in the configuration moves, and that image stays there", function()
    attach("vdb", "qcow2", nil, "other", true)
    attach("vdb", "qcow2")
    local function configured()
      return machine.guest:get_xml_desc({ dump_inactive = true }):find(path("other"), 1, true) ~= nil
    end
    assert.is_true(configured())
    workflow.swap_volume(machine.guest, "vdb", ("<disk type='file'><driver type='qcow2'/><source file='%s'/></disk>"):format(path("volume")))
    assert.is_true(configured())
  end)

  it("that is shareable is not one of all, and is neither moved nor put on an overlay", function()
    attach("vdb", "raw", "<shareable/>")
    local result = workflow.snapshot_then_commit(machine.guest)
    assert.same({ { target = "vdb", why = "it is shareable: other guests may write to it" } }, result.left_out)
    is_refused("shareable", workflow.snapshot_then_commit, machine.guest, { disks = { "vdb" } })
    is_refused("shareable", workflow.live_snapshot, machine.guest, "vdb", path("copy"))
    is_refused("shareable", workflow.swap_volume, machine.guest, "vdb", ("<disk type='file'><source file='%s'/></disk>"):format(path("volume")))
    assert.equal("vdb", workflow.backup(machine.guest, { to = path("backup") }).left_out[1].target)
  end)

  it("that is transient is not one of all", function()
    attach("vdb", "qcow2", "<transient/>")
    local result = workflow.snapshot_then_commit(machine.guest)
    assert.same({ { target = "vdb", why = "it is transient: what the guest writes to it is thrown away" } }, result.left_out)
    is_refused("transient", workflow.snapshot_then_commit, machine.guest, { disks = { "vdb" } })
    is_refused("transient", workflow.live_snapshot, machine.guest, "vdb", path("copy"))
    is_refused("transient", workflow.backup, machine.guest, { to = path("backup2"), disks = { "vdb" } })
  end)

  it("that is no file is refused by name, and one that cannot be written to is named", function()
    local function export()
      assert(os.execute(("cd %s && truncate -s 4M vdb && qemu-nbd -f raw -t -k $PWD/vdb.sock --fork --pid-file=vdb.pid vdb && chmod 777 vdb.sock")
        :format(machine.dir)))
      return setmetatable({}, { __close = function()
        os.execute(("cd %s && kill $(cat vdb.pid); rm -f vdb.*"):format(machine.dir))
      end })
    end
    local exported <close> = export() -- luacheck: ignore exported
    machine.guest:attach_device(("<disk type='network'><driver name='qemu' type='raw'/><source protocol='nbd'><host transport='unix' socket='%s'/>"
      .. "</source><target dev='vdb' bus='virtio'/></disk>"):format(path("vdb.sock")), { live = true })
    attach("vdc", "raw", "<readonly/>")
    local e = helper.failure(workflow.snapshot_then_commit, machine.guest)
    assert.same({ "look", "vdb" }, { e.step, e.device }, tostring(e))
    assert.matches("a disk of type network", e.message)
    assert.matches('disks={"vda"}', e.hint, 1, true)
    workflow.ensure_detached(machine.guest, "vdb")
    assert.same({ { target = "vdc", why = "it is read-only" } }, workflow.snapshot_then_commit(machine.guest).left_out)
  end)

  it("for which the guest has no place left is refused with what gives it more", function()
    local ok, e
    for letter in ("bcdefghijklmnop"):gmatch(".") do
      ok, e = pcall(attach, "vd" .. letter, "raw")
      if not ok then
        break
      end
    end
    assert.matches("PCI", e.message)
    assert.matches("pcie%-root%-port", e.hint)
  end)
end)
