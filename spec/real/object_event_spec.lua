-- Events of QEMU's monitor and of secrets, which the test driver does not have, and all of them from a real libvirtd, which dies and comes again.

local faults = require("spec.support.faults")
local guestlua = require("guestlua")
local helper = require("spec.support.helper")

local TIMEOUT = 120

local SECRET = "<secret ephemeral='no' private='no'><usage type='volume'><volume>/made</volume></usage></secret>"
local NETWORK = "<network><name>made</name><bridge name='made0'/></network>"

describe("QEMU's own events", function()
  helper.leaves_nothing()
  local machine = helper.machine()

  it("have the name that QEMU gives them, and their details as JSON", function()
    local guest = machine.guest
    local events <close> = guest:subscribe("qemu_monitor")
    guest:pause()
    guest:resume()
    local stop, resume = events:next(TIMEOUT), events:next(TIMEOUT)
    assert.same({ "qemu_monitor", guest.name, guest.uuid, "STOP" }, { stop.event, stop.guest, stop.uuid, stop.qemu_event })
    assert.is_true(math.abs(stop.seconds - os.time()) < 3600)
    assert.equal("integer", math.type(stop.micros))
    assert.is_nil(stop.details)
    assert.equal("RESUME", resume.qemu_event)
    guest:reset()
    local reset
    repeat -- the guest's system, which is being reset, may open and close its ports before
      reset = events:next(TIMEOUT)
    until reset.qemu_event ~= "VSERPORT_CHANGE"
    assert.equal("RESET", reset.qemu_event)
    assert.matches('^{.*"guest": ?false', reset.details)
  end)

  it("are picked by that, by each who hears them", function()
    local guest, host = machine.guest, machine.host
    local all <close> = host:subscribe("qemu_monitor")
    local resumes <close> = guest:subscribe({ "lifecycle", "qemu_monitor" }, { qemu_event = "resume" })
    local stop = guestlua.spawn(host.wait_event, host, "qemu_monitor", { qemu_event = "STOP", timeout = TIMEOUT })
    local seen = {}
    local handler <close> = guest:on("qemu_monitor", function(event)
      seen[#seen + 1] = event.qemu_event
    end, { qemu_event = "RESUME" })
    local next_event, state, control, subscription = guest:events({ "qemu_monitor", qemu_event = "RESUME", timeout = TIMEOUT })
    local loop <close> = subscription
    guestlua.sleep(0) -- the task subscribes
    guest:pause()
    guest:resume()
    local function following() -- the reset before goes on
      local event
      repeat
        event = all:next(TIMEOUT).qemu_event
      until event ~= "RESET" and event ~= "VSERPORT_CHANGE" -- its agent's port
      return event
    end
    assert.same({ "STOP", "RESUME" }, { following(), following() })
    assert.equal("STOP", stop:wait().qemu_event)
    assert.equal("RESUME", next_event(state, control).qemu_event)
    helper.await(function() return seen[1] end, "the handler's event")
    assert.same({ "RESUME" }, seen)
    local found = {}
    for _ = 1, 3 do
      local event = resumes:next(TIMEOUT)
      found[event.qemu_event or event.type] = true
    end
    assert.same({ suspended = true, RESUME = true, resumed = true }, found)
    handler:close()
    helper.await(function() return guestlua.alive().tasks == 1 end, "the handler's end")
  end)
end)

describe("From a real libvirtd", function()
  local machine, on_daemon = faults.machine()

  on_daemon("come the events of a secret, and its value is in none", function()
    local host <close> = guestlua.open(machine.uri)
    local all <close> = host:subscribe({ "secret_lifecycle", "secret_value_changed" })
    local other, secret = host:secret_define_xml((SECRET:gsub("/made", "/other"))), host:secret_define_xml(SECRET)
    local function of(object, type)
      return { event = "secret_lifecycle", object = object.uuid, object_type = "secret", uuid = object.uuid, type = type, detail = 0 }
    end
    assert.same(of(other, "defined"), all:next(TIMEOUT))
    assert.same(of(secret, "defined"), all:next(TIMEOUT)) -- it is under way for a moment
    local mine <close> = secret:subscribe({ "secret_lifecycle", "secret_value_changed" })
    other:undefine()
    secret:set_value("s3cr3t")
    secret:undefine()
    local changed = { event = "secret_value_changed", object = secret.uuid, object_type = "secret", uuid = secret.uuid }
    for _, expected in ipairs({ of(other, "undefined"), changed, of(secret, "undefined") }) do
      assert.same(expected, all:next(TIMEOUT))
    end
    assert.same(changed, mine:next(TIMEOUT))
    assert.same(of(secret, "undefined"), mine:next(TIMEOUT))
    local e = helper.failure(secret.wait_event, secret, "secret_lifecycle", { timeout = 0 })
    assert.same({ "timeout", "secret", secret.uuid }, { e.kind, e.object_type, e.object })
  end)

  on_daemon("come those of all kinds after it has died, too, and a gap is reported", function()
    machine:reset()
    local host <close> = guestlua.open(machine.uri, { reconnect = true })
    local guest = host:guest(machine.guest.name)
    local network, pool = host:network_define_xml(NETWORK), host:storage_pool_define_xml(
      ("<pool type='dir'><name>made</name><target><path>%s</path></target></pool>"):format(machine.dir))
    pool:create()
    local undo <close> = setmetatable({}, { __close = function()
      network:undefine()
      pool:destroy()
      pool:undefine()
    end })
    local of_network <close> = network:subscribe("network_lifecycle")
    local of_pool <close> = pool:subscribe("storage_pool_refresh")
    local of_devices <close> = host:subscribe({ "node_device_lifecycle", "node_device_update" })
    local of_secrets <close> = host:subscribe("secret_lifecycle")
    local of_qemu <close> = guest:subscribe("qemu_monitor", { qemu_event = "RESUME" })
    local lost <close> = network:subscribe("disconnected")
    machine:restart({ kill = true })
    assert.equal("disconnected", lost:next(TIMEOUT).event)
    for _, subscription in ipairs({ lost, of_network, of_pool, of_devices, of_secrets, of_qemu }) do
      assert.equal("reconnected", subscription:next(TIMEOUT).event)
    end
    helper.await(function() return select(2, pcall(guest.is_active, guest)) == true end, "the guest")
    host:network_define_xml((NETWORK:gsub("<name>", "<uuid>" .. network.uuid .. "</uuid>%0")))
    pool:refresh()
    host:secret_define_xml(SECRET):undefine()
    guest:pause()
    guest:resume()
    assert.same({ "defined", "made" }, { of_network:next(TIMEOUT).type, network.name })
    assert.equal("made", of_pool:next(TIMEOUT).object)
    assert.same({ "defined", "undefined" }, { of_secrets:next(TIMEOUT).type, of_secrets:next(TIMEOUT).type })
    assert.equal("RESUME", of_qemu:next(TIMEOUT).qemu_event)
    for _, subscription in ipairs({ of_network, of_pool, of_secrets, of_qemu }) do
      assert.is_nil(subscription:next(0))
    end
  end)
end)
