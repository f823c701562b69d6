-- What the README shows works, on a real guest.

local guestlua = require("guestlua")
local helper = require("spec.support.helper")

local function read(path)
  local file <close> = assert(io.open(path))
  return file:read("a")
end

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
