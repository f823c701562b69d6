-- element:attributes() let Lua collect garbage while it went from one attribute to the next. A finalizer of a script's that removed the one that was
-- being read freed it, and the rest was read from freed memory.

local guestlua = require("guestlua")

describe("A finalizer that removes attributes", function()
  it("is not called while they are listed", function()
    local count, parts = 300, {}
    for i = 1, count do
      parts[i] = ("a%d='%d'"):format(i, i)
    end
    local element = guestlua.element("<x " .. table.concat(parts, " ") .. "/>")
    local lists, inside, called = false, 0, 0
    local metatable = {
      __gc = function()
        called = called + 1
        inside = inside + (lists and 1 or 0)
      end,
    }
    local before = collectgarbage("incremental", 1, 1000, 10)
    repeat
      for _ = 1, 3000 do
        setmetatable({}, metatable)
      end
      for _ = 1, 10 do
        lists = true
        local list = element:attributes()
        lists = false
        assert.equal("300", list.a300)
      end
    until called > 5000
    collectgarbage(before)
    assert.equal(0, inside)
  end)
end)
