-- Story: a guest had a disk vdb in a file. ensure_detached of a <disk type='volume'> at vdb, which another guest had, took it away, and
-- ensure_attached of it said that the guest had it already: of a disk in a pool and one by its path nobody asked whether they are the same image,
-- and their target decided.

local devices = require("guestlua.guest.devices")
local guestlua = require("guestlua")
local helper = require("spec.support.helper")

local workflow = guestlua.workflow

local function disk(kind, source)
  return ("<disk type='%s' device='disk'><source %s/><target dev='vdb' bus='virtio'/></disk>"):format(kind, source)
end

local VOLUME, OTHER = disk("volume", "pool='one' volume='made'"), disk("volume", "pool='one' volume='other'")
local GONE = disk("volume", "pool='gone' volume='made'")
local FILE = disk("file", "file='/pool/made'")
local TOP = "<disk type='file' device='disk'><source file='/top'/><backingStore type='volume'><source pool='one' volume='made'/></backingStore>"
  .. "<target dev='vdb' bus='virtio'/></disk>"

-- What the guest has, what is wanted, and whether that is it.
local ROWS = {
  { FILE, VOLUME, true },
  { VOLUME, FILE, true },
  { disk("block", "dev='/pool/made'"), VOLUME, true },
  { TOP, VOLUME, true },
  { TOP, FILE, true },
  { FILE, OTHER, false },
  { OTHER, FILE, false },
  { VOLUME, OTHER, false },
  { TOP, OTHER, false },
  { FILE, GONE, false },
  { GONE, FILE, false },
  { disk("network", "protocol='nbd' name='/pool/made'"), VOLUME, false },
}

describe("A volume of a pool, and a file at the same target", function()
  local host
  helper.leaves_nothing(function()
    host = guestlua.open("test:///default")
    local pool <close> = host:storage_pool_create_xml("<pool type='dir'><name>one</name><target><path>/pool</path></target></pool>")
    for _, volume in ipairs({ "made", "other" }) do
      pool:create_xml(("<volume><name>%s</name><capacity>1048576</capacity></volume>"):format(volume)):close()
    end
  end, function()
    host:close()
  end)

  it("are one disk if they are one image, and no others", function()
    for i, row in ipairs(ROWS) do
      local has, wanted, same = table.unpack(row)
      local found = devices.best_of(guestlua.element(wanted), { guestlua.element(has) }, { host = host })
      assert.equal(same and 1 or 0, #found, ("row %d: %s"):format(i, wanted))
    end
  end)

  it("are told apart by all that attach and detach", function()
    local guest <close> = guestlua.Guest.create("<domain type='test'><name>d</name><memory>1024</memory><os><type>hvm</type></os><devices>"
      .. FILE .. "</devices></domain>", host)
    local undefine <close> = setmetatable({}, { __close = function() guest:delete_configuration() end })
    guestlua.journal({ dir = helper.scratch() })
    assert.is_false(workflow.ensure_attached(guest, VOLUME).changed)
    for _, name in ipairs({ "ensure_attached", "attach_with_retry" }) do
      assert.equal("device_conflict", helper.failure(workflow[name], guest, OTHER).kind)
    end
    assert.equal("device_conflict", helper.failure(guest.attached, guest, OTHER).kind)
    assert.is_false(workflow.ensure_detached(guest, OTHER).changed)
    assert.equal("device_not_found", helper.failure(workflow.detach_with_retry, guest, OTHER).kind)
    assert.equal("/pool/made", guest:get_disk("vdb").source.file)
    assert.is_not_nil(undefine)
  end)
end)
