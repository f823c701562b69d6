-- The end of a subscription looked for it among all of its connection's: to close 50,000 of them took more than a minute, in which no event of any
-- came through, and a script in a sandbox with a limit of 48 MiB kept its process for minutes after its own end.

local helper = require("spec.support.helper")

describe("The end of many subscriptions", function()
  it("takes no longer for each than that of a few", function()
    local code, out, err = helper.guestlua("-", [[
      local host = guestlua.open("test:///default")
      local list = {}
      for i = 1, 200000 do
        list[i] = host:subscribe("lifecycle")
      end
      for _, subscription in ipairs(list) do
        subscription:close()
      end
      local last = host:subscribe("lifecycle")
      host:guest("test"):pause()
      print(last:next(60).type)
    ]])
    assert.same({ 0, "suspended\n", "" }, { code, out, err })
  end)
end)
