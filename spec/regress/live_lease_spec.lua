-- Story: attach_with_retry gave a running guest a lease, to which libvirt gives no alias, and nothing could detach it any more: neither
-- detach_with_retry ("libvirt gave the device no alias: its removal could not be heard of") nor the undo, if the second step failed. libvirt holds a
-- lease for the guest, which does not have it and does not have to release it.

local guestlua = require("guestlua")
local helper = require("spec.support.helper")

local workflow = guestlua.workflow

local LEASE = "<lease><lockspace>s</lockspace><key>k</key><target path='/x'/></lease>"

describe("A running guest's lease", function()
  local machine = helper.machine()
  local guest
  helper.leaves_nothing(function()
    guest = machine.guest
    guestlua.journal({ dir = machine.dir .. "/journal" })
  end)

  local function attach_and_detach()
    for _, place in ipairs({ { true, false }, { false, true }, { true, true } }) do
      workflow.attach_with_retry(guest, LEASE, { live = place[1], persistent = place[2] })
      assert.same({ place[1] and 1 or 0, place[2] and 1 or 0 },
        { #guest:get_all_devices("lease"), #guest:get_all_devices("lease", { from_persistent_config = true }) })
      assert.is_true(workflow.ensure_detached(guest, LEASE).changed)
      assert.is_false(workflow.ensure_detached(guest, LEASE).changed)
    end
    do
      local attached <close> = guest:attached(LEASE)
      assert.is_not_nil(attached)
      assert.equal(1, #guest:get_all_devices("lease"))
    end
    assert.equal(0, #guest:get_all_devices("lease"))
  end

  it("is detached", attach_and_detach)

  it("is detached while the guest is paused", function()
    guest:pause()
    local resumed <close> = setmetatable({}, { __close = function() guest:resume() end })
    attach_and_detach()
    assert.is_not_nil(resumed)
  end)
end)
