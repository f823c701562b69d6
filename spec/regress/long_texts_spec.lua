-- What a guest's agent says is searched for secrets before it is printed. The time for that grew with the square of the length of some texts:
-- an error of 4 MiB of "://", which is an answer's greatest length, held the script up for minutes.

local core = require("guestlua.core")
local guestlua = require("guestlua")
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

-- libvirt quotes what it was given: an error had the three megabytes of a name twice, and filled the terminal.
describe("A message of people's size", function()
  it("is made of a long one, and its field keeps all", function()
    local long = ("ä"):rep(1 << 20)
    local host <close> = guestlua.open("test:///default")
    local e = helper.failure(host.storage_pool_define_xml, host, ("<pool type='%s'/>"):format(long))
    assert.matches(long, e.message, 1, true)
    local text = tostring(e)
    assert.is_true(#text < 10000)
    assert.is_truthy(utf8.len(text))
    assert.matches("'pool': 'ää.*ää… %(2%d+ bytes left out%) …ä.*ä'%.? %(virStoragePoolDefineXML: xml_error", text)
    assert.is_true(#tostring(host:guest("test"):get_block_device(long)) < 10000)
    assert.matches("^x+$", core.printable(("x"):rep(8192)))
  end)

  it("has no part of a secret that is cut", function()
    core.secret("planted-and-long")
    local e = guestlua.Error.new({ kind = "x", message = ("x"):rep(4090) .. "planted-and-long" .. ("y"):rep(20000) })
    assert.not_matches("plan", tostring(e))
  end)
end)
