-- A script that closed a handle of luv's as the last that it did crashed: luv frees a handle that is collected while it closes, as all are when the
-- Lua state ends, and libuv went on with it.

local helper = require("spec.support.helper")

describe("A handle of luv's that is closing when the script ends", function()
  it("is closed, and its function called", function()
    if not pcall(require, "luv") then
      pending("needs lua-luv")
      return
    end
    assert.same({ 0, "closed\n", "" }, { helper.guestlua("-", [[
      local uv = require("luv")
      uv.new_pipe():close(function() print("closed") end)
      uv.new_timer():close()]]) })
    local code, out, err = helper.guestlua("-", [[
      local timer = require("luv").new_timer()
      local guard <close> = setmetatable({}, { __close = function() timer:close() end })
      error("oops", 0)]])
    assert.same({ 1, "" }, { code, out })
    assert.matches("^guestlua: oops\n", err)
  end)

  it("may close others in turn", function()
    if not pcall(require, "luv") then
      pending("needs lua-luv")
      return
    end
    assert.same({ 0, "1\n2\n3\n", "" }, { helper.guestlua("-", [[
      local uv = require("luv")
      local function close(n)
        uv.new_tcp():close(function()
          print(n)
          return n < 3 and close(n + 1)
        end)
      end
      close(1)]]) })
  end)
end)
