-- A script that held a snapshot or a checkpoint which had been deleted since could reconnect no more: "out of memory", each time, until the object
-- was collected. libvirt forgets its last error when the guest is dropped that the snapshot was looked up in.

local guestlua = require("guestlua")
local helper = require("spec.support.helper")
local shared = require("spec.support.objects")

describe("A part of a guest that is gone", function()
  helper.leaves_nothing()

  it("does not keep its host from reconnecting, and is still gone then", function()
    local kept <close> = guestlua.open("test:///default") -- or else the driver would forget everything with the connection
    local host <close> = guestlua.open("test:///default")
    local objects = shared.make(host)
    for class, kind in pairs({ Snapshot = "no_domain_snapshot", Checkpoint = "no_domain_checkpoint" }) do
      local object <close> = objects[class]
      object:delete()
      host:reconnect()
      assert.equal(kind, helper.failure(object.get_xml_desc, object).kind)
    end
    assert.is_true(host:is_alive() and kept:is_alive())
  end)
end)
