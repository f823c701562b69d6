-- What the guest's agent says of the system inside, and the programs and files there.

local guestlua = require("guestlua")
local helper = require("spec.support.helper")

describe("A guest's agent", function()
  local machine = helper.machine()
  local guest
  helper.leaves_nothing(function()
    guest = machine.guest
  end)

  it("says what is inside, as tables", function()
    local os_info = guest:os_info()
    assert.equal("x86_64", os_info.machine)
    assert.equal(machine:sh("uname -r"), os_info.kernel_release)
    assert.same({}, guest:users())
    local filesystems, disks, interfaces = guest:filesystems(), guest:disks(), guest:interfaces()
    assert.same({ 1, "/data", "ext4", "vda" }, { #filesystems, filesystems[1].mountpoint, filesystems[1].fstype, filesystems[1].disk[1].alias })
    assert.is_true(filesystems[1].used_bytes < filesystems[1].total_bytes)
    assert.same({ 1, "/dev/vda", "vda", false }, { #disks, disks[1].name, disks[1].alias, disks[1].partition })
    assert.same({ "lo", "00:00:00:00:00:00", {} }, { interfaces[1].name, interfaces[1].hwaddr, interfaces[1].addr })
    local all = guest:get_guest_info()
    assert.same({ "UTC", 1 }, { all["timezone.name"], all["fs.count"] })
    assert.is_nil(guest:get_guest_info({ os = true })["fs.count"])
  end)
end)

describe("A guest without an agent", function()
  helper.leaves_nothing()

  it("says that it has none", function()
    local host <close> = guestlua.open("test:///default")
    local e = helper.failure(function() host:guest("test"):os_info() end)
    assert.equal("no_support", e.kind)
  end)
end)
