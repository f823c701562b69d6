-- A clone was started, and libvirt's answer was lost: the guest ran and stayed, and the undo removed the state of its TPM, which no configuration
-- names, and said that no guest was made.

local faults = require("spec.support.faults")
local helper = require("spec.support.helper")

local UUID = "5f2ad3c6-7d0e-4f6b-9a0d-3c8a1b2f4e10"

local SCRIPT = [[
  local domain = [=[<domain type='test'><name>one</name><uuid>%s</uuid><memory>1024</memory><os><type>hvm</type></os><devices>
    <disk type='file'><driver name='qemu' type='raw'/><source file='%s/one.img'/><target dev='vda' bus='virtio'/></disk>
    <tpm model='tpm-tis'><backend type='emulator' version='2.0'/></tpm></devices></domain>]=]
  local host <close> = guestlua.open("test:///default")
  local one <close> = guestlua.Guest.create(domain, host)
  local ok, e = pcall(guestlua.workflow.clone, one, { name = "two", start = true })
  local two <close> = host:guest("two")
  local state = two and "%s/libvirt/qemu/swtpm/" .. two.uuid .. "/tpm2/tpm2-00.permall"
  print(ok or e.step, ok or e.outcome, two and two:is_active(), state and io.open(state) ~= nil, #(not ok and e.left or {}))
]]

describe("A new guest", function()
  local directory
  setup(function()
    directory = helper.scratch()
    helper.sh("truncate -s 1M %s/one.img && mkdir -p %s/libvirt/qemu/swtpm/%s/tpm2 && echo state >%s/libvirt/qemu/swtpm/%s/tpm2/tpm2-00.permall",
      directory, directory, UUID, directory, UUID)
  end)
  helper.leaves_nothing()

  local function run(fault)
    os.execute(("rm -f %s/two*"):format(directory))
    local code, out, err = faults.run(SCRIPT:format(UUID, directory, directory), { fault = fault,
      env = { XDG_CONFIG_HOME = directory, XDG_STATE_HOME = directory .. "/journal" } })
    assert.equal(0, code, err)
    return (out:gsub("\n$", ""))
  end

  it("that runs keeps all its files, if the answer to its start was lost", function()
    assert.equal("start\tthe guest 'two' is there, and runs\ttrue\ttrue\t0", run("virDomainCreateWithFlags#1:operation_timeout:after"))
  end)

  it("leaves nothing if it was not started", function()
    assert.equal("start\tundone: no guest was made\tnil\tnil\t0", run("virDomainCreateWithFlags#1:operation_failed"))
  end)
end)
