-- A guest with an emulator that stands still: libvirt waits for its answer without end. What the guest's system does is of no account.

local faults = require("spec.support.faults")
local guestlua = require("guestlua")
local helper = require("spec.support.helper")
local tiny = require("spec.support.tiny")

local LONG = tiny.TIMEOUT

describe("A call on a guest that is stuck", function()
  local machine, other
  helper.leaves_nothing()

  lazy_setup(function()
    machine, other = tiny.boot({ await = false }), tiny.boot({ await = false })
  end)
  lazy_teardown(function()
    for _, one in ipairs({ machine, other }) do
      getmetatable(one).__close(one)
    end
  end)

  local function signal(name)
    local file <close> = assert(io.open(("%s/../run/qemu/%s.pid"):format(machine.dir, machine.name)))
    assert(os.execute(("kill -%s %d"):format(name, file:read("n"))))
  end

  -- Until libvirt has answered all that nobody waits for any more.
  local function settle()
    signal("CONT")
    machine.guest:get_disk_errors({ timeout = LONG })
    machine.guest:get_block_device("vda"):resize(64 << 20, { timeout = LONG })
  end

  -- fn gets the guest, and a disk of it.
  local function stuck(fn)
    signal("STOP")
    local going <close> = setmetatable({}, { __close = settle })
    fn(machine.guest, machine.guest:get_block_device("vda"))
  end

  it("ends with its time, and says that libvirt is still at it; the next ones had not begun", function()
    stuck(function(guest, disk)
      local e = helper.failure(guest.get_disk_errors, guest, { timeout = 0.1 })
      assert.same({ "timeout", true }, { e.kind, e.still_running })
      assert.same({ "get_disk_errors", "virDomainGetDiskErrors", machine.name }, { e.op, e.call, e.guest })
      assert.matches("no answer within 0.1 s; the call still runs in libvirt", e.message)
      e = helper.failure(guest.get_disk_errors, guest, { timeout = 0.1 })
      assert.same({ "timeout", false }, { e.kind, e.still_running })
      assert.matches("the call had not begun", e.message)
      e = helper.failure(disk.resize, disk, 1 << 20, { shrink = true, timeout = 0.1 })
      assert.same({ "timeout", true }, { e.kind, e.still_running }, "this one changes the guest, and does not wait for one that only looks")
      e = helper.failure(guest.set_metadata, guest, "<a/>", { timeout = 0.1 })
      assert.same({ "timeout", false }, { e.kind, e.still_running })
    end)
  end)

  it("does not hold up the other guests", function()
    stuck(function(guest)
      local tasks = {}
      for i = 1, 6 do
        tasks[i] = guestlua.spawn(guest.get_disk_errors, guest)
      end
      guestlua.sleep(0)
      for _ = 1, 3 do
        assert.same({}, other.guest:get_disk_errors({ timeout = LONG }))
        assert.is_true(other.guest:is_active())
      end
      assert.equal(6, guestlua.alive().ops)
      for _, task in ipairs(tasks) do
        assert.equal("running", task:status())
        task:cancel()
      end
      local running = 0
      for _, task in ipairs(tasks) do
        local e = helper.failure(task.wait, task)
        assert.equal("cancelled", e.kind)
        running = running + (e.still_running and 1 or 0)
      end
      assert.equal(1, running)
      assert.equal(1, guestlua.alive().ops) -- libvirt has that one
    end)
  end)

  it("is answered in turn when the guest goes on", function()
    local order, tasks = {}, {}
    stuck(function(guest)
      for i = 1, 5 do
        tasks[i] = guestlua.spawn(function()
          guest:get_disk_errors()
          order[#order + 1] = i
        end)
      end
      guestlua.sleep(0.05)
      assert.same({}, order)
    end)
    for _, task in ipairs(tasks) do
      task:wait({ timeout = LONG })
    end
    assert.same({ 1, 2, 3, 4, 5 }, order)
  end)

  it("is reported to whoever had a time limit over it", function()
    stuck(function(guest)
      local e = helper.failure(guestlua.timeout, 0.1, function() guest:get_disk_errors() end)
      assert.same({ "timeout", true, "get_disk_errors", machine.name }, { e.kind, e.still_running, e.op, e.guest })
      assert.matches("not over within 0.1 s; the call still runs in libvirt", e.message, 1, true)
      assert.equal("cancelled", e.cause.kind)
    end)
  end)

  it("ends with its time where Lua cannot yield, and in coroutines", function()
    stuck(function(guest)
      local kinds = {}
      local function try()
        local ok, e = pcall(guest.get_disk_errors, guest, { timeout = 0.05 })
        kinds[#kinds + 1] = not ok and e.kind
      end
      table.sort({ 1, 2 }, function()
        try()
        return false
      end)
      coroutine.wrap(try)()
      coroutine.wrap(function() table.sort({ 1, 2 }, function() try() return false end) end)()
      assert.same({ "timeout", "timeout", "timeout" }, kinds)
    end)
  end)

  it("does not keep the guest from being ended, nor do the stuck calls of others", function()
    local code, out, err = faults.run([[
      local host <close> = guestlua.open("test:///default")
      local DOMAIN = "<domain type='test'><name>other</name><memory>1024</memory><os><type>hvm</type></os></domain>"
      local guests = { host:guest("test"), guestlua.Guest.create(DOMAIN, host) }
      guests[2]:launch()
      local over = 0
      local group <close> = guestlua.group()
      for _, guest in ipairs(guests) do
        group:spawn(function() pcall(guest.get_disk_errors, guest) over = over + 1 end)
        group:spawn(function() pcall(guest.set_metadata, guest, "<a/>") over = over + 1 end)
      end
      guestlua.sleep(0.1)
      guests[2]:poweroff()
      print(over)
      group:wait()
      print(over)
    ]], { fault = { "virDomainGetDiskErrors#*:hang=3", "virDomainSetMetadata#*:hang=3" } })
    assert.same({ 0, "0\n4\n", "" }, { code, out, err })
  end)
end)
