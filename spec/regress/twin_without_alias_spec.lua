-- Story: the configuration had an <rng> that somebody had added with virsh, and ensure_attached gave it to the running guest, with an alias of its
-- own. From then on they were two devices: detach_with_retry of the one that the running guest showed succeeded, and the configuration kept the
-- other. And the other way round.

local devices = require("guestlua.guest.devices")
local guestlua = require("guestlua")
local helper = require("spec.support.helper")

local workflow = guestlua.workflow

local RNG = "<rng model='virtio'><backend model='random'>/dev/urandom</backend></rng>"
local INPUT = "<input type='keyboard' bus='virtio'/>"

describe("A device without an alias that is added where it lacks", function()
  local machine = helper.machine()
  local guest
  helper.leaves_nothing(function()
    guest = machine.guest
    guestlua.journal({ dir = machine.dir .. "/journal" })
  end)

  local function found(xml)
    return { devices.find(guest, guestlua.element(xml), false) ~= nil, devices.find(guest, guestlua.element(xml), true) ~= nil }
  end

  -- other: one that only one place has, which takes the address that libvirt would choose.
  local function check(first, other)
    for _, form in ipairs({ "live", "persistent", "alias" }) do
      if other then
        guest:attach_device(INPUT, { [other] = true })
      end
      guest:attach_device(RNG, { [first] = true })
      assert.is_true(workflow.ensure_attached(guest, RNG).changed)
      assert.is_false(workflow.ensure_attached(guest, RNG).changed)
      assert.same({ true, true }, found(RNG))
      local device = devices.find(guest, guestlua.element(RNG), form == "persistent")
      assert.is_true(workflow.ensure_detached(guest, form == "alias" and device.alias.name or device).changed)
      assert.same({ false, false }, found(RNG), ("%s first, the one in %s given"):format(first, form))
      workflow.ensure_detached(guest, INPUT)
    end
  end

  for _, first in ipairs({ "live", "persistent" }) do
    it("is the same device as the one that was there: first " .. first, function()
      check(first)
    end)

    it("is that also at another address: first " .. first, function()
      check(first, first == "live" and "persistent" or "live")
    end)
  end
end)
