-- Seen, by the fuzzer: libvirt passes on whatever JSON a guest's agent answers. {"return":5} to guest-exec raised "attempt to index a number value"
-- out of guest:exec, read_file and write_file, no guestlua.Error; and a guest could return more output than max_output, as its shell was trusted to
-- cut it, and without a shell nobody did.

local helper = require("spec.support.helper")

-- Runs a script in which `guest` has an agent that gives these answers, one after the other and then the last one again: what it printed.
local function prints(answers, script)
  local code, out, err = helper.run(helper.interpreter .. " -", ([[
    local answers, at = { %s }, 0
    require("guestlua.core").Guest.agent_command = function()
      at = at + 1
      return answers[math.min(at, #answers)]
    end
    local guest = guestlua.open("test:///default"):guest("test")
    %s
  ]]):format(answers, script))
  assert.same({ 0, "" }, { code, err })
  return out
end

describe("An answer of a guest's agent", function()
  local calls = { exec = '"x"', read_file = '"/x"', write_file = '"/x", "text"' }

  for _, answer in ipairs({ "5", "[]", "{}", "null", '"text"', '{"return":null}', '{"return":5.5}', '{"return":"text"}', '{"return":{"pid":"x"}}',
    '{"return":{"count":"x","eof":1}}' }) do
    it("that is " .. answer .. " is an error of its own kind", function()
      for name, arguments in pairs(calls) do
        local script = ("local ok, e = pcall(guest.%s, guest, %s) print(ok, e.kind, e.guest)"):format(name, arguments)
        assert.equal("false\toperation_failed\ttest\n", prints(("%q"):format(answer), script), name)
      end
    end)
  end

  it("that is nested deeper than Lua's stack is one, too", function()
    for name, arguments in pairs(calls) do
      local script = ("local ok, e = pcall(guest.%s, guest, %s) print(ok, e.kind, e.guest)"):format(name, arguments)
      assert.equal("false\toperation_failed\ttest\n", prints([[("["):rep(200000)]], script), name)
      assert.equal("false\toperation_failed\ttest\n", prints([['{"return":' .. ("["):rep(100000) .. ("]"):rep(100000) .. "}"]], script), name)
    end
  end)

  it("has the types that are read of it", function()
    for _, field in ipairs({ '"exitcode":"x"', '"signal":1.5', '"out-data":7', '"err-data":[]', '"out-truncated":1' }) do
      local answers = ("%q, %q"):format('{"return":{"pid":1}}', ('{"return":{"exited":true,%s}}'):format(field))
      assert.equal("operation_failed\n", prints(answers, "local _, e = pcall(guest.exec, guest, 'x') print(e.kind)"), field)
    end
  end)

  it("is cut to max_output", function()
    local pid, ended = '{"return":{"pid":1}}', '{"return":{"exited":true,"exitcode":0}}'
    local long = '{"return":{"exited":true,"exitcode":0,"out-data":"YWJjZGVm","err-data":"Z2hpamts"}}' -- abcdef, ghijkl
    local out = prints(("%q, %q, %q, %q, %q"):format(pid, ended, pid, long, pid),
      [[answers[6] = answers[2] local code, out, err, how = guest:exec("x", { max_output = 3 }) print(code, out, err, how.truncated)]])
    assert.equal("0\tabc\tghi\ttrue\n", out)
  end)

  it("is cut to it without a shell too", function()
    local long = '{"return":{"exited":true,"exitcode":0,"out-data":"YWJjZGVm"}}'
    local out = prints(("%q, %q"):format('{"return":{"pid":1}}', long), [[
      local command = require("guestlua.core").Guest.agent_command
      require("guestlua.core").Guest.agent_command = function(guest, text)
        if text:find("/bin/sh", 1, true) then
          error(guestlua.Error.new({ kind = "agent_unresponsive", message = "Failed to execute child process" }), 0)
        end
        return command(guest, text)
      end
      local _, out, _, how = guest:exec("x", { max_output = 3 })
      print(out, how.truncated)
    ]])
    assert.equal("abc\ttrue\n", out)
  end)

  it("about its system is a table, whatever its parts are called", function()
    local out = prints('""', [[
      require("guestlua.core").Guest.get_guest_info = function() return { os = "text", ["fs.count"] = 0 } end
      print(next(guest:os_info()), next(guest:filesystems()))
    ]])
    assert.equal("nil\tnil\n", out)
  end)
end)
