-- The known ways out of Lua's sandboxes, and that they are closed. process_spec.lua runs this file with another way.

local helper = require("spec.support.helper")
local sandbox = require("spec.support.sandboxed")(...)

local prints = sandbox.prints
local WAY = sandbox.WAY

describe("Out of the sandbox leads", function()
  it("no bytecode", function()
    local bytecode = os.tmpname()
    finally(function()
      os.remove(bytecode)
    end)
    local file = assert(io.open(bytecode, "wb"))
    file:write(string.dump(load("print(1)")))
    file:close()
    local code, _, err = helper.guestlua(WAY .. " " .. bytecode)
    assert.equal(1, code)
    assert.matches("attempt to load a binary chunk", err)
    prints("", [[
      assert(string.dump == nil and ("").dump == nil)
      local header = "\27Lua\x54\0\x19\x93\r\n\x1a\n\4\8\8"
      for _, mode in ipairs{"b", "bt", "t", false} do
        local f, e = load(header, "x", mode or nil)
        assert(f == nil and e:find("binary"), e)
        local sent = false
        f, e = load(function() if not sent then sent = true return header end end, "x", mode or nil)
        assert(f == nil and e:find("binary"), e)
      end
    ]])
  end)

  it("no chunk with other globals, or with our own modules' name", function()
    prints("", [[
      assert(load("return _G")() == _G and load("return io, debug, package")() == nil)
      assert(load("return x", "x", "t", { x = 1 })() == 1 and load("return _ENV", "x", "t", nil)() == nil)
      local ok, e = pcall(load("error('x')", "=guestlua/core.lua"))
      assert(e:find("^%(load%)"), e)
      ok, e = load("return +", "=guestlua/x")
      assert(e:find("^%(load%)"), e)
    ]])
  end)

  it("no metatable", function()
    prints("", [[
      assert(not getmetatable(""))
      local host <close> = guestlua.open("test:///default")
      local _, e = pcall(host.guest)
      local group <close> = guestlua.group()
      local progress = guestlua.progress("x")
      local element = guestlua.element("<a/>")
      for name, value in pairs{ host, host:guest("test"), e, group, progress, element, group:spawn(type, 1), guestlua.signal(),
          guestlua.workflow, guestlua.device, guestlua.version, print, coroutine.create(print) } do
        assert(not getmetatable(value), name)
        assert(type(value) ~= "table" or not pcall(setmetatable, value, {}) or value == guestlua.workflow or value == guestlua.version, name)
      end
      local ok, subscription = pcall(host.subscribe, host, "reboot") -- there are none for a process
      assert(not ok or not getmetatable(subscription))
      assert(group.__index == nil and progress.__index == nil and group.__close == nil and group.__name == nil)
    ]])
  end)

  it("no finalizer", function()
    prints("", [[
      for _, metatable in ipairs{ { __gc = function() end }, setmetatable({ __gc = true }, {}) } do
        local ok, e = pcall(setmetatable, {}, metatable)
        assert(not ok and e.kind == "not_allowed")
      end
      local late = {}
      setmetatable({}, late)
      late.__gc = function() print("a finalizer ran") end
      collectgarbage()
    ]])
  end)

  it("no change of what trusted code calls", function()
    prints("test\n", [[
      string.format, string.gsub, string.find, table.insert, table.concat, coroutine.wrap, error = nil
      guestlua.Guest.get_info, guestlua.Group.spawn, guestlua.Error.new, guestlua.Error.is, guestlua.spawn = nil
      guestlua.workflow.ensure_attached = nil
      rawset(guestlua.Host, "guest", function() return "fake" end)
      local host <close> = guestlua.open("test:///default")
      local guest = host:guest("test")
      assert(guest:get_info().state == 1 and ("%d"):format(1) == "1")
      assert(guestlua.map({ 1 }, function(x) return x end)[1] == 1)
      local ok, e = pcall(guest.launch, guest, 1, 2, 3)
      assert(not ok and e.kind == "bad_argument")
      print(guest.name)
    ]])
  end)

  -- Seen, by the fuzzer: guestlua.Group.__close(t) ran on any table, in trusted code that a cancellation does not end.
  it("no metamethod of a class", function()
    prints("", [[
      for name, class in next, guestlua do
        for key in next, type(class) == "table" and class or {} do
          assert(type(key) ~= "string" or key:sub(1, 2) ~= "__", name)
        end
      end
    ]])
  end)

  it("no global of trusted code", function()
    prints("", [[
      -- What guestlua's functions call back with, raise, and what can be found from there.
      local seen, todo = {}, { _G }
      local function add(value) todo[#todo + 1] = value end
      local host <close> = guestlua.open("test:///default")
      for _, fn in ipairs{
        function() host:guest() end, function() guestlua.open(5) end, function() guestlua.timeout(0.01, guestlua.sleep, 5) end,
        function() guestlua.map({ 1 }, function(...) add(table.pack(...)) error({}) end) end,
        function() guestlua.workflow.ensure_attached(host:guest("test"), "<disk/>") end,
        function() guestlua.workflow.snapshot_then_commit(host:guest("test"), { during = add }) end,
        function() guestlua.log.error(setmetatable({}, { __tostring = function(...) add(table.pack(...)) return "" end })) end,
      } do
        xpcall(fn, function(e) add(e) return e end)
      end
      add(table.pack(guestlua.group(), guestlua.progress("x"), coroutine.running()))
      while #todo > 0 do
        local value = table.remove(todo)
        if value ~= nil and not seen[value] and type(value) == "table" then
          seen[value] = true
          for _, name in ipairs{ "execute", "popen", "loadlib", "getinfo", "set_globals", "take_back" } do
            assert(rawget(value, name) == nil, name)
          end
          assert(rawget(value, "_G") == nil or value._G == _G)
          for k, v in next, value do add(k) add(v) end
        end
      end
    ]])
  end)

  it("no connection but its own, and that one is read-only", function()
    prints("", [[
      for _, uri in ipairs{ "qemu:///system", "qemu+ext:///system?command=/bin/sh", "qemu+ssh://x/?netcat=/bin/sh", "test:///etc/passwd",
          "test:///vmlinuz", "test+unix:///default?socket=/x", "esx://x", "", "test:///default?x", "qemu:///embed?root=/tmp/x" } do
        local ok, e = pcall(guestlua.open, uri)
        assert(not ok and e.kind == "not_allowed", uri)
      end
      local ok, e = pcall(guestlua.open, setmetatable({}, { __eq = function() return true end }))
      assert(not ok)
      local hides = setmetatable({}, { __index = { readonly = false }, __pairs = function() return next, {} end })
      for _, options in ipairs{ {}, { readonly = false }, hides } do
        local host <close> = guestlua.open("test:///default", options)
        ok, e = pcall(function() host:guest("test"):poweroff() end)
        assert(not ok and e.kind == "operation_denied", e)
        host:reconnect()
        ok, e = pcall(function() host:guest("test"):poweroff() end)
        assert(not ok and e.kind == "operation_denied", e)
      end
    ]])
  end)

  it("no file through XML", function()
    prints("", [[
      local function refused(text, why)
        local ok, e = pcall(guestlua.element, text)
        assert(not ok and e.kind == "xml_error", why)
      end
      refused('<!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/passwd">]><a>&x;</a>', "an external entity")
      refused('<!DOCTYPE a SYSTEM "file:///etc/passwd"><a/>', "an external subset")
      refused('<!DOCTYPE a [<!ENTITY % x SYSTEM "file:///etc/passwd"> %x;]><a/>', "a parameter entity")
      local e = guestlua.element('<a xmlns:xi="http://www.w3.org/2001/XInclude"><xi:include href="/etc/passwd" parse="text"/></a>')
      assert(not tostring(e):find("root:"))
      local including = '<domain xmlns:x="http://relaxng.org/ns/structure/1.0"><x:include href="/etc/passwd"/></domain>'
      for _, text in ipairs{ '<a/>', including, '<..-domain/>' } do
        local ok, failure = pcall(function() guestlua.element(text):validate() end)
        assert(not ok and not tostring(failure):find("root:"))
      end
    ]])
  end)

  it("no URI that another function opens", function()
    local directory = helper.scratch()
    finally(function()
      os.execute("rm -rf " .. directory)
    end)
    local program, proof = directory .. "/program", directory .. "/was-run"
    local file <close> = assert(io.open(program, "w"))
    file:write(("#!/bin/sh\ntouch %s\nexit 1\n"):format(proof))
    file:close()
    assert(os.execute("chmod +x " .. program))
    local script = ([[
      local host = guestlua.open("test:///default")
      local guest, workflow = host:guest("test"), guestlua.workflow
      local function refused(fn, ...)
        local ok, e = pcall(fn, ...)
        assert(not ok and e.kind == "not_allowed", tostring(e))
      end
      for _, uri in ipairs{ "qemu+ext://other/system?command=PROGRAM", "qemu+ssh://other/system?command=PROGRAM", "test:///PROGRAM",
          "qemu:///embed?root=/x", "qemu+tcp://other/system" } do
        refused(workflow.drain, host, { to = { uri } })
        refused(workflow.drain, host, { to = { { uri = uri, destination_uri = "test:///default" } }, on_stuck = "leave" })
        refused(workflow.live_migrate, guest, host, { destination_uri = uri })
        refused(workflow.offline_migrate, guest, host, { destination_uri = uri })
        refused(guest.migrate, guest, uri)
      end
    ]]):gsub("PROGRAM", program)
    prints("", script)
    assert.is_nil(io.open(proof))
  end)

  it("no read-write connection through another function, and no recovery of others' runs", function()
    local home = helper.scratch()
    finally(function()
      os.execute("rm -rf " .. home)
    end)
    local file <close> = assert(io.open(home .. "/node.xml", "w"))
    file:write("<node/>")
    file:close()
    local code, out, err = helper.run(("env XDG_STATE_HOME=%s timeout -s KILL 60 %s -"):format(home, helper.interpreter), ([[
      local core = require("guestlua.core")
      local recover = require("guestlua.workflow.recover")
      local opened, recovered = {}, 0
      local open = core.open
      function core.open(uri, options)
        table.insert(opened, options.readonly)
        return open(uri, options)
      end
      function recover.recover()
        recovered = recovered + 1
        return {}
      end
      guestlua.default_uri = "test://%s/node.xml"
      require("guestlua.sandbox").configure({ sandbox = true })
      assert(load([=[
        local host = guestlua.open()
        local to = { { uri = "test:///default", destination_uri = "test:///default" } }
        local result = guestlua.workflow.drain(host, { to = to, on_stuck = "leave" })
        print(#result.moved)
      ]=]))()
      print(#opened, opened[1], opened[2], recovered)
    ]]):format(home))
    assert.same({ 0, "0\n2\ttrue\ttrue\t0\n", "" }, { code, out, err })
  end)

  it("no workflow that is given something else for a guest", function()
    prints("", [[
      local fake = setmetatable({ name = "../../x", uuid = "../../x", host = { uri = "x" } }, { __index = function() return print end })
      for name, fn in pairs(guestlua.workflow) do
        for _, value in ipairs{ fake, 5, {}, guestlua.element("<a/>"), guestlua.signal() } do
          local ok, e = pcall(fn, value, "<disk/>", "vda", "x")
          assert(not ok and (e.kind == "bad_argument" or e.kind == "not_allowed"), name) -- what names a directory is refused before
        end
      end
    ]])
  end)
end)
