-- guestlua.workflow.live_migrate between two real hosts: what it does, and where the guest is in the end, whatever fails on the way.

local guestlua = require("guestlua")
local faults = require("spec.support.faults")
local helper = require("spec.support.helper")
local moving = require("spec.support.moving")

local workflow = guestlua.workflow

local LONG = moving.LONG

describe("live_migrate", function()
  local move, missing -- the hosts and their guest, or why there are none
  local two

  lazy_setup(function()
    move, missing = moving.up()
    two = move and move.two
    if move then
      move:keep()
    end
  end)
  lazy_teardown(function()
    if move then
      getmetatable(move).__close(move)
    end
  end)
  helper.leaves_nothing()

  local whole = true
  local function on_both(what, fn)
    it(what, function()
      if not move then
        pending(missing)
      elseif not whole then
        move:reset()
      end
      whole = false
      os.execute("rm -rf " .. helper.quoted(move.journal))
      fn()
      whole = true
    end)
  end

  -- The disk's file is one both hosts have, but libvirt cannot know that: hence unsafe.
  local function go(options)
    local guest <close>, _, there = move:find()
    options.destination_uri, options.unsafe = move:uri(there), true
    local ok, result = pcall(workflow.live_migrate, guest, two[there], options)
    if ok and result.arrived then
      result.arrived:close()
    end
    return ok, result
  end

  -- What libvirt was asked last, its flags.
  local function asked_flags(host)
    local calls = two:calls(host, "virDomainMigratePerform3Params")
    for i = #calls, 1, -1 do
      local flags = calls[i]:match("flags=(0x%x+)")
      if flags then
        return math.tointeger(tonumber(flags))
      end
    end
  end

  on_both("moves a guest, with its configuration, and says what it did", function()
    local guest <close>, here, there = move:find()
    local seen, was = {}, nil
    local result = workflow.live_migrate(guest, two[there], {
      destination_uri = move:uri(there),
      unsafe = true,
      bandwidth = 64,
      parallel = 2,
      destination_xml = function(domain)
        was = domain.title
        domain.title = { "moved" }
      end,
      on_progress = function(info)
        seen[#seen + 1] = info
      end,
    })
    move:stays(there)
    assert.is_nil(was)
    assert.same({ "live_migrate", "shared", two[there].uri, "look", "migrate", "verify" },
      { result.workflow, result.guest, result.destination, result.steps[1].name, result.steps[2].name, result.steps[3].name })
    local arrived <close> = result.arrived
    assert.equal(guest.uuid, arrived.uuid)
    assert.equal("moved", guestlua.element(arrived:get_xml_desc()).title[1])
    assert.is_true(result.stats.memory_total > 64 << 20)
    assert.is_true(#seen > 0 and seen[#seen].percent >= seen[1].percent and seen[1].limit == 1600 and seen[1].elapsed > 0)
    assert.same({ 50, true }, { result.downtimes[1].ms, result.downtimes[1].set })
    assert.same({}, result.warnings)
    assert.equal(27 | 512 | 131072, asked_flags(here))
    assert.equal("", move:entries())
  end)

  on_both("leaves the guest defined where the flags do not say otherwise, and a transient guest transient", function()
    local _, here, there = move:find()
    assert.is_true(go({ flags = { "live", "peer2peer" } }))
    local words = { [here] = "shutoff", [there] = "running" }
    assert.equal(words.a .. " " .. words.b, move:where())
    local arrived <close> = two[there]:guest("shared")
    assert.is_false(arrived:has_persistent_configuration())
    workflow.live_migrate(arrived, two[here], { destination_uri = move:uri(here), unsafe = true }).arrived:close()
    assert.equal(1 | 2 | 512, asked_flags(there))
    move:stays(here)
    assert.is_true(go({ flags = 27 }))
    move:stays(there)
  end)

  on_both("refuses before it does anything", function()
    local guest <close>, here, there = move:find()
    local function refused(kind, options, destination)
      local e = helper.failure(workflow.live_migrate, guest, destination or two[there], options)
      assert.equal(kind, e.kind)
      return e
    end
    assert.equal("destination_uri", refused("bad_argument", {}).argument)
    assert.equal("flags", refused("bad_argument", { destination_uri = "x", flags = "live" }).argument)
    assert.equal("timeout_action", refused("bad_argument", { destination_uri = "x", timeout_action = "wait" }).argument)
    assert.equal("downtime_steps", refused("bad_argument", { destination_uri = "x", downtime_steps = 0 }).argument)
    assert.equal("destination", refused("bad_argument", {}, guest).argument)
    refused("operation_invalid", { destination_uri = move:uri(here) }, two[here])
    refused("argument_unsupported", { destination_uri = move:uri(there), tunnelled = true, block = true })
    assert.equal("migrate_unsafe", refused("migrate_unsafe", { destination_uri = move:uri(there) }).kind)
    move:stays(here)
    assert.equal("", move:entries())
  end)

  on_both("is aborted when the time is over, and the guest goes on where it was", function()
    local _, here = move:find()
    local ok, e = go({ bandwidth = 1, completion_timeout = 1 })
    assert.is_false(ok)
    assert.equal("timeout", e.kind, tostring(e))
    assert.same({ "live_migrate", "migrate", "undone: the guest is on the source host, as before", "migrate" },
      { e.workflow, e.step, e.outcome, e.cause.op })
    move:stays(here)
    assert.equal("", move:entries())
  end)

  on_both("is aborted where on_progress fails", function()
    local _, here = move:find()
    local ok, e = go({ bandwidth = 1, on_progress = function() error("no more", 0) end })
    assert.is_false(ok)
    assert.same({ "no more", "migrate", "undone: the guest is on the source host, as before" }, { e.message, e.step, e.outcome })
    move:stays(here)
  end)

  on_both("is made to end when the time is over: the guest stands still, and runs when it is there", function()
    local _, _, there = move:find()
    local ok, result = go({ bandwidth = 8, completion_timeout = 1, timeout_action = "force_complete" })
    assert.is_true(ok, tostring(result))
    assert.equal("pause", result.forced)
    move:stays(there)
  end)

  on_both("is made to end by post-copy", function()
    local _, _, there = move:find()
    local ok, result = go({ bandwidth = 1, completion_timeout = 1, timeout_action = "force_complete", postcopy = true })
    assert.is_true(ok, tostring(result))
    assert.equal("postcopy", result.forced)
    move:stays(there)
  end)

  on_both("goes on where the guest stood still for it and the migration then failed", function()
    local code, err, here = move:run("bandwidth = 1, completion_timeout = 1, timeout_action = 'force_complete', on_progress = function(info) "
      .. "if info.forced then error('enough') end end")
    assert.equal(1, code)
    assert.matches("enough", err)
    assert.matches("outcome: undone", err)
    move:stays(here)
    assert.equal("", move:entries())
  end)

  on_both("leaves a paused guest paused", function()
    local guest <close>, _, there = move:find()
    guest:pause()
    assert.is_true(go({}))
    move:stays(there, "paused")
    local arrived <close> = two[there]:guest("shared")
    arrived:resume()
  end)

  on_both("is aborted by Ctrl-C and by SIGTERM", function()
    for signal, wanted in pairs({ INT = 130, TERM = 143 }) do
      local child <close>, here = move:start("bandwidth = 1")
      moving.await_progress(child)
      child:kill(signal)
      local code, _, err = child:wait()
      assert.equal(wanted, code)
      assert.matches("step 'migrate'", err, 1, true)
      assert.matches("outcome: undone: the guest is on the source host, as before", err, 1, true)
      move:stays(here)
      assert.equal("", move:entries())
    end
  end)

  -- libvirt makes no other change of the guest before the migration is over: the undo waited for that, and gave up with the guest on its way.
  on_both("is aborted although a call is on its way that nobody waits for any more", function()
    for name, times in pairs({ virDomainGetJobStats = 4, virDomainMigrateSetMaxDowntime = 1 }) do
      local child <close>, here = move:start("bandwidth = 1", nil, ("%s#%d:hang=10"):format(name, times))
      local deadline = guestlua.now() + LONG
      while not child:has_called(name, times) do
        assert.is_true(guestlua.now() < deadline, name)
        guestlua.sleep(0.02)
      end
      child:kill("INT")
      local code, _, err = child:wait()
      assert.equal(130, code)
      assert.matches("outcome: undone: the guest is on the source host, as before", err, 1, true)
      move:stays(here)
      assert.equal("", move:entries())
    end
  end)

  on_both("is undone by recover where the script was killed on the way, and found finished where it was", function()
    local child <close>, here = move:start("bandwidth = 1")
    moving.await_progress(child)
    child:kill("KILL")
    child:wait()
    local list = guestlua.recover(two[here])
    assert.same({ "live_migrate", "undone: the guest is on the source host, as before" }, { list[1].workflow, list[1].outcome })
    move:stays(here)
    assert.same({}, guestlua.recover(two[here]))

    local code, _, _, there = move:run("", "", "virDomainMigrateToURI3#1:kill:after")
    assert.equal(128 + 9, code)
    list = guestlua.recover(two[here])
    assert.equal("finished: the guest is on " .. two[there].uri, list[1].outcome)
    move:stays(there)
    assert.same({}, guestlua.recover(two[here]))
    assert.equal("", move:entries())
  end)

  on_both("lets a guest go on by recover that stood still when the script was killed", function()
    local code, _, here = move:run("bandwidth = 1, completion_timeout = 1, timeout_action = 'force_complete'", "", "virDomainSuspend#1:kill:after")
    assert.equal(128 + 9, code)
    assert.equal(1, #guestlua.recover(two[here]))
    move:stays(here)
  end)

  on_both("is done where only libvirt's answer was lost", function()
    local code, err, _, there = move:run("", "", "virDomainMigrateToURI3#1:rpc:after")
    assert.same({ 0, "" }, { code, err })
    move:stays(there)
  end)

  on_both("says that it is not known where the guest is, when a host does not answer", function()
    local _, here, there = move:find()
    local code, err = move:run("", "", ("virDomainMigrateToURI3#1:kill=%d:after"):format(move.two:process_of(there, "libvirtd")))
    assert.equal(1, code)
    assert.matches("it is not known where the guest", err, 1, true)
    assert.matches("two running copies", err, 1, true)
    assert.not_equal("", move:entries())
    move.two:answer(there)
    assert.equal("finished: the guest is on " .. two[there].uri, guestlua.recover(two[here])[1].outcome)
    move:stays(there)
    assert.equal("", move:entries())
  end)

  on_both("outlives the libvirtd of either host, with the guest on one", function()
    for _, which in ipairs({ "source", "destination" }) do
      local child <close>, here, there = move:start("bandwidth = 1")
      moving.await_progress(child)
      local dies = which == "source" and here or there
      os.execute("kill -KILL " .. move.two:process_of(dies, "libvirtd"))
      move.two:answer(dies)
      local code, _, err = child:wait()
      assert.equal(1, code)
      assert.matches("step 'migrate'", err, 1, true)
      assert.matches("outcome: undone", err, 1, true)
      move:stays(here)
      assert.equal("", move:entries())
    end
  end)

  -- Each call fails, once: it ends well all the same, or with an error that names the step; and the guest runs on exactly one host.
  on_both("survives that any call fails", function()
    local seen, runs = {}, 0
    local script = [[
      guestlua.journal{dir=%q}
      require("guestlua.workflow.migrate.settle").SECONDS = 8
      local a <close> = guestlua.open(%q)
      local b <close> = guestlua.open(%q)
      local uris = { [a] = %q, [b] = %q }
      local guest, source, destination = a:guest("shared"), a, b
      if not guest then
        guest, source, destination = b:guest("shared"), b, a
      end
      guestlua.workflow.live_migrate(guest, destination, { destination_uri = uris[destination], unsafe = true })
    ]]
    faults.each(script:format(move.journal, two.a.uri, two.b.uri, move:uri("a"), move:uri("b")), {
      timeout = LONG,
      only = function(call)
        seen[call.name] = (seen[call.name] or 0) + 1
        return call.name:find("^virDomain") and call.name ~= "virDomainLookupByName" and seen[call.name] == 1
      end,
    }, function(_, name, code, _, err)
      runs = runs + 1
      assert.is_true(code == 0 or code == 1 and err:find("step '", 1, true) ~= nil, name .. ": " .. err)
      move:stays(move:where():find("^gone") and "b" or "a")
      assert.equal("", move:entries(), name)
    end)
    assert.is_true(runs > 5)
  end)

  on_both("by somebody else is a conflict to a run on the guest, which leaves what the guest needs where it is by then", function()
    local guest <close>, here, there = move:find()
    local image = guest:get_disk("vda").source.file
    local e = helper.failure(workflow.snapshot_then_commit, guest, { during = function()
      guest:migrate(move:uri(there), { flags = { "live", "peer2peer", "persist_dest", "undefine_source", "unsafe" } })
    end })
    assert.same({ "conflict", here == "a" and "gone running" or "running gone" }, { e.kind, move:where() }, tostring(e))
    local moved <close> = two[there]:guest("shared")
    local overlay = moved:get_disk("vda").source.file
    assert.not_equal(image, overlay)
    assert.equal(overlay, e.left[1].path)
    assert.is_not_nil(io.open(overlay)) -- luacheck: ignore
    assert.equal("", move:entries())
    assert.same({}, guestlua.recover(two[there])) -- but the mark, which went with it
    local disk = moved:get_block_device("vda")
    disk:commit(nil, nil, { active = true, shallow = true })
    assert.equal("ready", (disk:await_job({ timeout = LONG })))
    disk:abort_job({ pivot = true })
    assert(os.remove(overlay))
    move:stays(there)
  end)

  on_both("has an example that can be copied", function()
    local _, here, there = move:find()
    local code, out, err = faults.run("examples/live_migrate.lua", {
      uri = two[here].uri,
      args = { "shared", two[there].uri, "64", move:uri(there) },
      env = { UNSAFE = "1", XDG_STATE_HOME = two.dir },
      timeout = LONG,
    })
    assert.equal(0, code, err)
    assert.matches("guest shared runs on " .. there .. ", after", out, 1, true)
    assert.matches("it stood still for %d+ ms", out)
    assert.matches("MiB to go", err, 1, true)
    move:stays(there)
  end)

  describe("between hosts that share no disk", function()
    lazy_setup(function()
      if two then
        two:boot("private", two.dir .. "/own")
      end
    end)

    on_both("copies those that the guest can write to, and names them", function()
      local guest <close>, here, there = move:find("private")
      local disk = two.dir .. "/own/disk.qcow2"
      local code, _, err = helper.run(("sh -c 'cp build/tiny/vmlinuz build/tiny/initrd %s && qemu-img create -q -f qcow2 %s 64M'"):format(
        two:outside(there, two.dir .. "/own"), two:outside(there, disk)))
      assert.same({ 0, "" }, { code, err })
      local other <close> = two[there]:write_instance_config(([[<domain type='qemu'><name>theirs</name><memory>65536</memory>
        <os><type>hvm</type></os><devices><disk type='file'><driver name='qemu' type='qcow2'/><source file='%s'/><target dev='vdb' bus='virtio'/>
        </disk></devices></domain>]]):format(disk))
      local e = helper.failure(workflow.live_migrate, guest, two[there], { destination_uri = move:uri(there), block = true })
      assert.same({ "operation_invalid", "vda", "look" }, { e.kind, e.device, e.step }, tostring(e))
      assert.matches("the guest 'theirs' has " .. disk .. ", which the disk's copy would overwrite", e.message, 1, true)
      other:delete_configuration()
      local most = 0
      local result = workflow.live_migrate(guest, two[there], {
        destination_uri = move:uri(there),
        block = true,
        bandwidth = 64,
        on_progress = function(info)
          most = math.max(most, info.disk_total)
          assert(info.limit == 3200)
        end,
      })
      local arrived <close> = result.arrived
      assert.equal("running", arrived:get_info().domain_state)
      assert.is_true(most > 0)
      assert.equal(27 | 128, asked_flags(here))
      assert.is_true(#two:calls(here, 'params["migrate_disks"]=(string)vda') > 0)
    end)
  end)
end)
