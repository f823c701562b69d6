-- Story: a play ran ensure_attached for a guest that somebody had undefined a minute before, got changed=false, and went on as if the guest had its
-- disk. And attach_with_retry succeeded without one call of libvirt's if it had no place for the device (a guest that is off, with
-- persistent=false) or no attempt; detach_with_retry with attempts=0 took the disk from the configuration, and then said that the running guest had
-- not released it.

local guestlua = require("guestlua")
local helper = require("spec.support.helper")

local workflow = guestlua.workflow

local DISK = "<disk type='file' device='disk'><source file='/none.img'/><target dev='vdz' bus='virtio'/></disk>"
local BOTH = { "attach_with_retry", "detach_with_retry" }

describe("Without a place for the device, or an attempt,", function()
  local host, guest
  helper.leaves_nothing(function()
    host = guestlua.open("test:///default")
    guest = host:guest("test")
    guestlua.journal({ dir = helper.scratch() })
  end, function()
    host:close()
  end)

  -- A guest that is off.
  local function off()
    local domain = guestlua.element(guest:get_xml_desc({ dump_inactive = true }))
    domain.name, domain.uuid = { "off" }, nil
    return host:write_instance_config(domain)
  end

  it("nothing is attached or detached, and the options are refused", function()
    local was = guest:get_xml_desc({ dump_inactive = true })
    for _, name in ipairs(BOTH) do
      local e = helper.failure(workflow[name], guest, DISK, { live = false, persistent = false })
      assert.same({ "bad_argument", "persistent", name }, { e.kind, e.argument, e.op })
      e = helper.failure(workflow[name], guest, DISK, { attempts = 0 })
      assert.same({ "bad_argument", "attempts" }, { e.kind, e.argument })
      assert.matches("from 1 up", e.message, 1, true)
    end
    assert.equal("attempts", helper.failure(workflow.ensure_detached, guest, DISK, { attempts = 0 }).argument)
    assert.equal(was, guest:get_xml_desc({ dump_inactive = true }))
  end)

  it("a guest that is off is no success", function()
    local one <close> = off()
    local e = helper.failure(workflow.attach_with_retry, one, DISK, { persistent = false })
    assert.same({ "operation_invalid", "vdz" }, { e.kind, e.device })
    assert.matches("the guest is off, and persistent is false", e.message, 1, true)
    one:delete_configuration()
  end)

  it("a guest without a configuration is no success", function()
    local one <close> = off()
    one:launch()
    one:delete_configuration()
    local e = helper.failure(workflow.attach_with_retry, one, DISK, { live = false })
    assert.same({ "operation_invalid", "vdz" }, { e.kind, e.device })
    assert.matches("the guest has no persistent configuration, and live is false", e.message, 1, true)
    one:poweroff()
  end)

  it("a guest that is gone is an error, and has the device no more", function()
    local one <close> = off()
    do
      local same <close> = host:guest("off")
      same:delete_configuration()
    end
    for _, name in ipairs({ "ensure_attached", "attach_with_retry" }) do
      assert.equal("no_domain", helper.failure(workflow[name], one, DISK).kind)
    end
    assert.is_false(workflow.ensure_detached(one, DISK).changed)
  end)
end)
