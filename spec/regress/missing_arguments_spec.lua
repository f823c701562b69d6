-- What has to be there and is not, or is something else than a device.
--
--   workflow.backup(guest, {}): Lua's "attempt to index a nil value (field 'to')". An option that has to be given was only checked if it was given.
--   volume_snapshot_create without new_file: the same.
--   ensure_detached(guest, ""): as no device is called so, it was said to be gone.
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
      for _, value in ipairs({ "", "vda\0", {}, 5, host }) do
        local e = helper.failure(guestlua.workflow[name], guest, value)
        assert.same({ "bad_argument", "device" }, { e.kind, e.argument }, name)
      end
    end
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
