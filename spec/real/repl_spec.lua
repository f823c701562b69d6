-- The prompt, as a person uses it: the real program on a terminal.

local helper = require("spec.support.helper")
local screens = require("spec.support.screen")

if not os.execute("command -v tmux >/dev/null") then
  describe("The prompt", function()
    pending("needs tmux")
  end)
  return
end

local CONNECT = [[host = guestlua.open("test:///default") guest = host:guest("test")]]

describe("The prompt", function()
  local state = os.tmpname()
  os.remove(state)
  teardown(function()
    os.execute("rm -rf " .. state)
  end)

  -- A prompt with `host` and `guest` in it, and these options.
  local function start(arguments, options)
    options = options or {}
    options.env = options.env or { XDG_STATE_HOME = state }
    local screen = screens.start(("%s -e %s -i %s"):format(helper.interpreter, helper.quoted(CONNECT), arguments or "-q"), options)
    screen:matches(">\n$")
    return screen
  end

  -- Types lines, each when the prompt is there: the terminal itself would echo what comes before.
  local function enter(screen, lines)
    for _, line in ipairs(lines) do
      screen:matches(">\n$")
      screen:type(line .. "\n")
      screen:matches("> " .. line .. "\n", true)
    end
  end

  it("greets, and leaves at Ctrl-D", function()
    local screen <close> = screens.start(helper.interpreter, { env = { XDG_STATE_HOME = state } })
    screen:matches("^guestlua %d+%.%d+%.%d+, Lua 5%.4%.%d+, libvirt %d.*\n>\n$")
    screen:key("C-d")
    assert.equal(0, screen:exit_code())
  end)

  it("has the host of --connect", function()
    local screen <close> = screens.start(helper.interpreter .. " -c test:///default", { env = { XDG_STATE_HOME = state } })
    screen:matches("leaves%.\nhost is <Host test:///default>\n>\n$")
    screen:type("#host:guests()\n")
    screen:matches("\n1\n>\n$")
    local code, out, err = helper.guestlua("-c test:///default -i", "print(host)")
    assert.same({ 0, "<Host test:///default>\n", "" }, { code, out, err })
    code, out, err = helper.guestlua("-c test:///default -e 'host = 7' -i", "print(host)")
    assert.same({ 0, "7\n", "" }, { code, out, err })
    code, out, err = helper.guestlua("-c test:///nonesuch -i", "print(host)")
    assert.same({ 0, "nil\n" }, { code, out })
    assert.matches("open: .*test:///nonesuch", err)
  end)

  it("shows what expressions give, and runs statements of several lines", function()
    local screen <close> = start()
    screen:type("1 + 1, 'text', nil\n")
    screen:shows("> 1 + 1, 'text', nil\n2\ntext\nnil\n>\n")
    enter(screen, { "=host", "for i = 1, 2 do", "print(i)", "end", "{", "1, a = { 'b' } }", "x x" })
    screen:shows([[
> =host
<Host test:///default>
> for i = 1, 2 do
>> print(i)
>> end
1
2
> {
>> 1, a = { 'b' } }
{ 1, a = { "b" } }
> x x
stdin:1: syntax error near 'x'
>
]])
  end)

  it("shows guests, lists of them, XML and errors so that they can be read", function()
    local screen <close> = start()
    enter(screen, { "guest", "host:guests()" })
    screen:shows([[
> guest
<Guest 1 test 6695eb01-f6a4-8304-79aa-97f2502e193f>
> host:guests()
id  name  state    uuid
1   test  running  6695eb01-f6a4-8304-79aa-97f2502e193f
>
]])
    screen:type("guestlua.element('<a x=\"1\"><b>t</b><c><d/></c></a>')\n")
    screen:shows('<a x="1">\n  <b>t</b>\n  <c>\n    <d/>\n  </c>\n</a>\n>')
    screen:key("C-l")
    screen:type("guest:launch()\n")
    screen:matches("\nstdin:1: guest 'test': launch: .*\n  kind = \"%a+_%a+\"\n>\n$")
    screen:key("C-l")
    screen:type("guest:snapshot_create_as('before') guest:snapshots()\n")
    screen:key("C-l")
    screen:type("guest:snapshots()\n")
    screen:matches("name +guest +created +state\nbefore +test +%d+-%d+-%d+ %d+:%d+:%d+ +running\n>\n$")
    screen:type("guest:snapshots()[1]:delete()\n")
    screen:type("error('oops')\n")
    screen:matches("\nstdin:1: oops\nstack traceback:\n[^\n]*'error'\n *stdin:1: in main chunk\n>\n$")
  end)

  it("shows a list of anything as a table, and folds big XML", function()
    local screen <close> = start("-q", { columns = 100, lines = 30 })
    screen:type("host:networks()\n")
    screen:matches("\nname     uuid +active\ndefault  [%x-]+  yes\n>\n$")
    screen:key("C-l")
    screen:type("{ { name = 'a', size = 1 }, { size = 20, name = 'b', left = { 1 } } }\n")
    screen:shows("\nname  size  left\na     1     -\nb     20    { 1 }\n>\n")
    screen:key("C-l")
    screen:type("for i = 1, 9 do one = one or {} one[i] = { } for k = 1, 12 do one[i]['a_field_' .. k] = i end end\n")
    screen:key("C-l")
    screen:matches("^>\n$")
    screen:type("one\n")
    screen:matches("%(3 more fields: a_field_7, a_field_8, a_field_9; one alone, as in show%(list%[1%]%), has all%)\n>\n$")
    screen:key("C-l")
    screen:type("doc = '<a><b>' .. ('<c>' .. ('<d e=\"f\"/>'):rep(20) .. '</c>'):rep(20) .. '</b></a>'\n")
    screen:key("C-l")
    screen:type("guestlua.element(doc)\n")
    local text = screen:matches("\n%(folded; print%(…%) shows all of it%)\n>\n$")
    assert.matches("\n<a>\n  <b>\n    <c> … </c> %(20 lines%)\n", text)
    screen:key("C-l")
    screen:type("doc\n")
    screen:matches("\n<a>\n  <b>\n    <c> … </c> %(20 lines%)\n.*\n%(folded; print%(…%) shows all of it%)\n>\n$")
  end)

  it("leaves at quit and exit, and helps at a question mark", function()
    for _, word in ipairs({ "quit", "exit", "quit()", " exit " }) do
      local screen <close> = start()
      screen:type(word .. "\n")
      assert.equal(0, screen:exit_code())
    end
    local screen <close> = start("-q", { columns = 100, lines = 40 })
    screen:type("?guest.launch\n")
    screen:matches("\nGuest:launch%({…}%)\nStarts the guest%.\n")
    screen:key("C-l")
    screen:type("?guest:pause\n")
    screen:matches("\nGuest:pause%({…}%)\n")
    screen:key("C-l")
    screen:type("?block jobs\n")
    screen:shows("await_job")
    screen:key("C-l")
    screen:type("help backup\n")
    screen:matches('\nSee also:\n  recipe "Restore one file of a backup"\n')
    screen:key("C-l")
    screen:type("help \"snapshots of a disk\"\n")
    screen:matches("%a+[:.]%a+[^\n]*snapshot")
    screen:key("C-l")
    screen:type("?xyzzy plugh\n.nonesuch\n")
    screen:shows("Nothing about 'xyzzy plugh'. help() says what there is.")
    screen:shows("There is no .nonesuch; there are: .history [words], .help [topic], .quit, .exit")
  end)

  it("completes local variables of what is being typed", function()
    local screen <close> = start()
    screen:type("do\n")
    screen:type("local machine, other = host:guest('test'), 1\n")
    screen:type("for _, net in ipairs(host:networks()) do\n")
    local function completes(typed, expected)
      screen:type(typed)
      screen:key("Tab")
      screen:shows(">> " .. expected .. "\n")
      screen:key("C-u")
    end
    completes("machi", "machine")
    completes("machine:inject_n", "machine:inject_nmi")
    completes("net:ge", "net:get_")
    completes("local n = net n.uu", "local n = net n.uuid")
    completes("host:guests()[1]:inject_n", "host:guests()[1]:inject_nmi")
    screen:key("C-c")
    screen:matches("%^C\n>\n$")
    screen:type("local lost = 1\n")
    screen:shows("(lost was local to what was typed and is gone; without `local` it stays)")
  end)

  it("finds what was typed before", function()
    local screen <close> = start()
    screen:type("first = 'needle'\nsecond = 2\n.history NEEDLE\n")
    screen:matches("\n +%d+  first = 'needle'\n>\n$")
    screen:type(".history no such words\n")
    screen:shows("Nothing in the history has 'no such words'.")
  end)

  it("says how a watch is stopped", function()
    local screen <close> = start()
    screen:type("watch(host)\n")
    screen:shows("watching lifecycle of <Host test:///default>; unwatch() stops it\n>\n")
    screen:type("guest:pause()\n")
    screen:shows("\nlifecycle guest 'test' detail=paused type=suspended\n")
    screen:type("watch(guest, 'reboot', 'agent_lifecycle')\n")
    screen:matches("watching reboot, agent_lifecycle of <Guest")
    screen:type("unwatch()\n")
    screen:shows("2 watches ended")
    screen:key("C-l")
    screen:type("guest:resume() guestlua.sleep(0.1)\n'done'\n")
    assert.is_nil(screen:matches("\ndone\n>\n$"):find("lifecycle", 1, true))
  end)

  it("watches what is no guest, too", function()
    local screen <close> = start()
    screen:type("watch(nothing)\n")
    screen:matches("bad argument 'object' to 'watch' %(what has events expected.*\n>\n$")
    screen:type("net = host:network('default') watch(net)\n")
    screen:shows("watching network_lifecycle of <Network default>; unwatch() stops it\n>\n")
    screen:type("net:destroy()\n")
    screen:shows("\nnetwork_lifecycle network 'default' detail=0 type=stopped\n")
  end)

  it("completes", function()
    local screen <close> = start()
    local function completes(typed, expected)
      screen:type(typed)
      screen:key("Tab")
      screen:shows("> " .. expected .. "\n")
      screen:key("C-c")
      screen:matches("%^C\n>\n$")
      screen:key("C-l")
      screen:matches("^>\n$")
    end
    for typed, expected in pairs({
      ["guestl"] = "guestlua", -- globals
      ["guestlua.embedd"] = "guestlua.embedded",
      ["guest.uu"] = "guest.uuid", -- fields
      ["guest:thaw"] = "guest:thaw_filesystems", -- methods
      ["guestlua.open():gue"] = "guestlua.open():guest", -- of what a call returns
      ["guest:launch({ pau"] = "guest:launch({ pause=", -- option keys
      ["guest:launch{pau"] = "guest:launch{pause=",
      ["host:subscribe('lifec"] = "host:subscribe('lifecycle'", -- values
      ["guest:migrate('x', { flags = { 'tunn"] = "guest:migrate('x', { flags = { 'tunnelled'",
      ["for e in host:events{\"lifec"] = "for e in host:events{\"lifecycle\"",
      ["host:guest(\"te"] = "host:guest(\"test\"", -- what exists
      ["guest:get_block_device(\""] = "guest:get_block_device(\"vda\"",
      ["host:pool('defau"] = "host:pool('default-pool'",
      ["host:network('"] = "host:network('default'",
    }) do
      completes(typed, expected)
    end
    screen:type("guest:get_in")
    screen:key("Tab", "Tab")
    screen:matches("get_info +get_interface_by_mac")
  end)

  it("keeps a history from session to session", function()
    local first <close> = start()
    first:type("one = 1\nfor i = 1, 1 do\nend\n")
    first:matches(">> end\n>\n$")
    first:key("C-d")
    assert.equal(0, first:exit_code())
    local second <close> = start()
    second:key("Up")
    second:shows("> for i = 1, 1 do\nend\n")
    second:key("Up")
    second:matches("> one = 1\n$")
    second:key("C-c")
    second:matches("%^C\n>\n$")
    second:key("C-r")
    second:type("for")
    second:matches("search%)`for': for i = 1, 1 do")
  end)

  it("keeps no secret in the history's file", function()
    local first <close> = start()
    first:type("pcall(guest.set_user_password, guest, 'root', 'hunter2pass')\n")
    first:matches("\ntrue\n>\n$")
    first:type("x = { password = 'hunter3pass' }\nlast = 'of all'\n")
    first:key("Up", "Up", "Up")
    first:matches("> pcall%(guest.set_user_password, guest, 'root', 'hunter2pass'%)\n$") -- it can be corrected
    first:key("C-c")
    first:matches("%^C\n>\n$")
    first:key("C-d")
    assert.equal(0, first:exit_code())
    local file <close> = assert(io.open(state .. "/guestlua/history"))
    local text = file:read("a")
    assert.is_nil(text:find("hunter", 1, true))
    assert.is_truthy(text:find("last = 'of all'", 1, true))
  end)

  it("takes back a line, a call and a computation at Ctrl-C", function()
    local screen <close> = start()
    screen:type("half a li")
    screen:matches("> half a li\n$")
    screen:key("C-c")
    screen:shows("> half a li^C\n>\n")
    screen:type("print('be' .. 'gun') guestlua.sleep(600)\n")
    screen:shows("\nbegun\n")
    screen:key("C-c")
    screen:matches("%^Cstdin:1: cancelled\n.*\n>\n$")
    screen:type("print('at ' .. 'work') coroutine.wrap(function() while true do local _ = {} end end)()\n")
    screen:shows("\nat work\n")
    screen:key("C-c")
    screen:matches("%^Cstdin:1: interrupted\n.*\n>\n$")
    screen:type("'still ' .. 'here'\n")
    screen:shows("\nstill here\n>\n")
  end)

  it("prints events and what tasks do above the line that is being typed", function()
    local screen <close> = start()
    screen:type("watch(host) spawn = guestlua.spawn\n")
    screen:type("task = spawn(function() guestlua.sleep(0.5) guest:poweroff() io.write('no end of line') guestlua.sleep(0.5) error('oops') end)\n")
    screen:type("half a li")
    local text = screen:matches("\n%[1%] failed: stdin:1: oops\n> half a li\n$")
    assert.matches("\nlifecycle guest 'test' detail=destroyed type=stopped\n", text)
    assert.matches("\nno end of line\n", text)
    screen:key("C-c")
    screen:matches("%^C\n>\n$")
    screen:type("spawn(guestlua.sleep, 0.1)\n")
    screen:matches("%[2%] running\n%[2%] done\n>\n$")
    screen:type("group = guestlua.group() for i = 1, 2 do group:spawn(function() guestlua.sleep(0.1) print('of the group') end) end\n")
    screen:matches("of the group\nof the group\n>\n$")
  end)

  it("shows progress, in a call and above the line", function()
    local screen <close> = start("")
    local seen = helper.scratch() -- it goes on until a file is there
    screen:type("function go(seen) local bar <close> = guestlua.progress('job', { total = 20 })\n")
    screen:type("repeat bar:update(7) guestlua.sleep(0.05) until io.open(seen) bar:update(20) end\n")
    screen:type(("go('%s/1')\n"):format(seen))
    screen:matches("\njob %[#+%-+%] +%d+ %%  %d+ of 20 B")
    helper.sh("touch %s/1", seen)
    screen:matches("\njob: done, 20 B in [^\n]*\n>\n$")
    screen:type(("task = guestlua.spawn(go, '%s/2')\nhalf a li"):format(seen))
    screen:matches("\njob %[#+%-+%] +%d+ %%  %d+ of 20 B[^\n]*\n> half a li\n$")
    helper.sh("touch %s/2", seen)
    screen:matches("\njob: done, 20 B in [^\n]*\n%[1%] done\n> half a li\n$")
  end)

  it("fits its line in a terminal of another size", function()
    local screen <close> = start()
    screen:type(("x"):rep(60))
    screen:shows("> " .. ("x"):rep(60) .. "\n")
    screen:resize(40, 24)
    guestlua.sleep(0.2)
    screen:key("C-a")
    screen:type("y")
    screen:shows("> y" .. ("x"):rep(37) .. "\n" .. ("x"):rep(23) .. "\n")
    screen:resize(100, 24)
    screen:shows("> y" .. ("x"):rep(60) .. "\n")
  end)

  it("helps", function()
    local screen <close> = start("-q", { columns = 80, lines = 60 })
    screen:type("help()\n")
    screen:shows("The manual:")
    screen:key("C-l")
    screen:type("help(guest.launch)\n")
    screen:matches("Guest:launch%({…}%)\nStarts the guest%.\nOptions:\n  pause %(boolean%)")
    screen:type("help(guestlua.embedded)\n")
    screen:shows("guestlua.embedded(dir)")
    screen:key("C-l")
    screen:type("help \"block jobs\"\n")
    screen:matches("Block jobs\n.*disk:await_job%(%)")
    screen:key("C-l")
    screen:type("help \"thaw the guest\"\n")
    screen:matches("Guest:freeze_filesystems: ")
  end)

  it("ends at SIGTERM, and leaves the terminal as it was", function()
    local screen <close> = screens.start("sh -c " .. helper.quoted(helper.interpreter .. " -q; echo code $?; stty -a"),
      { env = { XDG_STATE_HOME = state } })
    screen:matches("^>\n$")
    local pipe <close> = assert(io.popen("pgrep -P " .. screen:pid()))
    os.execute("kill -TERM " .. pipe:read("n"))
    screen:matches("\ncode 143\n.* icanon .* echo ")
  end)

  it("cancels a long commit and aborts its job at Ctrl-C", function()
    local boot = [[package.path = "./?.lua;" .. package.path
      machine = require("spec.support.tiny").boot()
      local overlay = { name = "vda", snapshot = "external", source = { file = machine.dir .. "/overlay" } }
      machine.guest:snapshot(guestlua.element("domainsnapshot", { disks = { disk = overlay } }), { disk_only = true, no_metadata = true })
      machine:sh("dd if=/dev/urandom of=/data/x bs=1M count=16 2>/dev/null; sync")
      disk = machine.guest:get_block_device("vda")]]
    local screen <close> = screens.start(("%s -e %s -i -q"):format(helper.interpreter, helper.quoted(boot)), { env = { XDG_STATE_HOME = state } })
    screen:matches("^>\n$")
    screen:type("disk:commit(nil, nil, { active = true, bandwidth = 1 }) disk:await_job{ on_progress = function(j) print(j.cur) end }\n")
    screen:matches("\n%d%d%d+\n") -- some has been written
    screen:key("C-c")
    screen:matches("%^C.*cancelled.*\n>\n$")
    screen:type("disk:get_job_info()\n")
    screen:matches("> disk:get_job_info%(%)\nnil\n>\n$")
    screen:type("getmetatable(machine).__close(machine)\n")
    screen:matches("__close%(machine%).*\n>\n$") -- with a warning: os.execute holds up the other tasks
    screen:key("C-d")
    assert.equal(0, screen:exit_code())
  end)

  it("reads standard input line by line where that is no terminal", function()
    local code, out, err = helper.guestlua("-i", "x =\n3\nx, 'text'\nerror('oops')\nguestlua.group{}:spawn(print, 'in a group'):wait()\n"
      .. "help 'Guest.launch'\nhelp('domifaddr')\n")
    assert.equal(0, code)
    assert.matches("^3\ttext\nin a group\nGuest:launch[^\n]*\nStarts the guest[^\n]+\n.*\nvirsh domifaddr\n", out)
    assert.matches("^stdin:1: oops\n", err)
  end)
end)
