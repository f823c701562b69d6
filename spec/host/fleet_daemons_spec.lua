-- Fleets over twenty daemons, libvirtds of our own with the test driver in them: what stands still holds up no other, and what is lost or not there
-- comes back a few at a time.

local guestlua = require("guestlua")
local helper = require("spec.support.helper")

local DAEMONS, LONG = 20, 120

local dir, missing

local function shell(command, ...)
  local code, out, err = helper.run("bash -c " .. helper.quoted(command:format(...)))
  if code ~= 0 and code ~= 77 then
    error(out .. err, 2)
  end
  return code, err
end

local function uri(name)
  return ("test+unix:///default?socket=%s/%s/libvirt-sock"):format(dir, name)
end

local function signal(name, which)
  shell("kill -%s $(cat %s/d%d/libvirtd.pid)", name, dir, which)
end

-- The first one is killed, and there again at the end of the spec at the latest.
local killed = false
local function kill_first()
  killed = true
  shell("spec/support/daemon kill %s/d1", dir)
end
local function start_first()
  if killed then
    shell("spec/support/daemon start %s/d1", dir)
  end
  killed = false
end

local function all()
  local list = {}
  for i = 1, DAEMONS do
    list[i] = { name = "d" .. i, uri = uri("d" .. i) }
  end
  return list
end

describe("A fleet of daemons", function()
  after_each(function()
    if not missing then
      start_first()
      for i = 1, DAEMONS do
        signal("CONT", i)
      end
    end
  end)
  helper.leaves_nothing()

  lazy_setup(function()
    dir = helper.scratch()
    local pid = require("guestlua.base.journal").process() -- they end with this process, whatever becomes of it
    local code, why = shell("for i in {1..%d}; do spec/support/daemon up %s/d$i %s & pids+=\" $!\"; done; "
      .. "for pid in $pids; do wait $pid || exit; done", DAEMONS, dir, pid)
    missing = code ~= 0 and why or nil
  end)
  lazy_teardown(function()
    if not missing then
      shell("for i in {1..%d}; do spec/support/daemon down %s/d$i & done; wait", DAEMONS, dir)
    end
  end)

  local function it_(what, fn)
    it(what, function()
      if missing then
        return pending(missing)
      end
      fn()
    end)
  end

  -- The names of the hosts that did not answer, and the kinds of their errors.
  local function silent(problems)
    local words = {}
    for i, one in ipairs(problems) do
      words[i] = one.name .. " " .. one.error.kind
    end
    return table.concat(words, ", ")
  end

  it_("has all other answers while one stands still, until its limit", function()
    local fleet <close> = guestlua.fleet(all())
    assert.same({}, fleet.problems)
    signal("STOP", 3)
    local order = {}
    local rows = fleet:each(function(host, name)
      local over <close> = setmetatable({}, { __close = function() order[#order + 1] = name end }) -- luacheck: ignore over
      return #host:guests()
    end, { host_timeout = 10 })
    assert.same({ DAEMONS, "d3" }, { #order, order[DAEMONS] })
    for i, row in ipairs(rows) do
      assert.same(i == 3 and { false, "timeout" } or { true, 1 }, { row.ok, row.ok and row.value or row.error.kind }, row.host)
    end
    local guests, problems = fleet:guests({ host_timeout = 10 })
    assert.same({ DAEMONS - 1, "d3 timeout" }, { #guests, silent(problems) })
    signal("CONT", 3)
    guests, problems = fleet:guests()
    assert.same({ DAEMONS, "" }, { #guests, silent(problems) })
  end)

  it_("is connected to all others while one does not answer, and tries that one again", function()
    signal("STOP", 7)
    local fleet <close> = guestlua.fleet(all(), { connect_timeout = 10 })
    assert.equal("d7 timeout", silent(fleet.problems))
    assert.equal(DAEMONS - 1, #fleet:guests())
    signal("CONT", 7)
    assert.equal(0, fleet:connect())
    assert.equal(DAEMONS, #fleet:guests())
  end)

  it_("has four workers at most for a host, however many calls wait for it", function()
    local fleet <close> = guestlua.fleet(all())
    signal("STOP", 1)
    local group <close> = guestlua.group()
    for _ = 1, 100 do
      group:spawn(function()
        fleet.hosts[1].host:get_capabilities()
      end)
    end
    guestlua.sleep(0.1)
    assert.equal("d1 timeout", silent(select(2, fleet:guests({ host_timeout = 10 }))))
    signal("CONT", 1)
    group:wait()
  end)

  it_("has all other answers while most stand still, with calls under way on each", function()
    local fleet <close> = guestlua.fleet(all())
    local still = DAEMONS - 2
    for i = 1, still do
      signal("STOP", i)
    end
    local group <close> = guestlua.group()
    for i = 1, still do
      for _ = 1, 4 do
        group:spawn(function()
          fleet.hosts[i].host:get_capabilities()
        end)
      end
    end
    for i = still + 1, DAEMONS do
      assert.equal(1, guestlua.timeout(LONG, function() return #fleet.hosts[i].host:guests() end))
    end
    assert.is_true(guestlua.alive().ops >= still * 4, "calls are over")
    for i = 1, still do
      signal("CONT", i)
    end
    group:wait()
  end)

  -- What stands for ssh says when it begins, waits until as many have begun as should, and says when it ends.
  it_("connects a few at a time, as many as its transport may", function()
    local command, log = dir .. "/command", dir .. "/log"
    local function most(expected, transport, count, options)
      local file <close> = assert(io.open(command, "w"))
      file:write(("#!/bin/sh\necho + >>%s\nuntil [ $(grep -c + %s) -ge %d ]; do sleep 0.1; done\necho - >>%s\nexit 1\n"):format(log, log,
        expected, log))
      file:close()
      shell("chmod +x %s; rm -f %s", command, log)
      local list = {}
      for i = 1, count do
        list[i] = ("qemu+%s://h%d/system?command=%s"):format(transport, i, command)
      end
      local fleet <close> = guestlua.timeout(LONG, function() return guestlua.fleet(list, options) end)
      assert.equal(count, #fleet.problems)
      local highest
      helper.await(function() -- one that took too long is not waited for
        local now = 0
        highest = 0
        for line in io.lines(log) do
          now = now + (line == "+" and 1 or -1)
          highest = math.max(highest, now)
        end
        return now == 0
      end, "not all end", LONG)
      assert.equal(expected, highest)
    end
    most(8, "ssh", 20)
    most(3, "ssh", 9, { connect_limit = 3 })
    most(3, "ext", 9, { connect_limit = 3 })
    most(32, "ext", 40)
  end)

  it_("is opened again a few at a time", function()
    local list = {}
    for i = 1, 12 do
      shell("mkdir -p %s/h%d && ln -sfn %s/d1/libvirt-sock %s/h%d/libvirt-sock", dir, i, dir, dir, i)
      list[i] = { name = "h" .. i, uri = uri("h" .. i) }
    end
    local fleet <close> = guestlua.fleet(list, { reconnect_limit = 3 })
    assert.same({}, fleet.problems)
    signal("STOP", 2) -- they find one that takes connections and says nothing
    shell("for i in {1..12}; do ln -sfn %s/d2/libvirt-sock %s/h$i/libvirt-sock; done", dir, dir)
    kill_first()
    helper.await(function() return guestlua.alive().ops >= 3 end, "the first ones to be tried again", LONG)
    guestlua.sleep(1) -- in which each would have begun
    -- Each also asks whether its connection is alive, and has the answer. Attempts have none for 30 s.
    helper.await(function() return guestlua.alive().ops <= 3 end, "more than three at a time", 15)
    signal("CONT", 2)
    helper.await(function()
      return #fleet:guests() == 12
    end, "all of them to be there again", LONG)
  end)

  it_("is opened again in an order of chance, as the pauses differ", function()
    local list, tried, order = {}, {}, {}
    for i = 1, 12 do
      shell("mkdir -p %s/h%d && ln -sfn %s/d1/libvirt-sock %s/h%d/libvirt-sock", dir, i, dir, dir, i)
      list[i] = { name = "h" .. i, uri = uri("h" .. i) }
    end
    local fleet <close> = guestlua.fleet(list, { connect_limit = 1, reconnect_limit = 1 }) -- each after the other, if nothing else makes an order
    guestlua.log.configure({ level = "trace", handler = function(_, line)
      local name = line:match("op=reconnect.*/(h%d+)/")
      if name and not tried[name] then
        tried[name], order[#order + 1] = true, name
      end
    end })
    finally(function()
      guestlua.log.configure({ level = "info", handler = function(_, line) io.stderr:write(line, "\n") end })
    end)
    kill_first()
    helper.await(function() return #order == 12 end, "each of them to be tried again", LONG)
    start_first()
    helper.await(function()
      return #fleet:guests() == 12
    end, "all of them to be there again", LONG)
    local neighbours = 0 -- without differing pauses nearly all of them follow each other
    for i = 2, #order do
      neighbours = neighbours + (tonumber(order[i]:sub(2)) == tonumber(order[i - 1]:sub(2)) + 1 and 1 or 0)
    end
    assert.is_true(neighbours < 7, table.concat(order, " "))
  end)

  it_("gives a scrape what there is within the time that it names", function()
    if not package.searchpath("luv", package.cpath) then
      return pending("no luv: install the package lua-luv")
    end
    local path = dir .. "/hosts"
    do
      local file <close> = assert(io.open(path, "w"))
      for _, one in ipairs(all()) do
        file:write(one.name, " ", one.uri, "\n")
      end
    end
    local function up(body)
      return select(2, body:gsub("\nlibvirt_up{[^}]*} 1", "")), body:match('\nlibvirt_up{host="d3"} (%d)')
    end
    local server <close> = require("spec.support.metrics").serve("--timeout 3600 --hosts " .. path, "127.0.0.1:0")
    assert.same({ DAEMONS, "1" }, { up(select(2, server:get())) })
    signal("STOP", 3)
    assert.same({ DAEMONS - 1, "0" }, { up(select(2, server:get("X-Prometheus-Scrape-Timeout-Seconds: 3.0"))) })
    signal("CONT", 3)
    helper.await(function()
      return up(select(2, server:get())) == DAEMONS
    end, "it is not there again", LONG)
  end)

  -- The lines of an inventory, each bad in its own way but one.
  it_("goes on without hosts that are bad, and the result and the exit code say so", function()
    signal("STOP", 4)
    shell("echo '<node><auth><user password=\"x\">root</user></auth></node>' >%s/auth.xml", dir)
    local path = dir .. "/hosts"
    local file <close> = assert(io.open(path, "w"))
    file:write((([[
good URI1
gone qemu+unix:///system?socket=/nonexistent/libvirt-sock
locked test://DIR/auth.xml
mute URI4
good test:///default
twin URI1
one two three
]]):gsub("URI(%d)", function(number) return uri("d" .. number) end):gsub("DIR", dir)))
    file:close()
    local code, out, err = helper.guestlua(("--result %s/result metrics --timeout 2 --hosts %s"):format(dir, path))
    assert.equal(1, code)
    for name, up in pairs({ good = 1, gone = 0, locked = 0, mute = 0 }) do
      assert.is_truthy(out:find(('libvirt_up{host="%s"} %d\n'):format(name, up), 1, true), name)
    end
    assert.is_truthy(out:find('{host="good",domain="test"}', 1, true))
    local result <close> = assert(io.open(dir .. "/result"))
    local found = {}
    for _, one in ipairs(require("dkjson").decode(result:read("a")).problems) do
      found[one.host] = one.error.kind
      assert.is_truthy(err:find(one.host .. ": ", 1, true), one.host)
    end
    assert.same({ gone = "system_error", locked = "auth_failed", mute = "timeout", [path .. ":5"] = "bad_argument", [path .. ":6"] = "bad_argument",
      [path .. ":7"] = "bad_argument" }, found)
  end)
end)
