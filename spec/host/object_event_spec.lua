-- Events of networks, pools and devices of the host, as libvirt's test driver sends them. Those of secrets and of QEMU's monitor, which it has not,
-- are in spec/real/object_event_spec.lua.

local guestlua = require("guestlua")
local helper = require("spec.support.helper")

local TIMEOUT = 120

local NETWORK = "<network><name>made</name></network>"
local POOL = "<pool type='dir'><name>made</name><target><path>/made</path></target></pool>"
local DEVICE = [[<device><parent>scsi_host1</parent><capability type='scsi_host'><capability type='fc_host'>
  <wwnn>2000000012341234</wwnn><wwpn>1000000012341234</wwpn></capability></capability></device>]]

-- The types of the next events, as "started stopped".
local function types(subscription, count)
  local list = {}
  for i = 1, count do
    list[i] = subscription:next(TIMEOUT).type
  end
  return table.concat(list, " ")
end

describe("Events of what is no guest", function()
  local host, network, pool
  helper.leaves_nothing(function()
    host = guestlua.open("test:///default")
    network, pool = host:network("default"), host:pool("default-pool")
  end, function()
    host:close()
  end)

  it("say what happened to which object, by its name, its type and its UUID", function()
    local events <close> = host:subscribe({ "network_lifecycle", "storage_pool_lifecycle", "storage_pool_refresh", "node_device_lifecycle" })
    network:destroy()
    network:create()
    pool:refresh()
    local device = host:node_device_create_xml(DEVICE)
    device:destroy()
    local function of_network(type)
      return { event = "network_lifecycle", object = "default", object_type = "network", uuid = network.uuid, type = type, detail = 0 }
    end
    assert.same(of_network("stopped"), events:next(TIMEOUT))
    assert.same(of_network("started"), events:next(TIMEOUT))
    assert.same({ event = "storage_pool_refresh", object = "default-pool", object_type = "pool", uuid = pool.uuid }, events:next(TIMEOUT))
    local function of_device(type)
      return { event = "node_device_lifecycle", object = device.name, object_type = "node device", type = type, detail = 0 }
    end
    assert.same(of_device("created"), events:next(TIMEOUT))
    assert.same(of_device("deleted"), events:next(TIMEOUT))
    assert.is_nil(events:next(0))
  end)

  it("follow an object from its definition to its end", function()
    local networks <close> = host:subscribe("network_lifecycle")
    local made = host:network_define_xml(NETWORK)
    made:create()
    made:destroy()
    made:undefine()
    assert.equal("defined started stopped undefined", types(networks, 4))
    local pools <close> = host:subscribe("storage_pool_lifecycle")
    local own = host:storage_pool_define_xml(POOL)
    own:build()
    own:create()
    own:destroy()
    own:delete()
    own:undefine()
    assert.equal("defined created started stopped deleted undefined", types(pools, 6))
  end)

  it("are those of the object, or of all of the host", function()
    local other = host:network_define_xml(NETWORK)
    local mine <close> = other:subscribe("network_lifecycle")
    local all <close> = host:subscribe("network_lifecycle")
    local of_pool <close> = pool:subscribe("storage_pool_lifecycle")
    local device, own = host:node_device("scsi_host1"), host:storage_pool_define_xml(POOL)
    local of_device <close> = device:subscribe({ "node_device_lifecycle", "node_device_update" })
    network:destroy()
    network:create()
    other:undefine()
    own:undefine()
    host:node_device_create_xml(DEVICE):destroy()
    assert.equal("stopped started undefined", types(all, 3))
    local event = mine:next(TIMEOUT)
    assert.same({ "made", "undefined" }, { event.object, event.type })
    local fence <close> = pool:subscribe("storage_pool_refresh")
    pool:refresh()
    fence:next(TIMEOUT)
    for _, subscription in ipairs({ mine, of_pool, of_device }) do
      assert.is_nil(subscription:next(0))
    end
  end)

  it("come with those of guests, in libvirt's order", function()
    local guest = host:guest("test")
    local events <close> = host:subscribe({ "lifecycle", "network_lifecycle" })
    for round = 1, 5 do
      network:destroy()
      guest:pause()
      network:create()
      guest:resume()
      assert.equal("stopped suspended started resumed", types(events, 4), "in round " .. round)
    end
  end)

  it("come in a loop, to a handler and to who waits", function()
    local seen, heard = {}, guestlua.signal()
    local handler <close> = network:on("network_lifecycle", function(event)
      seen[#seen + 1] = event.type
      heard:wake()
    end, { timeout = TIMEOUT })
    local waits = guestlua.spawn(pool.wait_event, pool, "storage_pool_refresh", { timeout = TIMEOUT })
    local next_event, state, control, subscription = network:events({ "network_lifecycle", timeout = TIMEOUT })
    local loop <close> = subscription
    network:destroy()
    helper.await(function() -- the task may not have subscribed yet
      pool:refresh()
      return waits:status() ~= "running"
    end, "the pool's event")
    network:create()
    assert.equal("stopped", next_event(state, control).type)
    assert.equal("storage_pool_refresh", waits:wait().event)
    helper.await(function() return #seen == 2 end, "the handler's events")
    assert.same({ "stopped", "started" }, seen)
    handler:close()
  end)

  it("that do not come in time are an error, which names the object", function()
    for object, expected in pairs({ [network] = { "network", "default" }, [pool] = { "pool", "default-pool" },
      [host:node_device("computer")] = { "node device", "computer" } }) do
      local e = helper.failure(object.wait_event, object, "disconnected", { timeout = 0.001 })
      assert.same({ "timeout", "wait_event", table.unpack(expected) }, { e.kind, e.op, e.object_type, e.object })
    end
  end)

  it("have the names that the answer to a wrong one lists", function()
    for object, pattern in pairs({
      [host] = "there are: lifecycle, .*network_lifecycle, .*storage_pool_lifecycle, storage_pool_refresh, node_device_lifecycle, "
        .. "node_device_update, secret_lifecycle, secret_value_changed, qemu_monitor, disconnected, reconnected%)$",
      [host:guest("test")] = "there are: lifecycle, .*memory_device_size_change, .*qemu_monitor, disconnected, reconnected%)$",
      [network] = "there are: network_lifecycle, .*disconnected, reconnected%)$",
      [pool] = "there are: storage_pool_lifecycle, storage_pool_refresh, disconnected, reconnected%)$",
      [host:node_device("computer")] = "there are: node_device_lifecycle, node_device_update, disconnected, reconnected%)$",
    }) do
      for method, argument in pairs({ subscribe = "events", events = "names", on = "names", wait_event = "names" }) do
        local e = helper.failure(object[method], object, { "nonesuch" }, method == "on" and print or nil)
        assert.same({ "bad_argument", argument, method }, { e.kind, e.argument, e.op })
        assert.matches(pattern, e.message)
      end
    end
    for _, names in ipairs({ {}, 0, 1 << 31 }) do
      local e = helper.failure(host.subscribe, host, names)
      assert.same({ "bad_argument", "events" }, { e.kind, e.argument })
    end
    local guest = host:guest("test")
    local e = helper.failure(guest.subscribe, guest, "network_lifecycle")
    assert.matches("no event 'network_lifecycle'", e.message)
  end)

  it("can be picked by QEMU's name for them only if they are its own", function()
    for method, arguments in pairs({ subscribe = {}, events = {}, wait_event = {}, on = { print } }) do
      arguments[#arguments + 1] = { qemu_event = "RESET" }
      local e = helper.failure(host[method], host, "lifecycle", table.unpack(arguments))
      assert.same({ "bad_argument", "qemu_event" }, { e.kind, e.argument })
    end
    local e = helper.failure(network.events, network, "network_lifecycle", { qemu_event = "RESET" })
    assert.same({ "bad_argument", "qemu_event" }, { e.kind, e.argument })
  end)

  it("that the driver does not have are an error, and nothing is left", function()
    for name, call in pairs({ secret_lifecycle = "virConnectSecretEventRegisterAny", qemu_monitor = "virConnectDomainQemuMonitorEventRegister" }) do
      for _, names in ipairs({ name, { "lifecycle", "network_lifecycle", name } }) do
        local e = helper.failure(host.subscribe, host, names)
        assert.same({ "no_support", call, "subscribe" }, { e.kind, e.call, e.op })
        assert.equal(0, guestlua.alive().subscriptions)
      end
    end
    local events <close> = host:subscribe("network_lifecycle")
    network:destroy()
    assert.equal("stopped", events:next(TIMEOUT).type)
  end)

  it("end with the connection", function()
    local waits = guestlua.spawn(network.wait_event, network, "network_lifecycle")
    local loop = guestlua.spawn(function()
      for _ in pool:events("storage_pool_refresh") do
        error("there was no such event")
      end
    end)
    helper.await(function() return guestlua.alive().subscriptions == 2 end, "the subscriptions")
    host:close()
    for _, task in ipairs({ waits, loop }) do
      assert.equal("closed", helper.failure(task.wait, task, { timeout = TIMEOUT }).kind)
    end
    assert.equal("closed", helper.failure(network.subscribe, network, "network_lifecycle").kind)
    host = guestlua.open("test:///default")
  end)
end)
