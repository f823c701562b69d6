-- libvirt registers its embedded driver again at each open, and has room for about twenty: the next open failed with "Too many drivers".

local helper = require("spec.support.helper")

describe("The embedded driver", function()
  it("is opened as often as one likes, by a process that keeps none open", function()
    local dir = os.tmpname()
    os.remove(dir)
    local undo <close> = setmetatable({}, { __close = function() os.execute("rm -rf " .. helper.quoted(dir)) end })
    local code, out, err = helper.run(helper.interpreter .. " - " .. helper.quoted(dir), [[
      local uri = guestlua.embedded_uri(...)
      for i = 1, 30 do
        local host <close> = guestlua.open(uri)
        local readonly <close> = guestlua.open(uri, { readonly = true })
        assert(#host:guests() == 0 and #readonly:guests() == 0)
        local events <close> = host:subscribe("lifecycle")
        local guest <close> = host:guest("none")
        assert(not guest)
        local refused, e = pcall(guestlua.Guest.create, "<domain type='qemu'/>", readonly)
        assert(not refused and e.kind == "operation_denied", e)
      end
      print("30 times")
    ]])
    assert.same({ 0, "30 times\n", "" }, { code, out, err })
  end)
end)
