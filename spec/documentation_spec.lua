-- What the project says of itself is true.

local guestlua = require("guestlua")
local helper = require("spec.support.helper")

local function read(path)
  local file <close> = assert(io.open(path))
  return file:read("a")
end

describe("The documentation", function()
  local core = require("guestlua.core").documentation()

  it("says of every function what it does, and of every argument what it is", function()
    local rows = { table.unpack(core.functions) }
    for _, class in ipairs(core.classes) do
      assert.is_truthy(class.help, class.name)
      table.move(class.methods, 1, #class.methods, #rows + 1, rows)
      table.move(class.fields, 1, #class.fields, #rows + 1, rows)
    end
    local written_in_lua = require("guestlua.define").rows
    table.move(written_in_lua, 1, #written_in_lua, #rows + 1, rows)
    assert.is_true(#rows > 40)
    for _, row in ipairs(rows) do
      assert.is_truthy(row.help and #row.help > 10, row.name)
      for _, param in ipairs(row.params or {}) do
        assert.is_truthy(param.help and param.type, row.name .. ": " .. param.name)
      end
    end
  end)

  it("in doc/reference is what the source says", function()
    local directory = os.tmpname()
    os.remove(directory)
    assert.is_true(os.execute("mkdir " .. directory))
    finally(function()
      os.execute("rm -r " .. directory)
    end)
    assert.same({ 0, "", "" }, { helper.guestlua("doc/reference.lua " .. directory) })
    assert.same({ 0, "", "" }, { helper.run(("diff -r doc/reference %s"):format(directory)) }, "run `make doc`")
  end)

  it("names files that are there", function()
    for _, page in ipairs({ "README.md", "CONTRIBUTING.md", "doc/manual.md" }) do
      local directory = page:match("^.*/") or ""
      for link in read(page):gmatch("%]%(([^)#:]+)%)") do
        assert.is_truthy(io.open(directory .. link), page .. " names " .. link)
      end
    end
  end)
end)

describe("README.md", function()
  local text = read("README.md")

  it("has two commands, and CI runs the one for the tests", function()
    local commands = {}
    for command in text:gmatch("\n    (%./[^\n]+)") do
      commands[#commands + 1] = command
    end
    assert.same({ "./bootstrap demo", "./bootstrap check" }, commands)
    assert.is_truthy(read(".ci/run"):find("./bootstrap check", 1, true))
  end)

  it("has a demo that works", function()
    local code, out, err = helper.run("./bootstrap demo")
    assert.equal(0, code, err)
    assert.matches("one image again", out)
    assert.matches("both checksums hold in the guest", out)
  end)

  it("has a script that works", function()
    local machine <close> = require("spec.support.tiny").boot()
    machine.guest:snapshot(
      guestlua.element("domainsnapshot", {
        disks = { disk = { name = "vda", snapshot = "external", source = { file = machine.dir .. "/overlay" } } },
      }), { disk_only = true, no_metadata = true })
    local script = text:match("```lua\n(.-)```"):gsub("qemu:///system", machine.host.uri):gsub("web1", machine.guest.name)
    assert(load(script, "=README.md", "t", setmetatable({ print = function() end }, { __index = _G })))()
    machine.guest:get_block_device("vda"):await_job({ timeout = 60 })
    assert.same({ machine.disk }, machine:chain())
  end)
end)
