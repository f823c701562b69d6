-- What libvirt is really asked: one row a case, the method's call and what libvirt's own log then has to say. libvirt writes each public call as it
-- is entered, on any driver, so the test driver will do; most of these calls end there with "not supported". libvirt reads the log's settings when
-- it starts, so a child makes the calls. All numbers are written here as the reference has them, and come from nowhere in our source.

local helper = require("spec.support.helper")

-- Reads calls from standard input, one a line, makes them, and writes what was logged meanwhile. The log is written before the call returns.
local CHILD = [==[
local guestlua = require("guestlua")
local log = assert(io.open(arg[1]))
local host = guestlua.open("test:///default")
local guest = host:guest("test")
local domain = "<domain type='test'><name>%s</name><memory>1024</memory><vcpu>1</vcpu><os><type>hvm</type></os><devices>%s</devices></domain>"
local gone = guestlua.Guest.create(domain:format("gone", ""), host)
gone:delete_configuration()
local interface = "<interface type='bridge'><mac address='52:54:00:00:00:01'/><source bridge='br0'/></interface>"
local env = setmetatable({
  guestlua = guestlua, host = host, guest = guest, gone = gone, disk = guest:get_block_device("vda"), interface = interface,
  off = guestlua.Guest.create(domain:format("off", interface), host), domain = domain:format("made", ""),
}, { __index = _G })
for line in io.lines() do
  env.scratch = host:guest("scratch") or guestlua.Guest.create(domain:format("scratch", ""), host)
  log:read("a")
  local ok, e = pcall(assert(load(line, "=row", "t", env)))
  print("CASE " .. (ok and "" or tostring(e):match("[^\n]*")))
  print(log:read("a"))
end
]==]

-- ---- the table ----

local rows, groups = {}, {}

-- One case: the code, and the calls that it makes, in order. "Name argument, …" as the log has them; text after " | " is a line of parameters.
local function row(code, ...)
  rows[#rows + 1] = { code = code, expected = { ... }, group = groups[#groups] }
end

local function group(name)
  groups[#groups + 1] = name
end

-- All combinations of options that are flags: `code` has %s for the options table, and `expected` has %s for the flags. flags: { { name, bit }, … }
local function every(code, flags, expected)
  for set = 0, (1 << #flags) - 1 do
    local names, bits = {}, 0
    for i, flag in ipairs(flags) do
      if set & 1 << i - 1 ~= 0 then
        names[#names + 1], bits = flag[1] .. " = true", bits | flag[2]
      end
    end
    row(code:format("{ " .. table.concat(names, ", ") .. " }"), (expected:format(("0x%x"):format(bits))))
  end
  local off = {}
  for i, flag in ipairs(flags) do
    off[i] = flag[1] .. " = false"
  end
  row(code:format("{ " .. table.concat(off, ", ") .. " }"), (expected:format("0x0")))
  row((code:gsub(",? ?%%s", "")), (expected:format("0x0")))
end

group("identity")
row("return guest.id", "virDomainGetID")
row("return guest.uuid", "virDomainGetUUIDString")
row("return guest.name", "virDomainGetName")
row("return tostring(guest)", "virDomainGetID") -- and name and UUID, in an order that C does not say
row("return guestlua.Guest.create(domain, host)", "virDomainDefineXML xml=<domain type='test'><name>made</name><memory>1024</memory><vcpu>1</vcpu>"
  .. "<os><type>hvm</type></os><devices></devices></domain>")

group("host")
row("host:guests()", "virConnectListAllDomains flags=0x0")
for option, bits in pairs({
  active = { 1, 2 }, persistent = { 4, 8 }, running = { 16, 0 }, paused = { 32, 0 }, shutoff = { 64, 0 }, other = { 128, 0 },
  managed_save = { 256, 512 }, autostart = { 1024, 2048 }, has_snapshot = { 4096, 8192 }, has_checkpoint = { 16384, 32768 },
}) do
  row(("host:guests({ %s = true })"):format(option), ("virConnectListAllDomains flags=0x%x"):format(bits[1]))
  row(("host:guests({ %s = false })"):format(option), ("virConnectListAllDomains flags=0x%x"):format(bits[2]))
end
row("host:write_instance_config('<domain/>', { validate = true })", "virDomainDefineXMLFlags xml=<domain/> flags=0x1")
row("host:write_instance_config('<domain/>', { validate = false })", "virDomainDefineXML xml=<domain/>")

group("power")
every("guest:launch(%s)", { { "pause", 1 } }, "virDomainCreateWithFlags flags=%s")
row("guest:poweroff()", "virDomainDestroy")
row("guest:shutdown()", "virDomainShutdown")
-- What libvirt has besides: one option at a time.
for _, case in ipairs({
  { "launch", "virDomainCreateWithFlags", autodestroy = 2, bypass_cache = 4, force_boot = 8, validate = 16, reset_nvram = 32 },
  { "poweroff", "virDomainDestroyFlags", graceful = 1, remove_logs = 2 },
  { "shutdown", "virDomainShutdownFlags", acpi_power_btn = 1, guest_agent = 2, initctl = 4, signal = 8, paravirt = 16 },
  { "save_memory_state", "virDomainManagedSave", bypass_cache = 1, running = 2, paused = 4, reset_nvram = 8 },
  { "sync_guest_time", "virDomainSetTime seconds=NOW, nseconds=PART,", sync = 1 },
}) do
  for name, bit in pairs(case) do
    if type(name) == "string" then
      row(("off:%s({ %s = true })"):format(case[1], name), ("%s flags=0x%x"):format(case[2], bit))
    end
  end
end
row("guest:set_user_password('foo', 'x', { encrypted = true })", "virDomainSetUserPassword user=foo, password=x, flags=0x1")
every("guest:get_guest_info(%s)", { { "users", 1 }, { "os", 2 }, { "filesystems", 16 }, { "disks", 32 }, { "interfaces", 64 } },
  "virDomainGetGuestInfo types=%s, flags=0x0")
row("guest:get_state()", "virDomainGetState flags=0x0")
row("guest:pm_wakeup()", "virDomainPMWakeup flags=0x0")
row("guest:pause()", "virDomainSuspend")
row("guest:resume()", "virDomainResume")
row("guest:inject_nmi()", "virDomainInjectNMI flags=0x0")
row("off:save_memory_state()", "virDomainManagedSave flags=0x0")

group("the guest agent")
row("guest:freeze_filesystems()", "virDomainFSFreeze mountpoints=(nil), nmountpoints=0, flags=0x0")
row("guest:thaw_filesystems()", "virDomainFSThaw flags=0x0")
row("guest:set_user_password('foo', '123')", "virDomainSetUserPassword user=foo, password=123, flags=0x0")
row("guest:sync_guest_time()", "virDomainSetTime seconds=NOW, nseconds=PART, flags=0x0")
row("guest:agent_command('{}')", "virDomainQemuAgentCommand cmd={}, timeout=-1, flags=0x0")
row("guest:agent_command('{}', { agent_timeout = 7 })", "virDomainQemuAgentCommand cmd={}, timeout=7, flags=0x0")
row("guest:agent_command('{}', { agent_timeout = 0 })", "virDomainQemuAgentCommand cmd={}, timeout=0, flags=0x0")
row("guest:agent_command('{}', { timeout = 60.5 })", "virDomainQemuAgentCommand cmd={}, timeout=-1, flags=0x0")

group("state")
row("guest:is_active()", "virDomainIsActive")
row("guest:has_persistent_configuration()", "virDomainIsPersistent")
for _, argument in ipairs({ "", "host" }) do
  row(("guest:get_info(%s)"):format(argument), "virDomainGetInfo")
  row(("guest:get_power_state(%s)"):format(argument), "virDomainGetInfo")
end
row("guest:get_vcpus_info()") -- nothing before the first is asked for
row("guest:get_vcpus_info()()", "virDomainGetInfo", "virDomainGetVcpus maxinfo=2, cpumaps=(nil), maplen=0")
row("for _ in guest:get_vcpus_info() do end", "virDomainGetInfo", "virDomainGetVcpus maxinfo=2, cpumaps=(nil), maplen=0")
row("local next = off:get_vcpus_info() pcall(next)", "virDomainGetInfo", "virDomainGetVcpus maxinfo=1, cpumaps=(nil), maplen=0")

group("configuration")
every("guest:get_xml_desc(%s)", { { "dump_inactive", 2 }, { "dump_sensitive", 1 }, { "dump_migratable", 8 }, { "update_cpu", 4 } },
  "virDomainGetXMLDesc flags=%s")
row("guest:get_config()", "virDomainGetXMLDesc flags=0x0")
-- The flags API first and, after any failure of it, the plain one. The test driver takes flags of 1 only.
row("scratch:delete_configuration()", "virDomainUndefineFlags flags=0x1")
for _, case in ipairs({
  { "support_uefi = true", 5 },
  { "keep_nvram = true", 9 },
  { "support_uefi = true, keep_nvram = true", 9 },
  { "keep_vtpm = true", 69 },
  { "support_uefi = true, keep_vtpm = true", 69 },
  { "keep_vtpm = true, keep_nvram = true", 73 },
  { "support_uefi = true, keep_vtpm = true, keep_nvram = true", 73 },
}) do
  row(("scratch:delete_configuration({ %s })"):format(case[1]), ("virDomainUndefineFlags flags=0x%x"):format(case[2]), "virDomainUndefine")
end
row("scratch:delete_configuration({ support_uefi = false, keep_vtpm = false, keep_nvram = false })", "virDomainUndefineFlags flags=0x1")
row("scratch:delete_configuration({ snapshots_metadata = true })", "virDomainUndefineFlags flags=0x3")
for _, case in ipairs({ { "nvram", 5 }, { "tpm", 33 }, { "checkpoints_metadata", 17 } }) do
  row(("scratch:delete_configuration({ %s = true })"):format(case[1]), ("virDomainUndefineFlags flags=0x%x"):format(case[2]), "virDomainUndefine")
end
row("gone:delete_configuration()", "virDomainUndefineFlags flags=0x1", "virDomainUndefine") -- also after "no such domain"

group("devices")
local affect = { { "persistent", 2 }, { "live", 1 } }
for _, verb in ipairs({ "attach", "detach" }) do
  local call = ("virDomain%sDeviceFlags xml=<disk/>, flags=%%s"):format(verb:gsub("^%l", string.upper))
  every(("guest:%s_device('<disk/>', %%s)"):format(verb), affect, call)
  row(("guest:%s_device(guestlua.element('disk', {}), { live = true })"):format(verb), (call:format("0x1")))
end
local config = { { "from_persistent_config", 2 } }
local xml = "virDomainGetXMLDesc flags=%s"
every("guest:get_all_devices(nil, %s)", config, xml)
every("guest:get_all_devices('LibvirtConfigGuestHostdev', %s)", config, xml)
every("guest:get_all_disks(%s)", config, xml)
every("guest:get_disk('vda', %s)", config, xml)
every("guest:get_device_by_alias('ua-x', %s)", config, xml)
every("off:get_interface_by_cfg(interface, %s)", config, xml)
every("guest:get_interface_by_cfg(interface, %s)", config, xml) -- one that is not found costs no second look
row("guest:get_device_by_alias('ua-x', { devtype = 'disk', from_persistent_config = true })", "virDomainGetXMLDesc flags=0x2")
row("guest:get_interfaces()", "virDomainGetXMLDesc flags=0x0")
row("guest:get_interface_by_mac('52:54:00:00:00:01')", "virDomainGetXMLDesc flags=0x0")
row("guest:get_interface_by_mac()")
row("guest:get_interface_by_mac('')")
row("guest:get_interface_by_cfg()")
row("guest:get_interface_by_cfg(nil, { from_persistent_config = true })")
row("guest:enable_hairpin()", "virDomainGetXMLDesc flags=0x0")
row("guest:get_block_device('vda')")
for _, case in ipairs({ { "true, true", 3 }, { "true, false", 2 }, { "false, true", 1 }, { "false, false", 0 } }) do
  local code = ("guest:detach_device_with_retry(function() return '<disk/>' end, 'vda', %s)"):format(case[1])
  row(code, ("virDomainDetachDeviceFlags xml=<disk/>, flags=0x%x"):format(case[2]))
end
row("pcall(guest.detach_device_with_retry, guest, function() end, 'vda', true, true)")

group("metadata")
local NOVA = "http://openstack.org/xmlns/libvirt/nova/1.1"
every("guest:set_metadata('<x/>', %s)", affect, "virDomainSetMetadata type=2, metadata='<x/>', key='instance', uri='" .. NOVA .. "', flags=%s")
row("guest:set_metadata('<x/>', { key = 'k', uri = 'urn:u', live = true })",
  "virDomainSetMetadata type=2, metadata='<x/>', key='k', uri='urn:u', flags=0x1")
every("guest:get_metadata(%s)", affect, "virDomainGetMetadata type=2, uri='" .. NOVA .. "', flags=%s")
row("guest:get_metadata({ uri = 'urn:u' })", "virDomainGetMetadata type=2, uri='urn:u', flags=0x0")

row("guest:attach_device('<input type=\"tablet\" bus=\"usb\"/>', { validate = true, live = true })",
  "virDomainAttachDeviceFlags xml=<input type=\"tablet\" bus=\"usb\"/>, flags=0x1")

group("snapshot")
for name, bit in pairs({ redefine = 1, current = 2, halt = 8, live = 256, validate = 512 }) do
  row(("guest:snapshot('<domainsnapshot/>', { %s = true })"):format(name),
    ("virDomainSnapshotCreateXML xmlDesc=<domainsnapshot/>, flags=0x%x"):format(bit))
end
every("guest:snapshot('<domainsnapshot/>', %s)",
  { { "no_metadata", 4 }, { "disk_only", 16 }, { "reuse_ext", 32 }, { "quiesce", 64 }, { "atomic", 128 } },
  "virDomainSnapshotCreateXML xmlDesc=<domainsnapshot/>, flags=%s")

group("jobs and migration")
-- The driver does not know the newer call, and that is remembered for the whole process.
row("guest:get_job_info({ completed = true })", "virDomainGetJobStats flags=0x1")
row("guest:get_job_info({ completed = true, keep_completed = true })", "virDomainGetJobStats flags=0x3")
row("guest:get_job_info()", "virDomainGetJobStats flags=0x0", "virDomainGetJobInfo")
row("guest:get_job_info()", "virDomainGetJobInfo")
row("off:get_job_info()", "virDomainGetJobInfo")
row("gone:get_job_info()", "virDomainGetJobInfo")
row("guest:abort_job()", "virDomainAbortJob")
row("guest:abort_job({ postcopy = true })", "virDomainAbortJobFlags")
for option, bits in pairs({
  roots = { 1, 0 }, metadata = { 2, 16 }, leaves = { 4, 8 }, inactive = { 32, 0 }, active = { 64, 0 }, disk_only = { 128, 0 },
  internal = { 256, 512 }, topological = { 1024, 0 },
}) do
  row(("off:get_snapshot_names({ %s = true })"):format(option), ("virDomainListAllSnapshots flags=0x%x"):format(bits[1]))
  row(("off:get_snapshot_names({ %s = false })"):format(option), ("virDomainListAllSnapshots flags=0x%x"):format(bits[2]))
end
row("guest:migrate_configure_max_downtime(1000)", "virDomainMigrateSetMaxDowntime downtime=1000, flags=0x0")
row("guest:migrate_start_postcopy()", "virDomainMigrateStartPostCopy") -- libvirt's log leaves its flags out
row("guest:announce_self()", "virDomainQemuMonitorCommand cmd=announce_self, flags=0x1")

-- migrate('dest', options): the flags, and the parameters in the order in which they are sent; the bandwidth always is.
local function migrate(options, flags, ...)
  local parameters = { "bandwidth=(ullong)" .. (options:match("bandwidth = (%d+)") or "0"), ... }
  row(("guest:migrate('dest', { %s })"):format(options),
    ("virDomainMigrateToURI3 dconnuri=dest, nparms=%d flags=0x%x | %s"):format(#parameters, flags, table.concat(parameters, " | ")))
end
local d, p, one, two = "destination_xml=(string)<d/>", "persistent_xml=(string)<d/>", "migrate_disks=(string)vda", "migrate_disks=(string)vdb"
migrate("", 0)
migrate("flags = 1, bandwidth = 2, migrate_uri = 'u', migrate_disks = { 'vda' }, destination_xml = '<d/>'", 1, d, p, "migrate_uri=(string)u", one)
migrate("destination_xml = guestlua.element('d', {})", 0, d, p)
migrate("migrate_uri = 'u'", 0, "migrate_uri=(string)u")
migrate("destination_xml = '', migrate_uri = '', migrate_disks = {}", 0)
migrate("flags = 159", 31)
migrate("flags = 159, migrate_disks = {}", 31)
migrate("flags = 159, migrate_disks = { 'vda', 'vdb' }", 159, one, two)
migrate("flags = 128", 0)
migrate("flags = 64", 64)
migrate("flags = 155, migrate_disks = { 'vda' }", 155, one)
migrate("flags = 155", 27)
migrate("parallel = 0", 0)
migrate("parallel = 1", 0)
migrate("flags = 131227, migrate_disks = { 'vda' }, parallel = 5", 155 | 131072, one, "parallel.connections=(int)5")
migrate("flags = { 'live', 'peer2peer', 'persist_dest', 'undefine_source', 'non_shared_inc', 'auto_converge' }", 27 | 8192)

group("BlockDevice")
every("disk:abort_job(%s)", { { "async", 1 }, { "pivot", 2 } }, "virDomainBlockJobAbort disk=vda, flags=%s")
row("disk:get_job_info()", "virDomainGetBlockJobInfo disk=vda, flags=0x0")
row("disk:get_job_info({ bandwidth_bytes = true })", "virDomainGetBlockJobInfo disk=vda, flags=0x1")
row("disk:is_job_complete()", "virDomainGetBlockJobInfo disk=vda, flags=0x0")
for _, clean in ipairs({ "false", "true" }) do -- options of no call
  for _, abort in ipairs({ "false", "true" }) do
    row(("disk:wait_for_job({ wait_for_job_clean = %s, abort_on_error = %s })"):format(clean, abort), "virDomainGetBlockJobInfo disk=vda, flags=0x0")
  end
end
row("disk:wait_for_job()", "virDomainGetBlockJobInfo disk=vda, flags=0x0")
local copying = { { "shallow", 1 }, { "reuse_ext", 2 } }
local rebasing = { copying[1], copying[2], { "copy", 8 }, { "relative", 16 }, { "copy_dev", 32 }, { "copy_raw", 4 }, { "bandwidth_bytes", 64 } }
every("disk:rebase('foo', %s)", rebasing, "virDomainBlockRebase disk=vda, base=foo, bandwidth=0, flags=%s")
row("disk:rebase()", "virDomainBlockRebase disk=vda, base=<null>, bandwidth=0, flags=0x0")
row("disk:rebase(nil, { bandwidth = 3 })", "virDomainBlockRebase disk=vda, base=<null>, bandwidth=3, flags=0x0")
local committing = { { "relative", 8 }, { "active", 4 }, { "shallow", 1 }, { "delete", 2 }, { "bandwidth_bytes", 16 } }
every("disk:commit('foo', 'top', %s)", committing, "virDomainBlockCommit disk=vda, base=foo, top=top, bandwidth=0, flags=%s")
row("disk:commit()", "virDomainBlockCommit disk=vda, base=<null>, top=<null>, bandwidth=0, flags=0x0")
row("disk:commit(nil, 'top', { bandwidth = 3 })", "virDomainBlockCommit disk=vda, base=<null>, top=top, bandwidth=3, flags=0x0")
every("disk:copy('<disk/>', %s)", { copying[1], copying[2], { "transient", 4 }, { "synchronous_writes", 8 } },
  "virDomainBlockCopy disk=vda, destxml=<disk/>, params=(nil), nparams=0, flags=%s")
row("disk:copy(guestlua.element('disk', {}), { bandwidth = 3 })",
  "virDomainBlockCopy disk=vda, destxml=<disk/>, nparams=1, flags=0x0 | bandwidth=(ullong)3145728")
row("disk:copy('<disk/>', { granularity = 65536, buf_size = 1048576 })",
  "virDomainBlockCopy disk=vda, destxml=<disk/>, nparams=2, flags=0x0 | granularity=(uint)65536 | buf-size=(ullong)1048576")
row("disk:resize(10, { shrink = true })", "virDomainBlockResize disk=vda, size=10, flags=0x1")
row("disk:blockStats()", "virDomainBlockStats disk=vda, size=40")
row("disk:block_stats()", "virDomainBlockStats disk=vda, size=40")

group("numbers that libvirt's types cannot hold") -- are refused, and never sent as another number
row("pcall(guest.migrate, guest, 'dest', { parallel = 1 << 32 | 2 })")
row("pcall(guest.agent_command, guest, '{}', { agent_timeout = (1 << 32) - 2 })")
row("pcall(disk.copy, disk, '<disk/>', { bandwidth = 1 << 44 })")

-- ---- the log ----

-- Bookkeeping: references, names for errors, and the registration of events that commit, rebase and copy make before they start a job. These calls
-- change nothing and ask nobody anything; the reference has them too, elsewhere. They count only where a row names them.
local function is_bookkeeping(call)
  for _, pattern in ipairs({ "^virDomainRef$", "Free$", "^virConnectRef$", "^virConnectClose$", "^virConnectDomainEvent", "^virTypedParams",
    "^virDomainGetName$", "^virDomainGetID$", "^virDomainGetUUID$", "^virDomainGetUUIDString$" }) do
    if call:find(pattern) then
      return true
    end
  end
end

-- "virDomainGetInfo:2663 : dom=0x…, (VM: …), info=0x…" → "virDomainGetInfo"; addresses say nothing.
local function call_of(line)
  local name, arguments = line:match("^[%d%-]+ [%d:.+]+: %d+: debug : (%w+):%d+ : (.*)$")
  if not name or arguments:find("^params%[") then
    return nil, arguments
  end
  local kept = {}
  for argument in (arguments:gsub("%(VM: name=.-%)", "") .. ", "):gmatch("(.-), ") do
    if argument ~= "" and not argument:find("^%w+=0x%x%x%x%x%x%x%x+$") then
      kept[#kept + 1] = argument
    end
  end
  local text = table.concat(kept, ", "):gsub("params=0x%x+, ", "")
  local seconds = tonumber(text:match("^seconds=(%d+)"))
  if seconds and math.abs(seconds - os.time()) < 600 then
    local part = tonumber(text:match("nseconds=(%d+)"))
    text = text:gsub("seconds=%d+", "seconds=NOW", 1):gsub("nseconds=%d+", part < 10 ^ 9 and "nseconds=PART" or "nseconds=%0")
  end
  return name, (name .. " " .. text):gsub(" $", "")
end

local function calls_of(lines, expected)
  local named, calls = {}, {}
  for _, text in ipairs(expected) do
    named[text:match("^%w+")] = true
  end
  for _, line in ipairs(lines) do
    local name, text = call_of(line)
    if name and (named[name] or not is_bookkeeping(name)) then
      calls[#calls + 1] = text
    elseif not name and text and #calls > 0 then
      calls[#calls] = ("%s | %s=%s"):format(calls[#calls], text:match('^params%["(.-)"%]=(.*)$'))
    end
  end
  return calls
end

describe("libvirt is asked exactly", function()
  local logged, failures = {}, {} -- for each row the lines of its log, and what it raised

  lazy_setup(function()
    local script, log = os.tmpname(), os.tmpname()
    local codes = {}
    for i, case in ipairs(rows) do
      codes[i] = case.code .. "\n"
    end
    local file = assert(io.open(script, "w"))
    file:write(CHILD)
    file:close()
    local _, out, err = helper.run(("env LIBVIRT_LOG_FILTERS=1:libvirt LIBVIRT_LOG_OUTPUTS=1:file:%s %s %s %s"):format(
      log, helper.interpreter, script, log), table.concat(codes))
    os.remove(script)
    os.remove(log)
    assert.equal("", err)
    for line in out:gmatch("[^\n]+") do
      if line:find("^CASE ") then
        logged[#logged + 1], failures[#logged + 1] = {}, line:sub(6)
      else
        table.insert(logged[#logged], line)
      end
    end
  end)

  it("what the rows below say, each of them", function()
    assert.equal(#rows, #logged)
    assert.is_true(#rows > 200)
  end)

  for i, case in ipairs(rows) do
    it(("this, %s: %s"):format(case.group, case.code), function()
      assert.same(case.expected, calls_of(logged[i], case.expected))
      if #case.expected == 0 then
        assert.equal("", failures[i]) -- it made no call because there was no need, and not because it broke off
      end
    end)
  end
end)
