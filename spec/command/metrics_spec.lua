-- guestlua metrics: OpenMetrics text, in a file and over HTTP.

local guestlua = require("guestlua")
local helper = require("spec.support.helper")
local openmetrics = require("guestlua.host.openmetrics")

-- The samples of a text that is right, by name and labels. Fails where it is not OpenMetrics; older: not Prometheus's older format.
local function parse(text, older)
  local samples, family, kinds = {}, nil, {}
  local body = older and text or assert(text:match("^(.*\n)# EOF\n$"), "the text does not end with # EOF")
  for line in body:gmatch("([^\n]*)\n") do
    local name, kind = line:match("^# TYPE ([%a_:][%w_:]*) (%a+)$")
    if name then
      assert.is_nil(kinds[name], "a family comes twice: " .. name)
      assert.is_true(kind == "gauge" or kind == "counter")
      family, kinds[name] = name, kind
    elseif line:find("^# HELP ") then
      assert.equal(family, line:match("^# HELP (%S+) .+$"))
    else
      local sample, labels, value = line:match("^([%a_:][%w_:]*)(%b{}) (%S+)$")
      if not sample then
        sample, value = line:match("^([%a_:][%w_:]*) (%S+)$")
      end
      assert(sample, "no sample: " .. line)
      assert.equal(family .. (kinds[family] == "counter" and not older and "_total" or ""), sample)
      assert.equal(kinds[family] == "counter", sample:find("_total$") ~= nil)
      assert.is_number(tonumber(value))
      assert.is_nil(samples[sample .. (labels or "")], "a series comes twice: " .. line)
      samples[sample .. (labels or "")] = tonumber(value)
    end
  end
  return samples
end

describe("guestlua metrics", function()
  local directory
  setup(function()
    directory = helper.scratch()
  end)

  local STATS = { h = { ['a"b\\c\n'] = {
    state = { state = 1 },
    cpu = { time = 1500000000 },
    balloon = { current = 1024, maximum = 2048, major_fault = 3 },
    vcpu = { current = 2, maximum = 2, [0] = { state = 1, time = 5000000000 }, [1] = { state = 1, time = 1, wait = 2000000000 } },
    block = { count = 2, [0] = { name = "vda", rd = { bytes = 10, times = 1000000000 }, capacity = 100 },
      [1] = { name = "vda", backingIndex = 2 } },
    net = { count = 1, [0] = { name = "vnet0", rx = { bytes = 7 }, tx = { drop = 1 } } },
  } } }

  -- What a program says that reads the text.
  local function read_by(command, text)
    local path = directory .. "/text"
    local file <close> = assert(io.open(path, "w"))
    file:write(text)
    file:close()
    local code, out, err = helper.run(("sh -c %s <%s"):format(helper.quoted(command), path))
    assert.same({ 0, "", "" }, { code, out, err }, text)
  end

  it("is right for who else reads OpenMetrics and Prometheus's own text", function()
    local readers = 0
    if os.execute("/usr/bin/python3 -c 'import prometheus_client' 2>/dev/null") then
      readers = readers + 1
      read_by('/usr/bin/python3 -c "import sys; from prometheus_client.openmetrics.parser import text_string_to_metric_families as read; '
        .. 'list(read(sys.stdin.read()))"', openmetrics.text(STATS, { "gone" }, 10))
    end
    if os.execute("command -v promtool >/dev/null") then
      readers = readers + 1
      read_by("promtool check metrics", openmetrics.text(STATS, { "gone" }, 10, true))
    end
    if readers == 0 then
      pending("neither python3-prometheus-client nor promtool (the package prometheus) is installed")
    end
  end)

  it("has libvirt's numbers by the exporters' names and units", function()
    local samples = parse(openmetrics.text(STATS, { "gone" }, 10))
    assert.same(samples, parse(openmetrics.text(STATS, { "gone" }, 10, true), true))
    local labels = [[{host="h",domain="a\"b\\c\n"]]
    for name, value in pairs({
      ['libvirt_up{host="h"}'] = 1,
      ['libvirt_up{host="gone"}'] = 0,
      ['libvirt_domains{host="h"}'] = 1,
      libvirt_domains_left_out = 0,
      ["libvirt_domain_info_vstate" .. labels .. "}"] = 1,
      ["libvirt_domain_info_cpu_time_seconds_total" .. labels .. "}"] = 1.5,
      ["libvirt_domain_info_memory_usage_bytes" .. labels .. "}"] = 1048576,
      ["libvirt_domain_info_maximum_memory_bytes" .. labels .. "}"] = 2097152,
      ["libvirt_domain_memory_stats_major_fault_total" .. labels .. "}"] = 3,
      ["libvirt_domain_vcpu_time_seconds_total" .. labels .. ',vcpu="0"}'] = 5,
      ["libvirt_domain_vcpu_wait_seconds_total" .. labels .. ',vcpu="1"}'] = 2,
      ["libvirt_domain_block_stats_read_bytes_total" .. labels .. ',target_device="vda"}'] = 10,
      ["libvirt_domain_block_stats_read_time_seconds_total" .. labels .. ',target_device="vda"}'] = 1,
      ["libvirt_domain_block_stats_capacity_bytes" .. labels .. ',target_device="vda"}'] = 100,
      ["libvirt_domain_interface_stats_receive_bytes_total" .. labels .. ',target_device="vnet0"}'] = 7,
      ["libvirt_domain_interface_stats_transmit_drops_total" .. labels .. ',target_device="vnet0"}'] = 1,
    }) do
      assert.equal(value, samples[name], name)
    end
  end)

  it("has no more guests than it may", function()
    local guests = {}
    for i = 1, 50 do
      guests["g" .. i] = { state = { state = 1 } }
    end
    local samples = parse(openmetrics.text({ h = guests }, {}, 10))
    local count = 0
    for name in pairs(samples) do
      count = count + (name:find("^libvirt_domain_info_vstate") and 1 or 0)
    end
    assert.same({ 10, 40, 50 }, { count, samples.libvirt_domains_left_out, samples['libvirt_domains{host="h"}'] })
  end)

  it("prints them", function()
    local code, out, err = helper.guestlua("-c test:///default metrics")
    assert.equal(0, code, err)
    local samples = parse(out)
    local host <close> = guestlua.open("test:///default")
    assert.equal(1, samples[('libvirt_up{host="%s"}'):format(host.hostname)])
    assert.equal(1, samples[('libvirt_domain_info_vstate{host="%s",domain="test"}'):format(host.hostname)])
  end)

  it("writes them to a file in one step, for all to read", function()
    local path = directory .. "/guestlua.prom"
    local others <close> = assert(io.open(path .. ".new", "w")) -- a name that somebody may know beforehand
    assert(others:write("somebody else's") and others:flush())
    local code, out, err = helper.guestlua(("-c test:///default metrics --file %s"):format(path))
    assert.same({ 0, "" }, { code, out }, err)
    local file <close> = assert(io.open(path))
    parse(file:read("a"), true)
    local kept <close> = assert(io.open(path .. ".new"))
    assert.equal("somebody else's", kept:read("a"))
    os.remove(path .. ".new")
    assert.equal("-rw-r--r--", (select(2, helper.run("stat -c %A " .. path)):gsub("%s", "")))
    code, out, err = helper.guestlua(("-c test:///default metrics --file %s/none/x.prom"):format(directory))
    assert.equal(1, code)
    assert.equal("", out)
    assert.matches("cannot write the metrics", err)
  end)

  it("says which hosts are down, and has the others", function()
    local list = directory .. "/hosts"
    local file <close> = assert(io.open(list, "w"))
    file:write("here test:///default\ngone test:///nonexistent.xml\n")
    file:close()
    local code, out, err = helper.guestlua("metrics --hosts " .. list)
    assert.equal(1, code)
    local samples = parse(out)
    assert.same({ 1, 0 }, { samples['libvirt_up{host="here"}'], samples['libvirt_up{host="gone"}'] })
    assert.matches("metrics: gone: ", err)
    assert.equal(1, (helper.guestlua("-c test:///nonexistent.xml metrics")))
  end)

  it("and top try a host that is not there once", function()
    local found, uv = pcall(require, "luv")
    if not found then
      pending("no luv: install the package lua-luv")
      return
    end
    local tried, server = 0, uv.new_pipe()
    local guard <close> = setmetatable({}, { __close = function() server:close() end }) -- luacheck: ignore guard
    assert(server:bind(directory .. "/socket"))
    assert(server:listen(8, function()
      local client = uv.new_pipe()
      server:accept(client)
      client:close()
      tried = tried + 1
    end))
    for _, command in ipairs({ { "metrics" }, { "top", "--once", "--delay", "0" } }) do
      tried = 0
      local code, _, err = guestlua.run(helper.interpreter,
        { args = { "-c", ("test+unix:///default?socket=%s/socket"):format(directory), table.unpack(command) } })
      assert.equal(1, code, err)
      assert.equal(1, tried, command[1])
    end
  end)

  it("refuses what it does not understand", function()
    for _, options in ipairs({ "--hosts x --ansible y", "--listen nonsense", "--listen 127.0.0.1:99999", "--file x --listen 127.0.0.1:0",
      "--file /dev/null", "--mots 3" }) do
      local code, _, err = helper.guestlua("-c test:///default metrics " .. options)
      assert.equal(2, code, options)
      assert.matches("^guestlua metrics: ", err)
    end
  end)
end)
