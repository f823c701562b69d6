-- Backups to NBD servers: nbdkit with its file and SSH plugins, and qemu-nbd. The disks are there as they are, all else is in a directory.

local core = require("guestlua.core")
local faults = require("spec.support.faults")
local guestlua = require("guestlua")
local helper = require("spec.support.helper")
local json = require("dkjson")
local tiny = require("spec.support.tiny")

local sh = helper.sh
local workflow = guestlua.workflow

local SIZE = 8 << 20

describe("A backup to an NBD server", function()
  local root, to
  local machine, it_ = faults.machine({
    lacks = function()
      return not core.nbd_copy and "this was built without libnbd" or not os.execute("command -v nbdkit >/dev/null") and "no nbdkit" or nil
    end,
    edit = function(domain)
      tiny.add_disk(domain, "vdb", "qcow2", SIZE)
      tiny.add_disk(domain, "vdc", "raw", SIZE)
    end,
    started = function(machine)
      guestlua.journal({ dir = machine.root .. "/journal" })
    end,
  })

  helper.leaves_nothing(function()
    if machine.uri then
      root = machine.root .. "/server"
      to = ("nbd+unix:///{disk}?socket=%s/socket"):format(root)
      assert(os.execute(("rm -rf %s && mkdir -p %s/exports %s/manifests"):format(root, root, root)))
      for _, target in ipairs({ "vdb", "vdc" }) do -- with something in them, which has to go
        assert(os.execute(("head -c %d /dev/urandom >%s/exports/%s"):format(SIZE, root, target)))
      end
    end
  end)

  -- Starts a server, which goes into the background once it listens, until the value is closed, or killed.
  local function served(command)
    sh("cd %s && rm -f socket pid && %s >server.log 2>&1 </dev/null", root, command)
    local pid = helper.await(function() -- the server writes it, which may be a little later
      return sh("cat %s/pid 2>/dev/null || :", root):match("%d+\n")
    end, "the server's number", 30)
    local server = {}
    function server.kill()
      os.execute(("kill -KILL %s 2>/dev/null"):format(pid))
    end
    return setmetatable(server, { __close = server.kill })
  end

  local function nbdkit(arguments)
    return served(("nbdkit -P %s/pid -U %s/socket %s"):format(root, root, arguments or ("file dir=%s/exports"):format(root)))
  end

  local function backup(options)
    local all = { to = to, manifest = root .. "/manifests", disks = { "vdb", "vdc" }, quiesce = false }
    for key, value in pairs(options or {}) do
      all[key] = value or nil
    end
    return workflow.backup(machine.guest, all)
  end

  local function write(text)
    machine:sh(("for d in vdb vdc; do yes '%s' | head -c 65536 | dd of=/dev/$d bs=64k seek=2 oflag=direct 2>/dev/null; done"):format(text))
  end

  local function names()
    return sh("cd %s/manifests/tiny && ls", root)
  end

  local function same(target, path)
    return helper.run(("qemu-img compare -q -f raw %s/exports/%s -F %s %s"):format(root, target, path:match("qcow2$") or "raw", path)) == 0
  end

  it_("has each disk as it is, and is verified and restored from there", function()
    local server <close> = nbdkit() -- luacheck: ignore server
    write("one")
    local first = backup({ verify = true })
    assert.same({ "full", "vdb", "vdc" }, { first.level_used, first.disks[1].target, first.disks[2].target })
    assert.is_nil(first.checkpoint)
    assert.same({}, machine.guest:get_checkpoint_names())
    assert.equal("one", sh("tail -c +131073 %s/exports/vdb | head -n 1", root):gsub("\n", ""))
    write("two")
    local second = backup()
    assert.matches("written over the one before", second.disks[1].because)
    local list = workflow.backups(root .. "/manifests/tiny")
    assert.same({ 1, second.id }, { #list, list[1].id })
    assert.equal(("nbd+unix:///vdb?socket=%s/socket"):format(root), list[1].disks[1].chain[1].uri)
    workflow.verify(root .. "/manifests/tiny", { all = true })
    assert.matches("NBD server", helper.failure(workflow.verify, root .. "/manifests/tiny", { boot = true }).message)
    local restored = workflow.restore(machine.host, { from = root .. "/manifests/tiny", name = "other", to = machine.dir })
    local guest <close> = machine.host:guest("other")
    guest:delete_configuration()
    for i, target in ipairs({ "vdb", "vdc" }) do
      local path = restored.files[i].path
      assert.is_true(same(target, path))
      os.remove(path)
    end
    workflow.prune(machine.host, root .. "/manifests/tiny", { keep = { full = 1 } })
    assert.equal(second.id, workflow.backups(root .. "/manifests/tiny")[1].id)
    for options, code in pairs({ ["--all"] = 2, ["--disk=vdb tiny"] = 0 }) do -- many guests to one server
      assert.equal(code, (helper.guestlua(("-c '%s' backup --to='%s' --manifest=%s/manifests %s"):format(machine.uri, to, root, options))))
    end
    -- somebody else writes there
    sh("printf x | dd of=%s/exports/vdb bs=1 seek=%d conv=notrunc 2>/dev/null", root, 2 << 16)
    local e = helper.failure(workflow.verify, root .. "/manifests/tiny")
    assert.same({ "checksum_error", "vdb" }, { e.kind, e.device })
    assert.matches("nbd%+unix:///vdb%?socket=", e.message)
  end)

  it_("goes to another machine by SSH, and is none if the connection is lost", function()
    if not os.execute("command -v /usr/sbin/sshd >/dev/null && nbdkit ssh --dump-plugin >/dev/null 2>&1") then
      return pending("no sshd, or no nbdkit-ssh-plugin")
    end
    -- In place of a connection each side has the other one's pipe, so no port is needed.
    sh("mkdir -p /run/sshd && cd %s && for key in hostkey key; do ssh-keygen -q -t ed25519 -N '' -f $key; done && "
      .. "printf '%%s\\n' 'HostKey %s/hostkey' 'AuthorizedKeysFile %s/key.pub' 'StrictModes no' 'UsePAM no' 'PermitRootLogin prohibit-password' "
      .. "'PidFile none' 'Subsystem sftp internal-sftp' >sshd_config && "
      .. "printf 'Host *\\n  ProxyCommand /usr/sbin/sshd -i -f %s/sshd_config -E %s/sshd.log\\n' >ssh_config && "
      .. 'echo "there $(cut -d" " -f1,2 hostkey.pub)" >known', root, root, root, root, root)
    local command = ("ssh host=there user=root config=%s/ssh_config identity=%s/key known-hosts=%s/known path=%s/exports/remote "):format(root, root,
      root, root)
    local server <close> = nbdkit(command .. ("create=true create-size=%d"):format(SIZE)) -- luacheck: ignore server
    write("far")
    local done = backup({ disks = { "vdc" }, verify = true })
    assert.equal("full", done.level_used)
    local restored = workflow.restore(machine.host, { from = root .. "/manifests/tiny", name = "other", to = machine.dir })
    local guest <close> = machine.host:guest("other")
    guest:delete_configuration()
    assert.equal(0, (helper.run(("cmp %s/exports/remote %s"):format(root, restored.files[1].path))))
    os.remove(restored.files[1].path)
    machine:sh("dd if=/dev/urandom of=/dev/vdc bs=1M count=8 oflag=direct 2>/dev/null")
    local lost
    local e = helper.failure(backup, { disks = { "vdc" }, bandwidth = 1, on_progress = function(progress)
      if progress.written > 0 and not lost then
        lost = true
        sh("for pid in $(pgrep -P $(cat %s/pid)); do pkill -KILL -P $pid; kill -KILL $pid 2>/dev/null || :; done", root) -- sshd's two halves
      end
    end })
    assert.same({ "io_error", "copy", "undone: there is no such backup" }, { e.kind, e.step, e.outcome }, tostring(e))
    assert.same({}, machine.guest:get_checkpoint_names())
    assert.equal("target\n", names())
  end)

  it_("of a guest that is off is one as well, at qemu-nbd", function()
    machine.guest:poweroff()
    local on <close> = setmetatable({}, { __close = function() -- luacheck: ignore on
      machine.guest:launch()
      guestlua.await_agent(machine.guest, { timeout = tiny.TIMEOUT })
    end })
    local server <close> = served(("qemu-nbd --fork --persistent --pid-file=%s/pid -x vdc -f raw -k %s/socket %s/exports/vdc"):format(root, root,
      root))
    local done = backup({ disks = { "vdc" }, verify = true })
    assert.equal("off", done.consistency)
    -- no call of libvirt's changes anything, but there is a backup
    local code, _, err = helper.guestlua(("-c '%s' --result %s/result -"):format(machine.uri, root), ([[
      guestlua.workflow.backup(guestlua.open():guest("tiny"), { to = %q, manifest = %q, disks = { "vdc" } })]]):format(to, root .. "/manifests"))
    assert.equal(0, code, err)
    local file <close> = io.open(root .. "/result")
    local result = assert(json.decode(file:read("a")))
    assert.is_true(result.changed and result.workflows[1].changed)
    assert.same({ "write_backup", "done", "tiny" }, { result.calls[1].call, result.calls[1].outcome, result.calls[1].guest })
    assert.is_truthy(core.identify(result.calls[1].arguments.path))
    server.kill()
    assert.is_true(same("vdc", machine.dir .. "/vdc.raw"))
  end)

  it_("leaves what is there alone if it cannot begin", function()
    local server = nbdkit()
    backup()
    local before = names()
    local function refused(kind, options, text)
      local e = helper.failure(backup, options)
      assert.same({ kind, before }, { e.kind, names() }, tostring(e))
      assert.matches(text, e.message)
      return e
    end
    refused("bad_argument", { manifest = false }, "manifest")
    refused("bad_argument", { to = root .. "/manifests" }, "manifest")
    refused("bad_argument", { to = "nbd+unix:///?socket=/x" }, "{disk}")
    refused("bad_argument", { to = "nbd+unix:///{name}?socket=/x" }, "{name}")
    refused("bad_argument", { encrypt = "/x" }, "encrypt")
    refused("bad_argument", { compress = "zstd" }, "compress")
    refused("bad_argument", { keep = { full = 1 } }, "keep")
    sh("cd %s/manifests && mkdir other && sed 's/%s/00000000-1111-2222-3333-444444444444/' tiny/*.json >other/20200101-000000-00000000.json && "
      .. "sed -i 's/\"id\".*/\"id\":\"20200101-000000-00000000\",/' other/*.json && touch other/target", root, machine.guest.uuid)
    refused("conflict", {}, "a backup of the guest 'tiny'")
    sh("rm -r %s/manifests/other", root)
    sh("truncate -s %d %s/exports/vdb", SIZE - 65536, root)
    assert.equal("vdb", refused("size_mismatch", {}, "socket=").device)
    server.kill()
    refused("nbd_error", {}, "nbd%+unix:///vd[bc]%?socket=")
    do
      local read_only <close> = nbdkit(("-r file dir=%s/exports"):format(root)) -- luacheck: ignore read_only
      sh("truncate -s %d %s/exports/vdb", SIZE, root)
      refused("nbd_error", {}, "read%-only")
    end
    assert.is_nil(machine.guest:get_backup_xml())
  end)

  it_("is none if the server goes away in the middle, and the guest is as before", function()
    local server = nbdkit()
    backup()
    machine:sh("for d in vdb vdc; do dd if=/dev/urandom of=/dev/$d bs=1M count=8 oflag=direct 2>/dev/null; done")
    local e = helper.failure(backup, { bandwidth = 1, on_progress = function(progress)
      if progress.written > 0 then
        server.kill()
      end
    end })
    assert.equal("nbd_error", e.kind, tostring(e))
    assert.matches("nbd%+unix:///vd[bc]%?socket=", e.message)
    assert.same({ "copy", "undone: there is no such backup" }, { e.step, e.outcome })
    assert.equal("target\n", names()) -- what was there before is written over, and is no backup any more
    assert.same({}, machine.guest:get_checkpoint_names())
    assert.equal("running", machine.guest:get_info().domain_state)
    assert.equal("", sh("ls -d %s/*guestlua-* 2>/dev/null || :", machine.dir))
    local again <close> = nbdkit() -- luacheck: ignore again
    assert.equal("full", backup({ verify = true }).level_used)
  end)
end)
