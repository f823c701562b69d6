-- What a guest's agent says is searched for secrets before it is printed. The time for that grew with the square of the length of some texts:
-- an error of 4 MiB of "://", which is an answer's greatest length, held the script up for minutes.

local core = require("guestlua.core")
local helper = require("spec.support.helper")

describe("The search for secrets", function()
  it("passes over each text in a time that grows with its length", function()
    local code, out = helper.guestlua("-", [[
      local core = require("guestlua.core")
      for _, text in ipairs({ "://", "pass:", "password is ", " -u ", " near 'x", "cookie[", "a:b@c " }) do
        core.mask(text:rep((4 << 20) // #text) .. " x")
      end
      print("over")
    ]])
    assert.same({ 0, "over\n" }, { code, out })
  end)

  it("finds the passwords of URIs that follow one another", function()
    for text, expected in pairs({
      ["a://u:pw@h/ b://u:p@w@h/"] = "a://u:***@h/ b://u:***@h/",
      ["a://u:pw@h:b://c:d@e"] = "a://u:***@h:b://c:***@e",
      ["a://b://u:pw@h"] = "a://b:***@h",
      ["a://x/y,b://u:pw@h,c://u:qw@h c@d"] = "a://x/y,b://u:***@h,c://u:***@h c@d",
      ["a://h:22/x@y b://u:pw@h"] = "a://h:22/x@y b://u:***@h",
      ["password is secret"] = "password is secret",
      ["password is s3cret x"] = "password is *** x",
      ["password: " .. ("x"):rep(300) .. " y"] = "password: *** y",
      [" -u a b:c"] = " -u a b:c",
    }) do
      assert.equal(expected, core.mask(text))
    end
  end)
end)
