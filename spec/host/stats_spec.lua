local guestlua = require("guestlua")
local helper = require("spec.support.helper")

describe("Statistics", function()
  helper.leaves_nothing()

  local DOMAIN = "<domain type='test'><name>%s</name><memory>1024</memory><os><type>hvm</type></os></domain>"

  -- What libvirt calls a nested value.
  local function flat(stats, prefix, into)
    for key, value in pairs(stats) do
      local name = prefix .. tostring(key)
      if type(value) == "table" then
        flat(value, name .. ".", into)
      else
        into[name] = value
      end
    end
    return into
  end

  it("are what libvirt says, nested", function()
    local host <close> = guestlua.open("test:///default")
    host:guest("test"):suspend()
    local all = host:stats()
    local row = host:get_all_domain_stats()[1]
    assert.is_true(next(row.stats) ~= nil)
    assert.same(row.stats, flat(all.test, "", {}))
    assert.equal(3, all.test.state.state)
    assert.same(row.stats, flat(row.guest:stats(), "", {}))
    assert.same(row.guest:get_stats({ types = { "state" } }), flat(host:stats({ groups = { "state" } }).test, "", {}))
    assert.is_nil(host:stats({ groups = "state" }).test.cpu)
  end)

  it("are those of the guests that are named, in one call", function()
    local host <close> = guestlua.open("test:///default")
    for i = 1, 20 do
      host:write_instance_config(DOMAIN:format("guest" .. i))
    end
    local function names(options)
      local list = {}
      for name in pairs(host:stats(options)) do
        list[#list + 1] = name
      end
      table.sort(list)
      return list
    end
    assert.equal(21, #names())
    assert.same({ "test" }, names({ active = true }))
    assert.same({ "guest3", "test" }, names({ guests = { "test", "guest3" } }))
    assert.same({}, names({ guests = {} }))
    local e = helper.failure(host.stats, host, { guests = { "test", "nobody" } })
    assert.equal("no_domain", e.kind)
    assert.matches("nobody", e.message)
  end)

  it("refuse what they cannot say, before libvirt is asked", function()
    local host <close> = guestlua.open("test:///default")
    for _, case in ipairs({
      { "no group of statistics 'cpus'; there are: state, cpu,", { groups = "cpus" } },
      { "list of strings expected, got string", { guests = "test" } },
      { "does not go with their names", { guests = { "test" }, active = true } },
      { "no such option", { types = "state" } },
    }) do
      local e = helper.failure(host.stats, host, case[2])
      assert.equal("bad_argument", e.kind)
      assert.matches(case[1], e.message)
    end
  end)

  -- As host:stats makes it.
  local function answer(at, guests)
    return setmetatable(guests, { at = at, guests = true })
  end

  describe("make rates", function()
    it("of counters, a second", function()
      local a = answer(10, { web = { cpu = { time = 1000, user = 5 }, balloon = { current = 7, swap_in = 1 }, state = { state = 1 },
        vcpu = { current = 1, [0] = { time = 100, state = 1, exits = { sum = 10, max = 3 } } }, perf = { cycles = 4, cmt = 9 } } })
      local b = answer(12, { web = { cpu = { time = 3000, user = 6 }, balloon = { current = 9, swap_in = 5 }, state = { state = 1 },
        vcpu = { current = 1, [0] = { time = 300, state = 1, exits = { sum = 30, max = 8 } } }, perf = { cycles = 8, cmt = 99 } },
        new = { cpu = { time = 1 } } })
      assert.same({ web = { cpu = { time = 1000, user = 0.5 }, balloon = { swap_in = 2 }, perf = { cycles = 2 },
        vcpu = { [0] = { time = 100, exits = { sum = 10 } } } } }, guestlua.rates(a, b))
    end)

    it("of disks and interfaces by their names, whatever number they have now", function()
      local a = answer(0, { web = { block = { count = 2, [0] = { name = "vda", rd = { bytes = 100 } }, [1] = { name = "vdb", rd = { bytes = 5 } } },
        net = { count = 1, [0] = { name = "vnet0", rx = { bytes = 1 } } } } })
      local b = answer(1, { web = { block = { count = 1, [0] = { name = "vdb", rd = { bytes = 8 } } },
        net = { count = 1, [0] = { name = "vnet7", rx = { bytes = 100 } } } } })
      assert.same({ web = { block = { [0] = { name = "vdb", rd = { bytes = 3 } } } } }, guestlua.rates(a, b))
    end)

    it("but of no counter that went down: the guest was restarted", function()
      local rates = guestlua.rates(answer(0, { web = { cpu = { time = 9, user = 1 } } }), answer(1, { web = { cpu = { time = 3, user = 2 } } }))
      assert.same({ web = { cpu = { user = 1 } } }, rates)
    end)

    it("of two answers of libvirt's", function()
      local host <close> = guestlua.open("test:///default")
      local before, one = host:stats(), host:guest("test"):stats()
      guestlua.sleep(0.01)
      assert.same({}, guestlua.rates(before, host:stats())) -- the test driver counts nothing
      assert.same({}, guestlua.rates(one, host:guest("test"):stats()))
    end)

    it("and refuse what is no two answers", function()
      local host <close> = guestlua.open("test:///default")
      local all = host:stats()
      for _, case in ipairs({
        { "an answer of host:stats or guest:stats expected", {}, all },
        { "one is of a host", all, (host:guest("test"):stats()) },
        { "not later", all, all },
      }) do
        local e = helper.failure(guestlua.rates, case[2], case[3])
        assert.equal("bad_argument", e.kind)
        assert.matches(case[1], e.message)
      end
    end)
  end)
end)
