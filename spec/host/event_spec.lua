local guestlua = require("guestlua")
local helper = require("spec.support.helper")

local TIMEOUT = 120

-- The names of all events that an object has, as the answer to a wrong one lists them.
local function event_names(object)
  local names = {}
  for name in helper.failure(object.subscribe, object, "nonesuch").message:match("there are: (.*)%)$"):gmatch("[%w_]+") do
    names[#names + 1] = name
  end
  return names
end

-- A list of one field of events.
local function fields(events, name)
  local list = {}
  for i, event in ipairs(events) do
    list[i] = event[name]
  end
  return list
end

describe("Events", function()
  local host, guest
  helper.leaves_nothing(function()
    host = guestlua.open("test:///default")
    guest = host:guest("test")
  end, function()
    if not guest:is_active() then
      guest:launch()
    end
    host:close()
  end)

  it("of every kind can be heard of", function()
    local names = {}
    for _, name in ipairs(event_names(guest)) do
      if name ~= "qemu_monitor" then -- this driver has none
        names[#names + 1] = name
        local one <close> = host:subscribe(name)
        local another <close> = guest:subscribe({ name })
        assert.is_nil(one:next(0))
        assert.is_nil(another:next(0))
      end
    end
    assert.is_true(#names >= 29)
    local all <close> = host:subscribe(names)
    guest:pause()
    assert.equal("lifecycle", all:next(TIMEOUT).event)
    guest:resume()
  end)

  it("come in a loop, with what they say by name", function()
    local task = guestlua.spawn(function()
      guestlua.sleep(0)
      guest:pause()
      guest:resume()
      guest:poweroff()
    end)
    local found = {}
    for event in guest:events({ "lifecycle", "reboot", timeout = TIMEOUT }) do
      assert.same({ "lifecycle", "test", guest.uuid }, { event.event, event.guest, event.uuid })
      found[#found + 1] = event.type .. " " .. event.detail
      if event.type == "stopped" then
        break
      end
    end
    assert.same({ "suspended paused", "resumed unpaused", "stopped destroyed" }, found)
    assert.equal(0, guestlua.alive().subscriptions)
    task:wait()
  end)

  it("are heard of from the call on, not from the first turn of the loop on", function()
    local next_event, state, control, subscription = guest:events({ "lifecycle", timeout = TIMEOUT })
    guest:pause()
    guest:resume()
    local loop <close> = subscription
    assert.equal("suspended", next_event(state, control).type)
  end)

  it("end with the time, which is that of the whole loop", function()
    local count, began = 0, guestlua.now()
    local task = guestlua.spawn(function()
      while true do
        guest:pause()
        guest:resume()
        guestlua.sleep(0.005)
      end
    end)
    for _ in guest:events({ "lifecycle", timeout = 1 }) do
      count = count + 1
    end
    assert.is_true(guestlua.now() - began >= 0.999) -- the loop counts in milliseconds
    assert.is_true(count > 0)
    task:cancel()
    pcall(task.wait, task)
    for _ in guest:events({ "reboot", timeout = 0 }) do
      error("there was no such event")
    end
  end)

  it("are ended however the loop is left", function()
    local function loop(leave)
      for _ in host:events({ "lifecycle", timeout = TIMEOUT }) do
        leave()
      end
    end
    local go_on = guestlua.spawn(function()
      while true do
        guestlua.sleep(0.01)
        guest:pause()
        guest:resume()
      end
    end)
    assert.equal("body", helper.failure(loop, function() error("body", 0) end))
    assert.equal(0, guestlua.alive().subscriptions)
    local inside = guestlua.signal()
    local task = guestlua.spawn(loop, function()
      inside:wake()
      guestlua.sleep(600)
    end)
    assert.is_true(inside:wait({ timeout = TIMEOUT }))
    task:cancel()
    assert.equal("cancelled", helper.failure(task.wait, task).kind)
    assert.equal(0, guestlua.alive().subscriptions)
    go_on:cancel()
    pcall(go_on.wait, go_on)
  end)

  it("of several kinds come to one subscription in libvirt's order", function()
    local events <close> = guest:subscribe({ "metadata_change", "lifecycle" })
    for i = 1, 10 do
      guest:pause()
      guest:set_metadata("<a/>", { key = "a", uri = "urn:x", live = true })
      guest:resume()
      local found = {}
      for k = 1, 3 do
        found[k] = events:next(TIMEOUT)
      end
      assert.same({ "lifecycle", "metadata_change", "lifecycle" }, fields(found, "event"), "in round " .. i)
      assert.same({ "element", "urn:x" }, { found[2].type, found[2].nsuri })
    end
  end)

  it("are those of the guest, or of all guests", function()
    local other = guestlua.Guest.create("<domain type='test'><name>other</name><memory>1024</memory><os><type>hvm</type></os></domain>", host)
    local mine <close> = guest:subscribe("lifecycle")
    local all <close> = host:subscribe("lifecycle")
    other:launch()
    guest:pause()
    guest:resume()
    other:poweroff()
    other:delete_configuration()
    assert.equal("test", mine:next(TIMEOUT).guest)
    local names = {}
    repeat
      local event = all:next(TIMEOUT)
      names[event.guest] = true
    until event.type == "undefined"
    assert.same({ test = true, other = true }, names)
  end)

  it("that were dropped are reported, where they would have been", function()
    local ROOM = 1024
    local events <close> = guest:subscribe("lifecycle")
    local function happen(count) -- and wait until libvirt has reported it
      local fence <close> = guest:subscribe("lifecycle")
      for i = 1, count do
        if guest:get_power_state() == guestlua.power_state.PAUSED then
          guest:resume()
        else
          guest:pause()
        end
        assert(fence:next(TIMEOUT), i)
      end
    end
    local function fetch(count)
      for i = 1, count do
        assert.equal("lifecycle", events:next(0).event, i)
      end
    end
    happen(ROOM + 7)
    fetch(1)
    happen(2) -- there is room for one
    fetch(ROOM - 1)
    assert.same({ event = "lost", count = 7 }, events:next(0))
    fetch(1)
    assert.same({ event = "lost", count = 1 }, events:next(0))
    assert.is_nil(events:next(0))
    happen(1)
    fetch(1)
    assert.is_nil(events:next(0))
    if guest:get_power_state() == guestlua.power_state.PAUSED then
      guest:resume()
    end
  end)

  it("go to another task if the one that an event woke is cancelled before its turn", function()
    local shared <close> = guest:subscribe("lifecycle")
    local first <close> = guest:subscribe("lifecycle") -- is served first
    local woken, other = guestlua.spawn(shared.next, shared), guestlua.spawn(shared.next, shared)
    guestlua.spawn(function()
      first:next()
      woken:cancel()
    end)
    guestlua.sleep(0)
    guest:pause()
    assert.equal("cancelled", helper.failure(woken.wait, woken).kind)
    assert.equal("suspended", other:wait({ timeout = TIMEOUT }).type)
    guest:resume()
  end)

  it("end with the connection", function()
    local loop = guestlua.spawn(function()
      for _ in guest:events({ "lifecycle" }) do
        error("there was no such event")
      end
    end)
    local wait = guestlua.spawn(guest.wait_event, guest, "lifecycle")
    helper.await(function() return guestlua.alive().subscriptions == 2 end, "the subscriptions")
    local late = guestlua.spawn(guest.wait_event, guest, "lifecycle")
    guestlua.sleep(0)
    host:close()
    for _, task in ipairs({ loop, wait, late }) do
      assert.equal("closed", helper.failure(task.wait, task, { timeout = TIMEOUT }).kind)
    end
    host = guestlua.open("test:///default")
    guest = host:guest("test")
  end)

  it("are waited for by name, and by what they say", function()
    local task = guestlua.spawn(function()
      guestlua.sleep(0)
      guest:pause()
      guest:resume()
    end)
    local event = guest:wait_event("lifecycle", { match = function(e) return e.type == "resumed" end, timeout = TIMEOUT })
    assert.equal("resumed", event.type)
    task:wait()
    local e = helper.failure(guest.wait_event, guest, "reboot", { timeout = 0.001 })
    assert.equal("timeout", e.kind)
    assert.equal("wait_event", e.op)
    assert.equal("test", e.guest)
    assert.matches("no event 'reboot' within 0.001 s", e.message)
    e = helper.failure(host.wait_event, host, "reboot", { timeout = 0 })
    assert.equal("timeout", e.kind)
    e = helper.failure(guest.wait_event, guest, "nonesuch")
    assert.equal("wait_event", e.op)
    assert.equal("names", e.argument)
  end)

  it("take names and options alike, whatever waits for them", function()
    local function resumed(e) return e.type == "resumed" end
    local function turn()
      guest:pause()
      guest:resume()
    end
    for _, names in ipairs({ "lifecycle", { "lifecycle" }, { "reboot", "lifecycle" } }) do
      local seen, heard = {}, guestlua.signal()
      local handler <close> = guest:on(names, function(event)
        seen[#seen + 1] = event.type
        heard:wake()
      end, { match = resumed, timeout = TIMEOUT })
      local waits = guestlua.spawn(guest.wait_event, guest, names, { match = resumed, timeout = TIMEOUT })
      local events <close> = guest:subscribe(names, { timeout = TIMEOUT })
      local next_event, state, control, subscription = guest:events(names, { match = resumed, timeout = TIMEOUT })
      local loop <close> = subscription
      guestlua.sleep(0) -- the task subscribes
      turn()
      assert.equal("resumed", waits:wait().type)
      assert.equal("suspended", events:next(TIMEOUT).type)
      assert.equal("resumed", next_event(state, control).type)
      if #seen == 0 then
        assert.is_true(heard:wait({ timeout = TIMEOUT }))
      end
      assert.same({ "resumed" }, seen)
      handler:close()
    end
    for _, method in ipairs({ "events", "wait_event" }) do
      local e = helper.failure(guest[method], guest, "lifecycle", { macht = resumed })
      assert.same({ "bad_argument", "macht" }, { e.kind, e.argument })
    end
    assert.equal("timeout", helper.failure(guest.events, guest, "lifecycle", { timeout = "x" }).argument)
    assert.equal("names", helper.failure(guest.events, guest, {}, { timeout = 1 }).argument)
  end)

  it("are served by a script that has handlers, until none is left", function()
    local began = guestlua.now()
    local handler <close> = guest:on("lifecycle", function() end, { timeout = 0.05 })
    assert.is_true(guestlua.serve({ timeout = TIMEOUT }))
    assert.is_true(guestlua.now() - began >= 0.049) -- the loop counts in ms
    local endless <close> = guest:on("lifecycle", function() end)
    assert.is_false(guestlua.serve({ timeout = 0.01 }))
    local closes = guestlua.spawn(function()
      guestlua.sleep(0)
      endless:close()
    end)
    assert.is_true(guestlua.serve({ timeout = TIMEOUT }))
    closes:wait()
    assert.is_true(guestlua.serve({ timeout = TIMEOUT })) -- with no handler at all
  end)

  it("are served until one fails, although others end well after that, or serve begins later", function()
    local function failing(message)
      return function()
        error(guestlua.Error.new({ kind = "cancelled", message = message }), 0)
      end
    end
    local stays
    local first <close> = guest:on("lifecycle", failing("the first")) -- luacheck: ignore first
    stays = guest:on("lifecycle", function() stays:close() end)
    guest:pause()
    assert.equal("the first", helper.failure(guestlua.serve, { timeout = TIMEOUT }).message)
    assert.is_true(guestlua.serve({ timeout = TIMEOUT }))
    local second <close> = guest:on("lifecycle", failing("the second")) -- luacheck: ignore second
    guest:resume()
    helper.await(function() return require("guestlua.host.event").handlers() == 0 end, "the handler goes on", 60)
    assert.equal("the second", helper.failure(guestlua.serve, { timeout = TIMEOUT }).message)
    assert.is_true(guestlua.serve({ timeout = TIMEOUT })) -- it was raised
  end)

  it("are not lost in silence by a script that ends with handlers left", function()
    local script = [[host = guestlua.open("test:///default") handler = host:on("lifecycle", print) %s]]
    local code, _, err = helper.guestlua("-", script:format(""))
    assert.equal(0, code)
    assert.matches("warning the script has ended, and with it 1 handler%(s%) of events; guestlua.serve%(%) at its end stays for them\n$", err)
    assert.same({ 0, "", "" }, { helper.guestlua("-", script:format("host:close()")) })
    assert.same({ 0, "", "" }, { helper.guestlua("-", script:format("handler:close()")) })
    local stops = "guestlua.spawn(function() guestlua.sleep(0.05) os.execute('kill -TERM $PPID') end) guestlua.serve()"
    code, _, err = helper.guestlua("-", script:format(stops))
    assert.equal(143, code)
    assert.is_nil(err:find("handler(s)", 1, true))
  end)

  it("call a handler, each after the other, in a task of its own", function()
    local seen, busy, go = {}, false, guestlua.signal()
    local subscription <close> = guest:on("lifecycle", function(event)
      assert(not busy)
      busy = true
      guestlua.sleep(0.001)
      seen[#seen + 1] = event.type
      busy = false
      if #seen == 4 then
        go:wake()
      end
    end)
    for _ = 1, 2 do
      guest:pause()
      guest:resume()
    end
    if #seen < 4 then
      assert.is_true(go:wait({ timeout = TIMEOUT }))
    end
    assert.same({ "suspended", "resumed", "suspended", "resumed" }, seen)
    subscription:close()
    guest:pause()
    guest:resume()
    guestlua.sleep(0.01)
    assert.equal(4, #seen)
  end)

  it("call a handler that ends its own subscription", function()
    local count, done, subscription = 0, guestlua.signal(), nil
    subscription = guest:on("lifecycle", function()
      count = count + 1
      subscription:close()
      done:wake()
    end)
    guest:pause()
    guest:resume()
    if count == 0 then
      done:wait({ timeout = TIMEOUT })
    end
    guestlua.sleep(0.01)
    assert.equal(1, count)
  end)

  it("call a handler that fails, again", function()
    local code, out, err = helper.guestlua("-", [[
      local host <close> = guestlua.open("test:///default")
      local guest = host:guest("test")
      local count, done = 0, guestlua.signal()
      guest:on("lifecycle", function(event)
        count = count + 1
        if count == 2 then done:wake() end
        if count == 1 then error("for the first time") end
        guest:get_interface_by_mac({})
      end)
      guest:pause()
      guest:resume()
      if count < 2 then done:wait({ timeout = 120 }) end
      guestlua.sleep(0.01)
      print(count)
    ]])
    assert.same({ 0, "2\n" }, { code, out })
    assert.matches("the handler of event 'lifecycle' failed: stdin:%d+: for the first time\nstack traceback:", err)
    assert.matches("the handler of event 'lifecycle' failed: stdin:%d+: bad argument 'mac'", err)
  end)
end)
