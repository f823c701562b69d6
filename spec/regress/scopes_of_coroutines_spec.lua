-- A function of a workflow, as `during`, is called while the run's deadline holds for the task's calls. One that yielded, in a coroutine of the
-- script's own, left it to the task: what that did outside of the workflow then ended with "timeout". And if another task resumed the coroutine, the
-- end of the function wrote to the first one, which may be freed by then.

local core = require("guestlua.core")
local guestlua = require("guestlua")
local helper = require("spec.support.helper")

describe("A coroutine that yields while its task's calls are limited", function()
  helper.leaves_nothing()

  local function suspended_within(ends)
    local co = coroutine.create(function()
      core.within(ends, 0, function()
        coroutine.yield()
        return core.calls_end()
      end)
      return core.calls_end()
    end)
    assert.is_true(coroutine.resume(co))
    return co
  end

  it("leaves the task without the limit, and has it again when it is resumed", function()
    local ends = core.now() + 3600
    local co = coroutine.wrap(function()
      return core.within(ends, 0, function()
        coroutine.yield(core.calls_end())
        guestlua.sleep(0)
        coroutine.yield(core.calls_end())
        return "over"
      end)
    end)
    for _ = 1, 2 do
      assert.same({ ends, nil }, { co(), core.calls_end() })
    end
    assert.same({ "over", nil }, { co(), core.calls_end() })
  end)

  it("may end its scope after one that began later", function()
    local host <close> = guestlua.open("test:///default")
    local first = suspended_within(core.now() - 1)
    local second = suspended_within(core.now() - 1)
    assert.is_true(coroutine.resume(first))
    assert.is_true(coroutine.resume(second))
    assert.same("dead dead", coroutine.status(first) .. " " .. coroutine.status(second))
    local guest <close> = host:guest("test")
    assert.equal(1, guest:get_info().state)
  end)

  it("may be resumed by another task, when its own is gone", function()
    local co
    guestlua.spawn(function()
      co = suspended_within(core.now() + 3600)
    end):wait()
    collectgarbage()
    collectgarbage()
    guestlua.sleep(0)
    assert.same({ true }, { coroutine.resume(co) })
    assert.equal("dead", coroutine.status(co))
  end)

  it("may be forgotten", function()
    for _ = 1, 1000 do
      suspended_within(core.now() - 1)
    end
    collectgarbage()
    collectgarbage()
    assert.is_nil(core.calls_end())
  end)
end)

describe("A coroutine that yields while its task is shielded", function()
  it("leaves the task without the shield, and has it again when it is resumed", function()
    local log = {}
    local co = coroutine.wrap(function()
      core.shield(function()
        coroutine.yield()
        log[#log + 1] = select(2, pcall(guestlua.sleep, 0)) or "shielded"
        coroutine.yield()
      end)
    end)
    local task = guestlua.spawn(function()
      co()
      log[#log + 1] = select(2, pcall(guestlua.sleep, 60)).kind
    end)
    guestlua.sleep(0)
    task:cancel()
    task:wait()
    task = guestlua.spawn(co)
    task:cancel()
    pcall(task.wait, task)
    assert.same({ "cancelled", "shielded" }, log)
  end)
end)
