-- A run of the specs left hundreds of files called lua_… in /tmp: os.tmpname makes each, and a spec that failed, or only asked for a name, left it.

local helper = require("spec.support.helper")

describe("A run of specs", function()
  it("leaves no file that os.tmpname named, whatever becomes of the specs, and names the slowest", function()
    local path = helper.scratch() .. "/two_spec.lua"
    local file <close> = assert(io.open(path, "w"))
    file:write([[
      describe("two", function()
        it("pass", function() print("file " .. os.tmpname()) end)
        it("fail", function() print("file " .. os.tmpname() .. ".log") assert(io.open(os.tmpname(), "w")):write("x") error("oops") end)
      end)]])
    file:close()
    local code, out = helper.guestlua("spec/support/busted.lua " .. path)
    assert.equal(1, code)
    local count = 0
    for left in out:gmatch("file (/tmp/[^\n]*)") do
      count = count + 1
      assert.is_nil(io.open(left))
      assert.is_nil(io.open(left:match("^(.*)/")))
    end
    assert.equal(2, count, out)
    assert.matches("\nThe slowest:\n +%d+%.%d s  [^\n]*two_spec%.lua: two %a+\n +%d+%.%d s  [^\n]*\n"
      .. "FAILED  [^\n]*: two fail: [^\n]*oops\n1 passed, 1 failed, 0 skipped\n", out)
  end)
end)
