-- Where the UEFI variables of a guest are for which libvirt chooses the firmware, as QEMU's arguments say: libvirt's own are in
-- spec/real/backup_firmware_spec.lua.

local guestlua = require("guestlua")
local nvram = require("guestlua.workflow.nvram")

local CODE = [[-blockdev '{"driver":"file","filename":"/code.fd","node-name":"libvirt-pflash0-storage"}' -machine q35,pflash0=libvirt-pflash0-format]]
local VARS = [[,pflash1=libvirt-pflash1-format -blockdev '{"driver":"file","filename":"/vars.fd","node-name":"libvirt-pflash1-storage"}']]

describe("UEFI variables", function()
  local DOMAIN = guestlua.element("<domain><os firmware='efi'/></domain>")

  local function of(arguments)
    return table.pack(nvram.path({ domain_xml_to_native = function() return arguments end }, DOMAIN))
  end

  it("are in the file that QEMU gets", function()
    assert.same({ "/vars.fd", nil, true, n = 3 }, of("qemu " .. CODE .. VARS))
  end)

  -- It was a reason to refuse a clone and a move, as for a file that is not to be found.
  it("are none if the firmware keeps none", function()
    assert.same({ nil, nil, true, n = 3 }, of("qemu " .. CODE))
    assert.same({ nil, nil, true, n = 3 }, of("qemu"))
    assert.matches("does not say which file", of("qemu " .. CODE .. ",pflash1=libvirt-pflash1-format")[2], 1, true)
  end)
end)
