-- The executable names libraries that libvirt brings along in an order of its own, so that the loader finds symbols sooner: it finds the same ones.

local helper = require("spec.support.helper")

describe("The order of the libraries", function()
  -- "library symbol" -> the library that the loader finds it in, as it says itself; and their number.
  local function found(command)
    local directory, where, count = helper.scratch(), {}, 0
    local code = helper.run(("env LD_BIND_NOW=1 LD_DEBUG=bindings LD_DEBUG_OUTPUT=%s/said %s"):format(directory, command))
    assert.equal(0, code)
    local pipe <close> = assert(io.popen("cat " .. directory .. "/said.* 2>/dev/null"))
    for line in pipe:lines() do
      local from, to, symbol = line:match("binding file (%S+) %[0%] to (%S+) %[0%]: %l+ symbol (.*)")
      if from then
        where[from .. " " .. symbol], count = to, count + 1
      end
    end
    return where, count
  end

  it("changes no symbol's library", function()
    if helper.interpreter:match("^(.*)/") ~= "build" then
      return pending("a variant has a usual order, and sanitizers have functions of their own")
    end
    local program = helper.scratch() .. "/program"
    local code, _, err = helper.run("sh -c " .. helper.quoted(
      ("echo 'int main(void) { return 0; }' | cc -Wl,--no-as-needed -x c -o %s - $(pkg-config --libs libvirt)"):format(program)))
    assert.equal(0, code, err)
    local usual, count = found(program)
    if count == 0 then
      return pending("this loader does not say what it finds")
    end
    local here = found(helper.interpreter .. " -e ''")
    for need, library in pairs(usual) do
      if need:sub(1, #program) ~= program then
        assert.equal(library, here[need], need)
      end
    end
  end)
end)
