-- Tasks that compute, and others that go on meanwhile: in processes of their own, which would never end if that did not hold.

local helper = require("spec.support.helper")

local function runs(options, script)
  return helper.run(("timeout -k 1 60 %s %s -"):format(helper.interpreter, options), script)
end

local SPINNING = [[
  local stop, turns = false, {}
  for i = 1, 10 do
    guestlua.spawn(function()
      turns[i] = 0
      while not stop do
        turns[i] = turns[i] + 1
      end
    end)
  end
]]

-- The thread sanitizer keeps signals back until the program calls something that it knows: a script that computes does not.
local it = helper.interpreter:find("/tsan/", 1, true) and function(name)
  it(name, function()
    pending("under the thread sanitizer no signal comes while Lua computes")
  end)
end or it

describe("A task that computes", function()
  it("lets those go on that wait, and others that compute", function()
    local code, out, err = runs("", SPINNING .. [[
      for _ = 1, 100 do
        guestlua.sleep(0.001)
      end
      stop = true
      guestlua.sleep(0.01)
      for i = 1, 10 do
        assert(turns[i] > 1000, i)
      end
      print("all had their turn")]])
    assert.same({ 0, "all had their turn\n", "" }, { code, out, err })
  end)

  it("does not if slices are off", function()
    local code, out = helper.run(("timeout -k 1 2 %s --slice 0 -"):format(helper.interpreter), SPINNING .. "guestlua.sleep(0.001) print('never')")
    assert.same({ 124, "" }, { code, out }) -- timeout asks it to stop
  end)

  it("goes on where it was: in coroutines, protected calls, metamethods, iterators and scopes", function()
    local code, out, err = runs("", [[
      local other, stop = 0, false
      guestlua.spawn(function()
        while not stop do
          other = other + 1
          guestlua.sleep(0.0005)
        end
      end)
      local function count(n)
        local x = 0
        for i = 1, n do
          x = x + i % 3
        end
        return x
      end
      local N <const> = 2000000
      local expected = count(N)
      local before = other
      local inner = coroutine.wrap(function(a)
        local b = coroutine.yield(a + count(N))
        local c = coroutine.wrap(function() coroutine.yield(count(N)) return "inner" end)
        coroutine.yield(b + c())
        return c()
      end)
      assert(inner(1) == 1 + expected and inner(2) == 2 + expected and inner() == "inner")
      local ok, e = pcall(function() count(N) error({ n = count(N) }) end)
      assert(not ok and e.n == expected)
      local adds = setmetatable({}, { __add = function() return count(N) end, __index = function() return count(N) end })
      assert(adds + 1 == expected and adds.x == expected)
      local closed
      do
        local scope <close> = setmetatable({}, { __close = function() closed = count(N) end })
      end
      assert(closed == expected)
      for value in function(_, at) return not at and count(N) or nil end do
        assert(value == expected)
      end
      local list = {}
      for i = 1, 30000 do
        list[i] = i * 7919 % 30011
      end
      table.sort(list, function(a, b) return a < b end) -- not cut: it cannot yield
      for i = 2, #list do
        assert(list[i - 1] <= list[i])
      end
      assert(("x"):rep(3):gsub("x", function() return count(N) end) == tostring(expected):rep(3))
      assert(other > before + 3, other)
      stop = true
      print("as ever")]])
    assert.same({ 0, "as ever\n", "" }, { code, out, err })
  end)

  it("is cut after a wait in place too", function()
    local code, out, err = runs("", [[
      local turns, stop = 0, false
      guestlua.spawn(function()
        while not stop do
          turns = turns + 1
          guestlua.sleep(0.001)
        end
      end)
      table.sort({ 3, 2, 1 }, function(a, b) guestlua.sleep(0.01) return a < b end)
      local before = turns
      while turns < before + 5 do end -- it ends if the other one goes on
      stop = true
      print("cut")]])
    assert.same({ 0, "cut\n", "" }, { code, out, err })
  end)

  it("is counted in a sandbox, and cut there", function()
    local code, out, err = runs("--sandbox --max-instructions 100000000", [[
      local stop, turns = false, { 0, 0 }
      for i = 1, 2 do
        guestlua.spawn(function()
          while not stop do
            turns[i] = turns[i] + 1
          end
        end)
      end
      for _ = 1, 5 do
        guestlua.sleep(0.001)
      end
      stop = true
      guestlua.sleep(0)
      guestlua.sleep(0)
      print(turns[1] > 0 and turns[2] > 0)
      while true do end]])
    assert.same({ 1, "true\n" }, { code, out })
    assert.matches("used up the instructions", err)
  end)

  it("keeps a debugger's hook", function()
    local code, out, err = runs("", [[
      guestlua.spawn(guestlua.sleep, 1000)
      local lines = 0
      debug.sethook(function() lines = lines + 1 end, "l")
      local x = 0
      for i = 1, 300000 do
        x = x + i
      end
      local hook = debug.gethook()
      debug.sethook()
      print(hook ~= nil, lines > 300000)]])
    assert.same({ 0, "true\ttrue\n", "" }, { code, out, err })
  end)

  it("is stopped by a signal, with all the others", function()
    local code, _, err = helper.run(("timeout --foreground -s INT -k 5 1 %s -"):format(helper.interpreter), SPINNING .. "guestlua.sleep(1000)")
    assert.same({ 124, true }, { code, err:find("interrupted", 1, true) ~= nil }, err)
  end)
end)
