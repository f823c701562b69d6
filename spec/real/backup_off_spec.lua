-- Backups of guests that are off, which somebody starts or writes to meanwhile: QEMU's lock keeps them from it, or it is noticed.

local core = require("guestlua.core")
local engine = require("guestlua.backup.engine")
local guestlua = require("guestlua")
local helper = require("spec.support.helper")
local stores = require("guestlua.backup.store")
local tiny = require("spec.support.tiny")

local sh = helper.sh
local workflow = guestlua.workflow

local DOMAIN = [[<domain type='qemu'><name>still</name><memory>65536</memory><os><type arch='x86_64' machine='q35'>hvm</type></os>
  <devices><disk type='file' device='disk'><driver name='qemu' type='%s'/><source file='%s'/><target dev='vda' bus='virtio'/></disk></devices>
  </domain>]]

describe("A backup of a guest that is off", function()
  local host, dir, guest, path, copy

  local function it_(name, fn)
    it(name, core.nbd_copy and fn or function() pending("this was built without libnbd") end)
  end

  helper.leaves_nothing(function()
    host, dir, copy = tiny.host(), helper.scratch(), engine.copy
    assert(os.execute("chmod 755 " .. dir))
  end, function()
    engine.copy = copy
    if guest then
      pcall(guest.poweroff, guest)
      guest:delete_configuration()
      guest:close()
      guest = nil
    end
  end)

  local function define(format)
    path = ("%s/disk.%s"):format(dir, format)
    sh("qemu-img create -q -f %s %s 1M && chmod 666 %s && qemu-io -f %s -c 'write -q -P 7 0 512k' %s", format, path, path, format, path)
    guest = host:write_instance_config(DOMAIN:format(format, path))
  end

  -- Calls fn in the middle of the copy: when it goes on, or right after.
  local function during(fn)
    function engine.copy(copies, watch)
      local results = copy(copies, watch)
      fn()
      return results
    end
  end

  local function fails(found)
    local e = helper.failure(workflow.backup, guest, { to = dir .. "/to" })
    assert.equal("conflict", e.kind, tostring(e))
    assert.matches(found, e.message)
    assert.matches("^undone", e.outcome)
    assert.equal(0, #workflow.backups(dir .. "/to/still"))
    assert.equal("target\n", sh("ls %s/to/still", dir))
    -- there was none yet: nothing to remove, and no error
    assert.same({ pruned = {} }, workflow.prune(host, dir .. "/to/still", { keep = { full = 1 } }))
  end

  it_("is none if a raw image was written meanwhile", function()
    define("raw")
    during(function()
      sh("qemu-io -f raw -c 'write -q -P 8 0 4k' %s", path)
    end)
    fails("was written while it was copied")
    engine.copy = copy
    local whole = workflow.backup(guest, { to = dir .. "/to" })
    sh("qemu-img compare -q -f raw -F qcow2 %s %s/%s.vda.qcow2", path, whole.directory, whole.id)
  end)

  it_("is none if the guest was started meanwhile, and runs", function()
    define("raw")
    during(function()
      guest:launch({ pause = true })
    end)
    fails("somebody else has changed the guest")
  end)

  it_("keeps it off as long as an image with a format is read", function()
    define("qcow2")
    local refused
    local nbd_copy = core.nbd_copy
    finally(function() core.nbd_copy = nbd_copy end)
    core.nbd_copy = function(options)
      options.rate = 1
      local job = nbd_copy(options)
      helper.await(function()
        assert.is_false(job:wait(0.02))
        return job:progress().read > 0
      end, "nothing is read")
      refused = helper.failure(guest.launch, guest)
      job:close()
      error("enough", 0)
    end
    assert.matches("^undone", helper.failure(workflow.backup, guest, { to = dir .. "/to" }).outcome)
    core.nbd_copy = nbd_copy
    local made = workflow.backup(guest, { to = dir .. "/to" })
    assert.matches("lock", refused.message)
    assert.equal("off", made.consistency)
    sh("qemu-img compare -q %s %s/%s.vda.qcow2", path, made.directory, made.id)
  end)

  it_("is not whole if its manifest has another size", function()
    define("qcow2")
    local made = workflow.backup(guest, { to = dir .. "/to", verify = true })
    assert.is_true(workflow.verify(made.directory)[1].ok)
    local store = stores.at(made.directory)
    local manifest = store:find()
    for _, size in ipairs({ (1 << 20) - 512, (1 << 20) + 1, 1 << 62 }) do
      manifest.disks[1].size = size
      store:write(manifest)
      local e = helper.failure(workflow.verify, made.directory)
      assert.same({ "invalid_backup", "vda",
        ("the images of backup %s have 1048576 bytes, and its manifest says %d"):format(made.id, size) }, { e.kind, e.device, e.message })
    end
  end)

  it_("is not whole without its configuration, which a message names once", function()
    define("qcow2")
    local made = workflow.backup(guest, { to = dir .. "/to" })
    local xml = ("%s/%s.xml"):format(made.directory, made.id)
    os.remove(xml)
    local e = helper.failure(workflow.verify, made.directory)
    assert.same({ "invalid_backup", ("the backup %s needs %s, which is not there"):format(made.id, xml) }, { e.kind, e.message })
  end)

  it_("is not \"off\" if its memory is saved, which it names", function()
    define("qcow2")
    guest:launch({ pause = true })
    guest:managed_save()
    finally(function() pcall(guest.managed_save_remove, guest) end)
    local made = workflow.backup(guest, { to = dir .. "/to" })
    local read = workflow.backups(made.directory)[1]
    assert.same({ "crash", "crash", "memory", "memory" },
      { made.consistency, read.consistency, made.left_out[1].target, read.left_out[1].target })
    guest:managed_save_remove()
    made = workflow.backup(guest, { to = dir .. "/to" })
    assert.same({ "off", {} }, { made.consistency, made.left_out })
  end)

  it_("is restored as it is once nobody else works in its directory", function()
    define("qcow2")
    local directory = dir .. "/to/still"
    local first = workflow.backup(guest, { to = dir .. "/to" })
    local Store = getmetatable(stores.at(directory))
    local lock = Store.lock
    finally(function() Store.lock = lock end)
    local function meanwhile(fn)
      function Store:lock(...)
        Store.lock = lock
        fn()
        return self:lock(...)
      end
    end
    local second
    meanwhile(function() second = workflow.backup(guest, { to = dir .. "/to" }) end)
    local done = workflow.restore(host, { from = directory, to = dir, name = "again", wait = 60 })
    assert.equal(second.id, done.backup)
    local again <close> = host:guest("again")
    again:delete_configuration()
    meanwhile(function() workflow.prune(host, directory, { keep = { full = 1 } }) end)
    local e = helper.failure(workflow.restore, host, { from = directory, to = dir, name = "third", at = first.id, wait = 60 })
    assert.same({ "no_backup", ("there is no backup %s in %s"):format(first.id, directory) }, { e.kind, e.message })
  end)

  it_("is verified and restored where its directory is read-only", function()
    if core.user() ~= 0 then
      return pending("only root can mount a file system")
    end
    define("qcow2")
    local made = workflow.backup(guest, { to = dir .. "/backups" })
    sh("mkdir -m 777 %s/again; mount --bind %s %s && mount -o remount,bind,ro %s", dir, made.directory, made.directory, made.directory)
    local mounted <close> = setmetatable({}, { __close = function() sh("umount %s", made.directory) end }) -- luacheck: ignore mounted
    assert.equal(1, #workflow.verify(made.directory))
    workflow.restore(host, { from = made.directory, to = dir .. "/again", name = "again" })
    local again <close> = host:guest("again")
    again:delete_configuration()
    assert.matches("^7 7", sh("qemu-io -r -f qcow2 -c 'read -v 0 2' %s/again/*.qcow2 | sed -n 's/^.*: *07 07.*/7 7/p'", dir))
  end)
end)
