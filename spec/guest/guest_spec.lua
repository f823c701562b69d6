local guestlua = require("guestlua")
local helper = require("spec.support.helper")

local function domain(name)
  return guestlua.element("domain", { type = "test", name = { name }, memory = { 1024, unit = "KiB" }, vcpu = { 1 }, os = { type = { "hvm" } } })
end

describe("Guest, on the test driver,", function()
  local host
  helper.leaves_nothing(function()
    host = guestlua.open("test:///default")
  end, function()
    host:close()
  end)

  it("has id, uuid and name as fields, and all three in its text", function()
    local guest = host:guest("test")
    assert.equal(1, guest.id)
    assert.equal("test", guest.name)
    assert.matches("^%x+%-%x+%-%x+%-%x+%-%x+$", guest.uuid)
    assert.equal(36, #guest.uuid)
    assert.equal(("<Guest 1 test %s>"):format(guest.uuid), tostring(guest))
    local e = helper.failure(function() return guest.nothing_of_the_kind end)
    assert.same({ "bad_argument", "nothing_of_the_kind" }, { e.kind, e.argument })
  end)

  it("is created, launched, paused, resumed, powered off and deleted", function()
    local state = guestlua.power_state
    local guest = guestlua.Guest.create(domain("g1"), host)
    assert.equal(-1, guest.id)
    assert.is_false(guest:is_active())
    assert.is_true(guest:has_persistent_configuration())
    assert.equal(state.SHUTDOWN, guest:get_info().state)
    assert.equal("shutoff", guest:get_info().domain_state)

    assert.equal(0, guest:launch())
    assert.is_true(guest:is_active())
    assert.equal(state.RUNNING, guest:get_info().state)
    guest:pause()
    assert.equal(state.PAUSED, guest:get_info().state)
    guest:resume()
    assert.equal(state.RUNNING, guest:get_info().state)
    guest:shutdown()
    assert.is_false(guest:is_active())
    guest:launch()
    guest:poweroff()
    assert.is_false(guest:is_active())
    guest:delete_configuration()
    assert.is_nil(host:guest("g1"))
    assert.equal(36, #guest.uuid)
    assert.equal("no_domain", helper.failure(guest.is_active, guest).kind)
  end)

  it("is created from XML text as well", function()
    local guest <close> = guestlua.Guest.create(tostring(domain("g2")), host)
    assert.equal("g2", guest.name)
    guest:delete_configuration({ support_uefi = true }) -- flags that this driver refuses: the plain call follows
    assert.is_nil(host:guest("g2"))
  end)

  it("reports its size", function()
    local guest = host:guest("test")
    local info = guest:get_info(host)
    assert.same({ 1, 1, 8388608, 2097152, 2 }, { info.id, info.internal_id, info.max_mem_kb, info.mem_kb, info.num_cpu })
    assert.equal("integer", math.type(info.cpu_time_ns))
  end)

  it("gives its configuration", function()
    local guest = host:guest("test")
    assert.equal("test", guestlua.element(guest:get_xml_desc()).name[1])
    assert.equal(guest:get_xml_desc(), guest:get_xml_desc({ dump_inactive = false }))
    assert.is_nil(guestlua.element(guest:get_xml_desc({ dump_inactive = true })).id)
  end)

  it("takes a snapshot", function()
    host:guest("test"):snapshot(guestlua.element("domainsnapshot", {}))
    host:guest("test"):snapshot("<domainsnapshot><name>second</name></domainsnapshot>", { quiesce = true })
  end)

  it("raises errors that say everything", function()
    local e = helper.failure(function()
      host:guest("test"):launch()
    end)
    assert.equal("internal_error", e.kind)
    assert.equal(1, e.code)
    assert.equal("test", e.domain)
    assert.equal("error", e.level)
    assert.equal("launch", e.op)
    assert.equal("virDomainCreateWithFlags", e.call)
    assert.equal("test", e.guest)
    assert.matches("already running", e.message)
    assert.matches("guest_spec.lua:%d+$", e.where)
    local call = "%(virDomainCreateWithFlags: internal_error, code 1 from test on test:///default%)"
    assert.matches("guest 'test': launch: .*already running " .. call, tostring(e))
    assert.equal("so: " .. tostring(e), "so: " .. e)
  end)

  it("raises what libvirt says of a state that does not fit, with a hint", function()
    local guest = guestlua.Guest.create(domain("g3"), host)
    local e = helper.failure(guest.poweroff, guest)
    assert.equal("operation_invalid", e.kind)
    assert.matches("\n  hint: .*state", tostring(e))
    guest:delete_configuration()
  end)

  it("says of broken XML where it is broken, by libvirt", function()
    local e = helper.failure(guestlua.Guest.create, "<domain", host)
    assert.equal("xml_detail", e.kind)
    assert.equal("write_instance_config", e.op)
  end)

  it("works once it is closed for nobody, and is closed twice by anybody", function()
    local guest = host:guest("test")
    guest:close()
    guest:close()
    assert.equal("closed", helper.failure(guest.is_active, guest).kind)
    assert.equal("closed", helper.failure(function() return guest.id end).kind)
    assert.is_true(host:guest("test"):is_active())
  end)

  it("calls libvirt inside coroutines that are no tasks, and inside table.sort", function()
    local guest = host:guest("test")
    local active = coroutine.wrap(function()
      coroutine.yield(guest:is_active())
      local other <close> = guestlua.open("test:///default")
      coroutine.yield(other:guest("test"):is_active())
    end)
    assert.is_true(active())
    assert.is_true(active())
    assert.is_nil(active())
    local list = { 3, 1, 2 }
    table.sort(list, function(a, b)
      guest:get_xml_desc()
      return a < b
    end)
    assert.same({ 1, 2, 3 }, list)
  end)

  -- Seen: a misspelt method was "attempt to call a nil value", and a guest that is not there a nil that failed lines later.
  it("says what was meant", function()
    local guest = host:guest("test")
    for _, case in ipairs({
      { "launhc' to 'Guest' %(a Guest has nothing of this name; is launch meant%?%)", function() guest["launhc"](guest) end },
      { "uudi' to 'Guest' %(.*is uuid meant%?", function() return guest.uudi end },
      { "guset' to 'Host' %(.*is guest meant%?", function() return host:guset("test") end },
      { "puase' to 'launch' %(no such option; .*; is pause meant%?%)", function() guest:launch({ puase = true }) end },
      { "agrs' to 'exec' %(no such option; .*; is args meant%?%)", function() guest:exec("x", { ["agrs"] = {} }) end },
      { "entirely_other' to 'Guest' %(a Guest has nothing of this name; help%(Guest%) lists what it has%)",
        function() return guest.entirely_other end },
    }) do
      local e = helper.failure(case[2])
      assert.equal("bad_argument", e.kind)
      assert.matches(case[1], e.message)
    end
  end)

  it("is raised for where it is required", function()
    assert.is_nil(host:guest("none"))
    assert.is_nil(host:guest("none", { required = false }))
    local e = helper.failure(host.guest, host, "none", { required = true })
    assert.same({ "no_domain", "guest", "there is no guest 'none'" }, { e.kind, e.op, e.message })
    assert.matches("host:guests%(%)", e.hint)
    assert.equal("test", host:guest("test", { required = true }).name)
  end)

  it("answers bad input before libvirt is called, naming the choices", function()
    local guest = host:guest("test")
    for _, case in ipairs({
      { "no such option; the options are: pause", guest.launch, guest, { paused = true } },
      { "boolean expected, got number", guest.launch, guest, { pause = 1 } },
      { "table expected, got boolean", guest.launch, guest, true },
      { "1 argument%(s%) too many", guest.is_active, guest, {}, 1 },
      { "no such option; the options are: timeout", guest.is_active, guest, { quick = true } },
      { "Element or XML text expected, got table", guest.snapshot, guest, { name = "x" } },
      { "Element or XML text expected, got no value", guest.snapshot, guest },
      { "the string has a NUL byte", guest.snapshot, guest, "<domainsnapshot/>\0" },
      { "options are: dump_inactive, dump_sensitive, dump_migratable", guest.get_xml_desc, guest, { inactive = true } },
      { "the name of a disk expected", guest.get_block_device, guest, "" },
      { "string expected, got number", guest.get_block_device, guest, 1 },
      { "Guest expected, got no value", guest.launch },
      { "Guest expected, got table", guest.launch, {} },
      { "there are: lifecycle, reboot", guest.subscribe, guest, "nothing" },
      { "any expected, got nil", guestlua.Guest.create, nil, host },
      { "Host expected, got nil", guestlua.Guest.create, "<domain/>" },
      { "agent_timeout", guest.agent_command, guest, "{}", { agent_timeout = 1.5 } },
    }) do
      local e = helper.failure(table.unpack(case, 2))
      assert.equal("bad_argument", e.kind)
      assert.matches(case[1], e.message)
    end
  end)
end)

describe("Subscription", function()
  local host, guest
  helper.leaves_nothing(function()
    host = guestlua.open("test:///default")
    guest = host:guest("test")
  end, function()
    host:close()
  end)

  it("hears of what happens after it, in order", function()
    local events <close> = guest:subscribe("lifecycle")
    guest:pause()
    guest:resume()
    local first, second = events:next(20), events:next(20)
    assert.same({ "lifecycle", "suspended", "test", guest.uuid }, { first.event, first.type, first.guest, first.uuid })
    assert.equal("resumed", second.type)
    assert.is_nil(events:next(0))
    assert.is_nil(events:next(0.01))
  end)

  it("of a host hears of all guests, and of a guest only of that", function()
    local other = guestlua.Guest.create(domain("g4"), host)
    local all <close> = host:subscribe("lifecycle")
    local one <close> = guest:subscribe("lifecycle")
    other:launch()
    guest:pause()
    assert.same({ "g4", "test" }, { all:next(20).guest, all:next(20).guest })
    assert.equal("test", one:next(20).guest)
    other:poweroff()
    other:delete_configuration()
  end)

  it("of a kind that is registered already is made at once, whatever else there is to do", function()
    local order = {}
    local first <close> = guest:subscribe("lifecycle") -- luacheck: ignore first
    local group <close> = guestlua.group()
    group:spawn(function()
      local events <close> = guest:subscribe("lifecycle")
      table.insert(order, "subscribed")
      guest:pause()
      assert.equal("suspended", events:next(20).type)
      guest:resume()
    end)
    group:spawn(table.insert, order, "the next task")
    group:wait()
    assert.same({ "subscribed", "the next task" }, order)
  end)

  it("drops what nobody fetches, and says so", function()
    local events <close> = guest:subscribe("lifecycle")
    local last <close> = guest:subscribe("metadata_change")
    for _ = 1, 700 do
      guest:pause()
      guest:resume()
    end
    guest:set_metadata("<a/>", { live = true, key = "k", uri = "urn:a" })
    assert.is_truthy(last:next(60)) -- all that happened before has come, too
    for _ = 1, 1024 do
      assert.equal("lifecycle", events:next(20).event)
    end
    assert.same({ event = "lost", count = 1400 - 1024 }, events:next(20)) -- where they are missing
    assert.is_nil(events:next(0.2))
  end)

  it("ends with its host", function()
    local events = guest:subscribe("lifecycle")
    host:close()
    assert.equal("closed", helper.failure(events.next, events, 1).kind)
    events:close()
  end)

  it("is collected when it is forgotten", function()
    guest:subscribe("lifecycle")
    collectgarbage()
    collectgarbage()
    assert.equal(0, guestlua.alive().subscriptions)
  end)
end)
