-- Values as the prompt shows them.

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
end)
