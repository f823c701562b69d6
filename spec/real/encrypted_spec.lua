-- An encrypted disk is never copied, overlaid or merged in clear unless that is asked for by name, whichever of its images is encrypted.
--
-- Seen: what an encrypted image has was copied in clear, because the image on top of it was not encrypted; merged in clear, for the same reason; and
-- sent in clear to another host.

local faults = require("spec.support.faults")
local core = require("guestlua.core")
local guestlua = require("guestlua")
local helper = require("spec.support.helper")
local migration = require("guestlua.workflow.migrate.plan")

local workflow = guestlua.workflow

local UUID = "4b20d080-1b54-4048-85b3-a6a62d165c99"
local ENCRYPTION = "<encryption format='luks'><secret type='passphrase' uuid='" .. UUID .. "'/></encryption>"
local SECRET = "<secret ephemeral='yes' private='no'><uuid>" .. UUID .. "</uuid><usage type='volume'><volume>v</volume></usage></secret>"
local PASSPHRASE, MARK = "correct horse battery", "what nobody may read"

local function run(command)
  local code, out, err = helper.run(command)
  assert.equal(0, code, err)
  return out
end

-- QEMU measures how fast it derives keys, in ticks of the clock, and fails if that takes none: it is asked again.
local function measured(fn, ...)
  local ok, result
  for _ = 1, 200 do
    ok, result = pcall(fn, ...)
    if ok then
      return result
    elseif not tostring(result):find("Unable to get accurate CPU usage", 1, true) then
      break
    end
  end
  error(result, 0)
end

describe("An encrypted disk", function()
  local guest, count = nil, 0
  local machine, with_daemon

  local function path(name)
    return machine.dir .. "/" .. name
  end

  local function write(name, text)
    local file <close> = assert(io.open(path(name), "w"))
    assert(file:write(text))
    return path(name)
  end

  local function make_image(name)
    measured(run, ("qemu-img create -q --object secret,id=s,file=%s -f luks -o key-secret=s,iter-time=10 %s 4M"):format(
      path("passphrase"), path(name)))
  end

  local function source(name, encryption)
    return ("<source file='%s'>%s</source>"):format(path(name), encryption or "")
  end

  local function is_in_clear(name)
    return helper.run(("grep -q '%s' %s"):format(MARK, path(name))) == 0
  end

  local function attach(name)
    make_image(name)
    guest:attach_device(([[<disk type='file' device='disk'><driver name='qemu' type='raw'/>%s<target dev='vdb' bus='virtio'/></disk>]]):format(
      source(name, ENCRYPTION)), { live = true, persistent = true })
  end

  machine, with_daemon = faults.machine({ journal = "journal", started = function(started)
    guest = started.guest
    local virsh = ("virsh -q -c '%s' "):format(started.uri)
    run(virsh .. "secret-define " .. write("secret.xml", SECRET))
    run(virsh .. ("secret-set-value %s --plain --file %s"):format(UUID, write("passphrase", PASSPHRASE)))
    attach("luks")
    started:sh(("until [ -e /dev/vdb ]; do sleep 0.1; done; echo '%s' >/dev/vdb; sync"):format(MARK))
  end })

  -- How a workflow deals with it: it refuses, and with plain=true it says so. what: to be found in clear then.
  local function asks(call)
    local before = tostring(guest:get_disk("vdb"))
    local e = helper.failure(call, nil)
    assert.same({ "argument_unsupported", "vdb" }, { e.kind, e.device }, tostring(e))
    assert.matches("the disk is encrypted", e.message)
    assert.matches("plain=true", e.hint)
    assert.equal(before, tostring(guest:get_disk("vdb")))
    assert.same({ "vdb" }, call(true).plain)
  end

  local function fresh()
    count = count + 1
    return "new" .. count
  end

  local function volume(name)
    return ("<disk type='file'><driver name='qemu' type='raw'/>%s</disk>"):format(source(name, ENCRYPTION))
  end

  -- libvirt 11 copies to an encrypted raw volume as if it were a plain one, and the sizes differ: virsh is asked whether this one does.
  local function needs_encrypted_copies()
    local name = fresh()
    make_image(name)
    local code, _, err = helper.run(("timeout 60 virsh -c '%s' blockcopy tiny vdb --xml %s --transient-job --reuse-external --wait"):format(
      machine.uri, write(name .. ".xml", volume(name))))
    if code ~= 0 then
      pending("this libvirt cannot copy to an encrypted raw volume: " .. err)
    end
    run(("virsh -q -c '%s' blockjob tiny vdb --abort"):format(machine.uri))
  end

  with_daemon("keeps what is in it to itself", function()
    assert.is_false(is_in_clear("luks"))
  end)

  with_daemon("is copied in clear only if that is asked for", function()
    local name
    asks(function(plain)
      name = fresh()
      return workflow.live_snapshot(guest, "vdb", path(name), { plain = plain })
    end)
    assert.is_true(is_in_clear(name))
  end)

  with_daemon("is backed up in clear only if that is asked for", function()
    local to, result = path(fresh()), nil
    asks(function(plain)
      assert.same({}, helper.run("ls " .. to) == 0 and workflow.backups(to .. "/tiny") or {}) -- a refused one has left nothing
      result = workflow.backup(guest, { to = to, disks = { "vdb" }, quiesce = false, plain = plain })
      return result
    end)
    assert.is_true(is_in_clear(("%s/tiny/%s.vdb.qcow2"):format(to:match("[^/]+$"), result.id)))
    assert.is_nil(workflow.backup(guest, { to = to, disks = { "vda" }, plain = true }).plain)
  end)

  with_daemon("is one of all, and named", function()
    asks(function(plain) return workflow.snapshot_then_commit(guest, { plain = plain }) end)
    local result = workflow.snapshot_then_commit(guest, { disks = { "vda" } })
    assert.is_nil(result.plain)
    assert.is_nil(workflow.snapshot_then_commit(guest, { disks = { "vda" }, plain = true }).plain)
  end)

  with_daemon("moves to another encrypted volume, whoever makes it", function()
    needs_encrypted_copies()
    for _, reuse_ext in ipairs({ false, true }) do
      local name = fresh()
      if reuse_ext then
        make_image(name)
      end
      local result = measured(workflow.swap_volume, guest, "vdb", volume(name), { reuse_ext = reuse_ext })
      assert.is_nil(result.plain)
      assert.is_false(is_in_clear(name))
      for _, inactive in ipairs({ false, true }) do
        local disk = guest:get_disk("vdb", { from_persistent_config = inactive })
        assert.same({ path(name), "luks" }, { disk.source.file, disk.source.encryption and disk.source.encryption.format })
      end
    end
  end)

  with_daemon("does not move to a volume without room for its header", function()
    local name = fresh()
    make_image(name)
    run(("truncate -s 4M %s"):format(path(name)))
    local before = run("sha256sum " .. path(name))
    local e = helper.failure(workflow.swap_volume, guest, "vdb", volume(name), { reuse_ext = true })
    assert.same({ "operation_invalid", "vdb" }, { e.kind, e.device }, tostring(e))
    assert.matches("has 4194304 bytes: with its header it has no room for the disk's 4194304", e.message)
    assert.equal(before, run("sha256sum " .. path(name)))
  end)

  with_daemon("is not waited for if it is a pipe", function()
    local name = fresh()
    run("mkfifo " .. path(name))
    core.dry_run(true)
    guestlua.log.configure({ handler = function() end })
    local undo <close> = setmetatable({}, { __close = function() -- luacheck: ignore undo
      core.dry_run(false)
      guestlua.log.configure({ handler = function(_, line) io.stderr:write(line, "\n") end })
    end })
    assert.is_truthy(workflow.swap_volume(guest, "vdb", volume(name), { reuse_ext = true }).plan)
  end)

  with_daemon("goes to another host through tls", function()
    local destination <close> = guestlua.open("test:///default")
    local function flags(options)
      options.block = true
      return migration.make(guest, destination, "test://x/default", options)
    end
    asks(function(plain) return flags({ plain = plain }) end)
    assert.is_nil(flags({ tls = true }).plain)
    assert.is_nil(flags({ migrate_disks = { "vda" } }).plain)
  end)

  with_daemon("is encrypted still below an image that is not", function()
    asks(function(plain)
      local name = fresh()
      run(("qemu-img create -q -f qcow2 -u -F raw -b %s %s 4M"):format(machine:chain("vdb")[1], path(name)))
      return workflow.volume_snapshot_create(guest, "vdb", { new_file = path(name), quiesce = false, plain = plain })
    end)
    asks(function(plain) return workflow.live_snapshot(guest, "vdb", path(fresh()), { plain = plain }) end)
    asks(function(plain) return workflow.snapshot_then_commit(guest, { disks = { "vdb" }, plain = plain }) end)
    asks(function(plain) return workflow.volume_snapshot_delete(guest, "vdb", { plain = plain }) end)
    assert.equal(1, #machine:chain("vdb"))
    assert.matches(MARK, machine:sh("head -n 1 /dev/vdb"))
  end)

  with_daemon("that is in clear by now is encrypted again once it moves to an encrypted volume", function()
    needs_encrypted_copies()
    local name = fresh()
    assert.is_nil(measured(workflow.swap_volume, guest, "vdb", volume(name)).plain) -- from what is in clear by now
    assert.is_false(is_in_clear(name))
    assert.matches(MARK, machine:sh("head -n 1 /dev/vdb"))
  end)

  with_daemon("of a guest that is off is not saved as if its cipher were its data", function()
    workflow.ensure_detached(guest, "vdb") -- it may be in clear by now
    attach(fresh())
    guest:poweroff()
    local to = path(fresh())
    for _, plain in ipairs({ false, true }) do
      local e = helper.failure(workflow.backup, guest, { to = to, disks = { "vdb" }, plain = plain })
      assert.same({ "argument_unsupported", "vdb" }, { e.kind, e.device }, tostring(e))
      assert.matches(plain and "the guest is off" or "the disk is encrypted", e.message)
      assert.is_not_equal(0, (helper.run("ls " .. to)))
    end
  end)
end)
