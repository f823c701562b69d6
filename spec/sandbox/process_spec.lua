-- guestlua --sandbox --process: a script in a process of its own, whatever it does.

local guestlua = require("guestlua")
local helper = require("spec.support.helper")

local PROCESS = "--sandbox --process"

local directory
setup(function()
  directory = helper.scratch()
end)

local function write(name, text)
  local path = directory .. "/" .. name
  local file <close> = assert(io.open(path, "wb"))
  assert(file:write(text))
  return path
end

-- Exit code, output, errors of a script in a process.
local function run(script, options)
  return helper.run(("timeout -s KILL 60 %s %s %s -"):format(helper.interpreter, PROCESS, options or "--max-memory=48"), script)
end

local function prints(text, script, options)
  local code, out, err = run(script, options)
  assert.same({ 0, text, "" }, { code, out, err }, script)
end

local function stopped(message, script, options)
  local code, out, err = run(script, options)
  assert.equal(1, code, script .. out .. err)
  assert.is_truthy(err:find(message, 1, true), script .. ": " .. err)
end

-- The process is gone: it does not run, whoever has to collect it.
local function is_gone(pid)
  local file <close> = io.open(("/proc/%s/stat"):format(pid))
  local stat = file and file:read("a") or ""
  return stat == "" or stat:match("%) (%a)") == "Z"
end

-- The child of a process, once it has one.
local function child_of(pid)
  return helper.await(function()
    local file <close> = io.open(("/proc/%s/task/%s/children"):format(pid, pid))
    return file and file:read("a"):match("%d+")
  end, "there is no child", 60)
end

local function read(path)
  local file <close> = io.open(path)
  return file and file:read("a")
end

-- Starts one that says on standard output when its script runs: its pid and that of the script's process.
local function background(script, options)
  local path, ready = write("background.lua", "print('runs') " .. script), directory .. "/ready"
  os.remove(ready)
  local pipe <close> = io.popen(("%s %s %s %s >%s 2>%s.err & echo $!"):format(helper.interpreter, PROCESS, options or "", path, ready, ready))
  local pid = pipe:read("l")
  helper.await(function()
    return read(ready) == "runs\n"
  end, "the script does not run", 60)
  return pid, child_of(pid)
end

describe("In a process of its own", function()
  for _, name in ipairs({ "sandbox_spec", "escapes_spec", "costs_spec" }) do
    assert(loadfile(("spec/sandbox/%s.lua"):format(name), "t", _ENV))(PROCESS)
  end
end)

describe("A script in a process of its own", function()
  it("has what the sandbox has, and libvirt through its parent", function()
    local path = write("all.lua", [[#!/usr/bin/guestlua
      assert(arg[0]:find("all.lua") and arg[1] == "a" and select("#", ...) == 2)
      local host <close> = guestlua.open()
      assert(tostring(host) == "<Host test:///default>" and host.uri == "test:///default")
      local guest = host:guest("test")
      assert(guest.name == "test" and guest:get_info().domain_state == "running" and guest.host == host)
      assert(guest:get_config().name[1] == "test" and #host:guests() == 1)
      assert(guestlua.Guest.is_active(guest))
      local names = guestlua.map({ guest, guest }, function(one) guestlua.sleep(0.001) return one.name end)
      assert(names[2] == "test")
      local ok, e = pcall(guest.launch, guest)
      assert(not ok and e.kind == "operation_denied" and e.guest == "test" and e.where:find("all.lua:%d"), tostring(e))
      ok, e = pcall(function() return guest.nmae end)
      assert(e.kind == "bad_argument" and e.message:find("is name meant?"))
      ok, e = pcall(host.guest, host, 5, 6, 7)
      assert(e.kind == "bad_argument")
      guest:close()
      ok, e = pcall(guest.is_active, guest)
      assert(e.kind == "closed")
      for _, refused in ipairs{
        function() host:subscribe("reboot") end, function() host:on("reboot", print) end, function() for _ in host:events{ "reboot" } do end end,
        function() host:guest("test"):is_active({ timeout = print }) end, function() guestlua.serve() end,
        function() guestlua.element("<domain/>"):validate() end,
      } do
        ok, e = pcall(refused)
        assert(not ok and (e.kind == "not_allowed" or e.kind == "bad_argument"), tostring(e))
      end
      print("printed", ("\0\255"):byte(1, -1))
    ]])
    local code, out, err = helper.guestlua(("-c test:///default %s %s a b"):format(PROCESS, path))
    assert.same({ 0, "printed\t0\t255\n", "" }, { code, out, err })
  end)

  it("fails as another script does", function()
    local code, out, err, _
    code, out, err = run("error('boom')")
    assert.same({ 1, "", "guestlua: stdin:1: boom\n" }, { code, out, err })
    code, out, err = run("x = = 5")
    assert.same({ 1, "", "guestlua: stdin:1: unexpected symbol near '='\n" }, { code, out, err })
    code, _, err = run("guestlua.open('test:///default'):guest('test'):poweroff()")
    assert.equal(1, code)
    assert.matches("^guestlua: stdin:1: guest 'test': poweroff: operation forbidden", err)
    code, _, err = helper.guestlua(PROCESS .. " /nonesuch/script.lua")
    assert.equal(1, code)
    assert.matches("/nonesuch/script.lua: No such file", err)
    code, _, err = helper.guestlua(PROCESS .. " -e 'print(1)'")
    assert.equal(2, code)
    assert.matches("%-%-process runs a script, and nothing else", err)
    code, out, err = helper.run(("bash -c '%s %s - | head -n 1; exit ${PIPESTATUS[0]}'"):format(helper.interpreter, PROCESS),
      "for i = 1, 1e6 do print(i) end")
    assert.same({ 141, "1\n", "" }, { code, out, err })
  end)

  it("asks for no more than a message can have, and gets no more", function()
    prints("limit\tlimit\ttrue\n", [[
      local host = guestlua.open("test:///default")
      local ok, e = pcall(host.guest, host, ("x"):rep(5 << 20))
      local again, e2 = pcall(guestlua.open, "test:///default", { x = ("x"):rep(5 << 20) })
      print(e.kind, e2.kind, host:guest("test"):is_active())
    ]])
    stopped("is more than 4194304", "return ('x'):rep(5 << 20)")
    stopped("nested deeper than 32", "local t = {} t.t = t guestlua.open('test:///default'):guest(t)")
  end)

  it("may have no limits", function()
    prints("1\n", "print(1)", "--max-seconds=0 --max-memory=0")
    prints("1\n", "print(1)", "--max-seconds=9999999999999 --max-memory=9999999999999 --max-instructions=9999999999999")
  end)

  it("gives back what it returns", function()
    local result = directory .. "/result"
    local path = write("result.lua", "local host = guestlua.open() return 5, { host:guest('test') }, print")
    local code, _, err = helper.guestlua(("-c test:///default --result %s %s %s"):format(result, PROCESS, path))
    assert.same({ 0, "" }, { code, err })
    local results = require("dkjson").decode(read(result)).results
    assert.equal(5, results[1])
    assert.matches("test", results[2][1])
    assert.matches("^function", results[3])
  end)

  it("has its objects for as long as it needs them, and not more than so many", function()
    prints("done\n", [[
      local host = guestlua.open("test:///default")
      local kept = host:guest("test")
      for i = 1, 15000 do local guest = host:guest("test") end
      assert(kept:is_active())
      local list = {}
      local ok, e = pcall(function() while true do list[#list + 1] = host:guest("test") end end)
      assert(not ok and e.kind == "limit", e)
      list = nil
      collectgarbage() collectgarbage()
      assert(host:guest("test"):is_active())
      print("done")
    ]], "--max-memory=96")
  end)

  it("has none of the objects of an answer that it does not get", function()
    local guests = {}
    for i = 1, 20 do
      guests[i] = ("<domain type='test'><name>g%d</name><memory>1024</memory><os><type>hvm</type></os></domain>"):format(i)
    end
    local path = write("many.xml", "<node>" .. table.concat(guests) .. "</node>")
    prints("done\n", [[
      local host = guestlua.open()
      local list = {}
      for i = 1, 9990 do list[i] = host:guest("g1") end
      for _ = 1, 2 do
        local ok, e = pcall(host.guests, host)
        assert(not ok and e.kind == "limit", tostring(e))
      end
      assert(host:guest("g1").name == "g1")
      print("done")
    ]], ("-c test://%s --max-memory=96"):format(path))
  end)

  it("gives back what it has not any more although a call cannot be handed over", function()
    prints("done\n", [[
      local host = guestlua.open("test:///default")
      for _ = 1, 15 do
        local list = {}
        for i = 1, 900 do list[i] = host:guest("test") end
        list = nil
        collectgarbage() collectgarbage()
        assert(not pcall(host.guest, host, print))
      end
      print("done")
    ]], "--max-memory=96")
  end)
end)

describe("The clock, the processor and the memory end", function()
  local OVER = "not over within 1 seconds"

  it("what the sandbox alone cannot end", function()
    for _, script in ipairs({
      "local s = ('x'):rep(300000) while true do s:find(('x-'):rep(20) .. 'y') end",
      "return (('a'):rep(40)):find(('a?'):rep(40) .. ('a'):rep(40) .. 'b')",
      "local s = ('a'):rep(1e6) return s:match('.-.-.-.-b')",
      "local s = ('a'):rep(1e6) return s:gsub('(a*)*b', '')",
      "local a, b = ('a\\0'):rep(4e6), ('a\\0'):rep(4e6) .. 'b' local n = 0 while true do if a < b then n = n + 1 end end",
      "guestlua.sleep(1000)",
      "guestlua.signal():wait()",
      "while true do pcall(guestlua.sleep, 1000) end",
      "while true do end",
      "local host = guestlua.open('test:///default') while true do host:guests() end",
      "local t <close> = setmetatable({}, { __close = function() while true do end end }) error('x')",
    }) do
      stopped(OVER, script, "--max-seconds=1")
    end
  end)

  it("and instructions that are used up are the error that the script ends with", function()
    for _, script in ipairs({ "while true do end", "while true do pcall(function() while true do end end) end",
      "guestlua.spawn(function() while true do pcall(guestlua.sleep, 1) end end) while true do end" }) do
      local code, out, err = run(script, "--max-instructions=1000000")
      assert.equal(1, code)
      assert.equal("", out)
      assert.matches("^guestlua: stdin:1: the script has used up the instructions that it may use\n$", err)
    end
  end)

  it("a script while its parent cannot look", function()
    local pid, child = background("while true do end", "--max-seconds=1")
    os.execute("kill -STOP " .. pid)
    helper.await(function()
      return is_gone(child)
    end, "it runs on", 60)
    os.execute("kill -CONT " .. pid)
    helper.await(function()
      return is_gone(pid)
    end, "the parent runs on", 60)
  end)

  it("a script that wants all memory", function()
    for _, script in ipairs({
      "local t = {} while true do t[#t + 1] = ('x'):rep(1e6) .. #t end",
      "local t = {} for i = 1, 1e9 do t[i] = i end",
      "return ('x'):rep(1 << 30)",
      "local s = 'x' while true do s = s .. s end",
    }) do
      stopped("not enough memory", script)
    end
    local code, _, err = run("local kept = {} for i = 1, 1e9 do kept[i] = guestlua.element('<a>' .. ('<b/>'):rep(1000) .. '</a>') end")
    assert.equal(1, code, err)
  end)
end)

-- Each asserts that it gets nowhere.
local ESCAPES = {
  { "bytecode", "assert(not string.dump and not load('\\27Lua') and not load('\\27LuaT', 'x', 'b'))" },
  { "debug", "assert(debug == nil and not pcall(function() return debug.getregistry() end) and not pcall(require, 'debug'))" },
  { "a string's metatable", "assert(not getmetatable('') and not pcall(function() getmetatable('').__index = {} end))" },
  { "libraries", "assert(not io and not os.execute and not os.getenv and not os.exit and not package and not dofile and not loadfile)" },
  { "C modules", "assert(not pcall(require, 'luv') and not pcall(require, 'guestlua.program.confined') and not pcall(require, 'guestlua.core'))" },
  { "the collector", "assert(not pcall(collectgarbage, 'stop') and not pcall(collectgarbage, 'setpause', 1e6) and collectgarbage('count') > 0)" },
  { "a finalizer", "assert(not pcall(setmetatable, {}, { __gc = function() while true do end end }))" },
  { "a late finalizer", "local m = {} setmetatable({}, m) m.__gc = function() print('ran') end collectgarbage()" },
  { "wrapped coroutines", "local f = coroutine.wrap(function() return pcall(coroutine.yield) end) f() assert(not io)" },
  { "a coroutine's error", "local co = coroutine.create(function() error(setmetatable({}, { __index = _G })) end) "
    .. "local ok, e = coroutine.resume(co) assert(not ok and e.io == nil)" },
  { "an object of an error", "local ok, e = pcall(guestlua.open, 5) assert(not getmetatable(e) and e.io == nil and not rawget(e, '_G'))" },
  { "a handler of errors", "xpcall(error, function(...) assert(io == nil and select('#', ...) == 1) end, 1)" },
  { "load with globals", "assert(load('return io, os.execute', 'x', 't', _G)() == nil and load('return _ENV', 'x', 't', {})().io == nil)" },
  { "load of a reader", "local n = 0 local f = load(function() n = n + 1 return ({ 'return ', 'io' })[n] end) assert(f() == nil)" },
  { "a huge text", "local ok, e = pcall(string.rep, 'x', 1 << 36) assert(not ok) ok, e = pcall(string.rep, 'x', -1) assert(e == '')" },
  { "upvalues", "assert(not debug and not pcall(function() return string.gsub.upvalue end))" },
  { "the methods' table", "local host = guestlua.open('test:///default') rawset(host, 'guest', print) "
    .. "guestlua.Host.guests = nil assert(#host:guests() == 1 and not getmetatable(host))" },
  { "a proxy's number", "local host = guestlua.open('test:///default') for k in next, host do error(k) end "
    .. "host.id = 7 host[1] = 9 assert(host.uri == 'test:///default')" },
  { "fake objects", "local fake = setmetatable({}, { __index = function() return print end, __name = 'Host' }) "
    .. "assert(not pcall(guestlua.Host.guests, fake) and not pcall(guestlua.workflow.reboot, fake))" },
  { "names with underscores", "local host = guestlua.open('test:///default') for _, name in ipairs{ '__gc', '__index', '__close', '__name' } do "
    .. "local ok, value = pcall(function() return host[name] end) assert(not ok or value == nil, name) end" },
  { "goto and closes", "do local a <close> = setmetatable({}, { __close = function(_, e) assert(io == nil) end }) goto out end ::out::" },
  { "a pattern's recursion", "assert(not pcall(string.find, ('x'):rep(300000), ('(x'):rep(40)))" },
  { "a format", "assert(not pcall(string.format, '%1000000d', 1) and not pcall(string.format, ('%99.99f'):rep(1000), 1))" },
  { "packed sizes", "assert(not pcall(string.unpack, 's8', ('\\255'):rep(8)) and not pcall(string.unpack, '<I4', 'xxxx', 1 << 40))" },
  { "an endless sort", "assert(not pcall(table.sort, setmetatable({}, { __len = function() return 1 << 40 end })))" },
}

describe("Out of the process leads no known escape:", function()
  for _, case in ipairs(ESCAPES) do
    it(case[1], function()
      prints("", case[2])
    end)
  end
end)

describe("The kernel", function()
  local function compiled(name, flags)
    local path = directory .. "/" .. name
    local code, _, err = helper.run(("gcc -std=gnu11 -Wall -Wextra -Werror -O1 -Isrc %s -o %s spec/support/reach.c"):format(flags, path))
    assert.equal(0, code, err)
    return path
  end

  it("refuses everything that the process could try itself", function()
    local library = compiled("reach.so", "-fPIC -shared -fvisibility=hidden")
    local function reached(options)
      local code, out, err = helper.run(("env LD_PRELOAD=%s ASAN_OPTIONS=%s:verify_asan_link_order=0 %s %s -"):format(library,
        os.getenv("ASAN_OPTIONS") or "", helper.interpreter, options), "print(os.clock() // 1)")
      assert.same({ 0, "" }, { code, err })
      return tonumber(out)
    end
    assert.is_true(reached("") & 7 == 7, "what it tries is of no use") -- it can read, write and list without
    assert.equal(0, reached(PROCESS))
  end)

  it("keeps it by each of its means alone", function()
    local reach = compiled("reach", "")
    local function reaches(layer, names, but)
      local code, out = helper.run(reach .. " " .. layer)
      assert.equal(0, code)
      local list = {}
      for name in out:gmatch("%S+") do
        list[name] = true
      end
      for name in names:gmatch("%S+") do
        assert.equal(but or nil, list[name], layer .. ": " .. name .. ": " .. out)
      end
      return list
    end
    reaches("none", "read write list fork execute socket connect", true)
    reaches("limits", "read write list socket connect memory_file dup")
    reaches("seccomp", "read write list fork execute socket connect signal map_code memory_file dup limits namespace trace")
    if not reaches("landlock", "read write list").missing then
      reaches("landlock", "read write list")
    end
  end)

  it("knows its limits, and of the parent's descriptors and variables it has none", function()
    local pid, child = background("guestlua.sleep(1000)", "--max-seconds=900")
    local limits, status = read(("/proc/%s/limits"):format(child)), read(("/proc/%s/status"):format(child))
    assert.matches("Max open files +0 +0 ", limits)
    assert.matches("Max processes +0 +0 ", limits)
    assert.matches("Max core file size +0 +0 ", limits)
    assert.matches("Max cpu time +902 +903 ", limits)
    local bounded = tonumber(limits:match("Max address space +(%d+)")) ~= nil -- a sanitizer needs all of it, and the log says so
    local _, _, err = run("", "--log-level=info")
    assert.equal(not bounded, err:find("confined without a limit of the address space", 1, true) ~= nil, err)
    assert.equal(helper.interpreter:find("san/", 1, true) == nil, bounded)
    assert.matches("NoNewPrivs:\t1", status)
    assert.matches("Seccomp:\t2", status)
    assert.matches("Threads:\t1\n", status)
    assert.is_nil(read(("/proc/%s/environ"):format(child)):find("HOME=", 1, true))
    local pipe <close> = io.popen(("readlink /proc/%s/fd/*"):format(child))
    for target in pipe:lines() do
      assert.is_truthy(target:find("^/dev/null$") or target:find("^anon_inode:") or target:find("^socket:") or target:find("^pipe:")
        or target:find(directory, 1, true), target)
    end
    os.execute("kill -KILL " .. pid)
    helper.await(function()
      return is_gone(child)
    end, "the script's process lives on without its parent", 60)
  end)

  it("ends it with its parent, and a Ctrl-C ends both", function()
    local pid, child = background("while true do end")
    os.execute("kill -KILL " .. pid)
    helper.await(function()
      return is_gone(child)
    end, "the script's process lives on without its parent", 60)
    pid, child = background("while true do pcall(guestlua.sleep, 1000) end")
    os.execute("kill -INT " .. pid)
    helper.await(function()
      return is_gone(child) and is_gone(pid)
    end, "they live on", 60)
    assert.matches("interrupted", read(directory .. "/ready.err"))
  end)
end)
