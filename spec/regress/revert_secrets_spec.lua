-- A guest had got a password for its console since its snapshot, or had had one then: a revert stopped it, and could neither give it the snapshot's
-- configuration nor its own again, because a configuration that has not the secrets of the one before is refused. recover could not, either.

local faults = require("spec.support.faults")
local helper = require("spec.support.helper")

local UUID = "6a1f0a52-2b1c-4d5f-8f0e-77d3f0c9a3b1"

local SCRIPT = [[
  local directory, then_has, now_has = "%s", %s, %s
  local function domain(image, has)
    return ([=[<domain type='test'><name>one</name><uuid>%s</uuid><memory>1024</memory><os><type>hvm</type></os><devices>
      <disk type='file'><driver name='qemu' type='qcow2'/><source file='%%s/%%s'/><target dev='vda' bus='virtio'/></disk>
      <graphics type='vnc' port='-1'%%s/></devices></domain>]=]):format(directory, image, has and " passwd='s3cr3t'" or "")
  end
  local host <close> = guestlua.open("test:///default")
  local one <close> = guestlua.Guest.create(domain("overlay.qcow2", now_has), host)
  one:snapshot(([=[<domainsnapshot><name>old</name><state>shutoff</state><creationTime>1000</creationTime>
    <disks><disk name='vda' snapshot='external' type='file'><driver type='qcow2'/><source file='%%s/overlay.qcow2'/></disk></disks>%%s
    </domainsnapshot>]=]):format(directory, domain("base.qcow2", then_has)), { redefine = true })
  local ok, e = pcall(guestlua.workflow.snapshot_revert, one, { name = "old" })
  local xml = one:get_xml_desc({ dump_inactive = true, dump_sensitive = true })
  print(ok or e.step, ok or e.outcome, xml:match("passwd='(.-)'"), xml:match("overlay.qcow2") or "another")
]]

describe("A revert of a guest", function()
  local directory
  setup(function()
    directory = helper.scratch()
  end)
  helper.leaves_nothing()

  local function run(then_has, now_has, fault)
    helper.sh("cd %s && rm -f * 2>/dev/null; qemu-img create -q -f qcow2 base.qcow2 1M && qemu-img create -q -f qcow2 -b base.qcow2 -F qcow2 "
      .. "overlay.qcow2", directory)
    local code, out, err = faults.run(SCRIPT:format(directory, then_has, now_has, UUID), { fault = fault, env = { XDG_STATE_HOME = directory } })
    assert.equal(0, code, err)
    return (out:gsub("\n$", ""))
  end

  it("gives it the secrets that it had at the snapshot, and no others", function()
    assert.equal("true\ttrue\tnil\tanother", run(false, true))
    assert.equal("true\ttrue\ts3cr3t\tanother", run(true, false))
  end)

  it("that is taken back gives it those again that it had", function()
    local undone = "record\tundone: the guest has the disks that it had\t"
    assert.equal(undone .. "nil\toverlay.qcow2", run(true, false, "virDomainSnapshotCreateXML#2:operation_failed"))
    assert.equal(undone .. "s3cr3t\toverlay.qcow2", run(false, true, "virDomainSnapshotCreateXML#2:operation_failed"))
  end)
end)
