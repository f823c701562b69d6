-- The reference's members, one by one: that they are there with their arguments, and what they answer where the test driver can. What they ask
-- libvirt is in exact_calls_spec.lua.

local core = require("guestlua.core")
local define = require("guestlua.base.define")
local guestlua = require("guestlua")
local helper = require("spec.support.helper")

-- "name(arguments; options)". abort_job: the older reference has `async`, the newer `async_`, for Python's sake only.
local MEMBERS = {
  Guest = [[
    create(xml, host) launch(;pause) poweroff() shutdown() pause() resume() inject_nmi() save_memory_state() sync_guest_time()
    set_user_password(user, new_pass) freeze_filesystems() thaw_filesystems() is_active() has_persistent_configuration() get_info(host)
    get_power_state(host) get_vcpus_info() get_xml_desc(;dump_inactive, dump_sensitive, dump_migratable) get_config() get_interfaces()
    get_interface_by_cfg(cfg; from_persistent_config) get_interface_by_mac(mac) get_disk(device; from_persistent_config)
    get_all_disks(;from_persistent_config) get_all_devices(devtype; from_persistent_config)
    get_device_by_alias(devalias; devtype, from_persistent_config) attach_device(conf; persistent, live) detach_device(conf; persistent, live)
    detach_device_with_retry(get_device_conf_func, device, persistent, live; max_retry_count, inc_sleep_time, max_sleep_time)
    set_metadata(metadata; persistent, live) get_metadata(;persistent, live) snapshot(conf; no_metadata, disk_only, reuse_ext, quiesce)
    get_block_device(disk) delete_configuration(;support_uefi, keep_vtpm, keep_nvram) enable_hairpin()
    migrate(destination; migrate_uri, migrate_disks, destination_xml, flags, bandwidth, parallel) migrate_configure_max_downtime(mstime)
    migrate_start_postcopy() abort_job() get_job_info() announce_self()]],
  BlockDevice = [[
    abort_job(;async, pivot) get_job_info() copy(dest_xml; shallow, reuse_ext, transient) rebase(base; shallow, reuse_ext, copy, relative, copy_dev)
    commit(base, top; relative) resize(size) wait_for_job(;abort_on_error, wait_for_job_clean) is_job_complete() block_stats() blockStats()]],
}

local function parameters_of(owner, name)
  for _, row in ipairs(define.rows) do
    if row.owner == owner and row.name == name then
      return row.params or {}
    end
  end
  for _, class in ipairs(core.documentation().classes) do
    for _, method in ipairs(class.name == owner and class.methods or {}) do
      if method.name == name then
        return method.params
      end
    end
  end
end

local function keys(t)
  local list = {}
  for key in pairs(t) do
    list[#list + 1] = key
  end
  table.sort(list)
  return list
end

local function domain(name, devices)
  return ([[<domain type='test'><name>%s</name><maxMemory slots='2' unit='KiB'>8192</maxMemory><memory unit='KiB'>4096</memory><vcpu>2</vcpu>
    <cpu><numa><cell id='0' cpus='0-1' memory='1024' unit='KiB'/></numa></cpu><os><type>hvm</type></os><devices>%s</devices></domain>]]):format(
    name, devices or "")
end

describe("The reference's members are there:", function()
  for owner, members in pairs(MEMBERS) do
    for name, arguments, options in members:gmatch("(%w[%w_]*)%(([^;)]*);?([^)]*)%)") do
      it(("%s.%s(%s)"):format(owner, name, arguments .. options), function()
        assert.is_function(guestlua[owner][name])
        local params, position = parameters_of(owner, name), 0
        assert.is_table(params, "no documentation")
        local known = {}
        for _, param in ipairs(params) do
          known[param.name] = param.positional and "argument" or "option"
        end
        for argument in arguments:gmatch("[%w_]+") do
          position = position + 1
          assert.equal(argument, params[position].name)
          assert.equal("argument", known[argument], argument)
        end
        for option in options:gmatch("[%w_]+") do
          assert.equal("option", known[option], option)
        end
        assert.is_not.equal("argument", params[position + 1] and known[params[position + 1].name]) -- nor are there more
      end)
    end
  end
end)

describe("Guest, as the reference has it,", function()
  local host, made
  helper.leaves_nothing(function()
    host, made = guestlua.open("test:///default"), 0
  end, function()
    for _, guest in ipairs(host:guests({ active = false })) do
      guest:delete_configuration()
    end
    host:close()
  end)

  local function define_guest(devices)
    made = made + 1
    return guestlua.Guest.create(domain("m" .. made, devices), host)
  end

  it("has id, uuid, name and all three in its text", function()
    for _, guest in ipairs({ host:guest("test"), (define_guest()) }) do
      assert.equal(("<Guest %d %s %s>"):format(guest.id, guest.name, guest.uuid), tostring(guest))
    end
  end)

  it("answers on the test driver as there", function()
    local test = host:guest("test")
    local none = "no_support" -- 3
    for _, case in ipairs({
      { "detach_device", none, "<disk/>" }, { "abort_job", none }, { "announce_self", none },
      { "migrate_configure_max_downtime", none, 1 }, { "migrate_start_postcopy", none },
      { "launch", "internal_error" }, { "resume", "internal_error" },
      { "migrate", "argument_unsupported", "test:///default", { flags = 3 } },
      { "snapshot", "invalid_arg", "<domainsnapshot/>", { no_metadata = true } },
      { "snapshot", "invalid_arg", "<domainsnapshot/>", { disk_only = true } },
      { "snapshot", "invalid_arg", "<domainsnapshot/>", { reuse_ext = true } },
    }) do
      assert.equal(case[2], helper.failure(test[case[1]], test, table.unpack(case, 3)).kind, case[1])
    end
    -- Newer test drivers attach devices, and look for the disk's target first.
    local attached = helper.failure(test.attach_device, test, "<disk/>").kind
    assert.is_true(attached == none or attached == "no_target", attached)
    local disk = test:get_block_device("vda")
    for _, name in ipairs({ "abort_job", "get_job_info", "rebase", "commit", "is_job_complete", "wait_for_job" }) do
      assert.equal(none, helper.failure(disk[name], disk).kind, name)
    end
    assert.equal(none, helper.failure(disk.copy, disk, "<disk/>").kind)
    assert.equal(none, helper.failure(disk.resize, disk, 1).kind)

    local off = define_guest("<disk type='file'><source file='/a'/><target dev='vda'/></disk>")
    assert.equal("operation_invalid", helper.failure(off.poweroff, off).kind)
    assert.equal("operation_invalid", helper.failure(off.get_vcpus_info(off)).kind)
    assert.equal("invalid_arg", helper.failure(off.launch, off, { pause = true }).kind)
    assert.equal(0, off:launch())
    assert.equal(5, select("#", off:get_block_device("vda"):blockStats()))
    for _, name in ipairs({ "pause", "resume", "inject_nmi", "freeze_filesystems", "thaw_filesystems" }) do
      assert.equal(0, select("#", off[name](off)), name)
    end
    assert.equal(0, select("#", off:set_user_password("user", "planted-by-matrix")))
    assert.equal(0, select("#", off:set_metadata("<x/>", { live = true })))
    assert.is_true(off:sync_guest_time())
    off:save_memory_state()
    assert.is_false(off:is_active())
  end)

  it("is known by its UUID when it is gone, and by nothing else", function()
    local guest = define_guest()
    local uuid = guest.uuid
    guest:delete_configuration()
    assert.equal(uuid, guest.uuid)
    for _, name in ipairs({ "get_info", "get_power_state", "is_active", "delete_configuration", "get_xml_desc", "get_config" }) do
      local e = helper.failure(guest[name], guest)
      assert.same({ "no_domain", 42 }, { e.kind, e.code }, name)
    end
  end)

  it("maps libvirt's states to the reference's", function()
    local guest = define_guest()
    assert.equal(4, guest:get_power_state()) -- shutoff is reported as SHUTDOWN
    guest:launch()
    assert.equal(1, guest:get_power_state(host))
    guest:pause()
    assert.equal(3, guest:get_info(host).state)
    assert.equal(guest.id, guest:get_info().internal_id)
    guest:poweroff()
  end)

  it("iterates over its processors", function()
    local seen = {}
    for vcpu in host:guest("test"):get_vcpus_info() do
      assert.same({ "cpu", "id", "state", "time", "vcpu_state" }, keys(vcpu))
      seen[#seen + 1] = vcpu.id
    end
    assert.same({ 0, 1 }, seen)
  end)

  it("finds a disk by its target, and then by its source's file, and by nothing else", function()
    local guest = define_guest([[
      <disk type='file'><source file='vdb'/><target dev='vda'/></disk>
      <disk type='file'><source file="/it's"/><target dev='vdb'/>
        <backingStore type='file'><format type='raw'/><source file='/base'/></backingStore></disk>
      <disk type='block'><source dev='/dev/c'/><target dev='vdc'/></disk>
      <disk type='file'><source file="/it's"/><target dev='vdd'/></disk>]])
    for device, target in pairs({ vda = "vda", vdb = "vdb", vdc = "vdc", ["/it's"] = "vdb" }) do
      assert.equal(target, guest:get_disk(device).target.dev, device)
      assert.equal(target, guest:get_disk(device, { from_persistent_config = true }).target.dev, device)
    end
    for _, device in ipairs({ "/base", "/dev/c", "vde", "'", "\"", "' or '1'='1", "", "VDA" }) do
      assert.is_nil(guest:get_disk(device), device)
    end
    assert.equal(4, #guest:get_all_disks())
  end)

  local DEVICES = [[
    <disk type='file'><source file='/a'/><target dev='vda'/><alias name='ua-a'/></disk>
    <disk type='file'><source file='/b'/><target dev='vdb'/></disk>
    <filesystem type='mount'><source dir='/a'/><target dir='b'/></filesystem>
    <interface type='bridge'><mac address='52:54:00:00:00:01'/><source bridge='br0'/><target dev='tap1'/><alias name='ua-nic'/></interface>
    <hostdev mode='subsystem' type='pci' managed='yes'><source><address domain='0' bus='0x81' slot='0' function='1'/></source></hostdev>
    <hostdev mode='subsystem' type='mdev' model='vfio-pci'><source><address uuid='c2177883-f1bb-47f0-914d-32a22e3a8804'/></source></hostdev>
    <hostdev mode='subsystem' type='usb'><source><vendor id='0x1234'/><product id='0xbeef'/></source></hostdev>
    <memory model='dimm'><target><size unit='KiB'>1024</size><node>0</node></target></memory>
    <memory model='nvdimm'><source><path>/n</path></source><target><size unit='KiB'>1024</size><node>0</node></target></memory>
    <iommu model='intel'/><watchdog model='i6300esb' action='reset'/>]]

  it("lists its devices, by element and by class", function()
    local guest = define_guest(DEVICES)
    local function tags(...)
      local list = {}
      for i, element in ipairs(guest:get_all_devices(...)) do
        list[i] = element:tag() .. (element:attribute("model") or "")
      end
      return table.concat(list, " ")
    end
    local prefix = "LibvirtConfigGuest"
    for filter, expected in pairs({
      disk = "disk disk", interface = "interface", hostdev = "hostdev hostdevvfio-pci hostdev", watchdog = "watchdogi6300esb",
      memory = "memorydimm memorynvdimm", video = "", [prefix .. "Disk"] = "disk disk", [prefix .. "Interface"] = "interface",
      [prefix .. "HostdevPCI"] = "hostdev", [prefix .. "HostdevMDEV"] = "hostdevvfio-pci", [prefix .. "Hostdev"] = "hostdev hostdevvfio-pci",
      [prefix .. "Filesys"] = "filesystem", [prefix .. "VPMEM"] = "memorynvdimm", [prefix .. "IOMMU"] = "iommuintel",
      [prefix .. "Device"] = "disk disk filesystem interface hostdev hostdevvfio-pci memorynvdimm iommuintel",
    }) do
      assert.equal(expected, tags(filter), filter)
      assert.equal(expected, tags(filter, { from_persistent_config = true }), filter)
    end
    assert.equal(#guestlua.element(guest:get_xml_desc()).devices:children(), #guest:get_all_devices())
    assert.matches("^disk disk .*watchdogi6300esb", tags())
    assert.equal(2, #guest:get_all_disks())
  end)

  it("finds devices by alias, and interfaces by MAC address", function()
    local guest = define_guest(DEVICES)
    assert.equal("vda", guest:get_device_by_alias("ua-a").target.dev)
    assert.equal("vda", guest:get_device_by_alias("ua-a", { devtype = "LibvirtConfigGuestDisk", from_persistent_config = true }).target.dev)
    assert.equal("interface", guest:get_device_by_alias("ua-nic"):tag())
    assert.is_nil(guest:get_device_by_alias("ua-nic", { devtype = "disk" }))
    assert.is_nil(guest:get_device_by_alias("nope"))
    assert.equal("br0", guest:get_interface_by_mac("52:54:00:00:00:01").source.bridge)
    assert.is_nil(guest:get_interface_by_mac("52:54:00:00:00:02"))
    assert.is_nil(guest:get_interface_by_mac(""))
    assert.is_nil(guest:get_interface_by_mac())
    assert.same({ "tap1" }, guest:get_interfaces())
    assert.same({}, define_guest():get_interfaces())
    assert.equal("m1", guest:get_config().name[1])
  end)

  it("finds an interface by its configuration, by the reference's rules of equality", function()
    local function nic(kind, mac, source, target)
      return ("<interface type='%s'><mac address='52:54:00:00:00:%s'/><model type='virtio'/><source %s/>%s</interface>"):format(
        kind, mac, source, target and ("<target dev='%s'/>"):format(target) or "")
    end
    local vhost = "type='unix' path='/%s' mode='%s'"
    local guest = define_guest(nic("bridge", "0a", "bridge='br0'", "tap0") .. nic("bridge", "0a", "bridge='br1'", "tap1")
      .. nic("vhostuser", "0b", vhost:format("s", "client"), "vh0") .. nic("direct", "0c", "dev='eth0' mode='bridge'", "mac0"))
    for _, case in ipairs({
      { "tap1", nic("bridge", "0a", "bridge='br1'", "tap1") },
      { "tap1", nic("bridge", "0a", "bridge='br1'") }, -- a target that is not asked for is forgiven
      { "tap1", nic("bridge", "0a", "bridge='br1'", "") },
      { nil, nic("bridge", "0a", "bridge='br1'", "tap0") },
      { "tap1", nic("bridge", "0A", "bridge='br1'") }, -- libvirt writes it in lower case
      { nil, nic("bridge", "0a", "bridge='br2'") },
      { nil, nic("ethernet", "0a", "bridge='br1'") },
      { "vh0", nic("vhostuser", "0b", vhost:format("s", "client"), "other") },
      { "vh0", nic("vhostuser", "0b", vhost:format("s", "server")) },
      { nil, nic("vhostuser", "0b", vhost:format("t", "client")) },
      { "mac0", nic("direct", "0c", "dev='eth0' mode='private'") },
      { nil, nic("direct", "0c", "dev='eth1' mode='bridge'") },
    }) do
      for _, cfg in ipairs({ case[2], guestlua.element(case[2]) }) do
        local found = guest:get_interface_by_cfg(cfg) or { target = {} }
        assert.equal(case[1], found.target.dev, case[2])
      end
    end
    assert.equal("tap0", guest:get_interface_by_cfg(nic("bridge", "0a", "bridge='br0'"), { from_persistent_config = true }).target.dev)
    assert.is_nil(guest:get_interface_by_cfg(nil))
    assert.is_nil(define_guest():get_interface_by_cfg(nic("bridge", "0a", "bridge='br0'")))
  end)

  it("finds a PCI device by its address, as numbers", function()
    local guest = define_guest(DEVICES)
    local function pci(kind, ...)
      return ("<hostdev type='%s'><source><address domain='%s' bus='%s' slot='%s' function='%s'/></source></hostdev>"):format(kind, ...)
    end
    assert.equal("0x81", guest:get_interface_by_cfg(pci("pci", "0x0000", "0x81", "0x00", "0x1")).source.address.bus)
    assert.equal("0x81", guest:get_interface_by_cfg(pci("pci", "0000", "81", "00", "1")).source.address.bus)
    assert.is_nil(guest:get_interface_by_cfg(pci("pci", "0", "81", "0", "2")))
    assert.equal("0x81", guest:get_interface_by_cfg(pci("pci", "0", "129", "0", "1")).source.address.bus) -- as libvirt reads it
    assert.is_nil(guest:get_interface_by_cfg(pci("pci", "0", "130", "0", "1")))
    assert.is_nil(guest:get_interface_by_cfg(pci("pci", "", "81", "0", "1")))
    assert.is_nil(guest:get_interface_by_cfg("<hostdev type='pci'/>"))
  end)
end)

describe("Records, as the reference has them,", function()
  local tiny = require("spec.support.tiny")
  helper.leaves_nothing()

  -- QEMU, not booted: its processors stay paused.
  it("have all fields", function()
    local machine <close> = tiny.boot({ launch = false })
    local fields = { type = 3, job_type = "completed" } -- the guest does not run
    for name in ([[time_elapsed time_remaining downtime setup_time data_total data_processed data_remaining memory_total memory_processed
      memory_remaining memory_iteration memory_constant memory_normal memory_normal_bytes memory_bps disk_total disk_processed disk_remaining
      disk_bps comp_cache comp_bytes comp_pages comp_cache_misses comp_overflow]]):gmatch("[%w_]+") do
      fields[name] = 0
    end
    assert.same(fields, machine.guest:get_job_info())
    machine.guest:launch({ pause = true })
    fields.type, fields.job_type = 0, "none"
    assert.same(fields, machine.guest:get_job_info())

    local disk = machine.guest:get_block_device("vda")
    assert.is_nil(disk:get_job_info())
    assert.is_true(disk:is_job_complete())
    disk:copy(("<disk type='file'><source file='%s/copy'/><driver type='qcow2'/></disk>"):format(machine.dir), { transient = true })
    local info = disk:get_job_info()
    assert.same({ "bandwidth", "cur", "end", "end_", "job", "job_type" }, keys(info))
    assert.same({ 2, "copy" }, { info.job, info.job_type })
    disk:abort_job()
    assert.is_nil(disk:get_job_info())
  end)
end)
