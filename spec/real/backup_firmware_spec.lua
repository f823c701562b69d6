-- UEFI variables and a TPM in backups: the variables come back byte for byte, wherever libvirt keeps them, and what is not saved is named.

local core = require("guestlua.core")
local guestlua = require("guestlua")
local helper = require("spec.support.helper")
local tiny = require("spec.support.tiny")

local workflow = guestlua.workflow

local DOMAIN = [[<domain type='qemu'><name>%s</name><memory>65536</memory>
  <os><type arch='x86_64' machine='q35'>hvm</type><loader readonly='yes' type='pflash'>%s/code.fd</loader>%s</os>
  <features><acpi/></features>
  <devices><disk type='file' device='disk'><driver name='qemu' type='qcow2'/><source file='%s/disk.qcow2'/><target dev='vda' bus='virtio'/></disk>
  %s</devices></domain>]]

describe("A backup of a guest with firmware", function()
  local dir, host

  helper.leaves_nothing(function()
    host = tiny.host()
    dir = helper.scratch()
    assert(os.execute(("chmod 755 %s && mkdir %s/to && qemu-img create -q -f qcow2 %s/disk.qcow2 1M"):format(dir, dir, dir)))
  end)

  local function it_(name, fn)
    it(name, core.nbd_copy and fn or function() pending("this was built without libnbd") end)
  end

  -- Calls fn with a guest that is off, which is no guest any more afterwards.
  local function with_guest(nvram, devices, fn)
    local guest <close> = host:write_instance_config(DOMAIN:format("firm", dir, nvram, dir, devices))
    local ok, e = pcall(fn, guest)
    guest:delete_configuration({ keep_nvram = true })
    assert(ok, e)
  end

  local function write(name, text)
    local file <close> = assert(io.open(dir .. "/" .. name, "wb"))
    assert(file:write(text))
  end

  local function read(path)
    local file <close> = assert(io.open(path, "rb"))
    return file:read("a")
  end

  local VARIABLES = ("\0\1\255vars\n"):rep(9000)

  for what, nvram in pairs({ text = "<nvram>%s/VARS.fd</nvram>", source = "<nvram type='file'><source file='%s/VARS.fd'/></nvram>" }) do
    it_("has its UEFI variables, which are in a file that is a " .. what, function()
      write("VARS.fd", VARIABLES)
      local made
      with_guest(nvram:format(dir), "", function(guest)
        made = workflow.backup(guest, { to = dir .. "/to" })
        assert.same({}, made.left_out)
        assert.equal(VARIABLES, read(("%s/%s.nvram"):format(made.directory, made.id)))
        write("VARS.fd", "changed since")
        -- beside it: its own file
        local other = workflow.restore(host, { from = made.directory, name = "other", to = dir })
        local restored <close> = host:guest("other")
        assert.equal(VARIABLES, read(dir .. "/other_VARS.fd"))
        assert.is_truthy(restored:get_xml_desc({ dump_inactive = true }):find(dir .. "/other_VARS.fd", 1, true))
        assert.is_nil(restored:get_xml_desc({ dump_inactive = true }):find(dir .. "/VARS.fd", 1, true))
        assert.equal("other", other.guest)
        restored:delete_configuration({ keep_nvram = true })
        assert.equal("changed since", read(dir .. "/VARS.fd"))
      end)
      -- the guest is gone, and its file is still there: it is not overwritten
      local function back()
        return workflow.restore(host, { from = made.directory, disks = { vda = dir .. "/back.qcow2" } })
      end
      local e = helper.failure(back)
      assert.equal("operation_invalid", e.kind)
      assert.matches("VARS.fd already", e.message, 1, true)
      os.remove(dir .. "/VARS.fd")
      back()
      local restored <close> = host:guest("firm")
      assert.equal(VARIABLES, read(dir .. "/VARS.fd"))
      restored:delete_configuration({ keep_nvram = true })
    end)
  end

  it_("with UEFI variables that cannot be read does not exist", function()
    with_guest(("<nvram>%s/to</nvram>"):format(dir), "", function(guest)
      local e = helper.failure(workflow.backup, guest, { to = dir .. "/to" })
      assert.matches("UEFI variables cannot be read", e.message)
      assert.equal(0, #workflow.backups(dir .. "/to/firm"))
    end)
  end)

  it_("names UEFI variables that there are none of, because the guest was never started", function()
    with_guest(("<nvram>%s/none.fd</nvram>"):format(dir), "", function(guest)
      local made = workflow.backup(guest, { to = dir .. "/to" })
      assert.equal("nvram", made.left_out[1].target)
      assert.matches("none.fd: libvirt makes the UEFI variables when the guest starts", made.left_out[1].why, 1, true)
    end)
  end)

  it_("names a TPM, and variables that are in no file", function()
    local tpm = "<tpm model='tpm-tis'><backend type='passthrough'><device path='/dev/tpm0'/></backend></tpm>"
    local nvram = "<nvram type='block'><source dev='/dev/none'/></nvram>"
    with_guest(nvram, tpm, function(guest)
      local result = workflow.backup(guest, { to = dir .. "/to" })
      local names = {}
      for i, one in ipairs(result.left_out) do
        names[i] = one.target
      end
      assert.same({ "nvram", "tpm" }, names)
      assert.matches("in no file", result.left_out[1].why)
      assert.matches("recovery key", result.left_out[2].why)
      assert.same(result.left_out, workflow.backups(result.directory)[1].left_out)
      -- another guest does not write to the variables of the first
      local other = workflow.restore(host, { from = result.directory, name = "other", to = dir })
      local restored <close> = host:guest("other")
      local xml = restored:get_xml_desc({ dump_inactive = true })
      restored:delete_configuration({ support_uefi = true })
      assert.same({ "nvram" }, other.dropped)
      assert.is_nil(xml:find("/dev/none", 1, true), xml)
    end)
  end)
end)

-- A guest that the firmware boots, and that writes variables. libvirt chooses the firmware and the file, and the configuration names neither.
describe("A backup of a guest with UEFI firmware", function()
  local sh = helper.sh
  local reason = not core.nbd_copy and "this was built without libnbd" or nil
  local machine, it_ = nil, function(name, fn)
    it(name, function()
      if reason then
        pending(reason)
      else
        fn()
      end
    end)
  end

  -- The tiny guest's kernel as it is packed, which firmware can start, and the tiny system with the file system of variables.
  local PREPARE = [[
    cd %s
    release=$(grep -aom1 'Linux version [0-9][^ ]*' vmlinuz | sed 's/.* //')
    modules=/lib/modules/$release
    if [ ! -r "/boot/vmlinuz-$release" ] || ! ls /usr/share/qemu/firmware/*edk2-x86_64*.json >/dev/null 2>&1; then
      echo "there is no UEFI firmware, or no kernel that it can start"
      exit
    fi
    rm vmlinuz
    cp "/boot/vmlinuz-$release" vmlinuz
    chmod 644 vmlinuz
    mkdir efi
    file=$(find "$modules" -name 'efivarfs.ko*')
    case $file in
    *.xz) xz -dc "$file" >efi/efivarfs.ko ;;
    *.zst) zstd -dcq "$file" >efi/efivarfs.ko ;;
    ?*) cp "$file" efi/efivarfs.ko ;;
    esac
    find efi | cpio -oH newc 2>/dev/null | gzip >>initrd
  ]]

  local DIRECTORY, VENDOR = "/sys/firmware/efi/efivars", "12345678-1234-4234-8234-123456789abc"
  local MOUNT = "grep -q efivarfs /proc/mounts || { [ ! -e /efi/efivarfs.ko ] || insmod /efi/efivarfs.ko; mount -t efivarfs none "
    .. DIRECTORY .. "; }; "

  helper.leaves_nothing()

  lazy_setup(function()
    if reason then
      return
    end
    local ok, e = pcall(function()
      machine = tiny.boot({
        prepare = function(one)
          local said = sh(PREPARE, one.dir)
          if said ~= "" then
            reason = said:gsub("%s+$", "")
            error({ none = true }, 0)
          end
        end,
        edit = function(domain)
          domain.os.firmware = "efi"
          domain.memory = { "256", unit = "MiB" }
        end,
      })
    end)
    assert(ok or reason, e)
  end)

  lazy_teardown(function()
    if machine then
      machine.guest:poweroff()
      machine.guest:delete_configuration({ support_uefi = true, checkpoints_metadata = true })
      getmetatable(machine).__close(machine)
    end
  end)

  -- A variable of that name. Linux lets nobody write to those that are there.
  local function say(word)
    machine:sh(MOUNT .. ("printf '\\7\\0\\0\\0it is %s' >%s/%s-%s"):format(word, DIRECTORY, word, VENDOR))
  end

  local function read(path)
    local file <close> = assert(io.open(path, "rb"))
    return file:read("a")
  end

  -- What libvirt starts a guest with.
  local function nvram_of(guest)
    guest:launch({ pause = true })
    local path = core.element(guest:get_xml_desc()).os.nvram[1]
    guest:poweroff()
    return path
  end

  it_("has the variables of the running guest, with which it boots", function()
    say("first")
    -- libvirt 9 does not name the file in the guest's configuration, libvirt 11 does
    local made = workflow.backup(machine.guest, { to = machine.dir .. "/to" })
    assert.same({}, made.left_out)
    say("other")
    local command = { "/bin/sh", "-c", MOUNT .. ("cd %s && cat *-%s"):format(DIRECTORY, VENDOR) }
    local verified = workflow.verify(made.directory, { boot = true, command = command })
    assert.equal("\7\0\0\0it is first", verified[1].boot.output)
    local saved = read(("%s/%s.nvram"):format(made.directory, made.id))
    assert.is_truthy(saved:find("it is first", 1, true))
    -- another guest has them in its own file
    workflow.restore(machine.host, { from = made.directory, name = "beside", to = machine.dir })
    local beside <close> = machine.host:guest("beside")
    local path = nvram_of(beside)
    assert.matches("/beside_VARS.fd", path, 1, true)
    assert.equal(saved, read(path))
    beside:delete_configuration({ support_uefi = true })
  end)

  it_("has those of one that is off, and restores them for the same guest, and a clone has them too", function()
    say("later")
    machine.guest:poweroff()
    do -- the guest does not go to another host without them, although its configuration does not name them
      local other <close> = guestlua.open("test:///default")
      local e = helper.failure(workflow.offline_migrate, machine.guest, other, { destination_uri = "test://x/default" })
      assert.same({ "operation_invalid", "look" }, { e.kind, e.step }, tostring(e))
      assert.matches("its UEFI variables are in a file of this host's", e.message, 1, true)
    end
    local made = workflow.backup(machine.guest, { to = machine.dir .. "/to" })
    assert.same({}, made.left_out)
    local saved = read(("%s/%s.nvram"):format(made.directory, made.id))
    assert.is_truthy(saved:find("it is later", 1, true))
    workflow.clone(machine.guest, { name = "clone" })
    local clone <close> = machine.host:guest("clone")
    local path = nvram_of(clone)
    assert.matches("/clone_VARS.fd", path, 1, true)
    assert.equal(saved, read(path))
    local file = core.element(clone:get_xml_desc({ dump_inactive = true })).devices.disk.source.file
    clone:delete_configuration({ support_uefi = true })
    os.remove(file)
    -- the guest is lost, with its variables
    machine.guest:delete_configuration({ support_uefi = true, checkpoints_metadata = true })
    machine.guest:close()
    local back = { from = made.directory, disks = { vda = machine.dir .. "/back.qcow2" } }
    workflow.restore(machine.host, back)
    machine.guest = machine.host:guest(machine.name)
    path = nvram_of(machine.guest)
    assert.matches(("/%s_VARS.fd"):format(machine.name), path, 1, true)
    assert.equal(saved, read(path))
    -- what is there is not written over
    machine.guest:delete_configuration({ keep_nvram = true })
    back.disks.vda = machine.dir .. "/again.qcow2"
    local e = helper.failure(workflow.restore, machine.host, back)
    assert.equal("operation_invalid", e.kind)
    assert.matches("_VARS.fd already", e.message, 1, true)
    os.remove(path)
    workflow.restore(machine.host, back)
    machine.guest:close()
    machine.guest = machine.host:guest(machine.name)
    machine.guest:launch({ pause = true })
  end)
end)
