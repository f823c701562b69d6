-- lua/guestlua/prompt/virsh.lua: each command of virsh has a row, each line names what there is, and those that need no real hypervisor run.
-- spec/real/virsh_spec.lua runs the others.

local check = require("guestlua.command.check")
local guestlua = require("guestlua")
local help = require("guestlua.prompt.help")
local helper = require("spec.support.helper")
local objects = require("spec.support.objects")
local virsh = require("spec.support.virsh")
local words_in = require("guestlua.base.words")

local rows = virsh.rows()

-- The commands of the virsh that is installed, and its version; nil if there is none.
local function installed()
  local code, out = helper.run("virsh help")
  if code ~= 0 then
    return nil
  end
  local commands = {}
  for command in out:gmatch("\n    ([%l%d-]+)") do
    commands[command] = true
  end
  return commands, (select(2, helper.run("virsh --version")))
end

describe("The table of virsh's commands", function()
  it("has each command once, with lines or with the reason why there are none", function()
    local seen = {}
    for _, row in ipairs(rows) do
      assert.is_nil(seen[row.command], row.command)
      seen[row.command] = true
      assert.equal(row.none == nil, #row.lines > 0, row.command)
    end
    assert.is_true(#rows >= 267, #rows)
  end)

  it("has each command of the virsh that is installed, and no other", function()
    local commands, version = installed()
    if not commands then
      return pending("there is no virsh here: install the package libvirt-clients")
    end
    local known, missing, unknown = {}, {}, {}
    for _, row in ipairs(rows) do
      known[row.command] = true
      unknown[#unknown + 1] = not commands[row.command] and not (row.since and virsh.is_after(row.since, version)) and row.command or nil
    end
    for command in pairs(commands) do
      missing[#missing + 1] = not known[command] and command or nil
    end
    assert.same({ missing = {}, unknown = {} }, { missing = missing, unknown = unknown })
  end)

  it("is the page that is in the repository", function()
    for path, text in pairs(dofile("doc/virsh_page.lua")) do
      local file <close> = assert(io.open(path))
      assert.equal(file:read("a"), text, "run `make doc`")
    end
  end)
end)

-- The names of all methods and functions, with those that a newer libvirt has.
local function every_name()
  local names = {}
  for _, class in ipairs(help.classes()) do
    for _, row in ipairs(class.methods) do
      names[row.name] = true
    end
  end
  for _, library in ipairs({ string, table, math, os }) do
    for name in pairs(library) do
      names[name] = true
    end
  end
  return names
end

-- Those that the tables of calls have, whatever libvirt is installed.
local function planned_names()
  local path <close> = setmetatable({ package.path }, { __close = function(self) package.path = self[1] end })
  package.path = "src/virt/?.lua;" .. package.path
  local snake, names = require("generate.names").snake, every_name()
  for _, one in ipairs((objects.tables())) do
    for name, row in pairs(one.rows) do
      names[row.name or snake((name:gsub("^vir" .. one.class, "")))] = true
    end
  end
  return names
end

describe("Each line for a command of virsh", function()
  it("is Lua, and each method, function and option in it is one", function()
    local names, planned = every_name(), planned_names()
    local count, newer = 0, 0
    for _, row in ipairs(rows) do
      for _, line in ipairs(row.lines) do
        local source = assert(virsh.source(row, line))
        local of = virsh.is_newer(row) and planned or names
        if of == names then
          assert.same({}, check.misspelt(row.command, source))
        end
        newer = newer + (of == planned and 1 or 0)
        local words = words_in.list(source)
        for i, word in ipairs(words) do
          local after = words[i + 2]
          if (words_in.is(word, ":") or words_in.is(word, ".")) and words[i + 1].kind == "name"
            and (words_in.is(after, "(") or words_in.is(after, "{") or after and after.kind == "string") then
            local builds = words_in.is(words[i - 1], "device") -- guestlua.device has any name
            assert.is_true(builds or of[words[i + 1].text] or false, ("%s: %s"):format(row.command, words[i + 1].text))
            count = count + 1
          end
        end
      end
    end
    assert.is_true(count > 300 and newer < 20, count)
  end)
end)

-- ---- on the test driver ----

local GUEST, POOL, VOLUME = virsh.GUEST, virsh.POOL, virsh.VOLUME
local NETWORK = "<network><name>made</name><bridge name='made0'/></network>"
local VPORT = [[
<device><parent>scsi_host1</parent><capability type='scsi_host'><capability type='fc_host'><wwnn>2000000012341234</wwnn>
<wwpn>1000000012341234</wwpn></capability></capability></device>]]

-- `xml`, by the command.
local XML = {
  create = GUEST:format("other"), define = GUEST:format("other"), ["save-image-define"] = GUEST:format("web1"),
  ["net-define"] = NETWORK, ["net-create"] = NETWORK,
  ["iface-define"] = "<interface type='ethernet' name='eth7'/>",
  ["pool-define"] = POOL:format("made", "made"), ["pool-create"] = POOL:format("made", "made"),
  ["find-storage-pool-sources"] = "<source><host name='store'/></source>",
  ["vol-create"] = VOLUME:format("made"), ["vol-create-from"] = VOLUME:format("made"),
  ["snapshot-create"] = "<domainsnapshot><name>made</name></domainsnapshot>",
  ["checkpoint-create"] = "<domaincheckpoint><name>made</name></domaincheckpoint>",
  ["nodedev-create"] = VPORT,
}

-- What is done before each line of a command.
local BEFORE = {
  domrename = "guest:poweroff()", start = "guest:poweroff()", resume = "guest:pause()", setmaxmem = "guest:poweroff()",
  desc = "guest.domain:set_metadata('description', 'x')",
  restore = "guest:save('/var/tmp/web1.save')", ["managedsave-remove"] = "guest:managed_save()",
  ["save-image-dumpxml"] = "guest:save('/var/tmp/web1.save')", ["save-image-define"] = "guest:save('/var/tmp/web1.save')",
  ["save-image-edit"] = "guest:save('/var/tmp/web1.save')",
  metadata = "guest:set_metadata('<owner/>', { key = 'my', uri = 'http://example.org/my' })",
  iothreadset = "guest:add_iothread(1)", iothreadpin = "guest:add_iothread(1)", iothreaddel = "guest:add_iothread(1)",
  event = "group:spawn(function() while true do guest:pause() guest:resume() guestlua.sleep(0.1) end end)",
  ["iface-start"] = "interface:destroy()", ["iface-unbridge"] = "host:interface_define_xml('<interface type=\"bridge\" name=\"br0\"><bridge/>"
    .. "</interface>'):create()",
  ["iface-commit"] = "host:interface_change_begin()", ["iface-rollback"] = "host:interface_change_begin()",
  ["net-start"] = "network:destroy()", ["net-undefine"] = "network:destroy()",
  ["nodedev-destroy"] = "host:node_device_create_xml([[" .. VPORT .. "]])",
  ["pool-build"] = "pool:destroy()", ["pool-delete"] = "pool:destroy()", ["pool-undefine"] = "pool:destroy()",
}

-- The names that a line uses, on a fresh test driver.
local function world(row)
  local host, guest, pool = virsh.world(row.command:find("^checkpoint"))
  local named = row.command:find("^net") and host:network("default") or row.command:find("^pool") and pool or guest
  return host, { uuid = named.uuid, xml = XML[row.command], help = function() end }
end

-- A loop over events ends with the first one.
local function heard(guest_name, event, kind)
  error({ heard = { guest_name, event, kind } })
end

describe("On the test driver runs", function()
  helper.leaves_nothing() -- the driver's state is gone when no connection is left
  local scratch = helper.scratch()
  lazy_teardown(function()
    os.execute("rm -r " .. helper.quoted(scratch))
  end)
  local REPLACE = {
    { "/var/tmp/images", "/var/tmp/images" }, -- in the driver's memory only
    { '"/var/tmp/w', '"' .. scratch .. "/w" }, { "'/var/tmp/w", "'" .. scratch .. "/w" },
    { "pci_0000_00_1f_0", "computer" },
    { "get_xml_desc{ inactive = true }", "get_xml_desc()" }, -- the driver knows no such flag of pools and interfaces
  }

  local function run(row, line)
    local host <close>, values = world(row)
    local group <close> = guestlua.group()
    values.group = group
    if BEFORE[row.command] then
      virsh.run(row, BEFORE[row.command], host, REPLACE, values)
    end
    if row.command ~= "event" then
      return virsh.run(row, line, host, REPLACE, values)
    end
    values.print = heard
    local e = helper.failure(virsh.run, row, line, host, REPLACE, values)
    assert.same({ "web1", "lifecycle" }, { e.heard[1], e.heard[2] })
    assert.is_true(e.heard[3] == "suspended" or e.heard[3] == "resumed", e.heard[3])
  end

  for _, row in ipairs(rows) do
    for i, line in ipairs(row.lines) do
      if virsh.place(row, i) == "test" and not virsh.is_newer(row) then
        it(row.command .. ": " .. line, function()
          guestlua.timeout(60, run, row, line)
        end)
      end
    end
  end
end)

-- What would change this machine, or needs a device that it has not, runs in a dry run: the arguments are looked at, and the call is held back.
describe("A dry run", function()
  it("takes each line that runs nowhere else", function()
    local code, out, err = helper.guestlua("-", [==[
      local virsh = require("spec.support.virsh")
      local host <close> = guestlua.open("test:///default")
      host:define_xml([[<domain type='test'><name>web1</name><maxMemory slots='1'>2097152</maxMemory><memory>1048576</memory><vcpu>1</vcpu>
        <os><type>hvm</type></os><cpu><numa><cell id='0' cpus='0' memory='1048576'/></numa></cpu><devices><memory model='virtio-mem'><target>
        <size>131072</size><node>0</node><block>2048</block><requested>0</requested></target></memory></devices></domain>]]):launch()
      guestlua.dry_run(true)
      guestlua.log.configure({ level = "error" })
      for _, row in ipairs(virsh.rows()) do
        for i, line in ipairs(row.lines) do
          if virsh.place(row, i) == "dry" and not virsh.is_newer(row) then
            local ok, e = pcall(virsh.run, row, line, host, { { "pci_0000_00_1f_0", "computer" } }, { xml = "<device/>" })
            print(row.command, ok or e.kind or e)
          end
        end
      end
      for _, change in ipairs(guestlua.plan()) do
        print("held", change.call)
      end
    ]==])
    assert.equal(0, code, err)
    local taken, held = 0, 0
    for what, result in out:gmatch("(%S+)\t([^\n]*)\n") do
      held, taken = held + (what == "held" and 1 or 0), taken + (what == "held" and 0 or 1)
      assert.is_true(what == "held" or result == "true" or result == "dry_run", what .. ": " .. result)
    end
    assert.is_true(held == taken and held >= 11, out)
  end)
end)
