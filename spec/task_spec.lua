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

  it("answers bad input", function()
    assert.equal("bad_argument", helper.failure(guestlua.spawn).kind)
    assert.equal("bad_argument", helper.failure(guestlua.spawn, 1).kind)
    assert.equal("bad_argument", helper.failure(guestlua.sleep, "x").kind)
    assert.equal("bad_argument", helper.failure(guestlua.sleep, -1).kind)
    assert.equal("bad_argument", helper.failure(guestlua.Task.wait, {}).kind)
  end)
end)
