-- The library: guestlua.h, the programs in spec/embed, and the examples, built as a program of one's own is and run.

local helper = require("spec.support.helper")

local BUILD = helper.interpreter:match("^(.*)/") -- build, or a variant of it
local VARIANT = BUILD:match("/(%a+)$") -- "asan", "tsan" or nil
local SANITIZE = ({ asan = "-fsanitize=address,undefined", tsan = "-fsanitize=thread" })[VARIANT] or ""

local function has(command)
  return os.execute(command .. " >/dev/null 2>&1")
end

local function output(command)
  local code, out, err = helper.run(command)
  assert.same({ 0, "" }, { code, err }, command)
  return out
end

local directory
setup(function()
  directory = os.tmpname()
  os.remove(directory)
  os.execute("mkdir " .. directory)
end)
teardown(function()
  os.execute("rm -r " .. directory)
end)

-- Compiles a program against the library that was built; its path.
local function built(source, packages, compiler)
  local program = ("%s/%s"):format(directory, source:match("([^/]+)%.%a+$"))
  local library = ("-L%s -Wl,-rpath,$PWD/%s -lguestlua"):format(BUILD, BUILD)
  local code, _, err = helper.run(("%s -g -Wall -Wextra -Wpedantic -Werror %s -Isrc -o %s %s %s -lpthread $(pkg-config --cflags --libs %s)")
    :format(compiler or "gcc -std=gnu11", SANITIZE, program, source, library, packages))
  assert.equal(0, code, err)
  return program
end

local PACKAGES = "lua5.4 libvirt"

-- Builds and runs one of spec/embed.
local function runs(name, arguments)
  local code, out, err = helper.run(("timeout -s KILL 150 %s %s"):format(built("spec/embed/" .. name .. ".c", PACKAGES), arguments or ""))
  assert.equal(0, code, err)
  return out, err
end

describe("A program that embeds guestlua", function()
  it("hands its libvirt objects over, and takes the script's", function()
    runs("handover")
  end)

  it("runs functions, from its own loop or not, and hears the log", function()
    local _, err = runs("loop")
    assert.matches("^[^\n]* error on standard error\n$", err)
  end)

  it("runs scripts in processes of their own", function()
    runs("process", helper.interpreter)
  end)

  it("keeps its own handler of SIGCHLD", function()
    runs("signals", helper.interpreter)
  end)

  it("sees the end of programs where the system has no pidfds, as valgrind of Debian 12", function()
    runs("signals", helper.interpreter .. " without")
  end)

  it("has several states at once, each on its thread", function()
    runs("threads")
  end)

  it("gives several states one connection, and each hears of its events", function()
    runs("shared")
  end)

  it("reads errors' fields, keeps a pointer, decides about calls, and allocates", function()
    runs("program")
  end)

  it("may have no memory left at any moment", function()
    runs("no_memory")
  end)

  it("may have no file descriptor left", function()
    runs("few_files")
  end)

  it("may fork: in the child its states refuse", function()
    runs("forked")
  end)

  it("may run libvirt's event loop itself, and hears if it does not", function()
    runs("own_events")
  end)

  it("makes and frees states without growing", function()
    local grown = tonumber((runs("states", VARIANT and "60" or "300")))
    assert.is_true(VARIANT ~= nil or grown < 1500, ("%d KiB more"):format(grown)) -- a state has 500
  end)

  it("may be written in C++", function()
    if not has("command -v g++") then
      pending("g++ is not installed")
    end
    local program = built("spec/embed/header.cc", PACKAGES, "g++")
    assert.same({ 0, "", "" }, { helper.run(program) })
  end)
end)

describe("The library", function()
  local header = io.open("src/guestlua.h"):read("a")

  it("shows its public functions, and no others", function()
    local public = {}
    for name in header:gmatch("\nGUESTLUA_API [^;]-(%w+_[%w_]+)%(") do
      public[#public + 1] = name
    end
    table.sort(public)
    assert.is_true(#public > 15)
    for _, file in ipairs({ "-D %s/libguestlua.so", "-g %s/libguestlua.a", "-D %s/lua/guestlua.so" }) do
      local command = "nm --defined-only " .. file
      local found = {}
      for name in output(command:format(BUILD)):gmatch("%x+ [TDBVR] ([^\n]+)") do
        if not name:find("^__") and not name:find("asan") and not name:find("odr") then -- a sanitizer's
          found[#found + 1] = name
        end
      end
      table.sort(found)
      assert.same(public, found, command)
    end
  end)

  it("says of each function what it does with the stack", function()
    for before, name in header:gmatch("/%*(.-)%*/\nGUESTLUA_API [^;]-(%w+_[%w_]+)%([^;]*lua_State %*") do
      before = before:match(".*/%*(.*)$") or before
      assert.matches("%[%-", before, name)
    end
  end)

  it("has a version in its name, and needs neither readline nor, for require, a second Lua", function()
    assert.matches("SONAME%s+libguestlua%.so%.0\n", output(("objdump -p %s/libguestlua.so"):format(BUILD)))
    assert.not_matches("NEEDED%s+libreadline", output(("objdump -p %s/libguestlua.so"):format(BUILD)))
    assert.not_matches("NEEDED%s+liblua", output(("objdump -p %s/lua/guestlua.so"):format(BUILD)))
    local version = header:match('GUESTLUA_VERSION "([%d.]+)"')
    assert.equal(version, ("%s.%s.%s"):format(header:match("MAJOR (%d+).-MINOR (%d+).-PATCH (%d+)")))
    assert.matches("guestlua " .. version, (output(helper.interpreter .. " -V")))
  end)
end)

describe("In a stock Lua", function()
  -- The sanitizers' libraries would have to be there before Lua is.
  local function lua(version, arguments)
    if VARIANT or not has("command -v lua" .. version) then
      pending(VARIANT and "a stock Lua has no sanitizer" or ("lua%s is not installed"):format(version))
    end
    local path = ("'%s/lua/?.so'"):format(BUILD)
    return helper.run(("env LUA_CPATH=%s LUA_CPATH_5_4=%s timeout -s KILL 60 lua%s %s"):format(path, path, version, arguments))
  end

  it("require gives the module", function()
    assert.same({ 0, "test\truns\n", "" }, { lua("5.4", "examples/embed/stock.lua test:///default") })
  end)

  it("coroutines, errors and the end are as they should be", function()
    local script = [[
      local guestlua = require("guestlua")
      assert(require("guestlua") == guestlua and package.loaded.guestlua == guestlua)
      local host = guestlua.open("test:///default")
      local ok, e = pcall(host.guest, host)
      assert(guestlua.Error.is(e, "bad_argument"))
      local names = guestlua.map(host:guests(), function(guest) return guest.name end)
      coroutine.wrap(function() names[2] = host:guest("test"):is_active() end)()
      local task = guestlua.spawn(guestlua.sleep, 100)
      local events = host:guest("test"):subscribe("lifecycle")
      print(names[1], names[2], events:next(0.01))
      os.exit(0, true) -- with a task, a subscription and a host open
    ]]
    assert.same({ 0, "test\ttrue\tnil\n", "" }, { lua("5.4", "-e " .. helper.quoted(script)) })
  end)

  for _, version in ipairs({ "5.3", "5.1" }) do
    it("of version " .. version .. " it is refused", function()
      local _, out = lua(version, "-e 'print(pcall(require, \"guestlua\"))'")
      assert.matches("^false\t", out)
      assert.matches(version == "5.3" and "needs 504.0, Lua core provides 503.0" or "guestlua needs Lua 5.4", out)
    end)
  end
end)

describe("examples/embed/", function()
  it("policy.c runs a script that it does not trust", function()
    local program = built("examples/embed/policy.c", PACKAGES)
    local code, out, err = helper.run(program .. " test:///default examples/embed/policy.lua")
    assert.same({ 1, "test: 8192 MiB of memory, more than 4096\n", "" }, { code, out, err })
    local script = directory .. "/script.lua"
    local function policy(text)
      local file = assert(io.open(script, "wb"))
      file:write(text)
      file:close()
      return helper.run(("%s test:///default %s"):format(program, script))
    end
    assert.same({ 0, "", "" }, { policy("return {}") })
    code, out, err = policy("local host = guestlua.open()\nlocal function check() host:guest('test') end check()")
    assert.same({ 2, "" }, { code, out })
    assert.matches("^policy: .*script.lua:2: Host.guest: this program does not allow it to its scripts\n", err)
    assert.matches("script.lua:2: in local 'check'\n", err)
    for text, message in pairs({
      ["while true do end"] = "used up the instructions",
      ["return 5"] = "returned no list",
      ["return +"] = "unexpected symbol",
      ["io.open('/etc/passwd')"] = "attempt to index a nil value %(global 'io'%)",
      [string.dump(load("return {}"))] = "attempt to load a binary chunk",
      ["error(setmetatable({}, { __tostring = error }))"] = "an error that has no text",
    }) do
      local failed
      failed, out, err = policy(text)
      assert.same({ 2, "" }, { failed, out }, text)
      assert.matches(message, err)
    end
    assert.equal(2, (helper.run(program)))
    assert.equal(2, (helper.run(program .. " test:///default /nowhere")))
  end)

  local HEARD = "watching test\ntest\tlifecycle\tsuspended\tpaused\ntest\tlifecycle\tresumed\tunpaused\n"

  it("loop.c has a loop and a connection of its own", function()
    local program = built("examples/embed/loop.c", PACKAGES)
    -- Each command is given when the script has reported the one before; then the program's standard input ends.
    local script = ([[
      coproc loop { exec timeout -s KILL 60 %s test:///default test examples/embed/watch.lua 2>/dev/null; }
      pid=$loop_PID
      read -r line <&${loop[0]}; echo "$line"
      for command in suspend resume; do
        echo $command >&${loop[1]}
        IFS= read -r line <&${loop[0]}; echo "$line"
      done
      exec {loop[1]}>&-
      wait $pid
    ]]):format(program)
    assert.same({ 0, HEARD, "" }, { helper.run("bash -c " .. helper.quoted(script)) })
    assert.equal(0, (helper.run(program .. " test:///default test examples/embed/watch.lua", "")))
    for arguments, message in pairs({
      ["nobody examples/embed/watch.lua"] = "there is no guest nobody",
      ["test /nowhere"] = "cannot open /nowhere",
    }) do
      local code, _, err = helper.run(("%s test:///default %s"):format(program, arguments), "")
      assert.equal(1, code)
      assert.matches(message, err)
    end
  end)

  it("glib.c has GLib's main loop, and libvirt's events in it", function()
    if not has("pkg-config --exists glib-2.0") then
      pending("libglib2.0-dev is not installed")
    end
    local program = built("examples/embed/glib.c", PACKAGES .. " glib-2.0")
    assert.same({ 0, HEARD, "" }, { helper.run("timeout -s KILL 60 " .. program .. " test:///default test examples/embed/watch.lua") })
  end)
end)
