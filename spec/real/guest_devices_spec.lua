-- A device is the same device however libvirt rewrites it.
--
-- Seen: an <interface type='network'> is shown as the bridge that it became, a MAC address in lower case, an address that libvirt chose is there. A
-- device that was looked for by comparing XML was then not found: attach_with_retry said "the guest does not have it" while it had,
-- ensure_detached left it, and the first of two that fitted was taken.

local guestlua = require("guestlua")
local helper = require("spec.support.helper")
local devices = require("guestlua.guest.devices")

local workflow = guestlua.workflow

local function elements(list)
  local result = {}
  for i, xml in ipairs(list) do
    result[i] = guestlua.element(xml)
  end
  return result
end

-- ---- comparing them: each row is what the guest has, what is wanted, and the numbers of those that fit ----

local function pci(attributes, more)
  return ("<hostdev mode='subsystem' type='pci'><source><address %s/></source>%s</hostdev>"):format(attributes, more or "")
end
local function usb(source)
  return ("<hostdev type='usb'><source>%s</source></hostdev>"):format(source)
end
local function nic(more, kind)
  return ("<interface type='%s'>%s</interface>"):format(kind or "bridge", more)
end
local function disk(source, target, kind)
  return ("<disk type='%s' device='disk'>%s<target dev='%s' bus='virtio'/></disk>"):format(kind or "file", source, target)
end

local MAC = "<mac address='52:54:00:ab:cd:01'/>"
local AT = "<address type='pci' domain='0x0000' bus='0x%02x' slot='0x00' function='0x0'/>"
local NETWORK = MAC .. "<source network='n' portid='b89b423f-bc43-4bdb-9c2e-d885e538e22b' bridge='br0'/><target dev='vnet0'/><alias name='net0'/>"
local RNG = "<rng model='virtio'><backend model='random'>/dev/urandom</backend>%s</rng>"
local NBD = "<source protocol='nbd' name='x'><host name='h' port='10809'/></source>"
local FILES = "<filesystem><source dir='/a'/><target dir='%s'/></filesystem>"
local CHANNEL = "<channel type='null'><target type='virtio' name='%s'/></channel>"
local CHAIN = "<source file='/top'/><backingStore type='file'><source file='/base'/></backingStore>"

local ROWS = {
  -- interfaces
  { "a network that became a bridge", { nic(NETWORK) }, nic(MAC .. "<source network='n'/>", "network"), 1 },
  { "a network that NAT made stay one", { nic(NETWORK, "network") }, nic(MAC .. "<source network='n'/>", "network"), 1 },
  { "another network", { nic(NETWORK) }, nic(MAC .. "<source network='m'/>", "network") },
  { "a bridge that the configuration calls a network", { nic(MAC .. "<source network='n'/>", "network") }, nic(NETWORK), 1 },
  { "a MAC address in upper case", { nic(MAC) }, nic("<mac address='52:54:00:AB:CD:01'/>"), 1 },
  { "a MAC address without its zeros", { nic(MAC) }, nic("<mac address='52:54:0:ab:cd:1'/>"), 1 },
  { "another MAC address", { nic(MAC) }, nic("<mac address='52:54:00:ab:cd:02'/>") },
  { "no MAC address", { nic(MAC .. "<source bridge='br0'/>"), nic(MAC .. "<source bridge='br1'/>") }, nic("<source bridge='br1'/>"), 2 },
  { "two of one MAC address", { nic(MAC .. AT:format(1)), nic(MAC .. AT:format(2)) }, nic(MAC), 1, 2 },
  { "two of one MAC address, by the address", { nic(MAC .. AT:format(1)), nic(MAC .. AT:format(2)) },
    nic(MAC .. "<address type='pci' bus='2'/>"), 2 },
  { "two of one MAC address, by the alias", { nic(MAC .. "<alias name='ua-a'/>"), nic(MAC .. "<alias name='ua-b'/>") },
    nic(MAC .. "<alias name='ua-b'/>"), 2 },
  { "an alias that is another's", { nic(MAC .. "<alias name='ua-a'/>") }, nic(MAC .. "<alias name='ua-b'/>") },
  { "an alias of libvirt's that is another's", { nic(MAC .. "<alias name='net0'/>") }, nic(MAC .. "<alias name='net1'/>") },
  { "an alias of libvirt's, which the configuration has not", { nic(MAC) }, nic(MAC .. "<alias name='net0'/>"), 1 },

  -- disks
  { "target and image", { disk("<source file='/a'/>", "vda"), disk("<source file='/b'/>", "vdb") }, disk("<source file='/b'/>", "vdb"), 2 },
  { "a target with another image", { disk("<source file='/a'/>", "vda") }, disk("<source file='/b'/>", "vda") },
  { "an image at another target", { disk("<source file='/a'/>", "vda") }, disk("<source file='/a'/>", "vdb") },
  { "a disk without an image", { disk("<source file='/a'/>", "vda") }, disk("", "vda"), 1 },
  { "a disk that had a snapshot taken", { disk(CHAIN, "vda") }, disk("<source file='/base'/>", "vda"), 1 },
  { "a device that libvirt knows as a file", { disk("<source dev='/dev/x'/>", "vda", "block") }, disk("<source dev='/dev//x'/>", "vda", "block"), 1 },
  { "a port that is the default", { disk(NBD, "vda", "network") }, disk((NBD:gsub(" port='10809'", "")), "vda", "network"), 1 },
  { "another host", { disk(NBD, "vda", "network") }, disk((NBD:gsub("'h'", "'i'")), "vda", "network") },
  { "an iSCSI target's first unit", { disk("<source protocol='iscsi' name='iqn.x/0'/>", "vda", "network") },
    disk("<source protocol='iscsi' name='iqn.x'/>", "vda", "network"), 1 },
  { "a volume of another pool", { disk("<source pool='p' volume='v'/>", "vda", "volume") }, disk("<source pool='q' volume='v'/>", "vda", "volume") },
  { "an NVMe device in decimal", { disk("<source type='pci' namespace='1'><address domain='0x0000' bus='0x0a'/></source>", "vda", "nvme") },
    disk("<source type='pci' namespace='0x1'><address bus='10'/></source>", "vda", "nvme"), 1 },

  -- devices of the host
  { "a PCI address in decimal", { pci("domain='0x0000' bus='0x81' slot='0x1f' function='0x1'") }, pci("bus='129' slot='31' function='1'"), 1 },
  { "a PCI address in octal", { pci("domain='0x0000' bus='0x08' slot='0x00' function='0x0'") }, pci("bus='010' slot='00'"), 1 },
  { "another PCI address", { pci("bus='0x81' slot='0x00' function='0x1'") }, pci("bus='0x81' slot='0x00' function='0x2'") },
  { "a PCI device at another place in the guest", { pci("bus='0x81'", AT:format(1)) }, pci("bus='0x81'", AT:format(2)), 1 },
  { "a USB vendor in decimal", { usb("<vendor id='0x1d6b'/><product id='0x0002'/><address bus='1' device='3'/>") },
    usb("<vendor id='7531'/><product id='2'/>"), 1 },
  { "a USB device by bus and device", { usb("<address bus='1' device='3'/>"), usb("<address bus='1' device='4'/>") },
    usb("<address bus='0x1' device='0x4'/>"), 2 },
  { "two USB devices of a kind", { usb("<vendor id='1'/><address device='3'/>"), usb("<vendor id='1'/><address device='4'/>") },
    usb("<vendor id='1'/>"), 1, 2 },
  { "a SCSI unit", { "<hostdev type='scsi'><source><adapter name='scsi_host0'/><address bus='0' target='0' unit='10'/></source></hostdev>" },
    "<hostdev type='scsi'><source><adapter name='scsi_host0'/><address bus='0x0' target='0' unit='0x0a'/></source></hostdev>", 1 },
  { "a mediated device's UUID in upper case",
    { "<hostdev type='mdev'><source><address uuid='4b20d080-1b54-4048-85b3-a6a62d165c01'/></source></hostdev>" },
    "<hostdev type='mdev'><source><address uuid='4B20D080-1B54-4048-85B3-A6A62D165C01'/></source></hostdev>", 1 },

  -- what has a name of its own
  { "a file system by its tag", { FILES:format("t"), FILES:format("u") },
    "<filesystem accessmode='passthrough'><source dir='/a'/><target dir='u'/></filesystem>", 2 },
  { "a file system of another directory", { "<filesystem><source dir='/a'/><target dir='t'/></filesystem>" },
    "<filesystem><source dir='/b'/><target dir='t'/></filesystem>" },
  { "a channel by its name", { "<channel type='unix'><source mode='bind' path='/x'/><target type='virtio' name='a'/></channel>" },
    "<channel type='unix'><target type='virtio' name='a'/></channel>", 1 },
  { "a controller by its index", { "<controller type='scsi' index='0' model='lsilogic'/>", "<controller type='usb' index='0'/>" },
    "<controller type='scsi' index='0x0' model='auto'/>", 1 },
  { "shared memory by its name", { "<shmem name='a'><size unit='M'>4</size></shmem>", "<shmem name='b'/>" }, "<shmem name='a'/>", 1 },
  { "a lease", { "<lease><lockspace>s</lockspace><key>k</key></lease>" },
    "<lease><key>k</key><lockspace>s</lockspace><target path='/x'/></lease>", 1 },

  { "a channel's name, which is no number", { CHANNEL:format("01"), CHANNEL:format("1") }, CHANNEL:format("1"), 2 },
  { "a name of shared memory, which is no boolean", { "<shmem name='on'/>" }, "<shmem name='yes'/>" },
  { "a lease's key, which is no number", { "<lease><lockspace>s</lockspace><key>0x10</key></lease>" },
    "<lease><lockspace>s</lockspace><key>16</key></lease>" },
  { "a bridge's name, which is no number", { nic(MAC .. "<source bridge='010'/>") }, nic(MAC .. "<source bridge='10'/>") },

  -- what is known by all that is said of it
  { "units of memory", { "<memory model='dimm'><target><size unit='KiB'>131072</size><node>0</node></target></memory>" },
    "<memory model='dimm'><target><size unit='MiB'>128</size><node>0</node></target></memory>", 1 },
  { "memory in the default unit", { "<memory model='dimm'><target><size unit='KiB'>131072</size></target></memory>" },
    "<memory model='dimm'><target><size>131072</size></target></memory>", 1 },
  { "more memory", { "<memory model='dimm'><target><size unit='KiB'>131072</size></target></memory>" },
    "<memory model='dimm'><target><size unit='MB'>128</size></target></memory>" },
  { "an action that is the default", { "<watchdog model='i6300esb' action='reset'/>" }, "<watchdog model='i6300esb'/>", 1 },
  { "another action", { "<watchdog model='i6300esb' action='none'/>" }, "<watchdog model='i6300esb'/>" },
  { "another source of randomness", { RNG:format("") }, "<rng model='virtio'><backend model='random'>/dev/hwrng</backend></rng>" },
  { "a limit that it does not have", { RNG:format("") }, RNG:format("<rate bytes='1'/>") },
  { "one of two that are alike", { RNG:format(AT:format(1)), RNG:format(AT:format(2)) }, RNG:format(""), 1, 2 },
  { "an alias where the others have none", { RNG:format("") }, RNG:format("<alias name='ua-x'/>") },
  { "an alias, whatever else", { RNG:format("<alias name='ua-x'/>") }, "<rng><alias name='ua-x'/></rng>", 1 },
  { "three spellings of yes", { "<vsock><cid auto='yes' address='3'/></vsock>" }, "<vsock><cid auto='on'/></vsock>", 1 },
  { "an address that libvirt chose", { "<vsock><cid auto='yes' address='3'/></vsock>" }, "<vsock><cid auto='true' address='7'/></vsock>", 1 },
  { "an address that was asked for", { "<vsock><cid auto='no' address='3'/></vsock>" }, "<vsock><cid address='0x4'/></vsock>" },
  { "an input of another kind", { "<input type='mouse' bus='usb'/>", "<input type='tablet' bus='usb'/>" }, "<input type='tablet' bus='usb'/>", 2 },
  { "a redirected device's port", { "<redirdev bus='usb' type='tcp'><source host='h' service='1'/></redirdev>" },
    "<redirdev bus='usb' type='tcp'><source host='h' service='2'/></redirdev>" },
  { "a display with a port of libvirt's", { "<graphics type='vnc' port='5900' autoport='yes' listen='::'/>" },
    "<graphics type='vnc' port='-1'/>", 1 },
  { "a terminal", { "<serial type='pty'><source path='/dev/pts/3'/><target port='0'/></serial>" }, "<serial type='pty'/>", 1 },
  { "a sound card", { "<sound model='ich9'/>", "<sound model='ac97'/>" }, "<sound model='ac97'/>", 2 },
  { "a video card", { "<video><model type='virtio' heads='1' primary='yes'/></video>" }, "<video><model type='virtio' primary='true'/></video>", 1 },
  { "a TPM", { "<tpm model='tpm-crb'><backend type='emulator' version='2.0'/></tpm>" },
    "<tpm model='tpm-crb'><backend type='emulator'/></tpm>", 1 },
}

describe("A device is distinguished from others", function()
  for _, row in ipairs(ROWS) do
    it("by " .. row[1], function()
      local found, list = {}, elements(row[2])
      for _, candidate in ipairs((devices.best_of(guestlua.element(row[3]), list, {}))) do
        for i, element in ipairs(list) do
          found[#found + 1] = rawequal(element, candidate) and i or nil
        end
      end
      assert.same({ table.unpack(row, 4) }, found)
      -- each is itself, and no other, as it is
      for i, element in ipairs(list) do
        local same = devices.best_of(element, { list[i] }, {})
        assert.equal(1, #same, row[2][i])
      end
    end)
  end
end)

-- ---- in a guest that only has a configuration ----

describe("A device of a configuration", function()
  local host, guest
  helper.leaves_nothing(function()
    host = guestlua.open("test:///default")
    local one = nic(MAC .. "<source bridge='br0'/><address type='pci' slot='4'/>")
    local other = nic(MAC .. "<source bridge='br0'/><address type='pci' slot='5'/>")
    guest = guestlua.Guest.create("<domain type='test'><name>d</name><memory>1024</memory><os><type>hvm</type></os><devices>"
      .. one .. other .. disk("<source file='/a'/>", "vda") .. "</devices></domain>", host)
  end, function()
    guest:delete_configuration()
    host:close()
  end)

  it("is never the first of those that fit", function()
    for _, find in ipairs({
      function() return guest:get_interface_by_cfg(nic(MAC .. "<source bridge='br0'/>")) end,
      function() workflow.detach_with_retry(guest, nic(MAC)) end,
      function() workflow.ensure_attached(guest, nic(MAC)) end,
    }) do
      local e = helper.failure(find)
      assert.same({ "device_ambiguous", "d", 2 }, { e.kind, e.guest, #e.candidates })
      assert.matches("2 devices of the guest fit: <interface> .*52:54:00:ab:cd:01 .*slot=0x04.*; .*slot=0x05", e.message)
    end
    assert.equal("0x05", guest:get_interface_by_cfg(nic(MAC .. "<address type='pci' slot='5'/>")).address.slot)
    assert.is_nil(guest:get_interface_by_cfg(nic(MAC .. "<address type='pci' slot='6'/>")))
  end)

  it("keeps its place against another image", function()
    local e = helper.failure(workflow.ensure_attached, guest, disk("<source file='/b'/>", "vda"))
    assert.equal("device_conflict", e.kind)
    assert.matches("another device in its place: <disk> vda", e.message)
    assert.is_false(workflow.ensure_detached(guest, disk("<source file='/b'/>", "vda")).changed)
    assert.is_truthy(guest:get_disk("vda"))
  end)
end)

-- ---- on a real guest ----

-- live = false: libvirt or the guest cannot plug it in while it runs. forms: what else describes it.
local CLASSES = {
  { "<disk type='file' device='disk'><driver name='qemu' type='raw'/><source file='DIR/a.raw'/><target dev='vdb' bus='virtio'/></disk>",
    forms = { { "DIR/", "DIR//" }, { "vdb' bus='virtio'", "vdb'" } } },
  { "<disk type='file' device='disk'><driver name='qemu' type='raw'/><source file='DIR/a.raw'/><target dev='sdb' bus='scsi'/></disk>",
    forms = { { "bus='scsi'/>", "bus='scsi'/><address type='drive' controller='0x0' unit='0x1'/>" } } },
  { "<interface type='user'><mac address='52:54:00:AB:CD:01'/><model type='virtio'/></interface>",
    forms = { { "AB:CD", "ab:cd" }, { "52:54:00", "52:54:0" }, { "<model type='virtio'/>", "" } } },
  { "<interface type='user'><model type='virtio'/></interface>" },
  { "<rng model='virtio'><backend model='random'>/dev/urandom</backend></rng>",
    forms = { { "/dev/urandom", " /dev/urandom\n" }, { "/dev/urandom", "/dev/./urandom" } } },
  { "<rng model='virtio'><rate bytes='1024' period='2000'/><backend model='random'>/dev/urandom</backend></rng>",
    forms = { { "'1024'", "'0x400'" } } },
  { "<memory model='dimm'><target><size unit='MiB'>128</size><node>0</node></target></memory>",
    forms = { { "unit='MiB'>128", "unit='KiB'>131072" }, { "unit='MiB'>128", ">131072" }, { "unit='MiB'>128", "unit='b'>134217728" } } },
  { "<input type='tablet' bus='usb'/>" },
  { "<input type='keyboard' bus='virtio'/>" },
  { "<watchdog model='i6300esb' action='reset'/>", forms = { { " action='reset'", "" } } },
  { "<channel type='unix'><target type='virtio' name='org.example.0'/></channel>",
    forms = { { "<target", "<source mode='bind'/><target" } } },
  { "<shmem name='s'><model type='ivshmem-plain'/><size unit='M'>4</size></shmem>",
    forms = { { "unit='M'>4", "unit='KiB'>4096" }, { "unit='M'>4", "unit='bytes'>4194304" }, { "<size unit='M'>4</size>", "" } } },
  { "<redirdev bus='usb' type='tcp'><source mode='bind' host='127.0.0.1' service='4000'/><protocol type='raw'/></redirdev>" },
  { "<redirdev bus='usb' type='pty'/>" },
  { "<controller type='scsi' index='1' model='virtio-scsi'/>", forms = { { "'1'", "'0x1'" }, { " model='virtio-scsi'", "" } } },
  { "<serial type='pty'><target type='usb-serial' port='1'/></serial>", forms = { { "'1'", "'01'" } } },
  { "<console type='pty'><target type='virtio' port='1'/></console>", forms = { { "'1'", "'0x1'" } } },
  { "<vsock model='virtio'><cid auto='yes'/></vsock>", live = false, forms = { { "'yes'", "'on'" } } },
  { "<filesystem type='mount'><source dir='DIR/share'/><target dir='tag'/></filesystem>", live = false, forms = { { " type='mount'", "" } } },
  { "<controller type='virtio-serial' index='1'/>", live = false },
  { "<sound model='usb'/>", live = false },
  { "<hostdev mode='subsystem' type='pci' managed='yes'><source><address domain='0x0000' bus='0x81' slot='0' function='0x1'/></source></hostdev>",
    live = false, forms = { { "domain='0x0000' ", "" }, { "'0x81'", "'129'" }, { "mode='subsystem' ", "" }, { "managed='yes'", "managed='on'" } } },
  -- what this machine has not, and the running guest therefore cannot get
  { "<hostdev mode='subsystem' type='usb'><source><vendor id='0x1d6b'/><product id='0x0002'/></source></hostdev>",
    live = false, forms = { { "'0x1d6b'", "'7531'" }, { "'0x0002'", "'0x2'" }, { "<product id='0x0002'/>", "" } } },
  { "<hostdev mode='subsystem' type='usb'><source><address bus='1' device='17'/></source></hostdev>",
    live = false, forms = { { "'17'", "'0x11'" }, { "bus='1'", "bus='001'" } } },
  { "<hostdev mode='subsystem' type='scsi'><source><adapter name='scsi_host0'/><address bus='0' target='0' unit='10'/></source></hostdev>",
    live = false, forms = { { "'10'", "'0x0a'" }, { "mode='subsystem' ", "" } } },
  { "<hostdev mode='subsystem' type='scsi_host'><source protocol='vhost' wwpn='naa.5123456789abcde0'/></hostdev>", live = false },
  { "<hostdev mode='subsystem' type='mdev' model='vfio-pci'><source><address uuid='4b20d080-1b54-4048-85b3-a6a62d165c01'/></source></hostdev>",
    live = false,
    forms = { { "4b20d080", "4B20D080" }, { "'4b20d080-1b54-4048-85b3-a6a62d165c01'", "'4b20d0801b544048 85b3a6a62d165c01'" } } },
  { "<interface type='hostdev' managed='yes'><mac address='52:54:00:ab:cd:04'/><source><address type='pci' domain='0' bus='0x81' slot='0' "
    .. "function='2'/></source></interface>", live = false, forms = { { "'0x81'", "'129'" }, { "ab:cd", "AB:CD" } } },
  { "<interface type='ethernet'><mac address='52:54:00:ab:cd:03'/><model type='virtio'/></interface>", live = false },
  { "<disk type='network' device='disk'><driver name='qemu' type='raw'/><source protocol='nbd' name='x'><host name='127.0.0.1' "
    .. "port='10809'/></source><target dev='vdc' bus='virtio'/></disk>", live = false, forms = { { " port='10809'", "" } } },
  { "<disk type='block' device='lun'><driver name='qemu' type='raw'/><source dev='/dev/sdx'/><target dev='sdc' bus='scsi'/></disk>",
    live = false, forms = { { "/dev/sdx", "/dev//sdx" } } },
  { "<disk type='nvme' device='disk'><driver name='qemu' type='raw'/>"
    .. "<source type='pci' managed='yes' namespace='1'><address domain='0' bus='1' slot='0' function='0'/></source>"
    .. "<target dev='vde' bus='virtio'/></disk>",
    live = false, forms = { { "namespace='1'", "namespace='0x1'" } } },
  { "<disk type='file' device='cdrom'><target dev='sdd' bus='sata'/><readonly/></disk>", live = false, forms = { { " bus='sata'", "" } } },
  { "<memory model='virtio-mem'><target><size unit='MiB'>128</size><node>0</node><block unit='MiB'>2</block><requested unit='MiB'>0</requested>"
    .. "</target></memory>", live = false, forms = { { "<block unit='MiB'>2<", "<block unit='KiB'>2048<" } } },
  { "<parallel type='pty'/>", live = false },
  { "<sound model='ich9'/>", live = false },
  { "<lease><lockspace>s</lockspace><key>k</key><target path='/x'/></lease>", forms = { { "<lockspace>s<", "<lockspace> s\n<" } } },
}

-- What libvirt neither attaches nor detaches, not even in a configuration: it comes and goes with the whole of it.
local FIXED = {
  { "<tpm model='tpm-tis'><backend type='passthrough'><device path='/dev/tpm0'/></backend></tpm>", { "/dev/tpm0", "/dev//tpm0" } },
  { "<graphics type='vnc' port='-1' autoport='yes'/>", { " port='-1'", "" }, { "'yes'", "'on'" } },
  { "<video><model type='virtio'/></video>", { "'virtio'/>", "'virtio' heads='1'/>" } },
  { "<panic model='isa'/>" },
  { "<iommu model='intel'/>" },
  { "<hub type='usb'/>" },
}

local function with_room(domain)
  local list = domain.devices
  for _, controller in ipairs(list:children("controller")) do
    if controller.type == "usb" then
      controller:remove()
    end
  end
  for i = 7, 12 do
    list:append(guestlua.device.controller({ type = "pci", index = i, model = "pcie-root-port" }))
  end
  list:append(guestlua.device.controller({ type = "pci", index = 13, model = "pcie-to-pci-bridge" }))
  list:append(guestlua.device.controller({ type = "usb", index = 0, model = "qemu-xhci" }))
  list:append(guestlua.device.controller({ type = "scsi", index = 0, model = "virtio-scsi" }))
  domain:append(guestlua.element("<maxMemory slots='4' unit='MiB'>512</maxMemory>"))
  domain:append(guestlua.element("<cpu><numa><cell id='0' cpus='0' memory='128' unit='MiB'/></numa></cpu>"))
end

describe("A device of a real guest", function()
  local machine = helper.machine({ edit = with_room })
  local guest
  helper.leaves_nothing(function()
    guest = machine.guest
    guestlua.journal({ dir = machine.dir .. "/journal" })
    assert(os.execute(("cd %s && mkdir -p share && truncate -s 4M a.raw && chmod 666 a.raw"):format(machine.dir)))
  end)

  local function count(kind)
    return #guest:get_all_devices(kind), #guest:get_all_devices(kind, { from_persistent_config = true })
  end

  for _, row in ipairs(CLASSES) do
    it("is found and detached however it is written: " .. row[1]:sub(1, 60), function()
      local written = row[1]:gsub("DIR", machine.dir)
      local kind = guestlua.element(written):tag()
      local live_before, stored_before = count(kind)
      local forms = { written, false, true } -- as libvirt shows it: in the running guest, in the configuration
      for _, form in ipairs(row.forms or {}) do
        local from, to = form[1]:gsub("DIR", machine.dir), form[2]:gsub("DIR", machine.dir)
        local at, to_end = written:find(from, 1, true)
        forms[#forms + 1] = written:sub(1, at - 1) .. to .. written:sub(to_end + 1)
      end
      for _, place in ipairs(row.live == false and { { false, true } } or { { true, false }, { false, true }, { true, true } }) do
        for _, form in ipairs(forms) do
          local live, stored = place[1], place[2]
          workflow.attach_with_retry(guest, written, { live = live, persistent = stored, attempts = 1 })
          assert.same({ live_before + (live and 1 or 0), stored_before + (stored and 1 or 0) }, { count(kind) })
          local wanted = form
          if type(form) == "boolean" then
            wanted = devices.find(guest, guestlua.element(written), form) or devices.find(guest, guestlua.element(written), not form)
          end
          local text = ("%s, live=%s persistent=%s"):format(tostring(wanted), live, stored)
          local element = type(wanted) == "string" and guestlua.element(wanted) or wanted
          assert.equal(live, devices.find(guest, element, false) ~= nil, text)
          assert.equal(stored, devices.find(guest, element, true) ~= nil, text)
          if live and stored then
            assert.is_false(workflow.ensure_attached(guest, wanted).changed, text)
          end
          workflow.detach_with_retry(guest, wanted)
          assert.same({ live_before, stored_before }, { count(kind) }, text)
        end
      end
    end)
  end

  for _, row in ipairs(FIXED) do
    it("is found, and stays if libvirt does not detach it: " .. row[1]:sub(1, 40), function()
      local before = guest:get_xml_desc({ dump_inactive = true })
      local changed <close> = setmetatable({}, { __close = function()
        machine.host:write_instance_config(before):close()
      end })
      local configuration = guestlua.element(before)
      configuration.devices:append(guestlua.element(row[1]))
      machine.host:write_instance_config(tostring(configuration)):close()
      local forms = { row[1], tostring(assert(devices.find(guest, guestlua.element(row[1]), true))) }
      for i = 2, #row do
        local from, to = row[1]:find(row[i][1], 1, true)
        forms[#forms + 1] = row[1]:sub(1, from - 1) .. row[i][2] .. row[1]:sub(to + 1)
      end
      for _, form in ipairs(forms) do
        assert.is_nil(devices.find(guest, guestlua.element(form), false), form)
        assert.is_truthy(devices.find(guest, guestlua.element(form), true), form)
        local gone, e = pcall(workflow.ensure_detached, guest, form)
        if gone then -- a libvirt that can
          assert.is_nil(devices.find(guest, guestlua.element(form), true), form)
          machine.host:write_instance_config(tostring(configuration)):close()
        else
          assert.same({ "operation_unsupported", "the configuration has the device" }, { e.kind, e.outcome }, form)
        end
        e = helper.failure(workflow.ensure_attached, guest, form) -- the running guest lacks it
        assert.same({ "operation_unsupported", "undone: the guest does not have the device" }, { e.kind, e.outcome }, form)
      end
      assert.is_not_nil(changed)
    end)
  end

  it("is in both under one MAC address and one address, whatever libvirt would have chosen", function()
    local written = "<interface type='user'><model type='virtio'/></interface>"
    -- a device that only the configuration has, at the address that libvirt would choose there
    workflow.attach_with_retry(guest, "<rng model='virtio'><backend model='random'>/dev/urandom</backend></rng>", { live = true, persistent = false })
    workflow.attach_with_retry(guest, written)
    local live, stored = guest:get_all_devices("interface")[1], guest:get_all_devices("interface", { from_persistent_config = true })[1]
    assert.equal(live.mac.address, stored.mac.address)
    assert.matches("^52:54:00:", live.mac.address)
    assert.equal(tostring(live.address), tostring(stored.address))
    workflow.detach_with_retry(guest, written)
    workflow.detach_with_retry(guest, "<rng model='virtio'><backend model='random'>/dev/urandom</backend></rng>")
  end)

  it("that is added where it lacks is made the same as where it is", function()
    for _, first in ipairs({ "live", "persistent" }) do
      local written = "<interface type='user'><model type='virtio'/></interface>"
      workflow.attach_with_retry(guest, written, { live = first == "live", persistent = first ~= "live" })
      assert.is_true(workflow.ensure_attached(guest, written).changed)
      local live, stored = guest:get_all_devices("interface")[1], guest:get_all_devices("interface", { from_persistent_config = true })[1]
      assert.equal(live.mac.address, stored.mac.address)
      workflow.detach_with_retry(guest, written)
    end
  end)
end)
