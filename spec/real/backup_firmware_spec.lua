-- UEFI variables and a TPM in backups of a guest that is off: the variables come back byte for byte, and what is not saved is named.

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
    with_guest(("<nvram>%s/none.fd</nvram>"):format(dir), "", function(guest)
      local e = helper.failure(workflow.backup, guest, { to = dir .. "/to" })
      assert.matches("UEFI variables cannot be read", e.message)
      assert.equal(0, #workflow.backups(dir .. "/to/firm"))
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
