-- guestlua top: rows for programs, and a screen.

local helper = require("spec.support.helper")
local json = require("dkjson")
local screen = require("spec.support.screen")
local usage = require("guestlua.host.usage")

describe("guestlua top", function()
  local directory, list
  setup(function()
    directory = helper.scratch()
    local function write(name, text)
      local file <close> = assert(io.open(directory .. "/" .. name, "w"))
      file:write(text)
    end
    local guest = "<domain type='test'><name>%s</name><memory>1024</memory><os><type>hvm</type></os></domain>"
    write("a.xml", "<node>" .. guest:format("web") .. guest:format("mail") .. "</node>")
    write("b.xml", "<node>" .. guest:format("db") .. "</node>")
    list = directory .. "/hosts"
    write("hosts", ("a test://%s/a.xml\nb test://%s/b.xml\n"):format(directory, directory))
    write("bad", ("a test://%s/a.xml\ngone test:///nonexistent.xml\n"):format(directory))
  end)

  local function answer(at, guests)
    return setmetatable(guests, { at = at, guests = true })
  end

  it("has rows of two answers", function()
    local function stats(n)
      return { state = { state = 1 }, cpu = { time = n * 500000000 }, balloon = { rss = 10, current = 20 },
        block = { count = 2, [0] = { name = "vda", rd = { bytes = 100 * n }, wr = { bytes = 7 * n } }, [1] = { name = "vdb", rd = { bytes = n } } },
        net = { count = 1, [0] = { name = "vnet0", rx = { bytes = n }, tx = { bytes = 2 * n } } } }
    end
    local before, now = { h = answer(0, { web = stats(1) }) }, { h = answer(2, { web = stats(3),
      new = { state = { state = 5 }, balloon = { current = 1 } } }) }
    local rows = usage.sort(usage.rows(before, now), "cpu")
    assert.same({ host = "h", guest = "web", state = "running", cpu_percent = 50.0, memory_bytes = 10240, read_bytes_per_second = 101.0,
      write_bytes_per_second = 7.0, receive_bytes_per_second = 1.0, transmit_bytes_per_second = 2.0 }, rows[1])
    assert.same({ host = "h", guest = "new", state = "shutoff" }, rows[2])
    assert.is_nil(usage.rows(nil, now)[1].cpu_percent)
    assert.equal("t,h,web,running,50.000,10240,101.000,7.000,1.000,2.000\r\n", usage.csv({ rows[1] }, "t"))
    assert.equal('t,h,"a,""b",,,,,,,\r\n', usage.csv({ { host = "h", guest = 'a,"b' } }, "t"))
    for _, line in ipairs(usage.lines({ rows[1], { host = ("x"):rep(99), guest = ("é"):rep(99) .. "\27[2J", state = "running" } }, 80, true)) do
      assert.is_true(utf8.len(line) <= 90)
      assert.is_nil(line:find("\27", 1, true))
    end
  end)

  it("prints a table once", function()
    local code, out, err = helper.guestlua(("top --once --delay 0 --sort name --hosts %s"):format(list))
    assert.equal(0, code, err)
    assert.matches("^HOST +GUEST +STATE +CPU%% +MEM +READ/s +WRIT/s +RX/s +TX/s\n", out)
    assert.matches("\nb +db +running [^\n]*\na +mail +running [^\n]*\na +web +running [^\n]*\n$", out)
    code, out = helper.guestlua(("top --once --delay 0 --filter eb --hosts %s"):format(list))
    assert.same({ 0, 2 }, { code, select(2, out:gsub("\n", "")) })
    assert.matches("\na +web ", out)
    code, out = helper.guestlua("-c test:///default top --once --delay 0")
    assert.equal(0, code)
    assert.matches("^GUEST .*\ntest +running ", out)
  end)

  it("prints CSV and JSON as often as it is asked to", function()
    local code, out = helper.guestlua(("top --csv --count 2 --delay 0.01 --hosts %s"):format(list))
    assert.equal(0, code)
    assert.matches("^time,host,guest,state,cpu_percent,", out)
    assert.equal(7, select(2, out:gsub("\r\n", "")))
    code, out = helper.guestlua(("top --json --count 2 --delay 0.01 --sort name --hosts %s"):format(list))
    assert.equal(0, code)
    local first = json.decode((out:match("^[^\n]+")))
    assert.same({ "db", "mail", "web" }, { first.guests[1].guest, first.guests[2].guest, first.guests[3].guest })
    assert.same({}, first.problems)
    assert.equal(2, select(2, out:gsub("\n", "")))
  end)

  it("names the hosts that do not answer, and shows the others", function()
    local code, out, err = helper.guestlua(("top --json --delay 0 --hosts %s/bad"):format(directory))
    assert.equal(1, code)
    local object = json.decode(out)
    assert.same({ 2, "gone" }, { #object.guests, object.problems[1].name })
    assert.matches("guestlua top: gone: ", err)
  end)

  it("refuses what it does not understand", function()
    for _, options in ipairs({ "--sort nonsense", "--csv --json", "--delay x", "operand" }) do
      assert.equal(2, (helper.guestlua("-c test:///default top " .. options)), options)
    end
  end)

  -- The program on a screen, if there is tmux.
  local function on_screen(options, columns, lines)
    if not os.execute("command -v tmux >/dev/null") then
      return pending("no tmux")
    end
    return screen.start(("%s top --delay 0.2 %s; echo over"):format(helper.interpreter, options), { columns = columns, lines = lines })
  end

  it("fills the screen, sorts by keys, follows its size, and leaves the terminal as it was", function()
    local view <close> = on_screen("--hosts " .. list, 100, 10)
    if not view then
      return
    end
    view:shows("by cpu")
    view:shows("web ")
    view:resize(60, 6)
    view:shows("GUEST")
    if package.searchpath("luv", package.cpath) then
      view:key("g")
      view:shows("by name")
      view:key("q")
    else
      view:key("C-c")
    end
    view:shows("over")
    assert.is_nil(view:text():find("by name", 1, true))
  end)

  it("filters by what is typed", function()
    local view <close> = package.searchpath("luv", package.cpath) and on_screen("--hosts " .. list, 100, 10)
    if not view then
      return
    end
    view:shows("3 guests")
    view:type("/ma")
    view:shows("1 of 3 guests   by cpu   filter: ma_")
    assert.is_nil(view:text():find("web ", 1, true))
    view:key("Right") -- no letter
    view:type("qx")
    view:shows("0 of 3 guests   by cpu   filter: maqx_")
    view:key("BSpace", "BSpace", "Enter")
    view:shows("1 of 3 guests   by cpu   filter: ma\n")
    view:key("g")
    view:shows("by name   filter: ma\n")
    view:key("Escape")
    view:shows("3 guests   by name\n")
    view:type("/é")
    view:shows("filter: é_")
    view:key("BSpace")
    view:shows("filter: _")
    view:key("C-c")
    view:shows("over")
  end)

  it("shows a host as soon as it can be reached", function()
    local late = directory .. "/late.xml"
    do
      local file <close> = assert(io.open(directory .. "/hosts.late", "w"))
      file:write(("a test://%s/a.xml\nlate test://%s\n"):format(directory, late))
    end
    local view <close> = on_screen(("--hosts %s/hosts.late"):format(directory), 100, 12)
    if not view then
      return
    end
    view:shows("late: ")
    view:shows("2 guests")
    assert(os.execute(("cp %s/b.xml %s.new && mv %s.new %s"):format(directory, late, late, late)))
    view:shows("3 guests")
    assert.is_nil(view:text():find("late: ", 1, true))
    view:key("C-c")
    view:shows("over")
  end)

  it("ends at a signal as everything does", function()
    local code, _, err = helper.run(("timeout --preserve-status -s INT 2 %s -c test:///default top --csv --count 1000 --delay 1"):format(
      helper.interpreter))
    assert.same({ 130, "guestlua: interrupted\n" }, { code, err })
  end)
end)
