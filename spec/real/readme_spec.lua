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

  it("has a picture of that demo", function()
    local picture = read("doc/demo.svg")
    for line in ("$ ./bootstrap demo\nwith its file systems frozen\none image again\nboth checksums hold in the guest"):gmatch("[^\n]+") do
      assert.is_truthy(picture:find(line, 1, true), line)
    end
    local code, out = helper.run(helper.interpreter .. " doc/picture.lua 'a < b'", "x\r100 % <b>&\n\nlast\n")
    assert.equal(0, code)
    assert.matches(">%$ a &lt; b</text>.*>100 %% &lt;b&gt;&amp;</text>.*>last</text>\n</g>\n</svg>\n$", out)
  end)

  it("has scripts that work", function()
    local machine <close> = require("spec.support.tiny").boot()
    machine.guest:snapshot(
      guestlua.element("domainsnapshot", {
        disks = { disk = { name = "vda", snapshot = "external", source = { file = machine.dir .. "/overlay" } } },
      }), { disk_only = true, no_metadata = true })
    local count = 0
    for script in text:gmatch("```lua\n(.-)```") do
      script = script:gsub("qemu:///system", machine.host.uri):gsub("web1", machine.guest.name)
      assert(load(script, "=README.md", "t", setmetatable({ print = function() end }, { __index = _G })))()
      count = count + 1
      if count == 1 then
        machine.guest:get_block_device("vda"):await_job({ timeout = 60 })
        assert.same({ machine.disk }, machine:chain())
      end
      assert.equal("running", machine.guest:get_info().domain_state)
    end
    assert.equal(3, count)
  end)
end)
