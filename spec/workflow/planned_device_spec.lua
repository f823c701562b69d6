-- What a dry run says of devices that it has held back before: they are there for the rest of the script, and those that were detached are not.

local helper = require("spec.support.helper")

describe("A dry run", function()
  local script = os.tmpname()

  -- The script's output and its plan, with nothing but the calls in it.
  local function run(text)
    local file <close> = assert(io.open(script, "w"))
    file:write([[
      local guest = guestlua.open():guest("test")
      local workflow, element = guestlua.workflow, guestlua.element
      local NIC = "<interface type='network'><mac address='52:54:00:11:22:33'/><source network='default'/></interface>"
      local MAC = "52:54:00:11:22:33"
      local function fails(kind, fn, ...)
        local ok, e = pcall(fn, ...)
        assert(not ok and guestlua.Error.is(e, kind), tostring(e))
      end
    ]] .. text .. [[
      for _, entry in ipairs(guestlua.plan()) do
        print(entry.op, entry.arguments.flags or "", entry.waits_for and "waits" or "")
      end
    ]])
    file:close()
    local code, out, err = helper.guestlua("-q -c test:///default --dry-run " .. script)
    assert.equal(0, code, err)
    return out
  end

  local ATTACHED = "attach_device\tlive\twaits\nattach_device\tpersistent\twaits\n"
  local DETACHED = "detach_device\tpersistent\t\ndetach_device\tlive\twaits\n"

  it("plans to detach what it would have attached", function()
    assert.equal(ATTACHED .. DETACHED, run([[
      workflow.attach_with_retry(guest, NIC)
      workflow.detach_with_retry(guest, MAC)
      fails("device_not_found", workflow.detach_with_retry, guest, MAC)
      assert(not workflow.ensure_detached(guest, NIC).changed)
    ]]))
  end)

  it("does not attach twice", function()
    assert.equal(ATTACHED, run([[
      assert(workflow.ensure_attached(guest, NIC).changed)
      assert(not workflow.ensure_attached(guest, NIC).changed)
      fails("operation_invalid", workflow.attach_with_retry, guest, NIC)
    ]]))
  end)

  it("goes by libvirt's own names of the calls, too", function()
    assert.equal("attach_device\tconfig|live\t\n" .. DETACHED, run([[
      guest.domain:attach_device(NIC, { live = true, config = true })
      workflow.detach_with_retry(guest, MAC)
    ]]))
  end)

  it("goes by the calls of the script, too, and by what the guest has", function()
    assert.equal("attach_device\t\t\ndetach_device\tlive\twaits\nattach_device\tlive\twaits\ndetach_device\tpersistent\t\nattach_device\tlive\t\n"
      .. "detach_device\tlive\twaits\n", run([[
      guest:attach_device(NIC)
      workflow.detach_with_retry(guest, MAC)
      workflow.attach_with_retry(guest, element("interface", { type = "network", mac = { address = "52:54:00:44:55:66" },
        source = { network = "default" } }), { persistent = false })
      local disk = guest:get_all_devices("disk", { from_persistent_config = true })[1]
      workflow.detach_with_retry(guest, disk, { live = false })
      fails("device_not_found", workflow.detach_with_retry, guest, disk, { live = false })
      local attached <close> = guest:attached(NIC, { live = true })
      attached:close()
    ]]))
  end)

  it("knows the jobs of a host's disks from those of another host's", function()
    local other = os.tmpname()
    finally(function()
      os.remove(other)
    end)
    local file <close> = assert(io.open(other, "w"))
    file:write("<node><domain type='test'><name>test</name><memory>1000</memory><os><type>hvm</type></os><devices><disk type='file'>"
      .. "<source file='/x'/><target dev='vda'/></disk></devices></domain></node>")
    file:close()
    assert.equal("commit\t\twaits\n", run(([[
      local other = guestlua.open("test://%s"):guest("test")
      guest:get_block_device("vda"):commit(nil, nil, { bandwidth = 1 })
      fails("no_support", function() other:get_block_device("vda"):await_job() end)
      assert(guest:get_block_device("vda"):await_job() == "completed")
    ]]):format(other)))
  end)
end)
