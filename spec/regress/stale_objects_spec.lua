-- A snapshot, a checkpoint or a volume was known by its name alone: a script that had found one changed, or deleted, what somebody had made since
-- under the same name, when the first was gone. The test driver did so with networks and pools as well. The same was seen of
-- a host's interfaces and of the filters on a port: those of "vnet0" were another guest's by then.

local faults = require("spec.support.faults")
local foreign = require("spec.support.foreign")
local guestlua = require("guestlua")
local helper = require("spec.support.helper")

local sh = helper.sh

local function is_another(fn, ...)
  local e = helper.failure(fn, ...)
  assert.equal("conflict", e.kind)
  assert.matches("it is another one by now: the one that was found is gone", e.message)
end

-- Until the clock shows another second: libvirt notes no less.
local function await_second()
  local now = os.time()
  helper.await(function() return os.time() > now end, "another second")
end

describe("An object that is held while another takes its name", function()
  local machine, it_ = faults.machine({})
  local others = foreign.new(machine)

  local function virsh(command)
    local code, said = others:act("virsh " .. command)
    assert.equal(0, code, said)
    return said
  end

  it_("does not act on a snapshot that came later", function()
    machine:reset()
    local guest = machine.guest
    virsh("snapshot-create-as tiny one --disk-only --diskspec vda,snapshot=external,file=$D/one")
    local found = { guest:snapshot_lookup_by_name("one"), guest:snapshots()[1], guest:snapshot_current() }
    assert.equal(3, #found)
    await_second()
    virsh("snapshot-delete tiny one --metadata")
    assert.equal("no_domain_snapshot", helper.failure(found[1].delete, found[1], { metadata_only = true }).kind)
    virsh("snapshot-create-as tiny one")
    for _, snapshot in ipairs(found) do
      is_another(snapshot.delete, snapshot, { metadata_only = true })
      is_another(snapshot.revert, snapshot)
    end
    machine.host:reconnect()
    is_another(found[1].delete, found[1])
    local one <close> = guest:snapshot_lookup_by_name("one")
    one:delete()
    for _, snapshot in ipairs(found) do
      snapshot:close()
    end
  end)

  it_("acts on the snapshot that was found, whatever was changed of it", function()
    machine:reset()
    local guest = machine.guest
    virsh("snapshot-create-as tiny one --disk-only --diskspec vda,snapshot=external,file=$D/one")
    virsh("snapshot-create-as tiny two --disk-only --diskspec vda,snapshot=external,file=$D/two")
    local two <close> = guest:snapshot_lookup_by_name("two")
    virsh("snapshot-dumpxml tiny two --security-info | sed 's,<name>two</name>,&<description>mine</description>,' >$D/two.xml "
      .. "&& virsh snapshot-create tiny $D/two.xml --redefine && virsh snapshot-delete tiny one --metadata")
    two:delete({ metadata_only = true })
    assert.same({}, guest:get_snapshot_names())
  end)

  it_("does not act on a checkpoint that came later", function()
    machine:reset()
    virsh("checkpoint-create-as tiny one")
    local one <close> = machine.guest:checkpoint_lookup_by_name("one")
    await_second()
    virsh("checkpoint-delete tiny one && virsh checkpoint-create-as tiny one")
    is_another(one.delete, one)
    local now <close> = machine.guest:checkpoint_lookup_by_name("one")
    now:delete()
  end)

  it_("does not act on a volume that came later, in the pool or in another of its name", function()
    machine:reset()
    local host, dir = machine.host, machine.root .. "/pools"
    sh("rm -rf %s; mkdir -p %s/a %s/b; chmod -R 777 %s", dir, dir, dir, dir)
    virsh(("pool-create-as volumes dir --target %s/a && virsh vol-create-as volumes one 1M"):format(dir))
    local pool <close> = host:storage_pool_lookup_by_name("volumes")
    local found = { pool:storage_vol_lookup_by_name("one"), pool:volumes()[1] }
    found[1]:resize(2 << 20)
    virsh("vol-delete one --pool volumes && virsh vol-create-as volumes one 4M")
    for _, volume in ipairs(found) do
      is_another(volume.resize, volume, 8 << 20)
      is_another(volume.wipe, volume)
      is_another(volume.delete, volume)
    end
    local second <close> = pool:storage_vol_lookup_by_name("one")
    virsh(("pool-destroy volumes && virsh pool-create-as volumes dir --target %s/b && virsh vol-create-as volumes one 4M"):format(dir))
    is_another(second.delete, second)
    assert.equal(dir .. "/a/one\n" .. dir .. "/b/one\n", sh("ls %s/*/one", dir))
    is_another(pool.destroy, pool)
    virsh("pool-destroy volumes")
    for _, volume in ipairs(found) do
      volume:close()
    end
  end)

  it("does not act on a network or a pool that came later", function()
    local host <close> = guestlua.open("test:///default")
    local function twice(define, lookup)
      local first <close> = define()
      do
        local same <close> = lookup()
        same:undefine()
      end
      local second <close> = define()
      is_another(first.undefine, first)
      second:undefine()
    end
    twice(function() return host:network_define_xml("<network><name>later</name></network>") end,
      function() return host:network_lookup_by_name("later") end)
    twice(function() return host:storage_pool_define_xml("<pool type='dir'><name>later</name><target><path>/later</path></target></pool>") end,
      function() return host:storage_pool_lookup_by_name("later") end)
  end)

  it("does not act on an interface that came later", function()
    local host <close> = guestlua.open("test:///default")
    local xml = "<interface type='ethernet' name='later'><mac address='aa:bb:cc:00:00:0%d'/></interface>"
    local first <close> = host:interface_define_xml(xml:format(1))
    host:interface_define_xml(xml:format(1)):close()
    first:create()
    local second <close> = host:interface_define_xml(xml:format(2))
    is_another(first.destroy, first)
    second:destroy()
    second:undefine()
  end)

  it_("does not act on the filters of a port that is another guest's by now", function()
    machine:reset()
    local host = machine.host
    local ok, made = pcall(host.nwfilter_define_xml, host, "<filter name='later'/>")
    if not ok and made.kind == "no_support" then
      return pending("this libvirt has no driver for network filters")
    end
    local filter <close> = assert(ok and made, made)
    local xml = "<filterbinding><owner><name>a</name><uuid>12d8faaa-1b0b-4b0b-9d4b-8ac1f2ad5f0%d</uuid></owner><portdev name='lo'/>"
      .. "<mac address='52:54:00:7b:35:93'/><filterref filter='later'/></filterbinding>"
    local first <close> = host:nwfilter_binding_create_xml(xml:format(1))
    host:nwfilter_binding_lookup_by_port_dev("lo"):delete()
    local second <close> = host:nwfilter_binding_create_xml(xml:format(2))
    is_another(first.delete, first)
    second:delete()
    filter:undefine()
  end)
end)
