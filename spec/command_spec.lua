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

  it("tells its versions and its usage", function()
    assert.matches("^guestlua %d+%.%d+%.%d+ %(Lua 5%.4%.%d+, libvirt %d", runs("-v"))
    assert.matches("^usage: guestlua ", runs("--help"))
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
    for _, arguments in ipairs({ "--nonsense", "-Z", "-e", "-c" }) do
      local code, _, err = helper.guestlua(arguments)
      assert.equal(2, code)
      assert.matches("Try 'guestlua %-%-help'", err)
    end
  end)

  it("keeps the exit code that the script gives", function()
    assert.equal(7, (helper.guestlua("-e 'os.exit(7)'")))
    assert.equal(0, (helper.guestlua("-e 'os.exit(true, true)'")))
  end)

  -- Starts the script, sends the signals once it says "go", and gives its exit code and output.
  local function interrupted(text, signals)
    local path, out = script(text), os.tmpname()
    finally(function()
      os.remove(path)
      os.remove(out)
    end)
    local code = helper.run(([[sh -c '
      %s %s >%s 2>&1 & pid=$!
      i=0; until grep -q ^go %s || [ $i -ge 900 ]; do sleep 0.1; i=$((i+1)); done
      %s
      wait $pid']]):format(helper.interpreter, path, out, out, signals))
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
    }) do
      local code, out = interrupted(guarded .. body, "kill -INT $pid")
      assert.equal(130, code)
      assert.matches("undone\tinterrupted", out)
      assert.matches("guestlua: .*interrupted", out)
    end
  end)

  it("does the same at SIGTERM, and exits 143", function()
    local code, out = interrupted(guarded .. "guestlua.sleep(60)", "kill -TERM $pid")
    assert.equal(143, code)
    assert.matches("undone\tinterrupted", out)
  end)

  it("is killed by a second one", function()
    local code, out = interrupted(guarded:gsub("0%.2", "60") .. "guestlua.sleep(60)", "kill -INT $pid; sleep 0.3; kill -INT $pid")
    assert.equal(130, code)
    assert.not_matches("undone", out)
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

  it("stops quietly where nobody reads its output", function()
    local _, _, err = helper.run(("sh -c '%s -e \"for i = 1, 1e6 do print(i) end\" | head -1'"):format(helper.interpreter))
    assert.equal("", err)
  end)
end)
