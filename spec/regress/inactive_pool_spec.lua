-- A guest had a volume of a pool that was not active. libvirt says nothing of such a pool's volumes, and every clone and restore on that host failed,
-- with all disks copied, and so did reverts and migrations.

local guestlua = require("guestlua")
local helper = require("spec.support.helper")
local names = require("guestlua.disk.names")

local DOMAIN = [[<domain type='test'><name>%s</name><memory>1024</memory><os><type>hvm</type></os><devices>
  <disk type='volume'><driver name='qemu' type='raw'/><source pool='%s' volume='one.img'/><target dev='vda' bus='virtio'/></disk></devices></domain>]]

describe("A guest's volume of a pool that is not active", function()
  local host
  helper.leaves_nothing(function()
    host = guestlua.open("test:///default")
  end, function()
    for _, name in ipairs({ "files", "blocks", "none" }) do
      local guest <close> = host:guest(name)
      if guest then
        guest:delete_configuration()
      end
      local pool <close> = host:pool(name)
      if pool then
        pool:undefine()
      end
    end
    host:close()
  end)

  local function guest(name, pool)
    if pool then
      host:storage_pool_define_xml(pool):close()
    end
    guestlua.Guest.create(DOMAIN:format(name, name), host):close()
  end

  it("is known by the pool's directory, and keeps nobody from the others", function()
    guest("files", "<pool type='dir'><name>files</name><target><path>/pool</path></target></pool>")
    guest("blocks", "<pool type='rbd'><name>blocks</name><source><name>rbd</name><host name='ceph'/></source></pool>")
    guest("none")
    local found = names.of_all(host)
    assert.is_false(found["/pool/one.img"]) -- a raw disk is on nothing
    for name in pairs(found) do
      assert.is_nil(name:find("rbd", 1, true))
    end
  end)
end)
