-- The lines of lua/guestlua/prompt/virsh.lua that need a real libvirtd, a guest that runs, or two hosts; spec/project/virsh_spec.lua has the
-- others.

local faults = require("spec.support.faults")
local guestlua = require("guestlua")
local helper = require("spec.support.helper")
local support = require("spec.support.hosts")
local virsh = require("spec.support.virsh")

local UUID = "d1b0e36c-9c7a-4d5f-8f0e-3c1d6f1b2a4e"

-- A spec for each line that runs at this place. run(row, line, i) runs it. refused: the commands that libvirt may refuse there, by what it is or has.
local function each_line(place, refused, run)
  for _, row in ipairs(virsh.rows()) do
    for i, line in ipairs(row.lines) do
      if virsh.place(row, i) == place and not virsh.is_newer(row) then
        it(row.command .. ": " .. line, function()
          if not refused[row.command] then
            return run(row, line, i)
          end
          local ok, e = pcall(run, row, line, i)
          assert.is_true(ok or type(e) == "table" and e.call ~= nil, tostring(e)) -- it came as far as libvirt
        end)
      end
    end
  end
end

describe("On a libvirtd runs", function()
  local NETWORK = "<network><name>default</name><uuid>" .. UUID .. "</uuid><bridge name='made0'/>%s</network>"
  local DHCP = "<ip address='192.168.122.1' netmask='255.255.255.0'><dhcp><range start='192.168.122.2' end='192.168.122.99'/></dhcp></ip>"
  local PORT = "<networkport><uuid>%s</uuid><owner><name>web1</name><uuid>" .. UUID .. "</uuid></owner><mac address='52:54:00:00:00:01'/>"
    .. "</networkport>"
  local FILTER = "<filter name='%s'><rule action='drop' direction='in' priority='500'><tcp dstportstart='25'/></rule></filter>"
  local BINDING = "<filterbinding><owner><name>web1</name><uuid>" .. UUID .. "</uuid></owner><portdev name='vnet0'/>"
    .. "<mac address='52:54:00:00:00:01'/><filterref filter='clean-traffic'/></filterbinding>"
  local SECRET = "<secret ephemeral='no' private='no'><uuid>%s</uuid><usage type='volume'><volume>/%s</volume></usage></secret>"
  local DOMAIN = "<domain type='qemu'><name>web1</name><memory>131072</memory><os><type arch='x86_64' machine='q35'>hvm</type></os></domain>"
  local XML = {
    ["domxml-to-native"] = DOMAIN, ["nwfilter-define"] = FILTER:format("made"),
    ["net-port-create"] = PORT:format("11111111-9c7a-4d5f-8f0e-3c1d6f1b2a4e"),
    ["nwfilter-binding-create"] = BINDING, ["secret-define"] = SECRET:format("22222222-9c7a-4d5f-8f0e-3c1d6f1b2a4e", "made"),
  }
  -- QEMU's driver has the first two no more, the third needs a processor of AMD's.
  local REFUSED = { ["domxml-from-native"] = true, ["qemu-attach"] = true, nodesevinfo = true }

  local hosts, missing, host
  lazy_setup(function()
    hosts, missing = support.up()
    host = hosts and hosts.a
  end)
  lazy_teardown(function()
    if hosts then
      getmetatable(hosts).__close(hosts)
    end
  end)

  local function clear()
    for _, binding in ipairs(host:nwfilter_bindings()) do
      binding:delete()
    end
    for _, filter in ipairs(host:nwfilters()) do
      filter:undefine()
    end
    for _, list in ipairs({ host:networks(), host:pools() }) do
      for _, object in ipairs(list) do
        if object:is_active() then
          object:destroy()
        end
      end
    end
    for _, list in ipairs({ host:networks(), host:pools(), host:secrets() }) do
      for _, object in ipairs(list) do
        object:undefine()
      end
    end
  end

  -- The names that the lines use.
  local function make(command)
    helper.run("rm -rf " .. hosts.dir .. "/own-pool " .. hosts.dir .. "/files && mkdir " .. hosts.dir .. "/files")
    helper.run("truncate -s 1M " .. hosts.dir .. "/files/up.img")
    if command:find("^net") then
      local network = host:network_define_xml(NETWORK:format(command == "net-update" and DHCP or ""))
      if command ~= "net-update" then
        network:create()
        if command == "net-desc" then
          network:set_metadata("description", "x")
        end
        if command == "net-port-dumpxml" or command == "net-port-delete" then
          network:port_create_xml(PORT:format(UUID))
        end
      end
    elseif command:find("^nwfilter") then
      host:nwfilter_define_xml(FILTER:format("clean-traffic"))
      helper.run(("spec/support/two-hosts in %s a ip link add vnet0 type dummy"):format(hosts.dir))
      if command:find("binding") and command ~= "nwfilter-binding-create" then
        host:nwfilter_binding_create_xml(BINDING)
      end
    elseif command:find("^pool") or command:find("^vol") then
      local pool = host:storage_pool_define_xml(
        ("<pool type='dir'><name>images</name><target><path>%s/own-pool</path></target></pool>"):format(hosts.dir))
      if command ~= "pool-start" then
        pool:create({ with_build = true })
        pool:create_volume({ name = "web1.qcow2", capacity = 1 << 20, allocation = 0, format = "raw" })
      else
        pool:build()
      end
    elseif command:find("^secret") then
      host:secret_define_xml(SECRET:format(UUID, "web1")):set_value("n0t-th1s")
    end
  end

  each_line("daemon", REFUSED, function(row, line)
    if not hosts then
      return pending(missing)
    end
    clear()
    make(row.command)
    virsh.run(row, line, host, {
      { "/var/tmp/", hosts.dir .. "/files/" }, { "pci_0000_00_1f_0", "computer" }, { "live = true, config = true", "config = true" },
      { "20 << 30", "2 << 20" },
    }, { xml = XML[row.command], uuid = UUID })
  end)

  each_line("hosts", {}, function(row, line)
    if not hosts then
      return pending(missing)
    end
    hosts:boot("web1", hosts.dir)
    local libvirtd = ("qemu+tcp://%s/system"):format(hosts.address.b)
    virsh.run(row, line, host, {
      { '"qemu+ssh://other/system"))', ("%q), { destination_uri = %q, unsafe = true })"):format(libvirtd, libvirtd) },
      { '"qemu+ssh://other/system", { flags = { ', ("%q, { flags = { 'unsafe', "):format(libvirtd) },
    }, { open = function(uri) return uri and hosts.b or host end })
    local there <close> = hosts.b:guest("web1")
    assert.is_true(there:is_active())
    if there:has_persistent_configuration() then
      there:delete_configuration()
    end
    there:poweroff()
    local here <close> = host:guest("web1")
    if here then
      here:delete_configuration()
    end
  end)
end)

describe("On a real guest runs", function()
  local IMAGE = "<disk type='file'><driver name='qemu' type='qcow2'/><source file='%s'/><target dev='%s' bus='virtio'/><alias name='ua-data'/></disk>"
  local machine, missing
  lazy_setup(function()
    machine, missing = faults.daemon({ edit = function(domain)
      domain.vcpu = { current = "1", "2" }
      domain.devices:append(guestlua.element("<disk type='file' device='cdrom'><target dev='sda' bus='sata'/><readonly/></disk>"))
      domain.devices:append(guestlua.element("<interface type='user'><mac address='52:54:00:00:00:01'/><model type='virtio'/></interface>"))
    end })
  end)
  lazy_teardown(function()
    if machine then
      getmetatable(machine).__close(machine)
    end
  end)

  local SAVED = "guest:save_memory_state()"
  local OVERLAY = "guest:snapshot('<domainsnapshot><name>external</name></domainsnapshot>', { disk_only = true })"
  local ATTACHED = "guest:attach_device(xml, { live = true, persistent = true })"
  local NIC = "guest:attach_device(xml, { live = true })"
  local BACKUP = "guest:backup_begin(xml)"
  -- What is done before a command's lines: each, or that of its number.
  local BEFORE = {
    await = { "group:spawn(function() while true do guest:poweroff() guest:launch() guestlua.sleep(1) end end)" },
    ["managedsave-dumpxml"] = SAVED, ["managedsave-define"] = SAVED, ["managedsave-edit"] = SAVED,
    ["detach-device"] = ATTACHED, ["detach-device-alias"] = ATTACHED, ["detach-disk"] = ATTACHED, ["detach-interface"] = NIC,
    blockcommit = OVERLAY, blockpull = OVERLAY, ["snapshot-revert"] = OVERLAY, ["snapshot-delete"] = OVERLAY,
    blockjob = "disk:copy(xml, { transient = true })",
    domthrottlegroupdel = "guest:set_throttle_group('slow', { total_iops_sec = 500 }, { config = true })",
    domjobabort = BACKUP, ["backup-dumpxml"] = BACKUP, ["get-user-sshkeys"] = "guest:authorized_ssh_keys_set('root', { 'ssh-ed25519 AAAA me' })",
  }
  -- This guest does not sleep, has no encrypted memory, no cgroups, no screen and no migration under way.
  local REFUSED = { dompmwakeup = true, ["domdisplay-reload"] = true, domsetlaunchsecstate = true, schedinfo = true, ["migrate-postcopy"] = true }

  -- `xml` for a command's line.
  local function xml_for(guest, command, i)
    local dir = machine.dir
    if command == "managedsave-define" then
      return guest:managed_save_get_xml_desc({ secure = true })
    elseif command == "detach-interface" then
      return "<interface type='user'><mac address='52:54:00:00:00:02'/><model type='virtio'/></interface>"
    elseif command == "update-device" then
      local nic = guest:get_interface_by_mac("52:54:00:00:00:01")
      nic.link = { state = "down" }
      return nic
    elseif command == "backup-begin" then
      return ("<domainbackup><disks><disk name='vda' type='file'><target file='%s/pushed'/></disk></disks></domainbackup>"):format(dir)
    elseif command == "domjobabort" or command == "backup-dumpxml" then
      return ("<domainbackup mode='pull'><server transport='unix' socket='%s/nbd'/></domainbackup>"):format(dir)
    elseif command:find("^block") then
      return IMAGE:format(dir .. "/copy" .. i .. ".qcow2", "vda")
    end
    return IMAGE:format(dir .. "/data.qcow2", "vdb")
  end

  each_line("guest", REFUSED, function(row, line, i)
    if not machine then
      return pending(missing)
    end
    machine:renew()
    assert.equal(0, (helper.run(("sh -c 'cd %s && qemu-img create -q -f qcow2 data.qcow2 4M && mkdir backup && truncate -s 1M new.iso'")
      :format(machine.dir))))
    local group <close> = guestlua.group()
    local values = setmetatable({ group = group }, { __index = function(_, key)
      return key == "xml" and xml_for(machine.guest, row.command, i) or nil
    end })
    local replace = {
      { '"web1"', ("%q"):format(machine.guest.name) }, { "/var/tmp/", machine.dir .. "/" },
      { "52:54:00:00:00:01", row.command == "detach-interface" and "52:54:00:00:00:02" or "52:54:00:00:00:01" },
    }
    local before = BEFORE[row.command]
    before = type(before) == "table" and before[i] or before
    if type(before) == "string" then
      virsh.run(row, before, machine.host, replace, values)
    end
    guestlua.timeout(300, virsh.run, row, line, machine.host, replace, values)
  end)
end)
