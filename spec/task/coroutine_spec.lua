local guestlua = require("guestlua")
local helper = require("spec.support.helper")

describe("A wait in a coroutine", function()
  helper.leaves_nothing()

  -- Whether another task goes on while fn waits.
  local function others_go_on(fn)
    local steps = 0
    local other = guestlua.spawn(function()
      while true do
        guestlua.sleep(0.001)
        steps = steps + 1
      end
    end)
    local results = table.pack(fn(function() return steps end))
    other:cancel()
    pcall(other.wait, other)
    return table.unpack(results, 1, results.n)
  end

  -- Waits for the other task's next step, in whatever way waiting is possible here.
  local function wait(steps)
    local before, deadline = steps(), guestlua.now() + 60
    repeat
      assert(guestlua.now() < deadline, "the other task does not go on")
      guestlua.sleep(0.002)
    until steps() > before
  end

  it("of the user's own parks the task, and the coroutine's own yields are as ever", function()
    others_go_on(function(steps)
      local co = coroutine.create(function(a, b)
        wait(steps)
        local c = coroutine.yield(a + b)
        wait(steps)
        local d, e = coroutine.yield(c)
        wait(steps)
        return d, e, nil
      end)
      assert.same({ n = 2, true, 3 }, table.pack(coroutine.resume(co, 1, 2)))
      assert.same({ n = 2, true, "c" }, table.pack(coroutine.resume(co, "c")))
      assert.same({ n = 4, true, "d", nil, nil }, table.pack(coroutine.resume(co, "d", nil)))
      assert.equal("dead", coroutine.status(co))
      assert.same({ false, "cannot resume dead coroutine" }, { coroutine.resume(co) })
    end)
  end)

  it("works in generators in generators, with libvirt's calls", function()
    local host <close> = guestlua.open("test:///default")
    others_go_on(function(steps)
      local function names()
        return coroutine.wrap(function()
          for _, guest in ipairs(host:guests()) do
            coroutine.yield(guest:get_config().name[1])
          end
        end)
      end
      local found = {}
      for letter in coroutine.wrap(function()
        for name in names() do
          wait(steps)
          for i = 1, #name do
            coroutine.yield(name:sub(i, i))
          end
        end
      end) do
        wait(steps)
        found[#found + 1] = letter
      end
      assert.equal("test", table.concat(found))
    end)
  end)

  it("raises there", function()
    local task = guestlua.spawn(guestlua.sleep, 60)
    task:cancel()
    local undone
    local step = coroutine.wrap(function()
      local undo <close> = setmetatable({}, { __close = function() guestlua.sleep(0) undone = true end })
      local ok, e = pcall(task.wait, task)
      assert.is_false(ok)
      error(e, 0)
    end)
    assert.equal("cancelled", helper.failure(step).kind)
    assert.is_true(undone)
    assert.matches("coroutine_spec.lua:%d+: .*coroutine_spec.lua:%d+: text", helper.failure(function()
      local value = coroutine.wrap(function()
        guestlua.sleep(0)
        error("text")
      end)()
      return value
    end))
  end)

  it("is cancelled there", function()
    local kind
    local task = guestlua.spawn(function()
      coroutine.wrap(function()
        local ok, e = pcall(guestlua.sleep, 600)
        kind = not ok and e.kind
      end)()
      return "went on"
    end)
    guestlua.sleep(0)
    task:cancel()
    assert.equal("went on", task:wait())
    assert.equal("cancelled", kind)
  end)

  it("is ended by nobody but the loop", function()
    local co, own
    local task = guestlua.spawn(function()
      own = coroutine.running()
      co = coroutine.create(function()
        guestlua.sleep(0.05)
        return "slept"
      end)
      return coroutine.resume(co)
    end)
    guestlua.sleep(0)
    for _, parked in ipairs({ co, own }) do
      assert.equal("normal", coroutine.status(parked))
      assert.same({ false, "cannot resume non-suspended coroutine" }, { coroutine.resume(parked) })
      assert.matches("cannot close a normal coroutine", helper.failure(coroutine.close, parked))
    end
    assert.same({ true, "slept" }, { task:wait() })
    assert.equal("dead", coroutine.status(co))
    assert.is_true(coroutine.close(co))
  end)

  it("leaves Lua's own answers to bad input", function()
    assert.matches("'coroutine.resume' %(%w+ expected, got number%)", helper.failure(coroutine.resume, 1))
    assert.matches("'coroutine.wrap' %(function expected, got number%)", helper.failure(coroutine.wrap, 1))
    assert.matches("'coroutine.status' %(%w+ expected, got no value%)", helper.failure(coroutine.status))
    assert.matches("'coroutine.close' %(%w+ expected, got table%)", helper.failure(coroutine.close, {}))
    local co
    co = coroutine.create(function() return coroutine.resume(co) end)
    assert.same({ true, false, "cannot resume non-suspended coroutine" }, { coroutine.resume(co) })
  end)

  it("works where Lua cannot yield, and the others go on", function()
    others_go_on(function(steps)
      local list = { 3, 1, 2 }
      table.sort(list, function(a, b)
        wait(steps)
        return a < b
      end)
      assert.same({ 1, 2, 3 }, list)
      assert.equal("xx", (("ab"):gsub(".", function()
        wait(steps)
        return "x"
      end)))
      local proxy = setmetatable({}, {
        __index = function(_, key)
          wait(steps)
          return key
        end,
        __lt = function()
          wait(steps)
          return true
        end,
      })
      assert.equal("key", proxy.key)
      assert.is_true(proxy < proxy)
      table.sort({ 1, 2 }, function(a, b)
        return coroutine.wrap(function() -- a coroutine across a call that cannot yield
          wait(steps)
          return a < b
        end)()
      end)
    end)
  end)

  it("works where Lua cannot yield in many tasks at once", function()
    local tasks = {}
    for i = 1, 100 do
      tasks[i] = guestlua.spawn(function()
        local list = { 2, 1 }
        table.sort(list, function(a, b)
          guestlua.sleep(0.001)
          return a < b
        end)
        return list[1]
      end)
    end
    for _, task in ipairs(tasks) do
      assert.equal(1, task:wait())
    end
  end)

  it("says where waits for tasks are nested too deep", function()
    local first = guestlua.spawn(guestlua.sleep, 0.05)
    local function wait_in_sort(task)
      table.sort({ 1, 2 }, function()
        task:wait()
        return false
      end)
    end
    local tasks = {}
    for i = 1, 50 do
      tasks[i] = guestlua.spawn(wait_in_sort, first)
    end
    local kinds = {}
    for _, task in ipairs(tasks) do
      local ok, e = pcall(task.wait, task)
      kinds[ok and "fine" or e.kind] = true
    end
    assert.same({ fine = true, too_deep = true }, kinds)
  end)
end)
