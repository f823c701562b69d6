-- Functions that are loaded when they are first used: whoever asks for one finds it, and no start pays for it. Asked of a process that was started
-- for it, as this one has loaded them all.

local helper = require("spec.support.helper")

-- Prints a line for each function that the classes and the module have: those in Lua are rows.
local SCRIPT = [[
  local define = require("guestlua.base.define")
  local tables, before = { guestlua = guestlua }, {}
  for name, value in next, guestlua do
    tables[name] = name:find("^%u") and type(value) == "table" and value or nil
  end
  local early = {}
  for name, t in next, tables do
    early[name] = {}
    for key in next, t do
      early[name][key] = "early"
    end
    for module, names in next, (getmetatable(t) or {}).modules or {} do
      for _, key in ipairs(names) do
        early[name][key] = early[name][key] or module
      end
    end
  end
  define.load_all()
  for _, row in ipairs(define.rows) do
    local t = tables[row.owner]
    if t then
      print(row.owner, row.name, early[row.owner][row.name], type(rawget(t, row.name)))
    end
  end
  for name, names in next, early do
    for key, module in next, names do
      if module ~= "early" then
        print(name, key, module, type(rawget(tables[name], key)))
      end
    end
  end]]

describe("What is loaded when it is first used", function()
  it("is listed, each function with the module that makes it", function()
    local code, out, err = helper.run(helper.interpreter .. " -", SCRIPT)
    assert.same({ 0, "" }, { code, err })
    local count, late = 0, 0
    for owner, name, module, kind in out:gmatch("(%S+)\t(%S+)\t(%S+)\t(%S+)\n") do
      assert.is_true(module ~= "nil" and kind ~= "nil", ("%s.%s: %s, %s"):format(owner, name, module, kind))
      count, late = count + 1, late + (module ~= "early" and 1 or 0)
    end
    assert.is_true(count > 80 and late > 60, out)
  end)

  it("is found in a process that has used nothing yet, and a name that is nowhere is an error that says what is near", function()
    local code, out, err = helper.run(helper.interpreter .. " -", [[
      local host = guestlua.open("test:///default")
      local guest <const> = host:guest("test")
      local function loaded(module)
        return package.loaded["guestlua." .. module] ~= nil
      end
      for _, module in ipairs({ "guest.keys", "host.objects", "workflow.recover", "log.log", "log.plan" }) do
        assert(not loaded(module), module)
      end
      assert(host:network("default").name == "default" and loaded("host.objects"))
      assert(not pcall(guest.press, guest, "no-such-key") and loaded("guest.keys"))
      print(select(2, pcall(function() return guest.wait_evnt end)).message)
      assert(loaded("host.event") and guestlua.Guest.wait_event)]])
    assert.same({ 0, "" }, { code, err })
    assert.matches("is wait_event meant?", out, 1, true)
  end)
end)
