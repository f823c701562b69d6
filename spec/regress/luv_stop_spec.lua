-- uv.stop was lost if the turn of the loop that called it had woken who waits in uv.run before: libuv 1.45 and later run timers at the end of a turn,
-- so on Debian 13 uv.run went on for ever after a timer's uv.stop. What is closed is called back at the end of a turn in every libuv.

local helper = require("spec.support.helper")

describe("uv.stop at the end of a turn of the loop", function()
  it("ends uv.run, in each task that waits there", function()
    if not pcall(require, "luv") then
      pending("needs lua-luv")
      return
    end
    assert.same({ 0, "true\ntrue\n", "" }, { helper.guestlua("-", [[
      local uv = require("luv")
      uv.new_timer():start(1000000, 0, function() end)
      local timer = uv.new_timer()
      timer:start(20, 0, function() timer:close(function() uv.stop() end) end)
      local task = guestlua.spawn(uv.run)
      print(uv.run())
      print(task:wait())]]) })
  end)
end)
