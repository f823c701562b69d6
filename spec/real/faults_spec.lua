-- The faults themselves: other specs rely on them.

local guestlua = require("guestlua")
local faults = require("spec.support.faults")
local helper = require("spec.support.helper")

local power = guestlua.power_state

local function names(calls)
  local list = {}
  for i, call in ipairs(calls) do
    list[i] = call.name
  end
  return list
end

describe("A fault", function()
  helper.leaves_nothing()

  -- libvirt's own test driver: what a call does is seen, and no other process has a part in it.
  local PAUSE = [[
    local host <close> = guestlua.open("test:///default")
    local guest = host:guest("test")
    local ok, e = pcall(guest.pause, guest)
    print(guest:get_power_state(), ok or e.kind, ok or e.message)
  ]]

  local function answer(state, result, message)
    return ("%d\t%s\t%s\n"):format(state, result, message)
  end

  it("is not there unless it is asked for", function()
    local code, out, err, calls = faults.run(PAUSE)
    assert.same({ 0, answer(power.PAUSED, "true", "true"), "" }, { code, out, err })
    assert.equal("virConnectOpenAuth", calls[1].name)
    assert.equal("test:///default", calls[1].guest)
    local all = names(calls)
    assert.same({ "virDomainLookupByName", "virDomainSuspend", "virDomainGetInfo" }, { table.unpack(all, #all - 2) })
    assert.equal("test", calls[#calls].guest)
    for k, call in ipairs(calls) do
      assert.equal(k, call.index)
      assert.is_nil(call.fault)
    end
  end)

  it("is a call that fails without being made", function()
    local code, out, _, calls = faults.run(PAUSE, { fault = "virDomainSuspend#1:operation_timeout" })
    local suspend = calls[#calls - 1]
    assert.equal(0, code)
    assert.equal(answer(power.RUNNING, "operation_timeout", "injected: virDomainSuspend, call " .. suspend.index), out)
    assert.equal("fail", suspend.fault)
    local _, the_same = faults.run(PAUSE, { fault = suspend.index .. ":68" }) -- by their numbers
    assert.equal(out, the_same)
  end)

  it("is a call that is made, and the answer is lost", function()
    local _, out, _, calls = faults.run(PAUSE, { fault = "virDomainSuspend#1:rpc:after" })
    assert.equal("fail:after", calls[#calls - 1].fault)
    assert.equal(answer(power.PAUSED, "rpc", "injected: virDomainSuspend, call " .. calls[#calls - 1].index), out)
  end)

  it("can be one of several, and can stay", function()
    local _, out = faults.run([[
      local host <close> = guestlua.open("test:///default")
      local guest = host:guest("test")
      for i = 1, 4 do
        local ok, e = pcall(host.guest, host, "test")
        print(select(2, pcall(guest.get_xml_desc, guest)).kind, not ok and e.kind or nil)
      end
    ]], { fault = { "virDomainGetXMLDesc#*:rpc", "virDomainLookupByName#2:no_connect", "virDomainLookupByName#4+:system_error" } })
    assert.equal("rpc\tno_connect\nrpc\tnil\nrpc\tsystem_error\nrpc\tsystem_error\n", out)
  end)

  it("is a call that takes long", function()
    local code, out, _, calls = faults.run(PAUSE, { fault = "virDomainSuspend#1:hang=1" })
    assert.same({ 0, answer(power.PAUSED, "true", "true") }, { code, out })
    assert.equal("hang", calls[#calls - 1].fault)
  end)

  it("leaves the child to its spec while a call hangs", function()
    local child <close> = faults.start(PAUSE, { fault = "virDomainSuspend#1:hang=600" })
    local deadline = guestlua.now() + 120
    local function last()
      local calls = child:calls()
      return calls[#calls]
    end
    while not (last() and last().name == "virDomainSuspend") do
      assert.is_true(guestlua.now() < deadline)
      guestlua.sleep(0.01)
    end
    child:kill()
    assert.equal(128 + 9, (child:wait()))
    assert.equal("virDomainSuspend", last().name)
  end)

  it("lets a child that takes too long be killed", function()
    assert.equal("timeout", (faults.run("guestlua.sleep(600)", { timeout = 1 })))
  end)

  it("is the end of the process, before the call and after it", function()
    for _, fault in ipairs({ "virDomainSuspend#1:kill", "virDomainSuspend#1:kill:after" }) do
      local code, out, _, calls = faults.run(PAUSE, { fault = fault })
      assert.same({ 128 + 9, "" }, { code, out })
      assert.equal("virDomainSuspend", calls[#calls].name)
      assert.equal(fault:match("kill.*"), calls[#calls].fault)
    end
  end)

  it("is refused where it says nothing", function()
    for _, fault in ipairs({
      "virDomainSuspend#1", "virDomainSuspend:1", "virDomainSuspnd#1:1", "virDomainGetName#1:1", "1", "0:1", "-1:1", "1:0", "1:no_such_kind",
      "1:1:before", "1:1:after:after", "1:hang", "1:hang=601", "1:hang=x", "1:kill=", "1:kill=0",
      "event:lifecycle", "event:no_such_kind#1", "event:lifecycle#1:rpc", "event:lifecycle#1:kill:after",
    }) do
      local code, out, err = faults.run("print('it ran')", { fault = fault })
      assert.same({ 120, "", ("faults: not a fault: '%s'\n"):format(fault) }, { code, out, err })
    end
  end)

  it("is counted in all threads", function()
    local code, _, err, calls = faults.run([[
      local host <close> = guestlua.open("test:///default")
      local tasks = {}
      for i = 1, 20 do
        tasks[i] = guestlua.spawn(function()
          for _ = 1, 20 do
            host:guest("test"):get_xml_desc()
          end
        end)
      end
      for _, task in ipairs(tasks) do
        task:wait()
      end
    ]])
    assert.same({ 0, "" }, { code, err })
    local each = {}
    for k, call in ipairs(calls) do
      assert.equal(k, call.index)
      each[call.name] = (each[call.name] or 0) + 1
    end
    assert.equal(400, each.virDomainGetXMLDesc)
    assert.equal(400, each.virDomainLookupByName)
  end)

  it("meets each call of a script in turn", function()
    local seen, runs = {}, 0
    local count = faults.each(PAUSE, { only = "^virDomain", what = "operation_invalid", before = function() runs = runs + 1 end },
      function(k, name, code, out, err, calls)
        assert.equal(name, calls[k].name)
        assert.equal("fail", calls[k].fault)
        assert.equal(name == "virDomainSuspend" and 0 or 1, code)
        assert.is_truthy((out .. err):find(("injected: %s, call %d"):format(name, k), 1, true))
        seen[#seen + 1] = name
      end)
    assert.same({ "virDomainLookupByName", "virDomainSuspend", "virDomainGetInfo" }, seen)
    assert.same({ 3, 4 }, { count, runs })
    assert.equal(1, faults.each(PAUSE, { only = { "virDomainGetInfo" } }, function() end))
  end)

  it("leaves nothing of an answer that is lost", function() -- which the address sanitizer would see
    local lost = 0
    faults.each([[
      local ok, host = pcall(guestlua.open, "test:///default")
      if not ok then
        return
      end
      pcall(host.guests, host)
      pcall(host.subscribe, host, "lifecycle")
      pcall(host.subscribe, host, "lifecycle")
      local found, guest = pcall(host.guest, host, "test")
      if found then
        pcall(guest.get_xml_desc, guest)
        pcall(guest.get_power_state, guest)
      end
    ]], { what = "rpc:after" }, function(k, name, code, out, err, calls)
      assert.same({ 0, "", "" }, { code, out, err })
      assert.same({ name, "fail:after" }, { calls[k].name, calls[k].fault })
      lost = lost + 1
    end)
    assert.is_true(lost >= 7)
  end)

  it("is met by what guestlua calls, and not by what libvirt calls of itself", function()
    local dir = os.tmpname()
    os.remove(dir)
    local undo <close> = setmetatable({}, { __close = function() os.execute("rm -rf " .. helper.quoted(dir)) end })
    local code, _, err, calls = faults.run("local host <close> = guestlua.embedded(...) print(#host:guests())", { args = { dir } })
    assert.same({ 0, "" }, { code, err })
    local opened = 0
    for _, call in ipairs(calls) do
      opened = opened + (call.name == "virConnectOpen" and 1 or 0) -- the driver opens others for secrets and storage
    end
    assert.equal(1, opened)
  end)
end)

describe("A daemon to be killed", function()
  helper.leaves_nothing()

  local machine, on_daemon = faults.machine({ fresh = true })

  local SNAPSHOT = [[
    local host <close> = guestlua.open()
    host:guest("tiny"):snapshot(guestlua.element("domainsnapshot", {
      disks = { disk = { name = "vda", snapshot = "external", source = { file = ... } } },
    }), { disk_only = true, no_metadata = true })
  ]]

  local function snapshot(fault)
    return faults.run(SNAPSHOT, { uri = machine.uri, args = { machine.dir .. "/top" }, fault = fault })
  end

  on_daemon("has a guest that children work on while the spec looks at it", function()
    assert.equal("tiny", machine:sh("echo tiny"))
    assert.same({ machine.disk }, machine:chain())
    assert.equal(1, (snapshot("virDomainSnapshotCreateXML#1:operation_failed")))
    assert.same({ machine.disk }, machine:chain())
    assert.equal(1, (snapshot("virDomainSnapshotCreateXML#1:operation_failed:after")))
    assert.same({ machine.dir .. "/top", machine.disk }, machine:chain())
  end)

  on_daemon("is reset from whatever was done to it", function()
    local uuid = machine.guest.uuid
    local function fresh()
      machine:reset()
      assert.equal(uuid, machine.guest.uuid)
      assert.equal(power.RUNNING, machine.guest:get_power_state())
      assert.same({ machine.disk }, machine:chain())
      assert.equal("", machine:sh("ls /data | grep -v lost+found || :"))
    end
    machine:sh("echo x >/data/x; sync")
    assert.equal(0, (snapshot()))
    machine.guest:pause()
    fresh()
    machine:sh("echo x >/data/x")
    machine.guest:freeze_filesystems()
    fresh()
    assert.equal("written", machine:sh("touch /data/x; sync; echo written"))
    machine.guest:poweroff()
    fresh()
    machine.guest:delete_configuration()
    machine.guest:poweroff()
    fresh()
    machine:stop({ kill = true })
    fresh()
  end)

  on_daemon("keeps an event from those who wait for it", function()
    local script = [[
      local host <close> = guestlua.open()
      local guest = host:guest("tiny")
      local events <close> = guest:subscribe("lifecycle")
      guest:pause()
      guest:resume()
      print(events:next(120).type)
    ]]
    local _, out, _, calls = faults.run(script, { uri = machine.uri })
    assert.equal("suspended\n", out)
    assert.is_nil(calls.events[1].fault)
    _, out, _, calls = faults.run(script, { uri = machine.uri, fault = "event:lifecycle#1" })
    assert.equal("resumed\n", out)
    assert.same({ name = "lifecycle", guest = "tiny", fault = "lose" }, calls.events[1])
    assert.equal(128 + 9, (faults.run(script, { uri = machine.uri, fault = "event:lifecycle#1:kill" })))
  end)

  on_daemon("keeps every event of a job from those who wait for it, and the job goes on", function()
    assert.equal(0, (snapshot()))
    local code, _, err, calls = faults.run([[
      local host <close> = guestlua.open()
      local disk = host:guest("tiny"):get_block_device("vda")
      disk:commit(nil, nil, { active = true, shallow = true })
      while not disk:is_job_complete() do
        guestlua.sleep(0.05)
      end
      disk:abort_job({ pivot = true })
    ]], { uri = machine.uri, fault = "event:block_job_2#*" })
    assert.same({ 0, "" }, { code, err })
    local on_disk = {}
    for _, call in ipairs(calls) do
      on_disk[call.name] = call.device
    end
    assert.same({ "vda", "vda" }, { on_disk.virDomainBlockCommit, on_disk.virDomainBlockJobAbort })
    assert.same({ name = "block_job_2", guest = "tiny", device = "vda", fault = "lose" }, calls.events[1])
    assert.same({ machine.disk }, machine:chain())
  end)

  on_daemon("is killed and comes back, and its guest goes on", function()
    local id, pid = machine.guest.id, machine.pid
    machine:sh("echo kept >/tmp/x")
    machine:restart({ kill = true })
    assert.not_equal(pid, machine.pid)
    assert.equal(id, machine.guest.id)
    assert.equal("kept", machine:sh("cat /tmp/x"))
    machine:restart()
    assert.equal("kept", machine:sh("cat /tmp/x"))
  end)

  on_daemon("is killed in the middle of a script", function()
    for _, when in ipairs({ "", ":after" }) do
      local fault = ("virDomainSnapshotCreateXML#1:kill=%d%s"):format(machine.pid, when)
      local code, _, err = snapshot(fault)
      machine:restart()
      assert.equal(when == "" and 1 or 0, code, err)
      assert.equal(when == "" and 1 or 2, #machine:chain())
    end
  end)
end)
