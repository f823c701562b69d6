-- What `make lint` proves of src/ and lua/guestlua/ (src/layers.lua), shown by sources that break it.

local helper = require("spec.support.helper")

describe("The layers", function()
  local copy

  before_each(function()
    copy = os.tmpname()
    os.remove(copy)
    assert(os.execute(("cp -r src %s && cp -r lua/guestlua %s/lua"):format(copy, copy)))
  end)
  after_each(function()
    assert(os.execute(("rm -r %s"):format(copy)))
  end)

  local function layers(spec)
    return helper.run(("lua5.4 src/layers.lua build %s %s/lua %s"):format(copy, copy, spec or "spec"))
  end

  local function append(path, text)
    local file <close> = assert(io.open(copy .. "/" .. path, "a"))
    file:write(text)
  end

  it("have one direction and no circle", function()
    assert.same({ 0, "", "" }, { layers() })
  end)

  it("are not broken by a header of a folder that stands later", function()
    append("loop/wait.c", '#include "event/kind.h"\n')
    local code, _, err = layers()
    assert.equal(1, code)
    assert.matches("loop/wait includes the header of event/kind: event stands after loop", err, 1, true)
  end)

  it("are not broken by a circle inside of a folder", function()
    append("call/handle.c", '#include "call/connection.h"\n')
    local code, _, err = layers()
    assert.equal(1, code)
    assert.matches("a circle: ", err, 1, true)
  end)

  it("are not broken by a long function", function()
    append("text/xml.c", "\nvoid long_one(void)\n{\n" .. ("  ;\n"):rep(61) .. "}\n")
    local code, _, err = layers()
    assert.equal(1, code)
    assert.matches("a function of 62 lines", err, 1, true)
  end)

  it("are not broken by a module that requires one of a folder that stands later, also inside a function", function()
    append("lua/base/json.lua", 'local function f() return require("guestlua.workflow.steps") end\n')
    local code, _, err = layers()
    assert.equal(1, code)
    assert.matches("base/json requires the module of workflow/steps: workflow stands after base", err, 1, true)
  end)

  it("are not broken by modules that require each other", function()
    append("lua/guest/values.lua", 'require("guestlua.guest.devices")\n')
    local code, _, err = layers()
    assert.equal(1, code)
    assert.matches("a circle: ", err, 1, true)
    assert.matches("guest/values -> guest/devices", err, 1, true)
  end)

  it("are not broken by a long function in Lua", function()
    append("lua/base/json.lua", "local function long()\n" .. ("  x()\n"):rep(61) .. "end\n")
    local code, _, err = layers()
    assert.equal(1, code)
    assert.matches("a function of 62 lines", err, 1, true)
  end)

  it("are not broken by a long file of specs", function()
    local spec = copy .. "/spec"
    assert(os.execute("mkdir " .. spec))
    append("spec/long_spec.lua", ("\n"):rep(401))
    local code, _, err = layers(spec)
    assert.equal(1, code)
    assert.matches("spec/long_spec.lua: 401 lines: the most is 400", err, 1, true)
  end)
end)
