-- Encrypted backups: what the guest has is nowhere in the clear, the passphrase is nowhere at all, and qemu-img alone gets a disk back.

local core = require("guestlua.core")
local faults = require("spec.support.faults")
local guestlua = require("guestlua")
local helper = require("spec.support.helper")
local tiny = require("spec.support.tiny")

local sh = helper.sh
local workflow = guestlua.workflow

local PASSPHRASE, MARK = "correct horse battery", "what nobody may read"
local UUID = "5b20d080-1b54-4048-85b3-a6a62d165c99"
local SECRET = "<secret ephemeral='yes' private='no'><uuid>" .. UUID .. "</uuid></secret>"

describe("An encrypted backup", function()
  local to, file
  local machine, it_ = faults.machine({
    lacks = function()
      return not core.nbd_copy and "this was built without libnbd" or nil
    end,
    edit = function(domain)
      tiny.add_disk(domain, "vdb", "qcow2", 8 << 20)
    end,
    started = function(machine)
      guestlua.journal({ dir = machine.root .. "/journal" })
    end,
  })

  helper.leaves_nothing(function()
    if machine.uri then
      to, file = machine.root .. "/to", machine.root .. "/passphrase"
      assert(os.execute("rm -rf " .. to .. " && mkdir " .. to))
      core.write_file(file, PASSPHRASE)
    end
  end, function()
    for _, name in ipairs(machine.uri and machine.guest:get_checkpoint_names() or {}) do
      machine.guest:delete_checkpoint(name)
    end
  end)

  local function backup(options)
    local all = { to = to, disks = { "vdb" }, quiesce = false, encrypt = file, unlock_time = 10 }
    for key, value in pairs(options or {}) do
      all[key] = value or nil
    end
    return workflow.backup(machine.guest, all)
  end

  -- Writes a text to a block of the disk, as large as a cluster.
  local function write(block, text)
    machine:sh(("yes '%s' | head -c 65536 | dd of=/dev/vdb bs=64k seek=%d oflag=direct 2>/dev/null"):format(text, block))
  end

  -- What an image has at the beginning of its first two blocks.
  local function read(path)
    local function block(number)
      return (sh("qemu-img dd -f qcow2 -O raw if=%s of=%s/raw bs=64k count=2 && tail -c +%d %s/raw | head -n 1", path, machine.root,
        (number << 16) + 1, machine.root):gsub("\n", ""))
    end
    return { block(0), block(1) }
  end

  -- The same of the disk of a guest that was restored, which is no more then.
  local function take_away()
    local guest <close> = machine.host:guest("other")
    local path = guest:get_disk("vdb").source.file
    local texts = read(path)
    guest:delete_configuration()
    os.remove(path)
    return texts
  end

  local function restored(at)
    workflow.restore(machine.host, { from = to .. "/tiny", at = at, name = "other", to = machine.dir, encrypt = file })
    return take_away()
  end

  it_("in full and two increments has what the guest has, and only for the passphrase", function()
    local secret <close> = machine.host:secret_define_xml(SECRET)
    secret:set_value(PASSPHRASE)
    write(0, MARK .. " 1")
    local first = backup({ verify = true })
    write(1, MARK .. " 2")
    local second = backup({ encrypt = function() return PASSPHRASE end, verify = true })
    write(0, MARK .. " 3")
    local third = backup({ encrypt = secret })
    secret:undefine()
    assert.same({ "full", "incremental", "incremental" }, { first.level_used, second.level_used, third.level_used })
    sh("! grep -rq '%s' %s", MARK, to)
    sh("! grep -rq '%s' %s %s/journal", PASSPHRASE, to, machine.root)
    local manifests = workflow.backups(to .. "/tiny")
    for i, one in ipairs(manifests) do
      assert.same({ i, "luks" }, { one.number, one.encryption.format })
      assert.matches("encrypted: yes.*format: luks", sh("qemu-img info %s/tiny/%s.vdb.qcow2", to, one.id))
    end
    assert.equal(3, #workflow.verify(to .. "/tiny", { all = true, encrypt = file }))
    assert.same({ MARK .. " 3", MARK .. " 2" }, restored())
    assert.same({ MARK .. " 1", MARK .. " 2" }, restored(second.id))
    -- nothing is merged without the passphrase
    local before = sh("ls -l %s/tiny", to)
    local function left(options)
      local pruned = workflow.prune(machine.host, to .. "/tiny", { keep = { daily = 1 }, encrypt = options.encrypt })
      assert.same({ {}, 1, third.disks[1].chain[1].file, options.kind, before }, { pruned.pruned, #pruned.left, pruned.left[1].path:match("[^/]+$"),
        pruned.left[1].kind, sh("ls -l %s/tiny", to) })
      return pruned.left[1].why
    end
    assert.matches("encrypted, and `encrypt` is missing", left({}), 1, true)
    assert.matches("passphrase does not open", left({ encrypt = function() return "not it at all" end, kind = "auth_failed" }))
    -- as the manual says: each image of the chain has its key
    sh("cd %s/tiny && qemu-img convert --object secret,id=key,file=%s -O qcow2 --image-opts driver=qcow2,file.filename=%s.vdb.qcow2,%s "
      .. "../by-hand.qcow2", to, file, third.id, "encrypt.key-secret=key,backing.encrypt.key-secret=key,backing.backing.encrypt.key-secret=key")
    assert.same({ MARK .. " 3", MARK .. " 2" }, read(to .. "/by-hand.qcow2"))
  end)

  it_("is merged by whoever has its passphrase, into what is as encrypted", function()
    local ids = {}
    write(0, MARK .. " 0")
    for i = 1, 4 do
      write(i % 2, MARK .. " " .. i)
      ids[i] = backup().id
    end
    local directory = to .. "/tiny"
    local function check(expected)
      sh("! grep -rq '%s' %s", MARK, to)
      for _, one in ipairs(workflow.backups(directory)) do
        assert.equal("luks", one.encryption.format)
        sh("! qemu-img convert -O raw %s/%s.vdb.qcow2 %s/plain 2>/dev/null", directory, one.id, machine.root)
      end
      workflow.verify(directory, { all = true, encrypt = file })
      for at, texts in pairs(expected) do
        assert.same(texts, restored(at))
      end
    end
    -- an increment into one that stays an increment
    assert.same({ pruned = { ids[2] }, merged = { ids[3] } },
      workflow.prune(machine.host, directory, { keep = { full = 1, increments = 2 }, encrypt = file, unlock_time = 10 }))
    check({ [ids[1]] = { MARK .. " 0", MARK .. " 1" }, [ids[3]] = { MARK .. " 2", MARK .. " 3" }, [ids[4]] = { MARK .. " 4", MARK .. " 3" } })
    -- and all into a full one, as a backup's own `keep` does
    write(0, MARK .. " 5")
    local last = backup({ keep = { daily = 1 } })
    assert.same({ { ids[1], ids[3], ids[4] }, { last.id }, "full" }, { last.pruned, last.merged, workflow.backups(directory)[1].level_used })
    assert.is_nil(last.warnings)
    check({ [last.id] = { MARK .. " 5", MARK .. " 3" } })
  end)

  it_("can be read, goes on, and is merged after all if a merge was killed before the manifest followed", function()
    local ids = {}
    for i = 1, 3 do
      write(i % 2, MARK .. " " .. i)
      ids[i] = backup().id
    end
    local directory = to .. "/tiny"
    local code, _, err = faults.run([[
      local rename = os.rename
      os.rename = function(from, to)
        local results = table.pack(rename(from, to))
        if to:find("%.qcow2$") then
          os.execute("kill -KILL $PPID")
        end
        return table.unpack(results, 1, results.n)
      end
      guestlua.workflow.prune(guestlua.open(), arg[1], { keep = { daily = 1 }, encrypt = arg[2], unlock_time = 10 })]],
      { uri = machine.uri, args = { directory, file } })
    assert.equal(128 + 9, code, err)
    sh("! qemu-img info %s/%s.vdb.qcow2 | grep -q backing", directory, ids[3]) -- and the manifest has three
    local list = workflow.backups(directory)
    assert.equal(3, #list[#list].disks[1].chain)
    workflow.verify(directory, { all = true, encrypt = file })
    assert.same({ MARK .. " 2", MARK .. " 3" }, restored())
    write(0, MARK .. " 4")
    local last = backup({ verify = true })
    assert.equal("incremental", last.level_used)
    assert.same({ MARK .. " 4", MARK .. " 3" }, restored())
    workflow.prune(machine.host, directory, { keep = { daily = 1 }, encrypt = file, unlock_time = 10 })
    assert.same({ 1, "full" }, { #workflow.backups(directory), workflow.backups(directory)[1].level_used })
    workflow.verify(directory, { all = true, encrypt = file })
    assert.same({ MARK .. " 4", MARK .. " 3" }, restored())
  end)

  it_("is neither written nor read with another passphrase", function()
    write(0, MARK)
    local first = backup()
    local before = sh("ls -l %s/tiny", to)
    local function refused(kind, fn, ...)
      local e = helper.failure(fn, ...)
      assert.equal(kind, e.kind, tostring(e))
      assert.equal(before, sh("ls -l %s/tiny", to))
      return e
    end
    local function wrong()
      return "not it at all"
    end
    local e = refused("auth_failed", backup, { encrypt = wrong })
    assert.same({ "vdb", "look" }, { e.device, e.step })
    assert.is_nil(e.message:find("not it at all", 1, true))
    assert.same({ first.checkpoint }, machine.guest:get_checkpoint_names())
    assert.equal("vdb", refused("auth_failed", workflow.verify, to .. "/tiny", { encrypt = wrong }).device)
    assert.matches("is encrypted", refused("bad_argument", workflow.verify, to .. "/tiny").message)
    local options = { from = to .. "/tiny", name = "other", to = machine.dir }
    assert.matches("is encrypted", refused("bad_argument", workflow.restore, machine.host, options).message)
    options.encrypt = wrong
    assert.equal("look", refused("auth_failed", workflow.restore, machine.host, options).step)
    assert.is_nil(machine.host:guest("other"))
    assert.equal("", sh("ls %s | grep ^other || :", machine.dir))
    -- a full backup begins another chain, which may have another passphrase
    assert.equal("full", backup({ encrypt = wrong, level = "full" }).level_used)
    workflow.verify(to .. "/tiny", { encrypt = wrong })
  end)

  it_("boots with its passphrase", function()
    assert.equal(0, backup({ disks = { "vda" }, verify = "boot" }).boot.exit_code)
    assert.equal(0, workflow.verify(to .. "/tiny", { boot = true, encrypt = file })[1].boot.exit_code)
  end)

  it_("has no increment in common with one in the clear", function()
    backup({ encrypt = false, unlock_time = false })
    assert.matches("is not encrypted", backup().disks[1].because)
    assert.equal("incremental", backup().level_used)
    assert.matches("is encrypted, and this one is not", backup({ encrypt = false, unlock_time = false }).disks[1].because)
    assert.equal(4, #workflow.verify(to .. "/tiny", { all = true, encrypt = file }))
  end)

  it_("needs a passphrase that QEMU takes", function()
    local function refused(options, argument)
      local e = helper.failure(backup, options)
      assert.same({ "bad_argument", argument or "encrypt" }, { e.kind, e.argument }, tostring(e))
      return e
    end
    for _, text in ipairs({ "", "a\0b", "\xff\xfe", ("x"):rep(1 << 17) }) do
      refused({ encrypt = function() return text end })
    end
    refused({ encrypt = function() end })
    refused({ encrypt = "passphrase" })
    assert.matches("No such file", refused({ encrypt = to .. "/none" }).message)
    refused({ compress = "zstd" }, "compress")
    refused({ unlock_time = 0 }, "unlock_time")
    refused({ encrypt = false }, "unlock_time")
    assert.equal("", sh("ls %s/tiny 2>/dev/null | grep qcow2 || :", to))
  end)

  it_("is made, verified and restored from the shell, and no log and no argument has the passphrase", function()
    sh("mkdir -p %s/bin", machine.root)
    for _, program in ipairs({ "qemu-img", "qemu-nbd" }) do -- which note their arguments
      core.write_file(("%s/bin/%s"):format(machine.root, program), ('#!/bin/sh\necho %s "$@" >>%s/arguments\nexec %s "$@"\n'):format(program,
        machine.root, sh("command -v " .. program):gsub("\n", "")), tonumber("755", 8))
    end
    local function guestlua_(arguments, ...)
      local code, out, err = helper.run(("env PATH=%s/bin:$PATH %s -c '%s' --log-file %s/log --log-level trace "):format(machine.root,
        helper.interpreter, machine.uri, machine.root) .. arguments:format(...))
      assert.equal(0, code, err)
      return out
    end
    write(0, MARK)
    guestlua_("backup --to=%s --disk=vdb --freeze=no --encrypt=%s --unlock-time=10 tiny", to, file)
    guestlua_("verify --encrypt=%s %s/tiny", file, to)
    guestlua_("restore %s/tiny --name=other --to=%s --encrypt=%s", to, machine.dir, file)
    assert.equal(MARK, take_away()[1])
    sh("grep -q virDomainBackupBegin %s/log && grep -q 'qemu-nbd --object secret,id=key,file=/proc/' %s/arguments", machine.root, machine.root)
    sh("! grep -q '%s' %s/log %s/arguments", PASSPHRASE, machine.root, machine.root)
  end)
end)
