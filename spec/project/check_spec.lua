-- What `make check` runs the specs with: spec/support/check.lua.

local helper = require("spec.support.helper")

describe("A check of specs", function()
  local directory = helper.scratch()
  lazy_teardown(function()
    os.execute("rm -r " .. directory)
  end)

  local function write(name, text)
    local file <close> = assert(io.open(directory .. "/" .. name, "w"))
    file:write(text)
  end

  local function read(name)
    local file <close> = assert(io.open(directory .. "/" .. name))
    return file:read("a")
  end

  local function lives(pid)
    return os.execute(("kill -0 %d 2>/dev/null"):format(pid)) ~= nil
  end

  it("waits for nothing that a spec has left, and ends what is left in the spec's directory", function()
    write("leaves_spec.lua", ([[
      it("leaves something", function()
        assert(os.execute("sleep 300 & echo $! >%s/elsewhere"))
        assert(os.execute("sh -c 'sleep 300; :' $TMPDIR/left & echo $! >%s/inside"))
        io.open(os.getenv("TMPDIR") .. "/left", "w"):close()
        assert(os.execute("echo $TMPDIR >%s/place"))
      end)]]):format(directory, directory, directory))
    write("fails_spec.lua", [[it("fails", function() error("as it should") end)]])
    local code, out, err = helper.guestlua("spec/support/check.lua 2 " .. directory)
    local elsewhere, inside = tonumber(read("elsewhere")), tonumber(read("inside"))
    local still = lives(elsewhere)
    os.execute(("kill %d"):format(elsewhere))
    assert.is_true(still, "it was waited for")
    helper.await(function() return not lives(inside) end, "it still runs")
    assert.is_nil(io.open(read("place"):match("[^\n]+")))
    assert.equal(1, code, err)
    assert.matches("\nFAILED  [^\n]*fails_spec.lua: fails: [^\n]*as it should\n1 passed, 1 failed, 0 skipped\n$", out)
  end)
end)
