-- The classes besides Host, Guest and BlockDevice, on the test driver.

local guestlua = require("guestlua")
local helper = require("spec.support.helper")
local objects = require("spec.support.objects")

describe("libvirt's objects", function()
  local host, made
  helper.leaves_nothing(function()
    host = guestlua.open("test:///default")
    made = objects.make(host)
  end, function()
    host:close()
    host, made = nil, nil
  end)

  it("are found by name and by UUID, and nil if there is none", function()
    local network = host:network("default")
    assert.equal("default", network.name)
    assert.equal(network.name, host:network(network.uuid).name)
    assert.equal("default-pool", host:pool("default-pool").name)
    for _, lookup in ipairs({ "network", "pool", "node_device", "interface", "volume" }) do
      assert.is_nil(host[lookup](host, "/nonesuch"))
    end
    local e = helper.failure(host.network, host, "nonesuch", { required = true })
    assert.equal("no_network", e.kind)
  end)

  it("are listed, by what they are", function()
    assert.equal(1, #host:networks({ active = true }))
    assert.equal(0, #host:networks({ active = false }))
    assert.equal(1, #host:pools({ active = true }))
    made.Network:destroy()
    assert.equal(1, #host:networks({ active = false }))
    assert.is_true(#host:node_devices() > 0)
    assert.equal(1, #host:interfaces())
    assert.equal("made", made.StoragePool:volumes()[1].name)
  end)

  it("know what they were found on", function()
    assert.equal(made.Guest, made.Snapshot.guest)
    assert.equal(made.StoragePool, made.StorageVol.pool)
    assert.equal(host, made.Snapshot.host)
    assert.equal(host, made.Domain.host)
    assert.equal("<Snapshot made>", tostring(made.Snapshot))
  end)

  it("raise errors that name them", function()
    local e = helper.failure(made.Network.create, made.Network)
    assert.same({ "operation_invalid", "network", "default" }, { e.kind, e.object_type, e.object })
    assert.is_nil(e.guest)
    assert.matches("network 'default': create: ", tostring(e))
    assert.not_matches("guest:", e.hint)
    made.Snapshot:delete()
    e = helper.failure(made.Snapshot.get_xml_desc, made.Snapshot)
    assert.same({ "no_domain_snapshot", "snapshot", "made", "test" }, { e.kind, e.object_type, e.object, e.guest })
    assert.matches("snapshot 'made' of guest 'test': ", tostring(e))
  end)

  it("are of no use once they or their Host are closed, and closing twice is harmless", function()
    local network = host:network("default")
    network:close()
    network:close()
    assert.equal("closed", helper.failure(network.is_active, network).kind)
    assert.equal("<Network (closed)>", tostring(network))
    do
      local pool <close> = host:pool("default-pool")
      network = pool
    end
    assert.equal("closed", helper.failure(network.is_active, network).kind)
    host:close()
    for _, class in ipairs({ "Network", "StoragePool", "StorageVol", "Snapshot", "Checkpoint", "NodeDevice", "Interface", "Domain" }) do
      assert.equal("closed", helper.failure(function() return made[class].name end).kind, class)
    end
  end)

  it("are collected", function()
    for _ = 1, 100 do
      host:network("default")
      host:pool("default-pool"):volumes()
    end
    collectgarbage()
    collectgarbage()
    assert.is_true(guestlua.alive().objects < 20, guestlua.alive().objects)
  end)

  it("are found again when the connection is opened again", function()
    local keeps = guestlua.open("test:///default") -- the driver's state is that of its connections
    host:reconnect()
    assert.is_true(made.Network:is_active())
    assert.equal("made", made.StorageVol.name)
    assert.is_true(made.Snapshot:is_current())
    made.StorageVol:delete()
    host:reconnect()
    assert.equal("no_storage_vol", helper.failure(made.StorageVol.get_path, made.StorageVol).kind)
    assert.equal("made", made.StorageVol.name)
    keeps:close()
  end)

  it("take flags as options, enumerations as words, and typed parameters as tables", function()
    local guest = made.Guest
    guest:set_vcpus(1, { live = true })
    assert.equal(1, guest.domain:get_vcpus({ live = true }))
    assert.equal("running", guest.domain:get_info().state)
    assert.equal("running", made.StoragePool:get_info().state)
    assert.equal("file", made.StorageVol:get_info().type)
    assert.is_number(guest:get_scheduler_parameters().weight)
    guest:set_scheduler_parameters({ weight = 10 })
    assert.matches("no parameter 'wight'; there are: cap, ", helper.failure(guest.set_scheduler_parameters, guest, { wight = 10 }).message)
    assert.matches("weight: integer expected", helper.failure(guest.set_scheduler_parameters, guest, { weight = "10" }).message)
    assert.matches("weight: out of range", helper.failure(guest.set_scheduler_parameters, guest, { weight = -1 }).message)
    assert.matches("is maximum meant", helper.failure(guest.domain.get_vcpus, guest.domain, { maximun = true }).message)
  end)

  it("a Guest has the methods of its Domain, and its own come first", function()
    local guest = made.Guest
    assert.equal(guest.domain.reboot, guest.reboot)
    assert.not_equal(guest.domain.get_info, guest.get_info)
    guest:set_autostart(true)
    assert.is_true(guest:get_autostart())
    assert.matches("is set_memory meant", helper.failure(function() return guest.set_memori end).message)
    local domain = guest.domain
    guest:close()
    assert.equal("closed", helper.failure(domain.is_active, domain).kind)
  end)

  it("have volumes that are made, cloned, and stand on others", function()
    local pool = made.StoragePool
    local base = pool:create_volume({ name = "base", capacity = 1 << 20, format = "qcow2" })
    local overlay = pool:create_volume({ name = "overlay", capacity = 1 << 20, format = "qcow2", backing = base, backing_format = "qcow2" })
    assert.equal(base:get_path(), guestlua.element(overlay:get_xml_desc()).backingStore.path[1])
    assert.equal(1 << 20, base:clone("copy"):get_info().capacity)
    assert.equal("copy", pool:volume("copy").name)
    assert.equal("bad_argument", helper.failure(pool.create_volume, pool, { name = "x", capacity = 1, backing = base }).kind)
    assert.equal("bad_argument", helper.failure(pool.create_volume, pool, { capacity = 1 }).kind)
    assert.equal("bad_argument", helper.failure(pool.create_xml_from, pool, "<volume/>", pool).kind)
  end)

  it("have snapshots that are listed, reverted to and deleted", function()
    local guest = made.Guest
    local second = guest:snapshot_create_xml("<domainsnapshot><name>second</name></domainsnapshot>")
    assert.equal(2, #guest:snapshots())
    assert.equal("made", second:get_parent().name)
    assert.equal("second", made.Snapshot:children()[1].name)
    assert.is_nil(made.Snapshot:get_parent())
    guest:poweroff()
    made.Snapshot:revert({ running = true })
    assert.is_true(guest:is_active())
    assert.equal("made", guest:snapshot_current().name)
    made.Snapshot:delete({ children = true })
    assert.same({}, guest:snapshots())
    assert.is_nil(guest:snapshot_current())
  end)

  it("say how they do", function()
    assert.equal(1, host:stats().test["state.state"])
    assert.equal(1, made.Guest:stats({ types = "state" })["state.state"])
    for _, row in ipairs(host:get_all_domain_stats({ active = true })) do
      assert.equal(row.guest.name == "test" or row.guest.name == "checkpointed", true)
    end
    made.Guest:pin(0, { 0, 2 })
    assert.same({ 0, 2 }, made.Guest:get_vcpu_pin_info()[1])
    assert.equal("192.168.122.3", made.Guest:interface_addresses()[1].addrs[1].addr)
    assert.equal("/", made.Guest:get_fs_info()[1].mountpoint)
    assert.is_number(made.Guest:memory_stats().rss)
    made.Guest:send_key({ 29, 56, 111 })
    assert.matches(">i686<", tostring(host:capabilities().host.cpu.arch))
    assert.same({ 0, 2, 4 }, (host:get_cpu_map()))
  end)

  it("are rights of a sandbox's allow list, each method one", function()
    local code, out = helper.run(("timeout -s KILL 60 %s -"):format(helper.interpreter), [[
      require("guestlua.sandbox").configure({ allow = { "guestlua.open", "Host.network_lookup_by_name", "Network.is_active" } })
      local network = guestlua.open("test:///default"):network_lookup_by_name("default")
      local ok, e = pcall(network.destroy, network)
      print(ok, e.kind, network:is_active())
    ]])
    assert.same({ 0, "false\tnot_allowed\ttrue\n" }, { code, out })
  end)
end)
