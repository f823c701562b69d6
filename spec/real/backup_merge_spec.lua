-- Prunes that merge: what is kept is what it was, whatever was merged into it, and at whatever moment the prune was killed.

local core = require("guestlua.core")
local guestlua = require("guestlua")
local faults = require("spec.support.faults")
local helper = require("spec.support.helper")
local tiny = require("spec.support.tiny")

local sh = helper.sh
local workflow = guestlua.workflow

-- A prune with SIGKILL right after something that it does to files, which is right before the next.
local CHILD = [[
  local core = require("guestlua.core")
  local count, at = 0, tonumber(os.getenv("KILL_AT") or 0)
  local function hook(object, name)
    local fn = object[name]
    object[name] = function(...)
      local results = table.pack(fn(...))
      count = count + 1
      if name == "begin_write" then
        results[1]:wait()
      end
      if count == at then
        os.execute("kill -KILL $PPID")
      end
      return table.unpack(results, 1, results.n)
    end
  end
  for _, name in ipairs({ "make_image", "nbd_copy", "sync_file", "write_file", "begin_write", "remove_file", "remove_image" }) do
    hook(core, name)
  end
  hook(os, "rename")
  hook(require("guestlua.disk.qemu_img"), "run")
  local host <close> = guestlua.open()
  local directory, rule, number = ...
  guestlua.workflow.prune(host, directory, { keep = rule == "daily" and { daily = tonumber(number) } or { full = 1, increments = tonumber(number) } })
  print(count)
]]

describe("A prune", function()
  local reason = not core.nbd_copy and "this was built without libnbd" or nil
  local function it_(name, fn)
    it(name, reason and function() pending(reason) end or fn)
  end

  local machine = helper.machine({
    prepare = function(new)
      assert(os.execute(("qemu-img create -q -f raw %s/second.img 8M && chmod 666 %s/second.img"):format(new.dir, new.dir)))
    end,
    edit = function(domain)
      domain.devices:append(guestlua.element(([[<disk type='file' device='disk'><driver name='qemu' type='raw'/><source file='%s/second.img'/>
        <target dev='vdb' bus='virtio'/></disk>]]):format(domain.devices.disk.source.file:match("^(.*)/"))))
    end,
  })
  local original, directory -- the backups as they were made, and those that are pruned
  local ids = {}

  -- A full backup and ten increments, between which the guest writes much and deletes some. The second disk is raw: each backup has all of it.
  lazy_setup(function()
    if reason then
      return
    end
    for i = 1, 11 do
      machine:sh(("dd if=/dev/urandom of=/data/f.%d bs=8k count=%d 2>/dev/null; rm -f /data/f.%d; echo %d >/data/count; sync; fstrim /data || :")
        :format(i % 4, 10 + i, (i + 1) % 4, i))
      ids[i] = workflow.backup(machine.guest, { to = machine.dir .. "/made", disks = (i <= 2 or i >= 9) and { "vda", "vdb" } or { "vda" } }).id
    end
    original = ("%s/made/%s"):format(machine.dir, machine.name)
  end)

  helper.leaves_nothing(function()
    directory = machine.dir .. "/pruned"
    sh("rm -rf %s && cp -a %s %s", directory, original or machine.dir .. "/none", directory)
  end)

  local function listed()
    local found, list = {}, workflow.backups(directory)
    assert.same({}, list.problems)
    for i, one in ipairs(list) do
      found[i] = one.id
    end
    return found
  end

  local function some(...)
    local list = {}
    for i, number in ipairs({ ... }) do
      list[i] = ids[number]
    end
    return list
  end

  -- Keeps the first so many backups alone, each a day after the one before.
  local function only(count)
    for i, id in ipairs(ids) do
      if i > count then
        sh("rm %s/%s.*", directory, id)
      else
        sh([[sed -i 's/"time": *"[^T]*T/"time":"2026-01-%02dT/' %s/%s.json]], i, directory, id)
      end
    end
  end

  -- Whether each backup that is listed is what it was.
  local function check(where)
    for i, result in ipairs(workflow.verify(directory, { all = true, wait = 20 })) do
      assert.is_true(result.ok, where)
      for _, disk in ipairs(workflow.backups(directory)[i].disks) do
        sh("qemu-img compare -q %s/%s.%s.qcow2 %s/%s.%s.qcow2 || { echo %s; exit 1; } >&2", original, result.id, disk.target, directory, result.id,
          disk.target, where)
      end
    end
  end

  -- That there are no other files than those that the manifests name.
  local function check_files(where)
    local wanted, found = { lock = true, target = true }, {}
    for _, one in ipairs(workflow.backups(directory)) do
      wanted[one.id .. ".json"] = true
      for _, file in ipairs(one.files) do
        wanted[file.name] = true
      end
      for _, disk in ipairs(one.disks) do
        for _, link in ipairs(disk.chain) do
          wanted[link.file], wanted[link.sums] = true, true
        end
      end
    end
    for _, name in ipairs(core.list_directory(directory)) do
      found[name] = true
    end
    found.lock = true
    assert.same(wanted, found, where)
  end

  local function manifest(number)
    local text = assert(io.open(("%s/%s.json"):format(directory, ids[number]))):read("a")
    return require("dkjson").decode(text)
  end

  it_("merges increments that are not kept: each backup that is kept is what it was, boots, and the next increment fits", function()
    local result = workflow.prune(machine.host, directory, { keep = { full = 1, increments = 3 } })
    assert.same({ pruned = some(2, 3, 4, 5, 6, 7, 8), merged = some(9) }, result)
    assert.same(some(1, 9, 10, 11), listed())
    check()
    check_files()
    sh("cd %s && for f in *.qcow2; do qemu-img check -q $f || exit 1; done", directory)
    assert.equal(4, #manifest(11).disks[1].chain)
    assert.equal("incremental", manifest(9).disks[1].level_used)
    assert.is_nil(manifest(9).directory)
    for _, number in ipairs({ 1, 9, 11 }) do
      local made = workflow.restore(machine.host, { from = directory, at = ids[number], name = "back", to = machine.dir, start = number == 9 })
      local back = setmetatable({ name = "back", host = machine.host, dir = machine.dir .. "/none", guest = machine.host:guest("back") },
        tiny.Machine)
      do
        local closed <close> = back -- luacheck: ignore closed
        if number == 9 then
          guestlua.await_agent(back.guest, { timeout = tiny.TIMEOUT })
          assert.equal("9", back:sh("cat /data/count"))
        else
          sh("qemu-img compare -q %s/%s.vda.qcow2 %s", original, ids[number], made.files[1].path)
        end
      end
      for _, file in ipairs(made.files) do
        os.remove(file.path)
      end
    end
    -- again there is nothing to do
    assert.same({ pruned = {} }, workflow.prune(machine.host, directory, { keep = { full = 1, increments = 3 } }))
    -- the guest's checkpoint still fits the last one, and what is kept goes on
    sh("rm -rf %s/made.old && mv %s %s/made.old && mkdir -p %s && cp -a %s/. %s", machine.dir, original, machine.dir, original, directory, original)
    local undone <close> = setmetatable({}, { __close = function() -- luacheck: ignore undone
      sh("rm -rf %s && mv %s/made.old %s", original, machine.dir, original)
    end })
    result = workflow.backup(machine.guest, { to = machine.dir .. "/made", disks = { "vda" }, keep = { full = 1, increments = 3 }, compress = "zstd",
      verify = true })
    assert.equal("full", result.level_used) -- there are three
    assert.equal("incremental", workflow.backup(machine.guest, { to = machine.dir .. "/made", disks = { "vda" } }).level_used)
    result = workflow.backup(machine.guest, { to = machine.dir .. "/made", disks = { "vda" }, keep = { daily = 1 }, compress = "zstd" })
    assert.same({ result.id }, result.merged)
    assert.equal(1, #result.disks[1].chain)
    assert.is_nil(result.warnings)
    workflow.verify(original, { all = true })
  end)

  it_("by days, weeks and months makes full ones of increments, and keeps those that are the last of theirs", function()
    only(11)
    local result = workflow.prune(machine.host, directory, { keep = { daily = 2, weekly = 2, monthly = 1 }, compress = "zstd" })
    assert.same(some(1, 2, 3, 5, 6, 7, 8, 9), result.pruned) -- the 4th of January 2026 is a Sunday
    assert.same(some(4, 10), result.merged)
    assert.same(some(4, 10, 11), listed())
    check()
    check_files()
    assert.same({ "full", "full" }, { manifest(4).level_used, manifest(4).disks[1].level_used })
    assert.matches("merged into it", manifest(4).disks[1].because)
    assert.equal(3, #manifest(11).disks[1].chain)
    sh("qemu-img info %s/%s.vda.qcow2 | grep -q 'compression type: zstd'", directory, ids[4])
  end)

  it_("says in a dry run what it would do, and does nothing", function()
    local before = sh("cd %s && sha256sum *", directory)
    local is_off <close> = setmetatable({}, { __close = function() core.dry_run(false) end }) -- luacheck: ignore is_off
    core.dry_run(true)
    local result = workflow.prune(machine.host, directory, { keep = { full = 1, increments = 3 } })
    assert.same({ pruned = some(2, 3, 4, 5, 6, 7, 8), merged = some(9) }, result)
    assert.equal(before, sh("cd %s && sha256sum *", directory))
  end)

  it_("names files of no backup, and leaves them alone", function()
    local other = "20200131-235959-0a1b2c3d" -- a backup that somebody is copying to here, or the manifest of which he has moved out of the way
    local names = { "README", ids[9] .. ".note", ids[9] .. ".vda.img", "zz.qcow2", other .. ".vda.qcow2", other .. ".vda.sums", other .. ".xml",
      other .. ".json.aside" }
    for _, name in ipairs(names) do
      sh("echo theirs >%s/%s", directory, name)
    end
    local result = workflow.prune(machine.host, directory, { keep = { full = 1, increments = 3 } })
    table.sort(names)
    for i, name in ipairs(names) do
      names[i] = directory .. "/" .. name
      assert.equal("theirs\n", sh("cat %s", names[i]))
    end
    table.sort(result.foreign)
    assert.same(names, result.foreign)
    assert.is_nil(result.left)
    check()
  end)

  it_("leaves a backup as it is if a guest has its image, and with it those that it needs", function()
    local path = ("%s/%s.vda.qcow2"):format(directory, ids[9])
    local user = tiny.configuration("user", machine.dir)
    user.devices.disk.source.file = path
    user.uuid = nil
    do
      local guest <close> = machine.host:write_instance_config(user)
      local before = sh("sha256sum <%s", path)
      local result = workflow.prune(machine.host, directory, { keep = { full = 1, increments = 3 } })
      assert.same({}, result.pruned)
      assert.is_nil(result.merged)
      assert.equal(path, result.left[1].path)
      assert.matches("not merged into it: guest 'user'", result.left[1].why)
      assert.is_nil(result.left[1].kind)
      assert.equal(before, sh("sha256sum <%s", path))
      check()
      guest:delete_configuration()
    end
    assert.same(some(9), workflow.prune(machine.host, directory, { keep = { full = 1, increments = 3 } }).merged)
    check()
  end)

  it_("does not merge what is damaged, says so, and goes on with the rest", function()
    only(11)
    sh("qemu-io -c 'write -q -P 99 1M 64k' %s/%s.vda.qcow2", directory, ids[7])
    sh("sed -i '/ zero$/!s/ [0-9a-f]*$/ %s/' %s/%s.vda.sums", ("0"):rep(64), directory, ids[7])
    local result = workflow.prune(machine.host, directory, { keep = { daily = 3, weekly = 2 } })
    assert.same(some(4), result.merged)
    assert.same(some(1, 2, 3), result.pruned)
    assert.equal("checksum_error", result.left[1].kind)
    assert.matches(ids[9], result.left[1].path, 1, true)
    check_files()
    sh("qemu-img compare -q %s/%s.vda.qcow2 %s/%s.vda.qcow2", original, ids[6], directory, ids[6])
    workflow.verify(directory, { at = ids[6] })
  end)

  it_("without room for a merge leaves everything as it was", function()
    if core.user() ~= 0 then
      pending("needs root, for a file system of its own")
      return
    end
    local moved = directory .. ".kept"
    sh("mv %s %s && mkdir %s && mount -t tmpfs -o size=$(( $(du -sk %s | cut -f1) + 600 ))k tmpfs %s && cp -a %s/. %s", directory, moved, directory,
      moved, directory, moved, directory)
    local unmounted <close> = setmetatable({}, { __close = function() -- luacheck: ignore unmounted
      sh("umount -l %s; rm -rf %s", directory, moved)
    end })
    local result = workflow.prune(machine.host, directory, { keep = { daily = 1 } })
    assert.same({}, result.pruned)
    assert.equal("no_space", result.left[1].kind, result.left[1].why)
    check()
    check_files()
  end)

  local function prune(rule, number, at)
    return faults.run(CHILD, { uri = "test:///default", args = { directory, rule, number }, env = { KILL_AT = at } })
  end

  -- Kills it at each step, and looks at what is there then, and what the next one makes of it.
  local function killed_everywhere(count, rule, number, keep, wanted)
    only(count)
    sh("rm -rf %s.kept && cp -a %s %s.kept", directory, directory, directory)
    local code, out, err = prune(rule, number)
    assert.equal(0, code, err)
    assert.same(wanted, listed())
    check("not killed")
    check_files("not killed")
    assert.is_true(tonumber(out) > 15)
    for at = 1, tonumber(out) do
      local where = ("%s, step %d"):format(rule, at)
      sh("rm -rf %s && cp -a %s.kept %s", directory, directory, directory)
      assert.equal(128 + 9, (prune(rule, number, at)), where)
      check(where)
      assert.is_nil(workflow.prune(machine.host, directory, { keep = keep }).left, where)
      assert.same(wanted, listed(), where)
      workflow.verify(directory, { all = true })
      check_files(where)
    end
    sh("rm -rf %s.kept", directory)
  end

  it_("that is killed at any step of a merge leaves only backups that are what they were, and the next one ends the work", function()
    killed_everywhere(5, "full", 2, { full = 1, increments = 2 }, some(1, 4, 5))
  end)

  it_("that is killed at any step of making a full one does so as well", function()
    killed_everywhere(4, "daily", 2, { daily = 2 }, some(3, 4))
  end)
end)
