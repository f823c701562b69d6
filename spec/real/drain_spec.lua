-- workflow.drain between two real hosts: all guests go, and what cannot go, fails, is stopped or is killed is named, with each guest on one host.

local guestlua = require("guestlua")
local faults = require("spec.support.faults")
local helper = require("spec.support.helper")
local hosts = require("spec.support.hosts")

local LONG = 120 -- seconds; nothing here should take as long, on however busy a machine

-- What the processor that QEMU emulates has not.
local TOO_NEW = "<domain type='qemu'><name>%s</name><memory unit='MiB'>64</memory><os><type arch='x86_64' machine='q35'>hvm</type></os>"
  .. "<cpu mode='custom' match='exact'><model>Icelake-Server</model></cpu></domain>"

local OFF = "<domain type='qemu'><name>%s</name><memory unit='MiB'>64</memory><os><type arch='x86_64' machine='q35'>hvm</type></os></domain>"

describe("drain", function()
  local here, there = "a", "b" -- the guests are on here, and go there

  -- "one", "own" and "two" run, "own" with its disk where only its own host has it; "off" does not.
  local two, on_both = hosts.of_specs(function(two)
    for _, name in ipairs({ "one", "two" }) do
      two:boot(name, two.dir .. "/" .. name)
    end
    two:boot("own", two.dir .. "/own")
    two.a:write_instance_config(OFF:format("off")):close()
    guestlua.journal({ dir = two.dir .. "/journal" })
  end)
  helper.leaves_nothing()

  local function uri(name)
    return ("qemu+tcp://%s/system"):format(two.address[name])
  end

  local function drain(options)
    options.to, options.unsafe = options.to or { { host = two[there], destination_uri = uri(there) } }, true
    return guestlua.workflow.drain(two[here], options)
  end

  -- The same in a guestlua of its own.
  local function start(options)
    return faults.start(([[
      guestlua.journal{dir=%q}
      local source <close> = guestlua.open(%q)
      local destination <close> = guestlua.open(%q)
      local result = guestlua.workflow.drain(source, { to = { { host = destination, destination_uri = %q } }, unsafe = true, %s })
      print(#result.moved)
    ]]):format(two.dir .. "/journal", two[here].uri, two[there].uri, uri(there), options), { timeout = LONG })
  end

  -- The guests of a host and whether they run: "off one* own* two*".
  local function guests(name)
    local words = {}
    for _, guest in ipairs(two[name]:guests()) do
      words[#words + 1] = guest.name .. (guest:is_active() and "*" or "")
      guest:close()
    end
    table.sort(words)
    return table.concat(words, " ")
  end

  local function names(rows)
    local list = {}
    for i, row in ipairs(rows) do
      list[i] = row.guest
    end
    return table.concat(list, " ")
  end

  local function give_own_disk()
    local from, to = two:outside(here, two.dir .. "/own"), two:outside(there, two.dir .. "/own")
    assert(os.execute(("cp %s/* %s"):format(from, to)))
  end

  local function all_there()
    assert.same({ "", "off one* own* two*" }, { guests(here), guests(there) })
    here, there = there, here
  end

  on_both("refuses before anything moves, and names what cannot", function()
    two[here]:write_instance_config(TOO_NEW:format("new")):close()
    two[there]:write_instance_config(OFF:format("one")):close() -- another guest of this name
    local e = helper.failure(drain, {})
    two[here]:guest("new"):delete_configuration()
    two[there]:guest("one"):delete_configuration()
    assert.same({ "operation_invalid", 2 }, { e.kind, #e.left })
    assert.matches("'one': .*it has another guest of this name", e.message)
    assert.matches("'new': .*its processor cannot do all that the guest's can", e.message)
    for _, twin in ipairs({ here, there }) do -- the same machine by another URI
      local again <close> = guestlua.open((two[twin].uri:gsub("/libvirt%-sock", "/.%0")))
      e = helper.failure(drain, { to = { { host = two[there], destination_uri = uri(there) }, { host = again, destination_uri = uri(twin) } } })
      assert.same({ "bad_argument", "to" }, { e.kind, e.argument })
      assert.matches("is the same machine as", e.message)
    end
    e = helper.failure(drain, { reserve = 1 << 30 })
    assert.equal("one own two", names(e.left))
    assert.matches("it has 0 MiB of memory left, and the guest has 96", e.left[1].why)
    assert.same({ "off one* own* two*", "" }, { guests(here), guests(there) })
  end)

  -- Here is no KVM, which alone gives a guest its host's processor: the question is a real one, and the guest is none.
  on_both("asks whether a host has all that the processor of the other has, for guests that have it as it is", function()
    local processor = require("guestlua.workflow.drain.capacity").processors(two[here])
    local domain = guestlua.element("<domain type='kvm'><os><type arch='x86_64'>hvm</type></os><cpu mode='host-passthrough'/></domain>")
    assert.is_nil(processor(two[there], domain, false))
    assert.equal(0, #two:calls(there, "virConnectCompareCPU:"))
    assert.is_nil(processor(two[there], domain, true))
    assert.is_nil(processor(two[there], domain, true))
    assert.equal(1, #two:calls(there, "virConnectCompareCPU:"))
  end)

  on_both("goes on after a failure, up to a limit, and again from there", function()
    local result = drain({ limit = 1, max_failures = 0 })
    assert.same({ "one", "own", "two off", "", true, false },
      { names(result.moved), names(result.failed), names(result.not_tried), names(result.left), result.changed, result.drained })
    assert.same({ "live_migrate", "undone: the guest is on the source host, as before" },
      { result.failed[1].error.workflow, result.failed[1].error.outcome })
    assert.same({ "running", "gone" }, { result.failed[1].here, result.failed[1].there })
    assert.equal("too many have failed", result.not_tried[1].why)
    assert.same({ "off own* two*", "one*" }, { guests(here), guests(there) })
    result = drain({})
    assert.same({ "own", true, false }, { names(result.failed), result.changed, result.drained })
    assert.same({ "own*", "off one* two*" }, { guests(here), guests(there) })
    give_own_disk()
    result = drain({ to = { { uri = two[there].uri, destination_uri = uri(there), migrate_uri = "tcp://" .. two.address[there] } } })
    assert.same({ "own", "", true, true }, { names(result.moved), names(result.failed), result.changed, result.drained })
    all_there()
    result = guestlua.workflow.drain(two[there], { to = { { host = two[here], destination_uri = uri(here) } } })
    assert.same({ 0, false, true }, { #result.moves, result.changed, result.drained })
  end)

  on_both("counts a move of which it is not known what became as one that failed, and says how the guest is", function()
    local code, out, err = faults.run(([[
      guestlua.journal{dir=%q}
      require("guestlua.workflow.migrate.settle").SECONDS = 2
      local source <close> = guestlua.open(%q)
      local destination <close> = guestlua.open(%q)
      local result = guestlua.workflow.drain(source, { to = { { host = destination, destination_uri = %q } }, unsafe = true,
        limit = 1, max_failures = 0 })
      local row = result.failed[1]
      print(#result.moved, #result.failed, #result.not_tried, result.not_tried[1].why, result.changed)
      print(row.error.kind, row.here, row.there)
    ]]):format(two.dir .. "/journal", two[here].uri, two[there].uri, uri(there)),
      { timeout = LONG, fault = ("virDomainMigrateToURI3#1:kill=%d:after"):format(two:process_of(there, "libvirtd")) })
    assert.same({ 0, "0\t1\t3\ttoo many have failed\ttrue\njob_unknown\tgone\tunknown\n" }, { code, out }, err)
    two:answer(there)
    assert.equal("finished: the guest is on " .. two[there].uri, guestlua.recover(two[here])[1].outcome)
    assert.same({ true, true }, { drain({}).drained, guests(here) == "" })
    all_there()
  end)

  on_both("is killed on the way, and run again", function()
    local child <close> = start("bandwidth = 1, limit = 3")
    helper.await(function()
      return child:has_called("virDomainGetJobStats", 12)
    end, "the guests to be on the way", LONG)
    child:kill("KILL")
    child:wait()
    local result = drain({})
    assert.same({ true, "" }, { result.drained, names(result.failed) })
    assert.equal(3, #result.recovered)
    for _, one in ipairs(result.recovered) do
      assert.same({ "live_migrate", "undone: the guest is on the source host, as before" }, { one.workflow, one.outcome })
    end
    all_there()
  end)

  on_both("takes the moves back that are under way when it has to stop, or its time is over", function()
    local child <close> = start("bandwidth = 1, limit = 2")
    helper.await(function()
      return child:has_called("virDomainGetJobStats", 8)
    end, "the guests to be on the way", LONG)
    child:kill("INT")
    local code, _, err = child:wait()
    assert.equal(130, code)
    assert.matches("outcome: 0 of 4 guests were moved; '%l+': undone: the guest is on the source host, as before; '%l+': undone: the guest", err)
    assert.same({ "off one* own* two*", "" }, { guests(here), guests(there) })
    local result = drain({ bandwidth = 1, limit = 2, timeout = 4 })
    assert.same({ "", 2, "two off", "the time is over", false }, { names(result.moved), #result.failed, names(result.not_tried),
      result.not_tried[1].why, result.changed })
    for _, row in ipairs(result.failed) do
      assert.same({ "timeout", "undone: the guest is on the source host, as before" }, { row.error.kind, row.error.outcome })
    end
    assert.same({ "off one* own* two*", "" }, { guests(here), guests(there) })
  end)

  on_both("goes without a host that does not answer, and names it", function()
    local daemon = two:process_of(there, "libvirtd")
    finally(function()
      os.execute("kill -CONT " .. daemon)
    end)
    -- The test driver's host, which gets nothing, as this is a plan, has no memory left; a guest that is off needs none.
    local child <close> = faults.start(([[
      local source <close> = guestlua.open(%q)
      local slow <close> = guestlua.open(%q)
      os.execute("kill -STOP %d")
      local destination <close> = guestlua.open("test:///default")
      require("guestlua.workflow.drain.plan").ANSWER = 2
      guestlua.dry_run(true)
      local result = guestlua.workflow.drain(source, { on_stuck = "leave",
        to = { { host = slow, destination_uri = %q }, { host = destination, destination_uri = "test+tcp://other/default" } } })
      print(#result.moves, result.moves[1].to, #result.problems, result.problems[1].host == slow.uri, result.problems[1].error.kind)
      os.execute("kill -CONT %d")
    ]]):format(two[here].uri, two[there].uri, daemon, uri(there), daemon), { timeout = LONG })
    local code, out, err = child:wait()
    assert.same({ 0, "1\ttest:///default\t1\ttrue\ttimeout\n" }, { code, out }, err)
  end)

  describe("moves a guest that is off by offline_migrate, which", function()
    local function migrate(fault)
      return faults.run(([[
        guestlua.journal{dir=%q}
        local source <close> = guestlua.open(%q)
        local destination <close> = guestlua.open(%q)
        local result = guestlua.workflow.offline_migrate(source:guest("off"), destination, { destination_uri = %q })
        print(result.destination == destination.uri and result.arrived.name)
        result.arrived:close()
      ]]):format(two.dir .. "/journal", two[here].uri, two[there].uri, uri(there)), { timeout = LONG, fault = fault })
    end

    local function off()
      local words = {}
      for i, name in ipairs({ here, there }) do
        words[i] = guests(name):find("off", 1, true) and "yes" or "no"
      end
      return table.concat(words, " ")
    end

    -- To where it came from, for the next one.
    local function back()
      local guest <close> = two[there]:guest("off")
      guestlua.workflow.offline_migrate(guest, two[here], { destination_uri = uri(here) }).arrived:close()
    end

    on_both("defines it there and here no more", function()
      local code, out, err = migrate()
      assert.same({ 0, "off\n", "" }, { code, out, err })
      assert.equal("no yes", off())
      back()
      assert.equal("yes no", off())
    end)

    on_both("is done although libvirt's answer was lost, or the script was killed by then", function()
      local code, out, err = migrate("virDomainMigrateToURI3#1:rpc:after")
      assert.same({ 0, "off\n", "" }, { code, out, err })
      back()
      assert.equal(128 + 9, (migrate("virDomainMigrateToURI3#1:kill:after")))
      local list = guestlua.recover(two[here])
      assert.same({ "offline_migrate", "finished: the guest is on the destination" }, { list[1].workflow, list[1].outcome })
      assert.equal("no yes", off())
      back()
    end)

    on_both("leaves it on one host, whatever fails", function()
      local code, _, err = migrate("virDomainMigrateToURI3#1:internal_error")
      assert.equal(1, code)
      assert.matches("outcome: undone: the guest is on the source host, as before", err, 1, true)
      assert.equal("yes no", off())
      assert.equal(128 + 9, (migrate("virDomainMigrateToURI3#1:kill")))
      local guest <close> = two[here]:guest("off") -- a source that dies on the way leaves both with it
      guest:migrate(uri(there), { flags = { "offline", "peer2peer", "persist_dest" } })
      assert.equal("yes yes", off())
      assert.equal("undone: the guest is on the source host, as before", guestlua.recover(two[here])[1].outcome)
      assert.equal("yes no", off())
      two[there]:write_instance_config(guest:get_xml_desc()):close() -- one that was there before stays
      assert.equal(1, (migrate("virDomainMigrateToURI3#1:internal_error")))
      assert.equal("yes yes", off())
      assert.equal(0, (migrate()))
      assert.equal("no yes", off())
      back()
    end)

    on_both("leaves there what somebody else has defined or started meanwhile, and names it", function()
      local other = "undone: the guest is on the source host, as before; on " .. two[there].uri .. " is a guest of its UUID that this run did not "
        .. "bring there: it stays"
      local guest <close> = two[here]:guest("off")
      local function meanwhile(xml, starts)
        assert.equal(128 + 9, (migrate("virDomainMigrateToURI3#1:kill")))
        local theirs <close> = two[there]:write_instance_config(xml)
        if starts then
          theirs:launch()
        end
        assert.equal(other, guestlua.recover(two[here])[1].outcome)
        assert.equal("yes yes", off())
        if starts then
          theirs:poweroff()
        end
        theirs:delete_configuration()
      end
      local domain = guestlua.element(guest:get_xml_desc())
      domain.description = { "somebody else's" }
      meanwhile(tostring(domain), false)
      meanwhile(guest:get_xml_desc(), true)
      assert.same({}, guestlua.recover(two[here]))
    end)
  end)
end)
