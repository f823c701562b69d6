-- Devices that come and go while the guest runs: what libvirt says of them, and what the guest itself sees.

local guestlua = require("guestlua")
local helper = require("spec.support.helper")
local tiny = require("spec.support.tiny")

local device = guestlua.device

-- A raw image of 4 MiB for a second disk, and the disk.
local function second_disk(machine, target)
  local file = ("%s/%s"):format(machine.dir, target)
  assert(os.execute(("truncate -s 4M %s && chmod 666 %s"):format(file, file)))
  return device.disk({
    type = "file",
    device = "disk",
    driver = { name = "qemu", type = "raw" },
    source = { file = file },
    target = { dev = target, bus = "virtio" },
    alias = { name = "ua-" .. target },
  })
end

-- QEMU's own little network: it needs no privilege, and nothing of the machine's.
local function interface(mac)
  return device.interface({ type = "user", mac = { address = mac }, target = { dev = "of" .. mac:sub(-2) }, model = { type = "virtio" } })
end

-- A guest hears of what is plugged in or out when it gets to it.
local function await_in_guest(machine, condition)
  machine:sh(("until %s; do sleep 0.05; done"):format(condition))
end

local function await_gone(get_conf)
  local deadline = guestlua.now() + tiny.TIMEOUT
  while get_conf() do
    assert.is_true(guestlua.now() < deadline, "the device is still there")
    guestlua.sleep(0.05)
  end
end

describe("A device of a real guest", function()
  local machine = helper.machine()
  helper.leaves_nothing()

  local PERSISTENT = { from_persistent_config = true }
  local MAC = "52:54:00:11:22:33"
  local guest
  before_each(function()
    guest = machine.guest
  end)

  local function live(name)
    return guest:get_disk(name)
  end
  local function persistent(name)
    return guest:get_disk(name, PERSISTENT)
  end

  it("is a disk that is attached live, written to by the guest, and detached", function()
    local disk = second_disk(machine, "vdb")
    local added <close> = guest:subscribe("device_added")
    local removed <close> = guest:subscribe("device_removed")
    guest:attach_device(disk, { live = true })
    assert.equal("ua-vdb", added:next(tiny.TIMEOUT).dev_alias)
    await_in_guest(machine, "[ -e /sys/block/vdb ]")
    assert.equal("8192", machine:sh("cat /sys/block/vdb/size"))
    assert.equal(disk.source.file, live("vdb").source.file)
    assert.equal("vdb", live(disk.source.file).target.dev) -- by the path of its source
    assert.is_nil(persistent("vdb"))
    assert.same({ 2, 1 }, { #guest:get_all_disks(), #guest:get_all_disks(PERSISTENT) })

    machine:sh("echo from the guest > /dev/vdb; sync")
    guest:detach_device(live("vdb"), { live = true })
    assert.equal("ua-vdb", removed:next(tiny.TIMEOUT).dev_alias)
    assert.is_nil(live("vdb"))
    await_in_guest(machine, "[ ! -e /sys/block/vdb ]")
    local file <close> = assert(io.open(disk.source.file, "rb"))
    assert.equal("from the guest", file:read("l"))
  end)

  it("changes what is running where no option is given", function()
    guest:attach_device(second_disk(machine, "vdb"))
    await_in_guest(machine, "[ -e /sys/block/vdb ]")
    assert.is_nil(persistent("vdb"))
    guest:detach_device(live("vdb"))
    await_gone(function() return live("vdb") end)
  end)

  it("is in the persistent configuration alone", function()
    local disk = tostring(second_disk(machine, "vdb"))
    guest:attach_device(disk, { persistent = true })
    assert.is_nil(live("vdb"))
    assert.equal("vdb", persistent("vdb").target.dev)
    assert.same({ 1, 2 }, { #guest:get_all_devices("disk"), #guest:get_all_devices("disk", PERSISTENT) })
    assert.equal("vda", machine:sh("ls /sys/block"))
    guest:detach_device(disk, { persistent = true })
    assert.is_nil(persistent("vdb"))
  end)

  it("is in both, and leaves both", function()
    local disk = second_disk(machine, "vdb")
    guest:attach_device(disk, { live = true, persistent = true })
    await_in_guest(machine, "[ -e /sys/block/vdb ]")
    assert.same({ "vdb", "vdb" }, { live("vdb").target.dev, persistent("vdb").target.dev })
    guest:detach_device(disk, { live = true, persistent = true })
    assert.is_nil(persistent("vdb"))
    await_gone(function() return live("vdb") end)
    await_in_guest(machine, "[ ! -e /sys/block/vdb ]")
  end)

  it("has an alias of its own", function()
    local disk = second_disk(machine, "vdb")
    guest:attach_device(disk, { live = true, persistent = true })
    local function target(alias, options)
      local found = guest:get_device_by_alias(alias, options)
      return found and found.target.dev
    end
    assert.equal("vdb", target("ua-vdb"))
    assert.equal("vdb", target("ua-vdb", { devtype = "disk" }))
    assert.equal("vdb", target("ua-vdb", { devtype = "LibvirtConfigGuestDisk", from_persistent_config = true }))
    assert.is_nil(target("ua-vdb", { devtype = "interface" }))
    assert.is_nil(target("ua-nobody"))
    assert.equal("vda", target("virtio-disk0")) -- libvirt's own, which only what runs has
    assert.is_nil(target("virtio-disk0", PERSISTENT))

    await_in_guest(machine, "[ -e /sys/block/vdb ]")
    guest:detach_device_with_retry(live, "vdb", true, true)()
    assert.same({}, { live("vdb"), persistent("vdb") })
  end)

  it("is a network interface, which the guest knows by the same address", function()
    local cfg = interface(MAC)
    local function in_guest()
      return machine:sh("cat /sys/class/net/*/address | grep -v 00:00:00:00:00:00 || true")
    end
    assert.same({}, guest:get_interfaces())
    assert.equal("", in_guest())

    guest:attach_device(cfg, { live = true, persistent = true })
    await_in_guest(machine, "grep -q " .. MAC .. " /sys/class/net/*/address")
    assert.equal(MAC, in_guest())
    assert.same({ "of33" }, guest:get_interfaces())
    assert.equal("user", guest:get_interface_by_mac(MAC).type)
    assert.is_nil(guest:get_interface_by_mac("52:54:00:11:22:34"))
    for _, options in ipairs({ { from_persistent_config = false }, PERSISTENT }) do
      assert.equal(MAC, guest:get_interface_by_cfg(cfg, options).mac.address)
      assert.equal(MAC, guest:get_interface_by_cfg(tostring(cfg), options).mac.address)
      assert.equal(MAC, guest:get_all_devices("interface", options)[1].mac.address)
      assert.is_nil(guest:get_interface_by_cfg(interface("52:54:00:11:22:34"), options))
    end
    guest:announce_self()

    -- by its address, as it has no name of its own that both sides know
    guest:detach_device_with_retry(function(mac) return guest:get_interface_by_mac(mac) end, MAC, true, true)()
    assert.is_nil(guest:get_interface_by_cfg(cfg))
    assert.is_nil(guest:get_interface_by_cfg(cfg, PERSISTENT))
    await_in_guest(machine, "[ ! -e /sys/class/net/eth0 ]")
    assert.equal("", in_guest())

    guest:attach_device(cfg, { live = true, persistent = true })
    await_in_guest(machine, "grep -q " .. MAC .. " /sys/class/net/*/address")
    assert.equal(MAC, guestlua.workflow.detach_with_retry(guest, MAC:upper()).device:lower())
    assert.is_nil(guest:get_interface_by_cfg(cfg))
    assert.is_nil(guest:get_interface_by_cfg(cfg, PERSISTENT))
  end)

  it("of one kind or of all is listed in the order of the configuration", function()
    local kinds = {}
    for i, found in ipairs(guest:get_all_devices()) do
      kinds[i] = found:tag()
    end
    assert.equal("disk", kinds[1])
    local order = table.concat(kinds, " ")
    assert.matches("^disk controller .*controller serial console channel .*memballoon", order)
    assert.is_nil(order:find("emulator", 1, true))
    assert.equal("org.qemu.guest_agent.0", guest:get_all_devices("channel")[1].target.name)
    assert.equal("connected", guest:get_all_devices("channel")[1].target.state)
  end)

  it("takes all four free ports at once, and no fifth", function()
    local names = { "vdb", "vdc", "vdd", "vde" }
    for _, name in ipairs(names) do
      guest:attach_device(second_disk(machine, name), { live = true })
    end
    local e = helper.failure(guest.attach_device, guest, second_disk(machine, "vdf"), { live = true })
    assert.equal("attach_device", e.op)
    assert.matches("PCI", e.message)
    await_in_guest(machine, "[ -e /sys/block/vdb -a -e /sys/block/vdc -a -e /sys/block/vdd -a -e /sys/block/vde ]")

    local tasks = {} -- beside each other, on one guest
    for i, name in ipairs(names) do
      tasks[i] = guestlua.spawn(function()
        guest:detach_device_with_retry(live, name, false, true)()
      end)
    end
    for _, task in ipairs(tasks) do
      task:wait()
    end
    assert.equal(1, #guest:get_all_disks())
    await_in_guest(machine, '[ "$(ls /sys/block)" = vda ]')
  end)

  it("that is not there is reported as such", function()
    local disk = second_disk(machine, "vdz")
    for _, case in ipairs({
      { function() return nil end, true, true },
      { function() return disk end, true, false }, -- libvirt knows better than the function
      { function() return disk end, false, true },
    }) do
      local e = helper.failure(guest.detach_device_with_retry, guest, case[1], "vdz", case[2], case[3])
      assert.same({ "device_not_found", "vdz", machine.name }, { e.kind, e.device, e.guest })
      assert.matches("Device 'vdz' not found", e.message)
    end
    -- In two places at once one of them may well be without it: only the second look decides.
    local wait = guest:detach_device_with_retry(function() return disk end, "vdz", true, true)
    assert.equal("device_not_found", helper.failure(wait).kind)
    assert.equal("device_not_found", helper.failure(guest.detach_device, guest, disk, { live = true }).kind)
    assert.equal("device_not_found", helper.failure(guest.detach_device, guest, disk, { persistent = true }).kind)
  end)

  it("leaves the one place where it is", function()
    local disk = second_disk(machine, "vdb")
    guest:attach_device(disk, { persistent = true })
    guest:detach_device_with_retry(persistent, "vdb", true, false)()
    assert.is_nil(persistent("vdb"))

    guest:attach_device(disk, { live = true })
    await_in_guest(machine, "[ -e /sys/block/vdb ]")
    guest:detach_device_with_retry(live, "vdb", true, true)() -- the persistent configuration never had it
    assert.is_nil(live("vdb"))
  end)

  it("that an attached image lacks is refused, and nothing is left of it", function()
    local disk = second_disk(machine, "vdb")
    disk.source.file = machine.dir .. "/nothing"
    local e = helper.failure(guest.attach_device, guest, disk, { live = true, persistent = true })
    assert.is_truthy(e.code)
    assert.matches("nothing", e.message)
    assert.same({}, { live("vdb"), persistent("vdb") })
  end)
end)

describe("detach_device_with_retry", function()
  helper.leaves_nothing()

  it("gives up on a guest that stands still, and waits for one with a kernel that is not up yet", function()
    local machine <close> = tiny.boot({ await = false })
    local guest = machine.guest
    guest:attach_device(second_disk(machine, "vdb"), { live = true, persistent = true })
    local looks = 0
    local function get_conf(name)
      looks = looks + 1
      return guest:get_disk(name)
    end

    guest:pause()
    local conf = guest:get_disk("vdb")
    local task = guestlua.spawn(function()
      guest:detach_device(conf, { live = true })
    end)
    guestlua.sleep(0) -- libvirt asks the guest, and waits some seconds for what it says
    task:cancel()
    local cancelled = helper.failure(task.wait, task)
    assert.same({ "cancelled", "detach_device", machine.name, true }, { cancelled.kind, cancelled.op, cancelled.guest, cancelled.still_running })
    assert.matches("still runs", tostring(cancelled))

    local wait = guest:detach_device_with_retry(get_conf, "vdb", true, true, { max_retry_count = 0 })
    local e = helper.failure(wait)
    assert.same({ "device_detach_failed", "vdb", machine.name }, { e.kind, e.device, e.guest })
    assert.equal(2, looks)
    assert.is_truthy(guest:get_disk("vdb"))
    assert.is_nil(guest:get_disk("vdb", { from_persistent_config = true })) -- that needs no guest

    guest:resume()
    guest:detach_device_with_retry(get_conf, "vdb", false, true, { max_retry_count = -1, inc_sleep_time = 0.1, max_sleep_time = 1 })()
    assert.is_nil(guest:get_disk("vdb"))
    assert.is_true(looks > 3)
  end)
end)
