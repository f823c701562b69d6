-- The workflows of lua/guestlua/workflow/power, on a real guest: what they do, and what they leave if a call fails, the script gets a signal or is
-- killed, or the daemon dies. suspend_spec.lua has suspend and resume.

local guestlua = require("guestlua")
local faults = require("spec.support.faults")
local helper = require("spec.support.helper")
local support = require("spec.support.power")

local workflow, state = guestlua.workflow, guestlua.power_state
local LONG = support.LONG

describe("Power workflows", function()
  local power = support.machine()
  local machine, on_guest, power_of, runs = power.machine, power.on_guest, power.state, power.runs
  local entries, start, run, await_call, revive = power.entries, power.start, power.run, power.await_call, power.revive

  -- A guest that does not do what it is asked: the request comes, and nothing comes of it. agent: whether it is the agent that gets it.
  local function ignore_requests(agent)
    machine:sh("mv /sbin/shutdown /sbin/shutdown.real; ln -s /bin/true /sbin/shutdown")
    if not agent then
      local events <close> = machine.guest:subscribe("agent_lifecycle")
      pcall(machine.sh, machine, "sed -i /qemu-ga/d /etc/inittab; kill -HUP 1; killall qemu-ga")
      repeat
        local event = assert(events:next(LONG))
      until event.state == "disconnected"
    end
  end

  describe("clean_shutdown", function()
    on_guest("waits until the guest is off, and leaves one alone that is", function(guest)
      local result = workflow.clean_shutdown(guest, { timeout = LONG })
      assert.is_false(guest:is_active())
      assert.same({ "clean_shutdown", "tiny", true, false, 1, "shutdown" },
        { result.workflow, result.guest, result.changed, result.forced, result.asked, result.reason })
      assert.equal("look", result.steps[1].name)
      assert.equal("shutdown", result.steps[2].name)
      result = workflow.clean_shutdown(guest)
      assert.same({ false, 0 }, { result.changed, result.asked })
      assert.is_false(workflow.ensure_stopped(guest).changed)
    end)

    on_guest("does not stop a guest that libvirt would forget, unless it may", function(guest)
      guest:delete_configuration()
      for _, name in ipairs({ "clean_shutdown", "ensure_stopped" }) do
        local e = helper.failure(workflow[name], guest, { force = true, timeout = 0 })
        assert.same({ "operation_invalid", "the guest is 'running'" }, { e.kind, e.outcome })
        assert.matches("the guest is transient: once it is off libvirt has forgotten it", e.message)
        assert.matches("write_instance_config.*transient=true", e.hint)
      end
      runs()
      assert.is_true(workflow.ensure_stopped(guest, { transient = true, timeout = LONG }).changed)
      assert.is_nil(machine.host:guest("tiny"))
      assert.is_false(workflow.ensure_stopped(guest).changed)
      assert.equal("no_domain", helper.failure(workflow.ensure_running, guest).kind)
    end)

    on_guest("asks again, and says when the guest does not listen", function(guest)
      ignore_requests()
      local e = helper.failure(workflow.clean_shutdown, guest, { timeout = 2.5, retry_interval = 1 })
      assert.same({ "timeout", "clean_shutdown", "shutdown", "tiny", "the guest is 'running'; it was asked to shut down, and may do so yet" },
        { e.kind, e.workflow, e.step, e.guest, e.outcome })
      assert.is_true(tonumber(e.message:match("asked (%d+) times")) >= 2)
      assert.matches("force=true", e.hint, 1, true)
      runs()
      local result = workflow.ensure_stopped(guest, { timeout = 1, force = true })
      assert.same({ true, true, "destroyed" }, { result.changed, result.forced, result.reason or "destroyed" })
      assert.is_false(guest:is_active())
    end)

    on_guest("does not wait for an agent that keeps libvirt waiting", function(guest)
      ignore_requests("agent")
      local result = workflow.ensure_stopped(guest, { timeout = 2, retry_interval = 1, force = true })
      assert.same({ true, true }, { result.changed, result.forced })
      assert.is_false(guest:is_active())
    end)

    on_guest("takes no pause for a shutdown, and powers off a paused guest only when asked to", function(guest)
      guest:pause()
      local e = helper.failure(workflow.clean_shutdown, guest, { timeout = 1 })
      assert.same({ "operation_invalid", "the guest is 'paused'" }, { e.kind, e.outcome })
      assert.equal(state.PAUSED, power_of())
      local result = workflow.clean_shutdown(guest, { force = true })
      assert.same({ true, 0 }, { result.forced, result.asked })
      assert.is_false(guest:is_active())
    end)

    on_guest("does not need the event, and lives through a daemon that is killed", function(guest)
      local script = "print(guestlua.workflow.clean_shutdown(guest, { timeout = 100, retry_interval = 100 }).changed)"
      local code, out, err = run(script, "event:lifecycle#*")
      assert.same({ 0, "true\n", "" }, { code, out, err })
      assert.is_false(guest:is_active())
      machine:reset()
      local child <close> = start(script, { fault = ("virDomainShutdown#1:kill=%d:after"):format(machine.pid) })
      await_call(child, "virDomainShutdown")
      revive()
      code, out, err = child:wait()
      assert.same({ 0, "true\n", "" }, { code, out, err })
      assert.is_false(machine.guest:is_active())
    end)

    on_guest("does not mind a lost answer, and takes no failure for success", function()
      local code, _, err = run("guestlua.workflow.clean_shutdown(guest, { timeout = 100 })", "virDomainShutdown#1:rpc:after")
      assert.same({ 0, "" }, { code, err })
      assert.is_false(machine.guest:is_active())
      machine:reset()
      ignore_requests()
      code, _, err = run("guestlua.workflow.clean_shutdown(guest, { timeout = 1 })", "virDomainShutdown#*:internal_error")
      assert.equal(1, code)
      assert.matches("step 'shutdown'", err, 1, true)
      assert.matches("libvirt's last answer: injected", err, 1, true)
      code, _, err = run("guestlua.workflow.clean_shutdown(guest, { timeout = 1 })", "virDomainShutdown#*:operation_denied")
      assert.equal(1, code)
      assert.matches("operation_denied", err, 1, true)
      runs()
    end)
  end)

  on_guest("have an example that can be copied", function()
    local code, out, err = faults.run("examples/clean_shutdown.lua", { uri = machine.uri, args = { "--timeout", LONG } })
    assert.same({ 0, "" }, { code, err })
    assert.matches("^tiny: shut down after", out)
    code, out = faults.run("examples/clean_shutdown.lua", { uri = machine.uri, args = { "--force", "tiny" } })
    assert.same({ 0, "tiny: was off\n" }, { code, out })
    machine.guest:launch()
    machine.guest:pause()
    code, out, err = faults.run("examples/clean_shutdown.lua", { uri = machine.uri })
    assert.equal(1, code)
    assert.matches("^tiny: the guest is 'paused'", out)
    assert.matches("1 of 1 guests are not off", err, 1, true)
  end)

  describe("ensure_running", function()
    on_guest("starts a guest, lets a paused one go on, and leaves one alone that runs", function(guest)
      assert.is_false(workflow.ensure_running(guest).changed)
      guest:pause()
      local result = workflow.ensure_running(guest)
      assert.same({ true, "unpaused" }, { result.changed, result.how })
      runs()
      guest:poweroff()
      result = workflow.ensure_running(guest)
      assert.same({ true, "launched" }, { result.changed, result.how })
      runs()
      guest:pause()
      guest:save_memory_state()
      assert.equal("restored", workflow.ensure_running(guest).how) -- and resumes it: it was paused when it was saved
      runs()
    end)

    on_guest("lets a guest go on that was saved while it was paused, and does not mind that it runs already", function(guest)
      guest:pause()
      guest:save_memory_state()
      local code, _, err = run("guestlua.workflow.ensure_running(guest)", "virDomainResume#1:operation_invalid:after")
      assert.equal(0, code, err)
      runs()
    end)

    on_guest("says why a guest does not start, and that it is off", function(guest)
      guest:poweroff()
      os.remove(machine.disk)
      local e = helper.failure(workflow.ensure_running, guest)
      assert.same({ "ensure_running", "launch", "the guest is 'shutoff'" }, { e.workflow, e.step, e.outcome })
      assert.matches(machine.disk, e.message, 1, true)
    end)

    on_guest("says what to do if the saved memory of a guest cannot be loaded, which stays", function(guest)
      guest:save_memory_state()
      local saved = machine.root .. "/save/tiny.save"
      assert(os.execute(("dd if=/dev/zero of='%s' bs=1 count=4 conv=notrunc 2>/dev/null"):format(saved)))
      local e = helper.failure(workflow.ensure_running, guest)
      assert.same({ "operation_failed", "launch", "the guest is 'shutoff'" }, { e.kind, e.step, e.outcome })
      assert.matches("guest:launch{force_boot=true}", e.hint, 1, true)
      assert.is_true(guest.domain:has_managed_save_image())
      guest:launch({ force_boot = true })
      runs()
    end)
  end)

  describe("reboot", function()
    on_guest("shuts the guest down and starts it again", function(guest)
      local id = guest.id
      local result = workflow.reboot(guest, { timeout = LONG })
      assert.same({ "reboot", 1, false, "shutdown" }, { result.workflow, result.asked, result.forced, result.reason })
      runs()
      local again <close> = machine.host:guest("tiny")
      assert.not_equal(id, again.id)
      assert.equal("", entries())
    end)

    on_guest("refuses before it does anything", function(guest)
      guest:delete_configuration()
      local e = helper.failure(workflow.reboot, guest)
      assert.same({ "operation_invalid", "look" }, { e.kind, e.step })
      assert.matches("transient", e.message)
      runs()
      guest:poweroff()
      machine:reset()
      machine.guest:pause()
      assert.matches("'paused'", helper.failure(workflow.reboot, machine.guest).message, 1, true)
      assert.equal(state.PAUSED, power_of())
      machine.guest:poweroff()
      assert.matches("does not run", helper.failure(workflow.reboot, machine.guest).message)
      assert.is_false(machine.guest:is_active())
    end)

    on_guest("takes a guest that comes up again by itself as it is", function(guest)
      machine:sh("printf '#!/bin/sh\\nexec reboot -f\\n' >/sbin/shutdown.new; chmod 755 /sbin/shutdown.new; mv /sbin/shutdown.new /sbin/shutdown")
      local id = guest.id
      local result = workflow.reboot(guest, { timeout = LONG })
      assert.is_true(result.restarted)
      local same <close> = machine.host:guest("tiny")
      assert.equal(id, same.id)
      runs()
    end)

    on_guest("leaves a guest that does not listen as it was, or powers it off", function(guest)
      ignore_requests()
      local id = guest.id
      local e = helper.failure(workflow.reboot, guest, { timeout = 1 })
      assert.same({ "timeout", "shutdown", "the guest runs as before; it was asked to shut down, and may do so yet" }, { e.kind, e.step, e.outcome })
      runs()
      assert.equal("", entries())
      assert.is_true(workflow.reboot(guest, { timeout = 0, force = true }).forced)
      local again <close> = machine.host:guest("tiny")
      assert.not_equal(id, again.id)
      runs()
    end)

    local REBOOT = "guestlua.workflow.reboot(guest, { timeout = 100, retry_interval = 1 })"

    on_guest("starts the guest all the same where starting it failed", function()
      local code, _, err = run(REBOOT, "virDomainCreateWithFlags#1:internal_error")
      assert.equal(1, code)
      assert.matches("step 'launch'", err, 1, true)
      assert.matches("outcome: the guest was started again", err, 1, true)
      runs()
      assert.equal("", entries())
    end)

    on_guest("starts the guest all the same where the script has to stop", function(guest)
      local id = guest.id
      local child <close> = start(REBOOT)
      await_call(child, "virDomainShutdown")
      child:kill("INT")
      local code, _, err = child:wait()
      assert.equal(130, code)
      assert.matches("interrupted", err)
      assert.matches("outcome: the guest was started again", err, 1, true)
      local again <close> = machine.host:guest("tiny")
      assert.not_equal(id, again.id)
      runs()
      assert.equal("", entries())
    end)

    on_guest("is finished by recover where the script was killed", function(guest)
      for _, fault in ipairs({ "virDomainShutdown#1:kill:after", "virDomainCreateWithFlags#1:kill:after" }) do
        local id = guest.id
        assert.equal(128 + 9, (run(REBOOT, fault)))
        local list = guestlua.recover(machine.host)
        assert.same({ "reboot", "tiny" }, { list[1].workflow, list[1].guest })
        runs()
        local again <close> = machine.host:guest("tiny")
        assert.not_equal(id, again.id)
        assert.same({}, guestlua.recover(machine.host))
        assert.equal("", entries())
        machine:reset()
        guest = machine.guest
      end
    end)

    on_guest("goes on with a daemon that came back", function(guest)
      local id = guest.id
      local child <close> = start(REBOOT, { fault = ("virDomainShutdown#1:kill=%d:after"):format(machine.pid) })
      await_call(child, "virDomainShutdown")
      revive()
      local code, _, err = child:wait()
      assert.same({ 0, "" }, { code, err })
      local again <close> = machine.host:guest("tiny")
      assert.not_equal(id, again.id)
      runs()
    end)
  end)

  -- Each call that such a workflow makes fails, once: it ends well all the same, or with an error that names the step; and never leaves the guest
  -- paused, undefined, with a job, or off where it is to run.
  local function each(script, fn)
    local seen, runs_with_fault = {}, 0
    faults.each(([[
      guestlua.journal{dir=%q}
      local host <close> = guestlua.open()
      local guest = host:guest('tiny')
    ]]):format(power.journal()) .. script, {
      uri = machine.uri,
      timeout = LONG,
      only = function(call) -- the same question asked again and again fails once
        seen[call.name] = (seen[call.name] or 0) + 1
        return call.name:find("^virDomain") and not call.name:find("^virDomainLookupByName") and seen[call.name] == 1
      end,
      before = function()
        local guest = machine.guest
        if not guest:is_active() then
          guest:launch()
        end
      end,
    }, function(_, name, code, _, err)
      runs_with_fault = runs_with_fault + 1
      local about = name .. ": " .. err
      assert.is_true(code == 0 or code == 1 and err:find("step '", 1, true) ~= nil, about)
      assert.is_true(machine.guest:has_persistent_configuration(), about)
      assert.not_equal(state.PAUSED, power_of(), about)
      if machine.guest:is_active() then
        assert.equal("none", guestlua.job_type[machine.guest:get_job_info().type], about)
      end
      assert.equal("", entries(), about)
      fn(code, about)
    end)
    assert.is_true(runs_with_fault > 5)
  end

  -- It has to boot each time, and nothing has to be up in it: what is asked of it is to be powered off.
  on_guest("survive that any call fails", function()
    each("guestlua.workflow.reboot(guest, { timeout = 0, force = true })", function(_, about)
      assert.equal(state.RUNNING, power_of(), about)
    end)
    each("guestlua.workflow.suspend(guest)", function(code, about)
      assert.equal(code == 0, not machine.guest:is_active(), about)
    end)
  end)

  it("refuse what makes no sense", function()
    assert.equal("bad_argument", helper.failure(workflow.clean_shutdown, "tiny").kind)
    assert.equal("bad_argument", helper.failure(workflow.reboot, nil).kind)
    assert.equal("bad_argument", helper.failure(workflow.ensure_running, io.stdout).kind)
  end)
end)
