local guestlua = require("guestlua")
local helper = require("spec.support.helper")

local function temporary(text)
  local path = os.tmpname()
  finally(function()
    os.remove(path)
  end)
  local file <close> = assert(io.open(path, "w"))
  file:write(text or "")
  return path
end

local function output(command)
  local pipe <close> = assert(io.popen(command))
  return pipe:read("a")
end

-- Runs a script in a terminal of that size. screen("text"): what is to be seen on it once that text is; screen.resize(columns, rows).
-- The script waits in step(name) until the spec has come to screen.go(name).
local function on_terminal(columns, rows, script)
  if not os.execute("command -v tmux >/dev/null") then
    pending("tmux is not installed")
  end
  local go = os.tmpname()
  local path = temporary(([[
    local function step(name)
      print("at " .. name)
      repeat
        guestlua.sleep(0.02)
        local file <close> = io.open(%q)
      until file and file:read("a"):find(name .. "\n", 1, true)
    end
  ]]):format(go) .. script)
  local tmux = ("env -u TMUX tmux -f /dev/null -L %s "):format(go:match("[^/]*$"))
  finally(function()
    os.execute(tmux .. "kill-server 2>/dev/null")
    os.remove(go)
  end)
  local command = ("LC_ALL=C.UTF-8 %s %s; echo over; sleep 600"):format(helper.interpreter, path)
  assert(os.execute(("LC_ALL=C.UTF-8 %s new-session -d -x %d -y %d %s"):format(tmux, columns, rows, helper.quoted(command))))
  return setmetatable({
    go = function(name)
      local file <close> = assert(io.open(go, "a"))
      file:write(name, "\n")
    end,
    resize = function(wide, high)
      assert(os.execute(("%s resize-window -x %d -y %d"):format(tmux, wide, high)))
    end,
  }, {
    __call = function(_, text)
      local deadline = guestlua.now() + 60
      repeat
        guestlua.sleep(0.05)
      until output(tmux .. "capture-pane -p"):find(text, 1, true) or guestlua.now() > deadline
      guestlua.sleep(0.2) -- it is drawn to its end
      return (output(tmux .. "capture-pane -p"):gsub("%s+$", ""))
    end,
  })
end

describe("Progress on a terminal", function()
  it("is a line with bar, per cent, bytes, rate and time left", function()
    local screen = on_terminal(80, 24, [[
      local bar = guestlua.progress("commit vda", { total = 4 << 30 })
      guestlua.sleep(1.5) -- after one second it may be 1.0 GiB/s
      bar:update(1 << 30)
      step("a")
      bar:done()
    ]])
    local line = screen("at a"):match("\n([^\n]*)$")
    local per_cent, of, rate, left = line:match("^commit vda %[#+%-+%]   (%d+) %%  (%S+ of %S+ GiB)  (%S+) MiB/s  (0:%d%d) left$")
    assert.same({ "25", "1.0 of 4.0 GiB" }, { per_cent, of }, line)
    assert.is_true(tonumber(rate) > 100 and tonumber(rate) <= 1024)
    assert.is_true(left >= "0:03")
    screen.go("a")
    assert.matches("^at a\ncommit vda: done, 1%.0 GiB in %d:%d%d, %S+ MiB/s\nover$", screen("over"))
  end)

  it("is several jobs at once, and never mixed up with what is printed", function()
    local screen = on_terminal(80, 24, [[
      local a = guestlua.progress("copy vda", { total = 100 })
      local b = guestlua.progress("copy vdb")
      for i = 1, 50 do
        a:update(i)
        b:update({ cur = i, end_ = 200 })
        print("printed " .. i)
        if i == 48 then
          io.write("begun, ")
          a:update(i)
          io.stdout:write("and ")
          io.stderr:write("ended\n")
          guestlua.log.warning("logged")
        end
        if i % 10 == 0 then guestlua.sleep(0.11) end
      end
      step("a")
      a:done()
      step("b")
      b:done()
    ]])
    local expected = {}
    for i = 31, 50 do
      expected[#expected + 1] = "printed " .. i
      if i == 48 then
        expected[#expected + 1] = "begun, and ended"
        expected[#expected + 1] = "TIME warning logged"
      end
    end
    expected[#expected + 1] = "at a"
    expected[#expected + 1] = "BAR copy vda 50"
    expected[#expected + 1] = "BAR copy vdb 25"
    local seen = {}
    for line in (screen("at a") .. "\n"):gmatch("(.-)\n") do
      seen[#seen + 1] = line:gsub("^(copy vd.) %[[#-]+%] +(%d+) %%  .*", "BAR %1 %2"):gsub("^20%S+Z", "TIME")
    end
    assert.same({ table.unpack(expected, #expected - #seen + 1) }, seen)
    assert.is_true(#seen > 15)
    screen.go("a")
    assert.matches("\nat a\ncopy vda: done, 50 B in [^\n]*\nat b\ncopy vdb %[[^\n]*left$", screen("at b"))
    screen.go("b")
    assert.matches("\nat b\ncopy vdb: done[^\n]*\nover$", screen("over"))
  end)

  it("says where an error stopped it, and the error follows", function()
    local screen = on_terminal(80, 24, [[
      local other = guestlua.progress("left open", { total = 10 })
      local bar <close> = guestlua.progress("copy vda", { total = 10 })
      bar:update(3)
      error("no space left", 0)
    ]])
    assert.matches("^copy vda: stopped after 0:0%d, at 30 %%, 3 of 10 B\nleft open %[.*\nguestlua: no space left\n.*over$", screen("over"))
  end)

  it("fits where the terminal gets narrow, and where it is too low for all", function()
    local screen = on_terminal(80, 24, [[
      local bars = {}
      for i = 1, 9 do
        bars[i] = guestlua.progress(("a label of many words %d é"):format(i), { total = 1 << 30 })
        bars[i]:update(1 << 20)
      end
      print(("wide "):rep(15))
      step("a")
      guestlua.sleep(0.2)
      bars[9]:update(1 << 29)
      step("b")
    ]])
    screen("at a")
    screen.resize(40, 8)
    screen.go("a")
    local lines = {}
    for line in (screen("at b") .. "\n"):gmatch("(.-)\n") do
      lines[#lines + 1] = line
      assert.is_true(utf8.len(line) <= 40)
    end
    assert.same({ "at b", "and 4 more" }, { lines[#lines - 6], lines[#lines] })
    for i = 1, 5 do
      assert.matches("^a label of m +0 %%  0%.0 of 1%.0 GiB", lines[#lines - 6 + i])
    end
    screen.go("b")
    screen("over")
  end)

  it("does not touch what goes elsewhere", function()
    local path = temporary()
    local screen = on_terminal(80, 24, ([[
      local bar = guestlua.progress("copy vda", { total = 10 })
      local file <close> = io.open(%q, "w")
      file:write("a", 1, "\n"):write("b\n")
      io.output(file)
      io.write("c", 2, "\n")
      io.output(io.stdout)
      print(select("#", print()), select(2, pcall(io.write, nil)))
      print(select(2, pcall(io.stdout.write, 1)))
      bar:done()
    ]]):format(path))
    local seen = screen("over")
    seen = seen:gsub("\n", "")
    assert.matches("^0 +bad argument #1 to 'write' %(string expected, got nil%)", seen)
    assert.matches("bad argument #1 to 'write' %(FILE%* expected, got number%)copy vda: done", seen)
    local file <close> = assert(io.open(path))
    assert.equal("a1\nb\nc2\n", file:read("a"))
  end)
end)

describe("Progress elsewhere", function()
  helper.leaves_nothing()

  local function run(script)
    local code, out, err = helper.guestlua("-", script)
    return err, out, code
  end

  it("is a line every few seconds, and one at the end", function()
    local err, out = run([[
      local bar <close> = guestlua.progress("copy vda")
      for i = 1, 30 do
        bar:update(i << 20, 60 << 20)
        guestlua.sleep(0.2)
      end
      print("printed")
    ]])
    local every = err:match("^copy vda: (%d+ %%, %S+ of 60.0 MiB, %S+ MiB/s, 0:%d%d left)\ncopy vda: done, 30.0 MiB in 0:0%d, %S+ MiB/s\n$")
    assert.is_truthy(every, err)
    assert.equal("printed\n", out)
  end)

  it("is nothing where it is turned off", function()
    assert.same({ "", "", 0 }, { run([[
      guestlua.Progress.configure({ quiet = true })
      local bar <close> = guestlua.progress("copy vda", { total = 3 })
      bar:update(1)
      bar:done()
    ]]) })
  end)

  it("leaves print and io.write as they are", function()
    local _, out = run([[
      local before = { print, io.write, io.stdout.write }
      guestlua.progress("x"):update(1)
      print(before[1] == print, before[2] == io.write, before[3] == io.stdout.write)
    ]])
    assert.equal("true\ttrue\ttrue\n", out)
  end)

  it("takes what get_job_info gives", function()
    local err = run([[
      local a <close> = guestlua.progress("disk")
      a:callback()({ cur = 1024, end_ = 4096 })
      local b <close> = guestlua.progress("guest")
      b:callback()({ data_processed = 2048, data_total = 4096 })
      error("x")
    ]])
    assert.matches("guest: stopped after 0:00, at 50 %%, 2.0 of 4.0 KiB\ndisk: stopped after 0:00, at 25 %%, 1.0 of 4.0 KiB\n", err)
  end)

  it("shows a real job", function()
    local machine <close> = require("spec.support.tiny").boot()
    local disk, last = machine.guest:get_block_device("vda"), nil
    disk:copy(guestlua.element("disk", { type = "file", source = { file = machine.dir .. "/copy" } }), { transient = true })
    local bar <close> = guestlua.progress("copy vda")
    local show = bar:callback()
    assert.equal("ready", disk:await_job({ timeout = 120, on_progress = function(info)
      show(info)
      last = info
    end }))
    assert.same({ last.cur, last.end_ }, { bar.current, bar.total })
    guestlua.Progress.configure({ quiet = true })
    bar:done()
    guestlua.Progress.configure({ quiet = false })
    disk:abort_job()
  end)

  it("answers bad input", function()
    local bar = guestlua.progress("x")
    for _, e in ipairs({
      helper.failure(guestlua.progress), helper.failure(guestlua.progress, "x", { of = 3 }), helper.failure(bar.update, bar),
      helper.failure(bar.update, bar, "1"), helper.failure(bar.update, bar, {}), helper.failure(bar.update, bar, 1, "2"),
      helper.failure(bar.update, {}, 1), helper.failure(guestlua.Progress.configure, { quiet = 1 }),
    }) do
      assert.equal("bad_argument", e.kind)
    end
  end)
end)
