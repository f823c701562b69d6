local helper = require("spec.support.helper")

describe("The guestlua command", function()
  local function script(text)
    local path = os.tmpname()
    local file <close> = assert(io.open(path, "w"))
    file:write(text)
    return path
  end

  local function runs(arguments, input)
    local code, out, err = helper.guestlua(arguments, input)
    assert.equal("", err)
    assert.equal(0, code)
    return out
  end

  it("runs a script with its arguments", function()
    local path = script("#!/usr/bin/env guestlua\nprint(arg[0], arg[1], select('#', ...), ...)")
    finally(function() os.remove(path) end)
    assert.equal(path .. "\ta\t2\ta\tb c\n", runs(path .. " a 'b c'"))
  end)

  it("runs a script from standard input", function()
    assert.equal("1\tx\n", runs("- x", "print(1, ...)"))
    assert.equal("2\n", runs("", "print(2)"))
  end)

  it("runs statements and modules in their order", function()
    assert.equal("1\n2\n", runs("-e 'print(1)' -e 'print(2)'"))
    assert.equal("function\n", runs([[-l guestlua -e 'print(type(guestlua.open))']]))
    assert.equal("function\n", runs([[-l g=guestlua -e 'print(type(g.open))']]))
    assert.equal("3\n4\n", runs("-i", "x =\n3\nx\nfor i = 4, 4 do\nprint(i)\nend\n"))
  end)

  it("connects where -c says, and read-only with -r", function()
    assert.equal("test:///default\n", runs("-c test:///default -e 'print(guestlua.open().uri)'"))
    assert.equal("test:///default\n", runs("--connect=test:///default -e 'print(guestlua.open().uri)'"))
    assert.equal("operation_denied\n",
      runs([[-r -c test:///default -e 'print(select(2, pcall(function() guestlua.open():guest("test"):poweroff() end)).kind)']]))
  end)

  it("opens what LIBVIRT_DEFAULT_URI names, where nothing else is said", function()
    local code, out = helper.run("env LIBVIRT_DEFAULT_URI=test:///default " .. helper.interpreter .. " -e 'print(guestlua.open().uri)'")
    assert.same({ 0, "test:///default\n" }, { code, out })
  end)

  it("reports its versions and its usage", function()
    local pattern = "^guestlua V %(Lua 5%.4%.%d+, libvirt V, compiled with V, libxml2 V, libuv V%)\nwith: [^\n]*backups[^\n]*\n"
    local versions = pattern:gsub("V", "%%d+%%.%%d+%%.%%d+")
    for _, form in ipairs({ "-v", "-V", "--version" }) do
      assert.matches(versions .. "$", runs(form))
    end
    assert.matches(versions .. "1\n$", runs("-v -e 'print(1)'"))
    local usage, lines = runs("--help"), 0
    assert.matches("^usage: guestlua ", usage)
    for line in usage:gmatch("[^\n]*\n") do
      lines = lines + 1
      assert.is_true(#line <= 81, line)
    end
    assert.is_true(lines < 24, "more than a screen")
  end)

  it("knows every option that it lists", function()
    local usage = runs("--help")
    for _, option in ipairs(require("guestlua.command.options")) do
      local argument = option.argument and (option.choices and option.choices[1] or option.integer and "5" or os.tmpname()) or ""
      for _, form in ipairs({ option.short and "-" .. option.short .. " " or false, option.long and "--" .. option.long .. " " or false }) do
        if form then
          assert.is_truthy(usage:find(form:sub(1, -2), 1, true), form)
          local code, _, err = helper.guestlua(form .. argument .. " --nonsense")
          assert.equal(2, code)
          assert.equal(form == "-h " and "" or 1, form == "-h " and "" or select(2, err:gsub("unrecognized option", "")), form .. err)
        end
      end
      if option.argument and #argument > 10 then
        os.remove(argument)
      end
    end
  end)

  it("refuses what an option cannot take", function()
    for arguments, message in pairs({
      ["-d 5"] = "%-%-debug: '5' is none of: 0, 1, 2, 3, 4\n",
      ["--log-level=loud"] = "%-%-log%-level: 'loud' is none of: error, ",
      ["-k often"] = "%-%-keepalive%-interval: a whole number from 0 to 2147483647 expected, got 'often'\n",
      ["--max-memory=-1"] = "%-%-max%-memory: a whole number from 0 up expected",
      ["--check"] = "%-%-check needs a script",
    }) do
      local code, _, err = helper.guestlua(arguments)
      assert.equal(2, code)
      assert.matches(message, err)
    end
  end)

  it("heeds the options that are for connections and the log", function()
    assert.equal("7\n", runs("-k 7 -e 'print(guestlua.default_keepalive)'"))
    local path = os.tmpname()
    finally(function() os.remove(path) end)
    runs(("-d 1 --log-format=json --log-file=%s -e 'guestlua.log.debug(\"hello\")'"):format(path))
    local file <close> = assert(io.open(path))
    assert.matches('"level":"debug","message":"hello"', file:read("a"))
    local code, out, err = helper.guestlua([[--dry-run -c test:///default -e 'guestlua.open():guest("test"):poweroff() error("after it")']])
    assert.same({ 1, "" }, { code, out })
    assert.matches("\nPlan: 1 change, none made.\n1. virDomainDestroy guest=test\n", err)
    assert.matches("after it", err)
    assert.matches("^Plan: nothing is to be changed.\n$", select(3, helper.guestlua("--dry-run -e 'x = 1'")))
  end)

  it("answers a log that cannot be written as it answers wrong options", function()
    local code, out, err = helper.guestlua("--log-file /dev/null/x -e 'print(1)'")
    assert.same({ 2, "" }, { code, out })
    assert.matches("^guestlua: cannot write the log: /dev/null/x: [^\n]*\n", err)
    assert.is_nil(err:find("traceback", 1, true))
  end)

  it("keeps a script in its sandbox", function()
    assert.equal("nil\tnil\tfalse\tx\n", runs([[--sandbox -e 'print(io, os.execute, pcall(require, "cjson") and true, "x")']]))
    assert.equal("a\n", runs("--sandbox -e 'print(arg[1])' /dev/stdin a", ""))
    local code, _, err = helper.guestlua([[--max-memory=8 -e 'local t = {} for i = 1, 1e7 do t[i] = ("x"):rep(100) .. i end']])
    assert.equal(1, code)
    assert.matches("not enough memory", err)
    assert.equal(1, (helper.guestlua("--sandbox -l cjson")))
  end)

  it("heeds LUA_INIT, LUA_PATH and LUA_CPATH, and -E", function()
    local file = script("x = 2")
    finally(function() os.remove(file) end)
    local env = "env LUA_INIT='x = 1' LUA_PATH='/p/?.lua;;' LUA_CPATH='/c/?.so;;' "
    local show = [[ -e 'print(x, package.path:sub(1, 3), package.cpath:sub(1, 3))']]
    assert.same({ 0, "1\t/p/\t/c/\n", "" }, { helper.run(env .. helper.interpreter .. show) })
    local _, out = helper.run(env .. helper.interpreter .. " -E" .. show)
    assert.matches("^nil\t", out)
    assert.not_matches("/p/", out)
    assert.same({ 0, "2\n", "" }, { helper.run(("env LUA_INIT=@%s %s -e 'print(x)'"):format(file, helper.interpreter)) })
  end)

  it("warns with -W", function()
    local code, _, err = helper.guestlua("-W -e 'warn(\"careful\")'")
    assert.same({ 0, "Lua warning: careful\n" }, { code, err })
    assert.equal("", (runs("-e 'warn(\"careful\")'")))
  end)

  it("exits 1 after an error, with the message and the traceback on standard error", function()
    for arguments, message in pairs({
      ["-e 'error(\"boo\")'"] = "^guestlua: %(command line%):1: boo\nstack traceback:\n.*%(command line%):1: in main chunk\n$",
      ["-e 'error({})'"] = "^guestlua: table: ",
      ["-e 'x x'"] = "^guestlua: %(command line%):1: syntax error near 'x'\n$",
      ["/nonexistent/script.lua"] = "^guestlua: cannot open /nonexistent/script.lua",
      ["-l nonexistent"] = "module 'nonexistent' not found",
      ["/"] = "^guestlua: cannot read /",
      ["-c test:///default -e 'guestlua.open():guest(\"test\"):launch()'"] = "guest 'test': launch: .*already running.*\nstack traceback:",
      ["-c nonsense:///x -e 'guestlua.open()'"] = "virConnectOpen",
    }) do
      local code, out, err = helper.guestlua(arguments)
      assert.equal(1, code)
      assert.equal("", out)
      assert.matches(message, err)
    end
  end)

  it("exits 2 after wrong usage", function()
    for _, arguments in ipairs({ "--nonsense", "-Z", "-e", "-c", "--log-level" }) do
      local code, _, err = helper.guestlua(arguments)
      assert.equal(2, code)
      assert.matches("Try 'guestlua %-%-help'", err)
    end
  end)

  it("names the option or the command that was meant", function()
    for arguments, expected in pairs({
      ["--sanbox=1 x.lua"] = { 2, "unrecognized option '%-%-sanbox=1'\nguestlua: is '%-%-sandbox' meant%?\nTry" },
      ["--nonsense"] = { 2, "unrecognized option '%-%-nonsense'\nTry" },
      ["bakup"] = { 1, "cannot open bakup: [^\n]*\n  hint: is the command backup meant%?\n$" },
      ["domifaddr"] = { 1, "cannot open domifaddr: [^\n]*\n  hint: guestlua help domifaddr says what does the same as virsh's domifaddr\n$" },
      ["bakup.lua"] = { 1, "cannot open bakup.lua: [^\n]*\n$" },
      ["backup --tp=/x web1"] = { 2, "^guestlua backup: %-%-tp is no option; is %-%-to meant%?\nTry 'guestlua backup %-%-help'" },
      ["backup --entirely=7"] = { 2, "^guestlua backup: %-%-entirely is no option\n" },
      ["recover web1"] = { 2, "^guestlua recover: web1 is no option, and nothing else is expected\n" },
    }) do
      local code, out, err = helper.guestlua(arguments)
      assert.same({ expected[1], "" }, { code, out }, arguments)
      assert.matches(expected[2], err)
    end
  end)

  it("helps with words, methods, commands and virsh's commands", function()
    for words, expected in pairs({
      [""] = "^usage: guestlua %[",
      ["backup"] = "^usage: guestlua %[OPTION%]... backup ",
      ["Guest.launch"] = "^Guest:launch%(",
      ["guestlua.workflow.reboot"] = "^workflow%.reboot%(guest",
      ["setmem"] = "^virsh setmem\n  guest:set_memory%(",
      ["block jobs"] = "^Block jobs\n",
      ["old snapshots"] = '  recipe "Remove snapshots that are older than a week"\n',
    }) do
      assert.matches(expected, runs("help " .. words))
    end
    local code, out = helper.guestlua("help xyzzyq")
    assert.same({ 1, "Nothing about 'xyzzyq'. guestlua help lists options and commands.\n" }, { code, out })
  end)

  it("keeps the exit code that the script gives", function()
    assert.equal(7, (helper.guestlua("-e 'os.exit(7)'")))
    assert.equal(0, (helper.guestlua("-e 'os.exit(true, true)'")))
  end)

  -- Starts the script, sends the signals once it says "go", and gives its exit code and output. In between, `says TEXT` waits for that.
  local function interrupted(text, signals)
    local path, out = script(text), os.tmpname()
    finally(function()
      os.remove(path)
      os.remove(out)
    end)
    local code = helper.run(([[sh -c '
      says() { i=0; until grep -q "$1" %s || [ $i -ge 900 ]; do sleep 0.1; i=$((i+1)); done; }
      %s %s >%s 2>&1 & pid=$!
      says ^go
      %s
      wait $pid']]):format(out, helper.interpreter, path, out, signals))
    local file <close> = assert(io.open(out))
    return code, file:read("a")
  end

  local guarded = [[
    local undo <close> = setmetatable({}, { __close = function(_, e)
      guestlua.sleep(0.2) -- undoing may wait, too
      print("undone", e.kind)
    end })
    print("go") io.stdout:flush()
  ]]

  it("raises in the script at Ctrl-C, closes its variables and exits 130", function()
    -- The loop makes garbage because the thread sanitizer delivers signals in calls of the C library only.
    for _, body in ipairs({
      "guestlua.sleep(60)",
      "while true do local _ = {} end",
      "local co = coroutine.wrap(function() guestlua.sleep(60) end) co()",
      "local co = coroutine.wrap(function() while true do local _ = {} end end) co()",
      "guestlua.spawn(function() while true do local _ = {} end end) guestlua.sleep(60)",
    }) do
      local code, out = interrupted(guarded .. body, "kill -INT $pid")
      assert.equal(130, code)
      assert.matches("undone\tinterrupted", out)
      assert.matches("guestlua: .*interrupted", out)
    end
  end)

  it("binds what a call has given before it raises at a signal", function()
    local opened = [[
      local function opened()
        local guard = setmetatable({}, { __close = function() print("undone") end })
        os.execute("kill -TERM $PPID")
        return guard
      end
    ]]
    for _, body in ipairs({
      "local guard <close> = opened() while true do end",
      "local guard <close> = opened() while true do type(1) end",
      "local guard <close> = opened() guestlua.sleep(60)",
      "local guard <close> = opened(); ('x'):rep(1e7):gsub('.', function() end) guestlua.sleep(60)",
      "local wanted = true local guard <close> = wanted and opened() or nil guestlua.sleep(60)",
      "for _ in next, {}, nil, opened() do end guestlua.sleep(60)",
      "local function inner() local guard <close> = opened() return guestlua.sleep(60) end inner()",
      "coroutine.wrap(function() local guard <close> = opened() guestlua.sleep(60) end)()",
      "guestlua.spawn(function() local guard <close> = opened() while true do end end) guestlua.sleep(60)",
    }) do
      local path = script(opened .. body)
      local code, out, err = helper.run(helper.interpreter .. " " .. path)
      os.remove(path)
      assert.same({ 143, "undone\n" }, { code, out }, body .. err)
      assert.matches("interrupted", err, 1, true)
    end
  end)

  it("does the same at SIGTERM, and exits 143", function()
    local code, out = interrupted(guarded .. "guestlua.sleep(60)", "kill -TERM $pid")
    assert.equal(143, code)
    assert.matches("undone\tinterrupted", out)
  end)

  it("is killed by a second one", function()
    local slow = guarded:gsub("guestlua.sleep%(0%.2%)", 'print("undoing") io.stdout:flush() guestlua.sleep(60)')
    local code, out = interrupted(slow .. "guestlua.sleep(60)", "kill -INT $pid; says ^undoing; kill -INT $pid")
    assert.equal(130, code)
    assert.not_matches("undone", out)
    assert.matches("guestlua: ended before it was cleaned up; guestlua recover takes back what a workflow has left\n", out, 1, true)
  end)

  it("says at SIGUSR1 what each task waits for, also while one computes", function()
    local code, out = interrupted([[
      local host = guestlua.open("test:///default")
      guestlua.spawn(function() guestlua.sleep(60) end)
      guestlua.spawn(function() host:wait_event("lifecycle") end)
      guestlua.sleep(0.01)
      print("go") io.stdout:flush()
      while true do local _ = {} end
    ]], "kill -USR1 $pid; says task.3; kill -KILL $pid")
    assert.equal(128 + 9, code)
    assert.matches("guestlua: 3 tasks\n  task 1 runs\n  task 2 has waited %d.%d s for [^\n]*sleep\n  task 3 has waited %d.%d s for [^\n]*event", out)
  end)

  it("ends the tasks that the script leaves running, and lets them undo what they guard", function()
    assert.equal("end\nundone\n", runs([[-e 'guestlua.spawn(function()
      local undo <close> = setmetatable({}, { __close = function() guestlua.sleep(0.01) print("undone") end })
      guestlua.sleep(60)
    end) guestlua.sleep(0.01) print("end")']]))
  end)

  it("aborts the job that an interrupted await_job waits for", function()
    local code, out = interrupted([[
      package.path = "./?.lua;" .. package.path
      local machine <close> = require("spec.support.tiny").boot()
      machine:sh("dd if=/dev/urandom of=/data/x bs=1M count=16 2>/dev/null; sync")
      local disk = machine.guest:get_block_device("vda")
      local undo <close> = setmetatable({}, { __close = function(_, e)
        print("undone", e.kind, disk:get_job_info())
      end })
      disk:copy(guestlua.element("disk", { type = "file", source = { file = machine.dir .. "/copy" } }), { transient = true, bandwidth = 1 })
      print("go") io.stdout:flush()
      print(disk:await_job())
    ]], "kill -INT $pid")
    assert.equal(130, code)
    assert.matches("undone\tinterrupted\tnil", out)
  end)

  it("stops quietly where nobody reads its output, and undoes what it guards", function()
    local text = [[local undo <close> = setmetatable({}, { __close = function() io.stderr:write("undone") end })
      while true do print(1) end]]
    local path = script(text)
    finally(function() os.remove(path) end)
    local code, out, err = helper.run(("bash -c '%s %s | head -1; echo ${PIPESTATUS[0]}'"):format(helper.interpreter, path))
    assert.same({ 0, "1\n141\n", "undone" }, { code, out, err })
  end)

  it("leaves SIGPIPE to the programs that it starts", function()
    assert.equal("y\n", runs([[-e 'os.execute("yes | head -1")']]))
  end)
end)
