local faults = require("spec.support.faults")
local guestlua = require("guestlua")
local helper = require("spec.support.helper")
local tiny = require("spec.support.tiny")

local power = guestlua.power_state
local LONG = tiny.TIMEOUT

-- libvirt's test driver freezes and thaws as well; what counts is what it is asked.
describe("A guard", function()
  helper.leaves_nothing()

  local function asked(calls)
    local list = {}
    for _, call in ipairs(calls) do
      local name = call.name:match("^virDomain(.*)")
      if name and not name:find("^LookupBy") and name ~= "QemuAgentCommand" and name ~= "GetID" then
        list[#list + 1] = name
      end
    end
    return table.concat(list, " ")
  end

  -- Runs a script on the guest: its exit code, what it printed, what libvirt was asked, and its standard error.
  local function run(script, fault)
    local code, out, err, calls = faults.run([[
      local host <close> = guestlua.open("test:///default")
      local guest = host:guest("test")
    ]] .. script, { fault = fault })
    return { code, out, asked(calls) }, err
  end

  it("is taken back at the end of the scope, once", function()
    assert.same({ 0, "in it\nout of it\n", "FSFreeze FSThaw" }, run([[
      do
        local frozen <close> = guest:frozen()
        print("in it")
      end
      print("out of it")
    ]]))
    assert.same({ 0, "", "FSFreeze FSThaw" }, run([[
      local frozen <close> = guest:frozen()
      frozen:close()
      frozen:close()
    ]]))
    assert.same({ 0, "", "FSFreeze" }, run([[
      local frozen <close> = guest:frozen()
      frozen:keep()
    ]]))
  end)

  it("is taken back on an error, a return, and when the task is cancelled", function()
    local results, err = run([[
      local frozen <close> = guest:frozen()
      error("why")
    ]])
    assert.same({ 1, "", "FSFreeze FSThaw" }, results)
    assert.matches("why", err)
    assert.same({ 0, "cancelled\n", "FSFreeze FSThaw" }, run([[
      local is_frozen
      local task = guestlua.spawn(function()
        local frozen <close> = guest:frozen()
        is_frozen = true
        guestlua.sleep(600)
      end)
      repeat
        guestlua.sleep(0.01)
      until is_frozen or task:status() ~= "running"
      task:cancel()
      print(select(2, pcall(task.wait, task)).kind)
    ]]))
    assert.same({ 0, "timeout\n", "FSFreeze FSThaw" }, run([[
      print(select(2, pcall(guestlua.timeout, 0.1, function()
        local frozen <close> = guest:frozen()
        guestlua.sleep(600)
      end)).kind)
    ]]))
  end)

  it("is taken back where what it does fails half-way, or is abandoned", function()
    local results, err = run([[ local frozen <close> = guest:frozen() ]], "virDomainFSFreeze#1:internal_error:after")
    assert.same({ 1, "", "FSFreeze FSThaw" }, results)
    assert.matches("freeze_filesystems: injected", err)
    results = run([[
      local task = guestlua.spawn(function()
        local frozen <close> = guest:frozen()
      end)
      local waits
      repeat
        guestlua.sleep(0.01)
        for _, other in ipairs(require("guestlua.core").task_list()) do
          waits = waits or (other.what or ""):find("FSFreeze")
        end
      until waits or task:status() ~= "running"
      task:cancel()
      print(select(2, pcall(task.wait, task)).still_running)
    ]], "virDomainFSFreeze#1:hang=1") -- the thaw waits until libvirt has done with the freeze
    assert.same({ 0, "true\n", "FSFreeze FSThaw" }, results)
  end)

  it("is taken back at Ctrl-C", function()
    for _, fault in ipairs({ "", "virDomainFSFreeze#1:hang=1" }) do
      local child <close> = faults.start([[
        local host <close> = guestlua.open("test:///default")
        local guest = host:guest("test")
        guestlua.spawn(function() guestlua.sleep(0.1) io.stdout:write("now"):flush() end)
        local frozen <close> = guest:frozen()
        guestlua.sleep(600)
      ]], { fault = fault })
      local deadline = guestlua.now() + LONG
      repeat
        guestlua.sleep(0.05)
        local file <close> = io.open(child.dir .. "/out")
      until file and file:read("a") == "now" or guestlua.now() > deadline
      child:kill("INT")
      local code, _, err, calls = child:wait()
      assert.same({ 130, "FSFreeze FSThaw" }, { code, asked(calls) })
      assert.matches("interrupted", err)
    end
  end)

  it("is tried again where taking it back fails for a moment", function()
    assert.same({ 0, "", "FSFreeze FSThaw IsActive FSThaw IsActive FSThaw" }, run([[
      local frozen <close> = guest:frozen()
    ]], { "virDomainFSThaw#1:agent_unresponsive", "virDomainFSThaw#2:internal_error" }))
  end)

  it("reports of both errors where it cannot be taken back", function()
    local results, err = run([[
      local frozen <close> = guest:frozen()
      error("why", 0)
    ]], "virDomainFSThaw#*:no_support")
    assert.same({ 1, "", "FSFreeze FSThaw IsActive" }, results)
    assert.matches("guestlua: why\n  and while undoing: .*thaw_filesystems: injected.*\n  hint: THE GUEST MAY BE FROZEN", err)
    results, err = run([[
      local frozen <close> = guest:frozen()
    ]], "virDomainFSThaw#*:no_support")
    assert.same({ 1, "", "FSFreeze FSThaw IsActive" }, results)
    assert.matches("THE GUEST MAY BE FROZEN", err)
    results, err = run([[
      local frozen <close> = guest:frozen()
    ]], { "virDomainFSFreeze#1:operation_timeout", "virDomainFSThaw#*:no_support" })
    assert.same({ 1, "", "FSFreeze FSThaw IsActive" }, results)
    assert.matches("guestlua: .*FSFreeze.*and while undoing: .*FSThaw", err)
  end)

  it("is not missed of a guest that is gone", function()
    for _, what in ipairs({ "frozen", "paused" }) do
      assert.equal(0, run(([[
        local guard <close> = guest:%s()
        guest:poweroff()
        guest:delete_configuration()
      ]]):format(what))[1], what)
      assert.equal(0, run(([[
        local guard <close> = guest:%s()
        guest:poweroff()
      ]]):format(what))[1], what)
    end
  end)

  it("pauses the guest, unless it is paused already", function()
    local host <close> = guestlua.open("test:///default")
    local guest = host:guest("test")
    do
      local outer <close> = guest:paused()
      assert.equal(power.PAUSED, guest:get_power_state())
      do
        local inner <close> = guest:paused({ timeout = LONG })
      end
      assert.equal(power.PAUSED, guest:get_power_state())
    end
    assert.equal(power.RUNNING, guest:get_power_state())
    do
      local kept <close> = guest:paused()
      kept:keep()
    end
    assert.equal(power.PAUSED, guest:get_power_state())
    guest:resume()
    do
      local paused <close> = guest:paused()
      guest:resume() -- somebody was faster
    end
    assert.equal(power.RUNNING, guest:get_power_state())
  end)

  it("sets libvirt's time limit for the agent back", function()
    assert.same({ 0, "", "AgentSetResponseTimeout FSFreeze AgentSetResponseTimeout FSThaw" }, run([[
      local frozen <close> = guest:frozen({ timeout = 5 })
    ]]))
    assert.same({ 1, "", "AgentSetResponseTimeout FSFreeze AgentSetResponseTimeout FSThaw" }, run([[
      local frozen <close> = guest:frozen({ timeout = 5 })
    ]], "virDomainFSFreeze#1:agent_unresponsive"))
    -- one at a time: the setting is the guest's
    assert.same({ 0, "",
      "AgentSetResponseTimeout FSFreeze AgentSetResponseTimeout AgentSetResponseTimeout FSFreeze AgentSetResponseTimeout FSThaw" }, run([[
      local group <close> = guestlua.group()
      local done, go = 0, guestlua.signal()
      for _ = 1, 2 do
        group:spawn(function()
          local frozen <close> = guest:frozen({ timeout = 5 })
          done = done + 1
          if done < 2 then go:wait() end
          go:wake()
        end)
      end
      group:wait()
    ]]))
  end)
end)

describe("On a real guest", function()
  local machine, guest
  helper.leaves_nothing()
  lazy_setup(function()
    machine = tiny.boot()
    guest = machine.guest
  end)
  lazy_teardown(function()
    getmetatable(machine).__close(machine)
  end)

  local function is_frozen()
    return guest:agent_command('{"execute":"guest-fsfreeze-status"}', { agent_timeout = LONG }):find("frozen") ~= nil
  end

  it("frozen file systems thaw", function()
    do
      local frozen <close> = guest:frozen({ timeout = LONG })
      assert.is_true(is_frozen())
      local e = helper.failure(function() -- who tries to freeze it again does not thaw it
        local again <close> = guest:frozen()
      end)
      assert.equal("conflict", e.kind)
      assert.is_nil(e.undoing)
      assert.is_true(is_frozen())
    end
    assert.is_false(is_frozen())
    do
      local frozen <close> = guest:frozen()
      frozen:keep()
    end
    assert.is_true(is_frozen())
    guest:thaw_filesystems()
  end)

  it("an agent that is silent when it should freeze ends in a time limit, and the guest does not stay frozen", function()
    local function signal(name)
      local file <close> = assert(io.open(("%s/../run/qemu/%s.pid"):format(machine.dir, machine.name)))
      assert(os.execute(("kill -%s %d"):format(name, file:read("n"))))
    end
    local began = guestlua.now()
    signal("STOP")
    local task = guestlua.spawn(function()
      guestlua.sleep(4)
      signal("CONT")
    end)
    local e = helper.failure(function()
      local frozen <close> = guest:frozen({ timeout = 1 })
    end)
    assert.same({ "agent_unresponsive", "agent_command" }, { e.kind, e.op }) -- nothing was frozen: no alarm
    assert.is_nil(e.undoing)
    assert.is_true(guestlua.now() - began < LONG)
    task:wait()
    assert.is_false(is_frozen())
    -- the limit was set back: libvirt waits for more than a second again
    signal("STOP")
    task = guestlua.spawn(function()
      guestlua.sleep(2)
      signal("CONT")
    end)
    guest:thaw_filesystems({ timeout = LONG })
    task:wait()
  end)

  it("a device is attached for a scope", function()
    local image = machine.dir .. "/second"
    assert(io.open(image, "w")):write(("\0"):rep(1 << 20)):close()
    os.execute("chmod 666 " .. image)
    local conf = guestlua.device.disk({
      type = "file", device = "disk", driver = { name = "qemu", type = "raw" }, source = { file = image }, target = { dev = "vdb", bus = "virtio" },
    })
    local function is_there()
      return guest:get_disk("vdb") ~= nil
    end
    local e = helper.failure(function()
      local attached <close> = guest:attached(conf, { live = true })
      assert.is_true(is_there())
      error("why", 0)
    end)
    assert.equal("why", e)
    assert.is_false(is_there())
    do
      local attached <close> = guest:attached(tostring(conf), { live = true, timeout = LONG })
      attached:keep()
    end
    assert.is_true(is_there())
    e = helper.failure(function()
      local again <close> = guest:attached(conf) -- it is there: this must not take away what it did not bring
    end)
    assert.same({ "operation_invalid", "attached" }, { e.kind, e.op })
    assert.is_true(is_there())
    do
      local attached <close> = guest:attached(conf, { persistent = true })
      assert.is_truthy(guest:get_disk("vdb", { from_persistent_config = true }))
    end
    assert.is_true(is_there()) -- the running guest keeps its own
    assert.is_nil(guest:get_disk("vdb", { from_persistent_config = true }))
    guestlua.workflow.detach_with_retry(guest, "vdb")
    assert.is_false(is_there())
  end)

  it("an interface without a MAC address is distinguished from one that somebody else attaches meanwhile", function()
    local theirs = "<interface type='user'><mac address='52:54:00:00:00:99'/><model type='virtio'/></interface>"
    local function interfaces()
      return guestlua.element(guest:get_xml_desc()).devices:children("interface")
    end
    do
      local attached <close> = guest:attached("<interface type='user'><model type='virtio'/></interface>", { live = true })
      guest:attach_device(theirs, { live = true })
      assert.equal(2, #interfaces())
    end
    local left = interfaces()
    assert.equal(1, #left)
    assert.equal("52:54:00:00:00:99", left[1].mac.address)
    guestlua.workflow.detach_with_retry(guest, theirs)
  end)
end)
