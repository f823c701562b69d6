-- Story: a script gave resume the devices that it had kept in a file, of which a line was lost. The guest was started, and then it was "not XML";
-- the second try said that the guest ran, and that nothing had to be done: the devices stayed away. And suspend took "" for the first device without
-- a target, and a network disk without its cookies, with which it could not come back.

local guestlua = require("guestlua")
local helper = require("spec.support.helper")

local workflow = guestlua.workflow

local NETWORK = "<disk type='network' device='disk'><source protocol='https' name='img'><host name='h' port='443'/><cookies>"
  .. "<cookie name='a'>b</cookie></cookies></source><target dev='vdc' bus='virtio'/></disk>"

describe("A device that cannot come back", function()
  local host, guest
  helper.leaves_nothing(function()
    guestlua.journal({ dir = helper.scratch() })
    host = guestlua.open("test:///default")
    local test <close> = host:guest("test")
    local domain = guestlua.element(test:get_xml_desc({ dump_inactive = true }))
    domain.name, domain.uuid = { "other" }, nil
    domain.devices:append(guestlua.element(NETWORK))
    guest = host:write_instance_config(domain)
  end, function()
    guest:close()
    host:close()
  end)

  it("is refused before the guest is started", function()
    local DISK = "<disk type='file' device='disk'><source file='/none.img'/><target dev='vdz' bus='virtio'/></disk>"
    for xml, said in pairs({ ["<bad"] = "not XML", [""] = "not XML", ["<rng model='virtio'/>"] = "got a <rng> that could be any" }) do
      local e = helper.failure(workflow.resume, guest, { devices = { DISK, xml } })
      assert.same({ "bad_argument", "devices[2]", "resume" }, { e.kind, e.argument, e.op })
      assert.matches(said, e.message, 1, true)
      assert.is_false(guest:is_active())
    end
  end)

  it("is refused before it is detached", function()
    guest:launch()
    local was = #guest:get_all_devices()
    local e = helper.failure(workflow.suspend, guest, { detach = { "vda", "" } })
    assert.same({ "bad_argument", "detach[2]", "suspend" }, { e.kind, e.argument, e.op })
    e = helper.failure(workflow.suspend, guest, { detach = { "vdc" } })
    assert.same({ "argument_unsupported", "vdc" }, { e.kind, e.device })
    assert.matches("has a password or cookies, and would come back without them", e.message, 1, true)
    assert.equal(was, #guest:get_all_devices())
  end)
end)
