-- The plan of workflow.drain, for hosts with many guests, on libvirt's test driver: nothing moves here. spec/real/drain_spec.lua moves.

local core = require("guestlua.core")
local guestlua = require("guestlua")
local helper = require("spec.support.helper")
local json = require("dkjson")

local MIB = 1 << 20

describe("The plan of a drain", function()
  local directory
  setup(function()
    guestlua.log.configure({ handler = function() end }) -- a dry run says whatever it does not do
    directory = helper.scratch()
  end)
  teardown(function()
    guestlua.log.configure({ handler = function(_, line) io.stderr:write(line, "\n") end })
    os.execute("rm -rf " .. directory)
  end)
  local open = {}
  helper.leaves_nothing(nil, function()
    for _ = 1, #open do
      table.remove(open):close()
    end
  end)

  local function domain(name, mib, more)
    return ("<domain type='test'><name>%s</name><memory unit='MiB'>%d</memory><os><type>hvm</type></os>%s</domain>"):format(name, mib, more or "")
  end

  -- A host of the test driver's with these guests, which run, and so much memory; it is closed after the spec.
  local function host(name, mib, domains)
    local path = directory .. "/" .. name .. ".xml"
    local file <close> = assert(io.open(path, "w"))
    file:write(("<node><cpu><mhz>1000</mhz><model>i686</model><active>4</active><nodes>1</nodes><sockets>1</sockets><cores>4</cores><threads>1"
      .. "</threads></cpu><memory>%d</memory>%s</node>"):format(mib * 1024, table.concat(domains or {})))
    file:close()
    open[#open + 1] = guestlua.open("test://" .. path)
    return open[#open]
  end

  local function place(of)
    return { host = of, destination_uri = "test+tcp://there/default" }
  end

  -- A dry run of it.
  local function planned(...)
    core.dry_run(true)
    local undo <close> = setmetatable({}, { __close = function() core.dry_run(false) end }) -- luacheck: ignore undo
    return guestlua.workflow.drain(...)
  end

  -- How many guests go to each host, and their memory, by the host's name.
  local function sums(result)
    local count, memory = {}, {}
    for _, move in ipairs(result.moves) do
      local name = move.to:match("([^/]*)%.xml$")
      count[name], memory[name] = (count[name] or 0) + 1, (memory[name] or 0) + move.memory // MIB
    end
    return count, memory
  end

  it("has a hundred guests, spread by the memory that is free", function()
    local guests = {}
    for i = 1, 100 do
      guests[i] = domain(("g%03d"):format(i), i <= 50 and 100 or 300)
    end
    local a, b, c = host("a", 30000, guests), host("b", 8000), host("c", 16000, { domain("own", 2000) })
    local d = host("d", 4000)
    local result = planned(a, { to = { place(b), place(c), place(d) } })
    assert.same({ "drain", a.uri, true, false }, { result.workflow, result.host, result.changed, result.drained })
    assert.same({ 100, 0, 0, 0, 0, 0 }, { #result.moves, #result.moved, #result.failed, #result.left, #result.not_tried, #result.problems })
    assert.equal(100, #result.plan)
    assert.same({ "virDomainMigrateToURI3", "live_migrate", "g051", "migrate" },
      { result.plan[1].call, result.plan[1].workflow, result.plan[1].guest, result.plan[1].step })
    local _, memory = sums(result)
    assert.equal(20000, memory.b + memory.c + memory.d)
    local left = { 8000 - memory.b, 14000 - memory.c, 4000 - memory.d }
    table.sort(left)
    assert.is_true(left[1] >= 0 and left[3] - left[1] <= 300, table.concat(left, " ")) -- about 2000 each
    assert.equal(100, #a:guests())
  end)

  it("fills the hosts in their order, and leaves the last one free", function()
    local guests = {}
    for i = 1, 100 do
      guests[i] = domain("g" .. i, 100)
    end
    local a, b, c = host("a", 30000, guests), host("b", 6050), host("c", 100000)
    local d = host("d", 100000)
    local result = planned(a, { to = { place(b), place(c), place(d) }, strategy = "fill" })
    assert.same({ b = 60, c = 40 }, (sums(result)))
    result = planned(a, { to = { place(b), place(c), place(d) }, strategy = "fill", reserve = 3000 })
    assert.same({ b = 30, c = 70 }, (sums(result)))
    result = planned(a, { to = { place(b), place(c), place(d) }, strategy = "fill", reserve = -2000 }) -- it may promise more than it has
    assert.same({ b = 80, c = 20 }, (sums(result)))
  end)

  it("names what cannot move, before anything moves, and moves the others if that is asked for", function()
    local card = "<hostdev mode='subsystem' type='pci'><source><address bus='3' slot='0' function='0'/></source></hostdev>"
    local a = host("a", 30000, { domain("large", 9000), domain("small", 100), domain("twin", 100),
      domain("card", 100, ("<devices>%s</devices>"):format(card)),
      domain("kept", 100) })
    local b, c = host("b", 1000, { domain("twin", 100) }), host("c", 3000, { domain("twin", 100) })
    a:guest("kept"):snapshot("<domainsnapshot><name>s</name></domainsnapshot>")
    local options = { to = { place(b), place(c) } }
    local e = helper.failure(planned, a, options)
    assert.same({ "operation_invalid", "drain", 4 }, { e.kind, e.op, #e.left })
    assert.matches("4 guests cannot move, and none was moved: ", e.message, 1, true)
    assert.matches("on_stuck", e.hint)
    local why = {}
    for _, one in ipairs(e.left) do
      why[one.guest] = one.why
    end
    assert.matches("c%.xml: it has 2900 MiB of memory left, and the guest has 9000; .*b%.xml: it has 900 MiB", why.large)
    assert.matches("device of this host's %(pci%)", why.card)
    assert.matches("it has 1 snapshot,", why.kept)
    assert.equal("no host can take it: it has another guest of this name", why.twin)
    options.on_stuck = "leave"
    local result = planned(a, options)
    assert.same({ 1, "small", 4 }, { #result.moves, result.moves[1].guest, #result.left })
  end)

  it("has no guest that a killed run left in a state that cannot be recovered", function()
    local source, other = host("a", 4096, { domain("odd", 64), domain("well", 64) }), host("b", 4096)
    local kept, journals = guestlua.journal(), directory .. "/journal"
    assert(os.execute("mkdir -m 700 " .. journals))
    guestlua.journal({ dir = journals })
    finally(function() guestlua.journal({ dir = kept }) end)
    local guest <close> = source:guest("odd")
    local file <close> = assert(io.open(journals .. "/odd.json", "w"))
    file:write(json.encode({ format = 2, id = "odd", workflow = "nonsense", step = "x", host = source.uri, guest = "odd", uuid = guest.uuid,
      data = {}, machine = require("guestlua.base.journal").machine(), process = "1", since = "2026-01-01T00:00:00Z", lock = "odd.lock" }))
    file:close()
    assert(os.execute("chmod 600 " .. journals .. "/odd.json"))
    local e = helper.failure(guestlua.workflow.drain, source, { to = { place(other) } })
    assert.same({ "operation_invalid", 1, "odd" }, { e.kind, #e.left, e.left[1].guest }, tostring(e))
    assert.matches("what a killed nonsense left there is not recovered: no workflow is called 'nonsense'", e.left[1].why)
  end)

  it("has the guests that are off, which take no memory, and those that have huge pages, which are not counted", function()
    local a, b = host("a", 30000, { domain("off", 5000), domain("on", 600),
      domain("huge", 4000, "<memoryBacking><hugepages/></memoryBacking>") }), host("b", 1000)
    a:guest("off"):poweroff()
    local result = planned(a, { to = { place(b) } })
    local moves = {}
    for i, move in ipairs(result.moves) do
      moves[i] = ("%s %s %s"):format(move.guest, move.live, result.plan[i].workflow)
    end
    assert.same({ "off false offline_migrate", "huge true live_migrate", "on true live_migrate" }, moves)
  end)

  it("has no guest that is off and has something only on its host", function()
    local LOADER = "%0<loader readonly='yes' type='pflash'>/code</loader>"
    local a, b = host("a", 30000, {
      domain("tpm", 100, "<devices><tpm model='tpm-tis'><backend type='emulator' version='2.0'/></tpm></devices>"),
      (domain("uefi", 100):gsub("</type>", LOADER .. "<nvram>/vars</nvram>")),
      (domain("volume", 100):gsub("</type>", LOADER .. "<nvram type='network'><source protocol='iscsi' name='iqn.x:y/0'>"
        .. "<host name='example.com' port='6000'/></source></nvram>")),
    }), host("b", 10000)
    assert.equal(3, #planned(a, { to = { place(b) } }).moves)
    for _, name in ipairs({ "tpm", "uefi", "volume" }) do
      local guest <close> = a:guest(name)
      guest:poweroff()
    end
    local e = helper.failure(planned, a, { to = { place(b) } })
    assert.matches("'tpm': .*its TPM's state is on this host", e.message)
    assert.matches("'uefi': .*its UEFI variables are in a file of this host's", e.message)
    local moves = planned(a, { to = { place(b) }, on_stuck = "leave" }).moves
    assert.equal(1, #moves)
    assert.equal("volume", moves[1].guest)
  end)

  -- As from JSON, with its metatables.
  it("opens hosts by their URIs, closes them, and names those that do not answer", function()
    local a = host("a", 30000, { domain("one", 100), domain("two", 200) })
    local b = host("b", 1000).uri
    local gone = "qemu+tcp://127.0.0.1:1/system" -- nothing listens there
    local options = json.decode(json.encode({
      to = { { uri = b, destination_uri = "test+tcp://b/default", migrate_uri = "tcp://192.0.2.9" }, gone },
    }))
    local result = planned(a, options)
    assert.same({ 2, b, b, 1, gone }, { #result.moves, result.moves[1].to, result.moves[2].to, #result.problems, result.problems[1].host })
    assert.matches("127.0.0.1:1", result.problems[1].error.message)
    assert.equal("tcp://192.0.2.9", result.plan[1].arguments.migrate_uri)
    options.to = { gone }
    local e = helper.failure(planned, a, options)
    assert.same({ 2, 1, "no host answers that could take it" }, { #e.left, #e.problems, e.left[1].why })
    assert.matches("'one': no host answers that could take it; qemu%+tcp://127.0.0.1:1/system does not answer: .*127.0.0.1:1", e.message)
  end)

  it("is empty for an empty host, and never has one that is closed", function()
    local a, b = host("a", 1000), host("b", 1000)
    local result = planned(a, { to = { place(b) } })
    assert.same({ 0, true, false, {} }, { #result.moves, result.drained, result.changed, result.plan })
    b:close()
    assert.equal("closed", helper.failure(planned, a, { to = { place(b) } }).kind)
  end)

  it("is refused where the arguments are wrong", function()
    local a, b = host("a", 1000), host("b", 1000)
    local function bad(argument, options)
      local e = helper.failure(planned, a, options)
      assert.same({ "bad_argument", argument }, { e.kind, e.argument }, e.message)
      return e.message
    end
    bad("to", {})
    bad("to", { to = {} })
    bad("to", { to = { "b" } })
    bad("to", { to = { 5 } })
    bad("to", { to = { {} } })
    assert.matches("place 1: destination_uri: string expected, got number", bad("to", { to = { { host = b, destination_uri = 5 } } }), 1, true)
    assert.matches("destination_uri is how", bad("to", { to = { { host = b, uri = "test+tcp://there/default" } } }), 1, true)
    assert.matches("no such field 'migrate_url'; .*is migrate_uri meant", bad("to", { to = { { uri = "qemu+tcp://b/system", migrate_url = "x" } } }))
    assert.matches("place 2 is the same as place 1", bad("to", { to = { "qemu+tcp://b/system", "qemu+tcp://b/system" } }), 1, true)
    assert.matches("say how libvirt there", bad("to", { to = { "qemu:///system" } }), 1, true)
    assert.matches("place 2 is the host that is drained", bad("to", { to = { place(b), place(a) } }), 1, true)
    assert.matches("place 2 is the same as place 1", bad("to", { to = { place(b), place(b) } }), 1, true)
    assert.matches("say how libvirt there", bad("to", { to = { b } }), 1, true)
    bad("strategy", { to = { place(b) }, strategy = "random" })
    bad("on_stuck", { to = { place(b) }, on_stuck = "ignore" })
    bad("timeout_action", { to = { place(b) }, timeout_action = "wait" })
    bad("limit", { to = { place(b) }, limit = 0 })
    bad("unsave", { to = { place(b) }, unsave = true })
    assert.equal("bad_argument", helper.failure(planned, a:guest("x"), { to = { place(b) } }).kind)
  end)
end)
