-- Numbers that are allowed, and too large for what is made of them.
--
--   snapshot_then_commit with a bandwidth of 2^43 MiB/s: libvirt refuses the merge, after the snapshot, and then the merge that takes it back: the
--   guest stayed on its overlay, and the overlay was named as one that may go.
--   A bandwidth or a reserve that is no number of bytes any more: a backup read a byte a second, a drain filled hosts without a reserve.
--   frozen with a timeout of math.huge, or 1e300: Lua's "number has no integer representation".
--   frozen with a timeout of math.maxinteger: "cannot be negative".
--   --keepalive-interval, --slice and --max-memory: an error of Lua's in the place of the command's.

local guestlua = require("guestlua")
local helper = require("spec.support.helper")

describe("A number that is too large", function()
  helper.leaves_nothing()

  it("is refused before anything is begun, by each workflow with a bandwidth", function()
    local host <close> = guestlua.open("test:///default")
    local guest <close> = host:guest("test")
    local values, seen = { Guest = guest, Host = host, table = { host }, string = "vda", any = "<disk/>",
      ["Element or StorageVol or XML text"] = "<disk/>" }, 0
    for _, row in ipairs(require("guestlua.base.define").rows) do
      local arguments, options = {}, { bandwidth = 1 << 43 }
      for _, param in ipairs(row.owner == "workflow" and row.params or {}) do
        if param.positional then
          arguments[#arguments + 1] = values[param.type]
        elseif param.required then
          options[param.name] = values[param.type]
        end
      end
      for _, param in ipairs(row.owner == "workflow" and row.params or {}) do
        if param.name == "bandwidth" then
          arguments[#arguments + 1] = options
          local e = helper.failure(guestlua.workflow[row.name], table.unpack(arguments))
          assert.same({ "bad_argument", "bandwidth" }, { e.kind, e.argument }, row.name)
          seen = seen + 1
        end
      end
    end
    assert.is_true(seen >= 7)
  end)

  it("is refused by a drain, in both directions", function()
    local host <close> = guestlua.open("test:///default")
    for reserve, text in pairs({ [1 << 44] = "more than 1099511627776", [-(1 << 44)] = "less than -1099511627776" }) do
      local e = helper.failure(guestlua.workflow.drain, host, { to = { host }, reserve = reserve })
      assert.same({ "bad_argument", "reserve" }, { e.kind, e.argument })
      assert.matches(text, e.message, 1, true)
    end
  end)

  it("is no limit of a freeze", function()
    local host <close> = guestlua.open("test:///default")
    local guest <close> = host:guest("test")
    for _, seconds in ipairs({ math.huge, 1e300, 2.0 ^ 31, math.maxinteger }) do
      local frozen <close> = guest:frozen({ timeout = seconds }) -- luacheck: ignore frozen
    end
  end)

  it("is wrong usage of the command", function()
    for arguments, text in pairs({
      ["-k 2147483648 -e ''"] = "--keepalive-interval: a whole number from 0 to 2147483647 expected, got '2147483648'",
      ["--slice=2147483648 -e ''"] = "--slice: a whole number from 0 to 2147483647 expected, got '2147483648'",
      ["backup --to /x --reserve 17592186044416 test"] = "--reserve: a whole number from 0 to 8796093022207 expected",
      ["backup --to /x --bandwidth 8796093022208 test"] = "--bandwidth: a whole number from 0 to 8796093022207 expected",
    }) do
      local code, _, err = helper.guestlua(arguments)
      assert.equal(2, code, arguments)
      assert.matches(text, err, 1, true)
    end
    assert.same({ 0, "1\n", "" }, { helper.guestlua("--sandbox --max-memory=9223372036854775807 -e 'print(1)'") })
  end)
end)
