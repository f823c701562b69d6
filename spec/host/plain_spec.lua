-- What virsh has as one command with plain options, and libvirt as a call with XML or with arguments that are mostly nil.

local guestlua = require("guestlua")
local helper = require("spec.support.helper")

describe("Without XML", function()
  local host
  helper.leaves_nothing(function()
    host = guestlua.open("test:///default")
  end, function()
    host:close()
    host = nil
  end)

  local function dhcp_hosts(network)
    local list = {}
    for _, one in ipairs(guestlua.element(network:get_xml_desc()).ip.dhcp:children("host")) do
      list[#list + 1] = ("%s %s %s"):format(one.mac, one:attributes().name, one.ip)
    end
    return list
  end

  it("a network gives a machine an address, another one, and none", function()
    local network = host:network("default")
    local mac = "52:54:00:00:00:0a"
    assert.is_true(network:set_dhcp_host({ mac = mac, ip = "192.168.122.9" }))
    assert.is_false(network:set_dhcp_host({ mac = mac:upper(), ip = "192.168.122.9" }))
    assert.is_false(network:set_dhcp_host({ mac = "52:54:0:0:0:A", ip = "192.168.122.9" })) -- the same one, written otherwise
    assert.is_true(network:set_dhcp_host({ mac = mac, ip = "192.168.122.10", name = "web1", config = false }))
    assert.same({ mac .. " web1 192.168.122.10" }, dhcp_hosts(network))
    assert.is_true(network:set_dhcp_host({ name = "db1", ip = "192.168.122.11" }))
    assert.equal(2, #dhcp_hosts(network))
    assert.is_false(network:remove_dhcp_host({ ip = "192.168.122.12" }))
    assert.is_true(network:remove_dhcp_host({ ip = "192.168.122.11" }))
    assert.is_true(network:remove_dhcp_host({ mac = mac:upper() }))
    assert.is_false(network:remove_dhcp_host({ mac = mac }))
    assert.same({}, dhcp_hosts(network))
    for _, options in ipairs({ { ip = "192.168.122.9" }, { mac = mac }, { mac = mac, ip = "192.168.122.9", live = false, config = false } }) do
      assert.equal("bad_argument", helper.failure(network.set_dhcp_host, network, options).kind)
    end
    assert.equal("bad_argument", helper.failure(network.remove_dhcp_host, network, {}).kind)
    for _, word in ipairs({ "web1", "52-54-00-00-00-0a", "52:54:00:00:00", "52:54:00:00:00:0g", mac .. ":00", " " .. mac }) do
      assert.equal("mac", helper.failure(network.remove_dhcp_host, network, { mac = word }).argument)
    end
  end)

  it("a storage pool is defined or started, of any type", function()
    local pool = host:pool_define_as("shared",
      { type = "netfs", source_host = "nas", source_path = "/export", source_format = "nfs", target = "/srv/nas" })
    local xml = guestlua.element(pool:get_xml_desc())
    assert.same({ "netfs", "nas", "/export", "nfs", "/srv/nas" },
      { xml.type, xml.source.host.name, xml.source.dir.path, xml.source.format.type, xml.target.path[1] })
    assert.is_false(pool:is_active())
    local volumes = guestlua.element(host:pool_define_as("vg", { type = "logical", source_dev = "/dev/sdz", source_name = "vg", target = "/dev/vg" })
      :get_xml_desc()).source
    assert.same({ "/dev/sdz", "vg" }, { volumes.device.path, volumes:child("name")[1] })
    assert.is_true(host:pool_create_as("now", { target = "/var/tmp/now" }):is_active())
    local e = helper.failure(host.pool_define_as, host, "x", { type = "nfs" })
    assert.matches("'nfs' is none of: dir, ", e.message)
  end)

  it("a guest has snapshots and checkpoints with a description and with some disks", function()
    local guest = host:guest("test")
    local before = os.time()
    local taken = guest:snapshot_create_as("before", { description = "a <test>" })
    local info = taken:get_info()
    assert.is_true(before <= info.created and info.created <= os.time())
    info.created = nil
    assert.same({ state = "running", description = "a <test>", memory = "internal", external = false, disks = { vda = "internal" } }, info)
    local after = guest:snapshot_create_as("after")
    assert.equal("before", after:get_info().parent)
    after:delete()
    local snapshot = guestlua.element(taken:get_xml_desc())
    assert.same({ "before", "a <test>" }, { snapshot:child("name")[1], snapshot.description[1] })
    for _, wrong in ipairs({ { disks = { "vda" } }, { disks = { vda = true } }, { memory = "/m", disk_only = true } }) do
      assert.equal("bad_argument", helper.failure(guest.snapshot_create_as, guest, "x", wrong).kind)
    end
    guest:snapshot_lookup_by_name("before"):delete()
    local checkpoint = guestlua.element(guest:checkpoint_create_as("monday", { disks = { "vda" } }):get_xml_desc())
    assert.same({ "monday", "bitmap" }, { checkpoint:child("name")[1], checkpoint.disks.disk.checkpoint })
    for _, disks in ipairs({ {}, { 1 }, { vda = true } }) do
      assert.equal("bad_argument", helper.failure(guest.checkpoint_create_as, guest, "x", { disks = disks }).kind)
    end
  end)

  it("a processor is asked about by what guests run on", function()
    for _, cpus in ipairs({ {}, { 1 } }) do
      assert.equal("bad_argument", helper.failure(host.hypervisor_cpu_baseline, host, cpus).kind)
    end
    assert.equal("bad_argument", helper.failure(host.hypervisor_cpu_compare, host, "<cpu/>", { virttype = "" }).kind)
    -- The lines for virsh have more, on QEMU's driver.
    assert.equal("no_support", helper.failure(host.hypervisor_cpu_compare, host, "<cpu/>", { virttype = "qemu" }).kind)
  end)

  it("an image says which guests need it, by any of its names", function()
    local dir = helper.scratch()
    finally(function() os.execute("rm -r " .. helper.quoted(dir)) end)
    assert(os.execute(("cd %s && qemu-img create -q -f qcow2 base 1M && qemu-img create -q -f qcow2 -b base -F qcow2 top && cp base free"
      .. " && ln -s base link"):format(helper.quoted(dir))))
    local xml = "<domain type='test'><name>%s</name><memory>1024</memory><os><type>hvm</type></os><devices><disk type='file'><source file='%s/%s'/>"
      .. "<target dev='vda'/></disk></devices></domain>"
    host:define_xml(xml:format("on-top", dir, "top"))
    host:define_xml(xml:format("below", dir, "link"))
    local paths = {}
    for i, name in ipairs({ "base", "link", "top", "free", "none" }) do
      paths[i] = dir .. "/" .. name
    end
    local users = host:image_users(paths)
    local both = { "below", "on-top" }
    assert.same({ both, both, { "on-top" }, {}, {} },
      { users[paths[1]], users[paths[2]], users[paths[3]], users[paths[4]], users[paths[5]] })
    assert.same({}, host:image_users({}))
    for _, wrong in ipairs({ { "relative" }, { 1 }, { path = "/x" } }) do
      assert.equal("bad_argument", helper.failure(host.image_users, host, wrong).kind)
    end
  end)

  it("a value is JSON, without secrets", function()
    assert.equal('["a\\"b",1,true,{"password":"***"}]', guestlua.json({ 'a"b', 1, true, { password = "swordfish" } }))
    assert.equal("null", guestlua.json(nil))
    local numbers = { 0.1 + 0.2, 1 / 3, 2.0 ^ 53, 1e15 + 0.5, -1.7976931348623157e308, 5e-324, 0.25, -3.0, 1795909592.894215 }
    assert.same(numbers, require("dkjson").decode(guestlua.json(numbers)))
    assert.equal('[0.30000000000000004,0.25]', guestlua.json({ 0.1 + 0.2, 0.25 }))
    assert.matches('"kind":"no_domain"', guestlua.json(helper.failure(host.guest, host, "nonesuch", { required = true })), 1, true)
  end)
end)
