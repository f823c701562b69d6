-- What is in the sandbox, and its limits. process_spec.lua runs this file with another way.

local helper = require("spec.support.helper")
local sandbox = require("spec.support.sandboxed")(...)

local run, stopped, prints = sandbox.run, sandbox.stopped, sandbox.prints
local WAY = sandbox.WAY
local USED_UP, NO_MEMORY = "has used up the instructions", "not enough memory"

describe("In the sandbox there", function()
  it("are no files, programs, C modules and no debug", function()
    prints("", [[
      for _, name in ipairs{"io", "debug", "package", "dofile", "loadfile", "loadstring", "newproxy", "warn", "module", "setfenv"} do
        assert(_G[name] == nil and _ENV[name] == nil, name)
      end
      for _, name in ipairs{"execute", "exit", "getenv", "remove", "rename", "tmpname", "setlocale"} do
        assert(os[name] == nil, name)
      end
      for _, name in ipairs{"embedded", "embedded_uri", "journal", "recover", "dry_run", "Progress", "isatty", "default_uri", "core"} do
        assert(rawget(guestlua, name) == nil and (name == "core" or guestlua[name] == nil), name)
      end
      assert(guestlua.log.configure == nil)
    ]])
  end)

  it("are calls that read or write files of this machine only if they are allowed by their whole names", function()
    local script = [[
      local guest = guestlua.open("test:///default"):guest("test")
      local ok, e = pcall(guest.screenshot, guest, "/nonesuch/screen")
      print(e.kind)
    ]]
    prints("not_allowed\n", script)
    prints("", [[
      local host = guestlua.open("test:///default")
      for name, arguments in pairs{ backups = { "/tmp" }, verify = { "/tmp" }, prune = { host, "/tmp" }, restore = { host, { from = "/tmp" } },
          backup = { host:guest("test"), { to = "/tmp" } }, clone = { host:guest("test"), "copy", { to = "/tmp" } },
          live_snapshot = { host:guest("test"), "vda", "/tmp/x" }, swap_volume = { host:guest("test"), "vda", "<disk/>" },
          volume_snapshot_create = { host:guest("test"), "vda", { new_file = "/etc/passwd" } }, snapshot_then_commit = { host:guest("test") } } do
        local ok, e = pcall(guestlua.workflow[name], table.unpack(arguments))
        assert(not ok and e.kind == "not_allowed", name)
      end
    ]])
    for _, case in ipairs({ { "*", "not_allowed" }, { "Domain.screenshot", "system_error" } }) do
      local code, out, err = helper.run(("timeout -s KILL 60 %s -"):format(helper.interpreter), ([[
        require("guestlua.sandbox").configure({ sandbox = true, allow = { "guestlua.open", "Host.guest", %q } })
        assert(load(%q))()
      ]]):format(case[1], script))
      assert.same({ 0, case[2] .. "\n", "" }, { code, out, err })
    end
  end)

  it("are the things that scripts need", function()
    prints("test\ttrue\n", [[
      local host <close> = guestlua.open("test:///default")
      local guest = host:guest("test")
      local task = guestlua.spawn(function() return guest:is_active() end)
      local e = guestlua.element("disk", { target = { dev = "vda" } })
      assert(e.target.dev == "vda" and guestlua.device.disk{ type = "file" }.type == "file")
      assert(require("guestlua") == guestlua)
      local t = setmetatable({}, { __index = function(_, k) return k end, __close = function() end })
      assert(t.x == "x" and getmetatable(t).__close)
      assert(("%s"):format(1) == "1" and ("abc"):gsub("b", "x") == "axc" and #table.pack(1, 2) == 2 and utf8.char(228) == "ä")
      assert(os.time() > 0 and os.date("%Y") and math.pi and coroutine.wrap(function() return 1 end)() == 1)
      assert(load("x = 5; return x")() == 5 and x == 5)
      guestlua.map({ 1, 2 }, function(i) guestlua.sleep(0.001) return i end)
      assert(select("#", guestlua.timeout(5, function() return 1, 2 end)) == 2)
      collectgarbage()
      print(guest.name, task:wait())
    ]])
  end)

  it("is nobody else's module", function()
    prints("", [[
      for _, name in ipairs{"guestlua.core", "guestlua.sandbox", "io", "os", "debug", "package", "_G", "luv", "dkjson", "string"} do
        local ok, e = pcall(require, name)
        assert(not ok and e.kind == "not_allowed", name)
      end
    ]])
  end)
end)

describe("The limit of instructions holds", function()
  it("in loops, and a pcall does not help", function()
    stopped(USED_UP, "while true do end")
    stopped(USED_UP, "while true do pcall(function() while true do end end) end")
    stopped(USED_UP, "local function f() pcall(f) f() end f()")
    stopped(USED_UP, "repeat xpcall(function() while true do end end, function() while true do end end) until false")
    stopped(USED_UP, "local t <close> = setmetatable({}, { __close = function() while true do end end }) while true do end")
    stopped(USED_UP, "goto a ::b:: goto a ::a:: goto b")
  end)

  it("in coroutines and tasks, however many", function()
    stopped(USED_UP, "while true do coroutine.wrap(function() while true do end end)() end")
    stopped(USED_UP, "while true do coroutine.wrap(function() for i = 1, 900 do end end)() end")
    stopped(USED_UP, "while true do local co = coroutine.create(function() for i = 1, 900 do end end) coroutine.resume(co) end")
    stopped(USED_UP, "while true do pcall(coroutine.wrap(function() pcall(function() while true do end end) end)) end")
    stopped(USED_UP, "while true do guestlua.spawn(function() for i = 1, 900 do end end):wait() end")
    stopped(USED_UP, "local group <close> = guestlua.group() for i = 1, 10 do group:spawn(function() while true do end end) end group:wait()")
    stopped(USED_UP, "guestlua.timeout(1000, function() while true do end end)")
  end)

  it("in callbacks and metamethods", function()
    stopped(USED_UP, "table.sort({ 3, 2, 1 }, function() while true do end end)")
    stopped(USED_UP, "('x'):gsub('x', function() while true do end end)")
    stopped(USED_UP, "local t = setmetatable({}, { __index = function() while true do end end }) return t.x")
    stopped(USED_UP, "load(function() while true do end end)")
    stopped(USED_UP, "local host <close> = guestlua.open('test:///default') guestlua.map({ 1, 2 }, function() while true do end end)")
  end)

  it("in what else can take its time in one call", function()
    stopped(USED_UP, "table.move({}, 1, math.maxinteger - 1, 2)")
    stopped(USED_UP, "table.move({}, math.mininteger, math.maxinteger, 1, {})")
    stopped("no table with a metamethod __len", "table.insert(setmetatable({}, { __len = function() return 1 << 60 end }), 1, 1)")
    stopped("no table with a metamethod __len", "table.remove(setmetatable({}, { __len = function() return 1 << 60 end }), 1)")
    stopped("no table with a metamethod __len", "table.sort(setmetatable({}, { __len = function() return 1 << 30 end }), rawequal)")
    stopped(USED_UP, "local t = {} for i = 1, 100000 do t[i] = i end while true do table.insert(t, 1, 1) table.remove(t, 1) end")
    stopped(USED_UP, "local s = ('x'):rep(8000000) for i = 1, 1000000 do local t = s .. i end")
    stopped(USED_UP, "local t = {} for i = 1, 100000 do t[i] = {} end while true do collectgarbage() end")
    prints("\n", "print((''):rep(math.maxinteger))")
    stopped(USED_UP, [[
      local t = { x = "1" }
      for i = 1, 100 do t = { a = t, b = t } end
      guestlua.element("x", t)
    ]], "--max-instructions=20000000")
  end)

  it("where Lua calls no hooks", function()
    stopped(USED_UP, "repeat xpcall(function() while true do end end, function() while true do end end) until false")
    stopped(USED_UP, "xpcall(function() error(1) end, function() while true do end end)")
    stopped(USED_UP, [[
      coroutine.wrap(function()
        local undo <close> = setmetatable({}, { __close = function() while true do end end })
        while true do end
      end)()
    ]])
    run([[
      local co = coroutine.create(function()
        local undo <close> = setmetatable({}, { __close = function() while true do end end })
        while true do end
      end)
      coroutine.resume(co)
      coroutine.close(co)
    ]])
  end)

  it("and what our own modules have to undo is undone", function()
    local _, _, err = run("local progress <close> = guestlua.progress('x') while true do end")
    assert.matches("^x: stopped after ", err)
    assert.matches(USED_UP, err)
  end)
end)

describe("The limit of memory holds", function()
  it("in tables, texts and closures", function()
    stopped(NO_MEMORY, "local t = {} while true do t[#t + 1] = {} end", "--max-memory=32")
    stopped(NO_MEMORY, "local t = {} for i = 1, 1e9 do t[i] = i end", "--max-memory=32")
    stopped(NO_MEMORY, "local s = 'x' while true do s = s .. s end", "--max-memory=32")
    stopped(NO_MEMORY, "local t = {} while true do t = { t, function() return t end, coroutine.create(print) } end", "--max-memory=32")
  end)

  it("in functions of Lua's", function()
    for _, script in ipairs({
      "return ('x'):rep(1 << 30)",
      "return ('x'):rep(1 << 20, ('y'):rep(1 << 20))",
      "return table.concat(setmetatable({}, { __index = function() return ('x'):rep(1000) end }), '', 1, 1 << 40)",
      "return table.concat(setmetatable({}, { __index = type }), '', 1, 1 << 40)",
      "return ('x'):rep(1 << 20):gsub('.', ('y'):rep(1000))",
      "local t = {} for i = 1, 200 do t[i] = ('%s'):rep(1000):format(table.unpack({}, 1, 1000)) .. ('x'):rep(1 << 20) end return t",
      "return utf8.char(table.unpack({}, 1, 1 << 24))",
      "return string.pack('s', ('x'):rep(1 << 25)) .. string.pack('s', ('x'):rep(1 << 25))",
      "local text = 'x=\\'' assert(load(function() local piece = text text = ('x'):rep(100000) return piece end))",
    }) do
      local code, _, err = run(script, "--max-memory=32")
      assert.equal(1, code, script)
      local known = err:find(NO_MEMORY, 1, true) or err:find("too large", 1, true) or err:find("too many results", 1, true)
      assert.is_truthy(known or err:find("nil", 1, true), script .. ": " .. err)
    end
  end)

  it("in XML documents", function()
    stopped(NO_MEMORY, [[
      local kept = {}
      local text = "<a>" .. ("<b/>"):rep(10000) .. "</a>"
      while true do kept[#kept + 1] = guestlua.element(text) end
    ]], "--max-memory=32")
    stopped(NO_MEMORY, "local e = guestlua.element('<a/>') while true do e[1] = ('x'):rep(10000) end", "--max-memory=32")
    stopped(NO_MEMORY, "local e = guestlua.element('<a/>') while true do e:append(guestlua.element('<b x=\"1\"/>')) end", "--max-memory=32")
    stopped(NO_MEMORY, "local e = guestlua.element('<a/>') while true do e.x = { { y = 1 }, { y = 2 } } end", "--max-memory=32")
    stopped(NO_MEMORY, "local t = { x = '1' } for i = 1, 100 do t = { a = t, b = t } end guestlua.element('x', t)", "--max-memory=32")
    prints("9\n", "local e = guestlua.element('<a/>') for i = 1, 999999 do e.x = i % 10 end print(e.x)", "--max-memory=32")
  end)

  it("and a script that catches the error cannot go beyond it", function()
    stopped(USED_UP, [[
      local kept = {}
      while true do pcall(function() while true do kept[#kept + 1] = ("x"):rep(100000) .. #kept end end) end
    ]])
  end)

  it("and what is not held any more can be used again", function()
    prints("done\n", "for i = 1, 1000 do local s = ('x'):rep(1000000 + i) end print('done')", "--max-memory=32")
  end)

  -- Outside the sandbox, where a script can look.
  it("and what fails of it leaves nothing behind", function()
    local code, out, err = helper.run(helper.interpreter .. " --max-memory=128 -", [[
      local element = guestlua.element("<a/>")
      element[1] = ("x"):rep(4 << 20)
      local filled, n = {}, 0
      repeat
        local fits, text = pcall(string.rep, "y", 500000 + n)
        n = n + 1
        filled[n] = fits and text
      until not fits
      filled[n - 1] = nil -- for the lines below
      local function used()
        local file <close> = assert(io.open("/proc/self/statm"))
        return file:read("n")
      end
      local before = used()
      for _ = 1, 50 do
        assert(not pcall(tostring, element))
        assert(not pcall(function() return element[1] end))
      end
      print((used() - before) * 4096 >> 20)
    ]])
    assert.equal("", err)
    assert.equal(0, code)
    assert.is_true(tonumber(out) < 150, out .. " MiB")
  end)
end)

describe("A sandbox does not fall over", function()
  it("deep recursion", function()
    for _, script in ipairs({
      "local function f() return 1 + f() end f()",
      "local function f() return (pcall(f)) end f() error('back')",
      "local t = {} t = setmetatable(t, { __index = function(_, k) return t[k + 1] end }) return t[1]",
      "local function f() return ('x'):gsub('x', f) end f()",
      "local function f() coroutine.wrap(f)() end f()",
      "local function f() guestlua.spawn(f):wait() end f()",
      "return load('return ' .. ('('):rep(100000) .. ('1'))()",
      "return load('return ' .. ('{'):rep(100000))()",
      "local t = {} for i = 1, 100000 do t = { t } end return guestlua.element('a', t)",
      "return ('x'):rep(300000):find(('(x'):rep(40))",
      "return ('x'):rep(300000):find(('x?'):rep(300000))",
      "local t = setmetatable({}, {}) getmetatable(t).__index = t return t.x.y",
      "error(setmetatable({}, { __tostring = function() error('x') end }))",
      "error(setmetatable({}, { __tostring = function() return 5 end }))",
      "error(nil)",
      "guestlua.log.error('x', setmetatable({}, { __pairs = function() return os.clock end }))",
      "guestlua.log.error('x', setmetatable({}, { __index = function(_, k) return k end, __metatable = 5 }))",
    }) do
      local code, _, err = run(script)
      assert.equal(1, code, script .. err)
    end
  end)

  it("a closed standard output", function()
    local code, _, err = helper.run(("sh -c '%s %s - >&-'"):format(helper.interpreter, WAY), "print(('x'):rep(100000))")
    assert.equal(0, code, err)
  end)
end)

describe("An allow list", function()
  it("leaves what is on it", function()
    local path = os.tmpname()
    finally(function()
      os.remove(path)
    end)
    local function restricted(allow, script)
      local file = assert(io.open(path, "w"))
      file:write(([[
        require("guestlua.sandbox").configure({ sandbox = true, allow = { %s } })
        load(%q)()
      ]]):format(allow, script))
      file:close()
      return helper.guestlua(path)
    end
    local code, out, err = restricted([["guestlua.open", "Host.guest", "Guest.get_*"]], [[
      local host <close> = guestlua.open("test:///default")
      local guest = host:guest("test")
      assert(guest:get_info())
      for _, refused in ipairs{
        function() guest:poweroff() end, function() host:guests() end, function() guest:get_block_device("vda"):commit() end,
        function() guest:is_active() end, function() guestlua.workflow.ensure_attached(guest, "<disk/>") end, function() host.guests(host) end,
        function() guestlua.Guest.poweroff(guest) end, function() guest:frozen() end,
      } do
        local ok, e = pcall(refused)
        assert(not ok and e.kind == "not_allowed", e)
      end
      guestlua.sleep(0)
      print(guest.name)
      guest:close()
    ]])
    assert.same({ 0, "test\n", "" }, { code, out, err })
    local _
    code, _, err = restricted([["Guest.get_inf"]], "")
    assert.equal(1, code)
    assert.matches("bad argument 'Guest.get_inf' to 'allow' %(no such method; there are: BlockDevice", err)
  end)
end)
