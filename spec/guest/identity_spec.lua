-- Two spellings of one device are one device, for each class that libvirt has; two devices are two, also if they differ in one place only.

local devices = require("guestlua.guest.devices")
local guestlua = require("guestlua")

-- What the guest has, what else means the same, and what is another device.
local ROWS = {
  -- interfaces
  { "<interface type='direct'><mac address='52:54:00:0a:0b:0c'/><source dev='eth0' mode='vepa'/><target dev='macvtap0'/></interface>",
    same = { "<interface type='direct'><mac address='52:54:00:A:B:C'/><source dev='eth0'/></interface>" },
    other = { "<interface type='direct'><mac address='52:54:00:0a:0b:0c'/><source dev='eth1'/></interface>",
      "<interface type='user'><mac address='52:54:00:0a:0b:0c'/></interface>" } },
  { "<interface type='hostdev' managed='yes'><mac address='52:54:00:0a:0b:0c'/><source><address type='pci' domain='0x0000' bus='0x06' slot='0x10' "
    .. "function='0x4'/></source></interface>",
    same = { "<interface type='hostdev'><mac address='52:54:00:0a:0b:0c'/><source><address type='pci' bus='6' slot='16' function='4'/>"
        .. "</source></interface>",
      "<interface type='hostdev'><source><address type='pci' bus='0x6' slot='020' function='0x4'/></source></interface>" },
    other = { "<interface type='hostdev'><mac address='52:54:00:0a:0b:0c'/><source><address type='pci' bus='6' slot='17' function='4'/>"
        .. "</source></interface>",
      "<interface type='hostdev'><source><address type='pci' bus='0x6' slot='0x10' function='0x5'/></source></interface>" } },
  { "<interface type='vhostuser'><mac address='52:54:00:0a:0b:0c'/><source type='unix' path='/run/a' mode='client'/></interface>",
    same = { "<interface type='vhostuser'><mac address='52:54:00:0a:0b:0c'/><source path='/run/a' mode='client'/></interface>" },
    other = { "<interface type='vhostuser'><mac address='52:54:00:0a:0b:0c'/><source path='/run/b' mode='client'/></interface>" } },
  { "<interface type='ethernet'><mac address='52:54:00:0a:0b:0c'/><target dev='tap7' managed='no'/></interface>",
    same = { "<interface type='ethernet'><target dev='tap7'/></interface>" },
    other = { "<interface type='ethernet'><mac address='52:54:00:0a:0b:0c'/><target dev='tap8'/></interface>",
      "<interface type='ethernet'><target dev='tap8'/></interface>" } },
  { "<interface type='vdpa'><mac address='52:54:00:0a:0b:0c'/><source dev='/dev/vhost-vdpa-0'/></interface>",
    same = { "<interface type='vdpa'><source dev='/dev/vhost-vdpa-0'/></interface>" },
    other = { "<interface type='vdpa'><source dev='/dev/vhost-vdpa-1'/></interface>" } },
  -- disks
  { "<disk type='network' device='lun'><source protocol='iscsi' name='iqn.a:b/1'><host name='H.example' port='3260'/></source>"
      .. "<target dev='sda'/></disk>",
    same = { "<disk type='network' device='lun'><source protocol='iscsi' name='iqn.a:b/1'><host name='h.example'/></source>"
        .. "<target dev='sda'/></disk>" },
    other = { "<disk type='network' device='lun'><source protocol='iscsi' name='iqn.a:b/2'><host name='h.example'/></source>"
        .. "<target dev='sda'/></disk>" } },
  { "<disk type='network'><source protocol='nbd'><host transport='unix' socket='/run/n'/></source><target dev='vdb'/></disk>",
    same = { "<disk type='network'><source protocol='nbd'><host transport='unix' socket='/run//n'/></source><target dev='vdb'/></disk>" },
    other = { "<disk type='network'><source protocol='nbd'><host transport='unix' socket='/run/m'/></source><target dev='vdb'/></disk>" } },
  { "<disk type='network'><source protocol='rbd' name='pool/image'><host name='a' port='6789'/><host name='b' port='6789'/></source>"
      .. "<target dev='vdb'/>"
    .. "</disk>",
    same = { "<disk type='network'><source protocol='rbd' name='pool/image'><host name='b' port='6789'/><host name='a' port='6789'/></source>"
      .. "<target dev='vdb'/></disk>" },
    other = { "<disk type='network'><source protocol='rbd' name='pool/other'><host name='a' port='6789'/></source><target dev='vdb'/></disk>" } },
  { "<disk type='vhostuser'><source type='unix' path='/run/v'/><target dev='vdb' bus='virtio'/></disk>",
    same = { "<disk type='vhostuser'><source path='/run/v'/><target dev='vdb'/></disk>" },
    other = { "<disk type='vhostuser'><source type='unix' path='/run/w'/><target dev='vdb' bus='virtio'/></disk>" } },
  { "<disk type='file' device='cdrom'><target dev='sda' bus='sata'/><readonly/></disk>",
    same = { "<disk type='file' device='cdrom'><target dev='sda'/></disk>" },
    other = { "<disk type='file' device='disk'><target dev='sda'/></disk>" } },
  -- devices of the host
  { "<hostdev mode='subsystem' type='pci' managed='yes'><driver name='vfio'/><source><address domain='0x0000' bus='0x0A' slot='0x1F' function='0x7'/>"
    .. "</source></hostdev>",
    same = { "<hostdev type='pci'><source><address bus='10' slot='31' function='7'/></source></hostdev>",
      "<hostdev type='pci'><source><address domain='0' bus='0xa' slot='0x1f' function='07'/></source></hostdev>" },
    other = { "<hostdev type='pci'><source><address domain='1' bus='0xa' slot='0x1f' function='7'/></source></hostdev>" } },
  { "<hostdev mode='subsystem' type='usb'><source><vendor id='0x046d'/><product id='0xc52b'/><address bus='1' device='4'/></source></hostdev>",
    same = { "<hostdev type='usb'><source><vendor id='1133'/><product id='50475'/></source></hostdev>",
      "<hostdev type='usb'><source><vendor id='0x046D'/><product id='0xC52B'/></source></hostdev>",
      "<hostdev type='usb'><source startupPolicy='optional'><address bus='0x1' device='004'/></source></hostdev>" },
    other = { "<hostdev type='usb'><source><vendor id='0x046d'/><product id='0xc52c'/></source></hostdev>",
      "<hostdev type='usb'><source><vendor id='0x046d'/><product id='0xc52b'/><address bus='1' device='5'/></source></hostdev>" } },
  { "<hostdev mode='subsystem' type='scsi' rawio='yes'><source><adapter name='scsi_host2'/><address bus='0' target='1' unit='12'/></source>"
      .. "</hostdev>",
    same = { "<hostdev type='scsi'><source><adapter name='scsi_host2'/><address type='scsi' bus='0x0' target='0x1' unit='0xc'/></source></hostdev>" },
    other = { "<hostdev type='scsi'><source><adapter name='scsi_host3'/><address bus='0' target='1' unit='12'/></source></hostdev>",
      "<hostdev type='scsi'><source><adapter name='scsi_host2'/><address bus='0' target='1' unit='13'/></source></hostdev>" } },
  { "<hostdev type='scsi'><source protocol='iscsi' name='iqn.a:b/1'><host name='h' port='3260'/></source></hostdev>",
    same = { "<hostdev type='scsi'><source protocol='iscsi' name='iqn.a:b/1'><host name='H'/></source></hostdev>" },
    other = { "<hostdev type='scsi'><source protocol='iscsi' name='iqn.a:b/2'><host name='h'/></source></hostdev>" } },
  { "<hostdev type='scsi_host'><source protocol='vhost' wwpn='naa.500140520f9ac5ee'/></hostdev>",
    same = { "<hostdev type='scsi_host'><source protocol='vhost' wwpn='naa.500140520F9AC5EE'/></hostdev>" },
    other = { "<hostdev type='scsi_host'><source protocol='vhost' wwpn='naa.500140520f9ac5ef'/></hostdev>" } },
  { "<hostdev mode='capabilities' type='net'><source><interface>eth0</interface></source></hostdev>",
    same = { "<hostdev mode='capabilities' type='net'><source><interface> eth0 </interface></source></hostdev>" },
    other = { "<hostdev mode='capabilities' type='net'><source><interface>eth1</interface></source></hostdev>" } },
  -- what has a name
  { "<filesystem type='mount' accessmode='passthrough'><driver type='virtiofs' queue='1024'/><source dir='/share'/><target dir='tag'/></filesystem>",
    same = { "<filesystem><source dir='/share'/><target dir='tag'/></filesystem>", "<filesystem><source dir='//share'/><target dir='tag'/>"
        .. "</filesystem>" },
    other = { "<filesystem><source dir='/share'/><target dir='tag2'/></filesystem>" } },
  { "<filesystem type='ram'><source usage='10240' units='KiB'/><target dir='/t'/></filesystem>",
    same = { "<filesystem type='ram'><source usage='10' units='MiB'/><target dir='/t'/></filesystem>" },
    other = { "<filesystem type='ram'><source usage='11' units='MiB'/><target dir='/t'/></filesystem>" } },
  { "<channel type='spicevmc'><target type='virtio' name='com.redhat.spice.0' state='disconnected'/></channel>",
    same = { "<channel type='spicevmc'><target type='virtio'/></channel>" },
    other = { "<channel type='spicevmc'><target type='virtio' name='com.redhat.spice.1'/></channel>",
      "<channel type='unix'><target type='virtio' name='com.redhat.spice.0'/></channel>" } },
  { "<channel type='unix'><source mode='bind' path='/var/lib/libvirt/qemu/channel/target/domain-1-a/org.qemu.guest_agent.0'/>"
    .. "<target type='virtio' name='org.qemu.guest_agent.0' state='connected'/></channel>",
    same = { "<channel type='unix'><source mode='bind'/><target type='virtio' name='org.qemu.guest_agent.0'/></channel>" },
    other = { "<channel type='unix'><target type='virtio' name='org.qemu.guest_agent.1'/></channel>" } },
  { "<shmem name='s' role='peer'><model type='ivshmem-plain'/><size unit='M'>4</size></shmem>",
    same = { "<shmem name='s'/>", "<shmem name='s'><size unit='KiB'>4096</size></shmem>" },
    other = { "<shmem name='t'><model type='ivshmem-plain'/><size unit='M'>4</size></shmem>",
      "<shmem name='s'><model type='ivshmem-doorbell'/></shmem>" } },
  -- the others
  { "<memory model='dimm' access='shared'><target><size unit='KiB'>1048576</size><node>0</node></target></memory>",
    same = { "<memory model='dimm'><target><size unit='GiB'>1</size><node>0x0</node></target></memory>",
      "<memory model='dimm'><target><size unit='G'>1</size></target></memory>", "<memory model='dimm'><target>"
          .. "<size unit='bytes'>1073741824</size></target></memory>",
      "<memory model='dimm'><target><size>1048576</size></target></memory>" },
    other = { "<memory model='dimm'><target><size unit='GB'>1</size></target></memory>",
      "<memory model='nvdimm'><target><size unit='GiB'>1</size></target></memory>",
      "<memory model='dimm'><target><size unit='GiB'>1</size><node>1</node></target></memory>" } },
  { "<memory model='nvdimm'><source><path>/n</path></source><target><size unit='KiB'>524288</size><node>0</node><label>"
      .. "<size unit='KiB'>128</size></label>"
    .. "</target></memory>",
    same = { "<memory model='nvdimm'><source><path>/n</path></source><target><size unit='MiB'>512</size><node>0</node></target></memory>" },
    other = { "<memory model='nvdimm'><source><path>/m</path></source><target><size unit='MiB'>512</size><node>0</node></target></memory>" } },
  { "<memory model='virtio-mem'><target><size unit='KiB'>4194304</size><node>0</node><block unit='KiB'>2048</block>"
      .. "<requested unit='KiB'>2097152</requested>"
    .. "<current unit='KiB'>2097152</current></target></memory>",
    same = { "<memory model='virtio-mem'><target><size unit='GiB'>4</size><block unit='MiB'>2</block><requested unit='GiB'>2</requested>"
        .. "</target></memory>",
      "<memory model='virtio-mem'><target><size unit='GiB'>4</size><block unit='MiB'>2</block><requested unit='GiB'>2</requested>"
          .. "<current unit='GiB'>1</current>"
      .. "</target></memory>" },
    other = { "<memory model='virtio-mem'><target><size unit='GiB'>5</size></target></memory>" } },
  { "<rng model='virtio'><rate bytes='1024' period='1000'/><backend model='random'>/dev/urandom</backend></rng>",
    same = { "<rng model='virtio'><rate bytes='0x400'/><backend model='random'>/dev/urandom</backend></rng>" },
    other = { "<rng model='virtio'><rate bytes='2048'/><backend model='random'>/dev/urandom</backend></rng>" } },
  { "<rng model='virtio'><backend model='egd' type='udp'><source mode='connect' host='h' service='1234'/></backend></rng>",
    same = { "<rng model='virtio'><backend model='egd' type='udp'><source mode='connect' host='h' service='1234'/></backend></rng>" },
    other = { "<rng model='virtio'><backend model='egd' type='udp'><source mode='connect' host='h' service='1235'/></backend></rng>" } },
  { "<tpm model='tpm-tis'><backend type='emulator' version='2.0' persistent_state='yes'/></tpm>",
    same = { "<tpm><backend type='emulator'/></tpm>", "<tpm model='tpm-tis'><backend type='emulator' version='2.0' persistent_state='on'/></tpm>" },
    other = { "<tpm model='tpm-crb'><backend type='emulator'/></tpm>", "<tpm><backend type='passthrough'><device path='/dev/tpm0'/>"
        .. "</backend></tpm>" } },
  { "<watchdog model='i6300esb' action='poweroff'/>", same = { "<watchdog action='poweroff'/>" },
    other = { "<watchdog model='ib700' action='poweroff'/>" } },
  { "<input type='passthrough' bus='virtio'><source evdev='/dev/input/event1'/></input>",
    same = { "<input type='passthrough'><source evdev='/dev/input/event1'/></input>" },
    other = { "<input type='passthrough' bus='virtio'><source evdev='/dev/input/event2'/></input>" } },
  { "<vsock model='virtio'><cid auto='no' address='4'/></vsock>", same = { "<vsock><cid address='0x4'/></vsock>",
    "<vsock><cid auto='off' address='4'/></vsock>" },
    other = { "<vsock><cid address='5'/></vsock>" } },
  { "<redirdev bus='usb' type='tcp'><source mode='connect' host='localhost' service='4000'/><protocol type='raw'/></redirdev>",
    same = { "<redirdev bus='usb' type='tcp'><source mode='connect' host='localhost' service='4000'/></redirdev>" },
    other = { "<redirdev bus='usb' type='tcp'><source mode='connect' host='localhost' service='4001'/></redirdev>",
      "<redirdev bus='usb' type='spicevmc'/>" } },
  { "<serial type='tcp'><source mode='bind' host='127.0.0.1' service='2445' tls='no'/><protocol type='telnet'/>"
      .. "<target type='isa-serial' port='1'/></serial>",
    same = { "<serial type='tcp'><source mode='bind' host='127.0.0.1' service='2445'/><protocol type='telnet'/><target port='0x1'/></serial>" },
    other = { "<serial type='tcp'><source mode='bind' host='127.0.0.1' service='2445'/><target port='2'/></serial>" } },
  { "<controller type='pci' index='3' model='pcie-root-port'><model name='pcie-root-port'/><target chassis='3' port='0x12'/></controller>",
    same = { "<controller type='pci' index='0x3' model='pcie-root-port'/>" },
    other = { "<controller type='pci' index='4' model='pcie-root-port'/>" } },
  { "<sound model='ich9'><codec type='micro'/><audio id='1'/></sound>", same = { "<sound model='ich9'><codec type='micro'/></sound>",
    "<sound model='ich9'/>" },
    other = { "<sound model='ich9'><codec type='duplex'/></sound>" } },
  { "<video><model type='qxl' ram='65536' vram='65536' heads='1' primary='yes'/></video>", same = { "<video>"
      .. "<model type='qxl' primary='on'/></video>" },
    other = { "<video><model type='virtio' primary='yes'/></video>" } },
  { "<panic model='isa'><address type='isa' iobase='0x505'/></panic>", same = { "<panic model='isa'/>" }, other = { "<panic model='pvpanic'/>" } },
  { "<smartcard mode='passthrough' type='spicevmc'/>", same = { "<smartcard mode='passthrough' type='spicevmc'/>" },
    other = { "<smartcard mode='host'/>" } },
  { "<crypto model='virtio' type='qemu'><backend model='builtin' queues='1'/></crypto>", same = { "<crypto model='virtio' type='qemu'>"
      .. "<backend model='builtin'/></crypto>" },
    other = { "<crypto model='virtio' type='qemu'><backend model='lkcf'/></crypto>" } },
}

local function fits(wanted, has)
  return #devices.best_of(guestlua.element(wanted), { guestlua.element(has) }, {}) == 1
end

describe("The identity of", function()
  for _, row in ipairs(ROWS) do
    it(row[1], function()
      for _, text in ipairs({ row[1], table.unpack(row.same) }) do
        assert.is_true(fits(text, row[1]), "the same: " .. text)
      end
      for _, text in ipairs(row.other) do
        assert.is_false(fits(text, row[1]), "another: " .. text)
        assert.is_false(fits(row[1], text), "another: " .. text)
      end
    end)
  end
end)
