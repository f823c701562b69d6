-- luv on the loop of guestlua: its timers and child processes beside guests' calls.

local helper = require("spec.support.helper")

describe("luv in guestlua", function()
  local function luv(text)
    local code, out, err = helper.guestlua("-e " .. helper.quoted("local uv = require('luv') " .. text))
    assert.equal(0, code, err)
    return out, err
  end

  if not pcall(require, "luv") then
    pending("needs lua-luv")
    return
  end

  it("has its timers and child processes run beside guests' calls", function()
    assert.equal("ticked\nchild\nexit 3\n", luv([[
      local host, ticks = guestlua.open("test:///default"), 0
      local timer = uv.new_timer()
      timer:start(5, 5, function() ticks = ticks + 1 end)
      pcall(host.guest("test" and host, "test").wait_event, host:guest("test"), "lifecycle", { timeout = 0.2 })
      print(ticks > 3 and "ticked")
      timer:close()
      local pipe = uv.new_pipe()
      uv.spawn("sh", { args = { "-c", "echo child; exit 3" }, stdio = { nil, pipe } }, function(code) print("exit " .. code) end)
      pipe:read_start(function(_, data) if data then io.write(data) else pipe:close() end end)
      uv.run()
    ]]))
  end)

  it("lets callbacks make calls and start tasks, but not wait", function()
    assert.equal("false\tcallback of the loop cannot wait\n1\ntrue\n", luv([[
      local host = guestlua.open("test:///default")
      local timer, over = uv.new_timer(), guestlua.signal()
      timer:start(1, 0, function()
        local ok, e = pcall(guestlua.sleep, 1)
        print(ok, e.message:match("callback of the loop cannot wait"))
        print(#host:guests())
        guestlua.spawn(function() guestlua.sleep(0.01) print(host:guest("test"):is_active()) over:wake() end)
        timer:close()
      end)
      over:wait({ timeout = 60 })
    ]]))
  end)

  it("ends uv.run when it has nothing more to do, and at uv.stop", function()
    assert.equal("false\nfalse\tfalse\nEBUSY\ntimer\nstat\n", luv([[
      guestlua.spawn(guestlua.sleep, 60) -- is no business of luv's
      print(uv.run())
      local timer = uv.new_timer()
      timer:start(1, 1000, function() uv.stop() end)
      uv.run()
      timer:stop()
      print(uv.loop_alive(), uv.run("nowait"))
      print((select(3, uv.loop_close())))
      uv.walk(function(handle) print((handle:get_type())) end)
      uv.fs_stat("/", function() print("stat") end)
      uv.run()
    ]]))
  end)

  it("reports an error in a callback, and goes on", function()
    local out, err = luv([[
      local timer = uv.new_timer()
      timer:start(1, 0, function() timer:close() error("oops") end)
      uv.run()
      print("on")
    ]])
    assert.equal("on\n", out)
    assert.matches("^guestlua: a callback of luv failed: %(command line%):%d+: oops\nstack traceback:", err)
  end)
end)
