-- A libvirtd of our own, with libvirt's test driver in it: that forgets its guests when the daemon ends, but for "test", which it always has.

local guestlua = require("guestlua")
local helper = require("spec.support.helper")

local TIMEOUT = 120

local dir, uri, missing

local function daemon(what, ...)
  local code, out, err = helper.run(table.concat({ "spec/support/daemon", what, dir, ... }, " "))
  assert(code == 0 or code == 77, err)
  return out, code == 77 and err or nil
end

local function signal(name)
  assert(os.execute(("kill -%s $(cat %s/libvirtd.pid)"):format(name, dir)))
end

-- Calls fn until what it returns is true; errors are as false.
local function await(fn)
  local deadline = guestlua.now() + TIMEOUT
  repeat
    local ok, result = pcall(fn)
    if ok and result then
      return result
    end
    guestlua.sleep(0.01)
  until guestlua.now() > deadline
  error("waited in vain", 2)
end

describe("A connection that is lost", function()
  helper.leaves_nothing()

  lazy_setup(function()
    local pipe <close> = io.popen("mktemp -u -t guestlua.XXXXXX")
    dir = pipe:read()
    local out
    out, missing = daemon("up", "$PPID") -- it ends with this process, whatever becomes of it
    uri = not missing and ("test+unix:///default?socket=%s/libvirt-sock"):format(dir)
    assert(missing or out:find(dir, 1, true))
  end)

  lazy_teardown(function()
    if not missing then
      daemon("down")
    end
  end)

  local function it_(what, fn)
    it(what, function()
      if missing then
        pending(missing)
      else
        fn()
      end
    end)
  end

  it_("says so, once, and is not alive", function()
    local host <close> = guestlua.open(uri)
    local guest = host:guest("test")
    local seen = {}
    local heard = guestlua.signal()
    host:on("disconnected", function(event)
      seen[#seen + 1] = event
      heard:wake()
    end)
    assert.is_true(host:is_alive())
    daemon("kill")
    if #seen == 0 then
      assert.is_true(heard:wait({ timeout = TIMEOUT }))
    end
    guestlua.sleep(0.05)
    assert.same({ { event = "disconnected", reason = "eof" } }, seen)
    assert.is_false(host:is_alive())
    local e = helper.failure(guest.get_xml_desc, guest)
    assert.equal("disconnected", e.kind)
    daemon("start")
    e = helper.failure(guest.get_xml_desc, guest) -- without reconnect it stays so
    assert.equal("disconnected", e.kind)
  end)

  it_("is opened again: its guests and its subscriptions go on, and each hears of the gap", function()
    local host <close> = guestlua.open(uri, { reconnect = true })
    local guest, again = host:guest("test"), host:guest("test")
    local disk = guest:get_block_device("vda")
    local one, several = guest:subscribe("lifecycle"), host:subscribe({ "lifecycle", "reboot", "disconnected", "reconnected" })
    local only, handled = host:subscribe("reconnected"), {}
    host:on("reconnected", function(event)
      handled[#handled + 1] = event
    end)
    local waits = guestlua.spawn(guest.wait_event, guest, "lifecycle", {
      match = function(e) return e.type == "resumed" end,
      timeout = TIMEOUT,
    })
    for round = 1, 2 do
      assert.is_nil(one:next(0))
      daemon("kill")
      assert.equal("disconnected", several:next(TIMEOUT).event)
      local e = helper.failure(guest.get_xml_desc, guest)
      assert.equal("disconnected", e.kind) -- whatever code libvirt has for it
      assert.matches("host:reconnect%(%)", e.hint)
      daemon("start")
      for _, subscription in ipairs({ one, several, only }) do
        local event = subscription:next(TIMEOUT)
        assert.equal("reconnected", event.event)
        assert.equal("integer", math.type(event.gap))
      end
      await(function() return #handled == round end)
      assert.is_true(host:is_alive())
      await(function() return guest:is_active() end)
      assert.equal(guest.uuid, again.uuid)
      assert.equal("test", again:get_config().name[1])
      assert.equal("no_support", helper.failure(disk.get_job_info, disk).kind) -- it is the driver that says so
      again:pause()
      assert.equal("suspended", one:next(TIMEOUT).type)
      assert.equal("suspended", several:next(TIMEOUT).type)
    end
    again:resume()
    assert.equal("resumed", waits:wait().type)
    assert.is_nil(only:next(0))
    assert.equal(2, #handled)
  end)

  it_("is opened again: the subscriptions to networks and pools go on, too", function()
    local host <close> = guestlua.open(uri, { reconnect = true })
    local network, pool = host:network("default"), host:pool("default-pool")
    local of_network, of_pool = network:subscribe("network_lifecycle"), pool:subscribe({ "storage_pool_refresh", "storage_pool_lifecycle" })
    local all = host:subscribe({ "network_lifecycle", "storage_pool_refresh" })
    local lost <close> = network:subscribe("disconnected")
    for _ = 1, 2 do
      daemon("kill")
      assert.equal("disconnected", lost:next(TIMEOUT).event)
      daemon("start")
      for _, subscription in ipairs({ of_network, of_pool, all, lost }) do
        assert.equal("reconnected", subscription:next(TIMEOUT).event)
      end
      await(function() return network:is_active() end)
      network:destroy()
      pool:refresh()
      local event = of_network:next(TIMEOUT)
      assert.same({ "network_lifecycle", "default", "stopped" }, { event.event, event.object, event.type })
      assert.equal("storage_pool_refresh", of_pool:next(TIMEOUT).event)
      assert.same({ "network_lifecycle", "storage_pool_refresh" }, { all:next(TIMEOUT).event, all:next(TIMEOUT).event })
    end
  end)

  it_("does not have guests that are gone meanwhile, and has them again", function()
    local host <close> = guestlua.open(uri, { reconnect = true })
    local reconnected <close> = host:subscribe("reconnected")
    local conf = guestlua.element("domain", { type = "test", name = { "other" }, uuid = { "11111111-2222-3333-4444-555555555555" },
      memory = { 1024 }, os = { type = { "hvm" } } })
    local other = guestlua.Guest.create(conf, host)
    local disk = other:get_block_device("vda")
    daemon("kill")
    daemon("start")
    assert.equal("reconnected", reconnected:next(TIMEOUT).event)
    guestlua.sleep(0)
    for _, call in ipairs({
      function() other:is_active() end,
      function() disk:get_job_info() end,
      function() other:subscribe("lifecycle") end,
    }) do
      await(function() return select(2, pcall(call)).kind == "no_domain" end)
      assert.matches("guest 'other' was gone when the connection was opened again", helper.failure(call).message)
    end
    assert.equal("other", other.name)
    assert.equal("<Guest -1 other 11111111-2222-3333-4444-555555555555>", tostring(other))
    local new = guestlua.Guest.create(conf, host)
    assert.is_false(new:is_active())
    host:reconnect()
    assert.is_false(other:is_active())
    new:delete_configuration()
  end)

  it_("can be opened again by hand, lost or not", function()
    local host <close> = guestlua.open(uri)
    local guest = host:guest("test")
    local events <close> = guest:subscribe({ "lifecycle", "reboot" })
    local lost <close> = host:subscribe("disconnected")
    host:reconnect({ gap = 3.7 })
    assert.same({ event = "reconnected", gap = 3 }, events:next(TIMEOUT))
    guest:pause()
    assert.equal("suspended", events:next(TIMEOUT).type)
    guest:resume()
    assert.equal("resumed", events:next(TIMEOUT).type)
    assert.equal("reconnected", lost:next(0).event)
    daemon("kill")
    assert.equal("disconnected", lost:next(TIMEOUT).event)
    local e = helper.failure(host.reconnect, host)
    assert.equal("reconnect", e.op)
    daemon("start")
    host:reconnect()
    guest:pause()
    assert.equal("reconnected", events:next(TIMEOUT).event)
    assert.equal("suspended", events:next(TIMEOUT).type)
    guest:resume()
  end)

  it_("can be closed while it is lost, and while it is opened again", function()
    for _, moment in ipairs({ "lost", "there", "at once" }) do
      local host = guestlua.open(uri, { reconnect = true })
      local guest, before = host:guest("test"), guestlua.alive().subscriptions
      local loop = guestlua.spawn(function()
        for _ in guest:events({ "lifecycle" }) do end -- luacheck: ignore
      end)
      await(function() return guestlua.alive().subscriptions > before end)
      local lost <close> = host:subscribe("disconnected")
      host:on("disconnected", function() end)
      daemon("kill")
      if moment == "lost" then
        lost:next(TIMEOUT)
        guestlua.sleep(0.01)
      elseif moment == "there" then
        lost:next(TIMEOUT)
        daemon("start")
        guestlua.sleep(0.01)
      end
      host:close()
      assert.equal("closed", helper.failure(guest.is_active, guest).kind)
      assert.equal("closed", helper.failure(loop.wait, loop, { timeout = TIMEOUT }).kind)
      await(function() return guestlua.alive().tasks == 1 end)
      if moment ~= "there" then
        daemon("start")
      end
    end
  end)

  it_("is noticed by a daemon that says nothing any more, and opened again", function()
    local host <close> = guestlua.open(uri, { keepalive = 1, reconnect = true })
    local events <close> = host:subscribe({ "disconnected", "reconnected" })
    signal("STOP")
    local event = events:next(TIMEOUT)
    signal("CONT")
    assert.same({ event = "disconnected", reason = "keepalive" }, event)
    assert.equal("reconnected", events:next(TIMEOUT).event)
    await(function() return host:guest("test"):is_active() end)
  end)

  it_("ends a script's calls with an error, and the script", function()
    local child = [[
      local host <close> = guestlua.open(arg[1], { reconnect = true })
      print(host:guest("test"):is_active())
      io.stdout:flush()
      guestlua.sleep(0)
    ]]
    local code, out, err = helper.guestlua("- '" .. uri .. "'", child)
    assert.same({ 0, "true\n", "" }, { code, out, err })
  end)
end)
