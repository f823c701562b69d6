-- Which disks a live migration copies, and what it refuses to write over, on the test driver, which moves nothing.

local core = require("guestlua.core")
local guestlua = require("guestlua")
local helper = require("spec.support.helper")
local migrate = require("guestlua.workflow.migrate.plan")

local NODE = "<node><cpu><mhz>1000</mhz><model>i686</model><active>4</active><nodes>1</nodes><sockets>1</sockets><cores>4</cores><threads>1"
  .. "</threads></cpu><memory>4194304</memory>%s%s</node>"

local FILE = "<disk type='file'><driver name='qemu' type='raw'/><source file='/pool/one.img'/><target dev='vda' bus='virtio'/></disk>"
local VOLUME = "<disk type='volume'><driver name='qemu' type='raw'/><source pool='images' volume='one.img'/><target dev='vda' bus='virtio'/></disk>"

local POOL = "<pool type='dir'><name>images</name><target><path>/pool</path></target>"
  .. "<volume><name>one.img</name><capacity>1024</capacity></volume></pool>"

describe("A live migration that copies disks", function()
  local directory
  setup(function()
    directory = helper.scratch()
  end)
  helper.leaves_nothing()

  local function host(name, guest, disk)
    local path = ("%s/%s.xml"):format(directory, name)
    do
      local file <close> = assert(io.open(path, "w"))
      file:write(NODE:format(POOL, ("<domain type='test'><name>%s</name><memory>1024</memory><os><type>hvm</type></os><devices>%s</devices></domain>"
        ):format(guest, disk)))
    end
    return guestlua.open("test://" .. path)
  end

  local function plan(disk, theirs, options)
    local here <close> = host("here", "one", disk)
    local there <close> = host("there", "other", theirs)
    local guest <close> = here:guest("one", { required = true })
    return migrate.make(guest, there, "test:///there", options)
  end

  local FLAGS = { { "live", "peer2peer", "non_shared_disk" }, 1 | 2 | 64, { "live", "peer2peer", "non_shared_inc" } }

  it("writes over no other guest's, by whatever flag and name", function()
    for _, flags in ipairs(FLAGS) do
      for _, own in ipairs({ FILE, VOLUME }) do
        for _, theirs in ipairs({ FILE, VOLUME }) do
          if own == FILE or flags ~= FLAGS[3] then -- it lists no volumes of pools
            local e = helper.failure(plan, own, theirs, { flags = flags })
            assert.same({ "operation_invalid", "vda" }, { e.kind, e.device })
            assert.matches("has /pool/one.img, which the disk's copy would overwrite", e.message, 1, true)
          end
        end
      end
    end
  end)

  it("gives libvirt a list only for those that are listed", function()
    local other = FILE:gsub("one.img", "other.img")
    for i, listed in ipairs({ false, false, { "vda" } }) do
      local made = plan(FILE, other, { flags = FLAGS[i] })
      assert.same({ { "vda" }, listed }, { made.disks, made.call.migrate_disks or false })
    end
    assert.same({ "vda" }, plan(FILE, other, { flags = FLAGS[1], migrate_disks = { "vda" } }).call.migrate_disks)
  end)

  it("keeps what it goes by to itself: a plan is a dry run's", function()
    local here, there = host("here", "one", FILE), host("there", "other", FILE)
    local guest <close> = here:guest("one", { required = true })
    local xml = guest:get_xml_desc():gsub("</devices>", "<graphics type='vnc' passwd='s3cr3t'/></devices>")
    local options = { destination_uri = "test+tcp://there/default", destination_xml = xml }
    local e = helper.failure(guestlua.workflow.live_migrate, guest, there, options)
    assert.same({ "migrate" }, { e.step, e.plan })
    core.dry_run(true)
    local undo <close> = setmetatable({}, { __close = function() core.dry_run(false) end }) -- luacheck: ignore undo
    local result = guestlua.workflow.live_migrate(guest, there, options)
    local count = 0
    for _ in pairs(result.plan) do
      count = count + 1
    end
    assert.equal(#result.plan, count)
  end)
end)
