-- guestlua --result: what programs that run scripts read.

local helper = require("spec.support.helper")
local json = require("dkjson")

local quoted = helper.quoted

describe("guestlua --result", function()
  local directory, path
  setup(function()
    directory = helper.scratch()
    path = directory .. "/result"
  end)

  local function read()
    local file <close> = assert(io.open(path))
    local text = file:read("a")
    return assert(json.decode(text)), text
  end

  -- Runs a script, and gives the document, the exit code and what was printed.
  local function run(script, options, arguments)
    os.remove(path)
    local file <close> = assert(io.open(directory .. "/script.lua", "w"))
    file:write(script)
    file:close()
    local code, out, err = helper.guestlua(("-c test:///default --result %s %s %s/script.lua %s"):format(path, options or "", directory,
      arguments or ""))
    local result, text = read()
    return result, code, out, err, text
  end

  it("has what the script returned, and that nothing was changed", function()
    local result, code = run([[
      local host <close> = guestlua.open()
      local loop = {}
      loop.loop = loop
      return 1, nil, { a = { 1, 2 }, [5] = "x", e = {}, g = host:guest("test") }, loop, 0 / 0, "\xff", print ~= nil]])
    assert.equal(0, code)
    assert.same({ "guestlua.result", 1, "finished", true, 0, false, false }, { result.schema, result.version, result.state, result.ok,
      result.exit_code, result.dry_run, result.changed })
    assert.equal(1, result.results[1])
    assert.is_nil(result.results[2])
    assert.same({ a = { 1, 2 }, ["5"] = "x", e = {}, g = "<Guest (closed)>" }, result.results[3])
    assert.same({ loop = "..." }, result.results[4])
    assert.matches("nan", result.results[5])
    assert.equal("\\xff", result.results[6])
    assert.is_true(result.results[7])
    assert.same({}, result.calls)
    assert.is_number(result.seconds)
    assert.matches("^%d+%-%d+%-%d+T", result.started)
  end)

  it("has the calls that changed something, and those that failed", function()
    local result = run([[
      local host <close> = guestlua.open()
      local guest = host:guest("test")
      guest:suspend()
      print(pcall(guest.launch, guest))
      guest:get_info()]])
    assert.is_true(result.ok and result.changed)
    assert.equal(2, #result.calls)
    local first, second = result.calls[1], result.calls[2]
    assert.same({ "virDomainSuspend", "suspend", "test:///default", "test", "done" },
      { first.call, first.op, first.host, first.guest, first.outcome })
    assert.is_number(first.duration_ms)
    assert.same({ "virDomainCreateWithFlags", "failed", "internal_error" }, { second.call, second.outcome, second.error })
    assert.is_string(second.message)
  end)

  it("has no change if all that was tried failed", function()
    local result, code = run([[
      local host <close> = guestlua.open()
      host:guest("test"):launch()]])
    assert.equal(1, code)
    assert.is_false(result.ok or result.changed)
    assert.same({ "internal_error", "launch", "virDomainCreateWithFlags", "test" },
      { result.error.kind, result.error.op, result.error.call, result.error.guest })
    assert.matches("launch", result.error.text)
    assert.is_nil(result.results)
  end)

  it("goes by what a workflow says of itself", function()
    local result, code, _, err = run([[
      local host <close> = guestlua.open()
      return guestlua.workflow.ensure_running(host:guest("test"))]])
    assert.equal(0, code, err)
    assert.is_false(result.changed)
    assert.same({ "ensure_running", "test", true, false },
      { result.workflows[1].workflow, result.workflows[1].guest, result.workflows[1].ok, result.workflows[1].changed })
    assert.same({}, result.calls) -- the mark of a run that is over is none
    result = run([[
      local host <close> = guestlua.open()
      host:guest("test"):poweroff()
      guestlua.workflow.ensure_running(host:guest("test"))
      return guestlua.workflow.ensure_running(host:guest("test")).changed]])
    assert.is_true(result.changed)
    assert.is_false(result.results[1])
    assert.same({ true, false }, { result.workflows[1].changed, result.workflows[2].changed })
    assert.equal("running", result.workflows[1].result.how ~= nil and "running")
    assert.same({ nil, "ensure_running" }, { result.calls[1].workflow, result.calls[2].workflow })
  end)

  it("has a workflow that failed, although the script went on", function()
    local result = run([[
      local host <close> = guestlua.open()
      local guest = host:guest("test")
      guest:poweroff()
      return pcall(guestlua.workflow.reboot, guest)]])
    assert.is_true(result.ok)
    assert.is_false(result.results[1])
    local failed = result.workflows[1]
    assert.same({ "reboot", false, false, "operation_invalid" }, { failed.workflow, failed.ok, failed.changed, failed.error.kind })
    assert.equal("reboot", failed.error.workflow)
    assert.is_string(failed.error.step)
  end)

  it("has each of the workflows that wait for one another on a guest, and what comes after them belongs to none", function()
    local result, code, _, err = run([[
      local host <close> = guestlua.open()
      local guest = host:guest("test")
      local begun = {}
      do
        local group <close> = guestlua.group()
        for i = 1, 3 do
          group:spawn(function()
            begun[#begun + 1] = "begins"
            guestlua.workflow.ensure_running(host:guest("test"), { wait = 60 })
            begun[#begun + 1] = "ends"
          end)
        end
        group:wait()
      end
      guest:poweroff()
      guestlua.workflow.ensure_running(guest)
      return table.concat(begun, " ")]])
    assert.equal(0, code, err)
    assert.equal("begins begins begins ends ends ends", result.results[1])
    local changed = {}
    for i, one in ipairs(result.workflows) do
      changed[i] = one.changed
    end
    assert.same({ false, false, false, true }, changed)
    assert.is_true(result.changed)
    assert.is_nil(result.calls[1].workflow)
    assert.equal("ensure_running", result.calls[2].workflow)
  end)

  it("has the files that are left", function()
    local lost = "11111111-2222-3333-4444-555555555555"
    local script = ([[
      local journals, lost, fail = arg[1], "%s", arg[2]
      guestlua.journal({ dir = journals })
      local host <close> = guestlua.open()
      local journal = require("guestlua.base.journal")
      local entry = journal.begin(journal.new_id(), "swap_volume", { name = "lost", uuid = lost, host = host }, lost .. ".lock")
      entry.fields.process = "1" -- which has ended
      entry:write({ step = "pivot", data = { target = "vda", made = true, file = { path = "/images/lost.qcow2" } } })
      guestlua.recover(host)
      assert(not fail, "no way")]]):format(lost)
    for _, fails in ipairs({ false, true }) do
      local result, code, _, err = run(script, "", ("%s/left%s"):format(directory, fails and " fail" or ""))
      assert.equal(fails and 1 or 0, code, err)
      assert.same({ "finished", not fails }, { result.state, result.ok })
      assert.equal("the guest is gone", result.recovered[1].outcome:match("^[^;]*"))
      assert.same({ { path = "/images/lost.qcow2", why = "the guest may have written to it", guest = "lost", workflow = "swap_volume" } },
        result.left)
      assert.matches(fails and "no way" or "^$", result.error and result.error.message or "")
    end
  end)

  it("has what a dry run would have changed", function()
    local result, code = run([[
      local host <close> = guestlua.open()
      host:guest("test"):suspend()]], "--dry-run")
    assert.equal(0, code)
    assert.is_true(result.dry_run and result.changed)
    assert.equal(1, #result.calls)
    assert.same({ "virDomainSuspend", "held" }, { result.calls[1].call, result.calls[1].outcome })
    result = run("local host <close> = guestlua.open() host:guests()", "--dry-run")
    assert.is_false(result.changed)
  end)

  it("has an error that is none of guestlua's, and one that is a table", function()
    local result, code = run("error('no way')")
    assert.equal(1, code)
    assert.equal("script", result.error.kind)
    assert.matches("no way", result.error.message)
    result = run("error({})")
    assert.equal("script", result.error.kind)
  end)

  it("is written before os.exit, and by a script that has to stop", function()
    local result, code = run("os.exit(7)")
    assert.same({ 7, 7, false, "finished" }, { code, result.exit_code, result.ok, result.state })
    result, code = run("os.exit(true, true)")
    assert.same({ 0, 0, true }, { code, result.exit_code, result.ok })
    result, code = run([[os.execute("kill -TERM " .. io.open("/proc/self/stat"):read("n")) guestlua.sleep(600)]])
    assert.equal(143, code)
    assert.same({ "interrupted", "finished" }, { result.error.kind, result.state })
  end)

  it("says that the script runs until it is over", function()
    local result = run([[return io.open(arg[1]):read("a")]], "", path)
    local before = assert(json.decode(result.results[1]))
    assert.same({ "running", false }, { before.state, before.ok })
    assert.is_nil(before.exit_code)
  end)

  it("shows no secret", function()
    local _, _, _, _, text = run([[
      local host <close> = guestlua.open()
      pcall(host.guest_password, host)
      local guest = host:guest("test")
      pcall(guest.set_user_password, guest, "root", "hunter2hunter2")
      error("it was hunter2hunter2")]])
    assert.is_nil(text:find("hunter2hunter2", 1, true))
    _, _, _, _, text = run([[return { password = "hunter2hunter2" }]])
    assert.is_nil(text:find("hunter2hunter2", 1, true))
  end)

  it("is the last line of the output if it is to be there", function()
    local code, out = helper.guestlua("-q --result - -e 'print(1)' -e 'print(2)'")
    assert.equal(0, code)
    local line = out:match("^1\n2\n(.*)\n$")
    assert.is_true(json.decode(line).ok)
  end)

  it("is of a subcommand, too", function()
    local code, _, err = helper.guestlua(("-c test:///default --result %s recover --journal %s/journal"):format(path, directory))
    assert.equal(0, code, err)
    assert.same({ true, 0 }, { read().ok, read().exit_code })
    assert.same({}, read().recovered)
  end)

  it("answers a file that cannot be written before anything is done", function()
    for _, file in ipairs({ "/dev/null/result", "/dev/stdout", directory .. "/" }) do
      local code, out, err = helper.guestlua(("--result %s -e 'print(1)'"):format(quoted(file)))
      assert.same({ 2, "" }, { code, out })
      assert.matches("^guestlua: .*\n$", err)
    end
  end)

  it("is not changed by what a script does to its own tables", function()
    local result = run([[
      local evil = setmetatable({ a = 1 }, { __pairs = error, __index = error, __tostring = error, __len = error })
      return evil]])
    assert.same({ a = 1 }, result.results[1])
  end)
end)
