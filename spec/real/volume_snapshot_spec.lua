-- The snapshots that a storage service asks for, as workflows on a real guest.

local guestlua = require("guestlua")
local helper = require("spec.support.helper")
local intact = require("spec.support.intact")

local workflow, steps = guestlua.workflow, intact.steps

describe("A workflow", function()
  local machine = helper.machine()
  helper.leaves_nothing(function()
    guestlua.journal({ dir = machine.dir .. "/journal" })
  end)

  local guest
  before_each(function()
    guest = machine.guest
  end)

  local function leaves_no_trace(fn)
    intact.after(machine, fn)
  end

  describe("volume_snapshot", function()
    -- An image that is based on another, as a storage service makes it: with a relative name.
    local function make(name, base)
      assert(os.execute(("cd %s && qemu-img create -q -f qcow2 -b %s -F qcow2 %s && chmod 666 %s"):format(machine.dir, base, name, name)))
      return machine.dir .. "/" .. name
    end

    local function remove(...)
      for _, name in ipairs({ ... }) do
        os.remove(machine.dir .. "/" .. name)
      end
    end

    -- The guest goes on with the image that it had.
    local function back(above)
      local disk = guest:get_block_device("vda")
      for _ = 1, above do
        disk:commit(nil, nil, { active = true, shallow = true })
        assert.equal("ready", (disk:await_job({ timeout = 120 })))
        disk:abort_job({ pivot = true })
      end
    end

    it("is created, and deleted by a merge down and by a pull", function()
      leaves_no_trace(function()
        local snap, snap_b = make("snap.img", "disk.qcow2"), make("snap-b.img", "snap.img")
        local result = workflow.volume_snapshot_create(guest, "vda", { type = "qcow2", snapshot_id = "s1", new_file = "snap.img" })
        assert.same({ "volume_snapshot_create", "vda", "s1", true }, { result.workflow, result.disk, result.snapshot_id, result.quiesced })
        assert.same({ snap, machine.disk }, result.images)
        machine:sh("echo one >/data/one; sync")
        assert.is_false(workflow.volume_snapshot_create(guest, "vda", { new_file = snap_b, quiesce = false }).quiesced)
        assert.same({ snap_b, snap, machine.disk }, machine:chain())

        result = workflow.volume_snapshot_delete(guest, "vda", { file_to_merge = "snap.img", merge_target_file = "disk.qcow2", timeout = 120 })
        assert.same({ snap_b, machine.disk }, result.images)
        assert.equal("look merge wait verify", steps(result))
        assert.same({ snap_b, machine.disk }, machine:chain())

        for _, into in ipairs({ "disk.qcow2", "snap-b.img" }) do
          local e = helper.failure(workflow.volume_snapshot_delete, guest, "vda", { file_to_merge = "disk.qcow2", merge_target_file = into })
          assert.same({ "operation_invalid", "look" }, { e.kind, e.step }, tostring(e))
          assert.matches(("disk.qcow2 is not above %s/%s"):format(machine.dir, into), e.message, 1, true)
        end

        remove("snap.img")
        make("snap.img", "snap-b.img")
        workflow.volume_snapshot_create(guest, "vda", { new_file = "snap.img" })
        assert.same({ snap, snap_b, machine.disk }, machine:chain())
        result = workflow.volume_snapshot_delete(guest, "vda", { file_to_merge = "disk.qcow2" })
        assert.same({ snap, machine.disk }, result.images)
        assert.equal("one", machine:sh("echo 3 >/proc/sys/vm/drop_caches; cat /data/one && rm /data/one; sync"))
        back(1)
        remove("snap.img", "snap-b.img")
      end)
    end)

    it("can be pulled up wholly", function()
      make("snap.img", "disk.qcow2")
      workflow.volume_snapshot_create(guest, "vda", { new_file = "snap.img" })
      local result = workflow.volume_snapshot_delete(guest, "vda", {})
      assert.same({ machine.dir .. "/snap.img" }, result.images)
      -- back to where it was, with a workflow
      os.rename(machine.disk, machine.disk .. ".old")
      local moved = workflow.swap_volume(guest, "vda", guestlua.device.disk({
        type = "file", source = { file = machine.disk }, driver = { type = "qcow2" },
      }))
      assert.same({ machine.disk }, moved.images)
      remove("snap.img", "disk.qcow2.old")
      os.execute("chmod 666 " .. machine.disk)
    end)

    -- No secret can be defined on this driver: what would be done to such a guest.
    it("puts nothing in clear that is encrypted, unless that was asked for", function()
      local get_xml_desc, snapshot = guestlua.Guest.get_xml_desc, guestlua.Guest.snapshot
      finally(function()
        guestlua.Guest.get_xml_desc, guestlua.Guest.snapshot = get_xml_desc, snapshot
      end)
      guestlua.Guest.get_xml_desc = function(...)
        local domain = guestlua.element(get_xml_desc(...))
        domain.devices.disk.source.encryption = { format = "luks" }
        return tostring(domain)
      end
      guestlua.Guest.snapshot = function() error("asked", 0) end
      for _, call in ipairs({
        function(options) return workflow.snapshot_then_commit(guest, options) end,
        function(options) return workflow.live_snapshot(guest, "vda", machine.dir .. "/copy", options) end,
        function(options) return workflow.volume_snapshot_create(guest, "vda", { new_file = "new", plain = options.plain }) end,
      }) do
        local e = helper.failure(call, {})
        assert.same({ "argument_unsupported", "vda", "look" }, { e.kind, e.device, e.step })
      end
      assert.equal("asked", helper.failure(workflow.snapshot_then_commit, guest, { plain = true }).value)
    end)

    -- The reference's chain, which needs a storage service: what libvirt would be asked.
    describe("on a network disk", function()
      local saved, asked
      local function fake(class, name, fn)
        saved[#saved + 1] = { class, name, class[name] }
        class[name] = fn
      end
      before_each(function()
        saved, asked = {}, nil
        fake(guestlua.Guest, "get_xml_desc", function()
          return [[<domain id='1'><name>tiny1</name><devices>
            <disk type='file' device='disk'><source file='/x'/><target dev='vda'/></disk>
            <disk type='network' device='disk'><driver name='qemu' type='qcow2'/>
              <source protocol='gluster' name='vol1/root.img'><host name='server1' port='24007'/></source>
              <backingStore type='network' index='1'><source protocol='gluster' name='vol1/snap.img'><host name='server1' port='24007'/></source>
                <backingStore type='network' index='2'><source protocol='gluster' name='vol1/snap-b.img'><host name='server1' port='24007'/></source>
                  <backingStore/></backingStore></backingStore>
              <target dev='vdb' bus='virtio'/><serial>0e38683e-f0af-418f-a3f1-6b67eaffffff</serial></disk>
          </devices></domain>]]
        end)
        fake(guestlua.Guest, "snapshot", function(_, xml) asked = xml error("asked", 0) end)
        fake(guestlua.BlockDevice, "get_job_info", function() end)
        fake(guestlua.BlockDevice, "rebase", function(_, base, options) asked = { base, options.relative } error("asked", 0) end)
        fake(guestlua.BlockDevice, "commit", function(_, base, top, options) asked = { base, top, options.relative } error("asked", 0) end)
      end)
      after_each(function()
        for _, row in ipairs(saved) do
          row[1][row[2]] = row[3]
        end
      end)

      local VOLUME = "0e38683e-f0af-418f-a3f1-6b67eaffffff"

      it("is created beside it", function()
        helper.failure(workflow.volume_snapshot_create, guest, VOLUME, { new_file = "new.img", quiesce = false })
        local disks = asked.disks:children("disk")
        local source = disks[1].source
        assert.same({ "vdb", "external", "network" }, { disks[1].name, disks[1].snapshot, disks[1].type })
        assert.same({ "gluster", "vol1/new.img", "server1" }, { source.protocol, source.name, source.host.name })
        assert.same({ "vda", "no" }, { disks[2].name, disks[2].snapshot })
        assert.is_true(asked:validate())
      end)

      it("is deleted by numbers", function()
        helper.failure(workflow.volume_snapshot_delete, guest, VOLUME, { file_to_merge = "snap.img" })
        assert.same({ "vdb[1]", true }, asked)
        helper.failure(workflow.volume_snapshot_delete, guest, VOLUME, { file_to_merge = "snap.img", merge_target_file = "snap-b.img" })
        assert.same({ "vdb[2]", "vdb[1]", true }, asked)
      end)
    end)

    it("is taken without freezing where the agent does not answer, unless that is a must", function()
      leaves_no_trace(function()
        local agent_command = guestlua.Guest.agent_command
        finally(function()
          guestlua.Guest.agent_command = agent_command
        end)
        guestlua.Guest.agent_command = function()
          error(guestlua.Error.new({ kind = "agent_unresponsive", code = 86, message = "the agent is not connected" }), 0)
        end
        make("snap.img", "disk.qcow2")
        for name, call in pairs({
          volume_snapshot_create = function() workflow.volume_snapshot_create(guest, "vda", { new_file = "snap.img", quiesce = true }) end,
          snapshot_then_commit = function() workflow.snapshot_then_commit(guest, { quiesce = true }) end,
          live_snapshot = function() workflow.live_snapshot(guest, "vda", machine.dir .. "/out", { quiesce = true }) end,
        }) do
          local e = helper.failure(call)
          assert.same({ name, "look", "agent_unresponsive" }, { e.workflow, e.step, e.kind })
        end
        assert.is_false(workflow.volume_snapshot_create(guest, "vda", { new_file = "snap.img" }).quiesced)
        guestlua.Guest.agent_command = agent_command
        back(1)
        remove("snap.img")
      end)
    end)

    it("refuses what is no snapshot", function()
      leaves_no_trace(function()
        local e = helper.failure(workflow.volume_snapshot_create, guest, "no-such-volume", { new_file = "x" })
        assert.same({ "device_not_found", "look" }, { e.kind, e.step })
        e = helper.failure(workflow.volume_snapshot_create, guest, "vda", { new_file = "x", type = "raw" })
        assert.same({ "bad_argument", "type" }, { e.kind, e.argument })
        make("other.img", "disk.qcow2")
        local astray = make("astray.img", "other.img")
        e = helper.failure(workflow.volume_snapshot_create, guest, "vda", { new_file = "astray.img" })
        assert.same({ "operation_invalid", "look" }, { e.kind, e.step })
        assert.matches(astray .. " is based on " .. machine.dir .. "/other.img, and not on the disk's image " .. machine.disk, e.message, 1, true)
        remove("other.img", "astray.img")
        e = helper.failure(workflow.volume_snapshot_create, guest, "vda", { new_file = "missing.img", quiesce = true })
        assert.same({ "snapshot", "undone: the snapshot was not taken" }, { e.step, e.outcome })
        e = helper.failure(workflow.volume_snapshot_delete, guest, "vda", { file_to_merge = "missing.img" })
        assert.same({ "operation_invalid", "look" }, { e.kind, e.step })
        for _, into in ipairs({ false, "disk.qcow2" }) do -- nothing is above the one, and neither is above the other
          e = helper.failure(workflow.volume_snapshot_delete, guest, "vda", { file_to_merge = "disk.qcow2", merge_target_file = into or nil })
          assert.same({ "operation_invalid", "look" }, { e.kind, e.step }, tostring(e))
          assert.matches("disk.qcow2 is the disk's topmost image", e.message, 1, true)
        end
        e = helper.failure(workflow.volume_snapshot_delete, guest, "vda", { merge_target_file = "disk.qcow2" })
        assert.same({ "bad_argument", "file_to_merge" }, { e.kind, e.argument })
      end)
    end)
  end)
end)
