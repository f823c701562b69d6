-- guestlua.run: what programs of this host get and give, that the other tasks go on, and that nothing of a program stays.

local guestlua = require("guestlua")
local helper = require("spec.support.helper")

local run = guestlua.run

local PATIENCE = 60

local function exists(path)
  local file <close> = io.open(path)
  return file ~= nil
end

local function read(path)
  local file <close> = assert(io.open(path))
  return file:read("a")
end

-- Runs lines of a shell script.
local function sh(script, options)
  options = options or {}
  options.args = { "-c", script }
  return run("sh", options)
end

-- Whether a process is there that has not ended: a zombie has.
local function lives(pid)
  local file <close> = io.open(("/proc/%s/stat"):format(pid))
  local state = file and (file:read("a") or ""):match("%) (%a)")
  return state ~= nil and state ~= "Z"
end

-- A script that says in the files of a directory which its processes are: its own and one that it started. Neither minds SIGTERM.
local function stubborn(directory)
  return ([[trap '' TERM; cd %s; echo printed; (echo $$ >shell; sh -c 'echo $$ >child; exec sleep 1000') & wait]]):format(directory)
end

-- The error of a script that was ended when its time was over, with that time: a longer one is tried if the script had not come as far as that.
local function ended(script, is_ready)
  for _, seconds in ipairs({ 2, 10, PATIENCE }) do
    local e = helper.failure(sh, script, { timeout = seconds })
    if e.output ~= "" and is_ready() then
      return e, seconds
    end
  end
  error("the script does not begin")
end

-- Whether a process has said in a file which it is.
local function is_written(path)
  return exists(path) and read(path):find("\n", 1, true) ~= nil
end

describe("guestlua.run", function()
  helper.leaves_nothing()

  it("gives the exit code and what was printed", function()
    assert.same({ 0, "", "" }, { run("true") })
    assert.same({ 3, "out\n", "err\n" }, { sh("echo out; echo err >&2; exit 3") })
    assert.same({ 128 + 9, "", "" }, { sh("kill -KILL $$") })
    assert.same({ 0, "a b|$HOME|\n", "" }, { run("sh", { args = { "-c", 'printf "%s|" "$@"; echo', "sh", "a b", "$HOME" } }) })
  end)

  it("has outputs that can be opened, and an input that need not be read", function()
    assert.same({ 0, "out\n", "err\n" }, { sh("echo out >/dev/stdout; echo err >/dev/stderr") })
    assert.same({ 0, "", "" }, { sh("cat") })
    assert.same({ 0, "", "" }, { run("true", { input = ("x"):rep(1 << 20) }) })
  end)

  it("passes on any byte, and more than a pipe holds", function()
    local bytes = {}
    for i = 0, 255 do
      bytes[#bytes + 1] = string.char(i)
    end
    local input = table.concat(bytes):rep(1 << 13)
    local code, output, errors = sh("tee /dev/stderr", { input = input })
    assert.is_true(code == 0 and output == input and errors == input)
  end)

  it("sets the directory and the environment", function()
    assert.equal("/\n", select(2, sh("pwd", { cwd = "/" })))
    assert.equal("b||\n", select(2, sh('echo "$GUESTLUA_A|$HOME|$GUESTLUA_B"', { env = { GUESTLUA_A = "b", HOME = false } })))
    assert.equal(os.getenv("PATH") .. "\n", select(2, sh("echo $PATH", { env = {} })))
    assert.equal(os.getenv("PATH") .. "\n", select(2, sh("echo $PATH")))
  end)

  it("lets the other tasks go on", function()
    local path = helper.scratch() .. "/go"
    local task = guestlua.spawn(sh, ("until [ -e %s ]; do sleep 0.01; done; echo went"):format(path), { timeout = PATIENCE })
    guestlua.sleep(0)
    assert(io.open(path, "w")):close()
    assert.same({ 0, "went\n", "" }, { task:wait() })
  end)

  it("waits for whoever has its outputs, and for nobody else", function()
    local late = "while kill -0 $$ 2>&-; do sleep 0.01; done; echo late" -- until the shell has ended and was collected
    assert.same({ 0, "early\nlate\n", "" }, { sh(("(%s) & echo early"):format(late), { timeout = PATIENCE }) })
    local _, pid = sh("sleep 600 >/dev/null 2>&1 & echo $!", { timeout = PATIENCE })
    assert.is_true(lives(tonumber(pid)))
    os.execute("kill " .. pid)
  end)

  -- Seen: what was left of one that had ended took the descriptor with its number from the loop, which was another's by then.
  it("sees the end of each program, whatever others end later", function()
    local directory = helper.scratch()
    local function awaits(name)
      return ("(echo $$ >%s/%s; until [ -e %s/%s.go ]; do sleep 0.01; done)"):format(directory, name, directory, name)
    end
    local function go(task, name)
      io.open(("%s/%s.go"):format(directory, name), "w"):close()
      assert.equal(0, (task:wait()))
    end
    local first = guestlua.spawn(sh, awaits("first") .. " & exit", { timeout = PATIENCE })
    helper.await(function()
      return is_written(directory .. "/first") and not exists("/proc/" .. read(directory .. "/first"):match("%d+"))
    end, "the first to be collected, while another process has its outputs")
    local others = {}
    for i = 1, 6 do -- one of them has that number
      others[i] = guestlua.spawn(sh, awaits(i), { timeout = PATIENCE })
      helper.await(function() return is_written(directory .. "/" .. i) end, "another one to begin")
    end
    go(first, "first")
    for i, other in ipairs(others) do
      go(other, i)
    end
  end)

  it("ends the program and what it started when its time is over, and gives what it had printed", function()
    local directory = helper.scratch()
    local e, seconds = ended(stubborn(directory), function() return is_written(directory .. "/shell") and is_written(directory .. "/child") end)
    assert.same({ "timeout", "run", "printed\n", "" }, { e.kind, e.op, e.output, e.errors })
    assert.equal(("run: 'sh' was not over after %d s, and was ended"):format(seconds), e.message)
    for _, name in ipairs({ "shell", "child" }) do
      local pid = read(directory .. "/" .. name):match("%d+")
      helper.await(function() return not lives(pid) end, name .. " is gone")
    end
  end)

  it("ends what is left of a program that is over itself when its time is over", function()
    local path = helper.scratch() .. "/child"
    local e = ended(("sh -c 'echo $$ >%s; exec sleep 1000' & echo printed"):format(path), function() return is_written(path) end)
    assert.same({ "timeout", "printed\n" }, { e.kind, e.output })
    local pid = read(path):match("%d+")
    helper.await(function() return not lives(pid) end, "the child is gone")
  end)

  it("lets the program end as it likes at SIGTERM", function()
    local path = helper.scratch() .. "/ready"
    local task = guestlua.spawn(sh, ("trap 'echo tidy >%s; exit' TERM; echo >%s; while :; do sleep 0.01; done"):format(path, path))
    helper.await(function() return exists(path) and read(path) == "\n" end, "the program is ready")
    task:cancel()
    assert.equal("cancelled", helper.failure(task.wait, task).kind)
    assert.equal("tidy\n", read(path))
  end)

  it("ends the program with its task, and before the task has ended", function()
    local directory = helper.scratch()
    local task = guestlua.spawn(sh, stubborn(directory))
    helper.await(function() return is_written(directory .. "/child") end, "the program is ready")
    task:cancel()
    assert.equal("cancelled", helper.failure(task.wait, task).kind)
    for _, name in ipairs({ "shell", "child" }) do
      local pid = read(directory .. "/" .. name):match("%d+")
      helper.await(function() return not lives(pid) end, name .. " is gone")
    end
  end)

  it("ends the program at once where the task is cancelled again", function()
    local directory = helper.scratch()
    local task = guestlua.spawn(sh, stubborn(directory))
    helper.await(function() return is_written(directory .. "/child") end, "the program is ready")
    task:cancel()
    guestlua.sleep(0)
    task:cancel()
    assert.equal("cancelled", helper.failure(task.wait, task).kind)
  end)

  it("ends the program where the script has to stop", function()
    local path = helper.scratch() .. "/pid"
    local code, out, err = helper.run(([[sh -c '%s -e "guestlua.run([=[sh]=], {args = {[=[-c]=], [=[echo \$\$ >%s; exec sleep 1000]=]}})" & ]]
      .. [[until [ -s %s ]; do sleep 0.01; done; kill -TERM $!; wait $!']]):format(helper.interpreter, path, path))
    assert.same({ 128 + 15, "" }, { code, out }, err)
    assert.is_false(lives(read(path):match("%d+")))
  end)

  it("leaves no process and no open file", function()
    local code, out, err = helper.guestlua("-", [[
      local function count(path)
        local pipe <close> = io.popen(path)
        return pipe:read("a")
      end
      guestlua.run("true")
      local stat = io.open("/proc/self/stat")
      local me = stat:read("n")
      stat:close()
      local fds = ("ls /proc/%d/fd | wc -l"):format(me)
      local before = count(fds)
      for i = 1, 50 do
        guestlua.run("true")
        pcall(guestlua.run, "/nonesuch")
        pcall(guestlua.run, "sleep", { args = { "1000" }, timeout = 0 })
        local task = guestlua.spawn(guestlua.run, "sleep", { args = { "1000" } })
        if i % 2 == 0 then guestlua.sleep(0) end
        task:cancel()
        pcall(task.wait, task)
      end
      local deadline, now = guestlua.now() + 30
      repeat -- what was killed is collected when the loop hears of it
        guestlua.sleep(0.01)
        collectgarbage()
        now = count(fds)
      until now == before or guestlua.now() > deadline
      print(now == before, count(("pgrep -P %d -x 'sleep|true|sh' -c"):format(me)))]])
    assert.same({ 0, "" }, { code, err })
    assert.matches("^true\t[01]\n", out) -- the shell that counts
  end)

  it("says what cannot be started", function()
    local e = helper.failure(run, "nonesuch")
    assert.same({ "system_error", "run", "run: 'nonesuch' cannot be started: no such file or directory" }, { e.kind, e.op, e.message })
    e = helper.failure(run, "true", { cwd = "/nonesuch" })
    assert.same({ "system_error", "run: 'true' cannot be started in '/nonesuch': no such file or directory" }, { e.kind, e.message })
    assert.matches("permission denied", helper.failure(run, "/etc/passwd").message)
  end)

  it("refuses bad arguments", function()
    local function refuses(argument, ...)
      local e = helper.failure(run, ...)
      assert.same({ "bad_argument", "run", argument }, { e.kind, e.op, e.argument })
    end
    refuses("program", "")
    refuses("args[2]", "true", { args = { "a", 2 } })
    refuses("args[1]", "true", { args = { "a\0b" } })
    refuses("args", "true", { args = { "a", x = "b" } })
    refuses("env", "true", { env = { "A=b" } })
    refuses("env", "true", { env = { ["A=b"] = "c" } })
    refuses("env.A", "true", { env = { A = true } })
    refuses("timeout", "true", { timeout = -1 })
    refuses("input", "true", { input = 1 })
  end)

  it("starts nothing in a dry run", function()
    local path = helper.scratch() .. "/made"
    local code, out, err = helper.guestlua("--dry-run -", ("print(pcall(guestlua.run, 'touch', { args = { %q } }))"):format(path))
    assert.equal(0, code, err)
    assert.matches("^false\t[^\n]*run: 'touch' is not started in a dry run", out)
    assert.is_false(exists(path))
  end)

  it("is not in a sandbox", function()
    local code, out, err = helper.guestlua("--sandbox -", "print(guestlua.run)")
    assert.same({ 0, "nil\n", "" }, { code, out, err })
  end)
end)

describe("os.execute and io.popen", function()
  it("say once that they hold up the other tasks", function()
    local code, out, err = helper.guestlua("-", [[
      guestlua.spawn(guestlua.sleep, 60)
      print(os.execute("exit 3"))
      local pipe <close> = io.popen("echo text")
      print(pipe:read())
      print(pcall(io.popen, nil))]])
    assert.equal(0, code)
    assert.matches("^nil\texit\t3\ntext\nfalse\t[^\n]*bad argument #1 to 'popen' ", out)
    assert.matches("^%S+ warning os%.execute holds up all tasks until its program is over; guestlua%.run does not\n$", err)
  end)

  it("say nothing where there is no other task", function()
    assert.same({ 0, "", "" }, { helper.guestlua("-", "os.execute('true') io.popen('true'):close()") })
  end)
end)
