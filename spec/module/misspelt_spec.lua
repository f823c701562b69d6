-- A name of guestlua's that is misspelt is an error that says which is meant, whatever has it.

local guestlua = require("guestlua")
local helper = require("spec.support.helper")

describe("A misspelt name", function()
  helper.leaves_nothing()

  it("of a table of the module says which is meant", function()
    for _, row in ipairs({
      { "guestlua", "opne", "open" }, { "guestlua", "workfow", "workflow" }, { "guestlua", "defalt_uri", "default_uri" },
      { "guestlua.workflow", "ensure_runing", "ensure_running" }, { "guestlua.workflow", "snapshot_then_comit", "snapshot_then_commit" },
      { "guestlua.power_state", "RUNING", "RUNNING" },
    }) do
      local t = row[1] == "guestlua" and guestlua or guestlua[row[1]:match("%.(.*)")]
      for _, access in ipairs({ function() return t[row[2]] end, function() t[row[2]] = 1 end }) do
        local e = helper.failure(access)
        assert.same({ "bad_argument", row[1], row[2] }, { e.kind, e.op, e.argument })
        assert.matches(("is %s meant?"):format(row[3]), e.message, 1, true)
      end
      assert.is_nil(rawget(t, row[2]))
    end
  end)

  it("that is near to none says where they are listed", function()
    assert.matches("help%(guestlua%) lists", helper.failure(function() return guestlua.frobnicate end).message)
    assert.matches("help%(guestlua.workflow%) lists", helper.failure(function() return guestlua.workflow.frobnicate end).message)
  end)

  it("is none if it is the script's own, or may be unset", function()
    assert.is_nil(rawget(guestlua, "frobnicate"))
    guestlua.frobnicate = 1
    assert.equal(1, guestlua.frobnicate)
    guestlua.frobnicate = nil
    for _, name in ipairs({ "default_uri", "default_readonly", "default_keepalive" }) do
      local before = rawget(guestlua, name)
      guestlua[name] = nil
      assert.is_nil(guestlua[name])
      guestlua[name] = before
    end
    assert.is_nil(guestlua[1])
    assert.is_nil(guestlua.__gc)
  end)

  it("is found in a sandbox too", function()
    local code, out, err = helper.guestlua([[--sandbox -e 'print(select(2, pcall(function() return guestlua.workflow.resum end)).message,
      select(2, pcall(function() return guestlua.opne end)).message, guestlua.workflow.resume ~= nil)']])
    assert.same({ 0, "" }, { code, err })
    assert.matches("is resume meant.*is open meant.*true", out)
  end)
end)
