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
      local task = guestlua.spawn(uv.run)
      guestlua.sleep(0) -- it waits there from now on
      timer:start(20, 0, function() timer:close(function() uv.stop() end) end)
      print(uv.run())
      print(task:wait())]]) })
  end)

  -- Who waits in uv.run was woken after each turn of the loop, and had the loop make the next one at once. It
  -- made thousands of turns a second.
  it("leaves the processor alone while nothing happens", function()
    if not pcall(require, "luv") then
      pending("needs lua-luv")
      return
    end
    local code, out, err = helper.guestlua("-", [[
      local uv = require("luv")
      local turns, timer = 0, uv.new_timer()
      timer:start(1000, 0, function() timer:close() end)
      local check = uv.new_check()
      check:unref()
      check:start(function() turns = turns + 1 end)
      uv.run()
      print(turns < 100 or turns)]])
    assert.same({ 0, "true\n", "" }, { code, out, err })
  end)
end)
