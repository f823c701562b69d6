-- Consoles and channels of a real guest: in this process, through a libvirtd, and at the terminal.

local core = require("guestlua.core")
local guestlua = require("guestlua")
local faults = require("spec.support.faults")
local helper = require("spec.support.helper")
local login = require("spec.support.console")
local screen = require("spec.support.screen")

local PATIENCE = 120 -- seconds, for all that has to come

local function with_console(domain)
  domain.devices.serial:remove()
  login.add(domain)
  domain.devices:append(guestlua.element("<channel type='unix'><target type='virtio' name='spec.0'/></channel>"))
end

local function log_in(console)
  console:write("\n")
  console:expect("login: ", { timeout = PATIENCE })
  console:write("root\n")
  console:expect("Password: ", { timeout = PATIENCE })
  console:write("seam\n")
  console:expect("~ # ", { timeout = PATIENCE })
end

describe("A guest's console", function()
  local machine = helper.machine({ edit = with_console })
  helper.leaves_nothing()

  it("logs in, and is read by line and by what it says", function()
    login.offer_login(machine, "ttyS0")
    local console <close> = machine.guest:console({ device = "serial0" })
    assert.equal("serial0", console.name)
    log_in(console)
    console:write("stty -echo; seq 1 300; echo end\n")
    local count = 0
    for line in console:lines({ timeout = PATIENCE }) do
      count = count + (line:find("^%d+$") and 1 or 0)
      if line == "end" then
        break
      end
    end
    assert.equal(300, count)
    console:write("echo one two; echo three\n")
    local text, pattern = console:expect({ "never", "one" }, { timeout = PATIENCE })
    assert.same({ "one", "one" }, { text:sub(-3), pattern })
    assert.equal(" two\r\nthr", console:expect("thr", { plain = true, timeout = PATIENCE }))
    assert.equal("ee\r\n", console:expect("\n", { timeout = PATIENCE })) -- nothing is read too far
    console:write("exit\n")
    console:expect("login: ", { timeout = PATIENCE })
  end)

  it("says what came instead, and keeps it", function()
    local console <close> = machine.guest:console()
    machine:sh("printf 'some%s' thing >/dev/ttyS0")
    local e = helper.failure(console.expect, console, "another", { timeout = 1 })
    assert.same({ "timeout", "expect", "console", "stream" }, { e.kind, e.op, e.object, e.object_type })
    assert.matches('within 1 s; the last that came is ".*something"', e.message)
    assert.matches("something", console:expect("thing", { timeout = PATIENCE }))
    assert.equal("", console:read({ timeout = 0 }))
    console:unread("back")
    assert.same({ "ba", 0 }, { console:read(2) })
    assert.same({ "ck", 0 }, { console:read() })
    console:unread("not a secret")
    assert.equal("not a secret", core.mask(console:read()))
    for _, case in ipairs({ { "expect", {} }, { "expect", { 1 } }, { "read", 0 }, { "unread", ("x"):rep((1 << 20) + 1) } }) do
      local bad = helper.failure(console[case[1]], console, case[2])
      assert.same({ "bad_argument" }, { bad.kind, bad.hint })
    end
    for _, pattern in ipairs({ "[", "login [", "login: (", "a)", "a%", "x%b(", "%f", "(a%1)", "%f[^]", { "fine", "[%]" } }) do
      local bad = helper.failure(console.expect, console, pattern, { timeout = 0 })
      assert.equal("bad_argument", bad.kind)
      assert.matches("plain = true", bad.hint)
    end
    for _, pattern in ipairs({ "[]]", "[^]%]]", "(a)()%2", "%bxy$", "^%f[%w]", "a%%%[" }) do
      assert.equal("timeout", helper.failure(console.expect, console, pattern, { timeout = 0 }).kind)
    end
  end)

  it("is read by line however many carriage returns there are in it", function()
    local channel <close> = machine.guest:channel("spec.0")
    local returns = ("\r"):rep(400000) -- the square of them is hours
    channel:unread("one" .. returns .. "two" .. returns .. "\nthree\n\r\nfour")
    local lines = channel:lines({ timeout = PATIENCE })
    local first = lines()
    assert.equal(400006, #first)
    assert.same({ "one\r", "\rtwo", "three", "" }, { first:sub(1, 4), first:sub(-4), lines(), lines() })
    assert.equal("four", channel:read())
  end)

  it("keeps the last MiB for who reads late, and counts the rest", function()
    local channel <close> = machine.guest:channel("spec.0")
    machine:sh("seq 1 300000 | tee /tmp/all >/dev/virtio-ports/spec.0; echo end >/dev/virtio-ports/spec.0", { timeout = PATIENCE })
    local all = tonumber(machine:sh("wc -c </tmp/all")) + 4
    local text, lost = "", nil
    repeat
      local bytes, before = channel:read({ timeout = PATIENCE })
      text, lost = text .. bytes, lost or before
    until text:sub(-4) == "end\n"
    assert.equal(all, #text + lost)
    assert.is_true(#text >= 1 << 20 and lost > 0)
    assert.equal("299999\n300000\nend\n", text:sub(-18))
  end)

  it("is read by line while more comes than is kept", function()
    local channel <close> = machine.guest:channel("spec.0")
    machine:sh("exec >/dev/virtio-ports/spec.0 2>&1; seq 1 170000; (seq 1 100000; echo end) &", { timeout = PATIENCE })
    local count, last = 0, nil
    for line in channel:lines({ timeout = PATIENCE }) do
      count, last = count + 1, line
      if line == "end" then
        break
      end
    end
    assert.equal("end", last)
    assert.is_true(count > 10000)
  end)

  it("loses nothing of a line that is not whole when the time of its reader is over", function()
    local channel <close> = machine.guest:channel("spec.0")
    machine:sh("printf half >/dev/virtio-ports/spec.0")
    local e = helper.failure(guestlua.timeout, 1, function()
      return channel:lines()()
    end)
    assert.equal("timeout", e.kind)
    assert.same({ "half", 0 }, { channel:read({ timeout = PATIENCE }) })
  end)

  it("takes bytes as the other side does, and ends a write that nobody waits for", function()
    local channel <close> = machine.guest:channel("spec.0")
    local much = ("0123456789abcdef"):rep(40000)
    local e = helper.failure(channel.write, channel, much, { timeout = 1 }) -- nobody reads there
    assert.same({ "timeout", "write" }, { e.kind, e.op })
    machine:sh("cat /dev/virtio-ports/spec.0 >/tmp/got & echo $! >/tmp/pid")
    channel:write("\0end", { timeout = PATIENCE })
    helper.await(function()
      return machine:sh("tail -c 4 /tmp/got | od -An -c | tr -d ' '") == "\\0end"
    end, "what was written", PATIENCE)
    assert.equal("0123456789abcdef", machine:sh("head -c 16 /tmp/got; kill $(cat /tmp/pid)"))
    local task = guestlua.spawn(channel.write, channel, much)
    helper.await(function()
      return guestlua.alive().ops > 0
    end, "the write", PATIENCE)
    channel:close()
    assert.equal("end_of_stream", helper.failure(task.wait, task).kind)
  end)

  it("has one user, unless another takes it by force", function()
    local first <close> = machine.guest:console()
    local e = helper.failure(machine.guest.console, machine.guest)
    assert.same({ "operation_failed", "virDomainOpenConsole", machine.guest.name }, { e.kind, e.call, e.guest })
    local second <close> = machine.guest:console({ force = true })
    repeat
      local bytes = first:read({ timeout = PATIENCE })
    until not bytes
    assert.equal("end_of_stream", helper.failure(first.write, first, "x").kind)
    assert.equal("end_of_stream", helper.failure(first.expect, first, "x").kind)
    machine:sh("echo second >/dev/ttyS0")
    second:expect("second", { timeout = PATIENCE })
    second:close()
    assert.equal("closed", helper.failure(second.read, second).kind)
    local third <close> = machine.guest:console() -- as soon as it is free
    assert.equal("console", third.name)
  end)

  it("names what is not there", function()
    assert.equal("device_not_found", helper.failure(machine.guest.channel, machine.guest, "nonesuch").kind)
    assert.equal("device_not_found", helper.failure(machine.guest.console, machine.guest, { device = "nonesuch" }).kind)
  end)

  it("ends with the guest", function()
    local console <close> = machine.guest:console()
    local task = guestlua.spawn(function()
      local bytes
      repeat
        bytes = console:read({ timeout = PATIENCE })
      until not bytes
      return "ended"
    end)
    machine.guest:poweroff()
    assert.equal("ended", task:wait())
    assert.equal("operation_invalid", helper.failure(machine.guest.console, machine.guest).kind)
  end)
end)

describe("A console through libvirtd", function()
  local machine, it_ = faults.machine({ edit = with_console, fresh = true })

  it_("logs in, and ends when the daemon does", function()
    login.offer_login(machine, "ttyS0")
    local console <close> = machine.guest:console()
    log_in(console)
    console:write(("echo %s | wc -c\n"):format(("x"):rep(500)))
    console:expect("501", { timeout = PATIENCE })
    local task = guestlua.spawn(function()
      repeat
        local bytes = console:read({ timeout = PATIENCE })
      until not bytes
    end)
    machine:stop({ kill = true })
    local ok, e = pcall(task.wait, task)
    assert.is_true(ok or e.kind ~= "timeout", tostring(e))
  end)

  it_("is at the terminal with guestlua console", function()
    login.offer_login(machine, "ttyS0")
    local terminal <close> = screen.start(("%s -c %s console tiny"):format(helper.interpreter, helper.quoted(machine.uri)), { columns = 100 })
    terminal:shows("Leave it with")
    terminal:type("\n")
    terminal:shows("login:")
    terminal:type("root\n")
    terminal:shows("Password:")
    terminal:type("seam\n")
    terminal:shows("~ #")
    terminal:type("tr h H\nheard\n")
    terminal:shows("Heard") -- before it runs, its shell would take what comes now
    terminal:key("C-c") -- the guest's, and not the command's
    terminal:matches("%^C%s*~ #") -- what comes before is flushed with it
    terminal:type("echo $((6*7))\n")
    terminal:shows("42")
    terminal:key("C-]")
    assert.equal(0, terminal:exit_code())
    local code, _, err = helper.guestlua(("-c %s console tiny </dev/null"):format(helper.quoted(machine.uri)))
    assert.equal(1, code)
    assert.matches("standard input is no terminal", err)
    code, _, err = helper.guestlua(("-c %s console nonesuch"):format(helper.quoted(machine.uri)))
    assert.equal(1, code)
    assert.matches("there is no guest 'nonesuch'", err, 1, true)
  end)
end)
