-- Clones on the test driver: what happens while a disk is copied, and images behind links.

local faults = require("spec.support.faults")
local guestlua = require("guestlua")
local helper = require("spec.support.helper")

local UUID = "0b9c5f5e-8f3f-4d53-9f0a-6f1f6a1c2d3e"

local SCRIPT = [[
  local domain = [=[<domain type='test'><name>one</name><uuid>%s</uuid><memory>1024</memory><os><type>hvm</type></os><devices>
    <disk type='file'><driver name='qemu' type='raw'/><source file='%s/one.img'/><target dev='vda' bus='virtio'/></disk>
    <tpm model='tpm-tis'><backend type='emulator' version='2.0'/></tpm></devices></domain>]=]
  local host <close> = guestlua.open("test:///default")
  local one <close> = guestlua.Guest.create(domain, host)
  local ok, e = pcall(guestlua.workflow.clone, one, { name = "two", timeout = %g, disks = %q })
  print(ok or e.kind, ok or e.step, ok or e.outcome)
  print(ok or e.message)
]]

-- In the place of qemu-img: does something before it copies.
local PROGRAM = [[#!/bin/sh
case $1 in convert) %s;; esac
PATH=${PATH#*:}; exec qemu-img "$@"
]]

describe("While its disk is copied a clone", function()
  local directory, state
  setup(function()
    directory = helper.scratch()
    state = ("%s/libvirt/qemu/swtpm/%s/tpm2"):format(directory, UUID)
    helper.sh("cd %s && truncate -s 1M one.img && mkdir bin && mkdir -p %s && echo state >%s/tpm2-00.permall", directory, state, state)
  end)
  helper.leaves_nothing()

  local function run(timeout, meanwhile, disks)
    do
      local file <close> = assert(io.open(directory .. "/bin/qemu-img", "w"))
      file:write(PROGRAM:format(meanwhile))
    end
    helper.sh("chmod +x %s/bin/qemu-img", directory)
    local code, out, err = faults.run(SCRIPT:format(UUID, directory, timeout, disks or "copy"), { env = { XDG_CONFIG_HOME = directory,
      XDG_STATE_HOME = directory .. "/journal", PATH = directory .. "/bin:" .. os.getenv("PATH") } })
    assert.equal(0, code, err)
    assert.equal("one.img\n", helper.sh("ls %s | grep img", directory))
    return out
  end

  it("is over in its time", function()
    assert.matches("^timeout\tcopy\tundone: no guest was made\n", run(1, "exec sleep 3600"))
  end)

  it("says which file is gone", function()
    local out = run(600, ("rm %s/tpm2-00.permall"):format(state))
    assert.matches("^access_denied\tcopy\tundone: no guest was made\n", out)
    assert.matches(state .. "/tpm2-00.permall cannot be read: ", out, 1, true)
  end)

  -- Story: somebody started the guest between the copies of two of its disks, whose images were links to files elsewhere. The link's own time was
  -- compared, which no write changes: a clone was made of disks of two moments. And a link's mode is always 0777: a template behind one was refused.
  describe("of an image that is a link", function()
    setup(function()
      helper.sh("cd %s && mv one.img real && ln -s real one.img", directory)
    end)
    teardown(function()
      helper.sh("cd %s && mv real one.img", directory)
    end)

    it("says that it was written to", function()
      local out = run(600, ("echo written >>%s/real"):format(directory))
      assert.matches("^conflict\tcopy\tundone: no guest was made\n", out)
      assert.matches(directory .. "/one.img was written while it was copied", out, 1, true)
    end)

    it("goes on top of it, if nobody can write to the file", function()
      assert.matches("whatever is written to it destroys the clone", run(600, "true", "overlay"), 1, true)
      helper.sh("chmod a-w %s/real", directory)
      assert.equal("true\ttrue\ttrue\ntrue\n", run(600, "true", "overlay"))
      helper.sh("cd %s && qemu-img info two-vda.qcow2 | grep -qx 'backing file: %s/one.img'", directory, directory)
      helper.sh("cd %s && chmod u+w real && rm two-vda.qcow2", directory)
    end)
  end)

  it("is not put into a directory whose name libvirt would lose", function()
    local host <close> = guestlua.open("test:///default")
    local one <close> = host:guest("test")
    local e = helper.failure(guestlua.workflow.clone, one, { name = "two", to = "/dir\nx" })
    assert.same({ "bad_argument", "to" }, { e.kind, e.argument })
    assert.matches("libvirt keeps no file names with control characters", e.message, 1, true)
  end)
end)
