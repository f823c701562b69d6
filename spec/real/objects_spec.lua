-- The classes besides Host, Guest and BlockDevice, on real drivers: a libvirtd in a network of its own, and a guest that runs.

local core = require("guestlua.core")
local faults = require("spec.support.faults")
local guestlua = require("guestlua")
local helper = require("spec.support.helper")
local support = require("spec.support.hosts")

local NETWORK = "<network><name>made</name><bridge name='made0'/></network>"

local FILTER = [[
<filter name='made'><rule action='drop' direction='in' priority='500'><tcp dstportstart='25'/></rule></filter>]]

describe("On a real libvirtd", function()
  local hosts, missing, host
  setup(function()
    hosts, missing = support.up()
    host = hosts and hosts.a
  end)
  teardown(function()
    if hosts then
      getmetatable(hosts).__close(hosts)
    end
  end)

  local function on_daemon(what, run)
    it(what, function()
      if not hosts then
        return pending(missing)
      end
      run()
    end)
  end

  on_daemon("a network is defined, runs, is changed while it does, and goes", function()
    local network <close> = host:network_define_xml(NETWORK)
    assert.is_false(network:is_active())
    network:create()
    assert.same({ true, "made0" }, { network:is_active(), network:get_bridge_name() })
    assert.equal("made", host:networks({ active = true })[1].name)
    assert.same({}, network:leases())
    network:set_autostart(true)
    assert.is_true(network:get_autostart())
    network:update("add_last", "portgroup", -1, "<portgroup name='seven'/>", { live = true })
    assert.equal("seven", guestlua.element(network:get_xml_desc()).portgroup.name)
    local e = helper.failure(network.create, network)
    assert.same({ "operation_invalid", "network", "made" }, { e.kind, e.object_type, e.object })
    network:destroy()
    network:undefine()
    assert.is_nil(host:network("made"))
  end)

  on_daemon("a pool of a directory has volumes that are made, cloned, resized, wiped and deleted", function()
    local pool <close> = host:storage_pool_define_xml(
      ("<pool type='dir'><name>made</name><target><path>%s/made</path></target></pool>"):format(hosts.dir))
    pool:build()
    pool:create()
    assert.equal("running", pool:get_info().state)
    local base = pool:create_volume({ name = "base", capacity = 1 << 20, format = "qcow2" })
    assert.equal(1 << 20, base:get_info().capacity)
    base:resize(2 << 20)
    local copy = base:clone("copy")
    assert.same({ 2 << 20, "copy" }, { copy:get_info().capacity, copy.name })
    local overlay = pool:create_volume({ name = "overlay", capacity = 2 << 20, format = "qcow2", backing = base, backing_format = "qcow2" })
    assert.equal(base:get_path(), guestlua.element(overlay:get_xml_desc()).backingStore.path[1])
    assert.equal(copy.key, host:volume(copy:get_path()).key)
    assert.equal("made", copy:storage_pool_lookup_by_volume().name)
    assert.equal(3, #pool:volumes())
    local file = hosts.dir .. "/upload"
    helper.run(("head -c 300000 /dev/urandom >%s && truncate -s 2M %s"):format(file, file))
    local raw = pool:create_volume({ name = "raw", capacity = 2 << 20, allocation = 0, format = "raw" })
    raw:upload(file)
    raw:download(file .. ".back")
    assert.equal(0, (helper.run(("cmp %s %s.back"):format(file, file))))
    local _, blocks = helper.run(("stat -c %%b %s.back %s"):format(file, raw:get_path()))
    for count in blocks:gmatch("%d+") do
      assert.is_true(tonumber(count) * 512 < 1 << 20, blocks) -- a hole stays a hole
    end
    raw:download(file .. ".back", { offset = 1000, length = 5000, overwrite = true })
    assert.equal(0, (helper.run(("cmp -n 5000 -i 1000:0 %s %s.back && test $(stat -c %%s %s.back) = 5000"):format(file, file, file))))
    local there = helper.failure(raw.download, raw, file .. ".back")
    assert.same({ "system_error", "raw" }, { there.kind, there.object })
    assert.matches("File exists", there.message)
    local absent = helper.failure(raw.upload, raw, file .. ".none")
    assert.same({ "system_error", "raw" }, { absent.kind, absent.object })
    assert.matches("No such file or directory", absent.message)
    raw:delete()
    assert.equal("no_storage_vol", helper.failure(raw.download, raw, file .. ".none").kind)
    local _, left = helper.run(("ls %s.*"):format(file))
    assert.equal(file .. ".back\n", left)
    copy:wipe()
    copy:delete()
    local e = helper.failure(copy.get_info, copy)
    assert.same({ "no_storage_vol", "volume", "copy" }, { e.kind, e.object_type, e.object })
    overlay:delete()
    base:delete()
    pool:destroy()
    pool:delete()
    pool:undefine()
    assert.is_nil(host:pool("made"))
  end)

  on_daemon("a GiB goes over with its holes, is reported on the way, and ends when nobody wants it", function()
    local pool <close> = host:storage_pool_define_xml(
      ("<pool type='dir'><name>large</name><target><path>%s/large</path></target></pool>"):format(hosts.dir))
    pool:build()
    pool:create()
    local file, size = hosts.dir .. "/large.img", 1 << 30
    helper.run(("sh -c 'head -c 8000000 /dev/urandom >%s && truncate -s %d %s'"):format(file, size, file))
    local volume = pool:create_volume({ name = "gib", capacity = size, allocation = 0, format = "raw" })
    volume:upload(file)
    volume:download(file .. ".back")
    assert.equal(0, (helper.run(("cmp %s %s.back"):format(file, file))))
    local _, blocks = helper.run(("stat -c %%b %s.back %s"):format(file, volume:get_path()))
    for count in blocks:gmatch("%d+") do
      assert.is_true(tonumber(count) * 512 < 16 << 20, blocks)
    end

    local last, calls = 0, 0
    local function on_progress(info)
      assert.is_true(info.cur >= last and info.cur <= size and info["end"] == size)
      last, calls = info.cur, calls + 1
      guestlua.sleep(0.01) -- it may wait
    end
    volume:download(file .. ".plain", { plain = true, on_progress = on_progress })
    assert.is_true(calls > 0 and last > 0)
    os.remove(file .. ".plain")
    for name, transfer in pairs({
      upload = function(options) volume:upload(file, options) end,
      download = function(options) volume:download(file .. ".none", options) end,
    }) do
      local e = helper.failure(transfer, { plain = true, on_progress = function() error(name .. " is not wanted", 0) end })
      assert.equal(name .. " is not wanted", e)
      local task = guestlua.spawn(transfer, { plain = true, on_progress = function() last = -1 end })
      helper.await(function() return last == -1 end, name)
      task:cancel()
      e = helper.failure(task.wait, task)
      assert.same({ "cancelled", name, "gib" }, { e.kind, e.op, e.object })
      last = 0
      e = helper.failure(transfer, { plain = true, timeout = 0.7, on_progress = function() end })
      assert.same({ "timeout", true }, { e.kind, e.still_running })
      helper.await(function() return guestlua.alive().ops == 0 end, "the end of the transfer", 60)
    end
    local _, left = helper.run(("sh -c 'ls %s.*'"):format(file))
    assert.equal(file .. ".back\n", left) -- neither a part nor a whole
    assert.equal("bad_argument", helper.failure(volume.download, volume, file, { on_progress = 1 }).kind)
    volume:delete()
    pool:destroy()
    pool:delete()
    pool:undefine()
    helper.run(("rm -f %s %s.back"):format(file, file))
  end)

  on_daemon("a secret has bytes that no log shows", function()
    local secret <close> = host:secret_define_xml(
      "<secret ephemeral='no' private='no'><usage type='volume'><volume>/made</volume></usage></secret>")
    local lines = {}
    guestlua.log.configure({ level = "trace", handler = function(_, line) lines[#lines + 1] = line end })
    secret:set_value("s3cr3t\0bytes")
    guestlua.log.configure({ level = "warning", file = "/dev/stderr" })
    assert.equal("s3cr3t\0bytes", secret:get_value())
    assert.not_matches("bytes", core.printable("it is s3cr3t\0bytes"))
    assert.same({ "volume", "/made" }, { secret:get_usage_type(), secret:get_usage_id() })
    assert.equal(secret.uuid, host:secret(secret.uuid).uuid)
    assert.matches("virSecretSetValue", table.concat(lines, "\n"))
    assert.not_matches("s3cr3t", table.concat(lines, "\n"))
    secret:undefine()
    assert.is_nil(host:secret(secret.uuid))
    local kept <close> = host:secret_define_xml("<secret/>") -- another one, by which the missing one could be meant
    local e = helper.failure(host.secret, host, secret.uuid, { required = true })
    kept:undefine()
    assert.same({ "no_secret", ("there is no secret '%s'"):format(secret.uuid) }, { e.kind, e.message })
  end)

  on_daemon("a filter is defined, read and removed, and the host's devices are listed", function()
    local filter <close> = host:nwfilter_define_xml(FILTER)
    assert.equal(filter.uuid, host:nwfilter("made").uuid)
    assert.equal("drop", guestlua.element(filter:get_xml_desc()).rule.action)
    filter:undefine()
    assert.is_nil(host:nwfilter("made"))
    assert.equal("computer", host:node_device("computer").name)
    assert.is_nil(host:node_device("computer"):get_parent())
    assert.is_true(#host:node_devices() > 1)
    assert.is_number(host:get_free_memory())
  end)
end)

describe("A guest that runs", function()
  local machine, on_guest = faults.machine({ fresh = true })

  on_guest("has snapshots that are listed, reverted to and deleted", function(guest)
    machine:sh("echo before >/data/x; sync")
    local first = guest:snapshot_create_xml("<domainsnapshot><name>first</name></domainsnapshot>")
    machine:sh("echo after >/data/x; sync")
    local second = guest:snapshot_create_xml("<domainsnapshot><name>second</name></domainsnapshot>")
    assert.equal("first", second:get_parent().name)
    assert.is_true(second:is_current())
    first:revert({ running = true })
    guestlua.await_agent(guest) -- its channel may be connected anew
    assert.equal("before", machine:sh("cat /data/x"))
    assert.equal("first", guest:snapshot_current().name)
    second:delete()
    assert.equal("no_domain_snapshot", helper.failure(second.get_xml_desc, second).kind)
    first:delete()
    assert.same({}, guest:snapshots())
  end)

  on_guest("moves to a volume of a pool while it runs", function(guest)
    local path, swap = machine.dir .. "/pool", guestlua.workflow.swap_volume
    assert(os.execute("mkdir -m 777 " .. path))
    local pool <close> = machine.host:pool_create_as("pool", { target = path })
    local volume <close> = pool:create_volume({ name = "moved", capacity = 64 << 20, format = "qcow2" })
    swap(guest, "vda", volume)
    assert.same({ path .. "/moved" }, machine:chain())
    local configured = core.element(guest:get_xml_desc({ dump_inactive = true })).devices.disk
    assert.same({ "qcow2", path .. "/moved" }, { configured.driver.type, configured.source.file })
    local e = helper.failure(swap, guest, "vda", guestlua.device.disk({ type = "volume", source = { pool = "pool", volume = "moved" } }))
    assert.matches("bad argument 'conf' to 'swap_volume' (libvirt copies to no <disk type='volume'>", e.message, 1, true)
    assert.matches("host:pool(name):volume(name)", e.hint, 1, true)
    e = helper.failure(swap, guest, "vda", pool)
    assert.matches("bad argument 'conf' to 'swap_volume' (Element or StorageVol or XML text expected", e.message, 1, true)
    e = helper.failure(swap, guest, "vda", path .. "/moved")
    assert.matches("bad argument 'conf' to 'swap_volume' (Element or StorageVol or XML text expected, got a text without XML", e.message, 1, true)
    pool:destroy()
  end)

  on_guest("is asked how it does, is limited, and reboots", function(guest)
    assert.equal(1, guest:stats({ groups = "state" }).state.state)
    local first = machine.host:stats({ guests = { guest.name } })
    assert.equal("vda", first[guest.name].block[0].name)
    assert.equal("running", (guest.domain:get_info()).state)
    guest:set_block_io_tune("vda", { total_iops_sec = 1000 }, { live = true })
    assert.equal(1000, guest:get_block_io_tune("vda", { live = true }).total_iops_sec)
    local before = guest:block_stats_flags("vda").wr_bytes
    machine:sh("echo x >/data/x; sync")
    assert.is_true(guest:block_stats_flags("vda").wr_bytes > before)
    local rate = guestlua.rates(first, machine.host:stats({ guests = { guest.name } }))[guest.name]
    assert.is_true(rate.cpu.time > 0)
    assert.is_true(rate.block[0].wr.bytes > 0)
    assert.is_nil(rate.block[0].capacity)
    assert.is_true(guest:memory_stats().rss > 0)
    local e = helper.failure(guest.screenshot, guest, machine.dir .. "/screen") -- it has none
    assert.equal("virDomainScreenshot", e.call)
    assert.equal("", (select(2, helper.run("ls " .. machine.dir .. "/screen* 2>/dev/null"))))
    local subscription <close> = guest:subscribe("reboot")
    guest:reset()
    assert.is_truthy(subscription:next(120))
  end)
end)
