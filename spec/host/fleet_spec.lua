local core = require("guestlua.core")
local guestlua = require("guestlua")
local helper = require("spec.support.helper")

describe("A fleet", function()
  local directory
  setup(function()
    directory = helper.scratch()
  end)
  helper.leaves_nothing()

  local function write(name, text)
    local path = directory .. "/" .. name
    local file <close> = assert(io.open(path, "w"))
    file:write(text)
    return path
  end

  -- A host of the test driver's with these guests, which run.
  local function host(name, ...)
    local parts = { "<node>" }
    for _, guest in ipairs({ ... }) do
      parts[#parts + 1] = ("<domain type='test'><name>%s</name><memory>1024</memory><os><type>hvm</type></os></domain>"):format(guest)
    end
    parts[#parts + 1] = "</node>"
    return { name = name, uri = "test://" .. write(name .. ".xml", table.concat(parts)) }
  end

  local function names(list)
    local found = {}
    for i, one in ipairs(list) do
      found[i] = one.name
    end
    table.sort(found)
    return found
  end

  it("lists the guests of all hosts", function()
    local fleet <close> = guestlua.fleet({ host("a", "web", "db"), host("b", "mail") })
    assert.same({}, fleet.problems)
    local guests, missing = fleet:guests()
    assert.same({ "db", "mail", "web" }, names(guests))
    assert.same({}, missing)
    assert.same({ "a", "b" }, names(fleet.hosts))
    fleet:guest("mail"):poweroff()
    assert.same({ "db", "web" }, names((fleet:guests({ which = { active = true } }))))
    assert.equal(1, fleet:stats().a.web.state.state)
    assert.is_nil(fleet:stats({ active = true }).b.mail)
  end)

  it("names the hosts that cannot be used, and the others go on", function()
    local fleet <close> = guestlua.fleet({ host("a", "web"), { name = "gone", uri = "test:///nonexistent.xml" }, "nonsense",
      { name = "a", uri = "test:///default" }, { name = "c" }, { name = "no\nname", uri = "test:///default" } })
    local bad = {}
    for _, one in ipairs(fleet.problems) do
      bad[one.name] = one.error
    end
    assert.matches("no URI of libvirt's", bad["host 3"].message)
    assert.matches("the name is there already, as 'a'", bad["host 4"].message)
    assert.matches("no URI", bad["host 5"].message)
    assert.matches("control characters", bad["host 6"].message)
    assert.is_true(core.Error.is(bad.gone))
    assert.equal("test:///nonexistent.xml", bad.gone.host)
    local guests, missing = fleet:guests()
    assert.same({ "web" }, names(guests))
    assert.equal(5, #missing)
    assert.equal(1, fleet:connect())
    assert.same({ "guest 'web' on a", "nil on gone" }, (function()
      local lines = {}
      for _, row in ipairs(fleet:map(function(guest)
        return guest.name
      end)) do
        if not row.host:find("^host ") then
          lines[#lines + 1] = row.ok and ("guest '%s' on %s"):format(row.value, row.host) or ("%s on %s"):format(row.guest, row.host)
        end
      end
      table.sort(lines)
      return lines
    end)())
  end)

  it("tries again those that could not be reached", function()
    local late = directory .. "/late.xml"
    local fleet <close> = guestlua.fleet({ { name = "late", uri = "test://" .. late } })
    assert.equal(1, #fleet.problems)
    host("late", "web")
    assert.equal(0, fleet:connect())
    assert.same({ "web" }, names((fleet:guests())))
    assert.same({}, fleet.problems)
  end)

  it("knows on which host a guest is", function()
    local fleet <close> = guestlua.fleet({ host("a", "web", "both", "db"), host("b", "web", "both"),
      { name = "gone", uri = "test:///nonexistent.xml" } })
    local guest, where = fleet:guest("db")
    assert.same({ "db", "a" }, { guest.name, where })
    fleet.hosts[1].host:guest("web"):poweroff()
    guest, where = fleet:guest("web")
    assert.same({ "web", "b" }, { guest.name, where })
    local e = helper.failure(fleet.guest, fleet, "both")
    assert.equal("ambiguous", e.kind)
    assert.matches("a, b", e.message)
    e = helper.failure(fleet.guest, fleet, "nobody")
    assert.equal("unreachable", e.kind)
    assert.matches("gone", e.message)
    local whole <close> = guestlua.fleet({ host("c", "web") })
    assert.is_nil(whole:guest("nobody"))
  end)

  it("does something to each guest, a few at a time, and says what came of each", function()
    local fleet <close> = guestlua.fleet({ host("a", "a1", "a2", "a3", "a4"), host("b", "b1", "b2", "b3", "b4") })
    local running, most, of = 0, 0, { a = 0, b = 0 }
    local most_of = 0
    local function work(guest, where)
      running, of[where] = running + 1, of[where] + 1
      most, most_of = math.max(most, running), math.max(most_of, of[where])
      for _ = 1, 3 do
        guest:get_info()
        guestlua.sleep(0)
      end
      running, of[where] = running - 1, of[where] - 1
      return guest.name == "a2" and error("no") or guest.name
    end
    local results = fleet:map(work, { limit = 3, per_host = 2 })
    assert.equal(8, #results)
    assert.is_true(most <= 3 and most_of <= 2 and most > 1)
    local failed = {}
    for _, row in ipairs(results) do
      failed[#failed + 1] = not row.ok and row.guest or nil
      assert.is_true(not row.ok or row.value == row.guest)
    end
    assert.same({ "a2" }, failed)
    results = fleet:map(function()
      error("no")
    end, { limit = 1, max_failures = 2 })
    local skipped = 0
    for _, row in ipairs(results) do
      skipped = skipped + (row.skipped and 1 or 0)
      assert.is_false(row.ok)
    end
    assert.equal(5, skipped)
    for name, option in pairs({ map = "per_host", each = "limit" }) do
      local e = helper.failure(fleet[name], fleet, print, { [option] = 0 })
      assert.same({ "bad_argument", option, name }, { e.kind, e.argument, e.op })
    end
  end)

  it("gives false where that is what the function gives", function()
    local fleet <close> = guestlua.fleet({ host("a", "web") })
    local function no()
      return false
    end
    assert.same({ { host = "a", guest = "web", ok = true, value = false } }, fleet:map(no))
    assert.same({ { host = "a", ok = true, value = false } }, fleet:each(no))
  end)

  it("asks each host, and one that does not answer holds up no other", function()
    local fleet <close> = guestlua.fleet({ host("a", "web"), host("b", "db"), host("slow", "x") })
    local rows = fleet:each(function(_, name)
      if name == "slow" then
        guestlua.sleep(3600)
      end
      return name
    end, { host_timeout = 1 })
    assert.same({ true, true, false }, { rows[1].ok, rows[2].ok, rows[3].ok })
    assert.same({ "a", "b" }, { rows[1].value, rows[2].value })
    assert.equal("timeout", rows[3].error.kind)
  end)

  it("hears the events of all hosts, and of which", function()
    local fleet <close> = guestlua.fleet({ host("a", "web"), host("b", "db") })
    local task = guestlua.spawn(function()
      local heard = {}
      for event in fleet:events({ "lifecycle" }, { duration = 600 }) do
        heard[event.host_name .. " " .. event.guest] = true
        if heard["a web"] and heard["b db"] then
          break
        end
      end
      return heard
    end)
    while task:status() == "running" do
      fleet:guest("web"):suspend()
      fleet:guest("web"):resume()
      fleet:guest("db"):suspend()
      fleet:guest("db"):resume()
    end
    assert.same({ ["a web"] = true, ["b db"] = true }, task:wait())
    for _ in fleet:events({ "lifecycle" }, { duration = 0 }) do
      error("nothing was to be heard")
    end
    assert.equal("bad_argument", helper.failure(fleet.events, fleet, { "nonsense" }).kind)
  end)

  it("has no more events when no host is left that is heard", function()
    local function drained(fleet)
      return guestlua.timeout(60, function()
        for _ in fleet:events({ "lifecycle" }) do
          error("nothing was to be heard")
        end
        return "the end"
      end)
    end
    local none <close> = guestlua.fleet({ { name = "gone", uri = "test:///nonexistent.xml" } })
    assert.equal("the end", drained(none))
    local fleet <close> = guestlua.fleet({ host("a", "web"), host("b", "db") })
    local task = guestlua.spawn(drained, fleet)
    helper.await(function() return guestlua.alive().subscriptions == 4 end, "it hears nothing", 60) -- two are for "disconnected"
    fleet.hosts[1].host:close()
    guestlua.sleep(0)
    assert.equal("running", task:status())
    fleet:close()
    assert.equal("the end", task:wait({ timeout = 60 }))
  end)

  it("raises what keeps it from hearing a host, and hears none", function()
    local fleet <close> = guestlua.fleet({ host("a", "web"), host("b", "db") })
    local before, next_of = guestlua.alive(), core.Subscription.next
    local function events()
      return guestlua.timeout(60, function()
        for _ in fleet:events({ "lifecycle" }) do
          error("nothing was to be heard")
        end
      end)
    end
    do
      local back <close> = setmetatable({}, { __close = function() core.Subscription.next = next_of end }) -- luacheck: ignore back
      core.Subscription.next = function() error(core.Error.new({ kind = "internal_error", message = "no next one" }), 0) end
      assert.equal("no next one", helper.failure(events).message)
    end
    assert.equal(before.subscriptions, guestlua.alive().subscriptions)
    fleet.hosts[2].host:close()
    before = guestlua.alive()
    assert.equal("closed", helper.failure(events).kind)
    assert.equal(before.subscriptions, guestlua.alive().subscriptions)
  end)

  it("goes on without a host that answers no more right after it was opened", function()
    local subscribe, failed, before = core.Host.subscribe, false, guestlua.alive().hosts
    local back <close> = setmetatable({}, { __close = function() core.Host.subscribe = subscribe end }) -- luacheck: ignore back
    core.Host.subscribe = function(...)
      if failed then
        return subscribe(...)
      end
      failed = true
      error(core.Error.new({ kind = "disconnected", message = "it is gone again" }), 0)
    end
    local fleet <close> = guestlua.fleet({ host("a", "web"), host("b", "db") })
    assert.same({ 1, "it is gone again" }, { #fleet.problems, fleet.problems[1].error.message })
    assert.equal(1, #fleet:guests())
    assert.equal(before + 1, guestlua.alive().hosts) -- the other is closed
    assert.equal(0, fleet:connect())
    assert.same({ "db", "web" }, names((fleet:guests())))
  end)

  it("raises what is wrong with the arguments, which is no host's failure", function()
    local fleet <close> = guestlua.fleet({ host("a", "web"), { name = "gone", uri = "test:///nonexistent.xml" }, { name = "none" } })
    assert.equal("it has no URI", fleet.problems[1].error.message)
    for _, case in ipairs({
      { "no group of statistics 'cpus'; there are: state, cpu,", "stats", { groups = "cpus" } },
      { "no such option.*active", "guests", { which = { activ = true } } },
      { "no such option.*active", "map", function() error("called") end, { which = { activ = true } } },
    }) do
      local e = helper.failure(fleet[case[2]], fleet, table.unpack(case, 3))
      assert.equal("bad_argument", e.kind)
      assert.matches(case[1], e.message)
    end
  end)

  it("is read from a file, and its bad lines are named", function()
    local a = host("a", "web")
    local path = write("hosts", ("# ours\n\na %s # the first\n%s\na b c\nhttp:// x\nx test:///default\n"):format(a.uri, a.uri))
    local fleet <close> = guestlua.fleet(path)
    assert.same({ "a", "x" }, names(fleet.hosts))
    local where = {}
    for i, one in ipairs(fleet.problems) do
      where[i] = one.name:match(":(%d+)$")
    end
    assert.same({ "4", "5", "6" }, where)
    local windows <close> = guestlua.fleet(write("windows", ("\xEF\xBB\xBFa %s\r\n"):format(a.uri)))
    assert.same({ { "a" }, {} }, { names(windows.hosts), windows.problems })
    local empty <close> = guestlua.fleet(write("empty", "# none yet\n"))
    assert.same({ 0, 1 }, { #empty.hosts, #empty.problems })
    assert.matches("there is no host in it", empty.problems[1].error.message)
    for _, unreadable in ipairs({ directory .. "/nothing", directory }) do
      local e = helper.failure(guestlua.fleet, unreadable)
      assert.equal("system_error", e.kind)
      assert.matches("^cannot read the inventory: " .. unreadable, e.message)
    end
    assert.equal("bad_argument", helper.failure(guestlua.fleet, 5).kind)
    assert.equal("bad_argument", helper.failure(guestlua.fleet, {}, { reconnect_limit = 0 }).kind)
  end)

  it("is read from what ansible-inventory says", function()
    if not os.execute("command -v ansible-inventory >/dev/null") then
      pending("no ansible-inventory: install the package ansible-core")
      return
    end
    local a = host("a", "web")
    local path = write("inventory.yml", ([[
all:
  children:
    west:
      hosts: { b: { ansible_host: "::1", ansible_user: root, ansible_port: 2 } }
      children:
        rack: { hosts: { a: { guestlua_uri: "%s" }, c: { guestlua_uri: nonsense } } }
  hosts: { here: { ansible_connection: local } }
]]):format(a.uri))
    local inventory = require("guestlua.host.fleet.inventory")
    local hosts, problems = inventory.read(path, true)
    local lines = {}
    for i, one in ipairs(hosts) do
      lines[i] = table.concat({ one.name, one.uri, table.concat(one.groups, ",") }, " ")
    end
    assert.same({ ("a %s rack,west"):format(a.uri), "b qemu+ssh://root@[::1]:2/system west", "here qemu:///system " }, lines)
    assert.same({ "c", 1 }, { problems[1].name, #problems })
    hosts, problems = inventory.read(write("bad.ini", "[x:nonsense]\n"), true)
    assert.same({}, hosts)
    assert.matches("bad.ini", problems[1].error.message)
  end)

  it("connects to many, and its problems are in the result", function()
    local lines = {}
    for i = 1, 100 do
      lines[i] = ("h%d %s"):format(i, host("h" .. i, "g" .. i).uri)
    end
    lines[101] = "bad test:///nonexistent.xml"
    local path = write("many", table.concat(lines, "\n"))
    local result = directory .. "/result"
    local code, out, err = helper.guestlua(("--result %s %s"):format(result, write("script.lua", ([[
      local fleet <close> = guestlua.fleet(%q)
      print(#fleet:guests())]]):format(path))))
    assert.same({ 0, "100\n" }, { code, out }, err)
    local file <close> = assert(io.open(result))
    local document = require("dkjson").decode(file:read("a"))
    assert.same({ 1, "bad" }, { #document.problems, document.problems[1].host })
  end)
end)
