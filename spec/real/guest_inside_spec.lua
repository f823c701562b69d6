-- What the guest's agent says of the system inside, and the programs and files there.

local guestlua = require("guestlua")
local helper = require("spec.support.helper")

describe("A guest's agent", function()
  local machine = helper.machine()
  local guest
  helper.leaves_nothing(function()
    guest = machine.guest
  end)

  it("says what is inside, as tables", function()
    local os_info = guest:os_info()
    assert.equal("x86_64", os_info.machine)
    assert.equal(machine:sh("uname -r"), os_info.kernel_release)
    assert.same({}, guest:users())
    local filesystems, disks, interfaces = guest:filesystems(), guest:disks(), guest:interfaces()
    assert.same({ 1, "/data", "ext4", "vda" }, { #filesystems, filesystems[1].mountpoint, filesystems[1].fstype, filesystems[1].disk[1].alias })
    assert.is_true(filesystems[1].used_bytes < filesystems[1].total_bytes)
    assert.same({ 1, "/dev/vda", "vda", false }, { #disks, disks[1].name, disks[1].alias, disks[1].partition })
    assert.same({ "lo", "00:00:00:00:00:00", {} }, { interfaces[1].name, interfaces[1].hwaddr, interfaces[1].addr })
    local all = guest:get_guest_info()
    assert.same({ "UTC", 1 }, { all["timezone.name"], all["fs.count"] })
    assert.is_nil(guest:get_guest_info({ os = true })["fs.count"])
  end)

  it("runs a program in a directory, with variables and input, and gives both outputs", function()
    local code, out, err, more = guest:exec("sh", {
      args = { "-c", 'pwd; echo "$X"; cat; echo "$0" >&2; exit 3', "a b" }, cwd = "/data", env = { X = "it's" }, input = "in\0put",
    })
    assert.same({ 3, "/data\nit's\nin\0put", "a b\n", { truncated = false } }, { code, out, err, more })
    code, out, err, more = guest:exec("sh", { args = { "-c", "kill -9 $$" } })
    assert.same({ 137, "", "", { signal = 9, truncated = false } }, { code, out, err, more })
  end)

  it("has kinds of its own for what is not there", function()
    for _, case in ipairs({
      { "no_program", "nonesuch" }, { "no_program", "/bin/nonesuch" }, { "no_directory", "ls", { cwd = "/none" } },
    }) do
      local e = helper.failure(guest.exec, guest, case[2], case[3])
      assert.same({ case[1], "exec", guest.name }, { e.kind, e.op, e.guest })
    end
    for _, options in ipairs({ { env = { ["a b"] = "x" } }, { env = { X = 1 } }, { cwd = "\xff" }, { env = { X = "\xff" } } }) do
      assert.equal("bad_argument", helper.failure(guest.exec, guest, "ls", options).kind)
    end
  end)

  it("says which other consoles there may be, if one is no terminal", function()
    assert.matches("type 'pty'", helper.failure(machine.guest.console, machine.guest).hint)
  end)

  -- Seen: libvirt gives up an agent that answers with more than 10 MB, for everybody.
  it("reports much output in pieces, and no more than is wanted", function()
    local zeros = "head -c 1200000 /dev/zero; echo end; echo err >&2"
    local _, out, err, more = guest:exec("sh", { args = { "-c", zeros } })
    assert.same({ 1200004, "end\n", "err\n", false }, { #out, out:sub(-4), err, more.truncated })
    _, out, err, more = guest:exec("sh", { args = { "-c", zeros }, max_output = 1000 })
    assert.same({ 1000, "err\n", true }, { #out, err, more.truncated })
    for most, row in pairs({ [0] = { "", true }, [2] = { "ab", true }, [3] = { "abc", false }, [math.maxinteger] = { "abc", false } }) do
      _, out, _, more = guest:exec("printf", { args = { "abc" }, max_output = most })
      assert.same(row, { out, more.truncated })
    end
    assert.is_false(select(4, guest:exec("true", { max_output = 0 })).truncated)
    assert.equal("2", machine:sh("ls /tmp/guestlua.* | wc -l")) -- its own
  end)

  -- Seen: one command with 400,000 bytes of input, and the agent was lost for everybody.
  it("takes any amount of input, and no more arguments than the agent", function()
    local input = ("0123456789\0\n"):rep(40000)
    local code, out = guest:exec("sh", { args = { "-c", "pwd; wc -c; sleep 0.1" }, input = input, cwd = "/data" })
    assert.same({ 0, "/data\n" .. #input .. "\n" }, { code, out })
    assert.equal("no_program", helper.failure(guest.exec, guest, "nonesuch", { input = input }).kind)
    assert.matches("^arguments are apart: ", helper.failure(guest.exec, guest, "ls -l /").hint)
    local e = helper.failure(guest.exec, guest, "true", { args = { ("x"):rep(300000) } })
    assert.equal("bad_argument", e.kind)
    assert.matches("agent could be lost", e.message)
    assert.equal("2", machine:sh("ls /tmp/guestlua.* | wc -l")) -- its own
  end)

  it("reads and writes files", function()
    local text = ("\0\1binary\xff"):rep(40000)
    guest:write_file("/data/f", text)
    assert.same({ text, false }, { guest:read_file("/data/f") })
    guest:write_file("/data/f", "end", { append = true })
    assert.same({ text:sub(1, 1000), true }, { guest:read_file("/data/f", { max_size = 1000 }) })
    for most, more in pairs({ [#text + 2] = true, [#text + 3] = false, [math.maxinteger] = false }) do
      assert.same({ (text .. "end"):sub(1, most), more }, { guest:read_file("/data/f", { max_size = most }) })
    end
    assert.equal(tostring(#text + 3), machine:sh("wc -c </data/f"))
    guest:write_file("/data/f", "")
    assert.same({ "", false }, { guest:read_file("/data/f") })
    for _, path in ipairs({ "/data/none/x", "/data", "/data/f/x" }) do
      local e = helper.failure(guest.write_file, guest, path, "x")
      assert.same({ "no_file", "write_file" }, { e.kind, e.op }, path)
    end
    local e = helper.failure(guest.read_file, guest, "/data/none")
    assert.same({ "no_file", "read_file" }, { e.kind, e.op })
    assert.matches("'/data/none' in the guest: No such file or directory", e.message)
    machine:sh("rm /data/f")
  end)

  it("kills a program that takes too long, with what it started", function()
    local e = helper.failure(guest.exec, guest, "sh", { args = { "-c", "sleep 1000 & sleep 1000" }, timeout = 0.5 })
    assert.equal("timeout", e.kind)
    assert.is_nil(e.still_running)
    assert.equal("0", machine:sh("ps | grep -c '[s]leep 1000' || true"))
    assert.equal("2", machine:sh("ls /tmp/guestlua.* | wc -l"))
  end)
end)

describe("A guest without an agent", function()
  helper.leaves_nothing()

  it("says that it has none", function()
    local host <close> = guestlua.open("test:///default")
    local e = helper.failure(function() host:guest("test"):os_info() end)
    assert.equal("no_support", e.kind)
  end)
end)
