-- A device is attached once, also if libvirt drops some of what its XML says.
--
-- Seen: ensure_attached of a <redirdev type='unix'> with <protocol type='raw'/>, which libvirt takes and does not show, attached one more each
-- time, and ensure_detached found none of them. A device with an alias that libvirt had chosen elsewhere was attached, "and the guest does not
-- have it". And where libvirt shows a console and cannot find it when it is to be detached, ensure_detached reported that it was.

local guestlua = require("guestlua")
local helper = require("spec.support.helper")

local workflow = guestlua.workflow

local function with_room(domain)
  for _, controller in ipairs(domain.devices:children("controller")) do
    if controller.type == "usb" then
      controller:remove()
    end
  end
  domain.devices:append(guestlua.device.controller({ type = "usb", index = 0, model = "qemu-xhci" }))
  domain:append(guestlua.element("<maxMemory slots='4' unit='MiB'>1024</maxMemory>"))
  domain:append(guestlua.element("<cpu><numa><cell id='0' cpus='0' memory='128' unit='MiB'/></numa></cpu>"))
end

local DROPPED = {
  { "<redirdev bus='usb' type='unix'><source mode='bind' path='/tmp/r'/><protocol type='raw'/></redirdev>", { " bus='usb'", "  bus='usb'" } },
  { "<parallel type='pty'><source mode='bind'/></parallel>", { "<source mode='bind'/>", "<source mode='bind'></source>" } },
  { "<memory model='dimm'><target><size unit='KiB'>131071</size><node>0</node></target></memory>", { " unit='KiB'", "" } },
  { "<memory model='dimm'><target><size unit='MiB'>128</size><node>0</node><block unit='MiB'>2</block></target></memory>",
    { "<block unit='MiB'>2<", "<block unit='KiB'>2048<" } },
  { "<serial type='udp'><source mode='connect' host='0.0.0.0' service='2445'/><source mode='bind' host='0.0.0.0' service='0x98d'/></serial>",
    { "0x98d", "2445" } },
  { "<input type='keyboard' bus='usb'><unheard/></input>", { "type='keyboard' bus='usb'", "bus='usb' type='keyboard'" } },
  { "<sound model='usb' unheard='yes'><alias name='sound9'/></sound>", { "'yes'", "'on'" } },
}

describe("A device of which libvirt drops something", function()
  local machine = helper.machine({ edit = with_room, launch = false })
  local guest
  helper.leaves_nothing(function()
    guest = machine.guest
    guestlua.journal({ dir = machine.dir .. "/journal" })
  end)

  local function count(kind)
    return #guest:get_all_devices(kind, { from_persistent_config = true })
  end

  for _, row in ipairs(DROPPED) do
    it("is attached once, and detached: " .. row[1]:sub(1, 70), function()
      local written, kind = row[1], guestlua.element(row[1]):tag()
      local from, to = written:find(row[2][1], 1, true)
      local before, other = count(kind), written:sub(1, from - 1) .. row[2][2] .. written:sub(to + 1)
      for _, form in ipairs({ written, other }) do
        assert.is_true(workflow.ensure_attached(guest, written).changed)
        assert.is_false(workflow.ensure_attached(guest, form).changed)
        assert.equal(before + 1, count(kind))
        assert.equal("operation_invalid", helper.failure(workflow.attach_with_retry, guest, form).kind)
        assert.is_true(workflow.ensure_detached(guest, form).changed)
        assert.equal(before, count(kind))
        assert.is_false(workflow.ensure_detached(guest, form).changed)
      end
    end)
  end

  it("is not taken for one of other XML, or for the one that it was found as", function()
    local one, two = DROPPED[2][1], "<parallel type='pty'><source mode='connect'/></parallel>"
    workflow.ensure_attached(guest, one)
    assert.is_true(workflow.ensure_attached(guest, two).changed)
    local first = guest:get_all_devices("parallel", { from_persistent_config = true })[1]
    workflow.ensure_detached(guest, one)
    assert.is_false(workflow.ensure_detached(guest, first).changed)
    assert.equal(1, count("parallel"))
    assert.is_true(workflow.ensure_detached(guest, two).changed)
  end)

  it("is not said to be detached if libvirt shows it still", function()
    local console = "<console type='pty'><target type='virtio' port='0'/></console>" -- libvirt looks for the other console of port 0
    local before = count("console")
    assert.is_true(workflow.ensure_attached(guest, console).changed)
    local ok, e = pcall(workflow.ensure_detached, guest, console)
    assert.equal(ok and before or before + 1, count("console"))
    if not ok then -- a libvirt that cannot
      assert.same({ "device_detach_failed", "the configuration has the device" }, { e.kind, e.outcome })
    end
  end)
end)
