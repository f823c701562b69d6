-- Guest, on a guest that is real: what it sees itself is the proof.

local guestlua = require("guestlua")
local helper = require("spec.support.helper")
local tiny = require("spec.support.tiny")

local power = guestlua.power_state

local function await(condition, pause)
  local deadline = guestlua.now() + tiny.TIMEOUT
  while not condition() do
    assert.is_true(guestlua.now() < deadline, "the condition did not come true")
    guestlua.sleep(pause or 0.05)
  end
end

-- A command that goes on in the guest by itself.
local function in_background(command)
  return ("(%s) >/dev/null 2>&1 &"):format(command)
end

local function top_of(conf)
  return conf.disks.disk.source.file
end

local function shell(command)
  local pipe = assert(io.popen(("PATH=$PATH:/usr/sbin; export PATH; %s"):format(command)))
  local output = pipe:read("a")
  assert.is_true(pipe:close(), command)
  return output
end

describe("Guest, on a real guest,", function()
  local machine = helper.machine()
  helper.leaves_nothing()
  local guest
  before_each(function()
    guest = machine.guest
  end)

  it("reports its state, its size and its processors", function()
    local info = guest:get_info()
    assert.same({ power.RUNNING, "running", 98304, 98304, 1 }, { info.state, info.domain_state, info.max_mem_kb, info.mem_kb, info.num_cpu })
    assert.is_true(info.cpu_time_ns > 0)
    assert.equal(guest.id, info.internal_id)
    local vcpus = {}
    for vcpu in guest:get_vcpus_info() do
      vcpus[#vcpus + 1] = vcpu
    end
    assert.same({ 1, 0 }, { #vcpus, vcpus[1].id })
    assert.is_true(vcpus[1].time > 0)
    assert.same({}, guest:get_disk_errors())
    assert.is_true(guest:is_active())
    assert.is_true(guest:has_persistent_configuration())
  end)

  it("has no job", function()
    local info = guest:get_job_info()
    assert.equal("none", guestlua.job_type[info.type])
    assert.same({ 0, 0, 0 }, { info.data_total, info.memory_remaining, info.time_elapsed })
    assert.equal("operation_invalid", helper.failure(guest.abort_job, guest).kind)
  end)

  it("reports its configuration as it is, as it will be, for another host, and with passwords where asked", function()
    local config = guest:get_config()
    assert.same({ guest.name, tostring(guest.id) }, { config.name[1], config.id })
    local function parsed(options)
      return guestlua.element(guest:get_xml_desc(options))
    end
    local function disk_of(domain)
      return domain.devices.disk
    end
    assert.equal("virtio-disk0", disk_of(parsed()).alias.name)
    assert.same({}, { parsed({ dump_inactive = true }).id, disk_of(parsed({ dump_inactive = true })).alias })
    assert.same({}, { parsed({ dump_migratable = true }).id, disk_of(parsed({ dump_migratable = true })).alias })

    local other <close> = tiny.boot({
      launch = false,
      edit = function(domain)
        domain.devices.graphics = { type = "vnc", passwd = "planted1" }
      end,
    })
    for _, inactive in ipairs({ true, false }) do
      assert.is_nil(other.guest:get_xml_desc({ dump_inactive = inactive }):find("planted1", 1, true))
      assert.is_truthy(other.guest:get_xml_desc({ dump_inactive = inactive, dump_sensitive = true }):find("planted1", 1, true))
    end
    assert.equal(machine.guest.name, machine.host:guest(machine.guest.uuid).name)
  end)

  it("keeps metadata, live and persistent apart", function()
    local function kept(options)
      local metadata = guest:get_metadata(options)
      return metadata and metadata.name[1]
    end
    local function instance(name)
      return guestlua.element("instance", { name = { name } })
    end
    assert.same({}, { kept(), kept({ live = true }), kept({ persistent = true }) })
    guest:set_metadata(instance("live"), { live = true })
    assert.same({ "live", "live" }, { kept(), kept({ live = true }) })
    assert.is_nil(kept({ persistent = true }))
    guest:set_metadata(instance("kept"), { persistent = true })
    assert.same({ "live", "kept" }, { kept({ live = true }), kept({ persistent = true }) })
    guest:set_metadata(instance("both"), { live = true, persistent = true })
    assert.same({ "both", "both" }, { kept({ live = true }), kept({ persistent = true }) })
    guest:set_metadata(instance("now"))
    assert.same({ "now", "both" }, { kept({ live = true }), kept({ persistent = true }) })
    guest:set_metadata("<mine/>", { live = true, key = "my", uri = "urn:mine" })
    assert.equal("mine", guest:get_metadata({ uri = "urn:mine" }):tag())
    assert.equal("now", kept())
  end)

  it("stands still while it is paused", function()
    guest:pause()
    assert.equal(power.PAUSED, guest:get_power_state())
    assert.is_true(guest:is_active())
    local before = guest:get_vcpus()[1].time
    assert.equal("operation_invalid", helper.failure(machine.sh, machine, "true").kind)
    guestlua.sleep(0.3)
    assert.equal(before, guest:get_vcpus()[1].time)
    guest:resume()
    assert.equal(power.RUNNING, guest:get_power_state())
    assert.equal("on", machine:sh("echo on"))
  end)

  it("writes nothing while its file systems are frozen", function()
    local disk = guest:get_block_device("vda")
    local function written()
      return (select(4, disk:block_stats()))
    end
    local function await_writing()
      local before = written()
      await(function() return written() > before end)
    end
    local guard <close> = setmetatable({}, {
      __close = function()
        guest:thaw_filesystems()
        machine:sh("rm -f /tmp/writer")
      end,
    })
    machine:sh(in_background("echo $$ > /tmp/writer; while [ -e /tmp/writer ]; do echo x >> /data/ticks; sync; sleep 0.05; done"))
    await_writing()

    guest:freeze_filesystems()
    local before = written()
    guestlua.sleep(0.7)
    assert.equal(before, written())
    assert.matches("guest%-exec has been disabled", helper.failure(machine.sh, machine, "true").message) -- not every agent says why
    guest:thaw_filesystems()

    await_writing()
    guest:thaw_filesystems() -- nothing is frozen
  end)

  it("takes snapshots of its disk with every combination of flags", function()
    local base = machine:chain()
    local sum = machine:sh("dd if=/dev/urandom of=/data/x bs=64k count=4 2>/dev/null; sha256sum /data/x")
    for flags = 0, 7 do
      local options = { disk_only = true, no_metadata = true, atomic = flags & 1 ~= 0, quiesce = flags & 2 ~= 0, reuse_ext = flags & 4 ~= 0 }
      local conf, chain = machine:external(), machine:chain()
      if options.reuse_ext then
        local file = top_of(conf)
        assert.equal("system_error", helper.failure(guest.snapshot, guest, conf, options).kind) -- there is no such file yet
        shell(("qemu-img create -q -f qcow2 -b %s -F qcow2 %s && chmod 666 %s"):format(chain[1], file, file))
      end
      guest:snapshot(conf, options)
      assert.same({ top_of(conf), table.unpack(chain) }, machine:chain())
      assert.matches("thawed", guest:agent_command('{"execute":"guest-fsfreeze-status"}'))
    end
    local conf = machine:external()
    conf.disks.disk.source.file = machine:chain()[1]
    assert.equal("config_unsupported", helper.failure(guest.snapshot, guest, conf, { disk_only = true, no_metadata = true }).kind)
    local e = helper.failure(guest.snapshot, guest, machine:external(), { no_metadata = true, quiesce = true })
    assert.equal("invalid_arg", e.kind)

    local disk = guest:get_block_device("vda")
    disk:rebase() -- one image again
    assert.equal("completed", (disk:await_job({ timeout = tiny.TIMEOUT })))
    assert.same({ #base, true }, { #machine:chain(), machine:chain()[1] ~= base[1] })
    assert.equal(sum, machine:sh("sync; echo 3 > /proc/sys/vm/drop_caches; sha256sum /data/x"))
  end)

  it("has on the disk what it wrote before a snapshot with quiesce", function()
    local disk = guest:get_block_device("vda")
    local base = machine:chain()[1]
    machine:sh("rm -f /data/q; sync; echo before > /data/q")
    guest:snapshot(machine:external(), { disk_only = true, no_metadata = true, quiesce = true })
    machine:sh("echo after > /data/q; sync")
    local raw = machine.dir .. "/raw"
    assert.equal("before\n", shell(("qemu-img convert -U -O raw %s %s && debugfs -R 'cat /q' %s 2>/dev/null"):format(base, raw, raw)))
    disk:commit(nil, nil, { active = true })
    assert.equal("ready", (disk:await_job({ timeout = tiny.TIMEOUT })))
    disk:abort_job({ pivot = true })
    assert.equal("completed", (disk:await_job({ timeout = tiny.TIMEOUT })))
    assert.equal("after", machine:sh("cat /data/q"))
  end)

  it("gets its clock set", function()
    machine:sh("date -s '2001-02-03 04:05:06'")
    assert.is_true(tonumber(machine:sh("date +%s")) < 1e9)
    local before = os.time()
    assert.is_true((guest:sync_guest_time()))
    local there = tonumber(machine:sh("date +%s"))
    assert.is_true(there >= before - 60 and there <= os.time() + 60)
  end)

  it("gets a user's password set", function()
    guest:set_user_password("root", "planted <password>")
    assert.equal("root:planted <password>", machine:sh("cat /tmp/chpasswd"))
  end)

  it("gets a non-maskable interrupt", function()
    local function received()
      return tonumber(machine:sh("awk '/NMI:/ { print $2 }' /proc/interrupts"))
    end
    local before = received()
    guest:inject_nmi()
    await(function() return received() > before end)
  end)

  it("goes on where its memory was saved", function()
    local boot = machine:sh("echo kept > /tmp/kept; cat /proc/sys/kernel/random/boot_id")
    machine:sh(in_background("echo $$ > /tmp/sleeper; exec sleep 100000"))
    local events <close> = guest:subscribe("lifecycle")
    guest:save_memory_state()
    assert.is_false(guest:is_active())
    assert.same({ power.SHUTDOWN, "saved" }, { guest:get_power_state(), helper.await_event(events, { type = "stopped" }).detail })
    machine:launch()
    assert.equal("restored", helper.await_event(events, { type = "started" }).detail)
    assert.equal("kept\n" .. boot, machine:sh("cat /tmp/kept /proc/sys/kernel/random/boot_id"))
    machine:sh("pidof sleep && killall sleep")
  end)

  it("is not saved, and goes on, where the task that waits for it is cancelled", function()
    local sum = machine:sh("dd if=/dev/urandom of=/tmp/x bs=1M count=8 2>/dev/null; sha256sum /tmp/x /proc/sys/kernel/random/boot_id")
    local task = guestlua.spawn(function()
      guest:save_memory_state()
    end)
    await(function() return guestlua.job_type[guest:get_job_info().type] ~= "none" end, 0) -- it has begun
    task:cancel()
    local e = helper.failure(task.wait, task)
    assert.same({ "cancelled", "save_memory_state", guest.name, false }, { e.kind, e.op, e.guest, e.still_running })
    await(function() return guestlua.alive().ops == 0 end)
    assert.equal("running", guest:get_info().domain_state)
    assert.equal("none", guestlua.job_type[guest:get_job_info().type])
    assert.equal(sum, machine:sh("sha256sum /tmp/x /proc/sys/kernel/random/boot_id; rm /tmp/x"))
  end)

  it("serves two tasks at once", function()
    local waits = guestlua.spawn(function()
      return machine:sh("until [ -e /tmp/go ]; do sleep 0.05; done; echo went")
    end)
    local goes_on = guestlua.spawn(function()
      assert.equal(1, machine.guest:get_info().num_cpu)
      return machine:sh("touch /tmp/go; echo said")
    end)
    assert.same({ "said", "went" }, { goes_on:wait(), (waits:wait()) })
  end)

  it("goes on with a program after its task was cancelled", function()
    local task = guestlua.spawn(function()
      machine:sh("exec sleep 54321")
    end)
    machine:sh("until pidof sleep; do :; done")
    task:cancel()
    assert.equal("cancelled", helper.failure(task.wait, task).kind)
    machine:sh("pidof sleep && killall sleep")
  end)
end)

describe("A password", function()
  it("is in nothing that the command prints", function()
    local script = [[
      local guest = guestlua.open():guest("test")
      guest:poweroff()
      guest:set_user_password("root", ("planted"):rep(3, "-"))
    ]]
    local code, out, err = helper.guestlua("-c test:///default -", script)
    assert.equal(1, code)
    assert.matches("set_user_password", err)
    assert.is_nil((out .. err):find("planted-planted", 1, true))
  end)
end)
