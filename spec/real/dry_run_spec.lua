local core = require("guestlua.core")
local guestlua = require("guestlua")
local faults = require("spec.support.faults")
local helper = require("spec.support.helper")
local objects = require("spec.support.objects")

-- Every row of the core that is written by hand and changes nothing but this process. A new one has to be named here, or to have `.changes = true`.
-- Of those that are generated src/virt/calls says it.
local READS = {
  ["guestlua.open"] = true,
  ["Host.guest"] = true, ["Host.guests"] = true, ["Host.hostname"] = true, ["Host.is_alive"] = true, ["Host.libvirt_version"] = true,
  ["Host.reconnect"] = true, ["Host.subscribe"] = true,
  ["Guest.get_all_devices"] = true, ["Guest.get_all_disks"] = true, ["Guest.get_config"] = true, ["Guest.get_device_by_alias"] = true,
  ["Guest.get_disk"] = true, ["Guest.get_disk_errors"] = true, ["Guest.get_info"] = true, ["Guest.get_interface_by_mac"] = true,
  ["Guest.get_interfaces"] = true, ["Guest.get_job_info"] = true, ["Guest.get_metadata"] = true, ["Guest.get_power_state"] = true,
  ["Guest.get_snapshot_names"] = true, ["Guest.get_snapshot_descriptions"] = true, ["Guest.get_state"] = true,
  ["Guest.get_guest_info"] = true,
  ["Guest.get_backup_xml"] = true, ["Guest.get_checkpoint_names"] = true, ["Guest.get_checkpoint_xml"] = true,
  ["Guest.get_vcpus"] = true, ["Guest.get_xml_desc"] = true, ["Guest.has_persistent_configuration"] = true, ["Guest.is_active"] = true,
  ["Guest.subscribe"] = true,
  ["Host.get_all_domain_stats"] = true, ["Host.get_cells_free_memory"] = true, ["Host.get_cpu_map"] = true, ["Host.get_cpu_stats"] = true,
  ["Host.get_free_pages"] = true, ["Host.get_memory_stats"] = true, ["Host.stats"] = true,
  ["Domain.block_peek"] = true, ["Domain.get_cpu_stats"] = true, ["Domain.get_emulator_pin_info"] = true, ["Domain.get_fs_info"] = true,
  ["Domain.get_iothread_info"] = true, ["Domain.get_security_label_list"] = true, ["Domain.get_stats"] = true, ["Domain.stats"] = true,
  ["Domain.get_vcpu_pin_info"] = true, ["Domain.interface_addresses"] = true, ["Domain.memory_peek"] = true, ["Domain.memory_stats"] = true,
  ["Domain.screenshot"] = true, ["StorageVol.download"] = true,
  ["Network.subscribe"] = true, ["StoragePool.subscribe"] = true, ["NodeDevice.subscribe"] = true, ["Secret.subscribe"] = true,
  ["Network.get_dhcp_leases"] = true, ["Network.leases"] = true, ["NodeDevice.list_caps"] = true, ["Secret.get_value"] = true,
  ["BlockDevice.block_stats"] = true, ["BlockDevice.blockStats"] = true, ["BlockDevice.get_job_info"] = true,
  ["BlockDevice.get_block_info"] = true,
  ["BlockDevice.is_job_complete"] = true, ["BlockDevice.wait_for_job"] = true,
  ["Element.validate"] = true,
}

local function rows()
  local documentation, list = core.documentation(), {}
  local function add(owner, defs)
    for _, def in ipairs(defs) do
      list[owner .. "." .. def.name] = def
    end
  end
  add("guestlua", documentation.functions)
  for _, class in ipairs(documentation.classes) do
    add(class.name, class.methods)
    add(class.name, class.fields)
  end
  return list
end

-- Runs a script in a dry run, with its calls seen.
local function run(script)
  local code, out, err, calls = faults.run([[
    guestlua.dry_run(true)
    local host <close> = guestlua.open("test:///default")
    local guest = host:guest("test")
  ]] .. script)
  assert.equal(0, code, err)
  local lines = {}
  for line in err:gmatch("[^\n]+") do
    lines[#lines + 1] = line:gsub("^20%S+Z ", "")
  end
  return out, lines, calls
end

describe("Each call", function()
  it("is known to be one that changes something, or one that does not", function()
    local found = {}
    for name, def in pairs(rows()) do
      found[name] = def.calls and not def.changes and not objects.generated[name] or nil
      assert.is_false(def.changes and not def.calls, name)
      local kind = objects.generated[name] and objects.generated[name][1]
      assert.is_true(not kind or (kind ~= "look" and kind ~= "read") == def.changes, name)
    end
    assert.same(READS, found)
  end)
end)

-- Calls every method that changes something, with arguments that are right, and says what it answered.
local EVERY = [==[
  local core = require("guestlua.core")
  local shared = require("spec.support.objects")
  local writable = guestlua.open("test:///default")
  local objects = shared.make(writable)
  guestlua.dry_run(true)
  local some = { string = "x", integer = 1, number = 1, ["Element or XML text"] = "<x/>", ["integer or list of names"] = 0, boolean = true,
    bytes = "x", ["list of integers"] = { 1 }, ["list of strings"] = { "x" }, StorageVol = objects.StorageVol,
    ["file or list of files"] = io.stdin, Host = writable }
  local function some_of(class, def, param, arguments)
    if param.type == "table" then -- of typed parameters: the first one, with a value of its type
      for _, value in ipairs({ 1, "x", true }) do
        local all = table.move(arguments, 1, #arguments, 1, {})
        all[#all + 1] = { [param.choices[1]] = value }
        local ok, e = pcall(core[class.name][def.name], objects[class.name], table.unpack(all))
        if ok or e.kind ~= "bad_argument" then
          held = held + 1
          return all[#all]
        end
      end
    end
    return param.choices and param.type == "string" and param.choices[1] or some[param.type]
  end
  for _, class in ipairs(core.documentation().classes) do
    for _, def in ipairs(class.methods) do
      local arguments = {}
      local last = 0 -- what is optional may stand before what is not
      for i, param in ipairs(def.params) do
        last = param.positional and param.required and i or last
      end
      for i, param in ipairs(def.params) do
        if i <= last then
          arguments[#arguments + 1] = def.changes and objects[class.name] and some_of(class, def, param, arguments)
        end
      end
      if def.changes and not shared.elsewhere[class.name] then
        local object = objects[class.name]
        local results = table.pack(pcall(core[class.name][def.name], object, table.unpack(arguments)))
        local e = results[2]
        print(class.name .. "." .. def.name, results.n - 1, results[1] and tostring(e) or e.kind)
      end
    end
  end
  print(objects.Guest:get_info().domain_state, #writable:guests(), held)
]==]

describe("A dry run", function()
  helper.leaves_nothing()

  it("makes no call that changes something, says which it would have made, and answers", function()
    local code, out, err, calls = faults.run("held = 0\n" .. EVERY)
    assert.equal(0, code, err)
    local lines = {}
    for line in err:gmatch("info dry run: [^\n]+") do
      lines[#lines + 1] = line
    end
    local answers, held = {}, {}
    for name, count, answer in out:gmatch("(%S+)\t(%d+)\t(%S+)\n") do
      answers[name] = { tonumber(count), answer }
    end
    for i, line in ipairs(lines) do
      held[line:match("^info dry run: (%w+)")] = i
    end
    local number, made = 0, { virStorageVolCreateXML = true, virDomainSnapshotCreateXML = true, virDomainCheckpointCreateXML = true,
      virDomainCreateXML = true } -- before it
    for name, def in pairs(rows()) do
      if def.changes and not objects.elsewhere[name:match("^%w+")] then
        number = number + 1
        local first = def.result and def.result[1]:match("%w+")
        local expected = not first and { 0, "nil" } or first == "integer" and { 1, "0" } or first == "boolean" and { 1, "true" }
        assert.same(expected or { 1, "dry_run" }, answers[name], name)
        assert.is_truthy(held[def.call], def.call)
        for _, call in ipairs(calls) do
          assert.is_true(def.call ~= call.name or made[def.call] or false, def.call)
        end
      end
    end
    assert.is_true(number > 25)
    local tried = tonumber(out:match("running\t2\t(%d+)\n$")) -- to find a value that fits
    assert.equal(number + tried, #lines)
  end)

  it("writes out the call, the guest, the flags by their names, and the XML", function()
    local _, lines = run([[
      guest:launch({ pause = true })
      guest:attach_device("<graphics type='vnc' passwd='x'>\n  <listen type='none'/>\n</graphics>", { live = true, persistent = true })
      guest:get_block_device("vda"):commit("/a", "/b", { active = true, shallow = true, bandwidth = 3 })
      guest:migrate("qemu+tls://other/system", { flags = { "live", "peer2peer" }, migrate_disks = { "vda" } })
      pcall(host.write_instance_config, host, guestlua.element("domain", { type = "test" }))
    ]])
    assert.same({
      "info dry run: virDomainCreateWithFlags op=launch guest=test flags=pause",
      'info dry run: virDomainAttachDeviceFlags op=attach_device guest=test conf=<graphics type="vnc" passwd="***"><listen type="none"/></graphics> '
        .. "flags=persistent|live",
      "info dry run: virDomainBlockCommit op=commit guest=test device=vda base=/a top=/b bandwidth=3 flags=active|shallow",
      "info dry run: virDomainMigrateToURI3 op=migrate guest=test destination=qemu+tls://other/system migrate_disks=vda flags=live|peer2peer",
      'info dry run: virDomainDefineXML (refused) op=write_instance_config host=test:///default xml=<domain type="test"/>',
    }, lines)
  end)

  it("opens read-only connections only", function()
    local out = run([[
      print(guestlua.dry_run(), guestlua.dry_run(false))
      local other <close> = guestlua.open("test:///default", { readonly = false, timeout = 60 })
      require("guestlua.core").dry_run(false) -- nobody hears of that
      for _, host in ipairs({ host, other }) do
        print(select(2, pcall(function() host:guest("test"):pause() end)).kind)
      end
    ]])
    assert.equal("true\ttrue\noperation_denied\noperation_denied\n", out)
  end)

  it("answers bad input, and what is closed, as ever", function()
    local out = run([[
      print(select(2, pcall(guest.launch, guest, { paus = true })).kind)
      print(select(2, pcall(guest.attach_device, guest)).kind)
      guest:close()
      print(select(2, pcall(guest.launch, guest)).kind)
    ]])
    assert.equal("bad_argument\nbad_argument\nclosed\n", out)
  end)

  it("refuses what needs an answer, and says why", function()
    local out = run([[
      for _, fn in ipairs({
        function() guestlua.Guest.create("<domain type='test'/>", host) end,
        function() guest:exec("/bin/true") end,
      }) do
        local ok, e = pcall(fn)
        print(ok, e.kind, e.call, e.message)
      end
      print(select(2, pcall(guest.exec, guest, "/bin/true")))
    ]])
    assert.matches("false\tdry_run\tvirDomainDefineXML\ta dry run does not make this call, and cannot say what would come back %(Guest%)\n", out)
    assert.matches("false\tdry_run\tvirDomainQemuAgentCommand\t", out)
    assert.matches("guest 'test': agent_command: a dry run .*virDomainQemuAgentCommand: dry_run on test:///default", out)
  end)

  it("lets await_job answer for the jobs that were not started", function()
    local out, lines = run([[
      local disk = guest:get_block_device("vda")
      for _, start in ipairs({
        function() disk:commit("/a", "/b") end, function() disk:commit(nil, nil, { active = true }) end,
        function() disk:rebase() end, function() disk:rebase("/x", { copy = true }) end, function() disk:copy("<disk/>") end,
      }) do
        start()
        local first = disk:await_job({ timeout = 5 })
        if first == "ready" then
          disk:abort_job({ pivot = true })
          print(first, disk:await_job())
        else
          print(first)
        end
      end
      disk:copy("<disk/>")
      disk:abort_job()
      print(disk:await_job())
    ]])
    assert.equal("completed\nready\tcompleted\ncompleted\nready\tcompleted\nready\tcompleted\ncanceled\n", out)
    assert.equal("info dry run: await_job device=vda guest=test result=completed", lines[2])
  end)

  it("waits for nothing that will not come", function()
    local began = guestlua.now()
    local out = run([[
      local device = "<interface type='network'><mac address='52:54:00:00:00:01'/></interface>"
      local gone = guest:detach_device_with_retry(function() return device end, "net0", true, true)
      gone()
      do local frozen <close> = guest:frozen({ timeout = 3 }) end
      do local paused <close> = guest:paused() end
      guest:enable_hairpin()
      print(guest:is_active())
    ]])
    assert.equal("true\n", out)
    assert.is_true(guestlua.now() - began < 60)
  end)

  it("ends in a plan, with secrets masked", function()
    local out = run([[
      guestlua.log.configure({ handler = function() end })
      guest:attach_device("<graphics type='vnc' passwd='secret0'/>", { live = true })
      guestlua.workflow.reboot(guest, { timeout = 7 })
      pcall(host.write_instance_config, host, "<domain type='test'/>")
      guest:get_block_device("vda"):rebase()
      guest:get_block_device("vda"):await_job()
      for i, entry in ipairs(guestlua.plan()) do
        local names = {}
        for _, name in ipairs({ "call", "op", "host", "guest", "device", "workflow", "step", "refused", "undoing", "waits_for" }) do
          names[#names + 1] = entry[name] ~= nil and name .. "=" .. tostring(entry[name]) or nil
        end
        print(table.concat(names, " "), entry.arguments and (entry.arguments.conf or entry.arguments.xml))
      end
    ]])
    assert.equal([[
call=virDomainAttachDeviceFlags op=attach_device host=test:///default guest=test	<graphics type="vnc" passwd="***"/>
call=virDomainShutdown op=shutdown host=test:///default guest=test workflow=reboot step=shutdown ]]
      .. [[waits_for=the guest to be off, asked again each 10 s, 7 s at most	nil
call=virDomainCreateWithFlags op=launch host=test:///default guest=test workflow=reboot step=launch ]]
      .. [[waits_for=the guest to run, 60 s at most	nil
call=virDomainDefineXML op=write_instance_config host=test:///default refused=true	<domain type="test"/>
call=virDomainBlockRebase op=rebase host=test:///default guest=test device=vda waits_for=the job of vda: completed	nil
]], out)
  end)

  it("has a plan of what is taken back as well", function()
    local out = run([[
      guestlua.log.configure({ handler = function() end })
      local ok, e = pcall(guestlua.workflow.reboot, guest, { timeout = 0 })
      print(ok, ok and #e.plan)
      package.loaded["guestlua.workflow.power.up"].await_running = function() error("broken") end
      ok, e = pcall(guestlua.workflow.reboot, guest)
      print(ok, #e.plan, e.plan[2].step, e.plan[2].undoing)
    ]])
    assert.matches("^true\t2\nfalse\t%d\tlaunch\tnil\n$", out)
  end)

  it("makes no directory for the embedded driver", function()
    local dir = os.tmpname()
    os.remove(dir)
    local out = run(([[print(select(2, pcall(guestlua.embedded, %q)).kind)]]):format(dir))
    assert.equal("dry_run\n", out)
    assert.is_nil(io.open(dir))
  end)

  it("changes nothing in a real guest either", function()
    local machine <close> = require("spec.support.tiny").boot()
    local before = machine.guest:get_xml_desc()
    core.dry_run(true)
    local undo <close> = setmetatable({}, { __close = function() core.dry_run(false) end })
    guestlua.log.configure({ handler = function() end })
    finally(function()
      guestlua.log.configure({ handler = function(_, line) io.stderr:write(line, "\n") end })
    end)
    local host <close> = guestlua.open(machine.host.uri)
    local guest = host:guest(machine.name)
    for _, name in ipairs({ "poweroff", "shutdown", "pause", "save_memory_state", "inject_nmi", "announce_self", "delete_configuration" }) do
      guest[name](guest)
    end
    assert.is_true(guest:is_active())
    assert.equal(before, guest:get_xml_desc())
    assert.equal(guest:get_xml_desc(), guest:get_xml_desc({ dump_sensitive = true })) -- no secret is in it, and it is no error
  end)
end)
