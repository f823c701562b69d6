-- Clones of real guests, their files, and what a run that is killed leaves.

local after_write = require("spec.support.after_write")
local faults = require("spec.support.faults")
local guestlua = require("guestlua")
local helper = require("spec.support.helper")

local sh = helper.sh

local workflow = guestlua.workflow

-- SIGKILL right after the journal has been written so many times.
local CHILD = after_write .. [[
  local host <close> = guestlua.open()
  guestlua.workflow.clone(host:guest("tiny"), { name = "twin", start = true })
  print(writes)
]]

-- Something happens when the disk has been copied.
local MEANWHILE = [[
  local qemu_img = require("guestlua.disk.qemu_img")
  local host <close> = guestlua.open()
  local guest, copy = host:guest("tiny"), qemu_img.copy
  qemu_img.copy = function(from, ...) %s end
  local ok, e = pcall(guestlua.workflow.clone, guest, { name = "twin" })
  print(not ok and e.kind, e.step, e.outcome, e.message)
]]

local CHANGES = { virDomainDefineXMLFlags = true, virDomainDefineXML = true, virDomainCreateWithFlags = true }

describe("A clone", function()
  local machine, it_ = faults.machine({
    each = function(machine)
      machine:reset()
      machine:sh("echo cloned >/data/word; sync")
      workflow.ensure_stopped(machine.guest, { force = true })
      sh("rm -rf %s/twin* && chmod 666 %s", machine.dir, machine.disk)
    end,
  })

  helper.leaves_nothing(function()
    if machine.uri then
      guestlua.journal({ dir = machine.root .. "/state/guestlua/journal" })
    end
  end)

  local function clone(options)
    options.name = options.name or "twin"
    return workflow.clone(machine.guest, options)
  end

  -- Calls fn with the guest of that name, which is no guest any more afterwards.
  local function with_twin(fn)
    local twin <close> = machine.host:guest("twin", { required = true })
    local ok, e = pcall(fn, twin)
    if twin:is_active() then
      twin:poweroff()
    end
    twin:delete_configuration()
    assert(ok, e)
  end

  local function sum(path)
    return sh("sha256sum <%s", path)
  end

  it_("has what the guest had, runs beside it, and leaves it as it was", function()
    local before = sum(machine.disk)
    local result = clone({ start = true })
    assert.same({ "twin", "tiny", { { target = "vda", path = machine.dir .. "/twin-vda.qcow2", format = "qcow2" } } },
      { result.clone, result.guest, result.files })
    assert.equal(before, sum(machine.disk))
    with_twin(function(twin)
      assert.equal(result.uuid, twin.uuid)
      assert.is_true(twin.uuid ~= machine.guest.uuid)
      guestlua.await_agent(twin, { timeout = 120 })
      assert.equal("cloned\n", (twin:read_file("/data/word")))
      workflow.ensure_running(machine.guest)
      guestlua.await_agent(machine.guest, { timeout = 120 })
      twin:write_file("/data/word", "the twin's\n")
      assert.equal("cloned\n", (machine.guest:read_file("/data/word")))
      sh("test -f %s/console.log.twin", machine.dir)
    end)
  end)

  it_("is on top of a template that nobody can write", function()
    local e = helper.failure(clone, { disks = "overlay" })
    assert.same({ "argument_unsupported", "vda", "clone" }, { e.kind, e.device, e.workflow })
    assert.matches("chmod a%-w", e.hint)
    sh("chmod a-w %s", machine.disk)
    local before = sum(machine.disk)
    clone({ disks = "overlay", start = true, files = { vda = machine.dir .. "/twin.overlay" } })
    with_twin(function(twin)
      guestlua.await_agent(twin, { timeout = 120 })
      twin:write_file("/data/word", "the twin's\n")
      assert.equal(machine.disk, guestlua.element(twin:get_xml_desc()).devices.disk.backingStore.source.file)
    end)
    assert.equal(before, sum(machine.disk))
    sh("rm %s/twin.overlay", machine.dir)
  end)

  it_("is refused before anything is made, and says why", function()
    for _, case in ipairs({
      { {}, "bad_argument", "string expected, got nil" }, { { name = "a/b" }, "bad_argument", "no slash" },
      { { name = "twin", disks = "link" }, "bad_argument", "'link' is neither: copy, overlay" },
      { { name = "twin", to = "images" }, "bad_argument", "an absolute path expected" },
      { { name = "twin", files = { vda = "x" } }, "bad_argument", "an absolute path expected" },
      { { name = "twin", files = { vdz = "/x" } }, "device_not_found", "no such disk" },
      { { name = "twin", files = { vda = machine.disk } }, "operation_invalid", "already" },
      { { name = "tiny" }, "operation_invalid", "the host has a guest 'tiny' already" },
    }) do
      local e = helper.failure(workflow.clone, machine.guest, case[1])
      assert.equal(case[2], e.kind, tostring(e))
      assert.matches(case[3], e.message, 1, true)
    end
    workflow.ensure_running(machine.guest)
    local e = helper.failure(clone, {})
    assert.equal("operation_invalid", e.kind)
    assert.matches("backup and restore", e.hint)
    workflow.suspend(machine.guest)
    e = helper.failure(clone, {})
    assert.matches("managed_save_remove", e.hint)
    assert.equal("", sh("ls %s | grep twin || :", machine.dir))
  end)

  -- A guest that is off, with these devices.
  local function with(name, devices, fn)
    local other <close> = machine.host:write_instance_config(([[<domain type='qemu'><name>%s</name><memory>65536</memory>
      <maxMemory slots='2' unit='KiB'>1048576</maxMemory><os><type machine='pc'>hvm</type></os>
      <cpu><numa><cell id='0' cpus='0' memory='65536' unit='KiB'/></numa></cpu><devices>%s</devices></domain>]]):format(name, devices))
    local ok, e = pcall(fn, other)
    other:delete_configuration()
    assert(ok, e)
  end

  it_("writes to no file of another guest's", function()
    local floppy, log = machine.dir .. "/floppy.img", ("<serial type='file'><source path='%s/%s.log'/></serial>"):format(machine.dir, "%s")
    sh("truncate -s 1440K %s && echo theirs >%s/twin.log", floppy, machine.dir)
    with("twin's", log:format("twin"), function()
      local disk = ("<disk type='file' device='floppy'><source file='%s'/><target dev='fda'/></disk>"):format(floppy)
      with("boot", disk .. log:format("boot"), function(guest)
        local result = workflow.clone(guest, { name = "twin" })
        assert.same({ { target = "fda", path = machine.dir .. "/twin-fda.img", format = "raw" } }, result.files)
        with_twin(function(twin)
          local devices = guestlua.element(twin:get_xml_desc()).devices
          assert.same({ machine.dir .. "/twin-fda.img", ("%s/twin.log.%s"):format(machine.dir, result.uuid) },
            { devices.disk.source.file, devices.serial.source.path })
        end)
      end)
    end)
    with("kept", ([[<memory model='nvdimm' access='shared'><source><path>%s</path></source><target><size unit='KiB'>1024</size><node>0</node></target>
      </memory>]]):format(floppy), function(guest)
      local e = helper.failure(workflow.clone, guest, { name = "twin" })
      assert.same({ "argument_unsupported", ("its memory device nvdimm is kept in %s, which both would write to"):format(floppy) },
        { e.kind, e.message })
      assert.is_nil(machine.host:guest("twin"))
    end)
  end)

  it_("is taken back if its disk fails, or if somebody writes to the guest's meanwhile", function()
    for what, expected in pairs({
      ["copy(from, ...) guest:launch()"] = "conflict\tcopy\tundone: no guest was made\tsomebody else has changed the guest: it was started",
      ["copy(from, ...) os.execute('touch ' .. from)"] = "conflict\tcopy\tundone: no guest was made\t.* was written while it was copied",
      ["copy('/nonexistent', ...)"] = "system_error\tcopy\tundone: no guest was made\tqemu%-img: .*/nonexistent",
    }) do
      local code, out, err = faults.run(MEANWHILE:format(what), { uri = machine.uri, env = { XDG_STATE_HOME = machine.root .. "/state" } })
      assert.equal(0, code, err)
      assert.matches("^" .. expected, out)
      assert.equal("", sh("ls %s | grep twin || :", machine.dir))
      assert.is_nil(machine.host:guest("twin"))
      workflow.ensure_stopped(machine.guest, { force = true })
    end
  end)

  it_("that is killed, at each step, is there whole or leaves nothing", function()
    local function run(fault, env)
      env = env or {}
      env.XDG_STATE_HOME = machine.root .. "/state"
      return faults.run(CHILD, { uri = machine.uri, env = env, fault = fault })
    end
    local function check(where)
      assert.same({}, guestlua.recover(machine.host), where)
      local there <close> = machine.host:guest("twin")
      local files = sh("ls %s | grep twin-vda || :", machine.dir)
      assert.equal(there and "twin-vda.qcow2\n" or "", files, where)
      if there then
        sh("qemu-img check -q -U %s/twin-vda.qcow2", machine.dir)
        with_twin(function() end)
        os.remove(machine.dir .. "/twin-vda.qcow2")
      end
      assert.is_false(machine.guest:is_active(), where)
    end
    local code, out, err, calls = run()
    assert.equal(0, code, err)
    check("not killed")
    local times, kills = {}, 0
    for k = 1, tonumber(out:match("%d+")) do
      assert.equal(128 + 9, (run(nil, { KILL_AFTER_WRITE = k })), "write " .. k)
      guestlua.recover(machine.host)
      check("write " .. k)
    end
    for _, call in ipairs(calls) do
      times[call.name] = (times[call.name] or 0) + 1
      if CHANGES[call.name] then
        kills = kills + 1
        local where = ("%s#%d"):format(call.name, times[call.name])
        assert.equal(128 + 9, (run(where .. ":kill:after")), where)
        guestlua.recover(machine.host)
        check(where)
      end
    end
    assert.equal(2, kills) -- the definition and the start
  end)
end)

describe("A clone's configuration", function()
  local of_clone = require("guestlua.workflow.clone.domain").of_clone

  it("has what two guests cannot have in common for itself", function()
    local element = of_clone(guestlua.element([[<domain type='kvm'><name>web</name><uuid>11111111-2222-4333-8444-555555555555</uuid>
      <genid>11111111-2222-4333-8444-666666666666</genid>
      <sysinfo type='smbios'><system><entry name='uuid'>11111111-2222-4333-8444-555555555555</entry><entry name='sku'>x</entry></system></sysinfo>
      <os><type>hvm</type><nvram>/n/web_VARS.fd</nvram></os>
      <devices>
        <disk type='file' device='disk'><driver name='qemu' type='qcow2'/><source file='/i/web.qcow2'/>
          <backingStore type='file'><format type='raw'/><source file='/i/base'/></backingStore><target dev='vda'/></disk>
        <disk type='file' device='cdrom'><source file='/i/cd.iso'/><target dev='sda'/></disk>
        <interface type='bridge'><mac address='52:54:00:00:00:01'/><source bridge='br0'/><target dev='web0'/></interface>
        <interface type='network'><mac address='52:54:00:00:00:02'/><source network='default'/></interface>
        <serial type='unix'><source mode='bind' path='/s/web.sock'/></serial>
        <serial type='unix'><source mode='connect' path='/s/other.sock'/></serial>
        <serial type='file'><source path='/l/serial.log'/></serial>
        <serial type='pty'><log file='/l/web.log'/></serial>
        <graphics type='vnc' port='5901' autoport='no' listen='127.0.0.1'/>
        <graphics type='vnc' socket='/s/web.vnc'><listen type='socket' socket='/s/web.vnc'/></graphics>
        <interface type='vhostuser'><mac address='52:54:00:00:00:03'/><source type='unix' path='/s/web.vhost' mode='server'/></interface>
        <interface type='vhostuser'><mac address='52:54:00:00:00:04'/><source type='unix' path='/s/switch' mode='client'/></interface>
        <smartcard mode='passthrough' type='unix'><source mode='bind' path='/s/web.card'/></smartcard>
        <rng model='virtio'><backend model='egd' type='unix'><source mode='bind' path='/s/egd'/></backend></rng>
        <audio id='1' type='file' path='/l/web.wav'/>
        <vsock model='virtio'><cid auto='no' address='3'/></vsock>
        <filesystem type='mount'><source dir='/shared/web'/><target dir='web'/></filesystem>
      </devices></domain>]]), { name = "db", uuid = "99999999-2222-4333-8444-555555555555" },
      { { target = "vda", path = "/i/db.qcow2", format = "qcow2" } }, "/n/db_VARS.fd", { ["/s/db.card"] = false })
    local devices = element.devices
    local serials = devices:children("serial")
    assert.same({ "db", "99999999-2222-4333-8444-555555555555", "/n/db_VARS.fd" }, { element.name[1], element.uuid[1], element.os.nvram[1] })
    assert.equal(element.uuid[1], element.sysinfo.system.entry[1])
    assert.is_true(element.genid[1] ~= "11111111-2222-4333-8444-666666666666" and #element.genid[1] == 36)
    local disks = devices:children("disk")
    assert.same({ "/i/db.qcow2", "/i/cd.iso" }, { disks[1].source.file, disks[2].source.file })
    assert.is_nil(disks[1].backingStore)
    for _, interface in ipairs(devices:children("interface")) do
      assert.is_nil(interface.mac)
      assert.is_nil(interface.target)
      assert.is_truthy(interface.source)
    end
    assert.same({ "/s/db.sock", "/s/other.sock", "/l/serial.log.db", "/l/db.log" },
      { serials[1].source.path, serials[2].source.path, serials[3].source.path, serials[4].log.file })
    assert.same({ "yes", "127.0.0.1" }, { devices.graphics.autoport, devices.graphics.listen })
    assert.is_nil(devices.graphics.port)
    local graphics, nets = devices:children("graphics")[2], devices:children("interface")
    assert.same({ "/s/db.vnc", "/s/db.vnc", "/s/db.vhost", "/s/switch" },
      { graphics.socket, graphics.listen.socket, nets[3].source.path, nets[4].source.path })
    assert.same({ "/s/db.card." .. element.uuid[1], "/s/egd.db", "/l/db.wav", "yes" },
      { devices.smartcard.source.path, devices.rng.backend.source.path, devices.audio.path, devices.vsock.cid.auto })
    assert.is_nil(devices.vsock.cid.address)
    assert.equal("/shared/web", devices.filesystem.source.dir)
  end)
end)
