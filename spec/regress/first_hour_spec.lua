-- Story: an operator wrote fifteen scripts from the manual alone, and made the mistakes that everybody makes: a misspelt name, "20G" for bytes, an
-- option in the wrong table, a daemon that is off. The errors were true, but named neither the guest that was meant nor what to do next.

local guestlua = require("guestlua")
local helper = require("spec.support.helper")

describe("An operator's mistake is answered with what to do next", function()
  local host
  helper.leaves_nothing(function()
    host = guestlua.open("test:///default")
  end, function()
    host:close()
  end)

  local function hint(fn, ...)
    return helper.failure(fn, ...).hint or ""
  end

  it("if a guest's name is misspelt", function()
    assert.equal("there is no guest 'tset'; is 'test' meant?", helper.failure(host.guest, host, "tset", { required = true }).message)
    assert.equal("there is no guest 'web'", helper.failure(host.guest, host, "web", { required = true }).message)
    local code, _, err = helper.guestlua("-c test:///default console tset")
    assert.equal(1, code)
    assert.matches("there is no guest 'tset'; is 'test' meant?", err, 1, true)
  end)

  it("if an argument has the wrong type", function()
    local guest = host:guest("test")
    assert.equal("memory (integer): KiB", hint(guest.set_memory, guest, "1G"))
    assert.equal("size (integer): the new size in bytes", hint(function() guest:get_block_device("vda"):resize("20G") end))
    assert.equal("options are named, in a table; they are: persistent, live, key, uri, timeout", hint(guest.set_metadata, guest, "x", "y"))
    assert.matches("^options are named, in a table; they are: .*description", hint(guest.snapshot_create_as, guest, "a", "b"))
    assert.matches("^options of the call, .* after this one$", hint(guest.set_iothread_params, guest, 1, { live = true }))
    assert.matches("{ required = true }", hint(guestlua.workflow.reboot, host:guest("web")), 1, true)
  end)

  it("if more is asked for than the guest can have", function()
    local guest = host:guest("test")
    assert.matches("^guest:get_max_memory%(%)", hint(guest.set_memory, guest, 1 << 40))
    assert.matches("^guest:get_max_vcpus%(%)", hint(guest.set_vcpus, guest, 999))
  end)

  it("if there is no such connection", function()
    assert.matches("is the daemon running", hint(guestlua.open, "qemu+unix:///system?socket=/nonexistent"), 1, true)
    assert.matches("does the daemon there listen", hint(guestlua.open, "qemu+tcp://127.0.0.1:1/system"), 1, true)
    assert.matches("a URI is, for example, qemu:///system", hint(guestlua.open, "web1"), 1, true)
  end)

  it("if what a lookup did not find is used", function()
    local wanted = "\n  hint: host:guest gives nil for what is not there; with { required = true } it raises an error that names it\n"
    local directory = helper.scratch()
    local file <close> = assert(io.open(directory .. "/script.lua", "w"))
    file:write("local host <close> = guestlua.open()\nlocal guest <close> = host:guest('web')\nlocal other\nguest:launch()\n")
    file:close()
    for _, arguments in ipairs({ directory .. "/script.lua", "-e \"guestlua.open():guest('web'):launch()\"" }) do
      local code, out, err = helper.guestlua("-c test:///default " .. arguments)
      assert.same({ 1, "" }, { code, out })
      assert.matches(wanted, err, 1, true)
    end
    assert.matches(wanted, select(3, helper.guestlua("-c test:///default -i", "host:guest('web'):launch()\n")), 1, true)
    assert.is_nil(select(3, helper.guestlua("-e 'local x = {} print(x.y.z)'")):find("hint", 1, true))
  end)
end)
