local guestlua = require("guestlua")
local helper = require("spec.support.helper")

describe("Task", function()
  helper.leaves_nothing()

  it("runs beside the one that started it, and gives its results", function()
    local order = {}
    local task = guestlua.spawn(function(a, b)
      order[#order + 1] = "task"
      guestlua.sleep(0.01)
      return a + b, nil, "x", nil
    end, 1, 2)
    order[#order + 1] = "main"
    assert.same({ n = 4, 3, nil, "x" }, table.pack(task:wait()))
    assert.same({ n = 4, 3, nil, "x" }, table.pack(task:wait()))
    assert.same({ "main", "task" }, order)
  end)

  it("lets others run while it waits for libvirt", function()
    local host <close> = guestlua.open("test:///default")
    local guest, tasks = host:guest("test"), {}
    for i = 1, 20 do -- more than one connection takes at a time
      tasks[i] = guestlua.spawn(function()
        return i, guest:get_config().name[1]
      end)
    end
    for i, task in ipairs(tasks) do
      assert.same({ i, "test" }, { task:wait() })
    end
  end)

  it("raises its error in who waits", function()
    local task = guestlua.spawn(function()
      guestlua.sleep(0)
      error({ mine = true })
    end)
    assert.is_true(helper.failure(task.wait, task).mine)
    assert.is_true(helper.failure(task.wait, task).mine)
  end)

  it("is cancelled where it waits, and undoes what it guards", function()
    local undone
    local task = guestlua.spawn(function()
      local undo <close> = setmetatable({}, {
        __close = function(_, e)
          guestlua.sleep(0.01)
          undone = e.kind
        end,
      })
      guestlua.sleep(60)
    end)
    guestlua.sleep(0)
    task:cancel()
    assert.equal("cancelled", helper.failure(task.wait, task).kind)
    assert.equal("cancelled", undone)
    task:cancel()
  end)

  it("is cancelled before it has begun to wait", function()
    local task = guestlua.spawn(function()
      guestlua.sleep(60)
    end)
    task:cancel()
    assert.equal("cancelled", helper.failure(task.wait, task).kind)
  end)

  it("may yield by itself", function()
    local steps = 0
    local task = guestlua.spawn(function()
      for _ = 1, 3 do
        steps = steps + 1
        coroutine.yield()
      end
      return steps
    end)
    assert.equal(3, task:wait())
  end)

  it("goes on when its handle is forgotten", function()
    local done
    guestlua.spawn(function()
      guestlua.sleep(0.02)
      done = true
    end)
    collectgarbage()
    collectgarbage()
    guestlua.sleep(0.2)
    assert.is_true(done)
  end)

  it("has any number of waiters, each with a time limit of its own", function()
    local go = guestlua.signal()
    local task = guestlua.spawn(function()
      go:wait()
      return "done"
    end)
    local waiters = {}
    for i = 1, 3 do
      waiters[i] = guestlua.spawn(task.wait, task)
    end
    local e = helper.failure(task.wait, task, { timeout = 0.01 })
    assert.equal("timeout", e.kind)
    assert.equal("running", task:status())
    go:wake()
    for _, waiter in ipairs(waiters) do
      assert.equal("done", waiter:wait())
    end
    assert.equal("done", task:wait({ timeout = 60 }))
    assert.equal("done", task:status())
  end)

  it("is not for a to-be-closed variable: its end is a group's matter", function()
    local task = guestlua.spawn(function() end)
    local e = helper.failure(function()
      local _ <close> = task
    end)
    assert.matches("non%-closable value", e)
    task:wait()
  end)

  it("lets timers run out however busy the others are with each other", function()
    local ping, pong, over = guestlua.signal(), guestlua.signal(), false
    local function play(mine, other)
      while not over do
        other:wake()
        mine:wait({ timeout = 1 })
      end
    end
    local a, b = guestlua.spawn(play, ping, pong), guestlua.spawn(play, pong, ping)
    guestlua.sleep(0.05)
    over = true
    a:wait()
    b:wait()
  end)

  it("costs less than 4 KiB while it waits", function()
    local COUNT = 10000
    local gate, tasks = guestlua.signal(), {}
    local function fn()
      gate:wait()
      guestlua.sleep(0.001)
    end
    collectgarbage()
    collectgarbage()
    local before = collectgarbage("count")
    for i = 1, COUNT do
      tasks[i] = guestlua.spawn(fn)
    end
    guestlua.sleep(0)
    collectgarbage()
    collectgarbage()
    local bytes = (collectgarbage("count") - before) * 1024 / COUNT
    assert.is_true(bytes < 3072, ("%g bytes, and what C has of it"):format(bytes)) -- that is sizeof(gl_task), some 400
    gate:wake()
    for _, task in ipairs(tasks) do
      task:wait()
    end
  end)

  it("shows where its error came from in who failed for it", function()
    local script = [[
      local function inner() error({ kind = "mine" }) end
      local function child() inner() end
      local group <close> = guestlua.group()
      group:spawn(child)
      group:wait()
    ]]
    local code, _, err = helper.guestlua("-", script)
    assert.equal(1, code)
    assert.matches("in upvalue 'inner'", err)
    assert.matches("in a task that was waited for:%s+stack traceback:.*stdin:5: in main chunk", err)
  end)

  it("reports its error if nobody waits for it", function()
    local script = "guestlua.spawn(function() error('lost?') end) %s guestlua.sleep(0.01)"
    for _, forget in ipairs({ "", "collectgarbage()" }) do
      local code, _, err = helper.guestlua("-", script:format(forget))
      assert.equal(0, code)
      assert.matches("a task failed, and nobody waited for it: stdin:1: lost%?", err)
    end
    local _, _, err = helper.guestlua("-", "local task = guestlua.spawn(error, 'heard') print(pcall(task.wait, task))")
    assert.equal("", err)
    _, _, err = helper.guestlua("-", "guestlua.spawn(guestlua.sleep, 60):cancel() guestlua.sleep(0.01)")
    assert.equal("", err)
  end)

  it("ends with the script, and undoes what it guards", function()
    local code, out, err = helper.guestlua("-", [[
      guestlua.spawn(function()
        local undo <close> = setmetatable({}, { __close = function(_, e)
          guestlua.sleep(0.01)
          print(e.kind)
        end })
        guestlua.sleep(600)
      end)
      guestlua.sleep(0.01)
      print("over")
    ]])
    assert.same({ 0, "over\ncancelled\n", "" }, { code, out, err })
  end)

  it("answers bad input", function()
    assert.equal("bad_argument", helper.failure(guestlua.spawn).kind)
    assert.equal("bad_argument", helper.failure(guestlua.spawn, 1).kind)
    assert.equal("bad_argument", helper.failure(guestlua.sleep, "x").kind)
    assert.equal("bad_argument", helper.failure(guestlua.sleep, -1).kind)
    assert.equal("bad_argument", helper.failure(guestlua.Task.wait, {}).kind)
  end)
end)

describe("Signal", function()
  helper.leaves_nothing()

  it("lets those go on that wait, the oldest first", function()
    local signal, order, tasks = guestlua.signal(), {}, {}
    for i = 1, 4 do
      tasks[i] = guestlua.spawn(function()
        local woken = signal:wait()
        order[#order + 1] = { i, woken }
      end)
    end
    signal:wake() -- nobody waits yet
    guestlua.sleep(0)
    signal:wake(1)
    signal:wake(2)
    guestlua.sleep(0)
    assert.same({ { 1, true }, { 2, true }, { 3, true } }, order)
    signal:wake()
    tasks[4]:wait()
    assert.is_false(signal:wait({ timeout = 0.001 }))
  end)

  it("goes to the next one if the task that it woke is cancelled before its turn", function()
    local signal = guestlua.signal()
    local a, b = guestlua.spawn(signal.wait, signal), guestlua.spawn(signal.wait, signal)
    guestlua.sleep(0)
    signal:wake(1)
    a:cancel()
    assert.equal("cancelled", helper.failure(a.wait, a).kind)
    assert.is_true(b:wait({ timeout = 60 }))
  end)

  it("is waited for by one that is cancelled, and by the others then", function()
    local signal = guestlua.signal()
    local a, b = guestlua.spawn(signal.wait, signal), guestlua.spawn(signal.wait, signal)
    guestlua.sleep(0)
    a:cancel()
    signal:wake(1)
    assert.is_true(b:wait())
    assert.equal("cancelled", helper.failure(a.wait, a).kind)
    a, b = guestlua.spawn(signal.wait, signal), guestlua.spawn(signal.wait, signal)
    guestlua.sleep(0)
    a:cancel()
    assert.equal("cancelled", helper.failure(a.wait, a).kind)
    guestlua.sleep(0)
    assert.equal("running", b:status(), "nobody has woken it")
    signal:wake()
    b:wait({ timeout = 60 })
  end)

  it("ends the waits when it is closed", function()
    local task
    do
      local signal <close> = guestlua.signal()
      task = guestlua.spawn(signal.wait, signal)
      guestlua.sleep(0)
    end
    assert.is_true(task:wait())
  end)
end)
