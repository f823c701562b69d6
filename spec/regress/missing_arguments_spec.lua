-- What has to be there and is not, or is something else than a device.
--
--   workflow.backup(guest, {}): Lua's "attempt to index a nil value (field 'to')". An option that has to be given was only checked if it was given.
--   volume_snapshot_create without new_file: the same.
--   ensure_detached(guest, ""), with the path of a disk, and with a MAC address that is written as libvirt also takes it, 52:54:0:0:0:A: as no device
--   was called so, it was said to be gone.
--   attach_with_retry(guest, function): Lua's "attempt to index a function value".

local guestlua = require("guestlua")
local helper = require("spec.support.helper")

describe("A function of the module", function()
  helper.leaves_nothing()

  it("names the option that is missing, whatever it does", function()
    local host <close> = guestlua.open("test:///default")
    local guest <close> = host:guest("test")
    local values, seen = { Guest = guest, Host = host, string = "vda", any = "<disk/>", ["Element or XML text"] = "<disk/>" }, 0
    for _, row in ipairs(require("guestlua.base.define").rows) do
      local arguments, required = {}, nil
      for _, param in ipairs(row.owner == "workflow" and row.params or {}) do
        if param.positional then
          arguments[#arguments + 1] = values[param.type]
        elseif param.required then
          required = required or param.name
        end
      end
      if required then
        for _, options in ipairs({ {}, false }) do
          arguments[#arguments + 1] = options or nil
          local e = helper.failure(guestlua.workflow[row.name], table.unpack(arguments))
          assert.same({ "bad_argument", required }, { e.kind, e.argument }, row.name)
          arguments[#arguments] = nil
        end
        seen = seen + 1
      end
    end
    assert.is_true(seen >= 5)
  end)

  it("does not say of an empty name that its device is gone", function()
    local host <close> = guestlua.open("test:///default")
    local guest <close> = host:guest("test")
    for _, name in ipairs({ "detach_with_retry", "ensure_detached" }) do
      for _, value in ipairs({ "", "vda\0", "/images/data.qcow2", {}, 5, host }) do
        local e = helper.failure(guestlua.workflow[name], guest, value)
        assert.same({ "bad_argument", "device" }, { e.kind, e.argument }, name)
      end
    end
  end)

  it("knows an interface by its MAC address however that is written", function()
    local host <close> = guestlua.open("test:///default")
    local guest <close> = guestlua.Guest.create([[<domain type='test'><name>mac</name><memory>1024</memory><os><type>hvm</type></os>
      <devices><interface type='user'><mac address='52:54:00:00:00:0a'/></interface></devices></domain>]], host)
    for _, mac in ipairs({ "52:54:00:00:00:0a", "52:54:0:0:0:A", "52-54-00-00-00-0A" }) do
      local e = helper.failure(guestlua.workflow.ensure_detached, guest, mac)
      assert.equal("no_support", e.kind) -- it was found, and the test driver detaches nothing
    end
    assert.is_false(guestlua.workflow.ensure_detached(guest, "52:54:00:00:00:0b").changed)
    guest:delete_configuration()
  end)

  it("attaches no function", function()
    local host <close> = guestlua.open("test:///default")
    local guest <close> = host:guest("test")
    for _, name in ipairs({ "attach_with_retry", "ensure_attached" }) do
      for _, value in ipairs({ print, {}, 5, host }) do
        local e = helper.failure(guestlua.workflow[name], guest, value)
        assert.same({ "bad_argument", "device" }, { e.kind, e.argument }, name)
      end
    end
  end)
end)
