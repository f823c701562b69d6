-- A guest that was off, with its disk on its own host only, was drained: libvirt moves the configuration of such a guest without a look at its disks.
-- The drain said that all had gone well, the guest was defined where it could not start, and nothing named its image on the host that was to go.

local guestlua = require("guestlua")
local helper = require("spec.support.helper")
local hosts = require("spec.support.hosts")

local OFF = [[<domain type='qemu'><name>off</name><memory unit='MiB'>64</memory><os><type arch='x86_64' machine='q35'>hvm</type></os><devices>
  <disk type='file' device='disk'><driver name='qemu' type='qcow2'/><source file='%s'/><target dev='vda' bus='virtio'/></disk>
</devices></domain>]]

describe("A guest that is off", function()
  helper.leaves_nothing()
  local two, on_both = hosts.of_specs(function(two)
    guestlua.journal({ dir = two.dir .. "/journal" })
  end)

  local function uri(name)
    return ("qemu+tcp://%s/system"):format(two.address[name])
  end

  -- A qcow2 image of that size on a host.
  local function image(host, name, size)
    assert(os.execute(("qemu-img create -q -f qcow2 %s %s"):format(two:outside(host, two.dir .. "/" .. name), size)))
  end

  local function where()
    return (two.a:guest("off") and "a" or "") .. (two.b:guest("off") and "b" or "")
  end

  local function define(host, name)
    two[host]:write_instance_config(OFF:format(two.dir .. "/" .. name)):close()
    collectgarbage()
  end

  local function clear()
    for _, host in ipairs({ "a", "b" }) do
      local guest <close> = two[host]:guest("off")
      if guest then
        guest:delete_configuration()
      end
    end
  end

  local function drain()
    return guestlua.workflow.drain(two.a, { to = { { host = two.b, destination_uri = uri("b") } } })
  end

  local function it_(name, fn)
    on_both(name, function()
      finally(clear)
      fn()
    end)
  end

  it_("stays if the other host does not have its disk, or has another one of its name", function()
    define("a", "own/only.qcow2")
    image("a", "own/only.qcow2", "10M")
    local result = drain()
    assert.same({ false, 0, 1, false }, { result.drained, #result.moved, #result.failed, result.changed })
    local e = result.failed[1].error
    assert.same({ "operation_failed", "vda", "undone: the guest is on the source host, as before" }, { e.kind, e.device, e.outcome })
    assert.matches("does not have the disk: .*only.qcow2", e.message)
    assert.equal("a", where())
    image("b", "own/only.qcow2", "20M")
    e = drain().failed[1].error
    assert.matches("only.qcow2 has another size there, %d+ bytes %(20971520 in the guest%), and here %d+ %(10485760%)", e.message)
    assert.equal("a", where())
  end)

  it_("goes with a disk that both hosts have", function()
    define("a", "both.qcow2")
    image("a", "both.qcow2", "10M")
    assert.is_true(drain().drained)
    assert.equal("b", where())
  end)

  it_("goes with a disk that neither host has, and with one that it may do without", function()
    define("a", "neither.qcow2")
    assert.is_true(drain().drained)
    clear()
    image("a", "own/optional.qcow2", "1M")
    two.a:write_instance_config((OFF:format(two.dir .. "/own/optional.qcow2"):gsub("<source", "<source startupPolicy='optional'")
      :gsub("device='disk'", "device='cdrom'"):gsub("target dev='vda' bus='virtio'", "target dev='sda' bus='sata'"))):close()
    assert.is_true(drain().drained)
  end)

  it_("is compared with what the other host has of it, which stays as it is", function()
    define("a", "own/known.qcow2")
    image("a", "own/known.qcow2", "10M")
    local guest <close> = two.a:guest("off")
    two.b:write_instance_config(guest:get_xml_desc()):close()
    assert.matches("does not have the disk", drain().failed[1].error.message)
    assert.equal("ab", where())
  end)
end)
