-- The parent of a script's process (lua/guestlua/sandbox/process.lua): enemies at the other end of its socket, and programs that use the module.

local guestlua = require("guestlua")
local helper = require("spec.support.helper")
local wire = require("guestlua.sandbox.wire")

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

local function read(path)
  local file <close> = io.open(path)
  return file and file:read("a")
end

-- Runs what a program does that uses the module, in a guestlua of its own: the end of `script`, which has run(text, options, …).
local function parent(script)
  local code, out, err = helper.run(("timeout -s KILL 120 %s -"):format(helper.interpreter), [[
    local guestlua, tiny = require("guestlua"), require("spec.support.tiny")
    require("guestlua.sandbox").configure({ sandbox = true })
    local process = require("guestlua.sandbox.process")
    local function run(text, options, ...)
      return process.run(options or {}, text, "=script", ...)
    end
  ]] .. script)
  assert.same({ 0, "" }, { code, err }, out)
  return out
end

describe("The parent", function()
  local function plain(value)
    return "", value
  end
  local function message(...)
    local text = wire.encode(plain, ...)
    return string.pack("<s4", text)
  end
  local function raw(text)
    return string.pack("<s4", text)
  end
  local HELLO, READY = message("hello", {}, guestlua.version.guestlua), message("ready", {}, {})

  -- What whoever writes on the socket sends, and what the parent says of it.
  local ENEMIES = {
    { "too long", "\255\255\255\255", "too long" },
    { "empty", "\0\0\0\0", "empty" },
    { "cut off", "\0\1\0\0x", "exit code 0", true },
    { "nothing", "", "exit code 0", true },
    { "no value", raw("?"), "an unknown value" },
    { "an endless table", raw("sT\255\255\255\255"), "a request that is none" },
    { "a table with too many pairs", raw("\115\5\0\0\0helloT\255\255\255\127"), "a bad table" },
    { "a text that is longer than it is", raw("s\255\255\255\127x"), "a request that is none" },
    { "deep tables", raw(("T\1\0\0\0t"):rep(1000)), "a bad table" },
    { "a key that is nil", raw("T\1\0\0\0nt"), "a request that is none" },
    { "a key that is no number", raw("T\1\0\0\0d" .. string.pack("<d", 0 / 0) .. "t"), "a request that is none" },
    { "another order", message("call", {}, "guestlua", "open"), "is not what it should be" },
    { "another version", message("hello", {}, "0.0.1"), "is not guestlua" },
    { "a version that is none", message("hello", {}, {}), "is not guestlua" },
    { "hello twice", HELLO .. HELLO, "is not what it should be" },
    { "ready twice", HELLO .. READY .. READY, "asks for nothing" },
    { "no operation", HELLO .. READY .. message("run", {}, "id"), "asks for nothing" },
    { "an operation that is no text", HELLO .. READY .. message({}, {}), "asks for nothing" },
    { "an object that it does not have", HELLO .. READY .. raw("s\4\0\0\0textnO\7\0\0\0"), "no such object" },
    { "an object that it gives back and never had", HELLO .. READY .. message("text", { 7, 1 }, 5), "gives back" },
    { "an object that it gives back by halves", HELLO .. READY .. message("text", { 7 }, 5), "gives back" },
    { "an error of no kind", HELLO .. READY .. raw("s\6\0\0\0failednET\0\0\0\0"), "a request that is none" },
    { "no XML", HELLO .. READY .. raw("s\4\0\0\0textnX\1\0\0\0<"), "a request that is none" },
    { "a list of what is missing that is none", HELLO .. message("ready", {}, { {} }), "" },
    { "too many requests at once", HELLO .. READY .. message("call", {}, "guestlua", "open", "test:///default")
      .. (message("call", {}, "nothing", ("x"):rep(1000)):rep(20000)), "asks before it has read" },
  }

  for _, case in ipairs(ENEMIES) do
    it("is not harmed by " .. case[1], function()
      local bytes = write("bytes", case[2])
      local program = write("enemy", ("#!/bin/sh\ncat %s >&3 2>/dev/null\n%s\n"):format(bytes, case[4] and "" or "sleep 100"))
      os.execute("chmod +x " .. program)
      local out = parent(([[
        local ok, e = pcall(run, "return 1", { program = %q })
        print(ok, guestlua.Error.is(e) and e.message or e)
        print(guestlua.open("test:///default"):guest("test"):is_active(), run("return 6 * 7"))
      ]]):format(program))
      local first, second = out:match("^(.-)\n([^\n]*)\n$")
      assert.matches("^false\t", first)
      assert.is_truthy(first:find(case[3], 1, true), first)
      assert.equal("true\t42", second)
    end)
  end

  it("gives an enemy nothing that a script may not have", function()
    local asked = {}
    for _, request in ipairs({ { "guestlua", "run", "id" }, { "guestlua", "embedded", "/tmp" }, { "os", "execute", "id" }, { "Host", "subscribe" },
      { "Stream", "expect" }, { "Guest", "events" },
      { "guestlua", "recover" }, { "Guest", "__gc" }, { "Host" }, { 5, 6 }, { "workflow", "backups", "/tmp" },
      { "workflow", "live_snapshot", "/tmp" }, { "workflow", "swap_volume" }, { "workflow", "snapshot_delete" },
      { "guestlua", "open", "qemu:///system" }, { "Guest", "is_active", table.unpack({}, 1, 300) } }) do
      asked[#asked + 1] = message("call", {}, table.unpack(request, 1, #request > 2 and #request or 3))
    end
    local bytes = write("bytes", HELLO .. READY .. table.concat(asked) .. message("done", {}, "end"))
    local program = write("enemy", ("#!/bin/sh\ncat <&3 >%s/answers &\ncat %s >&3 2>/dev/null\nwait\n"):format(directory, bytes))
    os.execute("chmod +x " .. program)
    assert.equal("end\n", parent(([[print(run("", { program = %q }))]]):format(program)))
    local answers, foreign = nil, { E = function(_, at, read_table)
      return read_table(at)
    end }
    helper.await(function() -- the copier ends after its parent
      answers = {}
      local at, all = 1, read(directory .. "/answers") or ""
      while at + 4 <= #all and at + 3 + string.unpack("<I4", all, at) <= #all do
        local text
        text, at = string.unpack("<s4", all, at)
        answers[#answers + 1] = wire.decode(foreign, text)
      end
      return #answers == #asked + 2
    end, "not all requests are answered", 60)
    for i = 3, #answers do
      assert.is_false(answers[i][1], i)
      assert.is_truthy(answers[i][2].kind == "not_allowed" or answers[i][2].kind == "bad_argument", answers[i][2].message)
    end
    assert.same({ true, true }, { answers[1][1], answers[2][1] })
  end)

  it("says what cannot be started, and which state it has to be", function()
    local out = parent([[
      local ok, e = pcall(run, "", { program = "/nonesuch/guestlua" })
      print(e.kind, e.message)
      print(select(2, pcall(run, "", { require = true })))
    ]])
    assert.matches("^no_program\tthe script's process cannot be started: /nonesuch/guestlua: no such file", out)
    local code, _, err = helper.guestlua("-", "require('guestlua.sandbox.process').run({}, '', '=x')")
    assert.equal(1, code)
    assert.matches("from a state that is a sandbox", err)
  end)

  it("takes handed-over objects, gives tables and Elements, and raises the script's error", function()
    local out = parent([[
      local host = guestlua.open("test:///default", { readonly = true })
      local guest = host:guest("test")
      local same, element, list = run("local guest, t = ... t.guest = nil return guest, guestlua.element('<a b=\"1\"/>'), { 1.5, t, '\\0' }",
        nil, guest, { guest = guest, [true] = "x" })
      print(rawequal(same, guest), element.b, list[1], list[2][true], #list[3])
      local ok, e = pcall(run, "local guest = ... guest:poweroff()", nil, guest)
      print(e.kind, e.guest, e.where)
      ok, e = pcall(run, "error({ kind = 5 })")
      print(type(e))
      print(guest.name, guestlua.alive().hosts)
      for _, script in ipairs{ "while true do end", "while true do pcall(function() while true do end end) end" } do
        ok, e = pcall(run, script, { instructions = 1000000 })
        assert(not ok and e.kind == "limit" and e.where == "script:1", e)
      end
      pcall(run, "local host = guestlua.open('test:///default') error('x')")
      collectgarbage() collectgarbage()
      print(guestlua.alive().hosts)
    ]])
    assert.equal("true\t1\t1.5\tx\t1\noperation_denied\ttest\tscript:1\ntable\ntest\t1\n1\n", out)
  end)
end)

describe("A real guest", function()
  it("is used through it, and what the script leaves is taken back", function()
    local out = parent([[
      local machine <close> = tiny.boot()
      local guest = machine.guest
      print(run("local guest = ... local paused <close> = guest:paused() return guest:get_state()", nil, guest))
      print(guest:get_state())
      print(pcall(run, "local guest = ... local paused = guest:paused() assert(guest:get_state() == 'paused') while true do end",
        { seconds = 2 }, guest))
      print(guest:get_state())
      print(run("local guest = ... local code, out = guest:exec('/bin/echo', { args = { 'hello' } }) return code, out", nil, guest))
    ]])
    assert.matches("^paused\t[^\n]*\nrunning\t[^\n]*\nfalse\t[^\n]*not over within 2 seconds\nrunning\t[^\n]*\n0\thello\n", out)
  end)
end)
