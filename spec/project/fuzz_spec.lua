-- The harnesses of `make fuzz` build, here without libFuzzer, and find nothing in the inputs that they begin with.

local helper = require("spec.support.helper")

local BUILD = helper.interpreter:match("^(.*)/") -- build, or a variant of it
local VARIANT = BUILD:match("/(%a+)$") or ""

local function lines(command)
  local code, out, err = helper.run(command)
  assert.same({ 0, "" }, { code, err }, command)
  local list = {}
  for line in out:gmatch("[^\n]+") do
    list[#list + 1] = line
  end
  return list
end

describe("make fuzz", function()
  local harnesses = {}
  for _, path in ipairs(lines("ls spec/fuzz/*.c")) do
    local name = path:match("([^/]+)%.c$")
    harnesses[#harnesses + 1] = name ~= "seeds" and name or nil
  end

  for _, name in ipairs(harnesses) do
    it("has a harness " .. name .. ", which takes its seeds", function()
      local program = ("%s/fuzz_%s"):format(BUILD, name)
      local code, out, err = helper.run(("env -u MAKEFLAGS -u MFLAGS make -s VARIANT=%s %s"):format(VARIANT, program))
      assert.equal(0, code, out .. err)
      local seeds = lines("ls spec/fuzz/corpus/" .. name .. "/*")
      code, out, err = helper.run(("timeout -s KILL 120 %s %s"):format(program, table.concat(seeds, " ")))
      assert.equal(0, code, out .. err)
      for _, seed in ipairs(seeds) do
        assert.is_truthy(err:find(seed, 1, true), seed)
      end
    end)
  end
end)
