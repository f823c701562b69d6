-- What is not there has one kind for each class of things, whatever code libvirt picks, and whoever looks. What a hint says is about what failed.

local guestlua = require("guestlua")
local helper = require("spec.support.helper")

local NO_DISK = "<disk type='file' device='disk'><source file='/a'/><target dev='vdz' bus='virtio'/></disk>"
-- Not in the guest, for each class that libvirt detaches.
local DEVICES = {
  NO_DISK,
  "<interface type='user'><mac address='52:54:00:00:00:77'/></interface>",
  "<rng model='virtio'><backend model='random'>/dev/urandom</backend></rng>",
  "<controller type='scsi' index='4'/>",
  "<input type='tablet' bus='usb'/>",
  "<watchdog model='i6300esb'/>",
  "<channel type='unix'><target type='virtio' name='x'/></channel>",
  "<memory model='dimm'><target><size>131072</size><node>0</node></target></memory>",
  "<shmem name='s'/>",
  "<redirdev bus='usb' type='pty'/>",
  "<vsock model='virtio'><cid auto='yes'/></vsock>",
  "<hostdev mode='subsystem' type='pci'><source><address bus='0x81' slot='0'/></source></hostdev>",
  "<hostdev mode='subsystem' type='usb'><source><vendor id='1'/><product id='2'/></source></hostdev>",
  "<hostdev mode='subsystem' type='mdev' model='vfio-pci'><source><address uuid='4b20d080-1b54-4048-85b3-a6a62d165c01'/></source></hostdev>",
  "<filesystem><source dir='/a'/><target dir='t'/></filesystem>",
  "<lease><lockspace>a</lockspace><key>k</key><target path='/x'/></lease>",
  "<serial type='pty'><target port='3'/></serial>",
}
local BLOCK_CALLS = {
  "commit", "rebase", "abort_job", "get_job_info", "is_job_complete", "wait_for_job", "block_stats", "get_block_info", "await_job",
}

local function shown(e)
  return ("%s: %s"):format(e.kind, e.message)
end

describe("What is not there", function()
  local host, guest
  helper.leaves_nothing(function()
    host = guestlua.open("test:///default")
    guest = host:guest("test", { required = true })
  end, function()
    host:close()
  end)

  it("is nil, or an error of its class if it is required", function()
    local interface = [[<domain type='test'><name>two</name><memory>1024</memory><os><type>hvm</type></os><devices>
      <interface type='bridge'><mac address='52:54:00:ab:cd:01'/><source bridge='a'/></interface>
      <interface type='bridge'><mac address='52:54:00:ab:cd:01'/><source bridge='b'/></interface>
      <interface type='bridge'><mac address='52:54:00:0b:cd:02'/><source bridge='c'/></interface></devices></domain>]]
    local two = guestlua.Guest.create(interface, host)
    for _, row in ipairs({
      { function(o) return host:guest("none", o) end, "no_domain", "there is no guest 'none'", "host:guests%(%)" },
      { function(o) return guest:get_disk("vdz", o) end, "device_not_found", "the guest has no disk 'vdz'", "get_all_disks" },
      { function(o) return guest:get_device_by_alias("ua-x", o) end, "device_not_found", "no device of the alias 'ua%-x'", "get_all_devices" },
      { function(o) return guest:get_interface_by_cfg("<interface type='bridge'><mac address='52:54:00:00:00:77'/></interface>", o) end,
        "device_not_found", "no device <interface> 52:54:00:00:00:77", "get_all_devices" },
      { function(o) return guest:get_interface_by_mac("52:54:00:00:00:77", o) end, "device_not_found", "no interface '52:54", "get_all_devices" },
    }) do
      assert.is_nil(row[1]())
      local e = helper.failure(row[1], { required = true })
      assert.equal(row[2], e.kind)
      assert.matches(row[3], e.message)
      assert.matches(row[4], e.hint)
    end
    assert.equal("c", two:get_interface_by_mac("52:54:00:0B:CD:02", { required = true }).source.bridge)
    assert.equal("c", two:get_interface_by_mac("52:54:0:b:cd:2").source.bridge)
    assert.is_nil(two:get_interface_by_mac("52:54:00:0b:cd:02:03"))
    local e = helper.failure(two.get_interface_by_mac, two, "52:54:00:AB:CD:01")
    assert.same({ "device_ambiguous", { "<interface> testnet0 a", "<interface> testnet1 b" } }, { e.kind, e.candidates })
    assert.matches("2 interfaces of the guest have this MAC address: <interface> testnet0 a; <interface> testnet1 b", e.message)
    two:delete_configuration()
  end)

  it("is no guest any more, of a guest that was undefined", function()
    local gone = guestlua.Guest.create("<domain type='test'><name>gone</name><memory>1024</memory><os><type>hvm</type></os></domain>", host)
    gone:delete_configuration()
    for _, call in ipairs({
      function() gone:launch() end, function() gone:get_info() end, function() gone:get_block_device("vda"):block_stats() end,
      function() guestlua.workflow.ensure_running(gone) end, function() gone:get_disk("vda") end,
    }) do
      local e = helper.failure(call)
      assert.equal("no_domain", e.kind)
      assert.matches("undefined meanwhile", e.hint)
    end
  end)

  it("is a disk, for calls on disks", function()
    local disk = guest:get_block_device("vdz")
    for _, name in ipairs({ "block_stats", "get_block_info" }) do
      local e = helper.failure(disk[name], disk)
      assert.same({ "device_not_found", "disk", "vdz", 8 }, { e.kind, e.device_type, e.device, e.code }, shown(e))
      assert.matches("get_all_disks", e.hint)
    end
  end)

  it("is a disk or an interface, for libvirt's own calls", function()
    local domain = guest.domain
    for name, arguments in pairs({ block_stats = { "vdz" }, get_block_io_tune = { "vdz" }, set_block_io_tune = { "vdz", { total_iops_sec = 1 } },
      interface_stats = { "vnet9" }, get_interface_parameters = { "vnet9" } }) do
      local e = helper.failure(domain[name], domain, table.unpack(arguments))
      assert.equal("device_not_found", e.kind, shown(e))
      assert.matches("get_all_devices", e.hint)
    end
  end)
end)

describe("A hint", function()
  helper.leaves_nothing()

  it("is about what failed", function()
    local function hint(fields)
      return guestlua.Error.new(fields).hint
    end
    local kinds = { "argument_unsupported", "operation_timeout", "no_domain", "device_not_found", "block_copy_active" }
    for _, kind in ipairs(kinds) do
      local of_guest, of_disk = hint({ kind = kind, guest = "g" }), hint({ kind = kind, guest = "g", device = "vda", device_type = "disk" })
      assert.is_truthy(of_guest, kind)
      assert.is_truthy(of_disk, kind)
      assert.equal(kind == "no_domain", of_guest == of_disk, kind)
      assert.is_nil(hint({ kind = kind }), kind) -- about nothing that is known
    end
    assert.is_nil(hint({ kind = "operation_invalid", guest = "g" })) -- libvirt says by it all that it refuses: what helps, its text says
    assert.is_nil((hint({ kind = "argument_unsupported", device_type = "disk" }):find("agent", 1, true)))
    assert.equal("mine", hint({ kind = "no_domain", guest = "g", hint = "mine" }))
    local host <close> = guestlua.open("test:///default")
    assert.matches("is <name>", helper.failure(host.write_instance_config, host, "<domain/>").hint)
  end)
end)

describe("What is not in a real guest", function()
  local machine = helper.machine()
  helper.leaves_nothing()

  for _, xml in ipairs(DEVICES) do
    it("is a device that is not found: " .. xml:sub(1, 40), function()
      for _, place in ipairs({ { live = true }, { persistent = true } }) do
        local e = helper.failure(machine.guest.detach_device, machine.guest, xml, place)
        assert.equal("device_not_found", e.kind, shown(e))
        assert.matches("get_all_devices", e.hint)
      end
      local e = helper.failure(guestlua.workflow.detach_with_retry, machine.guest, xml)
      assert.equal("device_not_found", e.kind, shown(e))
    end)
  end

  it("is a disk that is not found, by every call on it", function()
    local disk = machine.guest:get_block_device("vdz")
    for _, name in ipairs(BLOCK_CALLS) do
      local e = helper.failure(disk[name], disk)
      assert.same({ "device_not_found", "disk", "vdz" }, { e.kind, e.device_type, e.device }, name .. " " .. shown(e))
      assert.matches("get_all_disks", e.hint)
    end
    assert.equal("device_not_found", helper.failure(disk.resize, disk, 1 << 20).kind)
    assert.equal("device_not_found", helper.failure(disk.copy, disk, "<disk type='file'><source file='/x'/></disk>").kind)
    -- an image that is not there is no disk that is not there
    local vda = machine.guest:get_block_device("vda")
    assert.equal("invalid_arg", helper.failure(vda.commit, vda, "/none").kind)
  end)
end)
