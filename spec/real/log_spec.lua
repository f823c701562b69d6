local guestlua = require("guestlua")
local helper = require("spec.support.helper")

local json = require("dkjson")

-- Runs a script that finds a connection and its guest; what is on standard error, line by line.
local function logged(script)
  local code, out, err = helper.guestlua("-", [[
    local log = guestlua.log
    local host <close> = guestlua.open("test:///default")
    local guest = host:guest("test")
  ]] .. script)
  assert.equal(0, code, err)
  local lines = {}
  for line in err:gmatch("[^\n]*\n") do
    lines[#lines + 1] = line:sub(1, -2)
  end
  return lines, out
end

local function without_times(lines)
  local list = {}
  for i, line in ipairs(lines) do
    assert.matches("^20%d%d%-%d%d%-%d%dT%d%d:%d%d:%d%d%.%d%d%dZ ", line)
    list[i] = line:gsub("^%S+ ", ""):gsub("duration_ms=[%d.]+", "duration_ms=N")
  end
  return list
end

local function temporary()
  local path = os.tmpname()
  finally(function()
    os.remove(path)
  end)
  return path
end

local function read(path)
  local file <close> = assert(io.open(path))
  return file:read("a")
end

describe("The log", function()
  it("has warnings and errors at first", function()
    local lines = logged([[
      for _, level in ipairs({ "error", "warning", "info", "debug", "trace" }) do
        log[level](level .. "!")
      end
      guest:pause()
    ]])
    assert.same({ "error error!", "warning warning!" }, without_times(lines))
  end)

  it("has what is at least as bad as its level", function()
    local names = { "error", "warning", "info", "debug", "trace" }
    for i, level in ipairs(names) do
      local lines = logged(([[
        log.configure({ level = %q })
        for _, level in ipairs({ "error", "warning", "info", "debug", "trace" }) do
          log[level]("x")
        end
        log.configure({ level = "error" })
      ]]):format(level))
      assert.equal(i, #lines)
    end
  end)

  it("reports the fields after the message, each on the same line", function()
    local lines = logged([[
      log.error("no way\nout", { guest = "web", seconds = 1.5, list = { 1, "b c" }, why = 'he said "no"\n', empty = "",
        nested = { a = { b = true } } })
      log.error("\27[2J\0", { ["a\nb"] = "\0" })
    ]])
    assert.same({
      [[error no way\nout empty="" guest=web list=1,"b c" nested={a={b=true}} seconds=1.5 why="he said \"no\"\n"]],
      [[error \x1b[2J\x00 a\nb=\x00]],
    }, without_times(lines))
  end)

  it("has each call at the level trace: its arguments, its result, and how long it took", function()
    local lines = logged([[
      log.configure({ level = "trace" })
      guest:pause()
      guest:resume({ timeout = 9 })
      pcall(guest.launch, guest, { pause = true })
      host:guests({ active = true, persistent = false })
      guest:subscribe({ "lifecycle", "reboot" })
      pcall(guest.migrate, guest, "test://there", { flags = { "live", "peer2peer" }, migrate_disks = { "vda", "vdb" }, bandwidth = 8 })
      pcall(guest.set_metadata, guest, "<a><b/>  <!-- c --></a>", { key = "k", uri = "http://x", live = true, persistent = true })
      local name = guest.name -- read from memory: no call
      host:close()
    ]])
    local calls = without_times(lines)
    for i, pattern in ipairs({
      "^trace virDomainSuspend op=pause guest=test result=0 duration_ms=N$",
      "^trace virDomainResume op=resume guest=test timeout=9.0 result=0 duration_ms=N$",
      '^trace virDomainCreateWithFlags op=launch guest=test flags=pause result=%-1 error=invalid_arg reason="unsupported flags .*" duration_ms=N$',
      "^trace virConnectListAllDomains op=guests host=test:///default active=true persistent=false result=0 duration_ms=N$",
      "^trace virConnectDomainEventRegisterAny op=subscribe guest=test events=lifecycle|reboot result=0 duration_ms=N$",
      "^trace virDomainMigrateToURI3 op=migrate guest=test destination=test://there migrate_disks=vda,vdb flags=live|peer2peer bandwidth=8 "
        .. "result=%-1 error=",
      "^trace virDomainSetMetadata op=set_metadata guest=test metadata=<a><b/></a> key=k uri=http://x flags=persistent|live result=0 duration_ms=N$",
      "^trace virConnectClose op=close host=test:///default result=0 duration_ms=N$",
    }) do
      assert.matches(pattern, calls[i] or "(no more)")
    end
    assert.equal(8, #calls)
  end)

  it("reports how long a call took itself, and of one that nobody waits for any more", function()
    local _, _, err = require("spec.support.faults").run([[
      guestlua.log.configure({ level = "trace" })
      local host <close> = guestlua.open("test:///default")
      local guest = host:guest("test")
      guest:pause({ timeout = 60 })
      pcall(guest.resume, guest, { timeout = 0.2 })
    ]], { fault = { "virDomainSuspend#1:hang=1", "virDomainResume#1:hang=1" } })
    local took = tonumber(err:match("virDomainSuspend [^\n]*duration_ms=([%d.]+)"))
    assert.is_true(took >= 1000 and took < 60000, err)
    assert.matches("virDomainResume op=resume guest=test timeout=0.2 error=timeout still_running=true\n", err)
  end)

  it("hears of a task's calls as well", function()
    local lines = logged([[
      log.configure({ level = "trace" })
      guestlua.spawn(function() end)
      local tasks = {}
      for i = 1, 10 do
        tasks[i] = guestlua.spawn(guest.get_info, guest)
      end
      for _, task in ipairs(tasks) do
        task:wait()
      end
      log.configure({ level = "error" })
    ]])
    assert.equal(10, #lines)
  end)

  it("can be JSON, an object a line", function()
    local lines = logged([[
      log.configure({ level = "trace", format = "json" })
      guest:pause()
      log.info("a\nb\xff\u{e9}", { n = 1 / 0, list = { 1, { x = "y" } }, level = "mine", f = print })
      pcall(guest.migrate, guest, "test://there", { flags = { "live" } })
      host:close()
    ]])
    local records = {}
    for i, line in ipairs(lines) do
      records[i] = assert(json.decode(line))
      assert.matches("^20.*Z$", records[i].time)
    end
    assert.equal("number", type(records[1].duration_ms))
    records[1].time, records[1].duration_ms = nil, nil
    assert.same({ level = "trace", message = "virDomainSuspend", op = "pause", guest = "test", result = 0 }, records[1])
    assert.same({ "info", "a\nb\\xff\u{e9}", "inf", 1, "y", "mine" }, { records[2].level, records[2].message, records[2].n, records[2].list[1],
      records[2].list[2].x, records[2].level_ })
    assert.same({ destination = "test://there", flags = "live" }, records[3].arguments)
    assert.matches('^{"time":"[^"]*","level":"trace","message":"virDomainSuspend"', lines[1])
  end)

  it("can go to a file, in whole lines, after what is there", function()
    local path = temporary()
    local file <close> = assert(io.open(path, "w"))
    file:write("before\n")
    file:flush()
    local lines = logged(([[
      log.configure({ file = %q })
      log.error("one", { long = ("x"):rep(20000) })
      os.exit(0) -- nothing is in a buffer
    ]]):format(path))
    assert.same({}, lines)
    assert.matches("^before\n20%S+ error one long=" .. ("x"):rep(20000) .. "\n$", read(path))
  end)

  it("can go to a function", function()
    local _, out = logged([[
      log.configure({ handler = function(level, line) print(level, line:match("Z (.*)")) end })
      log.warning("careful")
      log.info("nothing")
    ]])
    assert.equal("warning\twarning careful\n", out)
  end)

  it("does not end the script where it cannot be written", function()
    if not io.open("/dev/full") then
      pending("this machine has no /dev/full")
    end
    assert.same({}, (logged([[log.configure({ file = "/dev/full" }) log.error("x")]])))
  end)

  it("answers bad input", function()
    local log = guestlua.log
    for _, e in ipairs({
      helper.failure(log.configure, { level = "loud" }), helper.failure(log.configure, { format = "xml" }),
      helper.failure(log.configure, { levels = "info" }), helper.failure(log.info), helper.failure(log.info, "x", 1),
    }) do
      assert.equal("bad_argument", e.kind)
    end
    assert.matches("there are: error, warning, info, debug, trace", helper.failure(log.configure, { level = "loud" }).message)
    local e = helper.failure(log.configure, { file = "/dev/null/log" })
    assert.same({ "system_error", true }, { e.kind, e.message:find("/dev/null/log", 1, true) ~= nil })
  end)
end)
