-- guestlua.timeout, and what tasks undo that are cancelled.

local core = require("guestlua.core")
local guards = require("spec.support.guards")
local guestlua = require("guestlua")
local helper = require("spec.support.helper")
local undo = require("guestlua.base.undo")

local fail, slow = guards.fail, guards.slow

describe("guestlua.timeout", function()
  helper.leaves_nothing()

  it("gives what fn returns, and raises what it raises", function()
    assert.same({ n = 3, 1, nil, "x" }, table.pack(guestlua.timeout(60, function(...)
      guestlua.sleep(0.001)
      return ...
    end, 1, nil, "x")))
    assert.same({ mine = true }, helper.failure(guestlua.timeout, 60, fail, { mine = true }))
    assert.equal("x", guestlua.timeout(math.huge, function() return "x" end))
  end)

  it("cancels fn, lets it undo, and says that the time was over", function()
    local undone
    local e = helper.failure(guestlua.timeout, 0.01, function()
      local guard <close> = slow(function(failure) undone = failure.kind end)
      guestlua.sleep(600)
    end)
    assert.equal("timeout", e.kind)
    assert.equal("timeout", e.op)
    assert.equal("not over within 0.01 s", e.message)
    assert.equal("cancelled", undone)
    assert.is_nil(e.undoing)
  end)

  it("reports what could not be undone", function()
    local e = helper.failure(guestlua.timeout, 0.01, function()
      local guard <close> = undo.guard(function() error("stays", 0) end)
      guestlua.sleep(600)
    end)
    assert.equal("timeout", e.kind)
    assert.same({ "stays" }, e.undoing)
    assert.matches("and while undoing: stays", tostring(e))
  end)

  it("takes what fn makes of being cancelled", function()
    assert.equal("all the same", guestlua.timeout(0.01, function()
      pcall(guestlua.sleep, 600)
      return "all the same"
    end))
    assert.equal("otherwise", helper.failure(guestlua.timeout, 0.01, function()
      pcall(guestlua.sleep, 600)
      error("otherwise", 0)
    end))
  end)

  it("nests, and the one that has no time left is the one that reports it", function()
    local inner
    local e = helper.failure(guestlua.timeout, 0.01, function()
      local ok
      ok, inner = pcall(guestlua.timeout, 600, guestlua.sleep, 600)
      assert.is_false(ok)
      error(inner, 0)
    end)
    assert.equal("cancelled", inner.kind)
    assert.equal("timeout", e.kind)
    e = helper.failure(guestlua.timeout, 600, guestlua.timeout, 0.01, guestlua.sleep, 600)
    assert.equal("timeout", e.kind)
    assert.matches("0.01", e.message)
  end)

  it("ends fn when it is itself cancelled", function()
    local undone
    local task = guestlua.spawn(guestlua.timeout, 600, function()
      local guard <close> = slow(function() undone = true end)
      guestlua.sleep(600)
    end)
    guestlua.sleep(0.001)
    task:cancel()
    assert.equal("cancelled", helper.failure(task.wait, task).kind)
    assert.is_true(undone)
  end)

  it("can be cancelled while fn undoes, and waits for that", function()
    local go, undone = guestlua.signal(), nil
    local task = guestlua.spawn(guestlua.timeout, 0.001, function()
      local guard <close> = undo.guard(function()
        go:wait()
        undone = true
      end)
      guestlua.sleep(600)
    end)
    guestlua.sleep(0.05)
    task:cancel()
    guestlua.sleep(0)
    go:wake()
    local e = helper.failure(task.wait, task)
    assert.equal("timeout", e.kind)
    assert.is_true(undone)
  end)
end)

describe("Undoing", function()
  helper.leaves_nothing()

  it("is not disturbed by being cancelled, which comes after it", function()
    local trail, go = {}, guestlua.signal()
    local task = guestlua.spawn(function()
      do
        local guard <close> = undo.guard(function()
          go:wait()
          trail[#trail + 1] = "undone"
        end)
      end
      guestlua.sleep(0)
      trail[#trail + 1] = "went on"
    end)
    guestlua.sleep(0)
    task:cancel()
    guestlua.sleep(0)
    go:wake()
    assert.equal("cancelled", helper.failure(task.wait, task).kind)
    assert.same({ "undone" }, trail)
  end)

  it("goes on where the task is cancelled again and again", function()
    local steps = 0
    local task = guestlua.spawn(function()
      local guard <close> = undo.guard(function()
        for _ = 1, 5 do
          guestlua.sleep(0.001)
          steps = steps + 1
        end
      end)
      guestlua.sleep(600)
    end)
    guestlua.sleep(0)
    local deadline = guestlua.now() + 60
    while task:status() == "running" and guestlua.now() < deadline do
      task:cancel()
      guestlua.sleep(0.0005)
    end
    assert.equal(5, steps)
    assert.equal("cancelled", helper.failure(task.wait, task).kind)
  end)

  it("happens once, or never if it is kept", function()
    local count = 0
    do
      local guard <close> = undo.guard(function() count = count + 1 end)
      guard:close()
      guard:close()
    end
    assert.equal(1, count)
    do
      local guard <close> = undo.guard(function() count = count + 1 end)
      assert.equal(guard, guard:keep())
    end
    assert.equal(1, count)
  end)

  it("does not hide the first error, whatever it is", function()
    local first = core.Error.new({ kind = "first", message = "first" })
    local e = helper.failure(function()
      local a <close> = undo.guard(function() error("second", 0) end)
      local b <close> = undo.guard(function() error("third", 0) end)
      error(first)
    end)
    assert.equal(first, e)
    assert.same({ "third", "second" }, e.undoing)
    local text = helper.failure(function()
      local a <close> = undo.guard(function() error("second", 0) end)
      local b <close> = undo.guard(function(failure) error(failure, 0) end) -- the same once more is no news
      error("first", 0)
    end)
    assert.matches("first\n  and while undoing: second$", tostring(text))
    assert.equal("alone", helper.failure(function()
      local a <close> = undo.guard(function() error("alone", 0) end)
    end))
  end)
end)
