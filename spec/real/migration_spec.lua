local guestlua = require("guestlua")
local helper = require("spec.support.helper")
local hosts = require("spec.support.hosts")

-- Bounds what is waited for; nothing here should take as long, on however busy a machine.
local LONG = 120

local LIVE, PEER2PEER, PERSIST_DEST, UNDEFINE_SOURCE, NON_SHARED_INC, UNSAFE = 1, 2, 8, 16, 128, 512

-- The disk's file is one both hosts have, but libvirt cannot know that: hence unsafe.
local MOVE = { "live", "peer2peer", "persist_dest", "undefine_source", "unsafe" }

local function with(flags, ...)
  return table.move({ ... }, 1, select("#", ...), #flags + 1, table.move(flags, 1, #flags, 1, {}))
end

describe("Migration between two hosts", function()
  local two, on_both = hosts.of_specs(function(two)
    two:boot("shared", two.dir .. "/shared")
  end)
  helper.leaves_nothing()

  -- Where the guest runs: it, its host's name, and the other host's.
  local function find(name)
    for here, there in pairs({ a = "b", b = "a" }) do
      local guest = two[here]:guest(name)
      if guest and guest:is_active() then
        return guest, here, there
      end
      if guest then
        guest:close()
      end
    end
    error(name .. " runs nowhere")
  end

  local function uri(host)
    return ("qemu+tcp://%s/system"):format(two.address[host])
  end

  -- Migrates in a task. job.watch(wanted) asks how far it is until that is wanted, and gives that; without an argument, to the end. A failed spec
  -- leaves nothing under way for the next.
  local function migrate(guest, destination, options)
    local job = setmetatable({ most = {} }, { -- the most of each number seen
      __close = function(self)
        if not self.over then
          helper.await(function() -- it may be about to begin
            pcall(guest.abort_job, guest)
            return self.over or pcall(self.task.wait, self.task, { timeout = 0.5 }) or self.task:status() ~= "running"
          end, "the migration is not to be aborted")
        end
      end,
    })
    job.task = guestlua.spawn(function()
      local undo <close> = setmetatable({}, { __close = function() job.over = true end })
      guest:migrate(destination, options)
    end)
    function job.watch(wanted)
      local deadline = guestlua.now() + LONG
      while not job.over and guestlua.now() < deadline do
        local info = guest:get_job_info()
        for field, value in pairs(info) do
          job.most[field] = type(value) == "number" and math.max(value, job.most[field] or 0) or nil
        end
        if wanted and wanted(info) then
          return info
        end
        guestlua.sleep(0.02)
      end
      assert(job.over, "the migration does not get on")
      job.task:wait() -- raises why it ended
      assert(not wanted, "the migration was over before it could be seen under way")
    end
    return job
  end

  local function under_way(info)
    return info.memory_processed > 0
  end

  local function sh(guest, command)
    local code, out, err = guest:exec("/bin/sh", { args = { "-c", command }, timeout = LONG })
    assert.same({ 0, "" }, { code, err })
    return (out:gsub("\n$", ""))
  end

  -- Just arrived, a guest's agent may need a moment until libvirt has it again.
  local function await_agent(guest)
    local deadline = guestlua.now() + LONG
    while true do
      local ok, e = pcall(guest.agent_command, guest, '{"execute":"guest-ping"}')
      if ok then
        return
      end
      assert(e.kind == "agent_unresponsive" and guestlua.now() < deadline, e)
      guestlua.sleep(0.05)
    end
  end

  -- A process in the guest that counts, which only the same process in the same guest can go on with. counter.check(guest) fails where it does not.
  local counters = 0
  local function counting(guest)
    counters = counters + 1
    local file = "/tmp/count" .. counters
    sh(guest, ([[i=0; echo 0 >FILE
      while :; do i=$((i+1)); echo $i >FILE.new; mv FILE.new FILE; sleep 0.05; done >/dev/null 2>&1 & echo $! >FILE.pid]]):gsub("FILE", file))
    local function read(g)
      local identity, count = sh(g, ("cat /proc/sys/kernel/random/boot_id %s.pid %s"):format(file, file)):match("^(.*)\n(%d+)$")
      return tonumber(count), identity
    end
    local last, same = read(guest)
    local counter = {}
    function counter.check(g)
      await_agent(g)
      local deadline = guestlua.now() + LONG
      local now, identity
      repeat
        now, identity = read(g)
        assert.equal(same, identity)
        assert.is_true(now >= last)
      until now > last or guestlua.now() > deadline
      assert.is_true(now > last)
      last = now
    end
    function counter.stop(g)
      sh(g, ("kill $(cat %s.pid)"):format(file))
    end
    return counter
  end

  -- It runs on `there`, and is known nowhere else.
  local function moved(name, here, there, persistent)
    assert.is_nil(two[here]:guest(name))
    local guest = two[there]:guest(name)
    assert.is_true(guest:is_active())
    assert.equal("running", guest:get_info().domain_state)
    assert.equal(persistent, guest:has_persistent_configuration())
    return guest
  end

  -- Waits for the event of that type and detail.
  local function hear(events, wanted, detail)
    local deadline = guestlua.now() + LONG
    repeat
      local event = assert(events:next(math.max(deadline - guestlua.now(), 0)), "no event " .. wanted)
    until event.type == wanted and event.detail == detail
  end

  -- The flags that libvirt was asked with last.
  local function asked_flags(host)
    local calls = two:calls(host, "virDomainMigratePerform3Params")
    for i = #calls, 1, -1 do
      local flags = calls[i]:match("flags=(0x%x+)")
      if flags then
        return math.tointeger(tonumber(flags))
      end
    end
  end

  on_both("moves a running guest there and back, and reports how far it is", function()
    local guest, here, there = find("shared")
    local counter = counting(guest)
    local iterations <close> = guest:subscribe("migration_iteration")
    local job <close> = migrate(guest, uri(there), { flags = MOVE, bandwidth = 32 })
    local info = job.watch(under_way)
    assert.equal("unbounded", guestlua.job_type[info.type])
    assert.is_true(info.memory_total > 64 << 20)
    assert.is_true(info.memory_remaining > 0 and info.memory_remaining <= info.memory_total)
    assert.is_true(info.data_total >= info.memory_total and info.data_processed >= info.memory_processed)
    job.watch()
    assert.is_true(job.most.memory_iteration >= 1)
    assert.equal(1, iterations:next(LONG).iteration)
    assert.is_true(job.most.time_elapsed > 0)
    assert.equal(0, job.most.disk_total)
    assert.equal("completed", guestlua.job_type[guest:get_job_info().type]) -- gone from there, which is no error
    assert.equal("no_domain", helper.failure(guest.is_active, guest).kind)

    local arrived = moved("shared", here, there, true)
    assert.equal(guest.uuid, arrived.uuid)
    counter.check(arrived)
    assert.equal(LIVE | PEER2PEER | PERSIST_DEST | UNDEFINE_SOURCE | UNSAFE, asked_flags(here))

    arrived:migrate(uri(here), { flags = LIVE | PEER2PEER | PERSIST_DEST | UNDEFINE_SOURCE | UNSAFE })
    counter.check(moved("shared", there, here, true))
    assert.equal(asked_flags(here), asked_flags(there))
    counter.stop(find("shared"))
  end)

  on_both("moves a guest between two hosts that are open here, and know nothing of each other's libvirt", function()
    local guest, here, there = find("shared")
    local arrived <close> = guest:migrate_to(two[there], { flags = { "live", "persist_dest", "undefine_source", "unsafe" } })
    assert.same({ guest.uuid, two[there].uri, true }, { arrived.uuid, arrived.host.uri, arrived:is_active() })
    assert.is_nil(two[here]:guest("shared"))
    local e = helper.failure(arrived.migrate_to, arrived, two[there], { flags = { "live", "unsafe" } })
    assert.same({ "migrate_to", "virDomainMigrate3", "shared" }, { e.op, e.call, e.guest })
    assert.is_true(arrived:is_active())
    for given, kind in pairs({ [guest] = "bad_argument", ["qemu:///system"] = "bad_argument" }) do
      assert.equal(kind, helper.failure(arrived.migrate_to, arrived, given).kind)
    end
    local closed = guestlua.open("test:///default")
    closed:close()
    assert.equal("closed", helper.failure(arrived.migrate_to, arrived, closed).kind)
  end)

  on_both("leaves the guest defined where it was, and only running where it goes, unless it is asked otherwise", function()
    local guest, here, there = find("shared")
    guest:migrate(uri(there), { flags = { "live", "peer2peer", "unsafe" } })
    assert.is_false(guest:is_active())
    assert.is_true(guest:has_persistent_configuration())
    local arrived = two[there]:guest("shared")
    assert.is_true(arrived:is_active())
    assert.is_false(arrived:has_persistent_configuration())

    arrived:migrate(uri(here), { flags = { "live", "peer2peer", "unsafe" } })
    assert.is_nil(two[there]:guest("shared"))
    assert.is_true(guest:is_active())
  end)

  on_both("goes where migrate_uri says, over several connections, with another configuration", function()
    local guest, here, there = find("shared")
    local other = guestlua.element(guest:get_xml_desc({ dump_migratable = true }))
    other.title = { "moved to " .. there }
    guest:migrate(uri(there), {
      flags = with(MOVE, "parallel"),
      parallel = 2,
      migrate_uri = "tcp://" .. two.address[there],
      destination_xml = other,
    })
    local arrived = moved("shared", here, there, true)
    for _, kind in ipairs({ {}, { dump_inactive = true } }) do
      assert.equal("moved to " .. there, guestlua.element(arrived:get_xml_desc(kind)).title[1])
    end
    assert.is_true(#two:calls(here, 'params["parallel.connections"]=(int)2') > 0)
    assert.is_true(#two:calls(here, ('params["migrate_uri"]=(string)tcp://%s'):format(two.address[there])) > 0)
  end)

  on_both("ends for a guest that is too busy, once it may stand still long enough", function()
    local guest, here, there = find("shared")
    local counter = counting(guest)
    sh(guest, [[while :; do dd if=/dev/urandom of=/tmp/busy bs=1M count=8 conv=notrunc; done >/dev/null 2>&1 & echo $! >/tmp/busy.pid]])
    -- the guest writes more than goes over: without the call this never ends
    local job <close> = migrate(guest, uri(there), { flags = MOVE, bandwidth = 1 })
    local info = job.watch(under_way)
    assert.is_true(info.memory_remaining > 32 << 20)
    guest:migrate_configure_max_downtime(600000)
    job.watch()
    assert.is_true(#two:calls(here, "downtime=600000") > 0)
    local arrived = moved("shared", here, there, true)
    counter.check(arrived)
    counter.stop(arrived)
    sh(arrived, "kill $(cat /tmp/busy.pid)")
  end)

  on_both("is aborted, and the guest goes on where it was", function()
    local guest, here, there = find("shared")
    local counter = counting(guest)
    local job <close> = migrate(guest, uri(there), { flags = MOVE, bandwidth = 1 })
    job.watch(under_way)
    counter.check(guest)
    guest:abort_job()
    local e = helper.failure(job.watch)
    assert.same({ "operation_aborted", "migrate", "virDomainMigrateToURI3", "shared" }, { e.kind, e.op, e.call, e.guest })
    assert.is_nil(two[there]:guest("shared"))
    assert.is_true(guest:has_persistent_configuration())
    assert.equal("running", guest:get_info().domain_state)
    assert.equal("none", guestlua.job_type[guest:get_job_info().type])
    counter.check(guest)
    counter.stop(guest)
    assert.equal(here, select(2, find("shared")))
    assert.equal("operation_invalid", helper.failure(guest.abort_job, guest).kind)
  end)

  on_both("is aborted where the task that waits for it is cancelled", function()
    local guest, here, there = find("shared")
    local job <close> = migrate(guest, uri(there), { flags = MOVE, bandwidth = 1 })
    job.watch(under_way)
    job.task:cancel()
    local e = helper.failure(job.watch)
    assert.same({ "cancelled", "migrate", "boolean" }, { e.kind, e.op, type(e.still_running) }) -- on a busy machine it is
    helper.await(function() return guestlua.job_type[guest:get_job_info().type] == "none" end, "the migration goes on", LONG)
    assert.equal("running", guest:get_info().domain_state)
    assert.is_nil(two[there]:guest("shared"))
    assert.equal(here, select(2, find("shared")))
  end)

  on_both("goes over to post-copy on the way", function()
    local guest, here, there = find("shared")
    local counter = counting(guest)
    assert.equal("operation_invalid", helper.failure(guest.migrate_start_postcopy, guest).kind)
    local here_events <close> = guest:subscribe("lifecycle")
    local there_events <close> = two[there]:subscribe("lifecycle")
    local job <close> = migrate(guest, uri(there), { flags = with(MOVE, "postcopy"), bandwidth = 1 })
    assert.is_true(job.watch(under_way).memory_remaining > 32 << 20)
    guest:migrate_start_postcopy()
    job.watch()
    hear(here_events, "suspended", "postcopy")
    hear(here_events, "stopped", "migrated")
    hear(there_events, "started", "migrated")
    hear(there_events, "resumed", "migrated") -- "postcopy" may come before that, or not: libvirt does not look at once
    local arrived = moved("shared", here, there, true)
    counter.check(arrived)
    counter.stop(arrived)
  end)

  on_both("fails with an error that says which guest was to go where", function()
    local guest, _, there = find("shared")
    local nowhere = ("qemu+tcp://%s:1/system"):format(two.address[there])
    local e = helper.failure(guest.migrate, guest, nowhere, { flags = MOVE })
    assert.same({ "migrate", "virDomainMigrateToURI3", "shared" }, { e.op, e.call, e.guest })
    assert.equal("system_error", e.kind)
    assert.matches(two.address[there] .. ":1", e.message, 1, true)
    assert.matches("guest 'shared'", tostring(e), 1, true)
    assert.is_true(guest:is_active())
  end)

  describe("that share no disk", function()
    local disk

    lazy_setup(function()
      if two then
        disk = two.dir .. "/own/disk.qcow2"
        two:boot("private", two.dir .. "/own")
      end
    end)

    local function prepare(there)
      local code, _, err = helper.run(("sh -c 'cp build/tiny/vmlinuz build/tiny/initrd %s && qemu-img create -q -f qcow2 %s 64M'"):format(
        two:outside(there, two.dir .. "/own"), two:outside(there, disk)))
      assert.same({ 0, "" }, { code, err })
    end

    on_both("copies the disks that are listed", function()
      local guest, here, there = find("private")
      local sum = sh(guest, "dd if=/dev/urandom of=/data/x bs=1M count=4 2>/dev/null; sync; sha256sum /data/x")
      prepare(there)
      local job <close> = migrate(guest, uri(there), {
        flags = { "live", "peer2peer", "persist_dest", "undefine_source", "non_shared_inc" },
        migrate_disks = { "vda" },
        bandwidth = 32,
      })
      job.watch()
      assert.is_true(job.most.disk_total > 4 << 20)
      local arrived = moved("private", here, there, true)
      await_agent(arrived)
      assert.equal(sum, sh(arrived, "sync; echo 3 >/proc/sys/vm/drop_caches; sha256sum /data/x"))
      assert.equal(LIVE | PEER2PEER | PERSIST_DEST | UNDEFINE_SOURCE | NON_SHARED_INC, asked_flags(here))
      os.remove(two:outside(here, disk)) -- and it needs nothing that it left behind
      sh(arrived, "echo more >>/data/x; sync; echo 3 >/proc/sys/vm/drop_caches; sha256sum /data/x")
    end)

    on_both("copies none where none is listed, and libvirt then says that this is unsafe", function()
      local guest, here, there = find("private")
      for _, options in ipairs({
        { flags = { "live", "peer2peer", "non_shared_inc" } },
        { flags = LIVE | PEER2PEER | NON_SHARED_INC, migrate_disks = {} },
      }) do
        local e = helper.failure(guest.migrate, guest, uri(there), options)
        assert.same({ "migrate_unsafe", "migrate", "private" }, { e.kind, e.op, e.guest })
        assert.equal(LIVE | PEER2PEER, asked_flags(here))
      end
      assert.is_true(guest:is_active())
      assert.is_nil(two[there]:guest("private"))
    end)
  end)
end)
