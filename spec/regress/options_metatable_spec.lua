-- Seen, by the fuzzer: functions written in Lua read options by their metatable after they were checked without it. guestlua.group(setmetatable({},
-- { __index = function() return "x" end })) raised "attempt to compare string with number"; and an option that __pairs hid was not checked at all.

local guestlua = require("guestlua")
local helper = require("spec.support.helper")

describe("A table of options with a metatable", function()
  helper.leaves_nothing()

  it("is the options that are in it, and no others", function()
    local options = setmetatable({}, { __index = function() return "x" end, __len = error })
    local group <close> = guestlua.group(options)
    group:wait()
    assert.same({ 2, 3 }, guestlua.map({ 1, 2 }, function(n) return n + 1 end, options))
    local host <close> = guestlua.open("test:///default", options)
    assert.equal("test", host:guest("test", options).name) -- an option of a function in C
  end)

  it("hides none of them from the check", function()
    local options = setmetatable({ limit = "x", nonesuch = 1 }, { __pairs = function() return function() end end })
    assert.equal("bad_argument", helper.failure(guestlua.group, options).kind)
  end)

  it("hides no name of an event, nor an answer to what a host asks for", function()
    local host <close> = guestlua.open("test:///default")
    local all = { __pairs = error, __index = error, __len = error }
    assert.equal("bad_argument", helper.failure(host.events, host, setmetatable({ "nonesuch" }, all)).kind)
    assert.equal("bad_argument", helper.failure(host.events, host, setmetatable({ "lifecycle", nonesuch = 1 }, all)).kind)
    for _, event in host:events(setmetatable({ "lifecycle" }, all), { timeout = 0 }) do -- luacheck: ignore event
    end
    assert.equal("auth", helper.failure(guestlua.open, "test:///default", { auth = setmetatable({ nonesuch = "x" }, all) }).argument)
    for _, answer in ipairs({ 5, true, "a\0b", {} }) do
      assert.equal("auth", helper.failure(guestlua.open, "test:///default", { auth = { passphrase = answer } }).argument)
    end
  end)
end)
