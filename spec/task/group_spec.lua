-- Groups of tasks, and guestlua.map, which is one of them.

local core = require("guestlua.core")
local guards = require("spec.support.guards")
local guestlua = require("guestlua")
local helper = require("spec.support.helper")
local undo = require("guestlua.base.undo")

local fail, slow = guards.fail, guards.slow

describe("A group", function()
  helper.leaves_nothing()

  it("waits for all its tasks", function()
    local done = {}
    local group <close> = guestlua.group()
    for i = 1, 5 do
      local task = group:spawn(function(a, b)
        guestlua.sleep(0.001 * (6 - i))
        done[#done + 1] = i
        return a, nil, b, nil
      end, i, "b")
      if i == 3 then
        assert.same({ n = 4, 3, nil, "b" }, table.pack(task:wait()))
      end
    end
    group:wait()
    assert.equal(5, #done)
    group:wait() -- nothing is left
    group:spawn(function() done[6] = 6 end)
    group:wait()
    assert.equal(6, #done)
  end)

  it("cancels the rest at the first failure, waits until they have ended, and raises it once", function()
    local undone = {}
    local function victim(i)
      local guard <close> = slow(function(e) undone[i] = e.kind end)
      guestlua.sleep(600)
    end
    local e = helper.failure(function()
      local group <close> = guestlua.group()
      group:spawn(victim, 1)
      group:spawn(function()
        guestlua.sleep(0.001)
        error({ mine = true })
      end)
      group:spawn(victim, 2)
      local ok, first = pcall(group.wait, group)
      assert.is_false(ok)
      assert.same({ mine = true }, first)
      assert.same({ "cancelled", "cancelled" }, undone)
      group:wait() -- it was raised
      error("another", 0)
    end)
    assert.equal("another", e) -- and not raised again
  end)

  it("raises it at the end of the scope where nobody waited", function()
    local e = helper.failure(function()
      local group <close> = guestlua.group()
      group:spawn(fail, { mine = true })
      guestlua.sleep(0.001)
    end)
    assert.same({ mine = true }, e)
  end)

  it("does not raise again what somebody heard from the task itself", function()
    local group <close> = guestlua.group()
    local task = group:spawn(fail, "text")
    assert.equal("text", helper.failure(task.wait, task))
    group:wait()
  end)

  it("takes no value for success that was raised", function()
    for _, value in ipairs({ false, 0, "" }) do
      local group <close> = guestlua.group()
      group:spawn(fail, value)
      assert.equal(value, helper.failure(group.wait, group))
    end
    local group <close> = guestlua.group()
    group:spawn(fail, nil)
    assert.is_nil(helper.failure(group.wait, group))
  end)

  it("does not begin what was cancelled before", function()
    local began
    local group <close> = guestlua.group()
    group:spawn(fail, "first")
    group:spawn(function() began = true end)
    assert.equal("first", helper.failure(group.wait, group))
    assert.is_nil(began)
    group:spawn(function() began = true end)
    group:cancel()
    group:wait()
    assert.is_nil(began)
  end)

  it("reports both if the body fails and a task too", function()
    local e = helper.failure(function()
      local group <close> = guestlua.group()
      group:spawn(fail, { mine = true })
      guestlua.sleep(0.001)
      error(core.Error.new({ kind = "body", message = "the body failed" }))
    end)
    assert.equal("body", e.kind)
    assert.same({ { mine = true } }, e.undoing)
    e = helper.failure(function()
      local group <close> = guestlua.group()
      group:spawn(fail, "the task failed")
      guestlua.sleep(0.001)
      error("the body failed", 0)
    end)
    assert.equal("the body failed", e.value)
    assert.matches("the body failed\n  and while undoing: the task failed$", tostring(e))
  end)

  it("reports what those that were cancelled could not undo", function()
    local function stubborn(what)
      local guard <close> = undo.guard(function() error(what, 0) end)
      guestlua.sleep(600)
    end
    local e = helper.failure(function()
      local group <close> = guestlua.group()
      group:spawn(stubborn, "one")
      group:spawn(stubborn, "two")
      group:spawn(fail, "first")
      group:wait()
    end)
    assert.equal("first", e.value)
    table.sort(e.undoing)
    assert.same({ "one", "two" }, e.undoing)
    e = helper.failure(function()
      local group <close> = guestlua.group()
      group:spawn(stubborn, "one")
      guestlua.sleep(0)
    end)
    assert.equal("cancelled", e.kind)
    assert.same({ "one" }, e.undoing)
  end)

  it("is no failure of the group when a task is cancelled", function()
    local group <close> = guestlua.group()
    local task = group:spawn(guestlua.sleep, 600)
    local other = group:spawn(function() guestlua.sleep(0.002) return "fine" end)
    guestlua.sleep(0)
    task:cancel()
    group:wait()
    assert.equal("fine", other:wait())
  end)

  it("ends with its scope, however that is left", function()
    local ended = 0
    local function body(leave)
      local group <close> = guestlua.group()
      for _ = 1, 3 do
        group:spawn(function()
          local guard <close> = slow(function() ended = ended + 1 end)
          guestlua.sleep(600)
        end)
      end
      guestlua.sleep(0)
      leave()
      return "result"
    end
    assert.equal("result", body(function() end))
    assert.equal(3, ended)
    assert.equal("why", helper.failure(body, function() error("why", 0) end))
    assert.equal(6, ended)
    for i = 1, 2 do
      local group <close> = guestlua.group()
      group:spawn(function()
        local guard <close> = slow(function() ended = ended + 1 end)
        guestlua.sleep(600)
      end)
      guestlua.sleep(0)
      if i == 1 then
        break
      end
    end
    assert.equal(7, ended)
    local task = guestlua.spawn(body, function() guestlua.sleep(600) end)
    guestlua.sleep(0.001)
    task:cancel()
    assert.equal("cancelled", helper.failure(task.wait, task).kind)
    assert.equal(10, ended)
  end)

  it("takes nothing more when its scope is over", function()
    local group
    do
      local scope <close> = guestlua.group()
      group = scope
    end
    for _, method in ipairs({ "spawn", "wait", "cancel" }) do
      local e = helper.failure(group[method], group, print)
      assert.equal(method == "spawn" and "closed" or "bad_argument", e.kind)
    end
    assert.equal("closed", helper.failure(group.wait, group).kind)
    assert.equal("closed", helper.failure(group.cancel, group).kind)
  end)

  it("runs no more at a time than its limit, in order", function()
    local running, most, order = 0, 0, {}
    local group <close> = guestlua.group({ limit = 3 })
    for i = 1, 20 do
      group:spawn(function()
        order[#order + 1] = i
        running = running + 1
        most = math.max(most, running)
        guestlua.sleep(0.001 * (i % 3))
        running = running - 1
      end)
    end
    group:wait()
    assert.equal(3, most)
    for i = 1, 20 do
      assert.equal(i, order[i])
    end
  end)

  it("gives a slot on that was given to one who was cancelled at that moment", function()
    local group <close> = guestlua.group({ limit = 1 })
    local go = guestlua.signal()
    local first = group:spawn(go.wait, go)
    local second = group:spawn(function() end)
    local third = group:spawn(function() return "its turn" end)
    guestlua.sleep(0)
    go:wake()
    first:wait() -- the slot is the second one's now
    second:cancel()
    assert.equal("its turn", third:wait({ timeout = 60 }))
  end)

  it("can be spawned into by its own tasks", function()
    local count = 0
    local group <close> = guestlua.group({ limit = 2 })
    local function branch(depth)
      count = count + 1
      if depth > 0 then
        guestlua.sleep(0)
        group:spawn(branch, depth - 1)
        group:spawn(branch, depth - 1)
      end
    end
    group:spawn(branch, 4)
    group:wait()
    assert.equal(31, count)
  end)

  it("nests", function()
    local trail = {}
    local e = helper.failure(function()
      local outer <close> = guestlua.group()
      outer:spawn(function()
        local inner <close> = guestlua.group()
        inner:spawn(function()
          local guard <close> = slow(function() trail[#trail + 1] = "innermost" end)
          guestlua.sleep(600)
        end)
        local guard <close> = slow(function() trail[#trail + 1] = "inner" end)
        inner:wait()
      end)
      outer:spawn(function()
        guestlua.sleep(0.002)
        error("outer", 0)
      end)
      outer:wait()
    end)
    assert.equal("outer", e)
    assert.same({ "inner", "innermost" }, trail)
    e = helper.failure(function()
      local outer <close> = guestlua.group()
      outer:spawn(function()
        local inner <close> = guestlua.group()
        inner:spawn(fail, "inner")
        guestlua.sleep(600) -- a failed task does not stop this: only a wait for it, or for the group, would
      end)
      guestlua.sleep(0.002)
    end)
    assert.equal("cancelled", e.kind)
    assert.same({ "inner" }, e.undoing)
  end)

  it("works inside of a coroutine", function()
    local results = {}
    for value in coroutine.wrap(function()
      local group <close> = guestlua.group()
      local tasks = {}
      for i = 1, 3 do
        tasks[i] = group:spawn(function()
          guestlua.sleep(0.001)
          return coroutine.wrap(function()
            guestlua.sleep(0.001)
            return i
          end)()
        end)
      end
      for _, task in ipairs(tasks) do
        coroutine.yield(task:wait())
      end
    end) do
      results[#results + 1] = value
    end
    assert.same({ 1, 2, 3 }, results)
  end)
end)

describe("guestlua.map", function()
  helper.leaves_nothing()

  it("keeps the order", function()
    assert.same({ "a1", "b2", "c3" }, guestlua.map({ "a", "b", "c" }, function(value, i)
      guestlua.sleep(0.001 * (4 - i))
      return value .. i, "and more"
    end))
    assert.same({}, guestlua.map({}, error))
    assert.same({ [2] = true }, guestlua.map({ 1, 2 }, function(i)
      return i == 2 or nil
    end))
  end)

  it("has a limit", function()
    local running, most = 0, 0
    guestlua.map({ 1, 2, 3, 4, 5, 6 }, function()
      running = running + 1
      most = math.max(most, running)
      guestlua.sleep(0.001)
      running = running - 1
    end, { limit = 2 })
    assert.equal(2, most)
    assert.equal("bad_argument", helper.failure(guestlua.map, {}, print, { limit = 0 }).kind)
  end)

  it("raises the first failure, and ends the other calls before", function()
    local ended, began = 0, 0
    local e = helper.failure(guestlua.map, { 1, 2, 3, 4, 5, 6 }, function(i)
      began = began + 1
      if i == 2 then
        guestlua.sleep(0.001)
        error("second", 0)
      end
      local guard <close> = slow(function() ended = ended + 1 end)
      guestlua.sleep(600)
    end, { limit = 4 })
    assert.equal("second", e)
    assert.same({ 4, 3 }, { began, ended })
  end)

  it("is cancelled as a whole", function()
    local ended = 0
    local task = guestlua.spawn(guestlua.map, { 1, 2, 3 }, function()
      local guard <close> = slow(function() ended = ended + 1 end)
      guestlua.sleep(600)
    end)
    guestlua.sleep(0.001)
    task:cancel()
    assert.equal("cancelled", helper.failure(task.wait, task).kind)
    assert.equal(3, ended)
  end)
end)
