-- Story: an operator wrote fifteen scripts from the manual alone, and made the mistakes that everybody makes: a misspelt name, "20G" for bytes, an
-- option in the wrong table, a daemon that is off. The errors were true, but named neither the guest that was meant nor what to do next.

local guestlua = require("guestlua")
local helper = require("spec.support.helper")

describe("An operator's mistake is answered with what to do next", function()
  local host
  helper.leaves_nothing(function()
    host = guestlua.open("test:///default")
  end, function()
    host:close()
  end)

  local function hint(fn, ...)
    return helper.failure(fn, ...).hint or ""
  end

  it("if a guest's name is misspelt", function()
    assert.equal("there is no guest 'tset'; is 'test' meant?", helper.failure(host.guest, host, "tset", { required = true }).message)
    for _, slip in ipairs({ "tes", "tst", "tesst" }) do
      assert.equal(("there is no guest '%s'; is 'test' meant?"):format(slip), helper.failure(host.guest, host, slip, { required = true }).message)
    end
    assert.equal("there is no guest 'web'", helper.failure(host.guest, host, "web", { required = true }).message)
    local code, _, err = helper.guestlua("-c test:///default console tset")
    assert.equal(1, code)
    assert.matches("there is no guest 'tset'; is 'test' meant?", err, 1, true)
  end)

  it("if an argument has the wrong type", function()
    local guest = host:guest("test")
    assert.equal("memory (integer): KiB", hint(guest.set_memory, guest, "1G"))
    assert.equal("size (integer): the new size in bytes", hint(function() guest:get_block_device("vda"):resize("20G") end))
    assert.equal("options are named, in a table; they are: persistent, live, key, uri, timeout", hint(guest.set_metadata, guest, "x", "y"))
    assert.matches("^options are named, in a table; they are: .*description", hint(guest.snapshot_create_as, guest, "a", "b"))
    assert.matches("^options of the call, .* after this one$", hint(guest.set_iothread_params, guest, 1, { live = true }))
    assert.matches("{ required = true }", hint(guestlua.workflow.reboot, host:guest("web")), 1, true)
  end)

  it("if what is to be recovered is misspelt", function()
    for name, said in pairs({ tset = "guestlua recover: there is neither a guest 'tset' nor a run of one\n", test = "" }) do
      assert.same({ 0, "", said }, { helper.guestlua(("-c test:///default recover --journal %s --guest %s"):format(helper.scratch(), name)) })
    end
  end)

  it("if a network, a pool or a volume is misspelt", function()
    local e = helper.failure(host.pool, host, "default-pol", { required = true })
    assert.same({ "no_storage_pool", "pool", "test:///default", "there is no pool 'default-pol'; is 'default-pool' meant?" },
      { e.kind, e.op, e.host, e.message })
    assert.matches("^host:pools%(%) lists", e.hint)
    local pool <close> = host:pool("default-pool")
    e = helper.failure(pool.volume, pool, "nope", { required = true })
    assert.same({ "no_storage_vol", "there is no volume 'nope'", "default-pool" }, { e.kind, e.message, e.object })
    assert.equal("no_secret", helper.failure(host.secret, host, "nope", { required = true }).kind)
  end)

  it("if a word is none of those there are", function()
    local guest = host:guest("test")
    assert.matches("; is lifecycle meant?", helper.failure(guest.subscribe, guest, "lifecycel").message, 1, true)
    assert.matches("no key 'ctrl'; is leftctrl meant?", helper.failure(guest.press, guest, { "ctrl" }).message, 1, true)
  end)

  it("if a line for a shell is given as a program, or a path as XML", function()
    assert.matches("^arguments are apart: guestlua.run", hint(guestlua.run, "ls -l"))
    assert.matches("a file is read first", hint(host.define_xml, host, "/tmp/web.xml"))
  end)

  it("if something is in the wrong state, or has a name that is taken", function()
    local guest, pool, other = host:guest("test"), host:pool("default-pool"), host:define_xml(
      "<domain type='test'><name>other</name><memory>1024</memory><os><type>hvm</type></os></domain>")
    assert.equal("a guest can be renamed only while it is off: guestlua.workflow.ensure_stopped(guest)", hint(guest.rename, guest, "new"))
    assert.equal("another guest has this name: host:guest(name) finds it", hint(other.rename, other, "test"))
    assert.matches("ensure_running(guest) starts it", hint(other.save, other, "/nonesuch"), 1, true)
    pool:destroy()
    assert.equal("pool:create() starts it", hint(pool.create_volume, pool, { name = "a", capacity = 1 }))
    other:delete_configuration()
    local e = helper.failure(host.network_define_xml, host, guestlua.element("network", { name = "a" }))
    assert.matches("{ name = { \"web1\" } } is <name>", e.hint, 1, true)
    e = helper.failure(guestlua.Network.create, host:network("default")) -- it runs: a text that says all has no hint
    assert.is_nil(e.hint)
  end)

  it("if more is asked for than the guest can have", function()
    local guest = host:guest("test")
    assert.matches("^guest:get_max_memory%(%)", hint(guest.set_memory, guest, 1 << 40))
    assert.matches("^guest:get_max_vcpus%(%)", hint(guest.set_vcpus, guest, 999))
  end)

  it("if there is no such connection", function()
    assert.matches("is the daemon running", hint(guestlua.open, "qemu+unix:///system?socket=/nonexistent"), 1, true)
    assert.matches("does the daemon there listen", hint(guestlua.open, "qemu+tcp://127.0.0.1:1/system"), 1, true)
    assert.matches("a URI is, for example, qemu:///system", hint(guestlua.open, "web1"), 1, true)
    for uri, said in pairs({
      ["qmeu:///system"] = "there is no driver 'qmeu'; is 'qemu' meant?", ["lcx:///"] = "there is no driver 'lcx'; is 'lxc' meant?",
      ["qemu+shs://h/system"] = "there is no transport 'shs'; is 'ssh' meant?", ["qemu:///sytem"] = "there is no path '/sytem'; is '/system' meant?",
      ["qemu+tpc://127.0.0.1:1/system"] = "there is no transport 'tpc'; is 'tcp' meant?" }) do
      assert.equal(said, hint(guestlua.open, uri .. "?socket=/nonexistent"))
    end
    assert.matches("ssh does not get there", hint(guestlua.open, "qemu+ssh://127.0.0.1:1/system"), 1, true)
    assert.matches("TLS needs the certificate", hint(guestlua.open, "qemu+tls://127.0.0.1:1/system?pkipath=/nonesuch"), 1, true)
    for _, nonsense in ipairs({ "http://127.0.0.1:1/", "http+tcp://127.0.0.1:1/" }) do
      assert.matches("there is no driver 'http': a URI is, for example, qemu:///system", hint(guestlua.open, nonsense), 1, true)
    end
  end)

  it("if what a lookup did not find is used", function()
    local wanted = "\n  hint: host:guest gives nil for what is not there; with { required = true } it raises an error that names it\n"
    local directory = helper.scratch()
    local file <close> = assert(io.open(directory .. "/script.lua", "w"))
    file:write("local host <close> = guestlua.open()\nlocal guest <close> = host:guest('web')\nlocal other\nguest:launch()\n")
    file:close()
    for _, arguments in ipairs({ directory .. "/script.lua", "-e \"guestlua.open():guest('web'):launch()\"" }) do
      local code, out, err = helper.guestlua("-c test:///default " .. arguments)
      assert.same({ 1, "" }, { code, out })
      assert.matches(wanted, err, 1, true)
    end
    assert.matches(wanted, select(3, helper.guestlua("-c test:///default -i", "host:guest('web'):launch()\n")), 1, true)
    assert.matches("hint: host:guest and domain:snapshot_lookup_by_name give nil for what is not there\n",
      select(3, helper.guestlua("-c test:///default -e \"guestlua.open():guest('test'):snapshot_lookup_by_name('a'):revert()\"")), 1, true)
    assert.matches("hint: only the prompt has a host, with -c; a script opens it: local host <close> = guestlua.open()\n",
      select(3, helper.guestlua("-c test:///default -e 'host:guest(1)'")), 1, true)
    assert.is_nil(select(3, helper.guestlua("-e 'local x = {} print(x.y.z)'")):find("hint", 1, true))
  end)

  it("if a command of virsh's is typed at the prompt", function()
    local _, out, err = helper.guestlua("-c test:///default -i", "start web1\nvirsh setvcpus web1 4\nx = = 1\nnonesuch\nlist\nlist = 1 list\n")
    assert.equal(2, select(2, err:gsub("hint", "")))
    assert.matches("hint: this is Lua; the same as virsh start\n  workflow.ensure_running(guest)\n", err, 1, true)
    assert.matches("hint: this is Lua; the same as virsh setvcpus\n  guest:set_vcpus(2, ", err, 1, true)
    assert.equal(1, select(2, out:gsub("hint: this is Lua; the same as virsh list\n", "")))
  end)

  it("if a method is not there, by --check", function()
    local path = helper.scratch() .. "/script.lua"
    local file <close> = assert(io.open(path, "w"))
    file:write("local guest = guestlua.open():guest('test')\nprint(guest:snapshots()[1]:get_creation_time(), guest:nonesuch())\n")
    file:close()
    local code, _, err = helper.guestlua("--check " .. path)
    assert.equal(1, code)
    assert.matches("Snapshot has no method 'get_creation_time'; it has: children, ", err, 1, true)
    assert.matches("Guest has no method 'nonesuch'; help(Guest) lists what it has", err, 1, true)
  end)
end)

describe("A dry run", function()
  -- What a script prints and reports in a dry run.
  local function dry(script)
    local path = helper.scratch() .. "/script.lua"
    local file <close> = assert(io.open(path, "w"))
    file:write("local host <close> = guestlua.open()\nlocal guest = host:guest('test', { required = true })\n", script)
    file:close()
    return helper.guestlua("-c test:///default --dry-run " .. path)
  end

  it("of a configuration that is changed goes on, and says which lines change", function()
    local code, out, err = dry([[
      local domain = guestlua.element(guest:get_xml_desc({ dump_inactive = true, dump_sensitive = true }))
      domain.memory = { unit = "KiB", "4242" }
      print(host:write_instance_config(domain).name)
      print(#guestlua.plan(), guestlua.plan()[1].refused, table.concat(guestlua.plan()[1].changes, "; "))
    ]])
    local changes = '- <memory unit="KiB">8388608</memory>; + <memory unit="KiB">4242</memory>'
    assert.same({ 0, "test\n1\tnil\t" .. changes .. "\n" }, { code, out })
    assert.matches("Plan: 1 change, none made.\n1. virDomainDefineXML host=test:///default\n   " .. changes:gsub("; ", "\n   ") .. "\n", err, 1, true)
    assert.is_nil(err:find("refused", 1, true))
  end)

  it("of a guest that is new is refused, and shows the beginning of a long document", function()
    local code, _, err = dry([[
      local domain = guestlua.element(guest:get_xml_desc())
      domain.name, domain.uuid = "other", nil
      domain:append(guestlua.element("description", { ("x"):rep(5000) .. "end" }))
      host:write_instance_config(domain)
    ]])
    assert.equal(1, code)
    assert.matches('\n1%. virDomainDefineXML [^\n]*<name>other</name>[^\n]*… %(%d+ bytes%) %(refused: ', err)
    assert.is_nil(err:find("xend", 1, true))
  end)
end)
