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
      local host <close> = guestlua.open(uri)
      local guest = guestlua.Guest.create("<domain type='qemu'><name>x</name><memory>16384</memory><os><type>hvm</type></os></domain>", host)
      print(select(2, pcall(guest.launch, guest, { autodestroy = true })).kind) -- the connection would never close
      guest:delete_configuration()
    ]])
    assert.same({ 0, "30 times\nno_support\n", "" }, { code, out, err })
  end)
end)
