local guestlua = require("guestlua")
local helper = require("spec.support.helper")

describe("Host", function()
  helper.leaves_nothing()

  it("opens a connection and describes it", function()
    local host <close> = guestlua.open("test:///default")
    assert.equal("test:///default", host.uri)
    assert.is_truthy(#host.hostname > 0)
    assert.equal(guestlua.version.libvirt, host.libvirt_version)
    assert.equal("<Host test:///default>", tostring(host))
  end)

  it("looks guests up by name and by UUID", function()
    local host <close> = guestlua.open("test:///default")
    local guest = host:guest("test")
    assert.equal("test", guest.name)
    assert.equal(guest.uuid, host:guest(guest.uuid).uuid)
    assert.is_nil(host:guest("nobody"))
    assert.is_nil(host:guest("00000000-0000-0000-0000-000000000000"))
  end)

  it("finds a guest with a name that reads like a UUID", function()
    local host <close> = guestlua.open("test:///default")
    local name = "aaaaaaaa-bbbb-cccc-dddd-eeeeeeeeeeee"
    local guest = guestlua.Guest.create(
      guestlua.element("domain", { type = "test", name = { name }, memory = { 1024 }, os = { type = { "hvm" } } }), host)
    assert.equal(guest.uuid, host:guest(name).uuid)
    guest:delete_configuration()
  end)

  it("lists guests by what they are", function()
    local host <close> = guestlua.open("test:///default")
    local function names(options)
      local list = {}
      for i, guest in ipairs(host:guests(options)) do
        list[i] = guest.name
      end
      return list
    end
    assert.same({ "test" }, names())
    assert.same({ "test" }, names({ active = true }))
    assert.same({}, names({ active = false }))
    assert.same({ "test" }, names({ persistent = true }))
    assert.same({}, names({ persistent = false }))
    assert.same({ "test" }, names({ active = true, persistent = true }))
  end)

  it("refuses changes on a read-only connection", function()
    local host <close> = guestlua.open("test:///default", { readonly = true })
    local e = helper.failure(function()
      host:guest("test"):poweroff()
    end)
    assert.equal("operation_denied", e.kind)
    assert.matches("read%-only", e.hint)
  end)

  it("closes its guests with it, once or twice", function()
    local host = guestlua.open("test:///default")
    local guest = host:guest("test")
    local disk = guest:get_block_device("vda")
    host:close()
    host:close()
    for _, call in ipairs({
      function() return host:guests() end,
      function() return host.hostname end,
      function() return guest:is_active() end,
      function() return guest.name end,
      function() return disk:get_job_info() end,
      function() return disk:await_job() end,
    }) do
      local e = helper.failure(call)
      assert.equal("closed", e.kind)
      assert.matches("closed", tostring(e))
    end
    assert.equal("<Host (closed)>", tostring(host))
    assert.equal("<Guest (closed)>", tostring(guest))
    assert.equal("<BlockDevice (closed)>", tostring(disk))
  end)

  it("says what went wrong where a URI does not connect", function()
    local e = helper.failure(guestlua.open, "qemu+unix:///system?socket=/nonexistent/socket")
    assert.equal("open", e.op)
    assert.equal("virConnectOpenAuth", e.call)
    assert.equal("system_error", e.kind)
    assert.equal(38, e.code)
    assert.matches("/nonexistent/socket", tostring(e), 1, true)
    assert.equal("qemu+unix:///system?socket=/nonexistent/socket", e.host)
  end)

  it("answers bad input before libvirt is called, naming the choices", function()
    local host <close> = guestlua.open("test:///default")
    for _, case in ipairs({
      { "no such option; the options are: readonly", guestlua.open, "test:///default", { readOnly = true } },
      { "boolean expected, got string", guestlua.open, "test:///default", { readonly = "yes" } },
      { "string expected, got table", guestlua.open, {} },
      { "table expected, got boolean", guestlua.open, nil, true },
      { "2 argument%(s%) too many", guestlua.open, nil, nil, 1, 2 },
      { "string expected, got no value", host.guest, host },
      { "the string has a NUL byte in it", host.guest, host, "a\0b" },
      { "table expected, got string", host.guest, host, "test", "test" },
      { "1 argument%(s%) too many", host.guest, host, "test", {}, "test" },
      { "no such option; the options are: active, persistent, running, .*; is running meant", host.guests, host, { runing = true } },
      { "a table of named options expected", host.guests, host, { "active" } },
      { "Host expected, got no value", host.guests },
      { "Host expected, got FILE*", host.guests, io.stdout },
      { "Host expected, got Guest", host.guests, (host:guest("test")) },
      { "Guest expected, got Host", guestlua.workflow.reboot, host },
    }) do
      local e = helper.failure(table.unpack(case, 2))
      assert.equal("bad_argument", e.kind)
      assert.matches(case[1], e.message)
      assert.matches("%.lua:%d+: bad argument '", tostring(e))
    end
  end)
end)
