-- What C functions do for a script with counted instructions is paid for.
--
-- Seen: with a limit of 20 million instructions these ran for hours, as a call of a C function cost what any instruction costs.

local helper = require("spec.support.helper")

-- process_spec.lua runs this file with another one.
local WAY = ... == "--sandbox --process" and ... or "--sandbox"
local LIMIT = "timeout -s KILL 60 %s " .. WAY .. " --max-memory=256 --max-instructions=2000000 -"

local FOREVER = "for i = 1, 1e9 do %s end"

-- Each ends by the limit; with false: by itself.
local SCRIPTS = {
  -- calls that do more work than they return
  { "return #(''):rep(2^53)", false },
  { "print(#(''):rep('1e300', ''))", false },
  { "local t = {} for i = 1, 1e7 do t[1] = ('%99.99f'):format(1e308) end" },
  { "local t = {} for i = 1, 200 do t[i] = 1e308 end local f = ('%99.99f'):rep(200) " .. FOREVER:format("f:format(table.unpack(t))") },
  { FOREVER:format("pcall(string.pack, 'c2147483647', '')") },
  { "local s = ('x'):rep(1e7) " .. FOREVER:format("string.pack('s8', s)") },
  { "local s = ('1'):rep(1e7) " .. FOREVER:format("tonumber(s)") },
  { "local s = ('1'):rep(1e6) " .. FOREVER:format("local x = s + 0") },
  { "local s = ('x'):rep(1e7) " .. FOREVER:format("utf8.len(s)") },
  { "local s = ('x'):rep(1e7) " .. FOREVER:format("s:upper()") },
  { "local a, b = ('x'):rep(1e6) .. 'a', ('x'):rep(1e6) .. 'b' " .. FOREVER:format("local x = a < b") },
  { "local t = {} for i = 1, 1e4 do t[i] = '' end local s = ('x'):rep(1e6) " .. FOREVER:format("table.concat(t, s)") },
  { "local t = {} for i = 1, 1e5 do t[i] = i * 7919 % 1000003 end " .. FOREVER:format("table.sort(t)") },
  { "local t = {} for i = 1, 1e5 do t[i] = i end for i = 1, 1e5 do t[i] = nil end " .. FOREVER:format("next(t)") },
  { "local t = {} for i = 1, 1900 do t = setmetatable({}, { __index = t }) end " .. FOREVER:format("local x = t.x") },
  { "local f = ('%c'):rep(1e4) " .. FOREVER:format("pcall(os.date, f)") },
  -- elements
  { "local e = guestlua.element('<a>' .. ('<b/>'):rep(3e5) .. '<c/></a>') " .. FOREVER:format("local c = e.c") },
  { "local e = guestlua.element('<a>' .. ('<b/>'):rep(1e5) .. '</a>') " .. FOREVER:format("e:pretty()") },
  { "local e = guestlua.element('<a>' .. ('<b/>'):rep(1e5) .. '</a>') " .. FOREVER:format("e:children()") },
  { "local e = guestlua.element('<domain type=\"test\"><name>x</name></domain>') " .. FOREVER:format("pcall(e.validate, e)") },
  { "local t = {} for i = 1, 1e5 do t['a' .. i] = 'x' end guestlua.element('a', t)" },
  { "local t = { ['xmlns:q'] = 'urn:q' } for i = 1, 1e5 do t['q:a' .. i] = 'x' end guestlua.element('a', t)" },
  { "local t = {} for i = 1, 1e5 do t['xmlns:a' .. i] = 'urn:' .. i end guestlua.element('a', t)" },
  { "local t = {} for i = 1, 1e5 do t[i] = ' a' .. i .. '=\"\"' end guestlua.element('<a' .. table.concat(t) .. '/>')" },
  { "local e = guestlua.element('<a/>') " .. FOREVER:format("e['a' .. i] = 'x'") },
  -- what is started and not waited for
  { "local function f() guestlua.spawn(f) guestlua.spawn(f) end f() guestlua.sleep(1000)" },
  { "local g = guestlua.group() local function f() g:spawn(f) g:spawn(f) end f() guestlua.sleep(1000)" },
  { "guestlua.spawn(function() while true do end end) while true do pcall(guestlua.sleep, 1000) end" },
  { "local co = coroutine.wrap(function() while true do pcall(guestlua.sleep, 1000) end end) "
    .. "guestlua.spawn(function() while true do end end) while true do pcall(co) end" },
  -- numbers that a metamethod gives
  { "guestlua.map(setmetatable({}, { __len = function() return 1e9 end, __index = function() return 1 end }), function() end)", false },
  { "guestlua.map(setmetatable({}, { __len = function() return 1 << 62 end, __index = math.abs }), function() end, { limit = 3 })", false },
  -- calls
  { "local guest = guestlua.open('test:///default'):guest('test') " .. FOREVER:format("guest:get_xml_desc()") },
  { "local guest = guestlua.open('test:///default'):guest('test') while true do pcall(guest.get_info, guest) end" },
}

describe("A script with counted instructions", function()
  for _, row in ipairs(SCRIPTS) do
    it("ends: " .. row[1], function()
      local code, out, err = helper.run(LIMIT:format(helper.interpreter), row[1])
      if row[2] == false then
        assert.equal(0, code, err)
      else
        assert.equal(1, code, out .. err)
        assert.is_true(err:find("has used up the instructions", 1, true) ~= nil, err)
      end
    end)
  end

  it("reaches no C function of Lua's without a row of what it costs", function()
    local code, out, err = helper.run(helper.interpreter .. " -", [[
      local costs = require("guestlua.sandbox.costs")
      local getinfo, print, reached, missing = debug.getinfo, print, {}, {}
      local metamethods = debug.getmetatable("")
      require("guestlua.sandbox").configure({ sandbox = true, max_instructions = 1 << 50 })
      local function look(value, path)
        if type(value) == "function" then
          reached[path] = true
          if not costs[path] and getinfo(value, "S").what == "C" then
            missing[#missing + 1] = path
          end
        elseif type(value) == "table" then
          for key, member in next, value do
            local at = path .. tostring(key)
            if at ~= "_G" and at ~= "guestlua" then -- the module's own pay by their time
              look(member, type(member) == "table" and at .. "." or at)
            end
          end
        end
      end
      look(load("return _G")(), "")
      for key, member in next, metamethods do
        look(type(member) == "function" and member or nil, "string." .. key)
      end
      look(metamethods.__index, "string.")
      for name in next, costs do
        missing[#missing + 1] = not reached[name] and "there is no " .. name or nil
      end
      print(#missing, table.concat(missing, " "))
      print(reached["string.rep"], reached["string.__add"], reached["coroutine.wrap"])
    ]])
    assert.same({ 0, "0\t\ntrue\ttrue\ttrue\n", "" }, { code, out, err })
  end)
end)
