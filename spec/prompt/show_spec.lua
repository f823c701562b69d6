-- Values as the prompt shows them.

local guestlua = require("guestlua")
local show = require("guestlua.prompt.show")

describe("A value at the prompt", function()
  it("is what would make it, whatever its keys are", function()
    for text, value in pairs({
      ['{ 1, 2, a = "b" }'] = { 1, 2, a = "b" },
      ['{ [0] = "no", "one", [3] = "three", [4] = "four" }'] = { [0] = "no", "one", [3] = "three", [4] = "four" },
      ["{ [2] = 2 }"] = { [2] = 2 },
      ['{ [-1] = -1, 1, [true] = 2, ["x y"] = 3 }'] = { [-1] = -1, 1, ["x y"] = 3, [true] = 2 },
      ["{ { [5] = {} } }"] = { { [5] = {} } },
    }) do
      assert.equal(text, show.value(value, 80, 24))
      assert.same(value, load("return " .. text)())
    end
  end)

  it("is XML, for each Element of a list", function()
    local disks = { guestlua.element("<disk><target dev='vda'/></disk>"), guestlua.element("<disk/>") }
    assert.equal("[1] <disk>\n  <target dev=\"vda\"/>\n</disk>\n[2] <disk/>", show.value(disks, 80, 24))
    assert.equal("{}", show.value({}, 80, 24))
  end)
end)
