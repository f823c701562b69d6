-- A guest's agent answered with escape sequences and a line feed, and the terminal obeyed them when the error was reported: its title changed, the
-- screen was cleared, and below stood "guestlua: all is well", which guestlua had not said. Fields keep the bytes; what is printed is escaped.

local guestlua = require("guestlua")
local core = require("guestlua.core")
local show = require("guestlua.prompt.show")
local helper = require("spec.support.helper")

local json = require("dkjson")

local HOSTILE = "\27]0;OWNED\7\27[2J \u{9b}31m \xff \u{202e}\u{2066}bye\nguestlua: all is well\r"
local SHOWN = "\\x1b]0;OWNED\\x07\\x1b[2J \\u{9b}31m \\xff \\u{202e}\\u{2066}bye\\nguestlua: all is well\\r"

-- Neither a control character, nor one that turns the direction of text, nor a line that begins as guestlua's do.
local function harmless(text)
  assert.is_truthy(utf8.len(text), text)
  for _, point in utf8.codes(text) do
    local control = point < 0x20 and point ~= 10 and point ~= 9 or point >= 0x7f and point < 0xa0
    local direction = point == 0x200e or point == 0x200f or point >= 0x202a and point <= 0x202e or point >= 0x2066 and point <= 0x2069
    assert.is_false(control or direction, ("U+%04X in %s"):format(point, text))
  end
  assert.is_nil(("\n" .. text):find("\nguestlua: all is well", 1, true), text)
  return text
end

local function reported(script)
  local code, out, err = helper.guestlua("-", ("local hostile = %q\n"):format(HOSTILE) .. script)
  return harmless(err), out, code
end

describe("Text of others", function()
  it("is escaped by one function, which leaves the rest as it is", function()
    for text, expected in pairs({
      [HOSTILE] = SHOWN,
      ["a b\\n \u{e9}\u{4e2d}\u{1f600} \u{a0}"] = "a b\\n \u{e9}\u{4e2d}\u{1f600} \u{a0}",
      ["\0\1\t\127"] = "\\x00\\x01\\t\\x7f",
      ["\u{80}\u{9f}\u{200e}\u{200f}\u{202a}\u{2069}\u{2028}"] = "\\u{80}\\u{9f}\\u{200e}\\u{200f}\\u{202a}\\u{2069}\\u{2028}",
      ["\xc0\x80 \xed\xa0\x80 \xf4\x90\x80\x80 \xe2\x82"] = "\\xc0\\x80 \\xed\\xa0\\x80 \\xf4\\x90\\x80\\x80 \\xe2\\x82",
      [""] = "",
    }) do
      assert.equal(expected, core.escape(text))
      assert.equal(expected, core.escape(core.escape(text)))
    end
    assert.equal("a\n\tb\nc\\x1b", core.escape("a\n\tb\nc\27", "keep"))
    assert.equal("a\n\tb\n  c\n\n  d\n", core.escape("a\n\tb\nc\n\nd\n", "indent"))
  end)

  it("keeps its bytes in an Error's fields, and is escaped in its text", function()
    local e = core.Error.new({ kind = "x", message = HOSTILE, guest = HOSTILE, hint = "try again" })
    e.undoing = { core.Error.new({ kind = "y", message = HOSTILE, hint = "or not" }), HOSTILE }
    assert.equal(HOSTILE, e.message)
    local text = harmless(tostring(e))
    assert.is_truthy(text:find(SHOWN .. "\n  hint: try again\n  and while undoing: ", 1, true), text)
    assert.is_truthy(text:find(SHOWN .. "\n  hint: or not\n  and while undoing: ", 1, true), text)
  end)

  it("is escaped in what libvirt says", function()
    local e = helper.failure(guestlua.open, "nonsense://\27[2J/")
    assert.is_truthy(e.message:find("\27", 1, true), e.message)
    harmless(tostring(e))
  end)

  it("is escaped in the report of an error and its traceback", function()
    local err, _, code = reported([[
      local function fails()
        error(guestlua.Error.new({ kind = "x", message = hostile }))
      end
      load("local f = ... f() return 1", "=" .. hostile)(fails)
    ]])
    assert.equal(1, code)
    assert.is_truthy(err:find(SHOWN, 1, true), err)
    assert.matches("stack traceback:\n\t", err)
    assert.matches("\n  guestlua: all is well", (reported("error(hostile)")))
    assert.matches("nobody waited for it", (reported("guestlua.spawn(error, hostile) guestlua.sleep(0.01)")))
    reported("require('guestlua.core').task_list()[1].what = nil error(setmetatable({}, { __tostring = function() return hostile end }))")
  end)

  it("is escaped in the log, as text and as JSON", function()
    local script = [[
      guestlua.log.error(hostile, { [hostile] = hostile, e = guestlua.Error.new({ kind = "x", message = hostile }), list = { hostile } })
    ]]
    local err = reported(script)
    assert.equal(1, select(2, err:gsub("\n", "")))
    err = reported([[guestlua.log.configure({ format = "json" })]] .. script)
    assert.equal(1, select(2, err:gsub("\n", "")))
    assert.is_truthy(json.decode(err))
  end)

  it("is escaped in the status and in progress", function()
    harmless((reported([[
      local progress <close> = guestlua.progress("copy " .. hostile)
      progress:update(1, 2)
    ]])))
  end)

  it("is escaped by the prompt", function()
    local e = core.Error.new({ kind = "x", message = HOSTILE, extra = HOSTILE })
    for _, value in ipairs({ HOSTILE, e, { HOSTILE, [HOSTILE] = { a = HOSTILE } } }) do
      harmless((show.value(value):gsub("\nguestlua", "")))
    end
    local _, out = reported("")
    assert.equal("", out)
    assert.equal('{ "a\\"\\\\\\nb" }', show.value({ 'a"\\\nb' }))
  end)

  it("is escaped in what an object is shown as, and is as it is in its name", function()
    local host <close> = guestlua.open("test:///default")
    local guest = guestlua.Guest.create([[<domain type='test'><name>&#x9b;31m&#x202e;</name><memory>1024</memory><os><type>hvm</type></os>
      <devices><disk type='file'><source file='/x'/><target dev='vda'/></disk></devices></domain>]], host)
    local pool = host:pool_define_as("&\u{9b}", { type = "dir", target = "/x" })
    assert.equal("\u{9b}31m\u{202e}", guest.name)
    assert.equal(("<Guest -1 \\u{9b}31m\\u{202e} %s>"):format(guest.uuid), tostring(guest))
    for text, object in pairs({ ["<Domain \\u{9b}31m\\u{202e}>"] = guest.domain, ["<StoragePool &\\u{9b}>"] = pool,
        ["<BlockDevice vda of \\u{9b}31m\\u{202e}>"] = guest:get_block_device("vda") }) do
      assert.equal(text, tostring(object))
    end
    pool:undefine()
    guest:delete_configuration()
  end)

  it("is not offered by completion if it could end the string that it stands in, or control the terminal", function()
    local script = [==[
      local complete = require("guestlua.prompt.complete")
      host = guestlua.open("test:///default")
      for _, name in ipairs({ 'web") os.execute("id") --', "web'..x", "web]]..x", "web\\", "web\u{9b}2J", "web\u{202e}", "web 1",
          "web$(id)" }) do
        guestlua.Guest.create(guestlua.element("domain", { type = "test", name = { name }, memory = { 1024 }, os = { type = { "hvm" } } }), host)
      end
      print(table.concat(complete('host:guest("web', #'host:guest("' + 1), "; "))
    ]==]
    assert.same({ 0, "web 1; web$(id)\n", "" }, { helper.guestlua("-", script) })
  end)

  it("is escaped by --check, and in what is wrong with the command line", function()
    local path = os.tmpname()
    finally(function()
      os.remove(path)
    end)
    local file = assert(io.open(path, "w"))
    file:write("x = = '\27[2J'\nlocal \27\n")
    file:close()
    local code, _, err = helper.guestlua("--check " .. path)
    assert.equal(1, code)
    harmless(err)
    code, _, err = helper.guestlua("--log-level=" .. helper.quoted("\27[2J"))
    assert.equal(2, code)
    harmless(err)
  end)
end)

describe("Text of a real guest", function()
  local machine = helper.machine()

  it("is what the script gets, byte for byte", function()
    local code, out = machine.guest:exec("/bin/sh", { args = { "-c", "printf '\\033[2J\\342\\200\\256'; exit 3" } })
    assert.equal(3, code)
    assert.equal("\27[2J\u{202e}", out)
  end)

  it("is escaped in the agent's errors", function()
    local e = helper.failure(machine.guest.agent_command, machine.guest, '{"execute":"\\u001b[2J\\nguestlua: all is well"}')
    assert.is_truthy(e.message:find("\27[2J\n", 1, true) or e.message:find("***", 1, true), e.message)
    harmless(tostring(e))
  end)
end)
