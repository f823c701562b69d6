-- What many connections cost: connections.lua test COUNT prints two numbers for each of COUNT connections of a fleet, the bytes that the process grew
-- by and the ns from the first until all hosts have answered. connections.lua daemons DIRECTORY appends to DIRECTORY/daemons.runs the ns until twenty
-- daemons have answered without one of them, and with that one stopped, less the limit that it has.

local what, argument = ...

local function answers(list, options)
  local began = guestlua.now()
  local fleet = guestlua.fleet(list)
  local connected = guestlua.now()
  assert(#fleet:guests(options) > 0)
  return guestlua.now() - began, fleet, guestlua.now() - connected
end

local function rss()
  collectgarbage()
  collectgarbage()
  local file <close> = assert(io.open("/proc/self/status"))
  return tonumber(file:read("a"):match("VmRSS:%s*(%d+) kB")) * 1024
end

local function test_hosts(directory, first, last)
  local list = {}
  for i = first, last do
    local path = ("%s/%d.xml"):format(directory, i)
    local file <close> = assert(io.open(path, "w"))
    assert(file:write(("<node><domain type='test'><name>g%d</name><memory>1024</memory><os><type>hvm</type></os></domain></node>"):format(i)))
    list[#list + 1] = { name = "h" .. i, uri = "test://" .. path }
  end
  return list
end

local function with_directory(fn)
  local directory = os.tmpname()
  os.remove(directory)
  local undo <close> = setmetatable({}, { __close = function() os.execute("rm -rf " .. directory) end }) -- luacheck: ignore undo
  assert(os.execute("mkdir " .. directory))
  return fn(directory)
end

local works = {
  -- The first 64 pay for what is made once: the workers' stacks, and malloc's arenas.
  test = function(directory)
    local count = tonumber(argument)
    local _, first <close> = answers(test_hosts(directory, 1, 64))
    local before = rss()
    local seconds, fleet <close> = answers(test_hosts(directory, 65, 64 + count))
    assert(#fleet.problems == 0 and #first.problems == 0)
    print(("%.0f %.0f"):format((rss() - before) / count, seconds * 1e9 / count))
  end,

  daemons = function(directory)
    local COUNT, LIMIT = 20, 2
    local pid = require("guestlua.base.journal").process()
    local function each(command)
      return os.execute(("for i in $(seq %d); do %s & done >/dev/null; wait"):format(COUNT, command))
    end
    local undo <close> = setmetatable({}, { __close = function() each(("spec/support/daemon down %s/$i"):format(directory)) end }) -- luacheck: ignore
    each(("spec/support/daemon up %s/$i %d"):format(directory, pid))
    local list = {}
    for i = 1, COUNT do
      list[i] = { name = "d" .. i, uri = ("test+unix:///default?socket=%s/%d/libvirt-sock"):format(directory, i) }
    end
    local function stopped(signal)
      assert(os.execute(("kill -%s $(cat %s/%d/libvirtd.pid)"):format(signal, directory, COUNT)))
    end
    local runs <close> = assert(io.open(argument .. "/daemons.runs", "a"))
    for _ = 1, 5 do
      local _, without <close>, absent = answers({ table.unpack(list, 1, COUNT - 1) })
      local _, with <close> = answers(list)
      stopped("STOP")
      local began = guestlua.now()
      local guests, problems = with:guests({ host_timeout = LIMIT })
      local seconds = guestlua.now() - began - LIMIT
      stopped("CONT")
      assert(#guests == COUNT - 1 and #problems == 1 and #without.problems == 0)
      for _, row in ipairs({ { "one absent", absent }, { "guestlua, one stopped", seconds } }) do
        assert(runs:write(("%s\t%.0f\t0\t0\n"):format(row[1], row[2] * 1e9)))
      end
    end
  end,
}

with_directory(works[what])
