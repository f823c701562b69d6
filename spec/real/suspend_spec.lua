-- workflow.suspend and workflow.resume, on a real guest: see power_spec.lua.

local guestlua = require("guestlua")
local helper = require("spec.support.helper")
local support = require("spec.support.power")

local workflow = guestlua.workflow
local LONG = support.LONG

describe("Power workflows", function()
  local power = support.machine()
  local machine, on_guest, runs, entries = power.machine, power.on_guest, power.runs, power.entries
  local boot_id, start, run, await_call, revive = power.boot_id, power.start, power.run, power.await_call, power.revive

  describe("suspend and resume", function()
    local function extra()
      local path = machine.dir .. "/extra.qcow2"
      assert.equal(0, (helper.run("qemu-img create -q -f qcow2 " .. path .. " 8M")))
      machine.guest:attach_device(guestlua.element("disk", {
        type = "file",
        device = "disk",
        driver = { name = "qemu", type = "qcow2" },
        source = { file = path },
        target = { dev = "vdx", bus = "virtio" },
      }), { live = true })
    end

    local function has_extra()
      return machine.guest:get_disk("vdx") ~= nil
    end

    local function interfaces()
      return #machine.guest:get_all_devices("interface")
    end

    on_guest("saves the guest and resumes it, with its clock right", function(guest)
      local boot = boot_id()
      machine:sh("echo kept >/tmp/kept; date -s '2020-01-01 00:00:00'")
      local result = workflow.suspend(guest)
      assert.same({ "suspend", 0 }, { result.workflow, #result.devices })
      assert.is_false(guest:is_active())
      assert.equal("operation_invalid", helper.failure(workflow.suspend, guest).kind)
      result = workflow.resume(guest)
      assert.same({ "restored", true, true }, { result.how, result.changed, result.clock })
      runs()
      assert.same({ boot, "kept" }, { boot_id(), machine:sh("cat /tmp/kept") })
      assert.is_true(math.abs(tonumber(machine:sh("date +%s")) - os.time()) < LONG)
      assert.same({ "running", false }, { workflow.resume(guest).how, workflow.resume(guest).changed })
      guest:pause()
      assert.same({ "unpaused", true }, { workflow.resume(guest).how, true })
      assert.equal("", entries())
    end)

    on_guest("takes devices away before, and gives them back", function(guest)
      extra()
      local alias = guest:get_all_devices("interface")[1].alias.name
      local result = workflow.suspend(guest, { detach = { guest:get_disk("vdx").alias.name, "vdx", alias } }) -- the disk by both its names
      assert.equal(2, #result.devices)
      assert.equal(1, #guest:get_all_devices("interface", { from_persistent_config = true }))
      workflow.resume(guest, { devices = result.devices })
      runs()
      assert.is_true(has_extra())
      assert.equal(1, interfaces())
      assert.equal("device_not_found", helper.failure(workflow.suspend, guest, { detach = { "vdq" } }).kind)
      runs()
    end)

    -- A hostdev of the type "pci" is known by its address on the host. A controller of that type was taken for one: neither the step nor its undo
    -- could look for it, nor any recovery.
    on_guest("takes no controller away", function(guest)
      for _, controller in ipairs(guest:get_all_devices("controller")) do
        local alias = controller.alias.name
        local e = helper.failure(workflow.suspend, guest, { detach = { alias } })
        assert.same({ "argument_unsupported", "look", alias }, { e.kind, e.step, e.device })
      end
      assert.is_true(#guest:get_all_devices("controller") > 0)
      assert.equal("", entries())
      runs()
    end)

    on_guest("gives them back to a guest that somebody else has started meanwhile", function(guest)
      extra()
      local devices = workflow.suspend(guest, { detach = { "vdx" } }).devices
      assert.equal("restored", workflow.ensure_running(guest).how)
      assert.is_false(has_extra())
      local result = workflow.resume(guest, { devices = devices })
      assert.same({ "running", true }, { result.how, result.changed })
      assert.is_true(has_extra())
      assert.is_false(workflow.resume(guest, { devices = devices }).changed)
      runs()
    end)

    on_guest("gives them back where saving fails, or the script has to stop", function()
      extra()
      local SUSPEND = "guestlua.workflow.suspend(guest, { detach = { 'vdx' } })"
      local code, _, err = run(SUSPEND, "virDomainManagedSave#1:internal_error")
      assert.equal(1, code)
      assert.matches("step 'save'", err, 1, true)
      assert.matches("outcome: undone: the guest is 'running', and has its devices", err, 1, true)
      assert.is_true(has_extra())
      runs()
      local child <close> = start(SUSPEND, { fault = "virDomainManagedSave#1:hang=1" })
      await_call(child, "virDomainManagedSave")
      child:kill("TERM")
      code, _, err = child:wait()
      assert.equal(143, code)
      if machine.guest:is_active() then -- or the save was faster
        assert.matches("outcome: undone: the guest is 'running', and has its devices", err, 1, true)
        assert.is_true(has_extra())
        runs()
      end
      assert.equal("", entries())
    end)

    on_guest("counts as done where only the answer was lost", function(guest)
      local code, _, err = run("guestlua.workflow.suspend(guest)", "virDomainManagedSave#1:rpc:after")
      assert.same({ 0, "" }, { code, err })
      assert.is_false(guest:is_active())
      assert.equal("restored", workflow.resume(guest).how)
    end)

    on_guest("is undone by recover where the script was killed", function(guest)
      extra()
      for _, fault in ipairs({ "virDomainManagedSave#1:kill", "virDomainManagedSave#1:kill:after" }) do
        assert.equal(128 + 9, (run("guestlua.workflow.suspend(guest, { detach = { 'vdx' } })", fault)))
        local list = guestlua.recover(machine.host)
        assert.equal("suspend", list[1].workflow)
        if guest:is_active() then
          assert.matches("^undone", list[1].outcome)
          assert.is_true(has_extra())
          runs()
        else
          assert.matches("memory saved", list[1].outcome)
        end
        assert.same({}, guestlua.recover(machine.host))
      end
      assert.is_false(guest:is_active())
    end)

    on_guest("goes on where the daemon is killed on the way", function()
      local child <close> = start("guestlua.workflow.suspend(guest)", { fault = ("virDomainManagedSave#1:kill=%d"):format(machine.pid) })
      await_call(child, "virDomainManagedSave")
      revive()
      local code, _, err = child:wait()
      assert.equal(1, code)
      assert.matches("step 'save'", err, 1, true)
      assert.matches("outcome: undone", err, 1, true)
      runs()
    end)
  end)
end)
